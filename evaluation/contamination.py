"""Contamination report: for each question of a benchmark, the training row that is closest to it.

    python -m evaluation.contamination --benchmark we_math --data_dir D --train rows --output_dir O

Texts are compared by the cosine similarity of sentence embeddings, figures by the distance of perceptual hashes: the
same encoder, hash, thresholds and rule by which `data_scripts.decontaminate` would drop the row. So a benchmark shares
nothing with a training set that was cleaned of it, and of one that was not the report says how much it has seen. The
output folder holds

- contamination.json: how many questions were found again, and how close the others are.
- nearest.jsonl: one line per question, with its closest row by text, by figure, and the row that is the same.
- contamination.md: both in short, with the closest questions as a table.
- histogram.png and pairs.png: how close all are, and the closest pairs side by side.

Deterministic, in bounded memory, and safe to interrupt: a rerun goes on with the next block of rows.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from datasets import Dataset
from tqdm.auto import tqdm
from trl import TrlParser

from data_scripts.assemble import remove_work
from data_scripts.cli import run_command
from data_scripts.decontaminate import RuleArguments, side_of
from data_scripts.decontamination import items as compared_items
from data_scripts.decontamination.closest import NONE, Closest, ClosestRows
from data_scripts.decontamination.image_hash import hash_bytes
from data_scripts.decontamination.items import Columns, item_of, open_splits, question_text
from data_scripts.decontamination.overlap import Rule, encode
from data_scripts.decontamination.pair_sheet import Side, measured, write_pair_sheet
from data_scripts.shards import fingerprint, write_text
from evaluation.benchmarks import Item
from evaluation.benchmarks.arguments import BenchmarkArguments
from evaluation.contamination_sheets import markdown, write_histogram
from evaluation.results import library_versions, write_json

VERSION = 2
BLOCK = 512  # training rows compared at a time: what an interrupted run loses at most
SHEET_PAIRS = 8


@dataclass(kw_only=True)
class ContaminationArguments(BenchmarkArguments, RuleArguments):
    """Which benchmark is looked for in which training data."""

    train: list[str] = field(metadata={"help": "Training data: Hub ids, folders or files."})
    output_dir: str = field(metadata={"help": "Folder for the report."})
    train_split: str = field(default="train", metadata={"help": "Split of the training data."})
    text_column: str | None = field(
        default=None, metadata={"help": "Question column of the training data (default: by name)."}
    )
    image_column: str | None = field(
        default=None, metadata={"help": "Image column of the training data (default: by name)."}
    )

    def __post_init__(self) -> None:
        self.check_place()
        self.check_rule()


@dataclass(frozen=True)
class TrainingRows:
    """One training set: its rows, where they are numbered from, and what of them is compared."""

    place: str
    split: str
    rows: Dataset
    columns: Columns
    folder: Path | None  # that relative image paths start from
    offset: int  # number of the first row, over all training sets

    @classmethod
    def open(cls, place: str, arguments: ContaminationArguments, offset: int) -> "TrainingRows":
        """Raises ValueError if it cannot be read, or has no such split or columns."""
        splits, folder = open_splits(place, streaming=False)
        split = arguments.train_split
        if split not in splits:
            raise ValueError(f"{place} has no split {split!r}, only {', '.join(map(str, splits))}: name --train_split")
        columns = Columns.of(splits[split].column_names, arguments.text_column, arguments.image_column, place)
        return cls(place, split, splits[split], columns, folder, offset)

    def id_of(self, number: int) -> str:
        """What a row is known by."""
        row = number - self.offset
        named = self.rows.select_columns([self.columns.id])[row][self.columns.id] if self.columns.id else None
        return f"{self.split}/{row}" if named is None else str(named)


def test_items(
    arguments: ContaminationArguments, skipped: Counter[str]
) -> tuple[list[Item], list[compared_items.Item]]:
    """The questions of the benchmark without their images, and what of them is compared."""
    questions: list[Item] = []
    compared: list[compared_items.Item] = []
    for item in tqdm(arguments.read(skipped), desc="reading the benchmark", unit="question"):
        questions.append(item)
        content, code = item.images[0]["bytes"] if item.images else None, None
        if content is not None:
            try:
                code = hash_bytes(content)
            except OSError:
                skipped["image: cannot be read"] += 1
        elif item.images:
            skipped["image: cannot be read"] += 1
        compared.append(compared_items.Item(arguments.benchmark, item.id, question_text(item.question), code))
    return questions, compared


def closest_rows(training: Sequence[TrainingRows], finder: ClosestRows, work: Path, skipped: Counter[str]) -> Closest:
    """What is closest in all training sets; finished blocks are found in `work`.

    Raises:
        ValueError: if there is no training row.
    """
    best: Closest | None = None
    for part in training:
        starts = range(0, len(part.rows), BLOCK)
        for start in tqdm(starts, desc=f"comparing with {part.place}", unit="block"):
            path = work / f"{part.offset + start:010d}.npz"
            if not path.exists():
                left_out: Counter[str] = Counter()
                block = part.rows.select(range(start, min(start + BLOCK, len(part.rows))))
                rows = [item_of(row, part.columns, "", "", part.folder, left_out) for row in block]
                _save(finder.block(rows, part.offset + start), left_out, path)
            found, left_out = _load(path)
            skipped.update(left_out)
            best = found if best is None else best.merged(found)
    if best is None:
        raise ValueError(f"{', '.join(part.place for part in training)}: no training row to compare with")
    return best


def _save(found: Closest, skipped: Counter[str], path: Path) -> None:
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        np.savez(file, **asdict(found), skipped=np.array(json.dumps(skipped)))
    temporary.replace(path)


def _load(path: Path) -> tuple[Closest, dict[str, int]]:
    with np.load(path, allow_pickle=False) as arrays:
        skipped = json.loads(str(arrays["skipped"]))
        return Closest(**{name: arrays[name] for name in arrays if name != "skipped"}), skipped


def nearest_of(
    items: Sequence[Item], closest: Closest, training: Sequence[TrainingRows], rule: Rule
) -> Iterator[dict]:
    """The lines of nearest.jsonl. `same` is the row that decontamination would drop, None if there is none."""

    def row(number: int, similarity: float, distance: float) -> dict | None:
        if number == NONE:
            return None
        part = max((part for part in training if part.offset <= number), key=lambda part: part.offset)
        told: dict = {"train": part.place, "train_id": part.id_of(number), "row": number - part.offset}
        told |= {} if np.isnan(similarity) else {"similarity": round(similarity, 4)}
        return told | ({} if np.isnan(distance) else {"distance": int(distance)})

    for index, item in enumerate(items):
        text, similarity, image, distance, same, *both = (array[index].item() for array in closest.arrays())
        found = row(same, *both)
        yield {
            "id": item.id,
            "groups": dict(item.groups),
            "text": row(text, similarity, np.nan),
            "image": row(image, np.nan, distance),
            "same": found and found | {"why": rule.why(*both)},
        }


def summary(lines: Sequence[dict], rule: Rule) -> dict:
    """Counts and quantiles over all questions."""
    similarities = [line["text"]["similarity"] for line in lines if line["text"]]
    bits = [line["image"]["distance"] for line in lines if line["image"]]
    same = [line for line in lines if line["same"]]
    return {
        "num_questions": len(lines),
        "num_same": len(same),
        "share_same": len(same) / len(lines),
        "num_same_text": sum(similarity > rule.text_threshold for similarity in similarities),
        "num_same_image": sum(distance <= rule.image_threshold for distance in bits),
        "similarity_quantiles": _quantiles(similarities),
        "distance_quantiles": _quantiles(bits),
    }


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    shares = (0, 5, 25, 50, 75, 95, 100) if values else ()
    return {f"{share}%": round(float(np.percentile(values, share)), 4) for share in shares}


def closest_first(lines: Sequence[dict]) -> list[dict]:
    """The questions that were found again, then the others, each from near to far."""

    def far(line: dict) -> tuple:
        one = line["same"] or {}
        found = (not line["same"], -one.get("similarity", 0.0), one.get("distance", 0))
        return (*found, (line["image"] or {}).get("distance", 512), -(line["text"] or {}).get("similarity", -1.0))

    return sorted(lines, key=far)


def closest_pairs(ranked: Sequence[dict]) -> list[tuple[dict, str, dict]]:
    """Lines of `closest_first` with what they are shown beside, each training row once: (line, kind, row)."""
    shown: dict[tuple, tuple[dict, str, dict]] = {}
    for line in ranked:
        if kind := next((kind for kind in ("same", "image", "text") if line[kind]), None):
            row = line[kind]
            shown.setdefault((row["train"], row["row"]), (line, kind, row))
    return list(shown.values())[:SHEET_PAIRS]


def pairs_of(
    shown: Sequence[tuple[dict, str, dict]], arguments: ContaminationArguments, training: Sequence[TrainingRows]
) -> list[tuple[Side, Side, str]]:
    """Training rows beside the questions they are like, for the sheet; the questions' images are read once more."""
    wanted = {line["id"] for line, _, _ in shown}
    tests: dict[str, Side] = {}
    for item in arguments.read():
        if item.id in wanted:
            tests[item.id] = Side(item.id, item.question, item.images[0]["bytes"] if item.images else None)
    pairs = []
    for line, kind, found in shown:
        part = next(part for part in training if part.place == found["train"])
        row = side_of(part.rows[found["row"]], found["train_id"], part.columns, part.folder)
        said = f"question, same {found['why']}" if kind == "same" else f"question, closest by {kind}"
        alike = measured(found.get("similarity"), found.get("distance"))
        pairs.append((row, tests[line["id"]], f"{said}: {alike}"))
    return pairs


