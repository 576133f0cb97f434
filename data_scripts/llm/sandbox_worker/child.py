"""One script, in a process of its own: lock, run, send the pixels or the reason why there are none."""

import io
import os
import random
import sys
import types
from traceback import format_exception_only, walk_tb

import numpy as np

from . import locks
from .messages import PICTURE, Settings, out_of_memory, send, send_reason
from .pictures import Camera

SCRIPT_NAME = "script.py"
PRINTED_LENGTH = 200  # characters of what a script printed that are kept
RESULT = 3  # the descriptor of the pipe to the worker


class _Printed(io.TextIOBase):
    """Takes what a script prints and keeps the end of it."""

    def __init__(self) -> None:
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text = (self.text + text)[-PRINTED_LENGTH:]
        return len(text)


def run(script: bytes, null: int, result: int, settings: Settings, address_space: int, program: bytes | None) -> None:
    """Run a script and write one message to the pipe `result`. The caller ends the process afterwards.

    Args:
        script: Python source in UTF-8.
        null: descriptor of the null device, which becomes standard input, output and error.
        result: descriptor of the pipe to the worker; the only other one that stays open.
        address_space, program: for `locks.lock_child`.
    """
    for standard in range(RESULT):
        os.dup2(null, standard)
    os.dup2(result, RESULT)
    os.closerange(RESULT + 1, os.sysconf("SC_OPEN_MAX"))
    printed = _Printed()
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), printed, printed
    sys.argv = [SCRIPT_NAME]
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__file__ = SCRIPT_NAME
    random.seed(0)  # a script that draws at random without a seed of its own gives the same picture each time
    np.random.seed(0)
    camera = Camera(settings.max_pixels)
    camera.install()
    try:
        locks.lock_child(settings.timeout, address_space, program)
        try:
            exec(compile(script, SCRIPT_NAME, "exec"), main.__dict__)
        except SystemExit as ended:
            if ended.code not in (None, 0):
                raise
        picture = camera.picture()
    except BaseException as error:  # whatever a script raises is its reason
        send_reason(RESULT, _reason(error, settings))
        return
    if picture is None:
        send_reason(RESULT, "saved no figure" + (f"; it printed: {printed.text}" if printed.text.strip() else ""))
        return
    send(RESULT, PICTURE, *picture)


def _reason(error: BaseException, settings: Settings) -> str:
    """The last line of a traceback, and the script's line it came from."""
    if isinstance(error, MemoryError):
        return out_of_memory(settings)
    try:
        text = format_exception_only(error)[-1].strip()
    except BaseException:  # its class is the script's, and may do anything
        text = "raised an exception that cannot be shown"
    lines = [number for frame, number in walk_tb(error.__traceback__) if frame.f_code.co_filename == SCRIPT_NAME]
    if isinstance(error, SyntaxError) and error.filename == SCRIPT_NAME:
        lines.append(error.lineno)
    where = f" (line {lines[-1]})" if lines else ""
    forbidden = "tried something forbidden: " if isinstance(error, PermissionError) else ""
    return f"{forbidden}{text}{where}"
