"""Leaves a process behind that writes a file after the script is over."""

import os
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(0.2)
        open("@canary@/daemon", "w").close()
    os._exit(0)
time.sleep(1)
