"""Grade predictions from anywhere on a public benchmark, by rules and without a key.

    python -m evaluation.grade --benchmark we_math --data_dir D --predictions P.jsonl --output R.json

P.jsonl holds one JSON object per line, `{"id": ..., "prediction": ...}`: the id of a question as its benchmark has it
(for We-Math `ID/key`) and what the model wrote, a whole solution or an answer alone. Other fields are ignored. There
must be one line for every question; what is missing, there twice or of no question is refused by its ids. Predictions
for the whole of a data set of which only the geometry is asked (MathVista, MATH-Vision) want `--ignore_foreign`.

R.json holds the benchmark's figures with 95% bootstrap intervals, accuracies within its groups, and a verdict on each
row: what was read as the answer and whether it is right. `--official` adds what the official script would have said.
"""

import hashlib
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from trl import TrlParser

from data_scripts.cli import run_command
from evaluation.benchmarks.arguments import BenchmarkArguments
from evaluation.graders.benchmarks import GradingSettings, check_ids, grade
from evaluation.results import library_versions, write_json


@dataclass(kw_only=True)
class GradingArguments:
    """How predictions are graded, wherever they come from."""

    official: bool = field(
        default=False, metadata={"help": "Reproduce the verdicts of the official script beside ours."}
    )
    tolerance: float | None = field(
        default=None,
        metadata={
            "help": "Relative difference allowed in numbers of open questions, such as 0.01; none if not given."
        },
    )
    seed: int = field(default=0, metadata={"help": "Draws the bootstrap, and answers where they are sampled."})

    def grading(self) -> GradingSettings:
        """How responses are graded. Raises ValueError for what cannot be."""
        return GradingSettings(self.tolerance, self.official, self.seed)


@dataclass(kw_only=True)
class GradeArguments(BenchmarkArguments, GradingArguments):
    """Grade predictions on a public benchmark."""

    predictions: str = field(metadata={"help": "JSONL file of predictions, an id and a prediction per line."})
    output: str = field(metadata={"help": "JSON file for figures and verdicts."})
    ignore_foreign: bool = field(
        default=False,
        metadata={"help": "Leave out predictions of no question, as for other tasks of MathVista; else refuse them."},
    )

    def __post_init__(self) -> None:
        self.check_place()
        self.grading()


def read_predictions(path: Path) -> list[tuple[str, str]]:
    """Id and text of every line, in order, ids that come twice included.

    Raises:
        ValueError: if the file cannot be read, or a line is no object with an id and a prediction.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ValueError(f"--predictions {path} cannot be read: {error}") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows.append((_text(row["id"]), _text(row["prediction"])))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            message = f'line {number} of {path} is not of the form {{"id": ..., "prediction": ...}}'
            raise ValueError(f"{message} ({type(error).__name__}: {error})") from None
    return rows


def _text(value: object) -> str:
    """A text, or a number as one: ids and bare answers are numbers in many files."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(f"a {type(value).__name__} is neither text nor number")
    return str(value)


def evaluate(arguments: GradeArguments) -> dict:
    """Read, check and grade; returns the content of the result file.

    Raises:
        ValueError: if the benchmark or the predictions cannot be read, or do not fit each other.
    """
    skipped: Counter[str] = Counter()
    predictions = read_predictions(Path(arguments.predictions))
    items = arguments.list_items(skipped)
    num_predictions, asked = len(predictions), {item.id for item in items}
    if arguments.ignore_foreign:
        predictions = [(name, text) for name, text in predictions if name in asked]
    check_ids([item.id for item in items], [name for name, _ in predictions])
    return {
        "measure": "benchmark",
        "benchmark": arguments.benchmark,
        "data": arguments.place,
        "split": arguments.split or arguments.source.splits[0],
        "predictions": arguments.predictions,
        "predictions_fingerprint": hashlib.sha256(Path(arguments.predictions).read_bytes()).hexdigest()[:16],
        "num_foreign": num_predictions - len(predictions),
        "rows_left_out": dict(skipped),
        **grade(arguments.benchmark, items, dict(predictions), arguments.grading()),
        "versions": library_versions(),
    }


def format_table(result: dict) -> str:
    """The figures as a plain table for the terminal."""
    official = result.get("official")
    header = (
        f"{'figure':<24}{'value':>8}{'95% interval':>18}{'chance':>9}{'rows':>7}{'official' if official else '':>10}"
    )
    lines = [f"{result['benchmark']} ({result['split']}): {result['predictions']}", header, "-" * len(header)]
    for name, entry in result["metrics"].items():
        lines.append(_line(name, entry, official["metrics"][name] if official else None))
    for group, metrics in result["groups"].items():
        lines += [_line(f"  {group} {value}"[:24], entry, None) for value, entry in metrics.items()]
    if result["num_unread"]:
        lines.append(f"responses that give no answer: {result['num_unread']}")
    if official:
        lines.append(
            f"right here only: {official['num_right_here_only']}, by the official script only: "
            f"{official['num_right_there_only']}; it would ask a language model about {official['num_by_model']}"
        )
    if result.get("num_foreign"):
        lines.append(f"predictions of no question, left out: {result['num_foreign']}")
    if result["rows_left_out"]:
        lines.append(f"rows of the benchmark that could not be read: {sum(result['rows_left_out'].values())}")
    return "\n".join(lines)


def _line(name: str, entry: dict | None, official: dict | None) -> str:
    if entry is None:
        return f"{name:<24}{'absent':>8}"
    low, high = entry["interval_95"]
    chance = f"{entry['chance']:.1%}" if "chance" in entry else ""
    theirs = f"{official['value']:>10.1%}" if official else ""
    return f"{name:<24}{entry['value']:>8.1%}{f'{low:.1%} - {high:.1%}':>18}{chance:>9}{entry['num_rows']:>7}{theirs}"


def main() -> None:
    (arguments,) = TrlParser(GradeArguments).parse_args_and_config()
    result = evaluate(arguments)
    write_json(arguments.output, result)
    print(format_table(result))
    print(f"written to {arguments.output}", file=sys.stderr)


if __name__ == "__main__":
    run_command(main)
