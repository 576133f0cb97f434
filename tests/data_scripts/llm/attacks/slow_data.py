"""Sends a byte now and then, so that a reader who waits for the next one waits for ever."""

import os
import time

while True:
    os.write(3, b"P")
    time.sleep(0.05)
