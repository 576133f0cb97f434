"""Make a data set out of finished shards: parquet files of one or more configurations, a card, a report.

Promise: the folder is whole at any moment. New files are written in the work folder and moved in under names that hold
a digest of their content; the card, which names that digest, is replaced in one step; only then do the old files go.
Memory does not grow with the number of rows.
"""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features

from .shards import ShardFolder, Taken, write_text

SHARDS_PER_FILE = 16  # about 1,000 rows, 50 MB at 336 pixels
REPORT = "build_report.json"


def refuse_foreign_card(output: Path, report: str = REPORT) -> None:
    """Refuse a folder whose README.md no build has written, such as that of a project: a card would replace it.

    Args:
        output: the folder of a data set to be.
        report: what its build leaves beside the card.

    Raises:
        ValueError: naming the file, if there is one.
    """
    ours = (output / report).exists() or (output / ".build").exists()  # finished, or cut before it was
    if not ours and (output / "README.md").exists():
        raise ValueError(f"{output / 'README.md'} would be replaced by the data set's card: name another --output_dir")


@dataclass(frozen=True)
class Assembly:
    """A data set on its way into its folder."""

    output: Path
    key: str  # of the options that make the rows: builds with other options do not share work
    features: Mapping[str, Features]  # by configuration

    def __post_init__(self) -> None:
        refuse_foreign_card(self.output)

    @property
    def work(self) -> Path:
        return self.output / ".build" / self.key

    @property
    def staging(self) -> Path:
        return self.work / "finished"

    def shards(self, split: str) -> ShardFolder:
        return ShardFolder(self.work, split, self.features)

    def already_there(self, arguments: Mapping[str, object], version: int) -> dict | None:
        """The report of a finished build with these very options, if its files are all there."""
        try:
            report = json.loads((self.output / REPORT).read_text(encoding="utf-8"))
            same = (report["arguments"], report["version"]) == (json.loads(json.dumps(arguments)), version)
            return report if same and all((self.output / name).is_file() for name in report["files"]) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write_split(self, split: str, taken: Taken, config: str, more: Iterable[dict] | None = None) -> Counter[str]:
        """Write the final files of one split and configuration; returns what the rows hold, counted.

        Args:
            split: its name.
            taken: the rows, as `build_split` gave them.
            config: its name.
            more: columns to replace, row by row in order, such as the retrieved captions.
        """
        shards, schema = self.shards(split), self.features[config].arrow_schema
        numbered = range(0, len(taken.shards), SHARDS_PER_FILE)
        folder, counts, overrides = self.staging / config, Counter(), iter(more) if more is not None else None
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{split}-*.parquet"):  # of a run that was cut here
            left.unlink()
        for number, start in enumerate(numbered):
            path = folder / f"{split}-{number:05d}-of-{len(numbered):05d}.parquet"
            with pq.ParquetWriter(path, schema) as writer:
                for shard, use in taken.shards[start : start + SHARDS_PER_FILE]:
                    table = pq.read_table(shards.parquet(shard, config)).slice(0, use)
                    if overrides is not None:
                        table = _replace_columns(table, [next(overrides) for _ in range(use)], schema)
                    counts.update(count_rows(table))
                    writer.write_table(table.cast(schema))
        return counts

    def read_column(self, split: str, taken: Taken, config: str, column: str) -> Iterator:
        """One column of the rows taken, in order, read shard by shard."""
        for shard, use in taken.shards:
            table = pq.read_table(self.shards(split).parquet(shard, config), columns=[column]).slice(0, use)
            yield from table[column].to_pylist()

    def publish(self, report: dict, card: str) -> dict:
        """Move the written files into the data set and remove what they replace.

        Args:
            report: what `build_report.json` says; the names of the files are added.
            card: the README.md as a template with a place `{data_files}` for the `configs` of its metadata.

        Returns:
            The report as it was written.
        """
        names: dict[str, list[str]] = {}
        configs = ["configs:"]
        for config in self.features:
            digest, moved = self._move_in(config)
            names[config] = moved
            configs += [f"- config_name: {config}"]
            configs += ["  default: true"] * (config == next(iter(self.features)))
            configs += ["  data_files:"]
            for split in dict.fromkeys(name.partition("-")[0] for name in moved):
                configs += [f"  - split: {split}", f"    path: {config}/{split}-*-{digest}.parquet"]
        report = {**report, "files": [f"{config}/{name}" for config, moved in names.items() for name in moved]}
        write_text(card.replace("{data_files}", "\n".join(configs)), self.output / "README.md")
        write_text(json.dumps(report, indent=1, ensure_ascii=False), self.output / REPORT)
        for config, moved in names.items():
            for old in (self.output / config).glob("*.parquet"):
                if old.name not in moved:
                    old.unlink()
        remove_work(self.output / ".build")
        return report

    def _move_in(self, config: str) -> tuple[str, list[str]]:
        """Move a configuration's files; returns the digest in their names and the names."""
        target = self.output / config
        target.mkdir(parents=True, exist_ok=True)
        digest = name_by_content(self.staging / config)
        names = sorted(path.name for path in (self.staging / config).glob("*.parquet"))
        for name in names:  # cut in between, a rerun writes them all again from the shards
            os.replace(self.staging / config / name, target / name)
        return digest, names


def name_by_content(folder: Path) -> str:
    """Append a digest of all its parquet files to each one's name, and return the digest.

    `datasets` caches a local folder by its name and by the patterns in its card, not by what the files hold: without a
    digest in the pattern, whoever builds anew in a folder of the same name is served the old rows.
    """
    files = sorted(folder.glob("*.parquet"))
    digest = hashlib.sha256(b"".join(_digest(path) for path in files)).hexdigest()[:12]
    for path in files:
        path.rename(path.with_stem(f"{path.stem}-{digest}"))
    return digest


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def remove_work(folder: Path) -> None:
    """Delete a work folder whose rows have reached their final place."""
    shutil.rmtree(folder, ignore_errors=True)


def _replace_columns(table: pa.Table, rows: list[dict], schema: pa.Schema) -> pa.Table:
    for name in rows[0] if rows else ():
        column = pa.array([row[name] for row in rows], schema.field(name).type)
        table = table.set_column(table.schema.get_field_index(name), schema.field(name), column)
    return table


LISTS = {
    "negative_captions": "image negatives",
    "rule_captions": "rule negatives",
    "drawn_captions": "drawn rule negatives",
    "retrieved_ids": "retrieval negatives",
}
EDITS = {"negative_edits": "image edit", "rule_edits": "rule edit", "drawn_edits": "drawn rule edit"}
KINDS = ("source", "kind")


def count_rows(table: pa.Table) -> Counter[str]:
    """Rows, negatives by family, edits by kind; rows by source, questions by kind, format and letter."""
    counts = Counter(rows=table.num_rows)
    for column, name in LISTS.items():
        if column in table.column_names:
            counts[name] += sum(map(len, table[column].to_pylist()))
    for column, name in EDITS.items():
        if column in table.column_names:
            listed = (edits for row in table[column].to_pylist() for edits in row)
            counts.update(f"{name}: {kind}" for edits in listed for kind in edits.split("+"))
    for column in KINDS:
        if column in table.column_names:
            counts.update(f"{column}: {kind}" for kind in table[column].to_pylist())
    if {"choices", "answer"} <= set(table.column_names):
        posed = list(zip(table["choices"].to_pylist(), table["answer"].to_pylist(), strict=True))
        counts.update("format: multiple choice" if choices else "format: open" for choices, _ in posed)
        counts.update(f"letter: {answer}" for choices, answer in posed if choices)
    return counts
