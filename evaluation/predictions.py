"""The predictions of a run on disk, so that an interrupted run goes on, and what they add up to."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from evaluation.graders import is_correct
from evaluation.results import bootstrap_interval, write_json


class PredictionFile:
    """predictions.jsonl: one JSON object per row, appended line by line.

    Opening it reads what is there. A last line without its line break was being written when the run stopped: it is
    cut off, and its row is answered again.

    Args:
        path: the file; made, with its folder, if there is none.
        key: the field that tells one row from another, a number or a text.

    Raises:
        ValueError: if any other line is damaged, or two are of the same row, since the file was then changed by
            somebody else.
    """

    def __init__(self, path: Path, key: str = "row") -> None:
        self.path, self.key = path, key
        self.done: dict[int | str, dict] = {}  # row -> its line
        path.parent.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes() if path.exists() else b""
        whole, _, rest = content.rpartition(b"\n")
        for number, line in enumerate(whole.split(b"\n") if whole else [], start=1):
            try:
                prediction = json.loads(line)
                if prediction[key] in self.done:
                    raise ValueError(f"{key} {prediction[key]} was there before")
                self.done[prediction[key]] = prediction
            except (ValueError, KeyError, TypeError) as error:
                message = f"line {number} of {path} is damaged ({error}): delete that line, or the file"
                raise ValueError(message) from error
        if rest:
            with path.open("r+b") as file:
                file.truncate(len(content) - len(rest))
        self._file = path.open("a", encoding="utf-8")

    def append(self, prediction: dict) -> None:
        """Write one line; it is in the hands of the operating system when this returns."""
        self._file.write(json.dumps(prediction, ensure_ascii=False) + "\n")
        self._file.flush()
        self.done[prediction[self.key]] = prediction

    def __enter__(self) -> "PredictionFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


def check_settings(folder: Path, settings: dict) -> None:
    """Write settings.json if there is none; else make sure that it says the same.

    Raises:
        ValueError: if the folder holds predictions made with other settings, or with unknown ones.
    """
    path = folder / "settings.json"
    if not path.exists():
        if (folder / "predictions.jsonl").exists():
            raise ValueError(f"{folder} holds predictions but no settings.json: choose another --output_dir")
        write_json(path, settings)
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON file ({error}): choose another --output_dir") from error
    other = [name for name in settings.keys() | found.keys() if settings.get(name) != found.get(name)]
    if other:
        differences = ", ".join(f"{name} {found.get(name)!r} is now {settings.get(name)!r}" for name in sorted(other))
        raise ValueError(f"{folder} holds predictions of another run ({differences}): choose another --output_dir")


def summarise(predictions: Sequence[dict], train: Sequence[tuple[str, str]] | None, rng: np.random.Generator) -> dict:
    """Accuracy of all predictions and of each kind of question, beside the most frequent answer.

    Args:
        predictions: lines of predictions.jsonl; skipped ones are counted and left out.
        train: kind and answer of each training row, from which the most frequent answers come; None takes them from
            the evaluated rows, which flatters the baseline and is said in `baseline_from`.
        rng: draws the bootstrap.

    Raises:
        ValueError: if no row was answered.
    """
    answered = [line for line in predictions if "skipped" not in line]
    if not answered:
        raise ValueError("no row could be answered: does the data set have rows, and can their images be read?")
    seen = train if train else [(line["kind"], line["answer"]) for line in answered]
    kinds: dict[str, list[dict]] = {}
    for line in answered:
        kinds.setdefault(line["kind"] or "unnamed", []).append(line)
    return {
        "overall": _entry(answered, [answer for _, answer in seen], rng),
        "kinds": {
            kind: _entry(lines, [answer for of, answer in seen if (of or "unnamed") == kind], rng)
            for kind, lines in sorted(kinds.items())
        },
        "baseline_from": "train split" if train else "evaluated rows",
        "num_skipped": len(predictions) - len(answered),
    }


def _entry(lines: list[dict], answers: list[str], rng: np.random.Generator) -> dict:
    hits = [float(line["correct"]) for line in lines]
    # Ties go to the smaller string, so that the order of rows does not matter. A kind the train split lacks has none.
    counts = Counter(answers)
    guess = min(counts, key=lambda answer: (-counts[answer], answer)) if counts else None
    right = [guess is not None and is_correct(f"\\boxed{{{guess}}}", line["answer"]) for line in lines]
    return {
        "accuracy": float(np.mean(hits)),
        "interval_95": bootstrap_interval(hits, rng),
        "num_rows": len(lines),
        "baseline": {"answer": guess, "accuracy": float(np.mean(right))},
    }
