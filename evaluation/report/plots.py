"""Plots of a report, as data addresses: points with their intervals, curves of trainings, pictures beside results."""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure as Canvas

from data_scripts.png import SIGNATURE

PANEL = 4.2  # inches


@dataclass
class Line:
    """One line of a panel: what several models come to on one thing."""

    label: str
    values: dict[str, tuple[float, float, float]] = field(default_factory=dict)  # model -> value, interval
    chance: float | None = None
    paper: dict[str, float] = field(default_factory=dict)  # whose -> value


def embed(data: bytes) -> str:
    """A PNG as a data address."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


def embed_file(path: Path) -> str | None:
    """The same of a file; None if it is not there or no PNG."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return embed(data) if data.startswith(SIGNATURE) else None


def picture(canvas: Canvas) -> str:
    """A figure as a data address."""
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=120)
    return embed(buffer.getvalue())


def dot_plot(panels: Mapping[str, Sequence[Line]], axis: str) -> str | None:
    """Panels side by side: each line's values as points with intervals, chance dotted, the paper's as diamonds.

    Args:
        panels: lines by the title of their panel; shares in [0, 1], shown in %.
        axis: what the values are.
    """
    panels = {title: lines for title, lines in panels.items() if lines}
    if not panels:
        return None
    models = list(dict.fromkeys(model for lines in panels.values() for line in lines for model in line.values))
    longest = max(map(len, panels.values()))
    first = [line.label for line in next(iter(panels.values()))]
    height = (0.16 * len(models) + 0.22) * longest + 1.3
    canvas = Canvas(figsize=(PANEL * len(panels) + 1.5, height), layout="constrained")
    for ax, (title, lines) in zip(canvas.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for place, line in enumerate(lines):
            for number, model in enumerate(models):
                if model in line.values:
                    y = place + 0.7 * ((number + 0.5) / len(models) - 0.5)
                    value, low, high = (100 * share for share in line.values[model])
                    ax.hlines(y, low, high, color=f"C{number % 10}", linewidth=2)
                    ax.plot(value, y, "o", color=f"C{number % 10}", markersize=4)
            if line.chance is not None:
                ax.vlines(100 * line.chance, place - 0.42, place + 0.42, color="black", linestyle="dotted")
            ax.plot([100 * v for v in line.paper.values()], [place] * len(line.paper), "D", color="0.4", markersize=4)
        labels = [line.label for line in lines]
        known = ax is not canvas.axes[0] and labels == first
        ax.set_yticks(range(len(lines)), [""] * len(lines) if known else labels, fontsize=8)
        ax.set_ylim(len(lines) - 0.4, -0.6)
        ax.set_title(title, fontsize=9)
        ax.set_xlabel(axis, fontsize=8)
        ax.tick_params(labelsize=8)
        ax.grid(axis="x", color="0.9", linewidth=0.6)
    handles = [canvas.axes[0].plot([], [], "o-", color=f"C{n % 10}", label=m)[0] for n, m in enumerate(models)]
    if any(line.paper for lines in panels.values() for line in lines):
        handles += canvas.axes[0].plot([], [], "D", color="0.4", label="the paper's")
    canvas.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 4), fontsize=8, frameon=False)
    return picture(canvas)


def curves(logs: Mapping[str, Iterable[Mapping]], values: Sequence[str]) -> str | None:
    """A panel per training with those of the logged `values` that it has; None if there was none."""
    drawn = {
        name: {v: points for v in values if (points := [(e["step"], e[v]) for e in history if v in e and "step" in e])}
        for name, history in logs.items()
    }
    drawn = {name: found for name, found in drawn.items() if found}
    if not drawn:
        return None
    columns = min(4, len(drawn))
    rows = -(-len(drawn) // columns)
    canvas = Canvas(figsize=(3.4 * columns, 2.8 * rows), layout="constrained")
    panels = canvas.subplots(rows, columns, squeeze=False).ravel()
    for ax in panels[len(drawn) :]:
        ax.set_visible(False)
    for ax, (name, found) in zip(panels, drawn.items(), strict=False):
        for label, points in found.items():
            ax.plot(*zip(*points, strict=True), label=label)
        ax.set_title(name, fontsize=9)
        ax.set_xlabel("step", fontsize=8)
        ax.tick_params(labelsize=7)
        ax.legend(fontsize=7)
    return picture(canvas)
