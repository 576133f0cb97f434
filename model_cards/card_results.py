"""Results of evaluation/ as tables and Hub metadata of a card. Every figure comes from a result file."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import EvalResult

from evaluation.results import weights_fingerprint

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class ResultTable:
    """One table of a card, all cells as text."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def read_results(paths: Iterable[str | Path]) -> list[dict]:
    """Read result files of `evaluation.hit_at_1` and `evaluation.answer_accuracy`.

    Raises:
        FileNotFoundError: if a file does not exist.
        ValueError: if a file is none of these.
    """
    results = []
    for path in paths:
        try:
            result = json.loads(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is no JSON file: {error}") from error
        needed = {
            "hit_at_1": {"model", "dataset", "split", "sets"},
            "answer_accuracy": {"model", "dataset", "split", "overall", "kinds"},
        }
        measure = result.get("measure") if isinstance(result, dict) else None
        if measure not in needed or not needed[measure] <= result.keys():
            raise ValueError(
                f"{path} is no result file of evaluation.hit_at_1 or evaluation.answer_accuracy (measure: {measure!r})"
            )
        results.append(result)
    return results


def public_name(name: str) -> str:
    """A Hub id as it is; of a folder only its last part, since a card should not tell where things lay on a disk."""
    if HUB_ID.fullmatch(name) and not Path(name).exists():
        return name
    return Path(name).resolve().name


def is_of_folder(result: dict, folder: Path) -> bool:
    """Whether a result was measured on the weights in `folder`: by their fingerprint, so they may have been moved."""
    fingerprint = result.get("model_fingerprint")
    return fingerprint is not None and fingerprint == weights_fingerprint(str(folder))


def result_tables(results: list[dict]) -> list[ResultTable]:
    """One table for Hit@1 and one for answer accuracy, as far as there are results."""
    hits = [row for result in results if result["measure"] == "hit_at_1" for row in _hit_rows(result)]
    answers = [row for result in results if result["measure"] == "answer_accuracy" for row in _answer_rows(result)]
    tables = []
    if hits:
        header = ("Model", "Data", "Set", "Hit@1", "95% interval", "Chance", "Candidates", "Anchors")
        tables.append(ResultTable("Hit@1: is the true partner ranked first?", header, hits))
    if answers:
        header = ("Model", "Data", "Questions", "Accuracy", "95% interval", "Most frequent answer", "Rows")
        tables.append(ResultTable("Answer accuracy", header, answers))
    return tables


def _hit_rows(result: dict) -> list[tuple[str, ...]]:
    rows = []
    for name, entry in result["sets"].items():
        if entry is None:
            continue  # the data set has no such negatives
        rows.append(_hit_row(result, name, entry["accuracy"], entry))
        for kind, of_kind in entry.get("kinds", {}).items():
            rows.append(_hit_row(result, f"{name}, {kind} (pairs won)", of_kind["beaten"], of_kind))
    return rows


def _hit_row(result: dict, name: str, share: float, entry: dict) -> tuple[str, ...]:
    shares = (_percent(share), _interval(entry), _percent(entry["chance"]))
    return (*_what(result), name, *shares, f"{entry['mean_candidates']:.1f}", str(entry["num_anchors"]))


def _answer_rows(result: dict) -> list[tuple[str, ...]]:
    blank = ", blank images" if result.get("blank_images") else ""
    return [
        (
            *_what(result),
            table_cell(name) + blank,
            _percent(entry["accuracy"]),
            _interval(entry),
            _percent(entry["baseline"]["accuracy"]),
            str(entry["num_rows"]),
        )
        for name, entry in [("all", result["overall"]), *result["kinds"].items()]
    ]


def _what(result: dict) -> tuple[str, str]:
    return table_cell(public_name(result["model"])), table_cell(
        f"{public_name(result['dataset'])} ({result['split']})"
    )


def table_cell(text: str) -> str:
    """Text that cannot break out of its cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _interval(entry: dict) -> str:
    low, high = entry["interval_95"]
    return f"{low:.1%} to {high:.1%}"


def eval_results(results: list[dict], task_type: str) -> list[EvalResult]:
    """Entries of the card's model-index. Runs on blank images are left out: they measure the data, not the model."""
    entries = []
    for result in results:
        common = {
            "task_type": task_type,
            "dataset_type": public_name(result["dataset"]),
            "dataset_name": public_name(result["dataset"]),
            "dataset_config": result.get("dataset_config"),
            "dataset_split": result["split"],
            "metric_type": "accuracy",
        }
        if result["measure"] == "hit_at_1":
            for name, entry in result["sets"].items():
                if entry is not None:
                    metric = f"Hit@1 ({name} set)"
                    entries.append(EvalResult(**common, metric_name=metric, metric_value=entry["accuracy"]))
        elif not result.get("blank_images"):
            accuracy = result["overall"]["accuracy"]
            entries.append(EvalResult(**common, metric_name="answer accuracy", metric_value=accuracy))
    return entries
