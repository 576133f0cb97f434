"""Shards: the same bytes with any number of workers and after a kill, finished ones made once, only those needed."""

import itertools
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from datasets import Features, Value

from data_scripts import shards
from data_scripts.shards import ShardFolder, ShardRows, Taken, build_split, fingerprint, missing_chunks

CONFIGS = ("plain", "doubled")
FEATURES = dict.fromkeys(CONFIGS, Features({"number": Value("int64")}))


def even_numbers(chunk: Sequence[int], *, log: Path, fail_from: int | None = None) -> ShardRows:
    """Keeps every other number; leaves a file per call, and may fail from some number on."""
    if fail_from is not None and chunk[0] >= fail_from:
        raise OSError("the disk is full")
    (log / f"{chunk[0]}-{os.getpid()}").touch()
    made = ShardRows.of(CONFIGS)
    for config, factor in zip(CONFIGS, (1, 2), strict=True):
        for n in chunk:
            made.add(
                config, {"number": factor * n} if n % 2 == 0 else None, Counter(odd=n % 2) if n % 2 else Counter()
            )
        made.measures[config] = [[n] for n in chunk]
    return made


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(shards, "SHARD_SIZE", 4)


@pytest.fixture
def log(tmp_path):
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


def build(folder: Path, log: Path, wanted: int, workers: int = 1, available: int = 40, fail_from: int | None = None):
    build_shard = partial(even_numbers, log=log, fail_from=fail_from)
    return build_split(
        shard_folder(folder), wanted, partial(from_position, range(available)), build_shard, workers, max_measures=6
    )


def from_position(items: range, start: int) -> Iterator[int]:
    return iter(items[start:])


def shard_folder(folder: Path) -> ShardFolder:
    return ShardFolder(folder, "train", FEATURES)


def paths(folder: Path, taken: Taken) -> list[Path]:
    return [shard_folder(folder).parquet(number, config) for number, _ in taken.shards for config in CONFIGS]


def numbers(folder: Path, taken: Taken, config: str = "plain") -> list[int]:
    tables = ((pq.read_table(shard_folder(folder).parquet(shard, config)), use) for shard, use in taken.shards)
    return [n for table, use in tables for n in table["number"].to_pylist()[:use]]


@pytest.mark.parametrize("workers", [1, 2])
def test_rows_in_order_up_to_the_number_wanted(workers, tmp_path, log):
    taken = build(tmp_path / "work", log, wanted=7, workers=workers)
    assert numbers(tmp_path / "work", taken) == [0, 2, 4, 6, 8, 10, 12]
    assert numbers(tmp_path / "work", taken, "doubled") == [0, 4, 8, 12, 16, 20, 24]
    assert [use for _, use in taken.shards] == [2, 2, 2, 1] and taken.rows == 7
    assert taken.dropped == {config: {"odd": 6} for config in CONFIGS}, "what comes after the last row is not counted"
    assert taken.measures == {config: [[n] for n in range(6)] for config in CONFIGS}


def test_the_source_may_hold_fewer(tmp_path, log):
    taken = build(tmp_path / "work", log, wanted=100, available=10)
    assert numbers(tmp_path / "work", taken) == [0, 2, 4, 6, 8] and taken.dropped["plain"] == {"odd": 5}


@pytest.mark.parametrize("workers", [1, 2])
def test_records_come_as_a_stream_that_is_read_no_further_than_needed(workers, tmp_path, log):
    seen: list[int] = []
    opened: list[int] = []

    def stream(start: int) -> Iterator[int]:
        opened.append(start)
        return (seen.append(n) or n for n in itertools.count(start))

    taken = build_split(shard_folder(tmp_path), 3, stream, partial(even_numbers, log=log), workers)
    assert numbers(tmp_path, taken) == [0, 2, 4] and len(seen) == 8 and opened == [0]
    build_split(shard_folder(tmp_path), 5, stream, partial(even_numbers, log=log), workers)
    assert opened == [0, 8] and seen[8:] == [8, 9, 10, 11], "finished shards were read again"


def test_every_second_shard_from_the_first_on(tmp_path, log):
    chunks = missing_chunks(shard_folder(tmp_path), partial(from_position, range(18)), step=2, first=1)
    assert list(chunks) == [(1, [4, 5, 6, 7]), (3, [12, 13, 14, 15])]
    build(tmp_path, log, wanted=100, available=10)
    again = missing_chunks(shard_folder(tmp_path), partial(from_position, range(10)))
    assert list(again) == [(0, []), (1, []), (2, [])]


def test_two_workers_write_the_same_bytes(tmp_path, log):
    one = build(tmp_path / "one", log, wanted=9)
    two = build(tmp_path / "two", log, wanted=9, workers=2)
    assert one == two
    first, second = paths(tmp_path / "one", one), paths(tmp_path / "two", two)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize("workers", [1, 2])
def test_no_shard_is_made_that_is_not_needed(workers, tmp_path, log):
    build(tmp_path / "work", log, wanted=2, workers=workers)
    assert len(list(log.iterdir())) == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_a_rerun_makes_only_what_is_missing(workers, tmp_path, log):
    with pytest.raises(OSError, match="the disk is full"):
        build(tmp_path / "work", log, wanted=12, workers=workers, fail_from=12)
    made = {path.name.split("-")[0] for path in log.iterdir()}
    assert "0" in made and "12" not in made
    taken = build(tmp_path / "work", log, wanted=12, workers=workers)
    starts = Counter(path.name.split("-")[0] for path in log.iterdir())
    assert set(starts.values()) == {1}, "a finished shard was made again"
    assert not list((tmp_path / "work").glob("*.part"))
    whole = build(tmp_path / "whole", log, wanted=12)
    made, undisturbed = paths(tmp_path / "work", taken), paths(tmp_path / "whole", whole)
    assert [path.read_bytes() for path in made] == [path.read_bytes() for path in undisturbed]


def test_a_shard_cut_short_is_made_again(tmp_path, log):
    folder = tmp_path / "work"
    build(folder, log, wanted=4)
    path = shard_folder(folder).parquet(1, "plain")
    whole = path.read_bytes()
    path.write_bytes(whole[:10])
    (folder / "train-000001.json").unlink()  # written last: without it the shard was not finished
    build(folder, log, wanted=4)
    assert path.read_bytes() == whole


def test_options_have_a_name_of_their_own():
    assert fingerprint({"a": 1, "b": "x"}) == fingerprint({"b": "x", "a": 1}) != fingerprint({"a": 2, "b": "x"})


def test_workers_end_when_their_build_was_killed(tmp_path, log):
    def killed() -> None:
        build_split(shard_folder(tmp_path / "work"), 12, partial(from_position, range(40)), partial(slow, log=log), 2)

    process = multiprocessing.get_context("fork").Process(target=killed)
    process.start()
    wait_for(lambda: len(list(log.iterdir())) == 2)
    workers = [int(path.name) for path in log.iterdir()]
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


def slow(chunk: Sequence[int], *, log: Path) -> ShardRows:
    (log / str(os.getpid())).touch()
    time.sleep(60)
    return even_numbers(chunk, log=log)


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
