"""Build image-caption pairs for the align stage, as conversational prompt/completion rows with `images`.

    python -m data_scripts.build_alignment --source geo170k --path Geo170K --num_rows 60000 --output_dir alignment
    python -m data_scripts.build_alignment --source hard_negatives --path rows --output_dir alignment

The prompt asks for a description, in a wording drawn for each row; the completion is the caption (G-LLaVA, arXiv
2312.11370; MMGeoLM, section 4). The folder holds `data/train-*.parquet` with the images inside, a README.md and
build_report.json. Same options, same bytes; safe to interrupt.
"""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from datasets import Features, Image, List, Value
from trl import TrlParser

from .cli import require_at_least, run_command
from .shards import ShardFolder, fingerprint, name_by_content, remove_work, write_parquet, write_text
from .sources import CAPTION_SOURCES, SOURCES
from .sources.records import OpenedRow
from .sources.source import Source
from .sources.take import take_rows

VERSION = 1  # of the rows: raised whenever the same seed gives other bytes
SHARDS_PER_FILE = 16
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
LICENSES = {"procedural": "apache-2.0", "geometry3k": "mit"} | {name: s.license for name, s in SOURCES.items()}
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

    def __post_init__(self) -> None:
        if self.source not in CAPTION_SOURCES:
            raise ValueError(f"unknown source '{self.source}': expected one of {', '.join(CAPTION_SOURCES)}")
        self.split = self.split or SOURCES[self.source].captions
        require_at_least(self, num_rows=1, seed=0)


def alignment_row(opened: OpenedRow, dropped: Counter[str], *, source: Source, split: str, seed: int) -> dict | None:
    """The pair of a source's row, or None, counted in `dropped` by reason."""
    record = source.record(opened, split, dropped)
    if record is None:
        return None
    if not record.caption or record.image is None:
        dropped["row: no caption" if record.image else "row: no image"] += 1
        return None
    rng = np.random.default_rng([seed, opened.position])
    return {
        "id": record.metadata.get("id") or record.id,
        "source": record.metadata.get("source") or record.source,
        "prompt": [{"role": "user", "content": str(rng.choice(INSTRUCTIONS))}],
        "completion": [{"role": "assistant", "content": record.caption}],
        "images": [{"bytes": record.image, "path": None}],
    }


README = """---
license: {license}
task_categories:
- image-to-text
tags:
- geometry
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*-{digest}.parquet
---

# Image-caption pairs of geometry figures ({source})

Made by `{command}`. The licence is that of the source; `unknown` means that its card states none,
`other` that there are several.
"""


def build(args: AlignmentArguments) -> dict:
    """Build the data set and return the report that is written beside it."""
    source, output = SOURCES[args.source], Path(args.output_dir)
    arguments = asdict(args)
    key = {name: value for name, value in arguments.items() if name not in ("output_dir", "num_rows")}
    shards = ShardFolder(output / ".build" / fingerprint({**key, "version": VERSION}), "train", FEATURES)
    make_row = partial(alignment_row, source=source, split=args.split, seed=args.seed)
    taken, dropped = take_rows(shards, args.num_rows, partial(source.rows, args.path, args.split), make_row)
    if not taken:
        raise ValueError(f"no pair could be read from {args.path or source.hub_id}: {dict(dropped)}")
    data = output / "data"
    data.mkdir(parents=True, exist_ok=True)
    for old in data.glob("train-*.parquet"):
        old.unlink()
    groups = [taken[i : i + SHARDS_PER_FILE] for i in range(0, len(taken), SHARDS_PER_FILE)]
    licenses = set()
    for number, group in enumerate(groups):
        rows = [row for path, use in group for row in pq.read_table(path).slice(0, use).to_pylist()]
        licenses |= {LICENSES.get(row["source"], "unknown") for row in rows}
        write_parquet(rows, FEATURES, data / f"train-{number:05d}-of-{len(groups):05d}.parquet")
    digest = name_by_content(data)
    kept = sum(use for _, use in taken)
    report = {"arguments": arguments, "version": VERSION, "rows": kept, "dropped": dict(sorted(dropped.items()))}
    write_text(json.dumps(report, indent=1, ensure_ascii=False), output / "build_report.json")
    command = (
        f"python -m data_scripts.build_alignment --source {args.source} --num_rows {args.num_rows} --seed {args.seed}"
    )
    license_ = licenses.pop() if len(licenses) == 1 else "other"
    card = README.format(license=license_, digest=digest, source=args.source, command=command)
    write_text(card, output / "README.md")
    remove_work(output / ".build")
    return report


def main() -> None:
    (args,) = TrlParser(AlignmentArguments).parse_args_and_config()
    report = build(args)
    print(f"{report['rows']} of {args.num_rows} rows; {sum(report['dropped'].values())} rows of the source dropped")
    print(f"written to {args.output_dir} (see build_report.json)")


if __name__ == "__main__":
    run_command(main)
