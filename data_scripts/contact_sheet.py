"""A picture of what a build made: each positive beside its negatives, captions under them, the difference named."""

import io
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from PIL import Image as PILImage

WIDTH = 40  # characters of a caption line
CELL = 2.6  # inches
STATEMENT_END = re.compile(r"[.;] |, (?![^()]*\))")  # the comma of a pair of coordinates is none


def difference(positive: str, negative: str) -> str:
    """What a negative's caption says that the positive's does not, statement by statement."""

    def statements(text: str) -> list[str]:
        return STATEMENT_END.split(text.rstrip("."))

    known = set(statements(positive))
    return "; ".join(s for s in statements(negative) if s not in known) or "the same statements in another order"


def _cell(ax: Axes, image: dict, title: str, text: str, color: str) -> None:
    with PILImage.open(io.BytesIO(image["bytes"])) as picture:
        ax.imshow(np.asarray(picture.convert("L")), cmap="gray", vmin=0, vmax=255)
    ax.set_title(title, fontsize=8, color=color)
    ax.set_xlabel("\n".join(textwrap.wrap(text, WIDTH)[:7]), fontsize=6, loc="left")
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_color(color)


def contact_sheet(rows: Sequence[dict], columns: int = 5) -> Canvas:
    """A figure with one line of pictures per row: the positive, then its first negatives.

    Args:
        rows: rows with undecoded images (`{"bytes", "path"}`).
        columns: pictures per line.

    Raises:
        ValueError: if there are no rows.
    """
    if not rows:
        raise ValueError("a contact sheet needs at least one row")
    canvas = Canvas(figsize=(CELL * columns, 1.38 * CELL * len(rows)))
    axes = canvas.subplots(len(rows), columns, squeeze=False)
    # Room for a title above each line of pictures and for seven lines of caption below: fitting them takes longer.
    canvas.subplots_adjust(
        left=0.005, right=0.995, top=1 - 0.1 / len(rows), bottom=0.3 / len(rows), hspace=0.36, wspace=0.04
    )
    for line, row in zip(axes, rows, strict=True):
        for ax in line:
            ax.set_visible(False)
        line[0].set_visible(True)
        _cell(line[0], row["image"], "positive", row["caption"], "black")
        negatives = zip(
            line[1:], row["negative_images"], row["negative_captions"], row["negative_edits"], strict=False
        )
        for ax, image, text, edits in negatives:
            ax.set_visible(True)
            _cell(ax, image, f"negative: {edits}", f"Now: {difference(row['caption'], text)}", "firebrick")
    return canvas


def write_contact_sheet(rows: Sequence[dict], path: Path) -> None:
    """Save the sheet as PNG, first to a temporary name."""
    canvas = contact_sheet(rows)
    temporary = path.with_name(path.name + ".part")
    canvas.savefig(temporary, dpi=110, format="png")
    temporary.replace(path)
