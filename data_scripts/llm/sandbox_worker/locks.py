"""The layers around a script, from the outside in. Each alone has holes; seccomp, limits and a user without rights are
required, Landlock and namespaces are added where the kernel has them.

`lock_worker` holds for the worker and every child of it, `lock_child` for one script. Neither can be undone.

Sources: landlock(7), seccomp(2), unshare(2), setrlimit(2), prctl(2).
"""

import math
import os
import resource
import signal
import struct
import sys

from . import prctl, seccomp

NOBODY = 65534  # the user and group without rights, by convention
NEW_USER, NEW_NETWORK, NEW_IPC, NEW_HOSTNAME = 0x10000000, 0x40000000, 0x08000000, 0x04000000
SET_PARENT_DEATH_SIGNAL, SET_DUMPABLE, SET_NO_NEW_PRIVILEGES = 1, 4, 38
LANDLOCK_CREATE, LANDLOCK_RESTRICT, LANDLOCK_VERSION = 444, 446, 1
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # number of rights by Landlock version; 16 from version 5 on
UNSAFE = "pass --allow_unsafe_exec to run scripts unconfined"
TCP_RIGHTS, SCOPES = 0b11, 0b11  # bind and connect; abstract sockets and signals


class Missing(Exception):
    """A required layer that this machine lacks: which, and what to do."""


def require_layers() -> None:
    """Raises Missing where a script could not be confined at all."""
    if seccomp.architecture() is None:
        raise Missing(f"seccomp needs Linux on {' or '.join(seccomp.ARCHITECTURES)}; use such a machine, or {UNSAFE}")
    if not seccomp.available():
        raise Missing(f"this kernel or container takes no seccomp filter; use another, or {UNSAFE}")


def landlock_version() -> int:
    """0 where the kernel has no Landlock."""
    try:
        return prctl.call(LANDLOCK_CREATE, None, 0, LANDLOCK_VERSION)
    except OSError:
        return 0


def _landlock() -> str | None:
    """A rule set that handles every right and grants none: no path can be opened, no TCP port reached."""
    version = landlock_version()
    if not version:
        return None
    rights = [(1 << FILE_RIGHTS.get(version, 16)) - 1]
    rights += [TCP_RIGHTS] * (version >= 4) + [SCOPES] * (version >= 6)
    try:
        rules = prctl.call(LANDLOCK_CREATE, struct.pack(f"{len(rights)}Q", *rights), 8 * len(rights), 0)
        prctl.call(LANDLOCK_RESTRICT, rules, 0)
    except OSError:  # such as a container that forbids it
        return None
    os.close(rules)
    return f"Landlock {version}"


def _namespaces() -> str | None:
    """Own network (without devices), IPC and host name. Root needs no user namespace; others get in through one."""
    flags = NEW_NETWORK | NEW_IPC | NEW_HOSTNAME | (NEW_USER if os.geteuid() != 0 else 0)
    return "namespaces" if prctl.unshare(flags) else None


def _give_up_root() -> str:
    if os.geteuid() == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        except OSError as error:
            raise Missing(
                f"root cannot become user {NOBODY} here ({error.strerror}): run as a normal user, or {UNSAFE}"
            ) from None
    return "not root"


def lock_worker(allow_unsafe_exec: bool) -> tuple[str, ...]:
    """Lock this process as far as the machine allows and name the layers that hold.

    Raises:
        Missing: if a required layer is missing, unless `allow_unsafe_exec`.
    """
    layers = ["clean process", "resource limits", "time limit"]
    try:
        require_layers()
        layers.append("seccomp")
    except Missing:
        if not allow_unsafe_exec:
            raise
    if sys.platform != "linux":
        return tuple(layers)
    namespaces = _namespaces()
    try:
        layers.append(_give_up_root())
    except Missing:
        if not allow_unsafe_exec:
            raise
    prctl.drop_capabilities()
    prctl.attempt(SET_NO_NEW_PRIVILEGES, 1)
    prctl.attempt(SET_DUMPABLE, 0)  # no other process of this user may trace it or read its memory
    layers += [layer for layer in (namespaces, _landlock()) if layer]
    return tuple(layers)


def die_with_parent(parent: int) -> None:
    """Let the kernel kill this child when its worker dies."""
    if sys.platform == "linux":
        prctl.attempt(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call
            os._exit(1)


def lock_child(timeout: float, address_space: int, program: bytes | None) -> None:
    """Limits for one script, then the filter after which nothing can be opened.

    Args:
        timeout: seconds; the worker kills by the clock, this limit on processor time only helps it.
        address_space: bytes in all, of which matplotlib itself holds a part.
        program: the assembled seccomp filter, or None on a machine without seccomp (unsafe).

    Raises:
        OSError: if a limit or the filter is refused; the script must not run then.
    """
    seconds = math.ceil(timeout) + 1
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 4,  # those that are open: 0 to 2 on /dev/null, 3 to the worker
        resource.RLIMIT_NPROC: 0,
    }
    if sys.platform == "linux":
        limits[resource.RLIMIT_AS] = address_space
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    if program is not None:
        seccomp.install(program)
