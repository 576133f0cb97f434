"""Build image-caption pairs for the align stage, as conversational prompt/completion rows with `images`.

    python -m data_scripts.build_alignment --source geo170k --path Geo170K --num_rows 60000 --output_dir alignment
    python -m data_scripts.build_alignment --source hard_negatives --path rows --output_dir alignment

The prompt asks for a description, in a wording drawn for each row; the completion is the caption (G-LLaVA, arXiv
2312.11370; MMGeoLM, section 4). The folder holds `default/train-*.parquet` with the images inside, a README.md and
build_report.json. Same options, same bytes; safe to interrupt.
"""

import os
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from datasets import Features, Image, List, Value
from trl import TrlParser

from .assemble import Assembly
from .build_options import options_for_rows, rebuild_command, refuse_same_folder
from .cli import require_at_least, run_command
from .shards import ShardRows, build_split, fingerprint
from .sources import CAPTION_SOURCES, SOURCES, credits_of, license_of
from .sources.records import Record

VERSION = 2  # of the rows: raised whenever the same seed gives other bytes
CONFIG = "default"
INSTRUCTIONS = (
    "Describe this geometry figure.",
    "State what the figure shows.",
    "What does this diagram show?",
    "Say in words what is drawn here.",
    "Put this geometric drawing into words.",
    "Which points, lines and marks does the figure have? Describe them.",
    "Describe the drawing so that someone could draw it again.",
    "List what can be read off this figure.",
    "Give a short and exact description of the diagram.",
    "Explain what is given in this figure.",
    "Write a caption for this geometry diagram.",
    "Tell me what you see in this geometric figure.",
)
MESSAGES = List({"role": Value("string"), "content": Value("string")})
FEATURES = Features(
    {
        "id": Value("string"),
        "source": Value("string"),
        "prompt": MESSAGES,
        "completion": MESSAGES,
        "images": List(Image()),
    }
)


@dataclass
class AlignmentArguments:
    """What to build and where to put it."""

    output_dir: str = field(metadata={"help": "Folder for the data set."})
    source: str = field(metadata={"help": "Where pairs come from.", "choices": list(CAPTION_SOURCES)})
    path: str | None = field(
        default=None,
        metadata={"help": "Folder, file (json, jsonl, parquet, zip) or Hub id (default: the source's own Hub id)."},
    )
    split: str | None = field(default=None, metadata={"help": "Split of the source (default: the one with captions)."})
    num_rows: int = field(default=60_000, metadata={"help": "Rows, at most."})
    seed: int = field(default=0, metadata={"help": "Draws the wording of the prompts; same seed, same bytes."})
    num_workers: int = field(
        default_factory=lambda: os.cpu_count() or 1, metadata={"help": "Processes (default: all cores)."}
    )

    def __post_init__(self) -> None:
        if self.source not in CAPTION_SOURCES:
            raise ValueError(f"unknown source '{self.source}': expected one of {', '.join(CAPTION_SOURCES)}")
        self.split = self.split or SOURCES[self.source].captions
        require_at_least(self, num_rows=1, seed=0, num_workers=1)
        refuse_same_folder(self, "path")

    def for_rows(self) -> dict[str, object]:
        """The options that make the data set what it is: not where it is put, nor who makes it."""
        return options_for_rows(self, places=("path",))


def alignment_row(record: Record, seed: int) -> dict | str:
    """The pair of a record, or the reason why it gives none."""
    if not record.caption or record.image is None:
        return "row: no caption" if record.image else "row: no image"
    rng = np.random.default_rng([seed, record.position])
    return {
        "id": record.metadata.get("id") or record.id,
        "source": record.metadata.get("source") or record.source,
        "prompt": [{"role": "user", "content": str(rng.choice(INSTRUCTIONS))}],
        "completion": [{"role": "assistant", "content": record.caption}],
        "images": [{"bytes": record.image, "path": None}],
    }


def build_shard(items: list[Record | str], *, seed: int) -> ShardRows:
    """The pairs of these records."""
    made = ShardRows.of([CONFIG])
    for item in items:
        row = item if isinstance(item, str) else alignment_row(item, seed)
        made.add(CONFIG, *((None, Counter([row])) if isinstance(row, str) else (row, Counter())))
    return made


CARD = """---
license: {license}
task_categories:
- image-to-text
tags:
- geometry
{data_files}
---

# Image-caption pairs of geometry figures ({source})

Made by `{command}`. The licence is that of the source; `unknown` means that its card states none,
`other` that there are several.
"""


def build(args: AlignmentArguments) -> dict:
    """Build the data set and return the report that is written beside it."""
    arguments = args.for_rows()
    key = fingerprint({**arguments, "num_rows": None, "version": VERSION})
    assembly = Assembly(Path(args.output_dir), key, {CONFIG: FEATURES})
    if (report := assembly.already_there(arguments, VERSION)) is not None:
        return report
    source = SOURCES[args.source]
    items, make = partial(source.items, args.path, args.split), partial(build_shard, seed=args.seed)
    taken = build_split(assembly.shards("train"), args.num_rows, items, make, args.num_workers)
    dropped = dict(sorted(taken.dropped.get(CONFIG, {}).items()))
    if not taken.rows:
        raise ValueError(f"no pair could be read from {args.path or source.hub_id}: {dropped}")
    kept = assembly.write_split("train", taken, CONFIG)
    credit = credits_of(name.removeprefix("source: ") for name in kept if name.startswith("source: "))
    report = {
        "arguments": arguments,
        "version": VERSION,
        "command": rebuild_command("build_alignment", args, always=("source", "num_rows")),
        "sources": credit,
        "configs": {
            CONFIG: {"train": {"asked": args.num_rows, "kept": dict(sorted(kept.items())), "dropped": dropped}}
        },
    }
    card = CARD.replace("{license}", license_of(credit)).replace("{source}", args.source)
    return assembly.publish(report, card.replace("{command}", report["command"]))


def main() -> None:
    (args,) = TrlParser(AlignmentArguments).parse_args_and_config()
    counts = build(args)["configs"][CONFIG]["train"]
    dropped = sum(counts["dropped"].values())
    print(f"{counts['kept']['rows']} of {args.num_rows} rows; {dropped} rows of the source dropped")
    print(f"written to {args.output_dir} (see build_report.json)")


if __name__ == "__main__":
    run_command(main)
