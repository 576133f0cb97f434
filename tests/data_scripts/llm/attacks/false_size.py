"""Sends a picture that is smaller than its header says, so that the parent reads beyond it."""

import os
import struct

os.write(3, struct.pack("<cIII", b"P", 8 + 4, 100, 100) + bytes(4))
os._exit(0)
