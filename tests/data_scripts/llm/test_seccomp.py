"""The seccomp filter of each architecture, run by a small interpreter of its instructions."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_scripts.llm.sandbox_worker import seccomp
from data_scripts.llm.sandbox_worker.seccomp import ALLOW, ALLOWED, ARCHITECTURES, EPERM, ERRNO, KILL, NOT_EXECUTABLE

MACHINES = sorted(ARCHITECTURES)
FORBIDDEN = {  # on x86_64 and aarch64: what would be the end of the sandbox
    "openat": (257, 56),
    "read": (0, 63),
    "socket": (41, 198),
    "clone": (56, 220),
    "clone3": (435, 435),
    "execve": (59, 221),
    "kill": (62, 129),
    "tgkill": (234, 131),
    "fcntl": (72, 25),
    "ptrace": (101, 117),
    "prctl": (157, 167),
    "prlimit64": (302, 261),
    "io_uring_setup": (425, 425),
    "memfd_create": (319, 279),
    "process_vm_writev": (311, 271),
    "unshare": (272, 97),
    "bpf": (321, 280),
}


def verdict(machine: str, number: int, third_argument: int = 0, audit: int | None = None) -> int:
    """What the kernel would decide about a call: the value the filter returns."""
    column, own_audit = ARCHITECTURES[machine]
    data = struct.pack("<IIQ6Q", number, own_audit if audit is None else audit, 0, 0, 0, third_argument, 0, 0, 0)
    program = list(struct.iter_unpack("HBBI", seccomp.assemble(machine)))
    at, loaded = 0, 0
    while True:
        code, if_true, if_false, value = program[at]
        at += 1
        if code == seccomp.RETURN:
            return value
        if code == seccomp.LOAD:
            (loaded,) = struct.unpack_from("<I", data, value)
        else:
            holds = {
                seccomp.EQUAL: loaded == value,
                seccomp.AT_LEAST: loaded >= value,
                seccomp.ANY_BIT: bool(loaded & value),
            }[code]
            at += if_true if holds else if_false


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_on_the_list_are_allowed(machine):
    for numbers in ALLOWED.values():
        assert verdict(machine, numbers[ARCHITECTURES[machine][0]]) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", FORBIDDEN)
def test_dangerous_calls_are_not(machine, name):
    assert verdict(machine, FORBIDDEN[name][ARCHITECTURES[machine][0]]) == ERRNO | EPERM


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(0, 0x3FFFFFFF), argument=st.integers(0, 2**64 - 1))
def test_only_calls_on_the_list_are_allowed(machine, number, argument):
    column = ARCHITECTURES[machine][0]
    memory = {numbers[column] for numbers in NOT_EXECUTABLE.values()}
    listed = {numbers[column] for numbers in ALLOWED.values()} | memory
    assert (verdict(machine, number, argument) == ALLOW) <= (number in listed)
    for call in memory:
        assert (verdict(machine, call, argument) == ALLOW) == (not argument & 4)


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(0, 2**32 - 1), audit=st.integers(0, 2**32 - 1))
def test_other_architectures_are_killed(machine, number, audit):
    if audit != ARCHITECTURES[machine][1]:
        assert verdict(machine, number, audit=audit) == KILL


@given(number=st.integers(0x40000000, 2**32 - 1))
def test_second_call_table_of_x86_is_closed(number):
    assert verdict("x86_64", number) == KILL
