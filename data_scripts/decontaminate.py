"""Remove from a data set the rows that test sets also hold.

    python -m data_scripts.decontaminate --dataset sft --against GeoQA MathVista.parquet --output_dir clean

A row is dropped when a test item has the same text (cosine of sentence embeddings) and the same figure (hash), or as
`--match` says; why `both` is the default stands in `decontamination/overlap.py`. Data sets may be Hub ids, folders,
parquet, json or jsonl files. The folder holds the kept rows with the same features, decontamination_report.json (every
pair that was found, and why) and dropped_pairs.png with the first of them side by side. Safe to interrupt.
"""

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from datasets import Dataset
from tqdm.auto import tqdm
from trl import TrlParser

from .assemble import name_by_content, refuse_foreign_card, remove_work
from .build_options import options_for_rows, refuse_same_folder, told_apart
from .cli import require_at_least, run_command
from .decontamination.items import (
    Columns,
    Item,
    first_image,
    item_of,
    open_splits,
    question_text,
    read_items,
)
from .decontamination.overlap import MATCHES, Overlap, Rule, TestSet, encode
from .decontamination.pair_sheet import Side, measured, write_pair_sheet
from .encoded_images import decoded_features
from .shards import fingerprint, write_parquet, write_text

VERSION = 2
BLOCK = 512  # rows decided at a time: what an interrupted run loses at most
SHARD = 1024  # rows of a file
SHEET_PAIRS = 12
REPORT = "decontamination_report.json"


@dataclass(kw_only=True)
class RuleArguments:
    """When a row counts as one of a test set."""

    match: str = field(
        default="both", metadata={"help": "What must agree: text, image, either or both.", "choices": list(MATCHES)}
    )
    text_threshold: float = field(default=0.995, metadata={"help": "Cosine similarity above which texts agree."})
    image_threshold: int = field(default=40, metadata={"help": "Bits of 512 up to which figures agree."})
    encoder: str = field(
        default="sentence-transformers/all-MiniLM-L6-v2",
        metadata={"help": "Sentence encoder: Hub id, folder, or 'embedded' for the MiniLM that comes in a wheel."},
    )

    def check_rule(self) -> None:
        """Raise ValueError for what cannot be."""
        if self.match not in MATCHES:
            raise ValueError(f"unknown --match '{self.match}': expected one of {', '.join(MATCHES)}")
        if not 0 < self.text_threshold <= 1:
            raise ValueError(f"--text_threshold must be above 0 and at most 1, not {self.text_threshold}")
        require_at_least(self, image_threshold=0)

    def rule(self) -> Rule:
        """The rule as it is applied."""
        return Rule(self.match, self.text_threshold, self.image_threshold)

    def test_set(self, items: list[Item]) -> TestSet:
        """The items under this rule; the encoder is loaded when it is first needed."""
        return TestSet(items, self.rule(), partial(encode, self.encoder))


@dataclass(kw_only=True)
class DecontaminateArguments(RuleArguments):
    """What to clean of what, and where to put it."""

    dataset: str = field(metadata={"help": "Rows to clean: Hub id, folder or file."})
    against: list[str] = field(metadata={"help": "Test sets: Hub ids, folders or files."})
    output_dir: str = field(metadata={"help": "Folder for the cleaned data set."})
    text_column: str | None = field(
        default=None, metadata={"help": "Question column of --dataset (default: by name)."}
    )
    image_column: str | None = field(default=None, metadata={"help": "Image column of --dataset (default: by name)."})
    against_text_column: str | None = field(
        default=None, metadata={"help": "Question column of the test sets (default: by name)."}
    )
    against_image_column: str | None = field(
        default=None, metadata={"help": "Image column of the test sets (default: by name)."}
    )

    def __post_init__(self) -> None:
        self.check_rule()
        refuse_same_folder(self, "dataset")


def read_tests(
    places: list[str], skipped: Counter[str], text: str | None = None, image: str | None = None
) -> list[Item]:
    """The items of all test sets.

    Raises:
        ValueError: if one cannot be read, or none holds anything to compare with.
    """
    items: list[Item] = []
    for place in places:
        items += tqdm(read_items(place, text, image, skipped), desc=f"reading {place}", unit="item")
    if not any(item.text or item.hash is not None for item in items):
        raise ValueError(f"the test sets {', '.join(places)} hold no question and no readable image")
    return items


