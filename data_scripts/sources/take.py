"""Take rows from a source that is read in order, in the numbered shards of a resumable build.

A shard is a fixed range of positions of the source, so a build that was interrupted goes on behind its last finished
shard, without reading the images before it again.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path

from tqdm.auto import tqdm

from .. import shards
from ..shards import ShardFolder
from .records import OpenedRow

RowsFrom = Callable[[int], Iterator[OpenedRow]]
MakeRow = Callable[[OpenedRow, Counter[str]], dict | None]


class _Stream:
    """Makes the rows of one range of positions after the other; a jump opens the source again."""

    def __init__(self, rows_from: RowsFrom, make_row: MakeRow) -> None:
        self._rows_from, self._make_row = rows_from, make_row
        self._rows: Iterator[OpenedRow] = iter(())
        self._next = -1

    def __call__(self, positions: range) -> tuple[list[dict], Counter[str]]:
        if positions.start != self._next:
            self._rows = self._rows_from(positions.start)
        self._next = positions.stop
        rows, dropped = [], Counter()
        for opened in islice(self._rows, len(positions)):
            reasons: Counter[str] = Counter()
            row = self._make_row(opened, reasons)
            if row is None:
                dropped[next(iter(reasons), "row: not used")] += 1  # one reason each: the sum says how many were read
            else:
                rows.append(row)
        return rows, dropped


def take_rows(
    folder: ShardFolder, wanted: int, rows_from: RowsFrom, make_row: MakeRow
) -> tuple[list[tuple[Path, int]], Counter[str]]:
    """Read a source until `wanted` rows are made or it ends.

    Args:
        folder: where the shards go.
        wanted: rows to make.
        rows_from: opens the source at a position, as `Source.rows` does.
        make_row: a row from what was read, or None with the reason counted; a pure function of the opened row.

    Returns:
        The shard files with the number of rows to take from each, never 0, and what was dropped by reason.
    """
    folder.folder.mkdir(parents=True, exist_ok=True)
    stream, size = _Stream(rows_from, make_row), shards.SHARD_SIZE
    taken: list[tuple[Path, int]] = []
    dropped: Counter[str] = Counter()
    total = 0
    with tqdm(total=wanted, desc=f"{folder.split} rows", unit="row") as bar:
        for number in count():
            counts = folder.build(number, (number + 1) * size, stream)
            use = min(counts["rows"], wanted - total)
            taken += [(folder.parquet(number), use)] if use else []
            dropped.update(counts["dropped"])
            total += use
            bar.update(use)
            if total >= wanted or counts["rows"] + sum(counts["dropped"].values()) < size:
                return taken, dropped
