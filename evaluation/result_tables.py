"""Results of measurements as tables and Hub metadata, for cards and the report. Every figure is from a result file."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
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


# What a result of each measure must hold to become a table.
NEEDED = {
    "hit_at_1": ("model", "dataset", "split", "sets"),
    "answer_accuracy": ("model", "dataset", "split", "overall", "kinds"),
    "hard_negative_exam": ("model", "exam", "entries"),
    "robustness": ("model", "dataset", "split", "perturbations"),
    "benchmark": ("benchmark", "split", "metrics"),
}


def read_results(paths: Iterable[str | Path]) -> list[dict]:
    """Read result files of `evaluation`: of hit_at_1, hard_negative_exam, robustness, answer_accuracy and benchmarks.

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
        measure = result.get("measure") if isinstance(result, dict) else None
        if measure not in NEEDED or not set(NEEDED[measure]) <= result.keys():
            known = ", ".join(f"evaluation.{name}" for name in NEEDED)
            raise ValueError(f"{path} is no result file of {known} (measure: {measure!r})")
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
    """A table for each measure that there are results of."""
    tables = []
    for measure, (title, header, rows_of) in TABLES.items():
        rows = [row for result in results if result["measure"] == measure for row in rows_of(result)]
        if rows:
            tables.append(ResultTable(title, header, rows))
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


def _exam_rows(result: dict) -> list[tuple[str, ...]]:
    model, exam = table_cell(public_name(result["model"])), public_name(result["exam"])
    exam += "" if result.get("frozen") else ", not the frozen one"
    rows = []
    for entry in result["entries"]:
        data = table_cell(f"{exam}: {entry['source']}, {entry['config']}")
        name = f"{entry['set']}, {entry['direction'].replace('_', ' ')}"
        shown = [(name, entry["accuracy"], entry)]
        shown += [(f"{name}, {kind} (pairs won)", of["beaten"], of) for kind, of in entry.get("kinds", {}).items()]
        for label, share, of in shown:
            figures = (_percent(share), _interval(of), _percent(of["chance"]), f"{of['mean_candidates']:.1f}")
            rows.append((model, data, table_cell(label), *figures, str(of["num_anchors"])))
    return rows


def _robustness_rows(result: dict) -> list[tuple[str, ...]]:
    rows = []
    for of in result["perturbations"].values():
        for name, entry in of["sets"].items():
            if entry is None:
                continue
            low, high = entry["interval_95"]
            shares = (_percent(entry["clean"]), _percent(entry["accuracy"]), f"{100 * entry['difference']:+.1f}")
            interval = f"{100 * low:+.1f} to {100 * high:+.1f}"
            what = "answer accuracy" if result.get("metric") == "answer_accuracy" else f"Hit@1, {name}"
            rows.append((*_what(result), table_cell(of["title"]), what, *shares, interval, str(entry["num_anchors"])))
    return rows


def _benchmark_rows(result: dict) -> list[tuple[str, ...]]:
    return [
        (
            *_what(result),
            table_cell(name),
            _percent(entry["value"]),
            _interval(entry),
            _percent(entry["chance"]) if "chance" in entry else "",
            str(entry["num_rows"]),
        )
        for name, entry in result["metrics"].items()
        if entry is not None
    ]


HIT_HEADER = ("Model", "Data", "Set", "Hit@1", "95% interval", "Chance", "Candidates", "Anchors")
TABLES: dict[str, tuple[str, tuple[str, ...], Callable[[dict], list[tuple[str, ...]]]]] = {
    "hit_at_1": ("Hit@1: is the true partner ranked first?", HIT_HEADER, _hit_rows),
    "hard_negative_exam": ("The hard-negative exam", HIT_HEADER, _exam_rows),
    "robustness": (
        "Robustness: the same questions on changed figures",
        ("Model", "Data", "Figures", "Measure", "Clean", "Changed", "Difference", "95% interval", "Questions"),
        _robustness_rows,
    ),
    "benchmark": (
        "Benchmarks",
        ("Model", "Benchmark", "Figure", "Value", "95% interval", "Chance", "Rows"),
        _benchmark_rows,
    ),
    "answer_accuracy": (
        "Answer accuracy",
        ("Model", "Data", "Questions", "Accuracy", "95% interval", "Most frequent answer", "Rows"),
        _answer_rows,
    ),
}


def answering_model(result: dict) -> str:
    """Whose result it is: a model, or for graded predictions from anywhere the name of their file."""
    return public_name(result.get("model") or result.get("predictions") or "unnamed")


def data_name(result: dict) -> str:
    """Data set, configuration unless it is the default one, and split of a result: `org/rows, letters_only (test)`."""
    config = f", {result['dataset_config']}" if result.get("dataset_config") else ""
    return f"{public_name(result['dataset'])}{config} ({result['split']})"


def _what(result: dict) -> tuple[str, str]:
    if "benchmark" in result:
        blank = ", blank images" if result["measure"] == "benchmark" and result.get("blank_images") else ""
        data = f"{result['benchmark']} ({result['split']}{blank})"
    else:
        data = data_name(result)
    return table_cell(answering_model(result)), table_cell(data)


def table_cell(text: str) -> str:
    """Text that cannot break out of its cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _interval(entry: dict) -> str:
    low, high = entry["interval_95"]
    return f"{low:.1%} to {high:.1%}"


def eval_results(results: list[dict], task_type: str) -> list[EvalResult]:
    """Entries of the card's model-index.

    Runs on blank images are left out: they measure the data, not the model; so are differences, which are no metric of
    one data set.
    """
    entries = []
    for result in results:
        for data, config, split, metric, value in _metrics(result):
            entries.append(
                EvalResult(
                    task_type=task_type,
                    dataset_type=data,
                    dataset_name=data,
                    dataset_config=config,
                    dataset_split=split,
                    metric_type="accuracy",
                    metric_name=metric,
                    metric_value=value,
                )
            )
    return entries


def _metrics(result: dict) -> Iterator[tuple[str, str | None, str, str, float]]:
    """Data set, configuration, split, name and value of every figure of a result that belongs into the metadata."""
    if result["measure"] == "robustness" or result.get("blank_images"):
        return
    if result["measure"] == "hard_negative_exam":
        for entry in result["entries"]:
            metric = f"Hit@1 ({entry['set']} set, {entry['direction'].replace('_', ' ')})"
            yield public_name(result["exam"]), entry["config"], entry["source"], metric, entry["accuracy"]
        return
    if result["measure"] == "benchmark":
        place = result.get("data") or ""
        data = place if HUB_ID.fullmatch(place) and not Path(place).exists() else result["benchmark"]
        for name, entry in result["metrics"].items():
            if entry is not None:
                yield data, None, result["split"], name, entry["value"]
        return
    where = (public_name(result["dataset"]), result.get("dataset_config"), result["split"])
    if result["measure"] == "hit_at_1":
        for name, entry in result["sets"].items():
            if entry is not None:
                yield *where, f"Hit@1 ({name} set)", entry["accuracy"]
    else:
        yield *where, "answer accuracy", result["overall"]["accuracy"]
