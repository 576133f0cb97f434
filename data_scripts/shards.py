"""Build rows in numbered shards: in parallel, resumable, the same bytes whatever the number of workers.

A shard holds the rows of one chunk of the source: so many figure numbers, or records, one after the other. It is
written to a temporary name and renamed when complete, so an interrupted build keeps every finished shard and a rerun
makes only the missing ones. Options that change the rows change the work folder's name. `assemble` makes the data set
out of finished shards.
"""

import gc
import hashlib
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features
from tqdm.auto import tqdm

SHARD_SIZE = 64  # figures or records per shard


@dataclass
class ShardRows:
    """What one chunk of the source comes to."""

    rows: dict[str, list[dict]]  # by configuration, all of the same length and with the same ids
    dropped: dict[str, list[tuple[int, Counter[str]]]]  # by configuration: after so many rows, what, by reason
    measures: dict[str, list] = field(default_factory=dict)  # by configuration: what `shortcuts` compares, as JSON

    @classmethod
    def of(cls, configs: Iterable[str]) -> "ShardRows":
        """Nothing yet for these configurations."""
        configs = list(configs)
        return cls({c: [] for c in configs}, {c: [] for c in configs}, {c: [] for c in configs})

    def add(self, config: str, row: dict | None, dropped: Counter[str]) -> None:
        """Take in what one item of the chunk gave: a row or none, and what was not kept on the way."""
        if dropped:
            self.dropped[config].append((len(self.rows[config]), dropped))
        if row is not None:
            self.rows[config].append(row)


Open = Callable[[int], Iterator]  # the source from a position on: figure numbers, records, whatever it counts
BuildShard = Callable[[list], ShardRows]


def fingerprint(options: Mapping[str, object]) -> str:
    """A short name for these options, the same in every process."""
    return hashlib.sha256(json.dumps(options, sort_keys=True, default=str).encode()).hexdigest()[:12]


def write_parquet(rows: list[dict], features: Features, path: Path) -> None:
    """Write rows with their image bytes inside, first to a temporary name."""
    temporary = path.with_suffix(".part")
    pq.write_table(pa.Table.from_pylist(rows, schema=features.arrow_schema), temporary)
    os.replace(temporary, path)


def write_text(text: str, path: Path) -> None:
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


@dataclass(frozen=True)
class ShardFolder:
    """The finished shards of one split in a work folder."""

    folder: Path
    split: str
    features: Mapping[str, Features]  # by configuration

    def parquet(self, number: int, config: str) -> Path:
        return self.folder / f"{config}-{self.split}-{number:06d}.parquet"

    def _counts(self, number: int) -> Path:
        # written after the rows: its presence says the shard is whole
        return self.folder / f"{self.split}-{number:06d}.json"

    def done(self, number: int) -> bool:
        return self._counts(number).exists()

    def counts(self, number: int) -> dict:
        """How many rows a finished shard has, what was dropped, and its measures."""
        return json.loads(self._counts(number).read_text(encoding="utf-8"))

    def build(self, number: int, chunk: list, build_shard: BuildShard) -> None:
        """Make a shard."""
        made = build_shard(chunk)
        for config, features in self.features.items():
            write_parquet(made.rows[config], features, self.parquet(number, config))
        rows = len(next(iter(made.rows.values())))
        counts = {"rows": rows, "tried": len(chunk), "dropped": made.dropped, "measures": made.measures}
        write_text(json.dumps(counts), self._counts(number))


@dataclass
class Taken:
    """The rows of a split, as finished shards give them."""

    shards: list[tuple[int, int]] = field(default_factory=list)  # shard number, rows to take from it (never 0)
    dropped: dict[str, Counter[str]] = field(default_factory=dict)  # by configuration, by reason
    measures: dict[str, list] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(use for _, use in self.shards)


def build_split(
    shards: ShardFolder,
    wanted: int,
    source: Open,
    build_shard: BuildShard,
    num_workers: int,
    max_measures: int = 0,
) -> Taken:
    """Build shards in order until `wanted` rows are there or the source has no more.

    Args:
        shards: where the shards go.
        wanted: rows of this split.
        source: opens the source at a position; the same position gives the same items.
        build_shard: makes the rows of a chunk; a pure function of it.
        num_workers: processes; the result does not depend on it.
        max_measures: measures to collect per configuration, at most.
    """
    shards.folder.mkdir(parents=True, exist_ok=True)
    taken = Taken()
    with tqdm(total=wanted, desc=f"{shards.split} rows", unit="row") as bar:

        def needed() -> int:
            return -(-(wanted - taken.rows) // SHARD_SIZE)

        in_order = _in_order(shards, missing_chunks(shards, source), build_shard, num_workers, needed)
        for number in in_order:
            counts = shards.counts(number)
            use = min(counts["rows"], wanted - taken.rows)
            taken.shards += [(number, use)] if use else []
            for config, dropped in counts["dropped"].items():
                total = taken.dropped.setdefault(config, Counter())
                for rows_before, reasons in dropped:
                    if rows_before < use or use == counts["rows"]:  # what comes after the last row taken is not ours
                        total.update(reasons)
            for config, measures in counts["measures"].items():
                collected = taken.measures.setdefault(config, [])
                collected += measures[: max_measures - len(collected)]
            bar.update(use)
            if taken.rows >= wanted:
                break
        in_order.close()  # here, not when the garbage collector comes by: workers end with their split
    return taken


def missing_chunks(shards: ShardFolder, source: Open, step: int = 1, first: int = 0) -> Iterator[tuple[int, list]]:
    """Shard numbers in order, each with its chunk of the source: empty where the shard is there already.

    Args:
        shards: where finished shards lie.
        source: as for `build_split`; not read where shards are there.
        step: give every so many shards only,
        first: from this one on.
    """
    number, items, position = first, iter(()), -1
    while True:
        start = number * SHARD_SIZE
        if shards.done(number):
            yield number, []
            if shards.counts(number)["tried"] < SHARD_SIZE:
                return
        else:
            items = items if position == start else iter(source(start))
            chunk = list(islice(items, SHARD_SIZE))
            position = start + SHARD_SIZE
            if chunk:
                yield number, chunk
            if len(chunk) < SHARD_SIZE:
                return
        number += step


def _in_order(
    shards: ShardFolder,
    chunks: Iterator[tuple[int, list]],
    build_shard: BuildShard,
    num_workers: int,
    needed: Callable[[], int],
) -> Generator[int, None, None]:
    """Numbers of finished shards in order; `num_workers` are made at a time, but none beyond those surely `needed`."""
    if num_workers <= 1:
        for number, chunk in chunks:
            if chunk:
                shards.build(number, chunk, build_shard)
            yield number
        return
    with ProcessPoolExecutor(num_workers, initializer=_start_worker, initargs=(os.getpid(),)) as pool:
        ahead: dict[int, Future | None] = {}  # None: finished in an earlier run
        try:
            while True:
                room = min(2 * num_workers, needed()) - len(ahead)
                for number, chunk in islice(chunks, max(room, 0)):
                    ahead[number] = pool.submit(shards.build, number, chunk, build_shard) if chunk else None
                if not ahead:
                    return
                number = min(ahead)
                if (future := ahead.pop(number)) is not None:
                    future.result()
                yield number
        finally:
            for future in filter(None, ahead.values()):
                future.cancel()


def _start_worker(parent: int) -> None:
    """Make a worker end itself when its build was killed: nobody else would."""
    gc.freeze()  # what is imported stays: the collector need not go through it again and again,
    gc.set_threshold(100_000, 50, 50)  # nor look so often where rows leave hardly a cycle behind

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
