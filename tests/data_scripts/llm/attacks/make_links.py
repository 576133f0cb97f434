"""Makes a symbolic link, a hard link, a folder and a pipe in a folder that everyone may write to."""

import os

errors = []
for make in (
    lambda: os.symlink("@secret@", "@canary@/soft"),
    lambda: os.link("@secret@", "@canary@/hard"),
    lambda: os.mkdir("@canary@/folder"),
    lambda: os.mkfifo("@canary@/pipe"),
    lambda: os.rename("@secret@", "@canary@/renamed"),
    lambda: os.chmod("@secret@", 0o600),
    lambda: os.unlink("@secret@"),
):
    try:
        make()
    except OSError as error:
        errors.append(error)
if errors:
    raise errors[0]
