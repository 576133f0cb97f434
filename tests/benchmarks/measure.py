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


@dataclass(frozen=True)
class Measured:
    result: object
    seconds: float
    cpu_seconds: float
    peak_mb: float  # resident memory at its highest above what it was at the start; mapped files count once touched


def measured(call: Callable[[], object]) -> Measured:
    """Run `call()` here and watch it."""
    process, done = psutil.Process(), threading.Event()
    before = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not done.wait(SAMPLED_EVERY):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started, cpu_started = time.perf_counter(), time.process_time()
    try:
        result = call()
    finally:
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        done.set()
        watcher.join()
    return Measured(result, seconds, cpu_seconds, (peak - before) / 2**20)


def in_own_process(function: Callable, *args: object) -> object:
    """`function(*args)` in a fresh process, so that what ran before leaves no memory behind."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *args).result()
