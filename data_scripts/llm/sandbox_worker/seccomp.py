"""A seccomp filter in classic BPF: the few system calls that drawing a figure takes, and no other.

The list is what CPython, numpy and matplotlib need once everything is imported and the fonts are in memory: memory,
time, signals to oneself, and writing to what is already open. There is no call in it that opens, stats or maps a file,
makes a process, a thread, a socket or a pipe, or reaches another process. `fcntl` is left out because F_SETOWN with
F_SETSIG sends signals; memory can never be made executable.

Numbers: Linux, arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h. Semantics: seccomp(2).
"""

import ctypes
import os
import platform
import struct
import sys

from . import prctl

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column below, AUDIT_ARCH of linux/audit.h
ALLOWED = {
    "write": (1, 64),
    "close": (3, 57),
    "munmap": (11, 215),
    "brk": (12, 214),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "futex": (202, 98),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "sched_yield": (24, 124),
    "gettimeofday": (96, 169),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "getrandom": (318, 278),
    "getcwd": (79, 17),  # "/", which os.path.abspath(__file__) wants to know
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "sysinfo": (99, 179),  # glibc's qsort asks for the size of memory
    "exit": (60, 93),
    "exit_group": (231, 94),
}
NOT_EXECUTABLE = {"mmap": (9, 222), "mprotect": (10, 226)}  # allowed unless their third argument has PROT_EXEC
NO_TERMINAL = {"ioctl": (16, 29)}  # isatty() expects ENOTTY

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF instructions
NUMBER, ARCHITECTURE, THIRD_ARGUMENT = 0, 4, 32  # offsets in struct seccomp_data; the low word of a little-endian one
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOTTY = 1, 25
X32_BIT, PROT_EXEC = 0x40000000, 4
SET_SECCOMP, MODE_FILTER, EFAULT = 22, 2, 14


def architecture() -> str | None:
    """The name of this machine's system call table, or None where the filter has none for it."""
    machine = platform.machine()
    known = sys.platform == "linux" and machine in ARCHITECTURES and struct.calcsize("P") == 8
    return machine if known else None


def available() -> bool:
    """Does this kernel take filters? It answers a null filter with EFAULT if so, and with EINVAL if not."""
    return architecture() is not None and prctl.attempt(SET_SECCOMP, MODE_FILTER, None) == EFAULT


def assemble(machine: str) -> bytes:
    """The filter for a machine, as `struct sock_filter` instructions of 8 bytes each."""
    column, audit = ARCHITECTURES[machine]

    def op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("HBBI", code, if_true, if_false, value)

    program = [op(LOAD, ARCHITECTURE), op(EQUAL, audit, 1), op(RETURN, KILL), op(LOAD, NUMBER)]
    if machine == "x86_64":  # its second table of numbers, x32, is closed
        program += [op(AT_LEAST, X32_BIT, 0, 1), op(RETURN, KILL)]
    for numbers in ALLOWED.values():
        program += [op(EQUAL, numbers[column], 0, 1), op(RETURN, ALLOW)]
    for numbers in NOT_EXECUTABLE.values():
        program += [op(EQUAL, numbers[column], 0, 4), op(LOAD, THIRD_ARGUMENT), op(ANY_BIT, PROT_EXEC, 0, 1)]
        program += [op(RETURN, ERRNO | EPERM), op(RETURN, ALLOW)]
    for numbers in NO_TERMINAL.values():
        program += [op(EQUAL, numbers[column], 0, 1), op(RETURN, ERRNO | ENOTTY)]
    return b"".join([*program, op(RETURN, ERRNO | EPERM)])


class _Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def install(program: bytes) -> None:
    """Filter this process and its children from now on; there is no way back.

    Raises:
        OSError: if the kernel refuses the filter.
    """
    instructions = ctypes.create_string_buffer(program, len(program))
    structure = _Program(len(program) // 8, ctypes.cast(instructions, ctypes.c_void_p))
    if failed := prctl.attempt(SET_SECCOMP, MODE_FILTER, ctypes.byref(structure)):
        raise OSError(failed, f"seccomp filter: {os.strerror(failed)}")
