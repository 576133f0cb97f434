"""Writes a file into a folder that everyone may write to, then here, in /tmp and in shared memory."""

import os

errors = []
for folder in ("@canary@", ".", "/tmp", "/dev/shm", "/var/tmp"):
    try:
        with open(os.path.join(folder, "mmgeo-attack-@port@"), "w") as file:
            file.write("here")
    except OSError as error:
        errors.append(error)
if errors:
    raise errors[0]
