"""The construction steps a figure program is made of.

A construction takes points that are already placed and numbers drawn from its ranges, places new points, draws lines
and circles, and states the facts it makes true. Constructions of one `group` take and give the same number of points,
so one can stand in for another: that is a shape edit or a relation edit, and everything after it is solved again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .diagram import Circle, Diagram, Fact, Mark

Vector = np.ndarray


@dataclass
class Sketch:
    """The figure while it is being constructed."""

    at: dict[str, Vector] = field(default_factory=dict)
    segments: list[tuple[str, str]] = field(default_factory=list)
    circles: list[Circle] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)

    def join(self, *points: str, close: bool = False) -> None:
        """Draw the segments along these points, each once."""
        for a, b in zip(points, points[1:] + (points[:1] if close else ()), strict=False):
            if (a, b) not in self.segments and (b, a) not in self.segments:
                self.segments.append((a, b))

    def state(self, kind: str, *points: str) -> None:
        self.facts.append(Fact(kind, points))

    def right_angle(self, *points: str) -> None:
        self.marks.append(Mark("right_angle", points))

    def equal(self, kind: str, *parts: tuple[str, ...]) -> None:
        """Mark these parts as equal, with one tick or arc more than any parts before: the two are not confused."""
        count = 1 + max((m.count for m in self.marks if m.kind == kind), default=0)
        self.marks += [Mark(kind, part, count=count) for part in parts]

    def diagram(self) -> Diagram:
        points = {name: (float(p[0]), float(p[1])) for name, p in self.at.items()}
        return Diagram(points, tuple(self.segments), tuple(self.circles), tuple(self.marks), tuple(self.facts))


@dataclass(frozen=True)
class Construction:
    name: str
    group: str  # constructions of one group replace each other
    edit: str  # the kind of edit such a replacement is
    ranges: tuple[tuple[float, float, float], ...]  # (low, high, step) of each number
    build: Callable[..., None]

    def draw_numbers(self, rng: np.random.Generator) -> tuple[float, ...]:
        return tuple(
            round(low + step * int(rng.integers(round((high - low) / step) + 1)), 4) for low, high, step in self.ranges
        )


CONSTRUCTIONS: dict[str, Construction] = {}


def _construction(group: str, edit: str, *ranges: tuple[float, float, float]) -> Callable:
    def register(build: Callable[..., None]) -> Callable[..., None]:
        CONSTRUCTIONS[build.__name__] = Construction(build.__name__, group, edit, ranges, build)
        return build

    return register


def _ray(degrees: float) -> Vector:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def _meet(p: Vector, u: Vector, q: Vector, v: Vector) -> Vector:
    """Where the lines p + su and q + tv cross."""
    s, _ = np.linalg.solve(np.column_stack([u, -v]), q - p)
    return p + s * u


def _project(p: Vector, a: Vector, b: Vector) -> Vector:
    return a + np.dot(p - a, b - a) / np.dot(b - a, b - a) * (b - a)


LENGTH = (5, 14, 1)  # units, whole numbers as exams print them

# --- triangles: three new points -------------------------------------------------------------------------------------


@_construction("triangle", "shape", (35, 75, 5), (35, 75, 5), LENGTH)
def triangle(s: Sketch, a: str, b: str, c: str, at_b: float, at_c: float, base: float) -> None:
    s.at[b], s.at[c] = np.zeros(2), np.array([base, 0.0])
    s.at[a] = _meet(s.at[b], _ray(at_b), s.at[c], _ray(180 - at_c))
    s.join(a, b, c, close=True)
    s.state("triangle", a, b, c)


@_construction("triangle", "shape", (30, 60, 5), LENGTH)
def right_triangle(s: Sketch, a: str, b: str, c: str, at_b: float, base: float) -> None:
    s.at[b], s.at[c] = np.zeros(2), np.array([base, 0.0])
    s.at[a] = base * np.cos(np.radians(at_b)) * _ray(at_b)
    s.join(a, b, c, close=True)
    s.state("right_triangle", a, b, c)
    s.right_angle(b, a, c)


@_construction("triangle", "shape", (25, 125, 5), LENGTH)
def isosceles_triangle(s: Sketch, a: str, b: str, c: str, apex: float, side: float) -> None:
    s.at[a] = np.zeros(2)
    s.at[b], s.at[c] = side * _ray(-90 - apex / 2), side * _ray(-90 + apex / 2)
    s.join(a, b, c, close=True)
    s.state("isosceles_triangle", a, b, c)
    s.equal("ticks", (a, b), (a, c))


@_construction("triangle", "shape", LENGTH)
def equilateral_triangle(s: Sketch, a: str, b: str, c: str, side: float) -> None:
    s.at[b], s.at[c], s.at[a] = np.zeros(2), np.array([side, 0.0]), side * _ray(60)
    s.join(a, b, c, close=True)
    s.state("equilateral_triangle", a, b, c)
    s.equal("ticks", (a, b), (b, c), (c, a))


# --- quadrilaterals: four new points ---------------------------------------------------------------------------------


def _quadrilateral(s: Sketch, names: tuple[str, ...], kind: str, *corners: Vector) -> None:
    for name, corner in zip(names, corners, strict=True):
        s.at[name] = np.array(corner, dtype=float)
    s.join(*names, close=True)
    s.state(kind, *names)


@_construction("quadrilateral", "shape", LENGTH, LENGTH)
def rectangle(s: Sketch, a: str, b: str, c: str, d: str, width: float, height: float) -> None:
    _quadrilateral(s, (a, b, c, d), "rectangle", (0, 0), (width, 0), (width, height), (0, height))
    s.right_angle(a, b, c)


@_construction("quadrilateral", "shape", LENGTH)
def square(s: Sketch, a: str, b: str, c: str, d: str, side: float) -> None:
    _quadrilateral(s, (a, b, c, d), "square", (0, 0), (side, 0), (side, side), (0, side))
    s.right_angle(a, b, c)
    s.equal("ticks", (a, b), (b, c))


@_construction("quadrilateral", "shape", (40, 70, 5), LENGTH, LENGTH)
def parallelogram(s: Sketch, a: str, b: str, c: str, d: str, at_a: float, width: float, side: float) -> None:
    slant = side * _ray(at_a)
    _quadrilateral(s, (a, b, c, d), "parallelogram", (0, 0), (width, 0), np.array([width, 0]) + slant, slant)


@_construction("quadrilateral", "shape", (40, 70, 5), LENGTH)
def rhombus(s: Sketch, a: str, b: str, c: str, d: str, at_a: float, side: float) -> None:
    slant = side * _ray(at_a)
    _quadrilateral(s, (a, b, c, d), "rhombus", (0, 0), (side, 0), np.array([side, 0]) + slant, slant)
    s.equal("ticks", (a, b), (b, c), (c, d), (d, a))


@_construction("quadrilateral", "shape", (40, 60, 5), (60, 75, 5), LENGTH, (0.3, 0.5, 0.1))
def trapezoid(s: Sketch, a: str, b: str, c: str, d: str, at_a: float, at_b: float, base: float, cut: float) -> None:
    left, right = np.zeros(2), np.array([base, 0.0])
    top = _meet(left, _ray(at_a), right, _ray(180 - at_b))
    _quadrilateral(s, (a, b, c, d), "trapezoid", left, right, right + cut * (top - right), left + cut * (top - left))


@_construction("quadrilateral", "shape", (60, 100, 5), LENGTH, (1.5, 2.0, 0.1))
def kite(s: Sketch, a: str, b: str, c: str, d: str, at_a: float, side: float, reach: float) -> None:
    top = np.zeros(2)
    right, left = side * _ray(-90 + at_a / 2), side * _ray(-90 - at_a / 2)
    tip = np.array([0.0, -side * np.cos(np.radians(at_a / 2)) * (1 + reach)])
    _quadrilateral(s, (a, b, c, d), "kite", top, right, tip, left)
    s.equal("ticks", (a, b), (a, d))


@_construction("diagonals", "relation")
def diagonals(s: Sketch, a: str, b: str, c: str, d: str, e: str) -> None:
    s.at[e] = _meet(s.at[a], s.at[c] - s.at[a], s.at[b], s.at[d] - s.at[b])
    s.join(a, c)
    s.join(b, d)
    s.state("intersect", e, a, c, b, d)


# --- regular polygons ------------------------------------------------------------------------------------------------


def _regular(s: Sketch, names: tuple[str, ...], kind: str, side: float) -> None:
    radius = side / (2 * np.sin(np.pi / len(names)))
    for i, name in enumerate(names):
        s.at[name] = radius * _ray(90 + 360 * i / len(names))
    s.join(*names, close=True)
    s.state(kind, *names)


@_construction("pentagon", "shape", LENGTH)
def regular_pentagon(s: Sketch, *args: str | float) -> None:
    _regular(s, args[:-1], "regular_pentagon", args[-1])


@_construction("hexagon", "shape", LENGTH)
def regular_hexagon(s: Sketch, *args: str | float) -> None:
    _regular(s, args[:-1], "regular_hexagon", args[-1])


# --- a segment from a vertex A to a new point D on BC ----------------------------------------------------------------


def _cevian(s: Sketch, a: str, b: str, c: str, d: str, kind: str, foot: Vector) -> None:
    s.at[d] = foot
    s.join(a, d)
    s.state(kind, a, d, b, c)


@_construction("cevian", "relation", (0.25, 0.75, 0.05))
def cevian(s: Sketch, a: str, b: str, c: str, d: str, ratio: float) -> None:
    _cevian(s, a, b, c, d, "cevian", s.at[b] + ratio * (s.at[c] - s.at[b]))


@_construction("cevian", "relation")
def median(s: Sketch, a: str, b: str, c: str, d: str) -> None:
    _cevian(s, a, b, c, d, "median", (s.at[b] + s.at[c]) / 2)
    s.equal("ticks", (d, b), (d, c))


@_construction("cevian", "relation")
def altitude(s: Sketch, a: str, b: str, c: str, d: str) -> None:
    _cevian(s, a, b, c, d, "altitude", _project(s.at[a], s.at[b], s.at[c]))
    s.right_angle(a, d, b)


@_construction("cevian", "relation")
def bisector(s: Sketch, a: str, b: str, c: str, d: str) -> None:
    to_b, to_c = s.at[b] - s.at[a], s.at[c] - s.at[a]
    half = to_b / np.linalg.norm(to_b) + to_c / np.linalg.norm(to_c)
    _cevian(s, a, b, c, d, "bisector", _meet(s.at[a], half, s.at[b], s.at[c] - s.at[b]))
    s.equal("arcs", (b, a, d), (c, a, d))


# --- a segment between two sides of triangle ABC: D on AB, E on AC ---------------------------------------------------


@_construction("cut", "relation")
def midline(s: Sketch, a: str, b: str, c: str, d: str, e: str) -> None:
    s.at[d], s.at[e] = (s.at[a] + s.at[b]) / 2, (s.at[a] + s.at[c]) / 2
    s.join(d, e)
    s.state("midline", d, e, a, b, c)


@_construction("cut", "relation", (0.25, 0.4, 0.05))
def parallel_cut(s: Sketch, a: str, b: str, c: str, d: str, e: str, ratio: float) -> None:
    ratio = ratio if ratio < 0.35 else 1 - ratio + 0.05  # towards A or towards BC, never near the middle
    s.at[d], s.at[e] = s.at[a] + ratio * (s.at[b] - s.at[a]), s.at[a] + ratio * (s.at[c] - s.at[a])
    s.join(d, e)
    s.state("parallel_cut", d, e, a, b, c)


@_construction("cut", "relation", (0.3, 0.45, 0.05), (0.65, 0.8, 0.05))
def slanted_cut(s: Sketch, a: str, b: str, c: str, d: str, e: str, first: float, second: float) -> None:
    s.at[d], s.at[e] = s.at[a] + first * (s.at[b] - s.at[a]), s.at[a] + second * (s.at[c] - s.at[a])
    s.join(d, e)
    s.state("on_segment", d, a, b)
    s.state("on_segment", e, a, c)


# --- lines AB and CD with a transversal EF crossing them at G and H --------------------------------------------------


def _lines(s: Sketch, names: tuple[str, ...], tilt: float, crossing: float, gap: float) -> None:
    a, b, c, d, e, f, g, h = names
    s.at[a], s.at[b] = np.array([-7.0, gap / 2]), np.array([7.0, gap / 2])
    s.at[c], s.at[d] = (np.array([0.0, -gap / 2]) + 7 * k * _ray(tilt) for k in (-1, 1))
    s.at[g] = _meet(s.at[a], s.at[b] - s.at[a], np.zeros(2), _ray(crossing))
    s.at[h] = _meet(s.at[c], s.at[d] - s.at[c], np.zeros(2), _ray(crossing))
    s.at[e], s.at[f] = s.at[g] + 3 * _ray(crossing), s.at[h] - 3 * _ray(crossing)
    s.join(a, b)
    s.join(c, d)
    s.join(e, f)
    s.state("intersect", g, e, f, a, b)
    s.state("intersect", h, e, f, c, d)


@_construction("lines", "relation", (45, 135, 5), (5, 7, 0.5))
def parallel_lines(s: Sketch, *args: str | float) -> None:
    s.state("parallel", *args[:4])
    _lines(s, args[:8], 0.0, *args[8:])


@_construction("lines", "relation", (45, 135, 5), (5, 7, 0.5), (16, 20, 1))
def slanted_lines(s: Sketch, *args: str | float) -> None:
    crossing, gap, tilt = args[8:]
    _lines(s, args[:8], tilt if crossing < 90 else -tilt, crossing, gap)


# --- circles: centre O first -----------------------------------------------------------------------------------------


@_construction("circle", "shape", (4, 10, 1))
def circle(s: Sketch, o: str, radius: float) -> None:
    s.at[o] = np.zeros(2)
    s.circles.append(Circle(o, radius))
    s.state("circle", o)


def _radius(s: Sketch, o: str) -> float:
    return next(c.radius for c in s.circles if c.center == o)


@_construction("chord", "relation", (0, 345, 15))
def diameter(s: Sketch, o: str, a: str, b: str, turn: float) -> None:
    r = _radius(s, o)
    s.at[a], s.at[b] = s.at[o] + r * _ray(turn), s.at[o] - r * _ray(turn)
    s.join(a, b)
    s.state("diameter", a, b, o)


@_construction("chord", "relation", (0, 345, 15), (80, 135, 5))
def chord(s: Sketch, o: str, a: str, b: str, turn: float, span: float) -> None:
    r = _radius(s, o)
    s.at[a], s.at[b] = s.at[o] + r * _ray(turn), s.at[o] + r * _ray(turn + span)
    s.join(a, b)
    s.state("chord", a, b, o)


def _third_point(s: Sketch, o: str, a: str, b: str, c: str, share: float, reach: float) -> None:
    """C on the larger arc between A and B (or nearer to the centre by `reach`), joined to both."""
    start, end = (np.degrees(np.arctan2(*(s.at[p] - s.at[o])[::-1])) for p in (b, a))
    sweep = (end - start) % 360
    if sweep < 180:
        start, sweep = end, 360 - sweep
    s.at[c] = s.at[o] + reach * _radius(s, o) * _ray(start + share * sweep)
    s.join(a, c, b)


@_construction("third_point", "relation", (0.35, 0.65, 0.05))
def point_on_circle(s: Sketch, o: str, a: str, b: str, c: str, share: float) -> None:
    _third_point(s, o, a, b, c, share, 1.0)
    s.state("on_circle", c, o)


@_construction("third_point", "relation", (0.35, 0.65, 0.05), (0.55, 0.7, 0.05))
def point_inside_circle(s: Sketch, o: str, a: str, b: str, c: str, share: float, reach: float) -> None:
    _third_point(s, o, a, b, c, share, reach)
    s.state("inside_circle", c, o)


def _from_outside(s: Sketch, o: str, a: str, p: str, turn: float, at_a: float, reach: float) -> None:
    """A on the circle, P with angle OAP = at_a, PA and OA drawn."""
    r = _radius(s, o)
    s.at[a] = s.at[o] + r * _ray(turn)
    s.at[p] = s.at[a] + reach * r * _ray(turn + 180 - at_a)
    s.join(p, a, o)


@_construction("touch", "relation", (0, 345, 15), (1.2, 1.8, 0.1))
def tangent(s: Sketch, o: str, a: str, p: str, turn: float, reach: float) -> None:
    _from_outside(s, o, a, p, turn, 90, reach)
    s.state("tangent", p, a, o)
    s.right_angle(o, a, p)


@_construction("touch", "relation", (0, 345, 15), (1.2, 1.8, 0.1), (115, 140, 5))
def no_tangent(s: Sketch, o: str, a: str, p: str, turn: float, reach: float, at_a: float) -> None:
    _from_outside(s, o, a, p, turn, at_a, reach)
    s.state("radius", a, o)
    s.state("outside_circle", p, o)
    s.state("segment", p, a)


@_construction("triangle_circle", "relation")
def circumcircle(s: Sketch, a: str, b: str, c: str, o: str) -> None:
    (ax, ay), (bx, by), (cx, cy) = s.at[a], s.at[b], s.at[c]
    rows = np.array([[bx - ax, by - ay], [cx - ax, cy - ay]])
    s.at[o] = np.linalg.solve(2 * rows, np.array([bx**2 - ax**2 + by**2 - ay**2, cx**2 - ax**2 + cy**2 - ay**2]))
    s.circles.append(Circle(o, float(np.linalg.norm(s.at[o] - s.at[a]))))
    s.state("circumcircle", o, a, b, c)


@_construction("triangle_circle", "relation")
def incircle(s: Sketch, a: str, b: str, c: str, o: str) -> None:
    sides = np.array([np.linalg.norm(s.at[p] - s.at[q]) for p, q in ((b, c), (c, a), (a, b))])
    s.at[o] = sides @ np.array([s.at[a], s.at[b], s.at[c]]) / sides.sum()
    s.circles.append(Circle(o, float(np.linalg.norm(s.at[o] - _project(s.at[o], s.at[a], s.at[b])))))
    s.state("incircle", o, a, b, c)


@_construction("midpoint", "relation")
def midpoint(s: Sketch, a: str, b: str, m: str) -> None:
    s.at[m] = (s.at[a] + s.at[b]) / 2
    s.state("midpoint", m, a, b)


@_construction("midpoint", "relation", (0.25, 0.35, 0.05))
def point_on_segment(s: Sketch, a: str, b: str, m: str, ratio: float) -> None:
    s.at[m] = s.at[a] + ratio * (s.at[b] - s.at[a])
    s.state("on_segment", m, a, b)
