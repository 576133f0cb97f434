"""Kills its parent, its group, everyone it may, and a process known by its number."""

import os
import signal

for kill, target in (
    (os.kill, int("@victim@")),
    (os.kill, -1),
    (os.killpg, 0),
    (os.kill, int("@worker@")),
    (os.kill, 1),
):
    try:
        kill(target, signal.SIGKILL)
    except OSError as error:
        last = error
raise last
