"""Enters new namespaces, where it would be root, and mounts and changes roots there."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
NEW_USER, NEW_MOUNT = 0x10000000, 0x00020000
done = [
    libc.unshare(NEW_USER | NEW_MOUNT) == 0,
    libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0,
    libc.chroot(b"/tmp") == 0,
    libc.setns(3, 0) == 0,
    libc.setuid(0) == 0 and os.getuid() == 0,
]
raise SystemExit("ESCAPED" if any(done) else os.strerror(ctypes.get_errno()))
