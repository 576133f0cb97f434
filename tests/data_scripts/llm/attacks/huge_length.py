"""Announces 4 GB, so that someone may reserve the memory."""

import os
import struct

os.write(3, struct.pack("<cI", b"P", 0xFFFFFFFF) + bytes(100))
os._exit(0)
