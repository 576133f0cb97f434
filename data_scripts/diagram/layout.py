"""From a diagram to a drawing in pixels: where every line, mark and text goes.

Promise: no printed text touches another text, a line, an arc or a dot. Where the letters do not fit, all of them are
set smaller, down to a legible size; what still does not fit is refused (`NoRoom`). Positive and negatives go through
the same rule with the same `Style`, so neither can be told apart by its looks.
"""

import math
from dataclasses import replace

import numpy as np

from .diagram import Diagram, Mark
from .marks import Ink, draw_ink, polar, strokes, wedge
from .style import Drawing, Style, Text, text_extent

SMALLER = (1.0, 0.88, 0.76)  # letter sizes tried, as shares of the style's
LEGIBLE = 8.0  # pixels: no letter is set smaller than this to make it fit
ENOUGH = 0.14  # of the letter size: clear space around a text that is not improved upon
LEAST = 0.6  # pixels of clear space without which a text is not placed
BETWEEN = 0.2  # of the letter size: space between two texts, which would else read as one
TURNS = np.array(sorted(range(0, 360, 20), key=lambda t: min(t, 360 - t)))  # ways from the wished one, nearest first
BLOCK = 8  # candidate places looked at together: seldom do more have to be


class NoRoom(ValueError):
    """The figure has no place for one of its texts that covers nothing."""


class _Placer:
    """Puts texts where they cover nothing: of the candidate places the first with enough room, else the roomiest."""

    def __init__(self, ink: Ink, count: int) -> None:
        self.style = ink.style
        pieces, self.rings = strokes(ink)
        self.middles = (pieces[:, :2] + pieces[:, 2:]) / 2
        self.halves = np.abs(pieces[:, 2:] - pieces[:, :2]) / 2
        length = np.maximum(2 * np.hypot(self.halves[:, 0], self.halves[:, 1]), 1e-9)
        self.normals = np.column_stack([pieces[:, 1] - pieces[:, 3], pieces[:, 2] - pieces[:, 0]]) / length[:, None]
        self.offsets = (self.normals * self.middles).sum(1)
        self.points = np.array(list(ink.at.values()))
        self.boxes = np.empty((len(ink.dots) + count, 4))  # centre and half extent of dots and texts
        self.used = len(ink.dots)
        if ink.dots:
            self.boxes[: self.used, :2] = ink.dots
            self.boxes[: self.used, 2:] = self.style.dot_radius
        self.texts: list[Text] = []

    def place(self, text: str, italic: bool, candidates: np.ndarray, owner: int = -1) -> None:
        """Put a text at one of the candidate centres, `[candidates, 2]` in pixels, the earlier the better.

        Args:
            text: what is printed.
            italic: whether it is slanted.
            candidates: centres to choose from.
            owner: index of the point the text names: no other point may be nearer to it.

        Raises:
            NoRoom: if it would touch something wherever it stands.
        """
        width, height = text_extent(text, self.style, italic)
        half = np.array([width, height]) / 2
        centres = np.clip(candidates, half + 2, self.style.size - half - 2)
        enough = ENOUGH * self.style.font_size
        best, most = centres[0], -math.inf
        for i in range(0, len(centres), BLOCK):
            block = centres[i : i + BLOCK]
            room = self._room(block, half)
            if owner >= 0:
                gaps = ((block[:, None] - self.points) ** 2).sum(2)
                room[gaps[:, owner] > gaps.min(1) + 1e-6] = -math.inf
            first = int(np.argmax(room >= enough))
            if room[first] >= enough:
                best, most = block[first], enough
                break
            first = int(room.argmax())
            if room[first] > most:
                best, most = block[first], room[first]
        if most < LEAST:
            raise NoRoom(f"there is no room for '{text}'")
        self.boxes[self.used] = *best, *(half + BETWEEN * self.style.font_size)
        self.used += 1
        self.texts.append(Text(text, round(float(best[0]), 2), round(float(best[1]), 2), italic))

    def _room(self, centres: np.ndarray, half: np.ndarray) -> np.ndarray:
        """Clear space around a box at each centre, `[centres]`: at most the distance to the nearest ink.

        Two convex shapes are apart if a line between them is: one along a side of the box, or along the stroke.
        """
        pen = self.style.line_width / 2
        room = np.full(len(centres), np.inf)
        if len(self.middles):
            apart = (np.abs(centres[:, None] - self.middles) - (half + self.halves)).max(2)
            along = np.abs(centres @ self.normals.T - self.offsets) - np.abs(self.normals) @ half
            room = np.maximum(apart, along).min(1) - pen
        if len(self.rings):
            out = np.abs(centres[:, None] - self.rings[:, :2])
            near, far = np.maximum(out - half, 0), out + half
            r = self.rings[:, 2]
            gaps = np.maximum(np.hypot(near[..., 0], near[..., 1]) - r, r - np.hypot(far[..., 0], far[..., 1]))
            room = np.minimum(room, gaps.min(1) - pen)
        if self.used:
            boxes = self.boxes[: self.used]
            gaps = (np.abs(centres[:, None] - boxes[:, :2]) - (half + boxes[:, 2:])).max(2)
            room = np.minimum(room, gaps.min(1))
        return room


