"""The attack that the sandbox makes on itself before it takes a script: four things that no script may do.

The parent lays out a file to read, a folder to write to and a port to connect to, all open to anyone, runs the script
below against them, and believes the traces before it believes the script.
"""

import socket
import tempfile
from pathlib import Path

from .messages import PICTURE, one_line

SCRIPT = """
import os, socket
through = []

def attempt(name, action):
    try:
        action()
    except OSError:
        return
    through.append(name)

def fork():
    if os.fork() == 0:
        os._exit(0)

os.close(1)  # frees a descriptor, so that nothing fails for want of one
attempt("read a file", lambda: os.close(os.open({secret!r}, os.O_RDONLY)))
attempt("write a file", lambda: os.close(os.open({canary!r}, os.O_WRONLY | os.O_CREAT, 0o666)))
attempt("connect to a port", lambda: socket.create_connection(("127.0.0.1", {port}), timeout=1).close())
attempt("start a process", fork)
if through:
    raise SystemExit("a script could " + ", ".join(through))
import matplotlib.pyplot as plt
plt.figure(figsize=(1, 1))
plt.savefig("probe.png", dpi=20)
"""


class SelfAttack:
    """A context manager that holds the bait; `script` is what to run, `traces` judges what came of it."""

    def __enter__(self) -> "SelfAttack":
        self._folder = tempfile.TemporaryDirectory(prefix="mmgeo-bait-")
        folder = Path(self._folder.name)
        folder.chmod(0o777)  # what holds must be the locks, not the file modes
        secret, self._canary = folder / "secret", folder / "canary"
        secret.write_text("bait")
        secret.chmod(0o644)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        port = self._listener.getsockname()[1]
        self.script = SCRIPT.format(secret=str(secret), canary=str(self._canary), port=port).encode()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.close()
        self._folder.cleanup()

    def traces(self, kind: bytes, content: bytes) -> str:
        """What got through, or why the attack could not be made; empty if the sandbox held."""
        said = "" if kind == PICTURE else one_line(content)
        if self._canary.exists():
            return said or "a script could write a file and hide it"
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return said
        return said or "a script could connect to a port and hide it"
