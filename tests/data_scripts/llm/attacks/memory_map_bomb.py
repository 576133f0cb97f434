"""Takes memory behind Python's back: anonymous maps, shared memory and a memory file, each written to."""

import ctypes
import mmap

libc = ctypes.CDLL(None, use_errno=True)
for number in (319, 279):  # memfd_create on x86_64 and aarch64
    if libc.syscall(number, b"x", 0) >= 0:
        raise SystemExit("ESCAPED by a memory file")
hoard = []
try:
    while True:
        hoard.append(mmap.mmap(-1, 1 << 26))
        hoard[-1].write(b"x" * (1 << 26))
except OSError as error:
    raise MemoryError from error
