"""A contamination report for the eye: a histogram of how close the questions are, and a page of Markdown."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

TABLE_ROWS = 20
WIDTH = 60  # characters of a cell


def write_histogram(lines: Sequence[dict], result: dict, path: Path) -> None:
    """Save a PNG of both histograms with their thresholds, first to a temporary name.

    Args:
        lines: of nearest.jsonl.
        result: of contamination.json.
        path: the PNG.
    """
    canvas = Canvas(figsize=(9, 3.6), layout="constrained")
    text, image = canvas.subplots(1, 2)
    rule = result["rule"]
    similarities = [line["text"]["similarity"] for line in lines if line["text"]]
    low = min([0.5, *similarities])
    _draw(text, similarities, np.linspace(low, 1.0, 41), rule["text_threshold"], "similarity of the closest text")
    bits = [line["image"]["distance"] for line in lines if line["image"]]
    _draw(image, bits, np.arange(0, 265, 8), rule["image_threshold"], "bits to the closest figure, of 512")
    canvas.suptitle(
        f"{result['benchmark']}: {result['num_same']} of {result['num_questions']} questions are in "
        f"{result['num_train_rows']} training rows",
        fontsize=11,
    )
    temporary = path.with_name(path.name + ".part")
    canvas.savefig(temporary, dpi=120, format="png")
    temporary.replace(path)


def _draw(ax: Axes, values: Sequence[float], bins: np.ndarray, threshold: float, label: str) -> None:
    ax.hist(np.clip(values, bins[0], bins[-1]), bins=bins, color="0.45")
    ax.axvline(threshold, color="C3", linestyle="--", linewidth=1)
    ax.set_title(f"threshold {threshold:g}", fontsize=9, color="C3")
    ax.set_xlabel(label)
    ax.set_ylabel(f"questions (of {len(values)})")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.spines[["top", "right"]].set_visible(False)


def markdown(ranked: Sequence[dict], result: dict) -> str:
    """The report as a page: counts first, then the closest questions, nearest first."""
    rule = result["rule"]
    train = ", ".join(result["train"])
    lines = [
        f"# {result['benchmark']} in {train}",
        "",
        f"{result['num_same']} of {result['num_questions']} questions ({result['share_same']:.1%}) are found among "
        f"{result['num_train_rows']} training rows: {_rule_in_words(rule)}.",
        "",
        "| | questions within the threshold | closest | median |",
        "|---|---|---|---|",
        _measure_row("text", result["num_same_text"], result["similarity_quantiles"], "100%"),
        _measure_row("figure", result["num_same_image"], result["distance_quantiles"], "0%"),
        "",
        "![How close the questions are](histogram.png)",
        "",
        f"The closest {min(TABLE_ROWS, len(ranked))}, with the training row that is the same, or else the closest by "
        "figure and by text:",
        "",
        "| question | same | by figure | by text |",
        "|---|---|---|---|",
    ]
    for line in ranked[:TABLE_ROWS]:
        cells = [line["id"], *(_cell(line[kind]) for kind in ("same", "image", "text"))]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, "", "![The closest pairs](pairs.png)", ""])


def _rule_in_words(rule: dict) -> str:
    text = f"texts with a similarity above {rule['text_threshold']:g} (`{rule['encoder']}`)"
    image = f"figures within {rule['image_threshold']} of 512 bits"
    joined = {"both": f"{text} and {image}", "either": f"{text} or {image}", "text": text, "image": image}
    return joined[rule["match"]]


def _measure_row(name: str, count: int, quantiles: dict, closest: str) -> str:
    if not quantiles:
        return f"| {name} | nothing to compare | | |"
    return f"| {name} | {count} | {quantiles[closest]:g} | {quantiles['50%']:g} |"


def _cell(found: dict | None) -> str:
    if not found:
        return "-"
    measures = [f"{found['similarity']:.3f}"] if "similarity" in found else []
    measures += [f"{found['distance']} bits"] if "distance" in found else []
    return f"{found['train_id'][:WIDTH]} ({', '.join(measures)})"
