"""Sends a header of a picture that would take all memory, with as much data as fits."""

import os
import struct

os.write(3, struct.pack("<cIII", b"P", 8 + (1 << 20), 65535, 65535))
os.write(3, bytes(1 << 20))
os._exit(0)
