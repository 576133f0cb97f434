"""Build the hard-negative exam as a data set, and check it against the manifest that freezes it.

    python -m evaluation.hard_negative_exam --output_dir exam
    python -m evaluation.hard_negative_exam --output_dir exam --logic_forms logic_forms.zip

Four sets of 500 questions (MMGeoLM section 4: 500 samples per set, ten negatives against one positive, and the 100
nearest captions for retrieval):

| set       | image -> captions                     | caption -> images                  | candidates |
|-----------|---------------------------------------|------------------------------------|------------|
| random    | captions of other figures             | their figures                      | 11         |
| retrieval | the most similar captions of others   | their figures                      | 11 and 101 |
| rule      | edited captions                       | figures of edited captions         | 11; 5 - 11 |
| image     | captions of edited figures            | edited figures                     | 11         |

An edited caption keeps all statements but the edited ones; that of an edited figure is written anew. Most edited
captions describe nothing that could be drawn, so the figures of rule belong to edits of their own, four to ten for a
caption; chance is that of each question's own number. A real figure without printed values that has fewer asks no such
question.

`load_dataset("exam", "with_markings")` gives the splits `procedural` and `procedural_gallery`, with Geometry3K's logic
forms also `geometry3k` and `geometry3k_gallery`; `letters_only` is the same figures without printed lengths and
angles. All candidates are proven negatives. Figures of Geometry3K are of its test split (the gallery: validation), and
as many as it gives.

Promise: no figure of the exam trains a model of ours. Figures made from nothing come from two streams of random
numbers (`sources.procedural.STREAMS`) that no build of rows draws from, whatever its seed; real ones from published
splits that no build trains on. Same options, same exam: captions are encoded in float64, since the last bits of
float32 sums, which differ between batches, would decide on near neighbours. The command says whether what it built is
the frozen exam. Safe to interrupt.
"""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from trl import TrlParser

from data_scripts.assemble import Assembly
from data_scripts.build_hard_negatives import SHEET_ROWS, caption_words
from data_scripts.build_options import told_apart
from data_scripts.cli import require_at_least
from data_scripts.contact_sheet import write_contact_sheet
from data_scripts.embedded import minilm_folder
from data_scripts.negatives.encoding import EMBEDDED, encode_captions
from data_scripts.negatives.retrieval import figure_judge
from data_scripts.rows import CONFIGS, RowOptions
from data_scripts.shards import BuildShard, Open, Taken, build_split, fingerprint
from data_scripts.shortcuts import MAX_PAIRS, measure_shortcuts
from data_scripts.sources import credits_of, geometry3k, license_of
from evaluation.hard_negative_exam.manifest import MANIFEST, describe, read_manifest, verify, write_manifest
from evaluation.hard_negative_exam.rows import (
    EXAM,
    EXAM_FEATURES,
    GALLERY,
    NUM_CANDIDATES,
    ORIGINS,
    candidates,
    exam_shard,
    gallery_shard,
    split_name,
    without_candidates,
)

VERSION = 6  # of the exam: raised whenever the same options give another one
UNCHECKED = ("output_dir", "num_workers", "manifest", "write_manifest")


