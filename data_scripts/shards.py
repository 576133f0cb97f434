"""Build rows in numbered shards: in parallel, resumable, the same bytes whatever the number of workers.

A shard is a fixed range of figure numbers. It is written to a temporary name and renamed when complete, so an
interrupted build keeps every finished shard and a rerun makes only the missing ones. Options that change the rows
change the work folder's name.
"""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset, Features
from tqdm.auto import tqdm

SHARD_SIZE = 64  # figures tried per shard
BuildShard = Callable[[range], tuple[list[dict], Counter[str]]]


def fingerprint(options: Mapping[str, object]) -> str:
    """A short name for these options, the same in every process."""
    return hashlib.sha256(json.dumps(options, sort_keys=True, default=str).encode()).hexdigest()[:12]


def write_parquet(rows: list[dict], features: Features, path: Path) -> None:
    """Write rows with their image bytes inside, first to a temporary name."""
    temporary = path.with_suffix(".part")
    columns = {name: [row[name] for row in rows] for name in features}
    Dataset.from_dict(columns, features=features).to_parquet(temporary)
    os.replace(temporary, path)


def name_by_content(folder: Path) -> str:
    """Append a digest of all its parquet files to each one's name, and return the digest.

    `datasets` caches a local folder by its name and by the patterns in its card, not by what the files hold: without a
    digest in the pattern, whoever builds anew in a folder of the same name is served the old rows.
    """
    files = sorted(folder.glob("*.parquet"))
    digest = hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)).hexdigest()[:12]
    for path in files:
        path.rename(path.with_stem(f"{path.stem}-{digest}"))
    return digest


def write_text(text: str, path: Path) -> None:
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


@dataclass(frozen=True)
class ShardFolder:
    """The finished shards of one split in a work folder."""

    folder: Path
    split: str
    features: Features

    def parquet(self, number: int) -> Path:
        return self.folder / f"{self.split}-{number:05d}.parquet"

    def _counts(self, number: int) -> Path:
        # written after the rows: its presence says the shard is whole
        return self.parquet(number).with_suffix(".json")

    def build(self, number: int, limit: int, build_shard: BuildShard) -> dict:
        """Make a shard unless it is there; returns its counts."""
        if not self._counts(number).exists():
            figures = range(number * SHARD_SIZE, min((number + 1) * SHARD_SIZE, limit))
            rows, dropped = build_shard(figures)
            write_parquet(rows, self.features, self.parquet(number))
            write_text(
                json.dumps({"rows": len(rows), "tried": len(figures), "dropped": dropped}), self._counts(number)
            )
        return json.loads(self._counts(number).read_text(encoding="utf-8"))


def build_split(
    shards: ShardFolder, wanted: int, available: int, build_shard: BuildShard, num_workers: int
) -> tuple[list[tuple[Path, int]], Counter[str]]:
    """Build shards in order until `wanted` rows are there or `available` figures have been tried.

    Args:
        shards: where the shards go.
        wanted: rows of this split.
        available: number of figures the source has.
        build_shard: makes the rows of a range of figures; a pure function of that range.
        num_workers: processes; the result does not depend on it.

    Returns:
        The shard files with the number of rows to take from each, never 0, and what was dropped by reason.
    """
    shards.folder.mkdir(parents=True, exist_ok=True)
    taken: list[tuple[Path, int]] = []
    dropped: Counter[str] = Counter()
    total = 0
    with tqdm(total=wanted, desc=f"{shards.split} rows", unit="row") as bar:
        in_order = _in_order(shards, available, build_shard, num_workers, lambda: -(-(wanted - total) // SHARD_SIZE))
        for number, counts in in_order:
            use = min(counts["rows"], wanted - total)
            taken += [(shards.parquet(number), use)] if use else []
            dropped.update(counts["dropped"])
            total += use
            bar.update(use)
            if total >= wanted:
                break
        in_order.close()  # here, not when the garbage collector comes by: workers end with their split
    return taken, dropped


def _in_order(
    shards: ShardFolder, available: int, build_shard: BuildShard, num_workers: int, needed: Callable[[], int]
) -> Generator[tuple[int, dict], None, None]:
    """Shard numbers and counts in order, `num_workers` being made at a time but none beyond those surely `needed`."""
    numbers = range(-(-available // SHARD_SIZE))
    if num_workers <= 1:
        yield from ((n, shards.build(n, available, build_shard)) for n in numbers)
        return
    with ProcessPoolExecutor(num_workers) as pool:
        ahead: dict[int, Future] = {}
        try:
            for n in numbers:
                for m in numbers[n : n + min(2 * num_workers, needed())]:
                    if m not in ahead:
                        ahead[m] = pool.submit(shards.build, m, available, build_shard)
                yield n, ahead[n].result()
        finally:
            for future in ahead.values():
                future.cancel()


def remove_work(folder: Path) -> None:
    """Delete a work folder whose rows have reached their final place."""
    shutil.rmtree(folder, ignore_errors=True)
