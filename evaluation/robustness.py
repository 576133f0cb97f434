"""How much a model loses when figures look otherwise: on changed pictures, paired with the clean ones.

    python -m evaluation.robustness --model mmclip --dataset rows --output_dir robustness
    python -m evaluation.robustness --model mmgeolm --dataset questions --output_dir robustness
    python -m evaluation.robustness --model mmgeolm --benchmark geoqa --data_dir GeoQA --output_dir robustness

On rows of hard negatives it is Hit@1 of any CLIP-family model, ours or stock (`robustness_hits`); on questions, of SFT
rows or of a public benchmark, the answer accuracy of any image-text-to-text model (`robustness_answers`). A difference
compares the same questions, changed and clean, and its 95% interval resamples them together, which is what makes small
losses visible. Perturbations that draw the figure anew need its script; questions without one are left out of both
sides and counted.

The folder holds results.json, robustness.png (differences with intervals) and contact_sheet.png (what each
perturbation looks like). A perturbation that is finished is kept, and so is every answer: an interrupted run goes on.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.arguments import BenchmarkArguments
from evaluation.perturbations import PERTURBATIONS
from evaluation.predictions import check_settings
from evaluation.results import library_versions, weights_fingerprint, write_json
from evaluation.robustness_answers import AnswerTask, BenchmarkTask, QuestionTask
from evaluation.robustness_hits import HitTask
from evaluation.robustness_sheets import METRICS, contact_sheet, plot, save
from trainers.candidate_sets import NUM_RANDOM
from trainers.rows import load_split

SHEET_ROWS = 3


@dataclass(kw_only=True)
class RobustnessArguments(BenchmarkArguments):
    """Measure how Hit@1 or answers change when figures are turned, shrunk, blurred or drawn otherwise."""

    model: str = field(
        metadata={
            "help": "Folder or Hub id of a dual encoder (for Hit@1) or an image-text-to-text model (for answers)."
        }
    )
    dataset: str | None = field(
        default=None, metadata={"help": "Folder or Hub id of rows of hard negatives, or of SFT rows."}
    )
    benchmark: str | None = field(
        default=None,
        metadata={"help": "Public benchmark to answer instead of a data set.", "choices": sorted(BENCHMARKS)},
    )
    output_dir: str = field(metadata={"help": "Folder for the result, the plot and the contact sheet."})
    split: str | None = field(default=None, metadata={"help": "Split (default: test, or the benchmark's usual one)."})
    dataset_config: str | None = field(
        default=None,
        metadata={"help": "Configuration of the data set, such as letters_only; its default if not given."},
    )
    perturbations: list[str] | None = field(
        default=None,
        metadata={"help": "Which ones (default: all).", "choices": list(PERTURBATIONS)},
    )
    max_rows: int | None = field(default=None, metadata={"help": "Measure on the first rows only."})
    num_candidates: int = field(
        default=NUM_RANDOM, metadata={"help": "Captions of other rows that each image's own meets in the random set."}
    )
    batch_size: int | None = field(
        default=None, metadata={"help": "Images or captions encoded (default: 64) or questions answered (8) at once."}
    )
    max_new_tokens: int = field(default=1024, metadata={"help": "Longest answer, in tokens."})
    keep_hits: bool = field(
        default=False, metadata={"help": "Also write of each anchor whether it was a hit, changed and clean."}
    )
    seed: int = field(default=0, metadata={"help": "Draws the random set, noise and jitter, and the bootstrap."})
    trust_remote_code: bool = field(
        default=False,
        metadata={"help": "Run the model's own code from the Hub. Ours and stock models need no such thing."},
    )

    def __post_init__(self) -> None:
        require_at_least(self, num_candidates=1, max_new_tokens=1, seed=0)
        for name in ("max_rows", "batch_size"):
            if getattr(self, name) is not None:
                require_at_least(self, **{name: 1})
        if (self.dataset is None) is (self.benchmark is None):
            raise ValueError("give either --dataset or --benchmark")
        if self.benchmark is not None:
            self.check_place()
        self.perturbations = self.perturbations or list(PERTURBATIONS)
        if unknown := set(self.perturbations) - set(PERTURBATIONS):
            raise ValueError(
                f"unknown --perturbations {', '.join(sorted(unknown))}: expected some of {', '.join(PERTURBATIONS)}"
            )

    def task(self) -> HitTask | AnswerTask:
        """What is measured: answers where there are questions, else Hit@1. Raises ValueError as the tasks do."""
        if self.benchmark is not None:
            return BenchmarkTask(self)
        rows = load_split(self.dataset, self.split or "test", self.dataset_config)
        return QuestionTask(self) if "prompt" in rows.column_names else HitTask(self)


def evaluate(arguments: RobustnessArguments) -> dict:
    """Measure all perturbations; returns the content of results.json.

    Raises:
        ValueError: if the model does not fit the data, the data set, the split or a column is missing, or the folder
            holds another run.
    """
    task = arguments.task()
    settings = {
        "model": arguments.model,
        "model_fingerprint": weights_fingerprint(arguments.model),
        **task.settings(),
    }
    folder = Path(arguments.output_dir)
    check_settings(folder, settings)
    parts = {name: folder / "perturbations" / f"{name}.json" for name in arguments.perturbations}
    if missing := [name for name, path in parts.items() if not path.exists()]:
        for name, part in task.measure(missing, folder):
            write_json(parts[name], part)
    result = {
        "measure": "robustness",
        "metric": task.metric,
        **settings,
        "perturbations": {name: json.loads(path.read_text(encoding="utf-8")) for name, path in parts.items()},
        "versions": library_versions(),
    }
    save(
        contact_sheet(task.figures(SHEET_ROWS), arguments.perturbations, arguments.seed), folder / "contact_sheet.png"
    )
    save(plot(result), folder / "robustness.png")
    write_json(folder / "results.json", result)
    return result


def format_table(result: dict) -> str:
    """The result as a plain table for the terminal."""
    header = f"{'perturbation':<26}{'set':<11}{'clean':>8}{'changed':>9}{'difference':>12}{'95% interval':>18}"
    header += f"{'questions':>11}"
    data = result.get("benchmark") or result["dataset"]
    about = f"{METRICS[result['metric']]} of {result['model']} on {data} ({result['split']})"
    lines = [about[0].upper() + about[1:], header, "-" * len(header)]
    for of in result["perturbations"].values():
        for name, entry in of["sets"].items():
            if entry is None:
                lines.append(f"{of['title']:<26}{name:<11}{'absent':>8}")
                continue
            low, high = entry["interval_95"]
            shares = f"{entry['clean']:>8.1%}{entry['accuracy']:>9.1%}{100 * entry['difference']:>+12.1f}"
            interval = f"{100 * low:+.1f} to {100 * high:+.1f}"
            lines.append(f"{of['title']:<26}{name:<11}{shares}{interval:>18}{entry['num_anchors']:>11}")
        if of.get("num_images_without_script"):
            lines.append(f"  images without a script of ours: {of['num_images_without_script']}")
        if of.get("num_questions_left_out"):
            lines.append(f"  questions left out of both sides: {of['num_questions_left_out']}")
    return "\n".join(lines)


def main() -> None:
    (arguments,) = TrlParser(RobustnessArguments).parse_args_and_config()
    print(format_table(evaluate(arguments)))
    print(f"written to {arguments.output_dir} (see robustness.png and contact_sheet.png)")


if __name__ == "__main__":
    run_command(main)
