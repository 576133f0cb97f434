"""Run a public benchmark: put its questions to an image-text-to-text model and grade the answers.

    python -m evaluation.run_benchmark --benchmark we_math --data_dir D --model M --output_dir O
    python -m evaluation.run_benchmark --benchmark mathvista --data_id AI4Math/MathVista --model M --output_dir O

Any model that loads by AutoModelForImageTextToText, ours or stock. The output folder holds

- settings.json: what is measured. A rerun with other settings is refused, never mixed in.
- predictions.jsonl: `{"id": ..., "prediction": ...}`, one line per question, written when its batch is done. A rerun
  goes on where the last one stopped, also after a kill.
- results.json: what `evaluation.grade` says of them, with how they were generated and what could not be asked.

A question whose figure cannot be read, or that the model cannot take, is not put to it: its prediction is empty, it
counts as wrong, and `failed` says why. To leave it out would flatter the model.

`--blank_images` replaces every figure by white paper of its size: what is then still right was not read off it.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from transformers import AutoModelForImageTextToText
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from evaluation.benchmarks import Item
from evaluation.benchmarks.arguments import BenchmarkArguments
from evaluation.benchmarks.prompts import render, template_text
from evaluation.generation import (
    Answer,
    Answerer,
    ChangeFigure,
    GenerationSettings,
    Question,
    answer_into,
    shown_figures,
    white_paper,
)
from evaluation.grade import GradingArguments, format_table
from evaluation.graders.benchmarks import grade
from evaluation.loading import load_model, load_processor, pick_device
from evaluation.predictions import PredictionFile, check_settings
from evaluation.results import library_versions, weights_fingerprint, write_json
from trainers.rows import decode_image


@dataclass(kw_only=True)
class RunBenchmarkArguments(BenchmarkArguments, GradingArguments):
    """Let an image-text-to-text model answer a public benchmark, and grade its answers by rules.

    What concerns the grades alone (`official`, `tolerance`) may change from one run to the next in the same folder.
    """

    model: str = field(metadata={"help": "Folder or Hub id of an MMGeoLM or any image-text-to-text model."})
    output_dir: str = field(metadata={"help": "Folder for predictions.jsonl, settings.json and results.json."})
    batch_size: int = field(default=8, metadata={"help": "Questions answered at once; halved where that is too many."})
    max_new_tokens: int = field(default=1024, metadata={"help": "Longest answer, in tokens."})
    temperature: float = field(default=0.0, metadata={"help": "Sample at this temperature; 0 is greedy."})
    top_p: float = field(default=1.0, metadata={"help": "With a temperature: share of the likeliest tokens."})
    prompt_template: str | None = field(
        default=None, metadata={"help": "Jinja file that words the questions, instead of the benchmark's own."}
    )
    max_rows: int | None = field(
        default=None, metadata={"help": "Answer only the first questions. A later run with more goes on from there."}
    )
    blank_images: bool = field(
        default=False, metadata={"help": "Replace every figure by white paper: what can be answered without looking?"}
    )
    trust_remote_code: bool = field(
        default=False, metadata={"help": "Run the model's own code from the Hub. Our models need no such thing."}
    )

    def __post_init__(self) -> None:
        self.check_place()
        require_at_least(self, batch_size=1)
        if self.max_rows is not None:
            require_at_least(self, max_rows=1)
        self.generation()
        self.grading()

    def generation(self) -> GenerationSettings:
        """How answers are written. Raises ValueError for what cannot be."""
        return GenerationSettings(self.max_new_tokens, self.temperature, self.top_p, self.seed)

    def template(self) -> str:
        """The prompt template as a text."""
        if self.prompt_template is None:
            return template_text(self.benchmark)
        try:
            return Path(self.prompt_template).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"--prompt_template {self.prompt_template} cannot be read: {error}") from None


def fingerprint(items: Sequence[Item], prompt: Callable[[Item], str]) -> str:
    """Short hash of all questions as they are put, and their answers: tells another version of a benchmark."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(json.dumps([item.id, prompt(item), item.answer], ensure_ascii=False).encode())
    return digest.hexdigest()[:16]


