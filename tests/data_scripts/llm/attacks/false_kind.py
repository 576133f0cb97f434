"""Speaks as the worker: says that the sandbox is ready and has no layers."""

import os
import struct

os.write(3, struct.pack("<cI", b"L", 2) + b"[]")
os._exit(0)
