"""What attack scripts go for, laid out in the open, and how one sees from outside whether they got it."""

import os
import re
import secrets
import socket
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ATTACKS = Path(__file__).parent / "attacks"
BENIGN = Path(__file__).parent / "benign"
NOBODY = 65534


def children() -> set[int]:
    """The living children of this process and their descendants in all, from /proc."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it ended meanwhile
            continue
        if state != "Z":
            parents[int(status.parent.name)] = int(parent)
    found, new = set(), {os.getpid()}
    while new := {pid for pid, parent in parents.items() if parent in new} - found:
        found |= new
    return found


@dataclass
class Bait:
    """Open to every user of this machine: if an attack fails, the sandbox stopped it and not a file mode."""

    folder: Path
    listener: socket.socket
    datagrams: socket.socket
    victim: subprocess.Popen  # a process of the user that the sandbox's scripts are
    token: str = field(default_factory=lambda: f"hf_{secrets.token_hex(12)}")  # in our environment as HF_TOKEN
    secret: str = field(default_factory=lambda: f"hf_{secrets.token_hex(12)}")  # in a file

    def prepared(self, name: str, worker: int) -> str:
        """The text of an attack, told where everything is."""
        places = {
            "secret": self.folder / "secret",
            "canary": self.folder / "canary",
            "planted": self.folder / "planted",
            "token": self.token,
            "port": self.listener.getsockname()[1],
            "victim": self.victim.pid,
            "worker": worker,
        }
        text = (ATTACKS / f"{name}.py").read_text(encoding="utf-8")
        return re.sub(r"@(\w+)@", lambda match: str(places[match[1]]), text)

    def taken(self, said: str) -> list[str]:
        """Which bait is gone, given all that a script said."""
        found = [goal for goal in (self.token, self.secret, "ESCAPED") if goal in said]
        found += [str(path) for path in (self.folder / "canary").iterdir()]
        found += [str(path) for path in self._elsewhere() if path.exists()]
        for name, content in (("secret", self.secret), ("planted/planted.py", f"LOOT = 'LOOT {self.secret}'")):
            path = self.folder / name
            if not path.is_file() or path.read_text() != content or path.stat().st_mode & 0o777 != 0o666:
                found.append(f"{name} changed")
        with suppress(BlockingIOError):
            self.listener.accept()[0].close()
            found.append("connection")
        with suppress(BlockingIOError):
            found.append(f"datagram {self.datagrams.recv(10)}")
        if self.victim.poll() is not None:
            found.append("victim killed")
        return found

    def _elsewhere(self) -> list[Path]:
        """Where an attack may write besides the folder laid out for it."""
        name = f"mmgeo-attack-{self.listener.getsockname()[1]}"
        return [Path(folder, name) for folder in ("/tmp", "/dev/shm", "/var/tmp")]

    def tidy(self) -> None:
        """Take away what an attack left, when it was meant to succeed."""
        for path in [*(self.folder / "canary").iterdir(), *self._elsewhere()]:
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)
        self.taken("")


def lay_bait() -> Bait:
    """Bait in a new folder; `clear` it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="mmgeo-bait-"))
    for path in (folder, folder / "canary", folder / "planted"):
        path.mkdir(exist_ok=True)
        path.chmod(0o777)
    listener = socket.create_server(("127.0.0.1", 0))
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(listener.getsockname())
    for waiting in (listener, datagrams):
        waiting.setblocking(False)
    user = {"user": NOBODY} if os.geteuid() == 0 else {}
    bait = Bait(folder, listener, datagrams, subprocess.Popen(["sleep", "600"], **user))
    for name, content in (("secret", bait.secret), ("planted/planted.py", f"LOOT = 'LOOT {bait.secret}'")):
        (folder / name).write_text(content)
        (folder / name).chmod(0o666)
    return bait
