"""Answer accuracy of an image-text-to-text model on changed figures, paired with the clean ones: what
`evaluation.robustness` measures on questions, of a data set of SFT rows or of a public benchmark.

Questions are put to the model as `evaluation.answer_accuracy` and `evaluation.run_benchmark` put them, graded by the
same rules, and every answer is kept in `predictions/`, a file per perturbation beside `clean.jsonl`, so that an
interrupted run goes on with the next question. A question whose figure cannot be read or changed, or that the model
cannot take on either side, is left out of both and counted.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from transformers import AutoModelForImageTextToText

from evaluation import answer_accuracy, run_benchmark
from evaluation.benchmarks.prompts import render, template_text
from evaluation.generation import Answer, Answerer, ChangeFigure, GenerationSettings, Question, answer_into
from evaluation.graders.verdicts import RULES, judge
from evaluation.loading import load_model, load_processor, load_rows, pick_device, rows_fingerprint
from evaluation.perturbations import PERTURBATIONS, perturbed
from evaluation.predictions import PredictionFile
from evaluation.results import bootstrap_interval

if TYPE_CHECKING:
    from evaluation.robustness import RobustnessArguments

BATCH_SIZE = 8
SCRIPT = "script"  # column of what draws the figure of a question
SET = "answers"  # the one set of questions, by its name in the result


class AnswerTask(ABC):
    """Questions about figures, answered clean and changed. Subclasses say where they come from."""

    metric = "answer_accuracy"
    rows: Sequence[int]  # numbers of the questions
    scripts: Mapping[int, str]  # what draws the figure, of questions where that is known

    def __init__(self, arguments: "RobustnessArguments") -> None:
        self.arguments = arguments

    @abstractmethod
    def data(self) -> dict:
        """What tells these questions from others, as the result says it."""

    @abstractmethod
    def ask(self, todo: set[int], change: ChangeFigure | None) -> Iterator[Question]:
        """The questions of these numbers."""

    @abstractmethod
    def line(self, answer: Answer) -> dict:
        """One line of predictions: `row`, and `correct` or `skipped`."""

    def settings(self) -> dict:
        """What is measured on, as the result says it."""
        return {
            **self.data(),
            "num_rows": len(self.rows),
            "generation": GenerationSettings(self.arguments.max_new_tokens).record(),
            "seed": self.arguments.seed,
        }

    def measure(self, names: list[str], folder: Path) -> Iterator[tuple[str, dict]]:
        """The result of each perturbation, one after the other; answers are kept in `folder/predictions`.

        Raises:
            ValueError: if the model cannot be loaded, or answers no question.
        """
        load = cache(self._load)
        clean = self._answered(folder, "clean", None, load)
        for name in names:
            lines = self._answered(folder, name, partial(self._changed, name), load)
            entry = compare_answers(clean, lines, self.arguments.seed)
            yield (
                name,
                {
                    "title": PERTURBATIONS[name].title,
                    "num_questions_left_out": len(self.rows) - (entry["num_anchors"] if entry else 0),
                    "sets": {SET: entry},
                },
            )

    def _answered(
        self, folder: Path, name: str, change: ChangeFigure | None, load: Callable[[], Answerer]
    ) -> Mapping[int, dict]:
        with PredictionFile(folder / "predictions" / f"{name}.jsonl") as file:
            keys = {row: row for row in self.rows}
            if change is not None and PERTURBATIONS[name].redraws:  # without a script there is nothing to ask
                keys = {row: row for row in self.rows if self.scripts.get(row)}
            batch_size = self.arguments.batch_size or BATCH_SIZE
            answer_into(file, keys, partial(self.ask, change=change), self.line, load, batch_size)
            return {row: file.done[row] for row in keys}

    def _changed(self, name: str, figure: Image.Image, row: int, place: int) -> Image.Image | None:
        script = self.scripts.get(row) if place == 0 else None  # a script draws one figure
        return perturbed(name, figure, script, self.arguments.seed, row, place)

    def _load(self) -> Answerer:
        arguments = self.arguments
        model = load_model(AutoModelForImageTextToText, arguments.model, arguments.trust_remote_code)
        processor = load_processor(arguments.model, arguments.trust_remote_code)
        return Answerer(model.to(pick_device()), processor, GenerationSettings(arguments.max_new_tokens))

    def figures(self, count: int) -> list[tuple[Image.Image | None, str | None]]:
        """The first figures with their scripts, for people to look at."""
        asked = self.ask(set(self.rows[:count]), None)
        return [(q.images[0] if q.images else None, self.scripts.get(q.row)) for q in asked]


class QuestionTask(AnswerTask):
    """Questions of SFT rows; with a column `script`, single figures can also be drawn anew.

    Raises:
        ValueError: if the data set, the split or a column is missing.
    """

    def __init__(self, arguments: "RobustnessArguments") -> None:
        super().__init__(arguments)
        self.split = arguments.split or "test"
        found = load_rows(arguments.dataset, self.split, answer_accuracy.COLUMNS, arguments.dataset_config)
        self.found = found.select(range(min(arguments.max_rows or len(found), len(found))))
        self.rows = range(len(self.found))
        scripts = self.found[SCRIPT][:] if SCRIPT in self.found.column_names else []
        self.scripts = {row: script for row, script in enumerate(scripts) if script}

    def data(self) -> dict:
        return {
            "dataset": self.arguments.dataset,
            "dataset_config": self.arguments.dataset_config,
            "dataset_fingerprint": rows_fingerprint(self.found, answer_accuracy.ASKED),
            "split": self.split,
        }

    def ask(self, todo: set[int], change: ChangeFigure | None) -> Iterator[Question]:
        return answer_accuracy.questions(self.found, todo, change)

    def line(self, answer: Answer) -> dict:
        return answer_accuracy.prediction_of(self.found[answer.row], answer)


class BenchmarkTask(AnswerTask):
    """Questions of a public benchmark that have a figure; nothing says how to draw it anew.

    Raises:
        ValueError: if the benchmark cannot be read, or has no question with a figure.
    """

    scripts: Mapping[int, str] = {}

    def __init__(self, arguments: "RobustnessArguments") -> None:
        super().__init__(arguments)
        self.skipped: Counter[str] = Counter()
        self.items = arguments.list_items(self.skipped)[: arguments.max_rows]
        read = islice(arguments.read(), len(self.items))
        self.rows = [row for row, item in enumerate(read) if item.images]
        if not self.rows:
            raise ValueError(f"no question of {arguments.place} has a figure that could be changed")
        self.prompt = partial(render, template_text(arguments.benchmark))
        self.rule = RULES.get(arguments.benchmark, judge)

    def data(self) -> dict:
        return {
            "benchmark": self.arguments.benchmark,
            "dataset": self.arguments.place,
            "dataset_fingerprint": run_benchmark.fingerprint(self.items, self.prompt),
            "split": self.arguments.split or self.arguments.source.splits[0],
        }

    def ask(self, todo: set[int], change: ChangeFigure | None) -> Iterator[Question]:
        return run_benchmark.questions(self.arguments, self.prompt, todo, change)

    def line(self, answer: Answer) -> dict:
        item = self.items[answer.row]
        line = {"row": answer.row, "id": item.id, "answer": item.answer}
        if answer.text is None:
            return line | {"skipped": answer.failed}
        verdict = self.rule(item, answer.text, None)
        return line | {"text": answer.text, "prediction": verdict.answer, "correct": verdict.right}


def compare_answers(clean: Mapping[int, dict], changed: Mapping[int, dict], seed: int) -> dict | None:
    """Accuracy on changed figures, on the clean ones of the same questions, and the difference.

    Args:
        clean: lines of predictions on the figures as they are, by question.
        changed: the same on changed figures.
        seed: of the bootstrap, which resamples questions with both their outcomes.

    Returns:
        None if no question was answered on both sides.
    """
    both = [row for row in clean if row in changed and "skipped" not in {**clean[row], **changed[row]}]
    if not both:
        return None
    before, after = (np.array([lines[row]["correct"] for row in both], dtype=float) for lines in (clean, changed))
    return {
        "accuracy": float(after.mean()),
        "clean": float(before.mean()),
        "difference": float((after - before).mean()),
        "interval_95": bootstrap_interval(after - before, np.random.default_rng(seed)),
        "num_anchors": len(both),
    }