@dataclass
class ExamArguments:
    """Build the hard-negative exam. The defaults are the frozen exam."""

    output_dir: str = field(metadata={"help": "Folder for the data set."})
    logic_forms: str | None = field(
        default=None,
        metadata={"help": "Zip or folder of Geometry3K's logic forms; without it the exam has no real figures."},
    )
    num_rows: int = field(default=500, metadata={"help": "Figures asked about, of each source."})
    num_gallery: int = field(default=2000, metadata={"help": "Further figures that serve as candidates."})
    retriever: str = field(
        default=EMBEDDED, metadata={"help": "Sentence encoder: Hub id, folder, or 'embedded' for MiniLM in a wheel."}
    )
    image_size: int = field(default=336, metadata={"help": "Side of the images in pixels."})
    seed: int = field(default=20152, metadata={"help": "Same seed, same exam."})
    num_workers: int = field(default=1, metadata={"help": "Processes."})
    manifest: str = field(default=str(MANIFEST), metadata={"help": "The manifest to check the exam against."})
    write_manifest: str | None = field(default=None, metadata={"help": "Write the manifest of what was built here."})

    def __post_init__(self) -> None:
        require_at_least(self, num_rows=1, num_gallery=1, image_size=64, seed=0, num_workers=1)
        if self.num_rows + self.num_gallery <= NUM_CANDIDATES:
            raise ValueError(f"{NUM_CANDIDATES} candidates need more figures: raise --num_gallery")

    @property
    def row_options(self) -> dict[str, RowOptions]:
        """How the figures of each source are drawn: real ones stand as printed."""
        sizes = (self.image_size, NUM_CANDIDATES, NUM_CANDIDATES)
        drawn = {"num_drawn_rules": NUM_CANDIDATES}
        return {source: RowOptions(*sizes, turn=source == "procedural", **drawn) for source in ORIGINS}

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(source for source in ORIGINS if source == "procedural" or self.logic_forms)

    @property
    def wanted(self) -> dict[str, int]:
        """Figures of each part, of each source."""
        return {EXAM: self.num_rows, GALLERY: self.num_gallery}

    def options(self) -> dict[str, Any]:
        """What makes the exam what it is."""
        options = {name: value for name, value in asdict(self).items() if name not in (*UNCHECKED, "logic_forms")}
        return {**options, "version": VERSION}

    def for_rows(self) -> dict[str, Any]:
        """The same with where real figures are read from, for the report."""
        return {**self.options(), "source": ", ".join(self.sources), "logic_forms": told_apart(self.logic_forms)}

    def open(self, source: str, part: str) -> Open:
        """What opens the figures of a part of the exam at a position."""
        if source == "procedural":
            return count
        items = geometry3k.shuffled(self.logic_forms, ORIGINS[source][part], self.seed)
        return partial(_from, items)

    def builder(self, source: str, part: str) -> BuildShard:
        """What makes its rows."""
        shard = exam_shard if part == EXAM else gallery_shard
        return partial(shard, source=source, seed=self.seed, options=self.row_options[source])

    def command(self) -> str:
        """The command that builds this exam again."""
        plain = ExamArguments(self.output_dir).options()
        shown = {name: value for name, value in self.options().items() if value != plain[name]}
        shown |= {"logic_forms": Path(self.logic_forms).name} if self.logic_forms else {}
        return " ".join(["python -m evaluation.hard_negative_exam", *(f"--{k} {v}" for k, v in shown.items())])


def _from(items: list, start: int) -> Iterable:
    return iter(items[start:])


INTENDED_USE = (
    "Evaluation only: a model that was trained on these rows has seen the answers. Rows of `*_gallery` lend "
    "candidates to the others by their ids and are not asked about. Let any CLIP-family model sit the exam by `python "
    "-m evaluation.hard_negative_exam.sit --model M --exam E --output_dir O`."
)
CARD = """---
license: {license}
task_categories:
- zero-shot-image-classification
tags:
- geometry
- hard-negatives
{data_files}
---

# A hard-negative exam for geometry figures

`build_report.json` counts what was kept and what was dropped. Made by `{command}`.
"""


def _with_candidates(
    args: ExamArguments, assembly: Assembly, source: str, taken: dict[str, Taken], config: str, dropped: Counter[str]
) -> Iterable[dict]:
    """The columns of candidates of the rows that are asked about."""
    columns = {
        name: [
            *chain.from_iterable(
                assembly.read_column(split_name(source, part), taken[part], config, name) for part in (EXAM, GALLERY)
            )
        ]
        for name in ("id", "caption", "facts")
    }
    encoded = encode_captions(columns["caption"], args.retriever, assembly.work, exact=True)
    judge = figure_judge(columns["facts"])
    return candidates(columns["id"], columns["caption"], encoded, judge, taken[EXAM].rows, args.seed, dropped)


def build(args: ExamArguments) -> dict:
    """Build the exam and return the report written beside it, with what the manifest says of it.

    Raises:
        ValueError: if the logic forms cannot be read, or a source gives no row.
    """
    assembly = Assembly(Path(args.output_dir), fingerprint(args.for_rows()), dict.fromkeys(CONFIGS, EXAM_FEATURES))
    if (report := assembly.already_there(args.for_rows(), VERSION)) is None:
        report = _build(args, assembly)
    return report | {"differences": check(args, Path(args.output_dir))}


