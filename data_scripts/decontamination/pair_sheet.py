"""A picture of pairs: each row beside the test item that it repeats, or is like."""

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from PIL import Image

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


def measured(similarity: float | None, distance: int | None) -> str:
    """How alike two rows are, in words."""
    said = ["" if similarity is None else f"similarity {similarity}", "" if distance is None else f"{distance} bits"]
    return ", ".join(filter(None, said))


def write_pair_sheet(pairs: Sequence[tuple[Side, Side, str]], path: Path, left: str = "dropped row") -> None:
    """Save a PNG with one line per pair, first to a temporary name.

    Args:
        pairs: a row, a test item, and what stands above the item.
        path: the PNG.
        left: what stands above every row.

    Raises:
        ValueError: if there are no pairs.
    """
    if not pairs:
        raise ValueError("a sheet of pairs needs at least one")
    canvas = Canvas(figsize=(2 * CELL, 1.35 * CELL * len(pairs)), layout="constrained")
    for (one, other), (row, test, said) in zip(canvas.subplots(len(pairs), 2, squeeze=False), pairs, strict=True):
        _draw(one, row, left)
        _draw(other, test, said)
    temporary = path.with_name(path.name + ".part")
    canvas.savefig(temporary, dpi=100, format="png")
    temporary.replace(path)
