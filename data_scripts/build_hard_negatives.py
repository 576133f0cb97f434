"""Build rows of hard negatives from a source of figures, as parquet that `load_dataset` reads.

    python -m data_scripts.build_hard_negatives --source procedural --num_rows 500 --output_dir rows
    python -m data_scripts.build_hard_negatives --source geometry3k --logic_forms logic_forms.zip --output_dir rows
    python -m data_scripts.build_hard_negatives --source mavis --path MAVIS --num_rows 100000 --output_dir rows

Figures of ours are drawn with and without printed values, and every negative is proven on their coordinates. Pictures
of public data sets are taken as they are: their captions give rule negatives and retrieved ones, and image negatives
come along where the source has them.

The folder holds `{with_markings,letters_only}/{train,test}-*.parquet`, a README.md that names the configurations,
contact_sheet.png, and build_report.json: what was kept, what was dropped and why, and whether a shortcut tells
positives from negatives. Same options, same bytes, whatever --num_workers; safe to interrupt.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
from trl import TrlParser

from .assemble import Assembly
from .build_options import options_for_rows, rebuild_command, refuse_same_folder, refuse_without_effect
from .cli import require_at_least, run_command
from .contact_sheet import write_contact_sheet
from .embedded import minilm_folder
from .executors import ScaleArguments, make_shards
from .negatives.encoding import EMBEDDED, encode_captions
from .negatives.retrieval import SAMPLINGS, RetrievalOptions, figure_judge, retrieve, statement_judge
from .row_sources import open_source, read_stated, shard_builder
from .rows import CONFIGS, FEATURES, RowOptions
from .shards import Taken, build_split, fingerprint
from .shortcuts import MAX_PAIRS, measure_shortcuts
from .sources import CAPTION_SOURCES, FIGURE_SOURCES, credits_of, license_of
from .sources.procedural import choose_families

VERSION = 6  # of the rows: raised whenever the same seed gives other bytes
SOURCES = (*FIGURE_SOURCES, *CAPTION_SOURCES)
SHEET_ROWS = 6
NOT_IN_SHARDS = (
    "num_rows",
    "num_test_rows",
    "num_retrieved",
    "top_k",
    "retriever",
    "sampling",
    "simans_a",
    "simans_b",
)
ONLY_WITH = (
    ("logic_forms", "source", ("geometry3k",)),
    ("path", "source", CAPTION_SOURCES),
    ("families", "source", ("procedural",)),
    ("num_drawn_negatives", "source", FIGURE_SOURCES),  # pictures of others cannot be drawn again
    ("image_size", "source", FIGURE_SOURCES),
    ("simans_a", "sampling", ("simans",)),
    ("simans_b", "sampling", ("simans",)),
)


@dataclass
class BuildArguments(ScaleArguments):
    """What to build and where to put it."""

    output_dir: str = field(metadata={"help": "Folder for the data set."})
    source: str = field(
        default="procedural",
        metadata={
            "help": "Where figures come from: drawn by us with their facts (procedural, geometry3k), or pictures with "
            "captions of a public data set.",
            "choices": list(SOURCES),
        },
    )
    logic_forms: str | None = field(
        default=None, metadata={"help": "Zip or folder of Geometry3K's logic forms (source geometry3k)."}
    )
    path: str | None = field(
        default=None, metadata={"help": "Folder, file or Hub id of a public data set (default: its own Hub id)."}
    )
    families: list[str] | None = field(
        default=None,
        metadata={
            "help": "Families of figures to draw from, such as triangle two_chords (source procedural; default: all)."
        },
    )
    num_rows: int = field(default=500, metadata={"help": "Rows of the train split."})
    num_test_rows: int | None = field(
        default=None, metadata={"help": "Rows of the test split (default: a fifth of num_rows)."}
    )
    configs: list[str] | None = field(
        default=None,
        metadata={
            "help": "Configurations to build, with and without printed lengths and angles (default: both; pictures of "
            "others are as they are, with_markings).",
            "choices": list(CONFIGS),
        },
    )
    num_image_negatives: int = field(default=10, metadata={"help": "Image negatives per row, at most."})
    num_rule_negatives: int = field(default=10, metadata={"help": "Rule negatives per row, at most."})
    num_drawn_negatives: int = field(
        default=0,
        metadata={
            "help": "Rule negatives that are drawn as well, at most so many per row beside the others: figures of "
            "which an edited caption is true, most of them with letters in another order (our own figures)."
        },
    )
    num_retrieved: int = field(default=10, metadata={"help": "Retrieval negatives per row, at most; 0 for none."})
    top_k: int = field(default=100, metadata={"help": "Most similar captions looked at for retrieval negatives."})
    sampling: str = field(
        default="top",
        metadata={
            "help": "Which of them are taken: the most similar (top), or ambiguous ones (simans).",
            "choices": list(SAMPLINGS),
        },
    )
    simans_a: float = field(default=100.0, metadata={"help": "SimANS: how sharply the wished similarity is kept to."})
    simans_b: float = field(default=0.0, metadata={"help": "SimANS: added to the similarity that is wished for."})
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
        if self.source not in SOURCES:
            raise ValueError(f"unknown source '{self.source}': expected one of {', '.join(SOURCES)}")
        if self.source == "geometry3k" and not self.logic_forms:
            raise ValueError("--source geometry3k needs --logic_forms, the zip of Geometry3K's logic forms")
        default = CONFIGS if self.source in FIGURE_SOURCES else CONFIGS[:1]
        self.configs = list(dict.fromkeys(self.configs or default))  # one that is named twice is built once
        if set(self.configs) - set(CONFIGS):
            raise ValueError(f"unknown --configs {self.configs}: expected some of {', '.join(CONFIGS)}")
        if self.source not in FIGURE_SOURCES and self.configs != [CONFIGS[0]]:
            raise ValueError(f"pictures of {self.source} cannot be drawn again: --configs can only be {CONFIGS[0]}")
        refuse_without_effect(self, ONLY_WITH)
        refuse_same_folder(self, "path")
        if self.families is not None:
            self.families = list(choose_families(self.families))
        if self.num_test_rows is None:
            self.num_test_rows = max(1, self.num_rows // 5)
        require_at_least(self, num_rows=1, num_test_rows=1, image_size=64, seed=0, num_workers=1, top_k=1)
        require_at_least(self, num_image_negatives=0, num_rule_negatives=0, num_drawn_negatives=0, num_retrieved=0)
        if self.num_image_negatives + self.num_rule_negatives == 0:
            raise ValueError("a row needs a negative: one of --num_image_negatives and --num_rule_negatives above 0")
        self.check_scale()
        self.retrieval_options  # noqa: B018  raises where they make no sense

    @property
    def row_options(self) -> RowOptions:
        sizes = (self.image_size, self.num_image_negatives, self.num_rule_negatives)
        return RowOptions(
            *sizes,
            configs=tuple(self.configs),
            turn=self.source == "procedural",
            num_drawn_negatives=self.num_drawn_negatives,
        )

    @property
    def retrieval_options(self) -> RetrievalOptions:
        simans = {"sampling": self.sampling, "a": self.simans_a, "b": self.simans_b}
        return RetrievalOptions(self.num_retrieved, self.top_k, **simans, seed=self.seed)

    @property
    def wanted(self) -> dict[str, int]:
        """Rows of each split."""
        return {"train": self.num_rows, "test": self.num_test_rows}

    def for_rows(self) -> dict[str, object]:
        """The options that make the data set what it is: not where it is put, nor who makes it."""
        return options_for_rows(self, places=("logic_forms", "path", "retriever"))

    def key(self) -> str:
        """A name for what makes the shards: a longer build goes on with those of a shorter one."""
        options = {k: v for k, v in self.for_rows().items() if k not in NOT_IN_SHARDS}
        if self.source not in FIGURE_SOURCES:
            options["held out"] = self.num_test_rows / (self.num_rows + self.num_test_rows)  # decides on every scene
        return fingerprint({**options, "version": VERSION})

    def command(self) -> str:
        """The command that makes these rows again."""
        return rebuild_command("build_hard_negatives", self, always=("source", "num_rows", "logic_forms"))


def retrieved(
    args: BuildArguments, assembly: Assembly, split: str, taken: Taken, config: str, dropped: Counter[str]
) -> Iterator[dict]:
    """Retrieved captions and their ids for every row; only text is held in memory."""
    if args.num_retrieved == 0 or taken.rows < 2:
        yield from ({"retrieved_captions": [], "retrieved_ids": []} for _ in range(taken.rows))
        return
    ids, captions, facts = (
        list(assembly.read_column(split, taken, config, name)) for name in ("id", "caption", "facts")
    )
    encoded = encode_captions(captions, args.retriever, assembly.work)
    judge, scenes = figure_judge(facts), None
    if args.source not in FIGURE_SOURCES:
        stated, scenes = zip(*map(read_stated, facts), strict=True)
        judge = statement_judge(stated)
    for row in retrieve(encoded, judge, args.retrieval_options, dropped, scenes):
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

# Geometry figures with hard negatives

Source: {source}. `build_report.json` counts what was kept and what was dropped; `contact_sheet.png` shows the first
rows. Made by `{command}`.
"""


