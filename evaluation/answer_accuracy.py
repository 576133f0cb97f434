"""Answer accuracy: how many questions about figures does a model answer correctly?

Questions are SFT rows (`prompt`, `images`, `answer`, `kind`, `id`). Generation is greedy, batched, padded on the left;
answers are graded by rules (graders), so two runs agree and no key is needed. The output folder holds

- settings.json: what is measured. A rerun with other settings is refused, never mixed in.
- predictions.jsonl: one line per row, written when its batch is done. A rerun goes on where the last one stopped.
- results.json: accuracy with a 95% bootstrap interval, the same per kind of question, and the accuracy of always
  giving the most frequent answer of the train split, which is what a model can reach without looking.

    python -m evaluation.answer_accuracy --model M --dataset D --output_dir O

`--blank_images` replaces every figure by white paper of its size: what is then still right was not read off it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import datasets
import numpy as np
from transformers import AutoModelForImageTextToText
from trl import TrlParser

from data_scripts.cli import run_command
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
from evaluation.graders import extract_answer, is_correct
from evaluation.loading import load_model, load_processor, load_rows, pick_device, rows_fingerprint
from evaluation.predictions import PredictionFile, check_settings, summarise
from evaluation.results import library_versions, weights_fingerprint, write_json
from trainers.rows import decode_image, load_splits

COLUMNS = ("prompt", "images", "answer", "kind", "id")
ASKED = ("id", "prompt", "images", "answer")


@dataclass
class AnswerAccuracyArguments:
    """Let an image-text-to-text model answer the questions of a data set, and grade its answers by rules."""

    model: str = field(metadata={"help": "Folder or Hub id of an MMGeoLM or any image-text-to-text model."})
    dataset: str = field(metadata={"help": "Folder or Hub id of SFT rows (prompt, images, answer, kind, id)."})
    split: str = field(default="test", metadata={"help": "Split to answer."})
    dataset_config: str | None = field(
        default=None, metadata={"help": "Configuration of the data set; its default if not given."}
    )
    output_dir: str = field(
        default="runs/answer_accuracy",
        metadata={"help": "Folder for predictions.jsonl, settings.json and results.json."},
    )
    max_rows: int | None = field(
        default=None, metadata={"help": "Answer only the first rows. A later run with more goes on from there."}
    )
    batch_size: int = field(default=8, metadata={"help": "Questions answered at once."})
    max_new_tokens: int = field(default=512, metadata={"help": "Longest answer, in tokens."})
    blank_images: bool = field(
        default=False, metadata={"help": "Replace every figure by white paper: what can be answered without looking?"}
    )
    drop_blank_tokens: bool | None = field(
        default=None,
        metadata={
            "help": "Leave the tokens of blank patches out (MMGeoLM only; default: as its processor says).",
            "nargs": "?",
            "const": True,
        },
    )
    seed: int = field(default=0, metadata={"help": "Draws the bootstrap."})
    trust_remote_code: bool = field(
        default=False, metadata={"help": "Run the model's own code from the Hub. Our models need no such thing."}
    )

    def __post_init__(self) -> None:
        for name in ("batch_size", "max_new_tokens", "max_rows"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"--{name} must be at least 1, got {getattr(self, name)}")


def questions(rows: datasets.Dataset, todo: set[int], change: ChangeFigure | None = None) -> Iterator[Question]:
    """The questions of these rows with their figures, changed if so told, one after the other."""
    for index in sorted(todo):
        row = rows[index]
        figures = shown_figures(map(decode_image, row["images"] or []), index, change)
        yield Question(index, row["prompt"], figures or None)  # without a figure there is nothing to ask about


def prediction_of(row: dict, answer: Answer) -> dict:
    """One line of predictions.jsonl; a row that was not answered is `skipped` and counts for no figure."""
    line = {"row": answer.row, "id": row["id"], "kind": row["kind"], "answer": row["answer"]}
    if answer.text is None:
        return line | {"skipped": answer.failed}
    text = answer.text
    return line | {"text": text, "prediction": extract_answer(text), "correct": is_correct(text, row["answer"])}


def load_answerer(arguments: AnswerAccuracyArguments) -> Answerer:
    """The model on its device. Raises ValueError if it cannot be loaded, or answers no questions."""
    model = load_model(AutoModelForImageTextToText, arguments.model, arguments.trust_remote_code)
    processor = load_processor(arguments.model, arguments.trust_remote_code, arguments.drop_blank_tokens)
    return Answerer(model.to(pick_device()), processor, GenerationSettings(arguments.max_new_tokens))


def evaluate(arguments: AnswerAccuracyArguments) -> dict:
    """Answer, grade and summarise; returns the content of results.json.

    Raises:
        ValueError: if the model, the data set, the split or a column is missing, or the output folder holds the
            predictions of another run.
    """
    rows = load_rows(arguments.dataset, arguments.split, COLUMNS, arguments.dataset_config)
    settings = {
        "model": arguments.model,
        "model_fingerprint": weights_fingerprint(arguments.model),
        "dataset": arguments.dataset,
        "dataset_config": arguments.dataset_config,
        "dataset_fingerprint": rows_fingerprint(rows, ASKED),
        "split": arguments.split,
        "max_new_tokens": arguments.max_new_tokens,
        "blank_images": arguments.blank_images,
        "drop_blank_tokens": arguments.drop_blank_tokens,
    }
    folder = Path(arguments.output_dir)
    check_settings(folder, settings)
    if arguments.max_rows is not None:
        rows = rows.select(range(min(arguments.max_rows, len(rows))))
    with PredictionFile(folder / "predictions.jsonl") as file:
        answer_into(
            file,
            {index: index for index in range(len(rows))},
            partial(questions, rows, change=white_paper if arguments.blank_images else None),
            lambda answer: prediction_of(rows[answer.row], answer),
            partial(load_answerer, arguments),
            arguments.batch_size,
        )
        predictions = [file.done[index] for index in range(len(rows))]
    train = train_answers(arguments)
    result = {"measure": "answer_accuracy", **settings, "seed": arguments.seed}
    result |= summarise(predictions, train, np.random.default_rng(arguments.seed))
    result["versions"] = library_versions()
    write_json(folder / "results.json", result)
    return result


def train_answers(arguments: AnswerAccuracyArguments) -> list[tuple[str, str]] | None:
    """Kind and answer of every training row; None without a train split, or if that is the one answered."""
    splits = load_splits(arguments.dataset, arguments.dataset_config)
    if (
        arguments.split == "train"
        or "train" not in splits
        or not {"kind", "answer"} <= set(splits["train"].column_names)
    ):
        return None
    train = splits["train"].select_columns(["kind", "answer"])
    return list(zip(train["kind"], train["answer"], strict=True))


def format_table(result: dict) -> str:
    """The result as a plain table for the terminal."""
    header = f"{'questions':<28}{'accuracy':>10}{'95% interval':>18}{'baseline':>10}{'rows':>8}"
    blank = ", blank images" if result["blank_images"] else ""
    lines = [f"{result['model']} on {result['dataset']} ({result['split']}{blank})", header, "-" * len(header)]
    for name, entry in [("all", result["overall"]), *result["kinds"].items()]:
        low, high = entry["interval_95"]
        shares = f"{entry['accuracy']:>10.1%}{f'{low:.1%} - {high:.1%}':>18}{entry['baseline']['accuracy']:>10.1%}"
        lines.append(f"{name:<28}{shares}{entry['num_rows']:>8}")
    lines.append(f"baseline: always the most frequent answer of the {result['baseline_from']}")
    if result["num_skipped"]:
        lines.append(f"skipped for unreadable images: {result['num_skipped']}")
    return "\n".join(lines)


def main() -> None:
    (arguments,) = TrlParser(AnswerAccuracyArguments).parse_args_and_config()
    print(format_table(evaluate(arguments)))


if __name__ == "__main__":
    run_command(main)
