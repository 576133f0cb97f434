"""Imports a module that lies in a folder everyone may write to, as source and as a C library."""

import ctypes
import importlib
import sys

sys.path.insert(0, "@planted@")
importlib.invalidate_caches()
try:
    ctypes.CDLL("@planted@/library.so")
except OSError:
    import planted

    raise SystemExit(planted.LOOT)  # noqa: B904
