"""One page that shows a run: contact sheet, curves, Hit@1 before and after, answers, and what loaded back.

    python -m evaluation.report --run runs/demo/procedural --output runs/demo/report.html

Promise: every figure on the page is read from a file of the run, and what the run does not hold is left out. The page
is one file, pictures included.
"""

import base64
import io
import json
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.pyplot as plt
from datasets import load_dataset
from jinja2 import Environment, FileSystemLoader, select_autoescape
from trl import TrlParser

from data_scripts.cli import run_command
from data_scripts.shards import write_text

CURVES = {  # folder of a training: (title, logged values to draw)
    "mmclip-warm": ("Warm-up", ("glyph_accuracy", "statement_accuracy")),
    "mmclip-in-batch": ("In-batch negatives only", ("loss",)),
    "mmclip": ("With hard negatives", ("image_hit_at_1", "text_hit_at_1", "loss")),
    "mmgeolm-aligned": ("MMGeoLM, align", ("loss",)),
    "mmgeolm": ("MMGeoLM, sft", ("loss",)),
}
HITS = {
    "hit_at_1-mmclip-warm.json": "after the warm-up, before any contrast",
    "hit_at_1-mmclip-in-batch.json": "in-batch negatives only",
    "hit_at_1-mmclip.json": "with hard negatives",
}
SHOWN_ANSWERS = 12


@dataclass
class ReportArguments:
    """Write the page of a run."""

    run: str = field(metadata={"help": "Folder of the run, as `make demo` lays it out."})
    output: str = field(metadata={"help": "HTML file to write."})


def embed(data: bytes) -> str:
    """A PNG as a data address."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


def read_json(path: Path) -> dict | None:
    """Content of a JSON file, or None if the run does not hold it.

    Raises:
        ValueError: if the file is there and cannot be read.
    """
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} cannot be read ({error}): delete it and run its step again") from None


def curves(run: Path) -> str | None:
    """One plot per training of the run, as a data address; None if there was none."""
    logs = {name: read_json(run / name / "trainer_state.json") for name in CURVES}
    logs = {name: state["log_history"] for name, state in logs.items() if state}
    if not logs:
        return None
    canvas, axes = plt.subplots(1, len(logs), figsize=(3.4 * len(logs), 2.8), squeeze=False, layout="constrained")
    for ax, (name, history) in zip(axes[0], logs.items(), strict=True):
        title, values = CURVES[name]
        for value in values:
            points = [(entry["step"], entry[value]) for entry in history if value in entry]
            if points:
                ax.plot(*zip(*points, strict=True), label=value)
        ax.set_title(title, fontsize=9)
        ax.set_xlabel("step", fontsize=8)
        ax.tick_params(labelsize=7)
        ax.legend(fontsize=7)
    return _picture(canvas)


def hits_plot(results: dict[str, dict]) -> str | None:
    """Hit@1 per set as bars with intervals and the chance line, as a data address."""
    if not results:
        return None
    sets = list(next(iter(results.values()))["sets"])
    canvas, ax = plt.subplots(figsize=(7, 3), layout="constrained")
    width = 0.8 / len(results)
    for i, (label, result) in enumerate(results.items()):
        for j, name in enumerate(sets):
            entry = result["sets"].get(name)
            if not entry:
                continue
            low, high = entry["interval_95"]
            error = [[max(0.0, entry["accuracy"] - low)], [max(0.0, high - entry["accuracy"])]]
            style = {"label": label} if j == 0 else {}
            ax.bar(
                j + (i - (len(results) - 1) / 2) * width, entry["accuracy"], width, yerr=error, color=f"C{i}", **style
            )
            ax.hlines(entry["chance"], j - 0.45, j + 0.45, colors="black", linestyles="dotted", linewidth=1)
    ax.set_xticks(range(len(sets)), sets)
    ax.set_ylim(0, 1)
    ax.set_ylabel("Hit@1 (dotted: chance)")
    ax.legend(fontsize=8)
    return _picture(canvas)


def _picture(canvas: plt.Figure) -> str:
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=120)
    plt.close(canvas)
    return embed(buffer.getvalue())


def answers(run: Path) -> list[dict]:
    """The first answered questions with their figures."""
    path = run / "answers" / "predictions.jsonl"
    settings = read_json(run / "answers" / "settings.json")
    if not path.exists() or settings is None:
        return []
    rows = load_dataset(settings["dataset"], settings.get("dataset_config"), split=settings["split"])
    shown = []
    for line in path.read_text(encoding="utf-8").splitlines():
        prediction = json.loads(line)
        if "skipped" in prediction or len(shown) == SHOWN_ANSWERS:
            continue
        row = rows[prediction["row"]]
        buffer = io.BytesIO()
        row["images"][0].save(buffer, format="PNG")
        shown.append({**prediction, "question": row["prompt"][0]["content"], "image": embed(buffer.getvalue())})
    return shown


def write_report(run: Path, output: Path) -> None:
    """Gather what the run holds and write the page.

    Raises:
        ValueError: if there is no such run.
    """
    if not run.is_dir():
        raise ValueError(f"no run at {run}: give --run the folder that holds rows/, mmclip/, answers/")
    results = {label: read_json(run / name) for name, label in HITS.items()}
    results = {label: result for label, result in results.items() if result}
    sheet = run / "rows" / "contact_sheet.png"
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(["jinja"]))
    page = environment.get_template("report.html.jinja").render(
        build=read_json(run / "rows" / "build_report.json"),
        sheet=embed(sheet.read_bytes()) if sheet.exists() else None,
        curves=curves(run),
        hits=results,
        hits_plot=hits_plot(results),
        accuracy=read_json(run / "answers" / "results.json"),
        accuracy_blank=read_json(run / "answers-blank" / "results.json"),
        answers=answers(run),
        load_back=read_json(run / "load_back.json"),
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    write_text(page, output)


def main() -> None:
    (args,) = TrlParser(ReportArguments).parse_args_and_config()
    write_report(Path(args.run), Path(args.output))
    print(f"written: {args.output}")


if __name__ == "__main__":
    run_command(main)
