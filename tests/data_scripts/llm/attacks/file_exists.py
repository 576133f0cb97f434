"""Asks which files exist, without opening any."""

import os

found = []
for ask in (os.path.exists, os.stat, os.listdir, os.readlink, lambda path: os.access(path, os.F_OK)):
    for path in ("@secret@", "/", "/proc/self/exe"):
        try:
            if ask(path):
                found.append(path)
        except OSError as error:
            last = error
if found:
    raise SystemExit(f"ESCAPED {found}")
raise last
