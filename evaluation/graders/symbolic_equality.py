"""Are two LaTeX expressions equal? math-verify decides, in a child process that can be killed.

math-verify and sympy can hang inside one C call (a power with a million digits), and the alarm signal math-verify uses
works in the main thread only. So the comparison runs in one long-lived child, which answers one JSON line per question
and is killed and replaced when it is late. Only the LaTeX reader is used: the plain-text one of math-verify ends in
Python's `eval`, the LaTeX one is a grammar.

Promises: an answer within `seconds` once the child is up, from any thread; what is late or cannot be read is unequal.
This file is also the child's program, therefore it imports nothing of the project.
"""

import atexit
import contextlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading

START_SECONDS = 120  # importing sympy takes half a second, on a crowded machine much more
MEMORY_BYTES = 4 * 1024**3


class _Child:
    """One math-verify process, and the thread that reads its answers: a deadline on a pipe, on every platform."""

    def __init__(self) -> None:
        self.pid_of_parent = os.getpid()
        # -P: the folder of this file stays off the child's import path, where its names could shadow others.
        self.process = subprocess.Popen(
            [sys.executable, "-P", os.path.abspath(__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.answers: queue.Queue[str] = queue.Queue()
        self.ready = False
        threading.Thread(target=self._read, daemon=True).start()

    def wait_until_ready(self) -> None:
        if not self.ready and self.receive(START_SECONDS) != "ready\n":
            self.close()
            raise RuntimeError("the math-verify process did not start: does `import math_verify` work?")
        self.ready = True

    def _read(self) -> None:
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put("")  # the process ended

    def receive(self, seconds: float) -> str | None:
        """Its next line, `""` if it ended, None if it is late."""
        try:
            return self.answers.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()


_lock = threading.Lock()
_child: _Child | None = None


def symbolically_equal(prediction: str, answer: str, tolerance: float | None = None, seconds: float = 1.2) -> bool:
    """Compare two LaTeX expressions without dollar signs.

    Args:
        prediction, answer: one expression each. The caller bounds their length.
        tolerance: relative difference up to which two numbers count as equal; None asks for equality.
        seconds: deadline, not counting the start of the child at the first call.

    Raises:
        RuntimeError: if the child cannot be started at all.
    """
    global _child
    with _lock:
        if _child is None or _child.pid_of_parent != os.getpid():  # after a fork the pipe belongs to the other process
            _child = _Child()
        _child.wait_until_ready()
        line = None
        try:
            _child.process.stdin.write(json.dumps([prediction, answer, tolerance]) + "\n")
            _child.process.stdin.flush()
            line = _child.receive(max(seconds, 0.0))
        except OSError:
            pass  # it died: the same as late
        finally:
            if not line:  # also after Ctrl-C: a late answer must not become that of the next question
                _child.close()
                _child = _Child()  # gets ready while the caller goes on
    return bool(line) and json.loads(line)


@atexit.register
def _stop() -> None:
    if _child is not None and _child.pid_of_parent == os.getpid():
        _child.close()


def _compare(prediction: str, answer: str, tolerance: float | None) -> bool:
    """The question itself, asked of math-verify. Runs in the child."""
    from math_verify import LatexExtractionConfig, parse, verify

    gold, guess = (
        parse(f"${text}$", [LatexExtractionConfig()], fallback_mode="no_fallback", parsing_timeout=None)
        for text in (answer, prediction)
    )
    if not gold or not guess:
        return False
    if verify(gold, guess, timeout_seconds=None):
        return True
    if tolerance is None:
        return False
    difference, size = abs((guess[0] - gold[0]).evalf()), abs(gold[0].evalf())
    return bool(difference.is_number and size.is_number and difference <= tolerance * size)


def _serve() -> None:
    """Answer questions from stdin until it closes, which it also does when the parent dies."""
    logging.disable(logging.CRITICAL)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (ImportError, ValueError, OSError):
        pass  # no such limit on this platform: the deadline still holds
    _compare("1", "\\frac{2}{2}", None)  # pays for the imports and for building the grammar
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            equal = _compare(*json.loads(line))
        except Exception:  # whatever sympy raises on garbage, garbage equals nothing
            equal = False
        print(json.dumps(bool(equal)), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C goes to the whole group: the parent speaks for both
        _serve()
