"""From a diagram to a drawing in pixels: where every line, mark and text goes.

Promise: no printed text touches another text, a line, an arc or a dot. Where the letters do not fit, all of them are
set smaller, down to a legible size; what still does not fit is refused (`NoRoom`). Positive and negatives go through
the same rule with the same `Style`, so neither can be told apart by its looks.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from .diagram import Diagram, Mark
from .marks import Ink, draw_ink, polar, strokes, wedge
from .style import Drawing, Style, Text, text_extent

SMALLER = (1.0, 0.88, 0.76)  # letter sizes tried, as shares of the style's
LEGIBLE = 7.0  # pixels: no letter is set smaller than this to make it fit
ENOUGH = 0.14  # of the letter size: clear space around a text that is not improved upon
LEAST = 0.6  # pixels of clear space without which a text is not placed
BETWEEN = 0.3  # of the letter size: space between two texts, which would else read as one
BEYOND = 1e6  # pixels: further than anything
TURNS = np.array(sorted(range(0, 360, 20), key=lambda t: min(t, 360 - t)))  # ways from the wished one, nearest first
# For every wished direction in steps of 10 degrees, the unit vectors to try in pixels, `[36, 2, turns]`
WAYS = np.array([(np.cos(np.radians(w + TURNS)), -np.sin(np.radians(w + TURNS))) for w in range(0, 360, 10)])
FIRST = 7  # of these ways looked at together: seldom do more have to be
ALONG = np.repeat([0.5, 0.4, 0.6, 0.3, 0.7], 2)  # places along a segment, on each of its sides
SIDES = np.tile([1.0, -1.0], 5)


class NoRoom(ValueError):
    """The figure has no place for one of its texts that covers nothing."""


class _Placer:
    """Puts texts where they cover nothing: of the candidate places the first with enough room, else the roomiest.

    Obstacles are strokes, dots and the texts placed so far, each in the box around it; a stroke is besides kept apart
    along its own normal, so that a slanted line blocks no more than itself.
    """

    def __init__(self, ink: Ink, sides: int, count: int) -> None:
        """Obstacles are the ink, of which the first `sides` lines are segments; room is kept for `count` texts."""
        self.style = ink.style
        pieces, self.rings = strokes(ink)
        self.sides = pieces[:sides, :, None].transpose(1, 0, 2)  # both ends of the segments
        self.pen = self.style.line_width / 2
        self.used = len(pieces) + len(ink.dots)
        self.boxes = np.zeros((4, self.used + count))  # x and y of the middle, half the width and height
        self.normals = np.zeros((2, self.used + count))  # of strokes
        self.offsets = np.zeros(self.used + count)  # of strokes along their normals
        self.slack = np.full(self.used + count, BEYOND)  # what is only a box is never apart along a normal
        if len(pieces):
            x, y, u, v = pieces.T
            length = np.maximum(np.hypot(u - x, v - y), 1e-9)
            n = len(pieces)
            self.boxes[:, :n] = (x + u) / 2, (y + v) / 2, np.abs(u - x) / 2 + self.pen, np.abs(v - y) / 2 + self.pen
            self.normals[:, :n] = (y - v) / length, (u - x) / length
            self.offsets[:n] = self.normals[0, :n] * x + self.normals[1, :n] * y
            self.slack[:n] = self.pen
        if ink.dots:
            self.boxes[:2, len(pieces) : self.used] = np.transpose(ink.dots)
            self.boxes[2:, len(pieces) : self.used] = self.style.dot_radius
        self.names, self.points = list(ink.at), np.array(list(ink.at.values()))
        self.texts: list[Text] = []

    def place(
        self,
        text: str,
        italic: bool,
        candidates: Iterable[np.ndarray],
        owner: tuple[str, ...] = (),
        source: tuple[float, float] | None = None,
    ) -> None:
        """Put a text at one of the candidate centres, the earlier the better.

        Args:
            text: what is printed.
            italic: whether it is slanted.
            candidates: blocks of centres to choose from, each `[2, places]` in pixels.
            owner: points of what the text belongs to; no other point may be nearer to the letter of one.
            source: the vertex of an angle whose size it is: no segment may pass between.

        Raises:
            NoRoom: if it would touch something wherever it stands.
        """
        width, height = text_extent(text, self.style, italic)
        half = np.array([[width / 2], [height / 2]])
        enough = ENOUGH * self.style.font_size
        best, most = None, LEAST
        for block in candidates:
            centres = np.minimum(np.maximum(block, half + 2), self.style.size - 2 - half)
            room = self._room(centres, width / 2, height / 2)
            if len(owner) == 1 and len(self.points) > 1:
                gaps = (centres[0][:, None] - self.points[:, 0]) ** 2 + (centres[1][:, None] - self.points[:, 1]) ** 2
                room[gaps[:, self.names.index(owner[0])] > gaps.min(1) + 1e-6] = -BEYOND
            if source is not None and len(self.sides[0]):
                room[self._hidden(source, centres)] = -BEYOND
            first = int((room >= enough).argmax())
            if room[first] >= enough:
                best = centres[:, first]
                break
            first = int(room.argmax())
            if room[first] > most:
                best, most = centres[:, first], room[first]
        if best is None:
            raise NoRoom(f"there is no room for '{text}'")
        x, y = best.tolist()
        between = BETWEEN * self.style.font_size
        self.boxes[:, self.used] = x, y, width / 2 + between, height / 2 + between
        self.used += 1
        self.texts.append(Text(text, round(x, 2), round(y, 2), italic, owner))

    def _hidden(self, source: tuple[float, float], centres: np.ndarray) -> np.ndarray:
        """Whether a segment passes between the source and each centre `[2, places]`; those through it do not."""
        ax, ay, bx, by = self.sides
        ux, uy = bx - ax, by - ay
        sx, sy = source[0] - ax, source[1] - ay
        wx, wy = centres[0] - source[0], centres[1] - source[1]
        across = ux * wy - uy * wx
        with np.errstate(divide="ignore", invalid="ignore"):
            along, on = (sx * wy - sy * wx) / across, (sx * uy - sy * ux) / across
        return ((on > 0.1) & (on < 1) & (along > 0) & (along < 1)).any(0)

    def _room(self, centres: np.ndarray, half_width: float, half_height: float) -> np.ndarray:
        """Clear space around a box at each centre `[2, places]`: at most the distance to the nearest ink.

        Two convex shapes are apart if a line between them is: one along a side of the box, or along the stroke.
        """
        n = self.used
        x, y = centres[0][:, None], centres[1][:, None]
        middle_x, middle_y, wide, high = self.boxes[:, :n]
        normal_x, normal_y = self.normals[:, :n]
        apart = np.maximum(np.abs(x - middle_x) - (wide + half_width), np.abs(y - middle_y) - (high + half_height))
        reach = np.abs(normal_x) * half_width + np.abs(normal_y) * half_height + self.slack[:n]
        along = np.abs(x * normal_x + y * normal_y - self.offsets[:n]) - reach
        room = np.maximum(apart, along).min(1, initial=BEYOND)
        for cx, cy, r in self.rings:
            out_x, out_y = np.abs(centres[0] - cx), np.abs(centres[1] - cy)
            near = np.hypot(np.maximum(out_x - half_width, 0), np.maximum(out_y - half_height, 0))
            far = np.hypot(out_x + half_width, out_y + half_height)
            room = np.minimum(room, np.maximum(near - r, r - far) - self.pen)
        return room


def _length_places(ink: Ink, mark: Mark) -> Iterator[np.ndarray]:
    """Beside the segment on both sides, from its middle outwards, then further off."""
    (ax, ay), (bx, by) = (ink.at[p] for p in mark.points)
    whole = max(math.hypot(bx - ax, by - ay), 1e-9)
    nx, ny = (ay - by) / whole, (bx - ax) / whole
    width, height = text_extent(mark.text, ink.style)
    gap = 0.5 * (abs(nx) * width + abs(ny) * height) + ink.style.line_width / 2
    for far in (0.2, 0.42):
        off = SIDES * (gap + far * ink.style.font_size)
        yield np.array([ax + ALONG * (bx - ax) + off * nx, ay + ALONG * (by - ay) + off * ny])


def _angle_places(ink: Ink, mark: Mark) -> Iterator[np.ndarray]:
    """Between the arms, beyond the arc: near it first, then further out."""
    b, start, sweep = wedge(ink.at, mark.points)
    width, height = text_extent(mark.text, ink.style)
    reach = 0.5 * math.hypot(width, height)
    inner = 1.1 * ink.unit + reach
    fit = (reach + 2) / max(math.sin(math.radians(sweep / 2)), 0.2)  # far enough out to stand between the arms
    near = max(inner, 0.8 * fit)
    for shares in ((1.0, 1.2), (1.45, 1.75, 0.85), (2.2, 2.8, 3.4)):
        yield np.transpose(
            [polar(b, near * far, start + sweep * turn) for far in shares for turn in (0.5, 0.4, 0.6, 0.3, 0.7)]
        )


def _letter_places(ink: Ink, name: str, text: str, italic: bool, middle: tuple[float, float]) -> Iterator[np.ndarray]:
    """Around the point, away from the middle of the figure first, then further out."""
    x, y = ink.at[name]
    width, height = text_extent(text, ink.style, italic)
    outwards = math.degrees(math.atan2(middle[1] - y, x - middle[0]))
    ways = WAYS[round(outwards / 10) % 36]
    box = np.abs(ways[0]) * (width / 2) + np.abs(ways[1]) * (height / 2)
    for k in (0.36, 0.55, 0.8, 1.15):
        far = box + (k * ink.style.font_size + ink.style.line_width / 2)
        places = np.array([x + far * ways[0], y + far * ways[1]])
        yield places[:, :FIRST]
        yield places[:, FIRST:]


def _tip_places(ink: Ink, name: str) -> Iterator[np.ndarray]:
    """The name of a coordinate axis, beside its arrow."""
    x, y = ink.tips[name]
    ways = ((-0.3, 1), (-0.3, -1), (0.4, 1), (-0.8, 1)) if name == "x" else ((-1, 0.3), (1, 0.3), (-1, -0.2), (1, 0.8))
    for k in (0.85, 1.2):
        yield np.transpose([(x + k * ink.style.font_size * dx, y + k * ink.style.font_size * dy) for dx, dy in ways])


def _place_texts(ink: Ink, diagram: Diagram, values_first: bool) -> tuple[Text, ...]:
    printed = {m.points[0]: m.text for m in diagram.marks if m.kind == "coordinates"}
    values = [m for m in diagram.marks if m.kind in ("length", "angle")]
    placer = _Placer(ink, len(diagram.segments), len(ink.at) + len(values) + len(ink.tips))
    xs, ys = zip(*ink.at.values(), strict=True)
    middle = sum(xs) / len(xs), sum(ys) / len(ys)
    italic = ink.style.italic

    def place_letters() -> None:
        for name in ink.at:
            text = name + printed.get(name, "")
            slanted = italic and text == name
            placer.place(text, slanted, _letter_places(ink, name, text, slanted, middle), (name,))

    def place_values() -> None:
        for mark in values:
            if mark.kind == "length":
                placer.place(mark.text, False, _length_places(ink, mark), mark.points)
            else:
                placer.place(mark.text, False, _angle_places(ink, mark), mark.points, ink.at[mark.points[1]])

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
