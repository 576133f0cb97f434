"""Triangles, and what is drawn in them: cevians, cuts, circles."""

import math

from .base import LENGTH, Sketch, construction, meet, project, ray

# --- three new points ------------------------------------------------------------------------------------------------


@construction("triangle", "shape", (35, 75, 5), (35, 75, 5), LENGTH)
def triangle(s: Sketch, a: str, b: str, c: str, at_b: float, at_c: float, base: float) -> None:
    s.at[b], s.at[c] = 0j, base + 0j
    s.at[a] = meet(s.at[b], ray(at_b), s.at[c], ray(180 - at_c))
    s.join(a, b, c, close=True)
    s.state("triangle", a, b, c)


@construction("triangle", "shape", (30, 60, 5), LENGTH)
def right_triangle(s: Sketch, a: str, b: str, c: str, at_b: float, base: float) -> None:
    s.at[b], s.at[c] = 0j, base + 0j
    s.at[a] = base * math.cos(math.radians(at_b)) * ray(at_b)
    s.join(a, b, c, close=True)
    s.state("right_triangle", a, b, c)
    s.right_angle(b, a, c)


@construction("triangle", "shape", (25, 125, 5), LENGTH)
def isosceles_triangle(s: Sketch, a: str, b: str, c: str, apex: float, side: float) -> None:
    s.at[a] = 0j
    s.at[b], s.at[c] = side * ray(-90 - apex / 2), side * ray(-90 + apex / 2)
    s.join(a, b, c, close=True)
    s.state("isosceles_triangle", a, b, c)
    s.equal("ticks", (a, b), (a, c))


@construction("triangle", "shape", LENGTH)
def equilateral_triangle(s: Sketch, a: str, b: str, c: str, side: float) -> None:
    s.at[b], s.at[c], s.at[a] = 0j, side + 0j, side * ray(60)
    s.join(a, b, c, close=True)
    s.state("equilateral_triangle", a, b, c)
    s.equal("ticks", (a, b), (b, c), (c, a))


# --- a segment from a vertex A to a new point D on BC ----------------------------------------------------------------


def _cevian(s: Sketch, a: str, b: str, c: str, d: str, kind: str, foot: complex) -> None:
    s.at[d] = foot
    s.join(a, d)
    s.state(kind, a, d, b, c)


@construction("cevian", "relation", (0.25, 0.75, 0.05))
def cevian(s: Sketch, a: str, b: str, c: str, d: str, ratio: float) -> None:
    _cevian(s, a, b, c, d, "cevian", s.at[b] + ratio * (s.at[c] - s.at[b]))


@construction("cevian", "relation")
def median(s: Sketch, a: str, b: str, c: str, d: str) -> None:
    _cevian(s, a, b, c, d, "median", (s.at[b] + s.at[c]) / 2)
    s.equal("ticks", (d, b), (d, c))


@construction("cevian", "relation")
def altitude(s: Sketch, a: str, b: str, c: str, d: str) -> None:
    _cevian(s, a, b, c, d, "altitude", project(s.at[a], s.at[b], s.at[c]))
    s.right_angle(a, d, b)


@construction("cevian", "relation")
def bisector(s: Sketch, a: str, b: str, c: str, d: str) -> None:
    to_b, to_c = s.at[b] - s.at[a], s.at[c] - s.at[a]
    half = to_b / abs(to_b) + to_c / abs(to_c)
    _cevian(s, a, b, c, d, "bisector", meet(s.at[a], half, s.at[b], s.at[c] - s.at[b]))
    s.equal("arcs", (b, a, d), (c, a, d))


# --- a segment between two sides of triangle ABC: D on AB, E on AC ---------------------------------------------------


@construction("cut", "relation")
def midline(s: Sketch, a: str, b: str, c: str, d: str, e: str) -> None:
    s.at[d], s.at[e] = (s.at[a] + s.at[b]) / 2, (s.at[a] + s.at[c]) / 2
    s.join(d, e)
    s.state("midline", d, e, a, b, c)


@construction("cut", "relation", (0.25, 0.4, 0.05))
def parallel_cut(s: Sketch, a: str, b: str, c: str, d: str, e: str, ratio: float) -> None:
    ratio = ratio if ratio < 0.35 else 1 - ratio + 0.05  # towards A or towards BC, never near the middle
    s.at[d], s.at[e] = s.at[a] + ratio * (s.at[b] - s.at[a]), s.at[a] + ratio * (s.at[c] - s.at[a])
    s.join(d, e)
    s.state("parallel_cut", d, e, a, b, c)


@construction("cut", "relation", (0.3, 0.45, 0.05), (0.65, 0.8, 0.05))
def slanted_cut(s: Sketch, a: str, b: str, c: str, d: str, e: str, first: float, second: float) -> None:
    s.at[d], s.at[e] = s.at[a] + first * (s.at[b] - s.at[a]), s.at[a] + second * (s.at[c] - s.at[a])
    s.join(d, e)
    s.state("on_segment", d, a, b)
    s.state("on_segment", e, a, c)
