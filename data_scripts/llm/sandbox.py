"""Run plotting scripts that nobody has read, and get nothing but their pictures.

    python -m data_scripts.llm.sandbox SCRIPT.py --output O.png

Exits 0 with the picture written, or with one line that says why there is none. A script may import matplotlib, numpy
and the usual modules of the standard library; its last saved figure counts, or the current one if it saves none.

How (no single layer is trusted): a worker is started clean, with an environment of its own and no descriptor of
ours. It imports matplotlib, keeps the fonts in memory, gives up its rights and forks a child per script. The child has
limits on memory and time, and a seccomp filter under which nothing can be opened, started or connected. It sends raw
pixels; this process checks their number and encodes the PNG. No path, PNG or pickle of a script is ever read.

Required: Linux on x86_64 or aarch64 with seccomp filters, and a user other than root (root becomes nobody by itself).
Added where the kernel has them: Landlock, and namespaces without a network. At start the sandbox attacks itself and
refuses to work if anything gets through. `allow_unsafe_exec` goes on regardless, with a warning; limits still hold.
"""

import json
import logging
import math
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from PIL import Image
from trl import TrlParser

from ..cli import require_at_least, run_command
from ..png import encode_picture
from .sandbox_worker.messages import (
    HEAD,
    LENGTH,
    PICTURE,
    READY,
    REASON,
    SCRIPT_LENGTH,
    SIZE,
    Settings,
    content_limit,
    one_line,
    write_all,
)
from .sandbox_worker.probe import SelfAttack

logger = logging.getLogger(__name__)

