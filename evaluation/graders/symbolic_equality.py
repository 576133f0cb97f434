"""Are two LaTeX expressions equal? math-verify decides, in a child process that can be killed.

math-verify and sympy can hang inside one C call (a power with a million digits), and the alarm signal math-verify uses
works in the main thread only. So the comparison runs in a long-lived child, which answers one JSON line per question
and is killed when it is late; a second child stands by, so that nobody waits for a new one. Only the LaTeX reader is
used: the plain-text one of math-verify ends in Python's `eval`, the LaTeX one is a grammar.

Promises: an answer within a budget of processor time once a child is up, from any thread; what is late or cannot be
read is unequal. Processor time, not the clock, so that a busy machine changes no verdict; a child that gets none for
long is given up all the same.
This file is also the child's program, therefore it imports nothing of the project.
"""

import atexit
import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

SECONDS = 1.5  # of processor time for one verdict, of the two that it may take
HAS_TIMER = hasattr(signal, "setitimer")  # else the clock has to do
PATIENCE = 10 if HAS_TIMER else 1  # how many times its processor time a child is waited for
START_SECONDS = 120  # importing sympy takes half a second, on a crowded machine much more
WARM_UP = (("1", r"\frac{2}{2}"), (r"2\sqrt3", r"\sqrt{11}\pi"), ("(x+1)^2", "x^2+2x+1"), ("y=x", r"\sin(\pi/6)"))
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


@dataclass
class Budget:
    """The processor time that a verdict may still take, shared by all its questions."""

    seconds: float = SECONDS


_lock = threading.Lock()
_children: list[_Child] = []  # the one that is asked, and the one that stands by


def symbolically_equal(
    prediction: str,
    answer: str,
    tolerance: float | None = None,
    slack: float | None = None,
    budget: Budget | None = None,
) -> bool:
    """Compare two LaTeX expressions without dollar signs.

    Args:
        prediction, answer: one expression each. The caller bounds their length.
        tolerance: relative difference up to which two numbers count as equal; None asks for equality.
        slack: absolute difference up to which two numbers count as equal; None asks for equality.
        budget: what this may take, and is then less; a verdict's whole if None. The start of a child does not count.

    Raises:
        RuntimeError: if the child cannot be started at all.
    """
    return _ask("equal", [prediction, answer, tolerance, slack], budget)


def equal_when_rounded(prediction: str, answer: str, decimals: int, budget: Budget | None = None) -> bool:
    """Whether both expressions are numbers with the same value when rounded. Errors as `symbolically_equal`."""
    return _ask("rounded", [prediction, answer, decimals], budget)


def integer_multiples(prediction: str, answer: str, budget: Budget | None = None) -> bool:
    """Whether one expression is a whole multiple (not zero) of the other. Errors as `symbolically_equal`."""
    return _ask("multiples", [prediction, answer], budget)


def _ask(question: str, arguments: list, budget: Budget | None) -> bool:
    budget = budget or Budget()
    if budget.seconds <= 0:
        return False
    with _lock:
        if _children and _children[0].pid_of_parent != os.getpid():
            _children.clear()  # after a fork the pipes belong to the other process
        _children.extend(_Child() for _ in range(2 - len(_children)))
        child = _children[0]
        child.wait_until_ready()
        line = None
        try:
            child.process.stdin.write(json.dumps([budget.seconds, question, *arguments]) + "\n")
            child.process.stdin.flush()
            line = child.receive(budget.seconds * PATIENCE)
        except OSError:
            pass  # it died: the same as late
        finally:
            if not line:  # also after Ctrl-C: a late answer must not become that of the next question
                _children.remove(child)
                child.close()
                _children.append(_Child())  # gets ready while the other one is asked
    equal, taken = json.loads(line) if line else (False, budget.seconds)
    budget.seconds -= taken
    return equal


@atexit.register
def _stop() -> None:
    for child in _children:
        if child.pid_of_parent == os.getpid():
            child.close()


# What follows runs in the child.


def _parsed(text: str) -> list:
    """The readings of a LaTeX text, empty if it cannot be read."""
    from math_verify import LatexExtractionConfig, parse

    return parse(f"${text}$", [LatexExtractionConfig()], fallback_mode="no_fallback", parsing_timeout=None)


def _equal(prediction: str, answer: str, tolerance: float | None, slack: float | None) -> bool:
    from math_verify import verify

    gold, guess = _parsed(answer), _parsed(prediction)
    if not gold or not guess:
        return False
    if verify(gold, guess, timeout_seconds=None):
        return True
    if tolerance is None and slack is None:
        return False
    difference, size = abs((guess[0] - gold[0]).evalf()), abs(gold[0].evalf())
    return bool(difference.is_number and difference <= max((tolerance or 0) * size, slack or 0))


def _rounded(prediction: str, answer: str, decimals: int) -> bool:
    guess, gold = _parsed(prediction), _parsed(answer)
    return bool(guess and gold) and round(float(guess[0].evalf()), decimals) == round(float(gold[0].evalf()), decimals)


def _multiples(prediction: str, answer: str) -> bool:
    from sympy import simplify

    guess, gold = _parsed(prediction), _parsed(answer)
    ratios = (simplify(guess[0] / gold[0]), simplify(gold[0] / guess[0])) if guess and gold else ()
    return any(ratio.is_Integer and ratio != 0 for ratio in ratios)


_QUESTIONS = {"equal": _equal, "rounded": _rounded, "multiples": _multiples}


def _serve() -> None:
    """Answer questions from stdin until it closes, which it also does when the parent dies."""
    logging.disable(logging.CRITICAL)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (ImportError, ValueError, OSError):
        pass  # no such limit on this platform: the deadline still holds
    for prediction, answer in WARM_UP:  # pays for the imports, for building the grammar, and for sympy's caches
        with contextlib.suppress(Exception):
            _equal(prediction, answer, 0.01, None)
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.process_time()
        try:
            seconds, question, *arguments = json.loads(line)
            if HAS_TIMER:
                signal.setitimer(signal.ITIMER_PROF, seconds)  # nobody handles its signal, so it ends the process
            equal = _QUESTIONS[question](*arguments)
        except Exception:  # whatever sympy raises on garbage, garbage equals nothing
            equal = False
        if HAS_TIMER:
            signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps([bool(equal), time.process_time() - start]), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C goes to the whole group: the parent speaks for both
        _serve()
