"""Sends data without end."""

import os

while True:
    os.write(3, bytes(1 << 20))
