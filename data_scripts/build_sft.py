"""Build questions on procedural figures with worked answers, as rows for TRL's SFTTrainer.

    python -m data_scripts.build_sft --num_rows 2000 --output_dir sft
    python -m data_scripts.build_sft --num_rows 2000 --decontaminate_against GeoQA MathVista --output_dir sft

Conversational prompt/completion with `images`; the completion ends in \\boxed{answer}, which is the letter of the
right choice where the question has choices. Questions come from our own figures, or from a public data set
(`--source geo170k --path Geo170K`). The folder holds `default/{train,test}-*.parquet`, a README.md that names them and
build_report.json with counts per kind and format, and what was dropped and why. Same options, same bytes, whatever
--num_workers; safe to interrupt.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
from datasets import Features, Image, List, Value
from trl import TrlParser

from .assemble import Assembly
from .build_options import (
    options_for_rows,
    rebuild_command,
    refuse_same_folder,
    refuse_without_effect,
    told_apart,
)
from .cli import require_at_least, run_command
from .decontaminate import RuleArguments, read_tests
from .decontamination.image_hash import hash_bytes
from .decontamination.items import Item, question_text
from .decontamination.overlap import TestSet
from .diagram.drawing import Drawing, NoRoom, Style, lay_out, rasterise
from .diagram.script import to_script
from .executors import ScaleArguments, make_shards
from .png import encode_png
from .questions import KINDS, Question, draw_question
from .questions.choices import pose
from .shards import Open, ShardRows, build_split, fingerprint
from .sources import QUESTION_SOURCES, SOURCES, credits_of, license_of
from .sources.records import Record
from .sources.sft import sft_row

VERSION = 8  # of the rows: raised whenever the same seed gives other bytes
CONFIG = "default"
PROCEDURAL = "procedural"
ONLY_WITH = (
    ("path", "source", QUESTION_SOURCES),
    *((name, "source", (PROCEDURAL,)) for name in ("kinds", "multiple_choice", "image_size")),
)
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
        "script": TEXT,  # a matplotlib script that draws the figure; empty where the figure is not ours
    }
)


@dataclass
class SftArguments(RuleArguments, ScaleArguments):
    """What to build and where to put it."""

    output_dir: str = field(metadata={"help": "Folder for the data set."})
    source: str = field(
        default=PROCEDURAL,
        metadata={
            "help": "Where questions come from: made on figures of ours, or a public data set.",
            "choices": [PROCEDURAL, *QUESTION_SOURCES],
        },
    )
    path: str | None = field(
        default=None, metadata={"help": "Folder, file or Hub id of a public data set (default: its own Hub id)."}
    )
    num_rows: int = field(default=2000, metadata={"help": "Rows of the train split."})
    num_test_rows: int | None = field(
        default=None, metadata={"help": "Rows of the test split (default: a tenth of num_rows)."}
    )
    kinds: list[str] = field(
        default_factory=lambda: list(KINDS),
        metadata={"help": "Question kinds (default: all); one that is named twice is asked twice as often."},
    )
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
        if self.source not in (PROCEDURAL, *QUESTION_SOURCES):
            raise ValueError(f"unknown source '{self.source}': expected one of {', '.join(QUESTION_SOURCES)}")
        refuse_without_effect(self, ONLY_WITH)
        refuse_same_folder(self, "path")
        if self.num_test_rows is None:
            self.num_test_rows = max(1, self.num_rows // 10)
        require_at_least(self, num_rows=1, num_test_rows=1, image_size=64, seed=0, num_workers=1)
        if not 0 <= self.multiple_choice <= 1:
            raise ValueError(f"--multiple_choice must be between 0 and 1, not {self.multiple_choice}")
        self.check_rule()
        self.check_scale()

    @property
    def wanted(self) -> dict[str, int]:
        """Rows of each split."""
        return {"train": self.num_rows, "test": self.num_test_rows}

    def for_rows(self) -> dict[str, object]:
        """The options that make the data set what it is: not where it is put, nor who makes it."""
        return options_for_rows(self, places=("path", "encoder", "decontaminate_against"))


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
        "images": [{"bytes": encode_png(rasterise(drawing)), "path": None}],
        "answer": posed.answer,
        "value": posed.value,
        "choices": list(posed.choices),
        "script": to_script(drawing),
    }


def figure_shard(numbers: list[int], *, tests: TestSet | None, **options: object) -> ShardRows:
    """Questions on figures of ours, by number, without those that a test set holds.

    Raises:
        ValueError: if none of them could be drawn: the numbers never end, and those after them would fare no better.
    """
    rows = _made(partial(build_row, number, **options) for number in numbers)
    if all(isinstance(row, str) for row in rows):
        raise ValueError(
            f"none of {len(rows)} questions could be drawn ({rows[0]}): larger --image_size, other --kinds?"
        )
    return _kept(rows, tests)


def record_shard(items: list[Record | str], *, tests: TestSet | None, held_out: bool, share: float) -> ShardRows:
    """Questions of these records, of those scenes that are held out or of all others."""
    makers = [partial(_record_row, i) for i in items if isinstance(i, str) or _is_held_out(i, share) is held_out]
    return _kept(_made(makers), tests)


def _is_held_out(record: Record, share: float) -> bool:
    return int(record.scene, 16) % 10**6 < share * 10**6


def _record_row(item: Record | str) -> dict:
    if isinstance(item, str):
        raise ValueError(item)
    reasons: Counter[str] = Counter()
    row = sft_row(item, reasons)
    if row is None:
        raise ValueError(next(iter(reasons)))
    return row


def _made(makers: Iterable[Callable[[], dict]]) -> list[dict | str]:
    """The rows that these give; of those that give none, what their ValueError says."""
    rows: list[dict | str] = []
    for make in makers:
        try:
            rows.append(make())
        except ValueError as error:
            rows.append(str(error))
    return rows


def _kept(rows: list[dict | str], tests: TestSet | None) -> ShardRows:
    """The rows that no test set holds; why the others are left out is counted."""
    made = ShardRows.of([CONFIG])
    known = iter(reasons_to_drop([row for row in rows if isinstance(row, dict)], tests))
    for row in rows:
        reason = row if isinstance(row, str) else next(known)
        made.add(CONFIG, None if reason else row, Counter([reason] if reason else []))
    return made


def reasons_to_drop(rows: list[dict], tests: TestSet | None) -> list[str]:
    """For each row which test set holds it and what is the same; empty where none does."""
    if tests is None:
        return [""] * len(rows)
    items = []
    for row in rows:
        image = row["images"][0]["bytes"] if row["images"] else None
        items.append(Item("", row["id"], question_text(row["prompt"]), hash_bytes(image) if image else None))
    found = {o.row: f"in {Path(tests.items[o.test].place).name}: same {o.why}" for o in tests.overlaps(items)}
    return [found.get(i, "") for i in range(len(rows))]


CARD = """---
license: {license}
task_categories:
- image-text-to-text
tags:
- geometry
{data_files}
---

