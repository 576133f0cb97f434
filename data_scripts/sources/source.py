"""A source: one public data set, its home, its licence, and how its rows become records.

Promise: a record is a pure function of its row; reading is lazy, holds one row at a time and counts what it leaves
out.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .places import open_rows
from .records import BadRow, OpenedRow, Record

Parse = Callable[[OpenedRow, str], dict]


@dataclass(frozen=True)
class Source:
    """A public data set: where it is, under which licence, and how its rows become records."""

    name: str
    hub_id: str | None  # None for a layout that many data sets share
    license: str  # as its Hub card states it; "unknown" where it states none
    splits: Mapping[str, tuple[str, ...]]  # split -> words by which a file's name tells it; the first is the default
    parse: Parse  # (row, split) -> the fields of its Record but id, source and split; raises BadRow
    captions: str | None = None  # the split that pairs images with captions
    questions: str | None = None  # the split of questions with answers
    hub_rows: tuple[str, ...] = ()  # splits that `load_dataset` gives with images; others come as files
    folder: str | None = None  # the part of a local folder that is read, where it holds the rows in several forms

    def rows(self, location: str | None, split: str, start: int = 0) -> Iterator[OpenedRow]:
        """The rows of a split from position `start` on, as they stand.

        Args:
            location: Hub id, folder, or file (json, jsonl, parquet, zip); None for the source's own Hub id.
            split: one of `splits`.

        Raises:
            ValueError: if the split is unknown, or the place is missing, unreadable or without rows of that split.
        """
        if split not in self.splits:
            raise ValueError(f"source {self.name} has no split '{split}': expected one of {', '.join(self.splits)}")
        location = location or self.hub_id
        if location is None:
            raise ValueError(f"source {self.name} has no home on the Hub: name a folder or file")
        if self.folder and (Path(location) / self.folder).is_dir():
            location = str(Path(location) / self.folder)
        return open_rows(location, split, self.splits, self.hub_rows, start)

    def record(self, opened: OpenedRow, split: str, skipped: Counter[str]) -> Record | None:
        """The record of a row, or None, counted in `skipped` by reason."""
        try:
            if opened.row is None:
                raise BadRow("row: no JSON object")
            return Record(f"{self.name}/{split}/{opened.position}", self.name, split, **self.parse(opened, split))
        except BadRow as reason:
            skipped[str(reason)] += 1
            return None

    def read(self, location: str | None, split: str, skipped: Counter[str], start: int = 0) -> Iterator[Record]:
        """The records of a split in order; bad rows are counted in `skipped`. Nothing is read before it is asked for.

        Args and Raises: as for `rows`.
        """
        for opened in self.rows(location, split, start):
            if (record := self.record(opened, split, skipped)) is not None:
                yield record

    def items(self, location: str | None, split: str, start: int = 0) -> Iterator["Record | str"]:
        """For each row from position `start` on its record, or the reason why it gives none: what a build counts.

        Args and Raises: as for `rows`.
        """
        for opened in self.rows(location, split, start):
            skipped: Counter[str] = Counter()
            yield self.record(opened, split, skipped) or next(iter(skipped))