def caption_words(lengths: list[int]) -> dict[str, float]:
    """How long captions are, in words, as the report says it."""
    mean = round(sum(lengths) / len(lengths), 1)
    return {"shortest": min(lengths), "mean": mean, "longest": max(lengths)}


def build(args: BuildArguments) -> dict | None:
    """Build the data set and return the report written beside it, or None where Slurm is still to make the shards."""
    assembly = Assembly(Path(args.output_dir), args.key(), dict.fromkeys(args.configs, FEATURES))
    if (report := assembly.already_there(args.for_rows(), VERSION)) is not None:
        return report
    if args.retriever == EMBEDDED and args.num_retrieved > 0:
        minilm_folder()  # before the work, which would be in vain without it
    work = {split: (open_source(args, split), shard_builder(args, split)) for split in args.wanted}
    there = [make_shards(args, args.num_workers, assembly.shards(s), n, *work[s]) for s, n in args.wanted.items()]
    if not all(there):
        return None
    configs: dict[str, dict] = {config: {} for config in args.configs}
    measures: dict[str, list] = {config: [] for config in args.configs}
    sources: set[str] = set()
    for split, number in args.wanted.items():
        taken = build_split(assembly.shards(split), number, *work[split], args.num_workers, MAX_PAIRS)
        if not taken.rows:
            reasons = dict(taken.dropped.get(args.configs[0], {})) or "the source has nothing for it"
            raise ValueError(f"no row of the {split} split could be made: {reasons}")
        for config in args.configs:
            dropped = taken.dropped[config]
            more = retrieved(args, assembly, split, taken, config, dropped)
            kept = assembly.write_split(split, taken, config, more)
            sources |= {name.removeprefix("source: ") for name in kept if name.startswith("source: ")}
            lengths = [len(text.split()) for text in assembly.read_column(split, taken, config, "caption")]
            configs[config][split] = {
                "asked": number,
                "kept": dict(sorted(kept.items())),
                "dropped": dict(sorted(dropped.items())),
                "caption words": caption_words(lengths),
            }
            measures[config] += taken.measures.get(config, [])[: MAX_PAIRS - len(measures[config])]
    credit = credits_of(sources)
    report = {
        "arguments": args.for_rows(),
        "version": VERSION,
        "command": args.command(),
        "sources": credit,
        "configs": configs,
        "shortcuts": {config: measure_shortcuts(pairs) for config, pairs in measures.items()},
    }
    first = pq.ParquetFile(min((assembly.staging / args.configs[0]).glob("train-*.parquet"))).read_row_group(0)
    write_contact_sheet(first.slice(0, SHEET_ROWS).to_pylist(), assembly.output / "contact_sheet.png")
    card = CARD.replace("{license}", license_of(credit)).replace("{source}", args.source)
    return assembly.publish(report, card.replace("{command}", report["command"]))


def main() -> None:
    (args,) = TrlParser(BuildArguments).parse_args_and_config()
    if (report := build(args)) is None:
        print("handed to Slurm; when the jobs are over, run the same command with --executor processes")
        return
    for config, splits in report["configs"].items():
        for split, counts in splits.items():
            kept, dropped = counts["kept"], sum(counts["dropped"].values())
            negatives = ", ".join(f"{kept[f'{f} negatives']} {f}" for f in ("image", "rule", "retrieval"))
            rows = f"{kept['rows']} of {counts['asked']} rows"
            print(f"{config} {split}: {rows}; negatives: {negatives}; {dropped} candidates dropped")
    for config, shortcuts in report["shortcuts"].items():
        told = ", ".join(f"{name} {v['auc']:.3f}" for name, v in shortcuts.items() if isinstance(v, dict))
        pairs = f"{shortcuts['pairs']} pairs"
        print(f"{config}: AUC of telling positives from negatives over {pairs}: {told or 'too few to say'}")
    print(f"written to {args.output_dir} (see contact_sheet.png and build_report.json)")


if __name__ == "__main__":
    run_command(main)
