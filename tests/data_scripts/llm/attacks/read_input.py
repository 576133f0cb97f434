"""Reads the scripts of others from the descriptors it may have inherited."""

import ctypes
import os

content = ctypes.create_string_buffer(100)
libc = ctypes.CDLL(None, use_errno=True)
for descriptor in range(64):
    if libc.read(descriptor, content, 100) > 0:
        raise SystemExit(f"ESCAPED {content.raw}")
raise SystemExit(os.strerror(ctypes.get_errno()))