def _length_places(ink: Ink, mark: Mark) -> np.ndarray:
    (ax, ay), (bx, by) = (ink.at[p] for p in mark.points)
    whole = max(math.hypot(bx - ax, by - ay), 1e-9)
    nx, ny = (ay - by) / whole, (bx - ax) / whole
    width, height = text_extent(mark.text, ink.style)
    gap = 0.5 * (abs(nx) * width + abs(ny) * height) + ink.style.line_width / 2
    return np.array(
        [
            (ax + t * (bx - ax) + side * reach * nx, ay + t * (by - ay) + side * reach * ny)
            for far in (0.2, 0.42)
            for t in (0.5, 0.4, 0.6, 0.3, 0.7)
            for reach in (gap + far * ink.style.font_size,)
            for side in (1, -1)
        ]
    )


def _angle_places(ink: Ink, mark: Mark) -> np.ndarray:
    """Between the arms, beyond the arc: near it first, then further out."""
    b, start, sweep = wedge(ink.at, mark.points)
    width, height = text_extent(mark.text, ink.style)
    reach = 0.5 * math.hypot(width, height)
    inner = 1.1 * ink.unit + reach
    fit = (reach + 2) / max(math.sin(math.radians(sweep / 2)), 0.2)  # far enough out to stand between the arms
    near = max(inner, 0.8 * fit)
    return np.array(
        [
            polar(b, near * far, start + sweep * turn)
            for far in (1.0, 1.2, 1.45, 1.75, 0.85)
            for turn in (0.5, 0.4, 0.6, 0.3, 0.7)
        ]
    )


def _letter_places(ink: Ink, name: str, text: str, italic: bool, middle: tuple[float, float]) -> np.ndarray:
    """Around the point, away from the middle of the figure first, then further out."""
    x, y = ink.at[name]
    width, height = text_extent(text, ink.style, italic)
    outwards = math.atan2(middle[1] - y, x - middle[0])
    turns = outwards + np.radians(TURNS)
    cos, sin = np.cos(turns), -np.sin(turns)
    box = np.abs(cos) * width / 2 + np.abs(sin) * height / 2
    return np.concatenate(
        [
            np.column_stack([x + (box + far) * cos, y + (box + far) * sin])
            for far in (k * ink.style.font_size + ink.style.line_width / 2 for k in (0.36, 0.55, 0.8))
        ]
    )


def _tip_places(ink: Ink, name: str) -> np.ndarray:
    """The name of a coordinate axis, beside its arrow."""
    x, y = ink.tips[name]
    reach, wide = 0.85 * ink.style.font_size, 1.2 * ink.style.font_size
    ways = ((-0.3, 1), (-0.3, -1), (0.4, 1), (-0.8, 1)) if name == "x" else ((-1, 0.3), (1, 0.3), (-1, -0.2), (1, 0.8))
    return np.array([(x + k * dx, y + k * dy) for k in (reach, wide) for dx, dy in ways])


def _place_texts(ink: Ink, diagram: Diagram, values_first: bool) -> tuple[Text, ...]:
    printed = {m.points[0]: m.text for m in diagram.marks if m.kind == "coordinates"}
    values = [m for m in diagram.marks if m.kind in ("length", "angle")]
    placer = _Placer(ink, len(ink.at) + len(values) + len(ink.tips))
    xs, ys = zip(*ink.at.values(), strict=True)
    middle = sum(xs) / len(xs), sum(ys) / len(ys)
    italic = ink.style.italic

    def place_letters() -> None:
        for i, name in enumerate(ink.at):
            text = name + printed.get(name, "")
            slanted = italic and text == name
            placer.place(text, slanted, _letter_places(ink, name, text, slanted, middle), i)

    def place_values() -> None:
        for mark in values:
            places = _length_places if mark.kind == "length" else _angle_places
            placer.place(mark.text, False, places(ink, mark))

    for step in (place_values, place_letters) if values_first else (place_letters, place_values):
        step()
    for name in ink.tips:
        placer.place(name, True, _tip_places(ink, name))
    return tuple(placer.texts)


def lay_out(diagram: Diagram, style: Style) -> Drawing:
    """Place everything that is drawn and printed, in pixels.

    The drawing's style is the given one, with smaller letters where the figure needs them.

    Raises:
        NoRoom: if a text would touch another text or a line at every letter size.
    """
    style = style.upright() if diagram.axes else style
    problem = NoRoom("the figure is too small for any letter")
    for share in SMALLER:
        if share < 1 and share * style.font_size < LEGIBLE:
            break
        ink = draw_ink(diagram, replace(style, font_size=share * style.font_size))
        for values_first in (False, True):
            try:
                texts = _place_texts(ink, diagram, values_first)
            except NoRoom as error:
                problem = error
                continue
            return Drawing(
                style=ink.style,
                points=ink.at,
                lines=tuple(tuple((round(x, 2), round(y, 2)) for x, y in line) for line in ink.lines),
                arcs=tuple(tuple(round(v, 2) for v in arc) for arc in ink.arcs),
                dots=tuple(ink.dots),
                texts=texts,
            )
    raise problem
