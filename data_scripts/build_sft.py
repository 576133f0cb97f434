"""Build questions on procedural figures with worked answers, as rows for TRL's SFTTrainer.

    python -m data_scripts.build_sft --num_rows 2000 --output_dir sft
    python -m data_scripts.build_sft --num_rows 2000 --decontaminate_against GeoQA MathVista --output_dir sft

Conversational prompt/completion with `images`; the completion ends in \\boxed{answer}, which is the letter of the
right choice where the question has choices. The folder holds `data/{train,test}-*.parquet`, a README.md that names
them and build_report.json with counts per kind and format, and what was dropped and why. Same options, same bytes,
whatever --num_workers; safe to interrupt.
"""

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from datasets import Features, Image, List, Value
from trl import TrlParser

from .cli import require_at_least, run_command
from .decontaminate import RuleArguments, read_tests
from .decontamination.image_hash import hash_bytes
from .decontamination.items import Item, question_text
from .decontamination.overlap import TestSet
from .diagram.drawing import Drawing, NoRoom, Style, lay_out, rasterise
from .questions import KINDS, Question, draw_question
from .questions.choices import pose
from .rows import png_bytes
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

VERSION = 2  # of the rows: raised whenever the same seed gives other bytes
DRAWS = 20  # figures tried for a row before it is given up
TEXT = Value("string")
MESSAGES = List({"role": TEXT, "content": TEXT})
FEATURES = Features(
    {
        "id": TEXT,
        "kind": TEXT,
        "prompt": MESSAGES,
        "completion": MESSAGES,
        "images": List(Image()),
        "answer": TEXT,  # what stands in the box: the value, or the letter of a choice
        "value": TEXT,  # the value either way
        "choices": List(TEXT),  # in the order of their letters; empty where the question is open
    }
)


