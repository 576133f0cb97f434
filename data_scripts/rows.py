"""One row of hard negatives: its columns, and how a figure becomes one.

Promise: a row is a pure function of the figure, the generator and the options, so any row can be rebuilt from its id.
"""

import io
import zlib
from collections import Counter
from dataclasses import dataclass

import numpy as np
from datasets import Features, Image, List, Value
from PIL import Image as PILImage

from .diagram import Diagram, Figure
from .diagram.caption import caption
from .diagram.drawing import Style, lay_out, rasterise
from .diagram.script import to_script
from .negatives.image import image_negatives
from .negatives.rules import rule_negatives

TEXT = Value("string")
FEATURES = Features(
    {
        "id": TEXT,
        "source": TEXT,
        "image": Image(),
        "caption": TEXT,
        "script": TEXT,
        "negative_images": List(Image()),
        "negative_captions": List(TEXT),
        "negative_scripts": List(TEXT),
        "negative_edits": List(TEXT),
        "rule_captions": List(TEXT),
        "rule_edits": List(TEXT),
        "retrieved_captions": List(TEXT),
        "retrieved_ids": List(TEXT),
        "facts": TEXT,
    }
)


@dataclass(frozen=True)
class RowOptions:
    """What a row holds; part of what makes two builds the same."""

    image_size: int = 336
    num_image_negatives: int = 10
    num_rule_negatives: int = 10
    turn: bool = True  # figures may be rotated and mirrored; traced ones stand as printed


def png_bytes(image: PILImage.Image) -> bytes:
    """The image as PNG, the same bytes for the same pixels."""
    buffer = io.BytesIO()
    image.save(
        buffer, format="PNG", compress_type=zlib.Z_RLE
    )  # for line drawings smaller than the default, in half the time
    return buffer.getvalue()


def _drawn(diagram: Diagram, style: Style) -> tuple[dict, str]:
    drawing = lay_out(diagram, style)
    return {"bytes": png_bytes(rasterise(drawing)), "path": None}, to_script(drawing)


def build_row(
    figure: Figure, row_id: str, source: str, rng: np.random.Generator, options: RowOptions, dropped: Counter[str]
) -> dict | None:
    """The row of a figure without its retrieved captions, or None where it has no verified image or rule negative.

    Args:
        figure: the positive.
        row_id: its id, stable across rebuilds.
        source: where the figure came from.
        rng: draws style, wording and edits.
        options: sizes and counts.
        dropped: counts by reason what was not kept.
    """
    style = Style.draw(rng, options.image_size)
    style = style if options.turn else style.upright()
    wording = int(rng.integers(2**31))
    diagram = figure.diagram
    negatives = image_negatives(figure, options.num_image_negatives, rng, wording, dropped)
    rules = rule_negatives(diagram, options.num_rule_negatives, rng, wording, dropped)
    if not negatives and not rules:
        dropped["row: no verified negative"] += 1
        return None
    image, script = _drawn(diagram, style)
    drawn = [_drawn(n.diagram, style) for n in negatives]
    return {
        "id": row_id,
        "source": source,
        "image": image,
        "caption": caption(diagram.facts, wording),
        "script": script,
        "negative_images": [picture for picture, _ in drawn],
        "negative_captions": [n.caption for n in negatives],
        "negative_scripts": [text for _, text in drawn],
        "negative_edits": [n.edits for n in negatives],
        "rule_captions": [r.caption for r in rules],
        "rule_edits": [r.edits for r in rules],
        "retrieved_captions": [],
        "retrieved_ids": [],
        "facts": diagram.to_json(),
    }
