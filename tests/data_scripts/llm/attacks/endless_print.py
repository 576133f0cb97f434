"""Prints without end, through Python and straight to the descriptors."""

import os
import sys

while True:
    print("x" * 1000)
    sys.stderr.write("x" * 1000)
    os.write(1, b"x" * 1000)
    os.write(2, b"x" * 1000)
