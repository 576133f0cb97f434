"""The warm process that forks one child per script. It never runs a script itself.

Started by `data_scripts.llm.sandbox` with a clean environment and its settings as JSON, never by hand. Reads scripts
from standard input, each with its length before it, and answers with messages on standard output; ends when its input
ends.
"""

import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from . import locks, seccomp
from .messages import (
    HEAD,
    LENGTH,
    READY,
    UNAVAILABLE,
    Settings,
    content_limit,
    out_of_memory,
    send,
    send_reason,
    write_all,
)

DESCRIPTORS = 64  # the worker itself needs six
DYING = 1.0  # seconds that a child has to die by itself after its pipe closed, so that the cause is known
OUT_OF_MEMORY = 77  # the exit status of a child that could not even say so
CHUNK = 1 << 20

# What a script can import: this, and what matplotlib and numpy import themselves. Nothing can be loaded afterwards.
MODULES = {
    "": "argparse bisect cmath collections copy csv ctypes dataclasses datetime decimal enum fractions functools heapq"
    " inspect io itertools json locale logging math mmap numbers operator os pathlib pickle platform pprint random re"
    " shutil signal socket statistics string struct subprocess sys tempfile textwrap threading time traceback types"
    " typing unicodedata uuid warnings _strptime",
    "encodings.": "ascii cp1252 idna latin_1 utf_16_be utf_16_le",
    "matplotlib.": "animation backends.backend_agg collections image lines patheffects patches path pylab pyplot"
    " spines table text ticker transforms widgets",
    "mpl_toolkits.": "axes_grid1 axisartist mplot3d mplot3d.art3d mplot3d.proj3d",
    "numpy.": "fft linalg ma polynomial random",
}


def _warm_up() -> Callable[..., None]:
    """Import and draw whatever scripts may need, and return what runs one.

    Matplotlib is imported here and not above, so that it finds an empty configuration folder, gone afterwards, and
    reads nobody's settings.
    """
    with tempfile.TemporaryDirectory(prefix="mmgeo-sandbox-") as folder:
        os.environ["MPLCONFIGDIR"] = folder
        for room, names in MODULES.items():
            for name in names.split():
                importlib.import_module(room + name)
        from . import child, fonts

        fonts.keep_fonts_in_memory()
        fonts.draw_everything_once()
    os.environ.clear()
    return child.run


def _read(length: int) -> bytes:
    """Exactly this many bytes of standard input; ends the process when its parent is gone."""
    content = b""
    while len(content) < length:
        part = os.read(0, length - len(content))
        if not part:
            os._exit(0)
        content += part
    return content


def _receive(result: int, pid: int, settings: Settings) -> tuple[bytearray, str | None]:
    """What a child sends, up to the length of an honest message, and why we stopped reading early, if we did."""
    deadline = time.monotonic() + settings.timeout
    limit = HEAD.size + content_limit(settings.max_pixels)
    ready = select.poll()
    ready.register(result, select.POLLIN)
    ready.register(0, 0)  # only reported when the parent is gone
    message = bytearray()
    while (left := deadline - time.monotonic()) > 0:
        for descriptor, _ in ready.poll(left * 1000):
            if descriptor == 0:
                _kill(pid)
                os._exit(0)
            part = os.read(result, CHUNK)
            if not part:
                return message, None
            message += part
            if len(message) > limit:
                return message, "sent more than a picture holds"
    return message, f"ran longer than {settings.timeout:g} s"


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _end(pid: int, wait: float) -> int:
    """Kill a child unless it dies within `wait` seconds; its wait status."""
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.001)
    _kill(pid)
    return os.waitpid(pid, 0)[1]


def _death(status: int, settings: Settings) -> str:
    """Why a child ended without a whole message."""
    if not os.WIFSIGNALED(status):
        return out_of_memory(settings) if os.WEXITSTATUS(status) == OUT_OF_MEMORY else "ended before it saved a figure"
    number = os.WTERMSIG(status)
    if number == signal.SIGSYS:
        return "tried something forbidden: a system call of another architecture"
    return f"crashed ({signal.Signals(number).name})"


def serve(run_script: Callable[..., None], settings: Settings, null: int, *confinement: object) -> None:
    """Run the scripts that come in, one after the other; the arguments are those of `child.run`."""
    while True:
        script = _read(*LENGTH.unpack(_read(LENGTH.size)))
        result, to_worker = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                os.setpgid(0, 0)
                locks.die_with_parent(parent)
                run_script(script, null, to_worker, settings, *confinement)
            except MemoryError:  # nothing left even for saying so
                os._exit(OUT_OF_MEMORY)
            finally:
                os._exit(0)
        os.close(to_worker)
        message, stopped = _receive(result, pid, settings)
        os.close(result)
        whole = len(message) >= HEAD.size and len(message) == HEAD.size + HEAD.unpack_from(message)[1]
        status = _end(pid, 0 if stopped or whole else DYING)
        if whole and not stopped:
            write_all(1, message)  # the parent judges what it says
        else:
            send_reason(
                1,
                stopped or ("sent a message of another length than it says" if message else _death(status, settings)),
            )


def main() -> None:
    """Warm up, lock, report the layers, serve."""
    settings = Settings(**json.loads(sys.argv[1]))
    try:
        run_script = _warm_up()
        null = os.open(os.devnull, os.O_RDWR)
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if _linux() else 0
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        layers = locks.lock_worker(settings.allow_unsafe_exec)
        program = seccomp.assemble(seccomp.architecture()) if "seccomp" in layers else None
    except locks.Missing as error:
        send_reason(1, str(error), UNAVAILABLE)
        return
    except Exception as error:  # of the machine, such as no room for temporary files: the parent says it
        send_reason(1, f"the worker cannot start: {type(error).__name__}: {error}", UNAVAILABLE)
        return
    gc.collect()
    gc.freeze()  # what is loaded stays shared between the children
    send(1, READY, json.dumps(layers).encode())
    serve(run_script, settings, null, held + (settings.memory_mb << 20), program)


def _linux() -> bool:
    return sys.platform == "linux"


if __name__ == "__main__":
    main()
