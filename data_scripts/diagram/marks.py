"""The ink of a figure in pixels: its lines, circles, axes and curves, its marks, and the dots at its points."""

import math
from dataclasses import dataclass, field

import numpy as np

from .diagram import Diagram, Mark
from .style import Style

Place = tuple[float, float]
Arc = tuple[float, float, float, float, float]  # centre, radius, from, to in degrees counter-clockwise as seen
CURVE_POINTS = 41


@dataclass
class Ink:
    """Everything drawn but the texts."""

    style: Style
    at: dict[str, Place]  # pixel positions of the points
    lines: list[tuple[Place, ...]] = field(default_factory=list)
    arcs: list[Arc] = field(default_factory=list)
    dots: list[Place] = field(default_factory=list)
    tips: dict[str, Place] = field(default_factory=dict)  # "x" and "y": the ends of the coordinate axes

    @property
    def unit(self) -> float:
        """The size of marks, in pixels."""
        return self.style.font_size * self.style.mark_size


def polar(centre: Place, radius: float, degrees: float) -> Place:
    """The point at that angle (counter-clockwise as seen) and distance from a centre, in pixels."""
    turn = math.radians(degrees)
    return centre[0] + radius * math.cos(turn), centre[1] - radius * math.sin(turn)


def wedge(at: dict[str, Place], points: tuple[str, ...]) -> tuple[Place, float, float]:
    """Vertex, start and sweep in degrees of the angle ABC as it appears in pixels, sweep in (0, 180]."""
    a, b, c = (at[p] for p in points)
    start, end = (math.degrees(math.atan2(b[1] - p[1], p[0] - b[0])) for p in (a, c))
    sweep = (end - start) % 360
    return (b, start, sweep) if sweep <= 180 else (b, end, 360 - sweep)


def draw_ink(diagram: Diagram, style: Style) -> Ink:
    """Lay the figure on its square, as large as the margin for its letters leaves, with its marks."""
    to_pixels, scale = _frame(diagram, style)
    ink = Ink(style, {name: to_pixels(*xy) for name, xy in diagram.points.items()})
    ink.lines += [(ink.at[a], ink.at[b]) for a, b in diagram.segments]
    ink.arcs += [(*ink.at[c.center], c.radius * scale, 0.0, 360.0) for c in diagram.circles]
    if diagram.axes:
        _draw_axes(ink, diagram, to_pixels)
    for curve in diagram.curves:
        ink.lines.append(_curve(diagram, curve, to_pixels))
    stacked: dict[str, int] = {}  # arcs and squares already drawn at a vertex: the next arc goes further out
    for mark in diagram.marks:
        _draw_mark(ink, mark, stacked)
    _draw_dots(ink, diagram)
    return ink


def _frame(diagram: Diagram, style: Style) -> tuple:
    """The map to pixels and its scale, so that the turned figure fills the frame less its margin."""
    cosine, sine = math.cos(math.radians(style.rotation)), math.sin(math.radians(style.rotation))
    flip = -1.0 if style.flip else 1.0

    def turned(x: float, y: float) -> Place:
        return cosine * flip * x - sine * y, sine * flip * x + cosine * y

    corners = [turned(*xy) for xy in diagram.points.values()]
    for c in diagram.circles:
        x, y = turned(*diagram.points[c.center])
        corners += [(x + c.radius, y + c.radius), (x - c.radius, y - c.radius)]
    if diagram.axes:
        left, bottom, right, top = diagram.axis_box
        corners += [(left, bottom), (right, top)]
    xs, ys = zip(*corners, strict=True)
    left, right, bottom, top = min(xs), max(xs), min(ys), max(ys)
    margin = (1.2 if diagram.axes else 1.5) * style.font_size
    scale = (style.size - 2 * margin) / max(right - left, top - bottom, 1e-9)
    half, x0, y0 = style.size / 2, (left + right) / 2, (bottom + top) / 2

    def to_pixels(x: float, y: float) -> Place:
        x, y = turned(x, y)
        return round((x - x0) * scale + half, 2), round(half - (y - y0) * scale, 2)

    return to_pixels, scale


def _draw_axes(ink: Ink, diagram: Diagram, to_pixels) -> None:
    left, bottom, right, top = diagram.axis_box
    tip, notch = 0.42 * ink.unit, 0.16 * ink.unit
    ink.tips = {"x": to_pixels(right, 0), "y": to_pixels(0, top)}
    (x, y), (u, v) = ink.tips["x"], ink.tips["y"]
    ink.lines += [(to_pixels(left, 0), (x, y)), ((x - tip, y - tip / 2), (x, y), (x - tip, y + tip / 2))]
    ink.lines += [(to_pixels(0, bottom), (u, v)), ((u - tip / 2, v + tip), (u, v), (u + tip / 2, v + tip))]
    for i in range(left + 1, right):
        if i:
            x, y = to_pixels(i, 0)
            ink.lines.append(((x, y - notch), (x, y)))
    for i in range(bottom + 1, top):
        if i:
            x, y = to_pixels(0, i)
            ink.lines.append(((x, y), (x + notch, y)))


