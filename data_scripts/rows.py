"""One row of hard negatives: its columns, and how a figure becomes one.

Promise: a row is a pure function of the figure, the generator and the options, so any row can be rebuilt from its id.
Every figure gives a row for each configuration under one id: `with_markings` prints lengths and angles, `letters_only`
does not (MMGeoLM, table 5, compares the two).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from datasets import Features, Image, List, Value

from .diagram import Diagram, Figure
from .diagram.caption import caption
from .diagram.drawing import Drawing, NoRoom, Style, lay_out, rasterise
from .diagram.script import to_script
from .negatives.drawn import DrawnRule, drawn_rules
from .negatives.image import ImageNegative, image_negatives
from .negatives.rules import rule_negatives
from .png import encode_png, to_levels
from .shortcuts import Measure, measure

CONFIGS = ("with_markings", "letters_only")
TRIES_PER_NEGATIVE = 6
TRIES_PER_DRAWN_RULE = 4  # beside all exchanges of letters
VISIBLE_PIXELS = 12  # of 336 x 336 that must change from white to black or back for a person to see a change

VERIFIED, PLAUSIBLE = "verified", "plausible"  # proven false of the positive, or contradicted by nothing

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
        "negative_grades": List(TEXT),
        "rule_captions": List(TEXT),
        "rule_edits": List(TEXT),
        "retrieved_captions": List(TEXT),
        "retrieved_ids": List(TEXT),
        "facts": TEXT,
    }
)
DRAWN_FEATURES = Features(  # of rows whose rule negatives are also drawn
    {"drawn_images": List(Image()), "drawn_captions": List(TEXT), "drawn_edits": List(TEXT)}
)


@dataclass(frozen=True)
class RowOptions:
    """What a row holds; part of what makes two builds the same."""

    image_size: int = 336
    num_image_negatives: int = 10
    num_rule_negatives: int = 10
    configs: tuple[str, ...] = CONFIGS
    turn: bool = True  # figures may be rotated and mirrored; traced ones stand as printed
    legible_at: int | None = None  # pixels to which figures may be shrunk before they are read; None for image_size
    num_drawn_rules: int = 0  # rule negatives with a figure; with any, a row has the columns of DRAWN_FEATURES too
    num_drawn_negatives: int = 0  # the same, among the others: figures are image negatives, captions rule negatives


@dataclass(frozen=True)
class Picture:
    """A figure as it is stored, and its pixels to compare it by."""

    diagram: Diagram
    drawing: Drawing
    pixels: np.ndarray  # grey values, `[size, size]` uint8
    png: bytes

    @classmethod
    def of(cls, diagram: Diagram, style: Style) -> "Picture":
        """Draw a figure."""
        drawing = lay_out(diagram, style)
        pixels = to_levels(np.asarray(rasterise(drawing)))
        return cls(diagram, drawing, pixels, encode_png(pixels))

    def looks_like(self, other: "Picture") -> bool:
        """Whether a person could not tell the two apart at 336 pixels."""
        changed = np.count_nonzero((self.pixels < 128) != (other.pixels < 128))
        return changed * (336 / self.pixels.shape[0]) ** 2 < VISIBLE_PIXELS

    def measure(self) -> Measure:
        return measure(self.pixels, len(self.png), self.diagram, self.drawing)

    def encoded(self) -> dict:
        """As a row holds it."""
        return {"bytes": self.png, "path": None}

    @property
    def script(self) -> str:
        return to_script(self.drawing)


Negative = TypeVar("Negative", ImageNegative, DrawnRule)


def _seen(
    found: Iterable[Negative], positive: Picture, style: Style, count: int, name: str, dropped: Counter[str]
) -> list[tuple[Negative, Picture]]:
    """The first `count` negatives that can be drawn and look different from the positive, with their pictures."""
    kept: list[tuple[Negative, Picture]] = []
    for negative in found:
        if len(kept) == count:
            break
        try:
            picture = Picture.of(negative.diagram, style)
        except NoRoom:
            dropped[f"{name}: no room for its letters"] += 1
            continue
        if picture.looks_like(positive):
            dropped[f"{name}: too small a change to see"] += 1
            continue
        kept.append((negative, picture))
    return kept


@dataclass(frozen=True)
class BuiltRow:
    row: dict
    measures: tuple[Measure, Measure] | None  # of the positive and of one image negative drawn at random


def _row(
    figure: Figure,
    row_id: str,
    source: str,
    style: Style,
    wording: int,
    rng: np.random.Generator,
    options: RowOptions,
    dropped: Counter[str],
) -> BuiltRow | None:
    """The row of a figure as it stands, or None where it has no verified image or rule negative."""
    diagram = figure.diagram
    if not diagram.facts:
        dropped["row: states nothing"] += 1
        return None
    try:
        positive = Picture.of(diagram, style)
    except NoRoom:
        dropped["row: no room for its letters"] += 1
        return None
    count = options.num_image_negatives
    found = image_negatives(figure, TRIES_PER_NEGATIVE * count, rng, wording, dropped)
    negatives = _seen(found, positive, style, count, "image", dropped)
    rules = rule_negatives(diagram, options.num_rule_negatives, rng, wording, dropped)
    if not negatives and not rules:
        dropped["row: no verified negative"] += 1
        return None
    row = {
        "id": row_id,
        "source": source,
        "image": positive.encoded(),
        "caption": caption(diagram.facts, wording),
        "script": positive.script,
        "negative_images": [picture.encoded() for _, picture in negatives],
        "negative_captions": [n.caption for n, _ in negatives],
        "negative_scripts": [picture.script for _, picture in negatives],
        "negative_edits": [n.edits for n, _ in negatives],
        "negative_grades": [VERIFIED] * len(negatives),
        "rule_captions": [r.caption for r in rules],
        "rule_edits": [r.edits for r in rules],
        "retrieved_captions": [],
        "retrieved_ids": [],
        "facts": diagram.to_json(),
    }
    pictures = [picture for _, picture in negatives]
    if count := max(options.num_drawn_rules, options.num_drawn_negatives):
        # A generator of their own: without them, the row is the same.
        found = drawn_rules(figure, TRIES_PER_DRAWN_RULE * count, rng.spawn(1)[0], wording, dropped)
        drawn = _seen(found, positive, style, count, "drawn", dropped)
        pictures += _add_negatives(row, drawn[: options.num_drawn_negatives])
        if options.num_drawn_rules:
            row |= drawn_columns(drawn[: options.num_drawn_rules])
    if not pictures:
        return BuiltRow(row, None)
    compared = pictures[int(rng.integers(len(pictures)))]
    return BuiltRow(row, (positive.measure(), compared.measure()))


def _add_negatives(row: dict, drawn: Sequence[tuple[DrawnRule, Picture]]) -> list[Picture]:
    """Add figures to a row's image negatives and their captions to its rule negatives, none twice; the figures."""
    added = []
    for rule, picture in drawn:
        if rule.caption not in row["negative_captions"]:
            row["negative_images"].append(picture.encoded())
            row["negative_captions"].append(rule.caption)
            row["negative_scripts"].append(picture.script)
            row["negative_edits"].append(rule.edits)
            row["negative_grades"].append(VERIFIED)
            added.append(picture)
        if rule.caption not in row["rule_captions"]:
            row["rule_captions"].append(rule.caption)
            row["rule_edits"].append(rule.edits)
    return added


