"""Build rows of hard negatives from a source of figures, as parquet that `load_dataset` reads.

    python -m data_scripts.build_hard_negatives --source procedural --num_rows 500 --output_dir rows
    python -m data_scripts.build_hard_negatives --source geometry3k --logic_forms logic_forms.zip --output_dir rows

The folder holds `{with_markings,letters_only}/{train,test}-*.parquet`, a README.md that names the configurations,
contact_sheet.png, and build_report.json: what was kept, what was dropped and why, and whether a shortcut tells
positives from negatives. Same options, same bytes, whatever --num_workers; safe to interrupt.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from itertools import count
from pathlib import Path

import pyarrow.parquet as pq
from trl import TrlParser

from .assemble import Assembly
from .cli import require_at_least, run_command
from .contact_sheet import write_contact_sheet
from .diagram import Diagram
from .embedded import minilm_folder
from .executors import ScaleArguments, make_shards
from .negatives.retrieval import encode, retrieve
from .rows import CONFIGS, FEATURES, RowOptions, build_rows
from .shards import Open, ShardRows, Taken, build_split, fingerprint
from .shortcuts import MAX_PAIRS, measure_shortcuts
from .sources import FIGURE_SOURCES, credits_of, geometry3k, license_of

VERSION = 2  # of the rows: raised whenever the same seed gives other bytes
SHEET_ROWS = 6
NOT_IN_SHARDS = ("num_rows", "num_test_rows", "num_retrieved", "top_k", "retriever")


@dataclass
class BuildArguments(ScaleArguments):
    """What to build and where to put it."""

    output_dir: str = field(metadata={"help": "Folder for the data set."})
    source: str = field(
        default="procedural", metadata={"help": "Where figures come from.", "choices": list(FIGURE_SOURCES)}
    )
    logic_forms: str | None = field(
        default=None, metadata={"help": "Zip of Geometry3K's logic forms (source geometry3k)."}
    )
    num_rows: int = field(default=500, metadata={"help": "Rows of the train split."})
    num_test_rows: int | None = field(
        default=None, metadata={"help": "Rows of the test split (default: a fifth of num_rows)."}
    )
    configs: list[str] = field(
        default_factory=lambda: list(CONFIGS),
        metadata={"help": "Configurations to build, with and without printed lengths and angles.", "choices": CONFIGS},
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
        if self.source not in FIGURE_SOURCES:
            raise ValueError(f"unknown source '{self.source}': expected one of {', '.join(FIGURE_SOURCES)}")
        if not self.configs or set(self.configs) - set(CONFIGS):
            raise ValueError(f"unknown --configs {self.configs}: expected some of {', '.join(CONFIGS)}")
        if self.num_test_rows is None:
            self.num_test_rows = max(1, self.num_rows // 5)
        require_at_least(self, num_rows=1, num_test_rows=1, image_size=64, num_workers=1, top_k=1)
        self.check_scale()
        require_at_least(self, num_image_negatives=0, num_rule_negatives=0, num_retrieved=0)
        if self.num_image_negatives + self.num_rule_negatives == 0:
            raise ValueError("a row needs a negative: one of --num_image_negatives and --num_rule_negatives above 0")

    @property
    def row_options(self) -> RowOptions:
        sizes = (self.image_size, self.num_image_negatives, self.num_rule_negatives)
        return RowOptions(*sizes, configs=tuple(self.configs), turn=self.source == "procedural")

    def for_rows(self) -> dict[str, object]:
        """The options that make the data set what it is: not where it is put, nor who makes it."""
        others = {"output_dir", "num_workers", *(f.name for f in fields(ScaleArguments))}
        return {name: value for name, value in asdict(self).items() if name not in others}


def build_shard(chunk: list, *, args: BuildArguments, split: str) -> ShardRows:
    """The rows of a chunk of the source."""
    made, unread = ShardRows.of(args.configs), Counter()
    for row_id, figure, rng in FIGURE_SOURCES[args.source].figures(chunk, split, args.seed, unread):
        built = build_rows(figure, row_id, args.source, rng, args.row_options, made.dropped)
        for config, one in (built or {}).items():
            made.rows[config].append(one.row)
            made.measures[config] += [one.measures] if one.measures else []
    for dropped in made.dropped.values():
        dropped.update(unread)
    return made


def source_of(args: BuildArguments, split: str) -> Open:
    """What opens the source of a split at a position; the rows of a chunk of it are a function of that chunk alone."""
    if args.source == "procedural":
        return count
    return partial(_from, geometry3k.shuffled(args.logic_forms, split, args.seed))


def _from(items: Sequence, start: int) -> Iterator:
    return iter(items[start:])


def retrieved(
    args: BuildArguments, assembly: Assembly, split: str, taken: Taken, config: str, dropped: Counter[str]
) -> Iterator[dict]:
    """Retrieved captions and their ids for every row; only text is held in memory."""
    ids, captions, facts = (
        list(assembly.read_column(split, taken, config, name)) for name in ("id", "caption", "facts")
    )
    if args.num_retrieved == 0 or len(ids) < 2:
        yield from ({"retrieved_captions": [], "retrieved_ids": []} for _ in ids)
        return
    diagrams = [Diagram.from_json(f) for f in facts]
    for row in retrieve(encode(captions, args.retriever), diagrams, args.num_retrieved, args.top_k, dropped):
        yield {"retrieved_captions": [captions[i] for i in row], "retrieved_ids": [ids[i] for i in row]}


CARD = """---
license: {license}
task_categories:
- zero-shot-image-classification
- image-text-to-text
tags:
- geometry
- hard-negatives
{data_files}
---

