"""Has the kernel send SIGKILL to another process when a pipe of its own becomes ready: F_SETOWN and F_SETSIG."""

import ctypes
import os
import signal

libc = ctypes.CDLL(None, use_errno=True)
F_SETFL, F_SETOWN, F_SETSIG, O_ASYNC = 4, 8, 10, 0o20000
done = 0
for descriptor in range(8):
    for target in (int("@victim@"), int("@worker@")):
        done |= not libc.fcntl(descriptor, F_SETOWN, target)
        done |= not libc.fcntl(descriptor, F_SETSIG, signal.SIGKILL)
        done |= not libc.fcntl(descriptor, F_SETFL, O_ASYNC | os.O_NONBLOCK)
        os.write(1, b"x")
raise SystemExit("ESCAPED" if done else os.strerror(ctypes.get_errno()))
