"""The messages between a script's child, its worker and the parent: one kind byte, a length, the content.

A child may send anything, so whoever reads checks the length before it believes it. Nothing here is evaluated,
unpickled or taken for a path.
"""

import os
import struct
from dataclasses import asdict, dataclass

PICTURE, REASON, READY, UNAVAILABLE = b"P", b"R", b"L", b"U"
HEAD = struct.Struct("<cI")  # kind, length of the content in bytes
LENGTH = struct.Struct("<I")  # of a script in bytes, before the script
SIZE = struct.Struct("<II")  # a picture's width and height in pixels; its RGBA bytes follow
REASON_LENGTH = 400  # bytes of a reason; more says nothing more
SCRIPT_LENGTH = 1 << 20  # bytes of a script


@dataclass(frozen=True)
class Settings:
    """What the parent tells a worker when it starts it."""

    timeout: float  # seconds a script may run
    memory_mb: int  # MiB a script may take beyond what matplotlib itself holds
    max_pixels: int  # width times height of a picture
    allow_unsafe_exec: bool  # go on where a required layer is missing

    def as_dict(self) -> dict:
        return asdict(self)


def content_limit(max_pixels: int) -> int:
    """The most bytes that the content of an honest message has."""
    return max(SIZE.size + 4 * max_pixels, REASON_LENGTH)


def write_all(descriptor: int, *parts: bytes | memoryview) -> None:
    """Write every part whole; a pipe takes only some of a long one at a time."""
    for part in parts:
        rest = memoryview(part).cast("B")
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def send(descriptor: int, kind: bytes, *parts: bytes | memoryview) -> None:
    write_all(descriptor, HEAD.pack(kind, sum(memoryview(part).nbytes for part in parts)), *parts)


def send_reason(descriptor: int, reason: str, kind: bytes = REASON) -> None:
    send(descriptor, kind, reason.encode("utf-8", "replace")[:REASON_LENGTH])


def out_of_memory(settings: Settings) -> str:
    return f"used more than {settings.memory_mb} MB"


def one_line(content: bytes) -> str:
    """The printable characters of a reason, as one line."""
    text = " ".join(content[:REASON_LENGTH].decode("utf-8", "replace").split())
    return "".join(c if c.isprintable() else "?" for c in text)