# Geometry figures with verified hard negatives

Source: {source}. Every negative was proven false on the coordinates of its figure. `build_report.json` counts what was
kept and what was dropped; `contact_sheet.png` shows the first rows. Made by `{command}`.
"""


def command_of(args: BuildArguments) -> str:
    """The command that makes these rows again: every option that is not at its default."""
    default = BuildArguments(args.output_dir, source=args.source, logic_forms=args.logic_forms, num_rows=args.num_rows)
    changed = [f.name for f in fields(args) if getattr(args, f.name) != getattr(default, f.name)]
    names = dict.fromkeys(["source", "logic_forms", "num_rows", *changed])
    shown = {name: args.for_rows()[name] for name in names if args.for_rows().get(name) is not None}
    if "logic_forms" in shown:
        shown["logic_forms"] = Path(shown["logic_forms"]).name
    words = (f"--{name} {' '.join(value) if isinstance(value, list) else value}" for name, value in shown.items())
    return " ".join(["python -m data_scripts.build_hard_negatives", *words])


def build(args: BuildArguments) -> dict | None:
    """Build the data set and return the report written beside it, or None where Slurm is still to make the shards."""
    arguments = args.for_rows()
    of_shards = {k: v for k, v in arguments.items() if k not in NOT_IN_SHARDS}  # a longer build goes on with them
    key = fingerprint({**of_shards, "version": VERSION})
    assembly = Assembly(Path(args.output_dir), key, dict.fromkeys(args.configs, FEATURES))
    if (report := assembly.already_there(arguments, VERSION)) is not None:
        return report
    if args.retriever == "embedded" and args.num_retrieved > 0:
        args = replace(args, retriever=minilm_folder())  # before the work, which would be in vain without it
    wanted = {"train": args.num_rows, "test": args.num_test_rows}
    configs: dict[str, dict] = {config: {} for config in args.configs}
    measures: dict[str, list] = {config: [] for config in args.configs}
    work = {split: (source_of(args, split), partial(build_shard, args=args, split=split)) for split in wanted}
    there = [make_shards(args, args.num_workers, assembly.shards(s), n, *work[s]) for s, n in wanted.items()]
    if not all(there):
        return None
    for split, number in wanted.items():
        taken = build_split(assembly.shards(split), number, *work[split], args.num_workers, MAX_PAIRS)
        if not taken.rows:
            raise ValueError(f"no row of the {split} split could be made: {dict(taken.dropped[args.configs[0]])}")
        for config in args.configs:
            dropped = taken.dropped[config]
            more = retrieved(args, assembly, split, taken, config, dropped)
            kept = assembly.write_split(split, taken, config, more)
            configs[config][split] = {
                "asked": number,
                "kept": dict(sorted(kept.items())),
                "dropped": dict(sorted(dropped.items())),
            }
            measures[config] += taken.measures.get(config, [])[: MAX_PAIRS - len(measures[config])]
    report = {
        "arguments": arguments,
        "version": VERSION,
        "command": command_of(args),
        "sources": credits_of([args.source]),
        "configs": configs,
        "shortcuts": {config: measure_shortcuts(pairs) for config, pairs in measures.items()},
    }
    first = min((assembly.staging / args.configs[0]).glob("train-*.parquet"))
    write_contact_sheet(
        pq.ParquetFile(first).read_row_group(0).slice(0, SHEET_ROWS).to_pylist(), assembly.output / "contact_sheet.png"
    )
    card = CARD.replace("{license}", license_of(report["sources"])).replace("{source}", args.source)
    return assembly.publish(report, card.replace("{command}", report["command"]))


def main() -> None:
    (args,) = TrlParser(BuildArguments).parse_args_and_config()
    if (report := build(args)) is None:
        print("handed to Slurm; when the jobs are over, run the same command with --executor processes")
        return
    for config, splits in report["configs"].items():
        for split, counts in splits.items():
            kept = counts["kept"]
            negatives = ", ".join(
                f"{kept[f'{family} negatives']} {family}" for family in ("image", "rule", "retrieval")
            )
            dropped = sum(counts["dropped"].values())
            rows = f"{kept['rows']} of {counts['asked']} rows"
            print(f"{config} {split}: {rows}; negatives: {negatives}; {dropped} candidates dropped")
    for config, shortcuts in report["shortcuts"].items():
        told = ", ".join(f"{name} {v['auc']:.3f}" for name, v in shortcuts.items() if isinstance(v, dict))
        print(
            f"{config}: AUC of telling positives from negatives over {shortcuts['pairs']} pairs: {told or 'too few'}"
        )
    print(f"written to {args.output_dir} (see contact_sheet.png and build_report.json)")


if __name__ == "__main__":
    run_command(main)
