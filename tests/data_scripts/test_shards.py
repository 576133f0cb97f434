"""Shards: the same bytes with any number of workers and after a kill, finished ones made once, only those needed."""

import os
from collections import Counter
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from datasets import Features, Value

from data_scripts import shards
from data_scripts.shards import ShardFolder, build_split, fingerprint, remove_work

FEATURES = Features({"number": Value("int64")})


def even_numbers(figures: range, *, log: Path, fail_from: int | None = None) -> tuple[list[dict], Counter]:
    """Keeps every other figure; leaves a file per call, and may fail from some figure on."""
    if fail_from is not None and figures.start >= fail_from:
        raise OSError("the disk is full")
    (log / f"{figures.start}-{os.getpid()}").touch()
    rows = [{"number": n} for n in figures if n % 2 == 0]
    return rows, Counter(odd=len(figures) - len(rows))


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(shards, "SHARD_SIZE", 4)


@pytest.fixture
def log(tmp_path):
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


def build(folder: Path, log: Path, wanted: int, workers: int = 1, available: int = 40, fail_from: int | None = None):
    build_shard = partial(even_numbers, log=log, fail_from=fail_from)
    return build_split(ShardFolder(folder, "train", FEATURES), wanted, available, build_shard, workers)


def numbers(taken: list) -> list[int]:
    return [n for path, use in taken for n in pq.read_table(path)["number"].to_pylist()[:use]]


@pytest.mark.parametrize("workers", [1, 2])
def test_rows_in_order_up_to_the_number_wanted(workers, tmp_path, log):
    taken, dropped = build(tmp_path / "work", log, wanted=7, workers=workers)
    assert numbers(taken) == [0, 2, 4, 6, 8, 10, 12]
    assert [use for _, use in taken] == [2, 2, 2, 1]
    assert dropped == {"odd": 8}


def test_the_source_may_hold_fewer(tmp_path, log):
    taken, dropped = build(tmp_path / "work", log, wanted=100, available=10)
    assert numbers(taken) == [0, 2, 4, 6, 8] and dropped == {"odd": 5}


def test_two_workers_write_the_same_bytes(tmp_path, log):
    one, _ = build(tmp_path / "one", log, wanted=9)
    two, _ = build(tmp_path / "two", log, wanted=9, workers=2)
    assert [path.read_bytes() for path, _ in one] == [path.read_bytes() for path, _ in two]


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
    taken, _ = build(tmp_path / "work", log, wanted=12, workers=workers)
    starts = Counter(path.name.split("-")[0] for path in log.iterdir())
    assert set(starts.values()) == {1}, "a finished shard was made again"
    assert not list((tmp_path / "work").glob("*.part"))
    whole, _ = build(tmp_path / "whole", log, wanted=12)
    assert [path.read_bytes() for path, _ in taken] == [path.read_bytes() for path, _ in whole]


def test_a_shard_cut_short_is_made_again(tmp_path, log):
    folder = tmp_path / "work"
    taken, _ = build(folder, log, wanted=4)
    path = taken[1][0]
    whole = path.read_bytes()
    path.write_bytes(whole[:10])
    path.with_suffix(".json").unlink()  # written last: without it the shard was not finished
    build(folder, log, wanted=4)
    assert path.read_bytes() == whole


def test_options_have_a_name_of_their_own():
    assert fingerprint({"a": 1, "b": "x"}) == fingerprint({"b": "x", "a": 1}) != fingerprint({"a": 2, "b": "x"})


def test_work_is_removed_even_if_it_is_gone(tmp_path):
    (tmp_path / "work").mkdir()
    remove_work(tmp_path / "work")
    remove_work(tmp_path / "work")
    assert not (tmp_path / "work").exists()