WORKER = "data_scripts.llm.sandbox_worker.worker"
START_TIMEOUT = 120.0  # seconds for a worker to warm up, which takes one or two on an idle machine
GRACE = 5.0  # seconds after its time limit in which a worker must have answered for its script
PASSED_ON = ("LD_LIBRARY_PATH", "TMPDIR")  # of our environment: where libraries are found and temporary files go
ENVIRONMENT = {
    "PYTHONPATH": str(Path(__file__).parents[2]),
    "PYTHONHASHSEED": "0",  # the same script, the same picture
    "PYTHONUTF8": "1",
    "LANG": "C.UTF-8",
    "MPLBACKEND": "Agg",
    "MPL_IGNORE_SYSTEM_FONTS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class ScriptFailed(ValueError):
    """A script gave no picture; the message is one line that says why."""


class SandboxUnavailable(ValueError):
    """This machine cannot confine scripts; the message says which layer is missing and what to do."""


class _WorkerDied(Exception):
    """A worker ended, or did not answer in time."""


class _Worker:
    """The parent's end of one worker process; one script at a time, and a new process after a death."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.layers: tuple[str, ...] = ()
        self._process: subprocess.Popen | None = None
        self._busy = threading.Lock()
        self._closed = False

    def launch(self) -> None:
        """Start the process without waiting for it."""
        # -P and -s with an environment of our own are what -I does, which would also ignore PYTHONHASHSEED
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-B", "-m", WORKER, json.dumps(self.settings.as_dict())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT | {name: os.environ[name] for name in PASSED_ON if name in os.environ},
            cwd="/",
            start_new_session=True,  # a Ctrl-C in the terminal is ours to handle
            bufsize=0,
        )

    def make_ready(self) -> None:
        """Wait until the process is locked, and attack it.

        Raises:
            SandboxUnavailable: if a required layer is missing or the attack gets through, unless that is allowed.
        """
        try:
            kind, content = self._receive(START_TIMEOUT)
            if kind != READY:
                raise SandboxUnavailable(f"the sandbox cannot run scripts here: {one_line(content)}")
            self.layers = tuple(json.loads(content))
            with SelfAttack() as attack:
                through = attack.traces(*self._ask(attack.script))
        except _WorkerDied as died:
            raise SandboxUnavailable(f"the sandbox did not start: its worker {died}") from None
        if through and not self.settings.allow_unsafe_exec:
            raise SandboxUnavailable(f"the sandbox failed its own attack: {through}; no script was run")
        if through:
            logger.warning("scripts run unconfined, as allow_unsafe_exec asks: %s", through)

    def run(self, script: bytes) -> tuple[bytes, bytes]:
        """Kind and content of the worker's answer to a script.

        Raises:
            ScriptFailed: if the worker died over it; the next call starts another.
            SandboxUnavailable: if the worker had died and no other can be started.
        """
        with self._busy:
            if self._closed:
                raise RuntimeError("the sandbox was closed while a script waited for it")
            try:
                if self._process is None or self._process.poll() is not None:
                    self._discard()
                    self.launch()
                    self.make_ready()
                return self._ask(script)
            except _WorkerDied as died:
                self._discard()
                raise ScriptFailed(f"took the worker with it, which {died}") from None
            except SandboxUnavailable:
                self._discard()
                raise

    def close(self) -> None:
        """End the process now, even in the middle of a script."""
        self._closed = True
        if (process := self._process) is not None:
            _kill(process)
        with self._busy:
            self._discard()

    def _discard(self) -> None:
        if self._process is not None:
            self._process.stdin.close()  # at which it ends by itself, should we lack the right to kill it
            _kill(self._process)
            self._process.wait()
            self._process.stdout.close()
            self._process = None

    def _ask(self, script: bytes) -> tuple[bytes, bytes]:
        try:
            write_all(self._process.stdin.fileno(), LENGTH.pack(len(script)), script)
        except BrokenPipeError:
            raise _WorkerDied("died") from None
        return self._receive(self.settings.timeout + GRACE)

    def _receive(self, seconds: float) -> tuple[bytes, bytes]:
        deadline = time.monotonic() + seconds
        kind, length = HEAD.unpack(self._read(HEAD.size, deadline))
        if length > content_limit(self.settings.max_pixels):
            raise _WorkerDied(f"announced {length} bytes")
        return kind, self._read(length, deadline)

    def _read(self, length: int, deadline: float) -> bytes:
        """Exactly this many bytes of what the worker writes."""
        pipe = self._process.stdout.fileno()
        ready = select.poll()
        ready.register(pipe, select.POLLIN)
        content = bytearray()
        while len(content) < length:
            if not ready.poll(max(0, 1000 * (deadline - time.monotonic()))):
                raise _WorkerDied("did not answer")
            part = os.read(pipe, length - len(content))
            if not part:
                raise _WorkerDied("died")
            content += part
        return bytes(content)


def _kill(process: subprocess.Popen) -> None:
    """Kill a worker and whatever it started."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


class Sandbox:
    """Warm workers that turn scripts into PNG files; a context manager whose `render` many threads may share.

    Args:
        num_workers: scripts that run at a time.
        timeout: seconds a script may run.
        memory_mb: MiB a script may take beyond what Python with matplotlib holds.
        max_pixels: width times height of a picture.
        allow_unsafe_exec: run scripts even where this machine cannot confine them.

    Entering raises SandboxUnavailable where scripts cannot be confined.
    """

    def __init__(
        self,
        num_workers: int = 1,
        timeout: float = 10.0,
        memory_mb: int = 512,
        max_pixels: int = 4096 * 4096,
        allow_unsafe_exec: bool = False,
    ) -> None:
        if num_workers < 1:
            raise ValueError(f"num_workers must be at least 1, not {num_workers}")
        self._settings = Settings(timeout, memory_mb, max_pixels, allow_unsafe_exec)
        self._workers = [_Worker(self._settings) for _ in range(num_workers)]
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._open = False

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that hold on this machine, once the sandbox is entered."""
        return self._workers[0].layers

    def __enter__(self) -> Self:
        if not hasattr(os, "fork"):
            raise SandboxUnavailable("the sandbox needs fork(), which this system lacks: use Linux")
        try:
            for worker in self._workers:  # all warm up at the same time
                worker.launch()
            for worker in self._workers:
                worker.make_ready()
                self._idle.put(worker)
        except BaseException:
            self.close()
            raise
        self._open = True
        logger.info("sandbox layers: %s", ", ".join(self.layers))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the workers and whatever still runs in them."""
        self._open = False
        for worker in self._workers:
            worker.close()

    def render(self, script: str) -> bytes:
        """The picture that a script draws, as PNG (RGB, on white).

        Raises:
            ScriptFailed: if it draws none, breaks, or tries what it must not.
            SandboxUnavailable: if a worker had died and no other could be started.
        """
        if not self._open:
            raise RuntimeError("render() needs the sandbox to be entered: use `with Sandbox() as sandbox`")
        source = script.encode("utf-8", "replace")
        if len(source) > SCRIPT_LENGTH:
            raise ScriptFailed(f"is {len(source)} bytes long; at most {SCRIPT_LENGTH} are run")
        worker = self._idle.get()
        try:
            kind, content = worker.run(source)
        finally:
            self._idle.put(worker)
        if kind != PICTURE:
            raise ScriptFailed(
                one_line(content) if kind == REASON and content.strip() else "sent a message of no kind"
            )
        return _encode(content, self._settings.max_pixels)


def _encode(content: bytes, max_pixels: int) -> bytes:
    """The PNG of a child's pixels, which may be anything.

    Raises:
        ScriptFailed: if their number is not what their size says, or is beyond the cap.
    """
    width, height = SIZE.unpack_from(content) if len(content) >= SIZE.size else (0, 0)
    if not 0 < width * height <= max_pixels:
        raise ScriptFailed(
            f"sent a picture of {width} x {height} pixels; at least 1 and at most {max_pixels} are taken"
        )
    if len(content) != SIZE.size + 4 * width * height:
        raise ScriptFailed(f"sent {len(content)} bytes, which is not a picture of {width} x {height} pixels")
    image = Image.frombuffer("RGBA", (width, height), content[SIZE.size :], "raw", "RGBA", 0, 1)
    if image.getextrema()[3] != (255, 255):
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return encode_picture(image.convert("RGB"))


@dataclass
class SandboxArguments:
    """Where the picture goes and what the script may use."""

    output: str = field(metadata={"help": "PNG file to write."})
    timeout: float = field(default=10.0, metadata={"help": "Seconds the script may run."})
    memory_mb: int = field(default=512, metadata={"help": "MiB it may take beyond what matplotlib itself holds."})
    max_pixels: int = field(default=4096 * 4096, metadata={"help": "Width times height of the picture, at most."})
    allow_unsafe_exec: bool = field(
        default=False, metadata={"help": "Run the script even where this machine cannot confine it."}
    )

    def __post_init__(self) -> None:
        require_at_least(self, memory_mb=1, max_pixels=1)
        if not (self.timeout > 0 and math.isfinite(self.timeout)):
            raise ValueError(f"--timeout must be a number of seconds above 0, not {self.timeout}")


def write_picture(png: bytes, path: Path) -> None:
    """Write in one step: whoever reads the path sees nothing, the old file, or the whole new one.

    Raises:
        ValueError: if it cannot be written there.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(png)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ValueError(f"cannot write {path}: {error.strerror}") from None


def main() -> None:
    parser = TrlParser(SandboxArguments, description=__doc__.split("\n\n")[0])
    parser.add_argument("script", metavar="SCRIPT.py", help="Python script that draws one matplotlib figure.")
    args, named = parser.parse_args_and_config()
    output = Path(args.output)
    try:
        script = Path(named.script).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read {named.script}: {getattr(error, 'strerror', None) or error}") from None
    with Sandbox(1, args.timeout, args.memory_mb, args.max_pixels, args.allow_unsafe_exec) as sandbox:
        try:
            png = sandbox.render(script)
        except ScriptFailed as failed:
            raise ScriptFailed(f"{named.script}: {failed}") from None
    write_picture(png, output)


if __name__ == "__main__":
    run_command(main)
