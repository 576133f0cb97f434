"""Asks the kernel for its less visited services: keys, BPF, performance events, page faults, memory, sockets."""

import ctypes
import os
import platform

libc = ctypes.CDLL(None, use_errno=True)
CALLS = {
    "x86_64": (250, 321, 298, 323, 319, 29, 41, 22, 53, 272, 135, 434, 438, 56, 435, 302, 157),
    "aarch64": (219, 280, 241, 282, 279, 194, 198, 59, 199, 97, 92, 434, 438, 220, 435, 261, 167),
}[platform.machine()]
PAGE = ctypes.create_string_buffer(4096)
allowed = [call for call in CALLS if libc.syscall(ctypes.c_long(call), PAGE, PAGE, 0, 0, 0) >= 0]
raise SystemExit(f"ESCAPED by {allowed}" if allowed else os.strerror(ctypes.get_errno()))
