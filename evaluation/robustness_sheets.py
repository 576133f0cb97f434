"""What people look at of a robustness run: differences with intervals, and what each perturbation looks like."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure as Canvas
from PIL import Image

from evaluation.perturbations import PERTURBATIONS, Perturbation, perturbed

METRICS = {"hit_at_1": "Hit@1", "answer_accuracy": "answer accuracy"}


def contact_sheet(figures: Sequence[tuple[Image.Image | None, str | None]], names: list[str], seed: int) -> Canvas:
    """Figures (with their scripts), each clean and as every perturbation leaves it."""
    columns: dict[str, Perturbation | None] = {"clean": None, **{name: PERTURBATIONS[name] for name in names}}
    canvas = Canvas(figsize=(1.9 * len(columns), 2.15 * max(len(figures), 1)), layout="constrained")
    axes = canvas.subplots(max(len(figures), 1), len(columns), squeeze=False)
    for number, (line, (image, script)) in enumerate(zip(axes, figures, strict=False)):
        for ax, (name, perturbation) in zip(line, columns.items(), strict=True):
            ax.set_axis_off()
            picture = image
            if perturbation is not None and image is not None:
                picture = perturbed(name, image, script, seed, number)
            if picture is not None:
                ax.imshow(np.asarray(picture), vmin=0, vmax=255)
            title = "clean" if perturbation is None else perturbation.title
            ax.set_title(title if picture is not None else f"{title}: no script", fontsize=8)
    return canvas


def plot(result: dict) -> Canvas:
    """Differences to the clean figures with their intervals, one panel per set of questions."""
    found = result["perturbations"]
    names = list(dict.fromkeys(name for of in found.values() for name, entry in of["sets"].items() if entry))
    canvas = Canvas(figsize=(2.7 * max(len(names), 1) + 1, 0.36 * len(found) + 1.2), layout="constrained")
    panels = canvas.subplots(1, max(len(names), 1), sharey=True, squeeze=False)[0]
    for ax, name in zip(panels, names, strict=False):
        for place, of in enumerate(found.values()):
            if (entry := of["sets"].get(name)) is not None:
                low, high = (100 * end for end in entry["interval_95"])
                ax.hlines(place, low, high, color="C0", linewidth=2)
                ax.plot(100 * entry["difference"], place, "o", color="C0", markersize=4)
        low, high = ax.get_xlim()
        ax.set_xlim(min(low, -1), max(high, 1))
        ax.axvline(0, color="black", linewidth=0.8, linestyle="dotted")
        ax.set_title(f"{name} set" if result["metric"] == "hit_at_1" else name, fontsize=9)
        ax.set_xlabel(f"change of {METRICS[result['metric']]}, points", fontsize=8)
        ax.tick_params(labelsize=8)
    panels[0].set_yticks(range(len(found)), [of["title"] for of in found.values()])
    panels[0].invert_yaxis()
    return canvas


def save(canvas: Canvas, path: Path) -> None:
    """Write a picture, first to a temporary name."""
    temporary = path.with_name(f"{path.name}.part")
    canvas.savefig(temporary, dpi=120, format="png")
    temporary.replace(path)
