"""The two calls of libc through which a process asks the kernel to restrict it."""

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)  # the libc that this Python already runs on


def attempt(option: int, *arguments: object) -> int:
    """prctl(2) with this option: 0, or the errno with which it failed."""
    padded = [*arguments, 0, 0, 0, 0][:4]
    words = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in padded]
    return ctypes.get_errno() if _libc.prctl(ctypes.c_int(option), *words) else 0


def call(number: int, *arguments: object) -> int:
    """syscall(2) for calls that libc does not name.

    Raises:
        OSError: with the errno, if the call fails.
    """
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = _libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def unshare(flags: int) -> bool:
    """Leave these namespaces for new ones; False where that is not allowed."""
    return not _libc.unshare(ctypes.c_int(flags))


def drop_capabilities() -> None:
    """Give up every capability, those too that a new user namespace has just granted (capset(2)).

    Raises:
        OSError: if the kernel refuses.
    """
    version_3_of_self = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if _libc.capset(version_3_of_self, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
