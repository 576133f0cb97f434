"""Build questions on procedural figures with worked answers, as rows for TRL's SFTTrainer.

    python -m data_scripts.build_sft --num_rows 2000 --output_dir sft

Conversational prompt/completion with `images`; the completion ends in \\boxed{answer}. Same options, same bytes; safe
to interrupt.
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
from .diagram.drawing import Style, lay_out, rasterise
from .png import encode_png
from .questions import INSTRUCTION, KINDS, draw_question
from .shards import SHARD_SIZE, ShardFolder, build_split, fingerprint, remove_work, write_parquet, write_text

VERSION = 1  # of the rows: raised whenever the same seed gives other bytes
MESSAGES = List({"role": Value("string"), "content": Value("string")})
FEATURES = Features(
    {
        "id": Value("string"),
        "kind": Value("string"),
        "prompt": MESSAGES,
        "completion": MESSAGES,
        "images": List(Image()),
        "answer": Value("string"),
    }
)


@dataclass
class SftArguments:
    """What to build and where to put it."""

    output_dir: str = field(metadata={"help": "Folder for the data set."})
    num_rows: int = field(default=2000, metadata={"help": "Rows of the train split."})
    num_test_rows: int | None = field(
        default=None, metadata={"help": "Rows of the test split (default: a tenth of num_rows)."}
    )
    kinds: list[str] = field(default_factory=lambda: list(KINDS), metadata={"help": "Question kinds (default: all)."})
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


def build_row(index: int, split: str, kinds: list[str], image_size: int, seed: int) -> dict:
    """Row number `index` of a split.

    Raises:
        ValueError: if its question kind gives no readable figure.
    """
    rng = np.random.default_rng([seed, {"train": 10, "test": 12}[split], index])
    kind = kinds[int(rng.integers(len(kinds)))]
    question = draw_question(kind, rng)
    image = rasterise(lay_out(question.program.diagram, Style.draw(rng, image_size)))
    return {
        "id": f"sft/{seed}/{split}/{index}/{kind}",
        "kind": kind,
        "prompt": [{"role": "user", "content": f"{question.text} {INSTRUCTION}"}],
        "completion": [{"role": "assistant", "content": f"{question.steps} \\boxed{{{question.answer}}}"}],
        "images": [{"bytes": encode_png(image), "path": None}],
        "answer": question.answer,
    }


def _shard(figures: range, **options: object) -> tuple[list[dict], Counter[str]]:
    rows, dropped = [], Counter()
    for index in figures:
        try:
            rows.append(build_row(index, **options))
        except ValueError as error:
            dropped[str(error)] += 1
    return rows, dropped


def build(args: SftArguments) -> dict:
    """Build the data set and return the report that is written beside it."""
    output = Path(args.output_dir)
    options = {"kinds": args.kinds, "image_size": args.image_size, "seed": args.seed}
    work = output / ".build" / fingerprint({**options, "version": VERSION})
    arguments = {k: v for k, v in asdict(args).items() if k != "num_workers"}
    report: dict = {"arguments": arguments, "version": VERSION, "splits": {}}
    (output / "data").mkdir(parents=True, exist_ok=True)
    for split, wanted in (("train", args.num_rows), ("test", args.num_test_rows)):
        shard = partial(_shard, split=split, **options)
        shards = ShardFolder(work, split, FEATURES)
        taken, dropped = build_split(shards, wanted, SHARD_SIZE * wanted, shard, args.num_workers)
        if not taken:
            raise ValueError(f"no row of the {split} split could be made: {dict(dropped)}")
        for old in (output / "data").glob(f"{split}-*.parquet"):
            old.unlink()
        kinds: Counter[str] = Counter()
        for number, (path, use) in enumerate(taken):
            rows = pq.read_table(path).slice(0, use).to_pylist()
            kinds.update(row["kind"] for row in rows)
            write_parquet(rows, FEATURES, output / "data" / f"{split}-{number:05d}-of-{len(taken):05d}.parquet")
        report["splits"][split] = {"asked": wanted, "kinds": dict(sorted(kinds.items())), "dropped": dict(dropped)}
    write_text(json.dumps(report, indent=1), output / "build_report.json")
    remove_work(output / ".build")
    return report


def main() -> None:
    (args,) = TrlParser(SftArguments).parse_args_and_config()
    report = build(args)
    for split, counts in report["splits"].items():
        kinds = counts["kinds"]
        print(f"{split}: {sum(kinds.values())} of {counts['asked']} rows, {len(kinds)} question kinds")


if __name__ == "__main__":
    run_command(main)
