"""Build rows of hard negatives from a source of figures, as parquet that `load_dataset` reads.

    python -m data_scripts.build_hard_negatives --source procedural --num_rows 500 --output_dir rows
    python -m data_scripts.build_hard_negatives --source geometry3k --logic_forms logic_forms.zip --output_dir rows

The folder holds `with_markings/{train,test}-*.parquet`, a README.md that names the config, contact_sheet.png and
build_report.json with what was kept and dropped and why. Same options, same bytes, whatever --num_workers; safe to
interrupt.
"""

import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from trl import TrlParser

from .cli import require_at_least, run_command
from .contact_sheet import write_contact_sheet
from .embedded import minilm_folder
from .negatives.encoding import encode_captions
from .negatives.retrieval import RetrievalOptions, figure_judge, retrieve
from .rows import FEATURES, RowOptions, build_row
from .shards import (
    SHARD_SIZE,
    ShardFolder,
    build_split,
    fingerprint,
    name_by_content,
    remove_work,
    write_parquet,
    write_text,
)
from .sources import geometry3k, procedural

VERSION = 1  # of the rows: raised whenever the same seed gives other bytes
CONFIG = "with_markings"
SOURCES = ("procedural", "geometry3k")
SHEET_ROWS = 6


@dataclass
class BuildArguments:
    """What to build and where to put it."""

    output_dir: str = field(metadata={"help": "Folder for the data set."})
    source: str = field(default="procedural", metadata={"help": "Where figures come from.", "choices": list(SOURCES)})
    logic_forms: str | None = field(
        default=None, metadata={"help": "Zip of Geometry3K's logic forms (source geometry3k)."}
    )
    num_rows: int = field(default=500, metadata={"help": "Rows of the train split."})
    num_test_rows: int | None = field(
        default=None, metadata={"help": "Rows of the test split (default: a fifth of num_rows)."}
    )
    num_image_negatives: int = field(default=10, metadata={"help": "Image negatives per row, at most."})
    num_rule_negatives: int = field(default=10, metadata={"help": "Rule negatives per row, at most."})
    num_retrieved: int = field(default=10, metadata={"help": "Retrieval negatives per row, at most; 0 for none."})
    top_k: int = field(default=100, metadata={"help": "Most similar captions looked at for retrieval negatives."})
    retriever: str = field(
        default="sentence-transformers/all-MiniLM-L6-v2",
        metadata={"help": "Sentence encoder: Hub id, folder, or 'embedded' for the MiniLM that comes in a wheel."},
    )
    image_size: int = field(default=336, metadata={"help": "Side of the images in pixels."})
    seed: int = field(default=0, metadata={"help": "Same seed, same bytes."})
    num_workers: int = field(
        default_factory=lambda: os.cpu_count() or 1, metadata={"help": "Processes (default: all cores)."}
    )

    def __post_init__(self) -> None:
        if self.source == "geometry3k" and not self.logic_forms:
            raise ValueError("--source geometry3k needs --logic_forms, the zip of Geometry3K's logic forms")
        if self.source not in SOURCES:
            raise ValueError(f"unknown source '{self.source}': expected one of {', '.join(SOURCES)}")
        if self.num_test_rows is None:
            self.num_test_rows = max(1, self.num_rows // 5)
        require_at_least(self, num_rows=1, num_test_rows=1, image_size=64, num_workers=1, top_k=1)
        require_at_least(self, num_image_negatives=0, num_rule_negatives=0, num_retrieved=0)
        if self.num_image_negatives + self.num_rule_negatives == 0:
            raise ValueError("a row needs a negative: one of --num_image_negatives and --num_rule_negatives above 0")


def _procedural_shard(
    figures: range, *, split: str, seed: int, options: RowOptions
) -> tuple[list[dict], Counter[str]]:
    rows, dropped = [], Counter()
    for index in figures:
        row_id, program, rng = procedural.figure_at(seed, split, index)
        row = build_row(program, row_id, "procedural", rng, options, dropped)
        rows += [] if row is None else [row]
    return rows, dropped


def _geometry3k_shard(
    figures: range, *, numbers: list[int], records: dict[int, dict], seed: int, options: RowOptions
) -> tuple[list[dict], Counter[str]]:
    rows, dropped = [], Counter()
    for number in (numbers[i] for i in figures):
        try:
            figure = geometry3k.read_record(records[number], dropped)
            rng = np.random.default_rng([seed, number])
            row = build_row(figure, f"geometry3k/{number}", "geometry3k", rng, options, dropped)
        except ValueError as error:
            dropped[f"record: {error}"] += 1
            continue
        rows += [] if row is None else [row]
    return rows, dropped


def _source(args: BuildArguments, split: str) -> tuple[Callable, int]:
    """The shard builder of a split and how many figures there are."""
    sizes = (args.image_size, args.num_image_negatives, args.num_rule_negatives)
    if args.source == "procedural":
        build = partial(_procedural_shard, split=split, seed=args.seed, options=RowOptions(*sizes))
        return build, SHARD_SIZE * max(args.num_rows, args.num_test_rows)
    records = geometry3k.load_records(args.logic_forms)
    numbers = list(geometry3k.record_numbers(records, split))
    numbers = np.random.default_rng([args.seed, len(numbers)]).permutation(numbers).tolist()
    chosen = {n: records[n] for n in numbers}
    options = RowOptions(*sizes, turn=False)
    return partial(_geometry3k_shard, numbers=numbers, records=chosen, seed=args.seed, options=options), len(numbers)


def _with_retrieval(
    taken: list[tuple[Path, int]], args: BuildArguments, retriever: str, work: Path, dropped: Counter[str]
) -> list[tuple[list[str], list[str]]]:
    """Retrieved captions and their ids for every row; only text is held in memory."""
    tables = [pq.read_table(path, columns=["id", "caption", "facts"]).slice(0, use) for path, use in taken]
    ids, captions, facts = ([v for t in tables for v in t[c].to_pylist()] for c in ("id", "caption", "facts"))
    if args.num_retrieved == 0 or len(ids) < 2:
        return [([], [])] * len(ids)
    encoded = encode_captions(captions, retriever, work)
    options = RetrievalOptions(args.num_retrieved, args.top_k, seed=args.seed)
    found = retrieve(encoded, figure_judge(facts), options, dropped)
    return [([captions[i] for i in row], [ids[i] for i in row]) for row in found]


def _finish_split(
    taken: list[tuple[Path, int]], retrieved: list[tuple[list[str], list[str]]], target: Path, split: str
) -> Counter[str]:
    """Write the final shards of a split and count what they hold."""
    counts: Counter[str] = Counter()
    numbers = iter(retrieved)
    for shard, (path, use) in enumerate(taken):
        rows = pq.read_table(path).slice(0, use).to_pylist()
        for row in rows:
            row["retrieved_captions"], row["retrieved_ids"] = next(numbers)
            counts.update(
                {
                    "rows": 1,
                    "image negatives": len(row["negative_images"]),
                    "rule negatives": len(row["rule_captions"]),
                }
            )
            counts.update({"retrieval negatives": len(row["retrieved_captions"])})
            counts.update(f"image edit: {kind}" for edits in row["negative_edits"] for kind in edits.split("+"))
            counts.update(f"rule edit: {kind}" for edits in row["rule_edits"] for kind in edits.split("+"))
        write_parquet(rows, FEATURES, target / f"{split}-{shard:05d}-of-{len(taken):05d}.parquet")
    return counts


README = """---
license: {license}
task_categories:
- zero-shot-image-classification
- image-text-to-text
tags:
- geometry
- hard-negatives
configs:
- config_name: {config}
  default: true
  data_files:
  - split: train
    path: {config}/train-*-{digest}.parquet
  - split: test
    path: {config}/test-*-{digest}.parquet
---

# Geometry figures with verified hard negatives

Source: {source}. Every negative was proven false on the coordinates of its figure. `build_report.json` counts what was
kept and what was dropped; `contact_sheet.png` shows the first rows. Made by `{command}`.
"""


def build(args: BuildArguments) -> dict:
    """Build the data set and return the report that is written beside it."""
    output, version = Path(args.output_dir), {"version": VERSION}
    target = output / CONFIG
    retriever = args.retriever
    if retriever == "embedded" and args.num_retrieved > 0:
        retriever = minilm_folder()  # before the work, which would be in vain without it
    arguments = {k: v for k, v in asdict(args).items() if k != "num_workers"}
    key = {k: v for k, v in arguments.items() if k not in ("output_dir", "num_rows", "num_test_rows")}
    work = output / ".build" / fingerprint({**key, **version})
    target.mkdir(parents=True, exist_ok=True)
    report: dict = {"arguments": arguments, **version, "splits": {}}
    for split, wanted in (("train", args.num_rows), ("test", args.num_test_rows)):
        build_shard, available = _source(args, split)
        shards = ShardFolder(work, split, FEATURES)
        taken, dropped = build_split(shards, wanted, available, build_shard, args.num_workers)
        if not taken:
            raise ValueError(f"no row of the {split} split could be made: {dict(dropped)}")
        retrieved = _with_retrieval(taken, args, retriever, work, dropped)
        for old in target.glob(f"{split}-*.parquet"):
            old.unlink()
        kept = _finish_split(taken, retrieved, target, split)
        report["splits"][split] = {
            "asked": wanted,
            "kept": dict(sorted(kept.items())),
            "dropped": dict(sorted(dropped.items())),
        }
    first = pq.read_table(next(iter(sorted(target.glob("train-*.parquet"))))).slice(0, SHEET_ROWS)
    digest = name_by_content(target)
    write_contact_sheet(first.to_pylist(), output / "contact_sheet.png")
    write_text(json.dumps(report, indent=1, ensure_ascii=False), output / "build_report.json")
    options = " ".join(f"--{name} {getattr(args, name)}" for name in ("source", "num_rows", "num_test_rows", "seed"))
    command = f"python -m data_scripts.build_hard_negatives {options}"
    license_ = "mit" if args.source == "geometry3k" else "apache-2.0"
    card = README.format(license=license_, config=CONFIG, digest=digest, source=args.source, command=command)
    write_text(card, output / "README.md")
    remove_work(output / ".build")
    return report


def main() -> None:
    (args,) = TrlParser(BuildArguments).parse_args_and_config()
    report = build(args)
    for split, counts in report["splits"].items():
        kept = counts["kept"]
        negatives = ", ".join(f"{kept[f'{family} negatives']} {family}" for family in ("image", "rule", "retrieval"))
        dropped = sum(counts["dropped"].values())
        print(
            f"{split}: {kept['rows']} of {counts['asked']} rows; negatives: {negatives}; {dropped} candidates dropped"
        )
    print(f"written to {args.output_dir} (see contact_sheet.png and build_report.json)")


if __name__ == "__main__":
    run_command(main)
