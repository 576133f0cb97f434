"""Opens, reads and makes files by system call numbers, past Python and its libraries."""

import ctypes
import os
import platform

libc = ctypes.CDLL(None, use_errno=True)
OPENAT, OPENAT2, OPEN_BY_HANDLE, READ = {"x86_64": (257, 437, 304, 0)}.get(platform.machine(), (56, 437, 265, 63))
AT_FDCWD = ctypes.c_long(-100)
for call, arguments in (
    (OPENAT, (AT_FDCWD, b"@secret@", 0)),
    (OPENAT2, (AT_FDCWD, b"@secret@", (ctypes.c_uint64 * 3)(), ctypes.c_long(24))),
    (OPEN_BY_HANDLE, (AT_FDCWD, (ctypes.c_uint32 * 8)(), 0)),
):
    descriptor = libc.syscall(ctypes.c_long(call), *arguments)
    if descriptor >= 0:
        content = ctypes.create_string_buffer(200)
        libc.syscall(ctypes.c_long(READ), descriptor, content, ctypes.c_long(200))
        raise SystemExit(f"LOOT {content.value.decode()}")
libc.syscall(ctypes.c_long(OPENAT), AT_FDCWD, b"@canary@/raw", os.O_CREAT | os.O_WRONLY, 0o666)
raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