# Questions on geometry figures with worked answers

Source: {source}. Where the figures are drawn by us, every step of a solution was checked on the coordinates of its
figure. `build_report.json` counts what was kept and what was dropped. Made by `{command}`.
"""


def source_of(args: SftArguments, split: str, tests: TestSet | None) -> tuple[Open, Callable[[list], ShardRows]]:
    """What opens the source of a split at a position, and what makes the rows of a chunk of it."""
    if args.source == PROCEDURAL:
        options = {name: getattr(args, name) for name in ("kinds", "multiple_choice", "image_size", "seed")}
        return count, partial(figure_shard, split=split, tests=tests, **options)
    source = SOURCES[args.source]
    share = args.num_test_rows / (args.num_rows + args.num_test_rows)
    make = partial(record_shard, tests=tests, held_out=split == "test", share=share)
    return partial(source.items, args.path, source.questions), make


def build(args: SftArguments) -> dict | None:
    """Build the data set and return the report written beside it, or None where Slurm is still to make the shards."""
    skipped, tests = Counter(), None
    if args.decontaminate_against:
        tests = args.test_set(read_tests(args.decontaminate_against, skipped))
    compared = tests and [tests.digest(), told_apart(args.encoder)]
    options = args.for_rows() | {"num_rows": None, "num_test_rows": None, "decontaminate_against": compared}
    if args.source != PROCEDURAL:
        options["held out"] = args.num_test_rows / (args.num_rows + args.num_test_rows)
    key = fingerprint({**options, "version": VERSION})
    assembly = Assembly(Path(args.output_dir), key, {CONFIG: FEATURES})
    arguments = {**args.for_rows(), "tests": compared}
    if (report := assembly.already_there(arguments, VERSION)) is not None:
        return report
    work = {split: source_of(args, split, tests) for split in args.wanted}
    there = [make_shards(args, args.num_workers, assembly.shards(s), n, *work[s]) for s, n in args.wanted.items()]
    if not all(there):
        return None
    splits: dict[str, dict] = {}
    for split, number in args.wanted.items():
        taken = build_split(assembly.shards(split), number, *work[split], args.num_workers)
        dropped = dict(sorted(taken.dropped.get(CONFIG, {}).items()))
        if not taken.rows:
            reasons = dropped or "the source has nothing for it"
            raise ValueError(f"no row of the {split} split could be made: {reasons}")
        kept = assembly.write_split(split, taken, CONFIG)
        splits[split] = {"asked": number, "kept": dict(sorted(kept.items())), "dropped": dropped}
    credit = credits_of([args.source])
    report = {
        "arguments": arguments,
        "version": VERSION,
        "command": rebuild_command("build_sft", args, always=("source", "num_rows")),
        "sources": credit,
        "configs": {CONFIG: splits},
    }
    if tests:
        report |= {"num_test_items": len(tests.items), "test_images_skipped": dict(sorted(skipped.items()))}
    card = CARD.replace("{license}", license_of(credit)).replace("{source}", args.source)
    return assembly.publish(report, card.replace("{command}", report["command"]))


def main() -> None:
    (args,) = TrlParser(SftArguments).parse_args_and_config()
    if (report := build(args)) is None:
        print("handed to Slurm; when the jobs are over, run the same command with --executor processes")
        return
    for split, counts in report["configs"][CONFIG].items():
        kept, dropped = counts["kept"], sum(counts["dropped"].values())
        kinds = sum(name.startswith("kind: ") for name in kept)
        told = f"{kinds} question kinds, {kept.get('format: multiple choice', 0)} rows with choices; {dropped} dropped"
        print(f"{split}: {kept['rows']} of {counts['asked']} rows, {told}")


if __name__ == "__main__":
    run_command(main)