@dataclass
class SftArguments(RuleArguments):
    """What to build and where to put it."""

    output_dir: str = field(metadata={"help": "Folder for the data set."})
    num_rows: int = field(default=2000, metadata={"help": "Rows of the train split."})
    num_test_rows: int | None = field(
        default=None, metadata={"help": "Rows of the test split (default: a tenth of num_rows)."}
    )
    kinds: list[str] = field(default_factory=lambda: list(KINDS), metadata={"help": "Question kinds (default: all)."})
    multiple_choice: float = field(default=0.5, metadata={"help": "Share of questions posed with four choices."})
    decontaminate_against: list[str] = field(
        default_factory=list,
        metadata={"help": "Test sets (Hub ids, folders, files): rows that they also hold are left out."},
    )
    image_size: int = field(default=336, metadata={"help": "Side of the images in pixels."})
    seed: int = field(default=0, metadata={"help": "Same seed, same bytes."})
    num_workers: int = field(
        default_factory=lambda: os.cpu_count() or 1, metadata={"help": "Processes (default: all cores)."}
    )

    def __post_init__(self) -> None:
        if unknown := [k for k in self.kinds if k not in KINDS]:
            raise ValueError(f"unknown question kinds {unknown}: expected some of {', '.join(KINDS)}")
        if self.num_test_rows is None:
            self.num_test_rows = max(1, self.num_rows // 10)
        require_at_least(self, num_rows=1, num_test_rows=1, image_size=64, num_workers=1)
        if not 0 <= self.multiple_choice <= 1:
            raise ValueError(f"--multiple_choice must be between 0 and 1, not {self.multiple_choice}")
        self.check_rule()


def _draw(kind: str, rng: np.random.Generator, image_size: int) -> tuple[Question, Drawing]:
    """A question whose figure has room for all its texts."""
    for _ in range(DRAWS):
        question = draw_question(kind, rng)
        try:
            return question, lay_out(question.diagram, Style.draw(rng, image_size))
        except NoRoom:
            continue
    raise ValueError(f"{kind}: no figure has room for its texts at {image_size} pixels")


def build_row(index: int, split: str, kinds: list[str], multiple_choice: float, image_size: int, seed: int) -> dict:
    """Row number `index` of a split.

    Raises:
        ValueError: if its question kind gives no readable figure.
    """
    rng = np.random.default_rng([seed, {"train": 10, "test": 12}[split], index])
    kind = kinds[int(rng.integers(len(kinds)))]
    question, drawing = _draw(kind, rng, image_size)
    posed = pose(question, rng, multiple_choice)
    return {
        "id": f"sft/{seed}/{split}/{index}/{kind}",
        "kind": kind,
        "prompt": [{"role": "user", "content": posed.prompt}],
        "completion": [{"role": "assistant", "content": posed.completion}],
        "images": [{"bytes": png_bytes(rasterise(drawing)), "path": None}],
        "answer": posed.answer,
        "value": posed.value,
        "choices": list(posed.choices),
    }


def _shard(figures: range, *, tests: TestSet | None, **options: object) -> tuple[list[dict], Counter[str]]:
    rows, dropped = [], Counter()
    for index in figures:
        try:
            rows.append(build_row(index, **options))
        except ValueError as error:
            dropped[str(error)] += 1
    return (rows, dropped) if tests is None else without_test_rows(rows, tests, dropped)


def without_test_rows(rows: list[dict], tests: TestSet, dropped: Counter[str]) -> tuple[list[dict], Counter[str]]:
    """The rows that no test set holds; the others are counted by test set and by what is the same."""
    items = []
    for row in rows:
        image = row["images"][0]["bytes"] if row["images"] else None
        items.append(Item("", row["id"], question_text(row["prompt"]), hash_bytes(image) if image else None))
    found = {overlap.row: overlap for overlap in tests.overlaps(items)}
    dropped.update(f"in {tests.items[o.test].place}: same {o.why}" for o in found.values())
    return [row for i, row in enumerate(rows) if i not in found], dropped


README = """---
license: apache-2.0
task_categories:
- image-text-to-text
tags:
- geometry
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*-{digest}.parquet
  - split: test
    path: data/test-*-{digest}.parquet
---

# Questions on geometry figures with worked answers

{rows} rows of {kinds} kinds. The figures are drawn by programs; every step of a solution was checked on the
coordinates of its figure. `build_report.json` counts what was kept and what was dropped. Made by `{command}`.
"""


def build(args: SftArguments) -> dict:
    """Build the data set and return the report that is written beside it."""
    output, skipped = Path(args.output_dir), Counter()
    options = {name: getattr(args, name) for name in ("kinds", "multiple_choice", "image_size", "seed")}
    tests = None
    if args.decontaminate_against:
        tests = args.test_set(read_tests(args.decontaminate_against, skipped))
    key = {**options, "version": VERSION, "tests": tests and [tests.digest(), args.encoder]}
    work = output / ".build" / fingerprint(key)
    arguments = {k: v for k, v in asdict(args).items() if k != "num_workers"}
    report: dict = {"arguments": arguments, "version": VERSION, "splits": {}}
    if tests:
        report |= {"num_test_items": len(tests.items), "test_images_skipped": dict(sorted(skipped.items()))}
    target = output / "data"
    target.mkdir(parents=True, exist_ok=True)
    for split, wanted in (("train", args.num_rows), ("test", args.num_test_rows)):
        shard = partial(_shard, split=split, tests=tests, **options)
        shards = ShardFolder(work, split, FEATURES)
        taken, dropped = build_split(shards, wanted, SHARD_SIZE * wanted, shard, args.num_workers)
        if not taken:
            raise ValueError(f"no row of the {split} split could be made: {dict(dropped)}")
        report["splits"][split] = {"asked": wanted, **_finish_split(taken, target, split), "dropped": dict(dropped)}
    digest = name_by_content(target)
    write_text(json.dumps(report, indent=1, ensure_ascii=False), output / "build_report.json")
    told = " ".join(f"--{name} {getattr(args, name)}" for name in ("num_rows", "num_test_rows", "seed"))
    rows = sum(sum(counts["kinds"].values()) for counts in report["splits"].values())
    command = f"python -m data_scripts.build_sft {told}"
    write_text(README.format(digest=digest, rows=rows, kinds=len(args.kinds), command=command), output / "README.md")
    remove_work(output / ".build")
    return report


def _finish_split(taken: list[tuple[Path, int]], target: Path, split: str) -> dict[str, dict[str, int]]:
    """Write the final shards of a split; counts of its rows per kind, per format, and per boxed letter."""
    for old in target.glob(f"{split}-*.parquet"):
        old.unlink()
    kinds: Counter[str] = Counter()
    formats: Counter[str] = Counter()
    letters: Counter[str] = Counter()
    for number, (path, use) in enumerate(taken):
        rows = pq.read_table(path).slice(0, use).to_pylist()
        kinds.update(row["kind"] for row in rows)
        formats.update("multiple choice" if row["choices"] else "open" for row in rows)
        letters.update(row["answer"] for row in rows if row["choices"])
        write_parquet(rows, FEATURES, target / f"{split}-{number:05d}-of-{len(taken):05d}.parquet")
    return {
        name: dict(sorted(c.items())) for name, c in (("kinds", kinds), ("formats", formats), ("letters", letters))
    }


def main() -> None:
    (args,) = TrlParser(SftArguments).parse_args_and_config()
    report = build(args)
    for split, counts in report["splits"].items():
        rows, choices = sum(counts["kinds"].values()), counts["formats"].get("multiple choice", 0)
        dropped = sum(counts["dropped"].values())
        told = f"{len(counts['kinds'])} question kinds, {choices} rows with choices; {dropped} dropped"
        print(f"{split}: {rows} of {counts['asked']} rows, {told}")


if __name__ == "__main__":
    run_command(main)
