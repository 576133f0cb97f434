"""Sends a picture of four thousand million columns and no rows."""

import os
import struct

os.write(3, struct.pack("<cIII", b"P", 8, 0xFFFFFFFF, 0))
os._exit(0)