def _decide(
    rows: Dataset, split: str, columns: Columns, folder: Path | None, tests: TestSet, work: Path
) -> tuple[list[Overlap], Counter[str]]:
    """What of a split the test sets also hold, and what could not be read; finished blocks are found in `work`."""
    found: list[Overlap] = []
    skipped: Counter[str] = Counter()
    for start in tqdm(range(0, len(rows), BLOCK), desc=f"{split} rows", unit="block"):
        path = work / f"{split}-{start:08d}.json"
        if not path.exists():
            left_out: Counter[str] = Counter()
            block = rows.select(range(start, min(start + BLOCK, len(rows))))
            items = [item_of(row, columns, "", "", folder, left_out) for row in block]
            overlaps = [asdict(overlap) for overlap in tests.overlaps(items)]
            write_text(json.dumps({"overlaps": overlaps, "skipped": left_out}), path)
        decided = json.loads(path.read_text(encoding="utf-8"))
        skipped.update(decided["skipped"])
        found += [Overlap(**{**overlap, "row": start + overlap["row"]}) for overlap in decided["overlaps"]]
    return found, skipped


def clean(args: DecontaminateArguments) -> dict:
    """Write the cleaned data set and return the report that is written beside it.

    Raises:
        ValueError: if a data set cannot be read or lacks the columns, or no row would be left.
    """
    output, skipped = Path(args.output_dir), Counter()
    refuse_foreign_card(output, REPORT)
    items = read_tests(args.against, skipped, args.against_text_column, args.against_image_column)
    tests = args.test_set(items)
    splits, folder = open_splits(args.dataset, streaming=False)
    columns = {
        split: Columns.of(rows.column_names, args.text_column, args.image_column, f"{args.dataset} ({split})")
        for split, rows in splits.items()
    }
    key = {**asdict(args), "output_dir": "", "version": VERSION, "tests": tests.digest()}
    key |= {split: rows._fingerprint for split, rows in splits.items()}
    work = output / ".build" / fingerprint(key)
    work.mkdir(parents=True, exist_ok=True)
    arguments = options_for_rows(args, places=("dataset", "against", "encoder"))
    report: dict = {"arguments": arguments, "version": VERSION, "num_test_items": len(items)}
    test_sets = {place: told_apart(place) for place in args.against}
    report |= {"test_images_skipped": dict(sorted(skipped.items())), "splits": {}, "pairs": []}
    kept: dict[str, list[int]] = {}
    pairs: list[tuple[Side, Overlap]] = []
    for split, rows in splits.items():
        found, left_out = _decide(rows, split, columns[split], folder, tests, work)
        dropped = {overlap.row for overlap in found}
        kept[split] = [i for i in range(len(rows)) if i not in dropped]
        for overlap in found:
            side = side_of(rows[overlap.row], f"{split}/{overlap.row}", columns[split], folder)
            pairs += [(side, overlap)] if len(pairs) < SHEET_PAIRS else []
            test = items[overlap.test]
            told = {"similarity": overlap.similarity, "distance": overlap.distance, "why": overlap.why}
            of = {"test_set": test_sets[test.place], "test_id": test.id}
            report["pairs"].append({"split": split, "id": side.id, **of, **told})
        report["splits"][split] = {
            "rows": len(rows),
            "kept": len(kept[split]),
            "dropped": dict(sorted(Counter(f"same {overlap.why}" for overlap in found).items())),
            "dropped_by_test_set": dict(sorted(Counter(test_sets[items[o.test].place] for o in found).items())),
            "images_skipped": dict(sorted(left_out.items())),
        }
    if not any(kept.values()):
        raise ValueError(f"no row of {args.dataset} would be left: is it one of the test sets?")
    _write(splits, kept, output, work, list(test_sets.values()))
    if pairs:
        sheet = [
            (row, test, f"test item, same {overlap.why}: {measured(overlap.similarity, overlap.distance)}")
            for row, test, overlap in _with_tests(pairs, args)
        ]
        write_pair_sheet(sheet, output / "dropped_pairs.png")
    else:
        (output / "dropped_pairs.png").unlink(missing_ok=True)
    write_text(json.dumps(report, indent=1, ensure_ascii=False), output / REPORT)
    remove_work(output / ".build")
    return report


