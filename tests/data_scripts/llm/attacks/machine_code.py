"""Puts machine code into memory and runs it: `return 42`, as a start."""

import ctypes
import mmap
import platform

CODE = {"x86_64": b"\xb8\x2a\x00\x00\x00\xc3", "aarch64": b"\x40\x05\x80\x52\xc0\x03\x5f\xd6"}[platform.machine()]
libc = ctypes.CDLL(None, use_errno=True)
writable = mmap.mmap(-1, 4096)
writable.write(CODE)
address = ctypes.addressof(ctypes.c_char.from_buffer(writable))
if libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(4096), 5):
    executable = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    executable.write(CODE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(executable))
raise SystemExit(f"ESCAPED {ctypes.CFUNCTYPE(ctypes.c_int)(address)()}")