def questions(
    arguments: BenchmarkArguments,
    prompt: Callable[[Item], str],
    todo: set[int],
    change: ChangeFigure | None = None,
) -> Iterator[Question]:
    """The questions of these rows with their figures, changed if so told, one after the other."""
    for row, item in enumerate(islice(arguments.read(), max(todo, default=-1) + 1)):
        if row in todo:
            turn = [{"role": "user", "content": prompt(item)}]
            figures = (decode_image(encoded["bytes"]) if encoded["bytes"] else None for encoded in item.images)
            yield Question(row, turn, shown_figures(figures, row, change))


def prediction_of(item: Item, answer: Answer) -> dict:
    """One line of predictions.jsonl."""
    if answer.text is None:
        return {"id": item.id, "prediction": "", "failed": answer.failed}
    return {"id": item.id, "prediction": answer.text}


def load_answerer(arguments: RunBenchmarkArguments) -> Answerer:
    """The model on its device. Raises ValueError if it cannot be loaded, or answers no questions."""
    model = load_model(AutoModelForImageTextToText, arguments.model, arguments.trust_remote_code)
    processor = load_processor(arguments.model, arguments.trust_remote_code)
    return Answerer(model.to(pick_device()), processor, arguments.generation())


def evaluate(arguments: RunBenchmarkArguments) -> dict:
    """Answer, grade and summarise; returns the content of results.json.

    Raises:
        ValueError: if the benchmark or the model cannot be read, or the output folder holds the predictions of
            another run.
    """
    skipped: Counter[str] = Counter()
    items, prompt = arguments.list_items(skipped), partial(render, arguments.template())
    settings = {
        "benchmark": arguments.benchmark,
        "data": arguments.place,
        "split": arguments.split or arguments.source.splits[0],
        "questions_fingerprint": fingerprint(items, prompt),
        "model": arguments.model,
        "model_fingerprint": weights_fingerprint(arguments.model),
        "generation": arguments.generation().record(),
        "prompt_template": arguments.prompt_template or "the benchmark's own",
        "blank_images": arguments.blank_images,
    }
    folder = Path(arguments.output_dir)
    check_settings(folder, settings)
    asked = items[: arguments.max_rows]
    with PredictionFile(folder / "predictions.jsonl", key="id") as file:
        answer_into(
            file,
            {row: item.id for row, item in enumerate(asked)},
            partial(questions, arguments, prompt, change=white_paper if arguments.blank_images else None),
            lambda answer: prediction_of(items[answer.row], answer),
            partial(load_answerer, arguments),
            arguments.batch_size,
        )
        predictions = [file.done[item.id] for item in asked]
    failed = Counter(line["failed"] for line in predictions if "failed" in line)
    result = {"measure": "benchmark", **settings, "num_questions": len(items), "num_asked": len(asked)}
    result |= {"num_failed": failed.total(), "failed": dict(failed), "rows_left_out": dict(skipped)}
    responses = {line["id"]: line["prediction"] for line in predictions}
    result |= {"prompt_example": prompt(asked[0]), "predictions": str(folder / "predictions.jsonl")}
    result |= grade(arguments.benchmark, asked, responses, arguments.grading())
    result["versions"] = library_versions()
    write_json(folder / "results.json", result)
    return result


def main() -> None:
    (arguments,) = TrlParser(RunBenchmarkArguments).parse_args_and_config()
    result = evaluate(arguments)
    print(format_table(result))
    if result["num_failed"]:
        reasons = ", ".join(f"{count} x {reason}" for reason, count in result["failed"].items())
        print(f"questions that could not be put to the model and count as wrong: {result['num_failed']} ({reasons})")


if __name__ == "__main__":
    run_command(main)