def side_of(row: Mapping, name: str, columns: Columns, folder: Path | None) -> Side:
    """A row as it is shown on the sheet of pairs."""
    try:
        image = first_image(row[columns.image], folder) if columns.image else None
    except OSError:
        image = None
    named = row.get(columns.id) if columns.id else None
    return Side(name if named is None else str(named), question_text(row[columns.text]) if columns.text else "", image)


def _with_tests(pairs: list[tuple[Side, Overlap]], args: DecontaminateArguments) -> list[tuple[Side, Side, Overlap]]:
    """The pairs with their test items, whose images are read once more: they were not held in memory."""
    wanted = {overlap.test for _, overlap in pairs}
    sides: dict[int, Side] = {}
    number = 0
    for place in args.against:
        splits, folder = open_splits(place, streaming=True)
        for split, rows in splits.items():
            for position, row in enumerate(rows):
                if number in wanted:
                    columns = Columns.of(list(row), args.against_text_column, args.against_image_column, place)
                    sides[number] = side_of(row, f"{split}/{position}", columns, folder)
                number += 1
    return [(side, sides[overlap.test], overlap) for side, overlap in pairs]


def _with_bytes(value: object) -> object:
    """An undecoded image, or a list of them, with its bytes inside: paths of this machine do not travel."""
    if isinstance(value, list):
        return [_with_bytes(v) for v in value]
    if isinstance(value, Mapping) and value.get("bytes") is None and value.get("path"):
        path = Path(value["path"])
        return {"bytes": path.read_bytes(), "path": path.name} if path.is_file() else value
    return value


README = """---
configs:
- config_name: default
  data_files:
{files}---

# Rows without those that test sets also hold

Cleaned of {against}. `decontamination_report.json` names every row that was dropped and why.
"""


def _write(
    splits: Mapping[str, Dataset], kept: Mapping[str, list[int]], output: Path, work: Path, against: list[str]
) -> None:
    """Write the kept rows in the work folder, then put them in place of the parquet files that were there before."""
    fresh = work / "data"
    remove_work(fresh)
    fresh.mkdir()
    for split, rows in splits.items():
        features = decoded_features(rows.features)
        images = [name for name in features if features[name] != rows.features[name]]
        count = -(-len(kept[split]) // SHARD)
        for number in tqdm(range(count), desc=f"writing {split}", unit="file"):
            chosen = rows.select(kept[split][number * SHARD : (number + 1) * SHARD])
            listed = [{**row, **{name: _with_bytes(row[name]) for name in images}} for row in chosen]
            write_parquet(listed, features, fresh / f"{split}-{number:05d}-of-{count:05d}.parquet")
    digest = name_by_content(fresh)
    names = {path.name for path in fresh.iterdir()}
    (output / "data").mkdir(exist_ok=True)
    for name in names:
        os.replace(fresh / name, output / "data" / name)
    files = "".join(
        f"  - split: {split}\n    path: data/{split}-*-{digest}.parquet\n" for split in splits if kept[split]
    )
    write_text(README.format(files=files, against=", ".join(against)), output / "README.md")
    for old in (output / "data").glob("*.parquet"):  # other files there are not ours
        if old.name not in names:
            old.unlink()


def main() -> None:
    (args,) = TrlParser(DecontaminateArguments).parse_args_and_config()
    report = clean(args)
    for split, counts in report["splits"].items():
        why = ", ".join(f"{count} {reason}" for reason, count in counts["dropped"].items()) or "none"
        print(f"{split}: {counts['kept']} of {counts['rows']} rows kept; dropped: {why}")
    print(f"written to {args.output_dir} (see decontamination_report.json)")


if __name__ == "__main__":
    run_command(main)