def _build(args: ExamArguments, assembly: Assembly) -> dict:
    if args.retriever == EMBEDDED:
        minilm_folder()  # before the work, which would be in vain without it
    configs: dict[str, dict] = {config: {} for config in CONFIGS}
    shortcuts: dict[str, dict] = {}
    for source in args.sources:
        taken = {part: _take(args, assembly, source, part) for part in args.wanted}
        for config in CONFIGS:
            configs[config] |= _write(args, assembly, source, taken, config)
            shortcuts[f"{config}, {source}"] = measure_shortcuts(taken[EXAM].measures.get(config, []))
    credit = credits_of(args.sources)
    report = {
        "arguments": args.for_rows(),
        "version": VERSION,
        "command": args.command(),
        "intended_use": INTENDED_USE,
        "sources": credit,
        "configs": configs,
        "shortcuts": shortcuts,
    }
    first = pq.ParquetFile(min((assembly.staging / CONFIGS[0]).glob("procedural-*.parquet"))).read_row_group(0)
    write_contact_sheet(first.slice(0, SHEET_ROWS).to_pylist(), assembly.output / "contact_sheet.png")
    card = CARD.replace("{license}", license_of(credit)).replace("{command}", report["command"])
    return assembly.publish(report, card)


def _take(args: ExamArguments, assembly: Assembly, source: str, part: str) -> Taken:
    """Build the rows of a part. Raises ValueError if there are none."""
    work = (args.open(source, part), args.builder(source, part))
    shards = assembly.shards(split_name(source, part))
    taken = build_split(shards, args.wanted[part], *work, args.num_workers, MAX_PAIRS)
    if not taken.rows:
        raise ValueError(f"no figure of {source} is fit for the exam: {dict(taken.dropped[CONFIGS[0]])}")
    return taken


def _write(args: ExamArguments, assembly: Assembly, source: str, taken: dict[str, Taken], config: str) -> dict:
    """Write both parts of a source in a configuration; returns what they hold, by split, for the report."""
    dropped = taken[EXAM].dropped.setdefault(config, Counter())
    more = {
        EXAM: _with_candidates(args, assembly, source, taken, config, dropped),
        GALLERY: without_candidates(taken[GALLERY].rows),
    }
    counts = {}
    for part, wanted in args.wanted.items():
        split = split_name(source, part)
        kept = assembly.write_split(split, taken[part], config, more[part])
        lengths = [len(text.split()) for text in assembly.read_column(split, taken[part], config, "caption")]
        counts[split] = {
            "asked": wanted,
            "kept": dict(sorted(kept.items())),
            "dropped": dict(sorted(taken[part].dropped.get(config, {}).items())),
            "caption words": caption_words(lengths),
        }
    return counts


def describe_folder(folder: Path) -> dict[str, dict]:
    """What a manifest says of the data set in a folder, by configuration and split."""
    splits: dict[str, dict] = {}
    for config in CONFIGS:
        splits[config] = {}
        for split in (split_name(source, part) for source in ORIGINS for part in (EXAM, GALLERY)):
            if files := sorted((folder / config).glob(f"{split}-*.parquet")):
                rows = chain.from_iterable(pq.read_table(file).to_pylist() for file in files)
                splits[config][split] = describe(rows, one_by_one=not split.endswith(GALLERY))
    return splits


def check(args: ExamArguments, folder: Path) -> list[str] | None:
    """How the data set differs from the manifest; None where it was built with other options than the frozen exam.

    Also writes the manifest of what was built, if that is wished.
    """
    described = {"options": args.options(), "splits": describe_folder(folder)}
    if args.write_manifest:
        write_manifest(Path(args.write_manifest), **described)
    frozen = described if args.write_manifest == args.manifest else read_manifest(Path(args.manifest))
    return verify(frozen, described) if frozen["options"] == described["options"] else None


def main() -> None:
    (args,) = TrlParser(ExamArguments).parse_args_and_config()
    report = build(args)
    for config, splits in report["configs"].items():
        for split, counts in splits.items():
            kept = counts["kept"]
            print(f"{config}, {split}: {kept['rows']} of {counts['asked']} figures")
    print(f"written to {args.output_dir} (see contact_sheet.png and build_report.json)")
    if report["differences"] is None:
        print("not the frozen exam: it was built with other options")
    elif report["differences"]:
        print("THIS IS NOT THE FROZEN EXAM. It differs from the manifest:", file=sys.stderr)
        print("\n".join(f"  {what}" for what in report["differences"]), file=sys.stderr)
        print("  Figures measured on it are not comparable: take the published data set instead.", file=sys.stderr)
    else:
        print("this is the frozen exam: every hash is that of the manifest")
