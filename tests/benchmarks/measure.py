"""One measured call: its result, seconds and peak memory, in a process of its own.

Seconds on the clock say what a user waits on this machine; seconds of processor time say the same on a busy one.
"""

import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import psutil

SAMPLED_EVERY = 0.005  # seconds


class PeakMemory:
    """Resident memory of this process at its highest, above what it was when the watch began.

    A thread looks; it ends with the process, or by `stop`.
    """

    def __init__(self) -> None:
        self._process, self._done = psutil.Process(), threading.Event()
        self._before = self._peak = self._process.memory_info().rss
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        while not self._done.wait(SAMPLED_EVERY):
            self._peak = max(self._peak, self._process.memory_info().rss)

    @property
    def peak_mb(self) -> float:
        return (self._peak - self._before) / 2**20

    def stop(self) -> None:
        self._done.set()
        self._watcher.join()


@dataclass(frozen=True)
class Measured:
    result: object
    seconds: float
    cpu_seconds: float
    peak_mb: float  # resident memory at its highest above what it was at the start; mapped files count once touched


def measured(call: Callable[[], object]) -> Measured:
    """Run `call()` here and watch it."""
    memory = PeakMemory()
    started, cpu_started = time.perf_counter(), time.process_time()
    try:
        result = call()
    finally:
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        memory.stop()
    return Measured(result, seconds, cpu_seconds, memory.peak_mb)


def in_own_process(function: Callable, *args: object) -> object:
    """`function(*args)` in a fresh process, so that what ran before leaves no memory behind."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *args).result()
