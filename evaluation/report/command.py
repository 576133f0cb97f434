"""One page that shows a folder of results, and the same as Markdown: tables, plots with intervals, failures, answers.

    python -m evaluation.report --run runs/walkthrough/procedural --output runs/walkthrough/report.html

Beside the page, report.md holds the tables, and report-model_index.yaml each model's entries for its card.

Promise: nothing on the page is typed by hand. Our figures are read from files of the run, the paper's from paper.json;
what the run does not hold is left out, and what cannot be read or is unknown is listed at the end. The page is one
file, pictures included.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets import load_dataset
from huggingface_hub.repocard_data import eval_results_to_model_index
from huggingface_hub.utils import yaml_dump
from jinja2 import Environment, FileSystemLoader, select_autoescape
from trl import TrlParser

from data_scripts.encoded_images import undecoded
from data_scripts.shards import write_text
from evaluation.report.failures import gallery
from evaluation.report.plots import curves, dot_plot, embed, embed_file
from evaluation.report.results_files import ResultFile, Results, find_results
from evaluation.report.tables import all_tables, benchmark_lines, exam_lines, hit_lines
from evaluation.result_tables import NEEDED, answering_model, eval_results, public_name
from trainers.rows import image_bytes

LOGGED = ("glyph_accuracy", "statement_accuracy", "image_hit_at_1", "text_hit_at_1", "eval_hit_at_1", "loss")
SHOWN_ANSWERS = 12
BESIDE = {  # pictures that a measurement leaves beside its result
    "ablation": ("plot.png",),
    "robustness": ("robustness.png", "contact_sheet.png"),
    "contamination": ("histogram.png", "pairs.png"),
}


@dataclass
class ReportArguments:
    """Write the page of a run."""

    run: str = field(metadata={"help": "Folder of results, as `make walkthrough` lays it out or any other way."})
    output: str = field(metadata={"help": "HTML file to write; Markdown tables and model-index go beside it."})


def read_optional(path: Path, not_shown: list[tuple[str, str]]) -> Any:
    """Content of a JSON file, or None where there is none; a damaged one is listed."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        not_shown.append((path.name, f"cannot be read: {error}"[:300]))
        return None


def trainings(run: Path, not_shown: list[tuple[str, str]]) -> dict[str, list[dict]]:
    """What each training of the run logged, by its folder."""
    logs = {}
    for path in sorted(run.glob("*/trainer_state.json"), key=lambda path: path.stat().st_mtime):
        state = read_optional(path, not_shown)
        if isinstance(state, dict) and isinstance(state.get("log_history"), list):
            logs[path.parent.name] = state["log_history"]
    return logs


def labels(results: Results, run: Path) -> dict[Path, str]:
    """A short name of each result's model, told apart by the result's place in the run where models share a name."""
    files = [file for file in results.all if file.result["measure"] != "load_back"]
    models = {file.path: answering_model(file.result) for file in files}
    names = models
    for place_of in (_short_place, lambda path: path.relative_to(run).with_suffix("").as_posix()):
        count = Counter((file.result["measure"], names[file.path]) for file in files)
        names = {
            file.path: f"{models[file.path]} ({place_of(file.path)})"
            if count[file.result["measure"], names[file.path]] > 1
            else names[file.path]
            for file in files
        }
    return names


def _short_place(path: Path) -> str:
    return path.stem if path.stem != "results" else path.parent.name


def picture_title(result: dict) -> str:
    """What a picture beside a result is about."""
    if result["measure"] == "robustness":
        return f"{answering_model(result)} on {result.get('benchmark') or public_name(result['dataset'])}"
    return result.get("title") or result["benchmark"]


def pictures(results: Results) -> Iterator[dict[str, str]]:
    """Pictures that stand beside results, with a title."""
    for measure, names in BESIDE.items():
        for file in results.of(measure):
            for name in names:
                if address := embed_file(file.folder / name):
                    yield {"title": f"{measure.capitalize()}: {picture_title(file.result)}", "address": address}


def answers(file: ResultFile, not_shown: list[tuple[str, str]]) -> list[dict]:
    """The first answered questions of a run of evaluation.answer_accuracy, with their figures."""
    path, shown = file.folder / "predictions.jsonl", []
    try:
        place = file.result["dataset"], file.result.get("dataset_config")
        rows = undecoded(load_dataset(*place, split=file.result["split"]))
        for line in path.read_text(encoding="utf-8").splitlines():
            prediction = json.loads(line)
            if "skipped" in prediction or len(shown) == SHOWN_ANSWERS:
                continue
            row = rows[prediction["row"]]
            address = embed(image_bytes(row["images"][0]) or b"")
            shown.append({**prediction, "question": row["prompt"][0]["content"], "image": address})
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        not_shown.append((path.name, f"answers cannot be shown: {error}"[:300]))
    return shown


def model_index(results: Results) -> str:
    """Entries of the metadata of every model's card, as YAML by model."""
    by_model: dict[str, list[dict]] = {}
    for file in results.all:
        if file.result["measure"] in NEEDED:
            by_model.setdefault(answering_model(file.result), []).append(file.result)
    index = {name: eval_results(found, "other") for name, found in by_model.items()}
    return yaml_dump({name: eval_results_to_model_index(name, entries) for name, entries in index.items() if entries})


def write_report(run: Path, output: Path) -> Results:
    """Gather what the run holds and write page, Markdown and model-index; returns what was found.

    Raises:
        ValueError: if there is no such run.
    """
    if not run.is_dir():
        raise ValueError(f"no run at {run}: give --run a folder of results")
    results = find_results(run)
    names = labels(results, run)
    answered = [file for file in results.of("answer_accuracy") if not file.result.get("blank_images")]
    shown = {
        "build": read_optional(run / "rows" / "build_report.json", results.not_shown),
        "sheet": embed_file(run / "rows" / "contact_sheet.png"),
        "curves": curves(trainings(run, results.not_shown), LOGGED),
        "plots": {
            "Hit@1 per candidate set": dot_plot(hit_lines(results, names), "Hit@1, % (dotted: chance)"),
            "The hard-negative exam": dot_plot(exam_lines(results, names), "Hit@1, % (dotted: chance)"),
            "Benchmarks": dot_plot(benchmark_lines(results, names), "% (dotted: chance)"),
        },
        "tables": all_tables(results),
        "pictures": list(pictures(results)),
        "failures": [one for file in results.of("hard_negative_exam") for one in gallery(file, results.not_shown)],
        "answers": [one for file in answered[:1] for one in answers(file, results.not_shown)],
        "load_back": [file.result for file in results.of("load_back")],
        "not_shown": results.not_shown,
    }
    environment = Environment(
        loader=FileSystemLoader([Path(__file__).parent, Path(__file__).parents[1]]),
        autoescape=select_autoescape(["html.jinja"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    write_text(environment.get_template("report.html.jinja").render(**shown), output)
    write_text(environment.get_template("report.md.jinja").render(**shown), output.with_suffix(".md"))
    write_text(model_index(results), output.with_name(f"{output.stem}-model_index.yaml"))
    return results


def main() -> None:
    (args,) = TrlParser(ReportArguments).parse_args_and_config()
    output = Path(args.output)
    results = write_report(Path(args.run), output)
    print(f"written: {output}, {output.with_suffix('.md').name} and {output.stem}-model_index.yaml")
    for path, reason in results.not_shown:
        print(f"not shown: {path}: {reason}")