def _curve(diagram: Diagram, curve: tuple[float, float, float], to_pixels) -> tuple[Place, ...]:
    """A parabola as far as the axes reach."""
    a, b, c = curve
    left, bottom, right, top = diagram.axis_box
    middle = -b / (2 * a)
    end = top if a > 0 else bottom
    reach = math.sqrt(max((end - (c - b * b / (4 * a))) / a, 0.0))
    reach = min(reach, max(right - middle, middle - left))
    xs = [middle + reach * (2 * i / (CURVE_POINTS - 1) - 1) for i in range(CURVE_POINTS)]
    return tuple(to_pixels(x, a * x * x + b * x + c) for x in xs if left <= x <= right)


def _draw_mark(ink: Ink, mark: Mark, stacked: dict[str, int]) -> None:
    if mark.kind == "ticks":
        _draw_ticks(ink, mark)
    elif mark.kind == "right_angle":
        b, start, sweep = wedge(ink.at, mark.points)
        stacked[mark.points[1]] = 1 + stacked.get(mark.points[1], 0)
        side = min(0.7 * ink.unit, 0.4 * _arm(ink, mark))
        p, q = polar(b, side, start), polar(b, side, start + sweep)
        ink.lines.append((p, (p[0] + q[0] - b[0], p[1] + q[1] - b[1]), q))
    elif mark.kind in ("arcs", "angle"):
        b, start, sweep = wedge(ink.at, mark.points)
        for _ in range(mark.count):
            level = stacked.get(mark.points[1], 0)
            stacked[mark.points[1]] = level + 1
            apart = max(0.22 * ink.unit, 2 * ink.style.line_width)
            radius = min(1.0 * ink.unit, 0.5 * _arm(ink, mark)) + level * apart
            ink.arcs.append((*b, radius, start, start + sweep))


def _arm(ink: Ink, mark: Mark) -> float:
    """Length in pixels of the shorter arm of an angle."""
    a, b, c = (ink.at[p] for p in mark.points)
    return min(math.dist(a, b), math.dist(b, c))


def _draw_ticks(ink: Ink, mark: Mark) -> None:
    a, b = (ink.at[p] for p in mark.points)
    whole = max(math.dist(a, b), 1e-9)
    ux, uy = (b[0] - a[0]) / whole, (b[1] - a[1]) / whole
    reach, apart = 0.32 * ink.unit, max(0.25 * ink.unit, 2.2 * ink.style.line_width)
    for i in range(mark.count):
        off = (i - (mark.count - 1) / 2) * apart
        x, y = (a[0] + b[0]) / 2 + off * ux, (a[1] + b[1]) / 2 + off * uy
        ink.lines.append(((x + reach * uy, y - reach * ux), (x - reach * uy, y + reach * ux)))


def _draw_dots(ink: Ink, diagram: Diagram) -> None:
    """A dot where the style wants one, at centres, on coordinate axes, and where no lines show a point."""
    centres = {c.center for c in diagram.circles}
    ends = {p for segment in diagram.segments for p in segment}
    for name, place in ink.at.items():
        shown = name in ends or sum(_touches(place, ink.at[a], ink.at[b]) for a, b in diagram.segments) > 1
        if ink.style.dots or diagram.axes or name in centres or not shown:
            ink.dots.append(place)


def _touches(p: Place, a: Place, b: Place) -> bool:
    """Whether P is within a pixel or so of the segment AB."""
    ux, uy = b[0] - a[0], b[1] - a[1]
    t = ((p[0] - a[0]) * ux + (p[1] - a[1]) * uy) / max(ux * ux + uy * uy, 1e-9)
    return 0 <= t <= 1 and math.hypot(p[0] - a[0] - t * ux, p[1] - a[1] - t * uy) < 1.5


def strokes(ink: Ink) -> tuple[np.ndarray, np.ndarray]:
    """All ink as straight pieces `[pieces, 4]` (both ends) and full circles `[circles, 3]`, in pixels."""
    pieces = [(*p, *q) for line in ink.lines for p, q in zip(line, line[1:], strict=False)]
    rings = []
    for x, y, radius, start, end in ink.arcs:
        if end - start >= 360:
            rings.append((x, y, radius))
            continue
        count = max(int((end - start) / 20), 2)
        bends = [polar((x, y), radius, start + (end - start) * i / count) for i in range(count + 1)]
        pieces += [(*p, *q) for p, q in zip(bends, bends[1:], strict=False)]
    return np.array(pieces, dtype=float).reshape(-1, 4), np.array(rings, dtype=float).reshape(-1, 3)
