"""Figures for the page: a positive with its verified negatives, drawn when asked for, and what sets them apart.

Promise: the same family, number, markings and size to be legible at give the same example on any machine.
"""

import difflib
import io
import re
from collections import Counter
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image

from data_scripts.rows import RowOptions, build_rows
from data_scripts.sources import procedural

IMAGE_SIZE = 336  # pixels, where a person sees every edit
SMALLEST = 112  # pixels: figures have no room for letters that are legible at fewer
NUM_NEGATIVES = 6
DRAWS = 20  # of a figure before its number is given up
LAST_NUMBER = 10**6


@dataclass(frozen=True)
class Shown:
    """A figure as the page shows it."""

    image: Image.Image
    caption: str  # true of the image
    script: str  # draws it, with matplotlib
    edits: str = ""  # what was done to the positive's program, such as `value` or `order+shape`


@dataclass(frozen=True)
class Example:
    """A positive, its edited figures, and captions that are false of it."""

    positive: Shown
    negatives: tuple[Shown, ...]
    rule_captions: tuple[tuple[str, str], ...]  # caption, kinds of edit


def draw_example(family: str, number: int | None, markings: bool = True, legible_at: int | None = None) -> Example:
    """Figure `number` of a family with its negatives.

    Args:
        family: of `procedural.FAMILIES`.
        number: any from 0 to `LAST_NUMBER`; None, as an empty field gives it, is refused like any other.
        markings: print lengths and angles.
        legible_at: side in pixels to which a model shrinks the figures: letters are large enough for that,
            down to `SMALLEST`.

    Raises:
        ValueError: if there is no such family or number, or no figure of it has a negative.
    """
    if family not in procedural.FAMILIES:
        raise ValueError(f"There is no family {family!r}: choose one of {', '.join(procedural.FAMILIES)}.")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= LAST_NUMBER:
        got = "and no number is given" if number is None else f"got {number}"
        raise ValueError(f"Figures are numbered from 0 to {LAST_NUMBER:,}, {got}: choose a whole number.")
    config = "with_markings" if markings else "letters_only"
    options = RowOptions(
        IMAGE_SIZE,
        num_image_negatives=NUM_NEGATIVES,
        num_rule_negatives=NUM_NEGATIVES,
        configs=(config,),
        legible_at=legible_at and max(legible_at, SMALLEST),
    )
    place = list(procedural.FAMILIES).index(family)
    for draw in range(DRAWS):
        rng = np.random.default_rng([place, number, draw])
        figure = procedural.shuffle_letters(procedural.draw_program(family, rng), rng)
        built = build_rows(figure, "", "procedural", rng, options, {config: Counter()})
        if built is not None and built[config].row["negative_images"]:
            return _example(built[config].row)
    raise ValueError(f"No figure of family {family!r} under number {number} has a negative: take another number.")


def _example(row: dict) -> Example:
    def opened(encoded: dict) -> Image.Image:
        return Image.open(io.BytesIO(encoded["bytes"])).convert("RGB")

    columns = ("negative_images", "negative_captions", "negative_scripts", "negative_edits")
    negatives = zip(*(row[column] for column in columns), strict=True)
    return Example(
        Shown(opened(row["image"]), row["caption"], row["script"]),
        tuple(Shown(opened(image), *texts) for image, *texts in negatives),
        tuple(zip(row["rule_captions"], row["rule_edits"], strict=True)),
    )


def mark_differences(caption: str, other: str) -> str:
    """The other caption as HTML, with the words marked that the caption does not have in that place."""
    mine, theirs = (re.findall(r"\s+|[^\s]+", text) for text in (caption, other))
    parts = []
    for what, _, _, start, end in difflib.SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        if text := escape("".join(theirs[start:end])):
            parts.append(text if what == "equal" or not text.strip() else f"<mark>{text}</mark>")
    return "".join(parts)
