"""Looks for a token in the environment: its own, that of its parents, and that of the first process."""

import os

found = dict(os.environ)
for process in ("self", os.getppid() if hasattr(os, "getppid") else 1, 1):
    try:
        with open(f"/proc/{process}/environ", "rb") as file:
            found[process] = file.read()
    except OSError as error:
        last = error
if "@token@" in str(found):
    raise SystemExit(f"LOOT {found}")
raise last