def drawn_columns(drawn: Sequence[tuple[DrawnRule, Picture]]) -> dict[str, list]:
    """The columns of DRAWN_FEATURES."""
    return {
        "drawn_images": [picture.encoded() for _, picture in drawn],
        "drawn_captions": [rule.caption for rule, _ in drawn],
        "drawn_edits": [rule.edits for rule, _ in drawn],
    }


def build_rows(
    figure: Figure,
    row_id: str,
    source: str,
    rng: np.random.Generator,
    options: RowOptions,
    dropped: Mapping[str, Counter[str]],
) -> dict[str, BuiltRow] | None:
    """The rows of a figure by configuration, without their retrieved captions.

    None where one of the configurations would have no verified negative: all of them have the same ids.

    Args:
        figure: the positive.
        row_id: its id, stable across rebuilds.
        source: where the figure came from.
        rng: draws style, wording and edits.
        options: sizes and counts.
        dropped: for each configuration, counts by reason what was not kept.
    """
    style = Style.draw(rng, options.image_size, options.legible_at)
    style = style if options.turn else style.upright()
    wording = int(rng.integers(2**31))
    built: dict[str, BuiltRow] = {}
    for config, own in zip(CONFIGS, rng.spawn(len(CONFIGS)), strict=True):
        if config not in options.configs:
            continue
        shown = figure if config == "with_markings" else figure.without_values()
        row = _row(shown, row_id, source, style, wording, own, options, dropped[config])
        if row is None:
            return None
        built[config] = row
    return built
