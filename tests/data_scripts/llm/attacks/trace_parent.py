"""Attaches to its parent as a debugger, and reads and writes its memory."""

import ctypes
import os
import platform

libc = ctypes.CDLL(None, use_errno=True)
WORKER = int("@worker@")
ATTACH, SEIZE = 16, 0x4206
for request in (ATTACH, SEIZE):
    if libc.ptrace(request, WORKER, None, None) == 0:
        raise SystemExit("ESCAPED by ptrace")
READV, WRITEV = {"x86_64": (310, 311)}.get(platform.machine(), (270, 271))
for call in (READV, WRITEV):
    vector = (ctypes.c_uint64 * 2)(ctypes.addressof(ctypes.create_string_buffer(8)), 8)
    if (
        libc.syscall(ctypes.c_long(call), WORKER, vector, ctypes.c_long(1), vector, ctypes.c_long(1), ctypes.c_long(0))
        > 0
    ):
        raise SystemExit("ESCAPED into memory")
os.open(f"/proc/{WORKER}/mem", os.O_RDWR)
