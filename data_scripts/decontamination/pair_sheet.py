"""A picture of what was dropped: each row beside the test item that it repeats."""

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from PIL import Image

from .overlap import Overlap

CELL = 3.0  # inches
WIDTH = 46  # characters of a line


@dataclass(frozen=True)
class Side:
    """One half of a pair: a row, or a test item."""

    id: str
    text: str
    image: bytes | None


def _draw(ax: Axes, side: Side, title: str) -> None:
    if side.image is not None:
        try:
            with Image.open(io.BytesIO(side.image)) as picture:
                ax.imshow(np.asarray(picture.convert("L")), cmap="gray", vmin=0, vmax=255)
        except (OSError, SyntaxError, ValueError):
            ax.text(0.5, 0.5, "image cannot be read", ha="center")
    ax.set_title(title, fontsize=8)
    lines = textwrap.wrap(side.text, WIDTH)[:5]
    ax.set_xlabel("\n".join([side.id[:WIDTH], *lines]).replace("$", r"\$"), fontsize=6, loc="left")
    ax.set_xticks([])
    ax.set_yticks([])


def write_pair_sheet(pairs: Sequence[tuple[Side, Side, Overlap]], path: Path) -> None:
    """Save a PNG with one line per pair, first to a temporary name.

    Raises:
        ValueError: if there are no pairs.
    """
    if not pairs:
        raise ValueError("a sheet of pairs needs at least one")
    canvas = Canvas(figsize=(2 * CELL, 1.35 * CELL * len(pairs)), layout="constrained")
    for (left, right), (row, test, overlap) in zip(canvas.subplots(len(pairs), 2, squeeze=False), pairs, strict=True):
        _draw(left, row, "dropped row")
        said = [
            "" if overlap.similarity is None else f"similarity {overlap.similarity}",
            "" if overlap.distance is None else f"{overlap.distance} bits",
        ]
        _draw(right, test, f"test item, same {overlap.why}: {', '.join(filter(None, said))}")
    temporary = path.with_name(path.name + ".part")
    canvas.savefig(temporary, dpi=100, format="png")
    temporary.replace(path)