def report(arguments: ContaminationArguments) -> dict:
    """Compare, write all files, and return the content of contamination.json.

    Raises:
        ValueError: if the benchmark or a training set cannot be read, or holds nothing to compare.
    """
    output, skipped, train_skipped = Path(arguments.output_dir), Counter(), Counter()
    items, compared = test_items(arguments, skipped)
    if not any(item.text or item.hash is not None for item in compared):
        raise ValueError(f"{arguments.place} holds no question of {arguments.benchmark} to compare")
    training: list[TrainingRows] = []
    for place in arguments.train:
        offset = training[-1].offset + len(training[-1].rows) if training else 0
        training.append(TrainingRows.open(place, arguments, offset))
    rule = arguments.rule()
    tests = arguments.test_set(compared)
    key = {"version": VERSION, "tests": tests.digest(), "encoder": arguments.encoder}
    key |= {str(part.offset): [part.rows._fingerprint, asdict(part.columns)] for part in training}
    work = output / ".build" / fingerprint(key)
    work.mkdir(parents=True, exist_ok=True)
    finder = ClosestRows(compared, rule, partial(encode, arguments.encoder))
    closest = closest_rows(training, finder, work, train_skipped)
    lines = list(nearest_of(items, closest, training, rule))
    result = {
        "measure": "contamination",
        "benchmark": arguments.benchmark,
        "data": arguments.place,
        "split": arguments.split or arguments.source.splits[0],
        "train": arguments.train,
        "train_split": arguments.train_split,
        "num_train_rows": sum(len(part.rows) for part in training),
        "rule": asdict(rule) | {"encoder": arguments.encoder},
        **summary(lines, rule),
        "questions_left_out": dict(sorted(skipped.items())),
        "train_left_out": dict(sorted(train_skipped.items())),
        "versions": library_versions(),
    }
    ranked = closest_first(lines)
    write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), output / "nearest.jsonl")
    write_histogram(lines, result, output / "histogram.png")
    pairs = pairs_of(closest_pairs(ranked), arguments, training)
    write_pair_sheet(pairs, output / "pairs.png", left="training row")
    write_text(markdown(ranked, result), output / "contamination.md")
    write_json(output / "contamination.json", result)
    remove_work(output / ".build")
    return result


def main() -> None:
    (arguments,) = TrlParser(ContaminationArguments).parse_args_and_config()
    result = report(arguments)
    print(
        f"{result['num_same']} of {result['num_questions']} questions of {result['benchmark']} are in "
        f"{result['num_train_rows']} training rows (same text: {result['num_same_text']}, same figure: "
        f"{result['num_same_image']}); see {arguments.output_dir}/contamination.md"
    )


if __name__ == "__main__":
    run_command(main)
