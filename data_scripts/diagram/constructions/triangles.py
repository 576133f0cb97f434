"""Triangles, and what is drawn in them: cevians, cuts, circles."""

import math

from .base import LENGTH, Sketch, construction, meet, project, ray


def _on_base(
    s: Sketch, a: str, b: str, c: str, at_b: float, at_c: float, base: float, kind: str, start: complex = 0j
) -> None:
    """Triangle ABC on the base BC with the angles at its ends, in degrees."""
    s.at[b], s.at[c] = start, start + base
    s.at[a] = meet(s.at[b], ray(at_b), s.at[c], ray(180 - at_c))
    s.join(a, b, c, close=True)
    s.state(kind, a, b, c)


# --- three new points ------------------------------------------------------------------------------------------------


@construction("triangle", "shape", (35, 80, 5), (25, 45, 5), LENGTH)
def triangle(s: Sketch, a: str, b: str, c: str, at_b: float, at_c: float, base: float) -> None:
    _on_base(s, a, b, c, at_b, at_c, base, "triangle")


@construction("triangle", "shape", (35, 85, 5), (35, 65, 5), LENGTH)
def scalene_triangle(s: Sketch, a: str, b: str, c: str, at_b: float, at_c: float, base: float) -> None:
    _on_base(s, a, b, c, at_b, at_c, base, "scalene_triangle")


@construction("triangle", "shape", (50, 80, 5), (45, 75, 5), LENGTH)
def acute_triangle(s: Sketch, a: str, b: str, c: str, at_b: float, at_c: float, base: float) -> None:
    _on_base(s, a, b, c, at_b, at_c, base, "acute_triangle")


@construction("triangle", "shape", (25, 45, 5), (20, 40, 5), LENGTH)
def obtuse_triangle(s: Sketch, a: str, b: str, c: str, at_b: float, at_c: float, base: float) -> None:
    _on_base(s, a, b, c, at_b, at_c, base, "obtuse_triangle")


@construction("triangle", "shape", (24, 38, 1), LENGTH)
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


@construction("triangle", "shape", LENGTH)
def isosceles_right_triangle(s: Sketch, a: str, b: str, c: str, side: float) -> None:
    s.at[a], s.at[b], s.at[c] = 0j, side * ray(-135), side * ray(-45)
    s.join(a, b, c, close=True)
    s.state("isosceles_right_triangle", a, b, c)
    s.right_angle(b, a, c)
    s.equal("ticks", (a, b), (a, c))


# --- a segment from a vertex A to a new point D on BC ----------------------------------------------------------------


def _cevian(s: Sketch, a: str, b: str, c: str, d: str, kind: str, foot: complex) -> None:
    s.at[d] = foot
    s.join(a, d)
    s.state(kind, a, d, b, c)


@construction("cevian", "relation", (0.2, 0.8, 0.05))
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


# --- two cevians AD and BE of triangle ABC that meet at G ------------------------------------------------------------


def _two_cevians(s: Sketch, a: str, b: str, c: str, d: str, e: str, g: str, center: str) -> None:
    s.at[g] = meet(s.at[a], s.at[d] - s.at[a], s.at[b], s.at[e] - s.at[b])
    s.state(center, g, a, b, c)


@construction("center", "relation")
def medians_meet(s: Sketch, a: str, b: str, c: str, d: str, e: str, g: str) -> None:
    median(s, a, b, c, d)
    median(s, b, c, a, e)
    _two_cevians(s, a, b, c, d, e, g, "centroid")


@construction("center", "relation")
def altitudes_meet(s: Sketch, a: str, b: str, c: str, d: str, e: str, g: str) -> None:
    altitude(s, a, b, c, d)
    altitude(s, b, c, a, e)
    _two_cevians(s, a, b, c, d, e, g, "orthocenter")


@construction("center", "relation")
def bisectors_meet(s: Sketch, a: str, b: str, c: str, d: str, e: str, g: str) -> None:
    bisector(s, a, b, c, d)
    bisector(s, b, c, a, e)
    _two_cevians(s, a, b, c, d, e, g, "incenter")


@construction("center", "relation", (0.25, 0.35, 0.05), (0.65, 0.75, 0.05))
def cevians_meet(s: Sketch, a: str, b: str, c: str, d: str, e: str, g: str, first: float, second: float) -> None:
    s.at[d], s.at[e] = s.at[b] + first * (s.at[c] - s.at[b]), s.at[c] + second * (s.at[a] - s.at[c])
    s.join(a, d)
    s.join(b, e)
    s.at[g] = meet(s.at[a], s.at[d] - s.at[a], s.at[b], s.at[e] - s.at[b])
    s.state("on_segment", d, b, c)
    s.state("on_segment", e, c, a)
    s.state("intersect", g, a, d, b, e)


# --- the side BC extended beyond C to D ------------------------------------------------------------------------------


@construction("extension", "relation", (0.45, 0.65, 0.05))
def extension(s: Sketch, a: str, b: str, c: str, d: str, ratio: float) -> None:
    s.at[d] = s.at[c] + ratio * (s.at[c] - s.at[b])
    s.join(c, d)
    s.state("on_segment", c, b, d)


@construction("extension", "relation")
def equal_extension(s: Sketch, a: str, b: str, c: str, d: str) -> None:
    """D is as far from C as B is."""
    s.at[d] = 2 * s.at[c] - s.at[b]
    s.join(c, d)
    s.equal("ticks", (b, c), (c, d))
    s.state("midpoint", c, b, d)


@construction("extension", "relation")
def leg_extension(s: Sketch, a: str, b: str, c: str, d: str) -> None:
    """D is as far from C as A is."""
    s.at[d] = s.at[c] + abs(s.at[a] - s.at[c]) * (s.at[c] - s.at[b]) / abs(s.at[c] - s.at[b])
    s.join(c, d)
    s.equal("ticks", (a, c), (c, d))
    s.state("on_segment", c, b, d)
    s.state("equal_length", a, c, c, d)


# --- two triangles ABC and DEF side by side --------------------------------------------------------------------------


def _pair(
    s: Sketch,
    names: tuple[str, ...],
    angles: tuple[float, float],
    other: tuple[float, float],
    base: float,
    ratio: float,
) -> None:
    a, b, c, d, e, f = names
    _on_base(s, a, b, c, *angles, base, "triangle")
    gap = 0.35 * base
    right = max(s.at[p].real for p in (a, b, c)) + gap
    _on_base(s, d, e, f, *other, ratio * base, "triangle", start=complex(right, 0))
    left = min(s.at[p].real for p in (d, e, f)) - right
    for p in (d, e, f):
        s.at[p] -= min(left, 0)


PAIR = (60, 80, 5), (35, 50, 5), (6, 12, 1)


@construction("pair", "relation", *PAIR, (0.55, 0.75, 0.05))
def similar_pair(s: Sketch, *args: str | float) -> None:
    *names, at_b, at_c, base, ratio = args
    a, b, c, d, e, f = names
    _pair(s, names, (at_b, at_c), (at_b, at_c), base, ratio)
    s.equal("arcs", (a, b, c), (d, e, f))
    s.equal("arcs", (a, c, b), (d, f, e))
    s.state("similar", *names)


@construction("pair", "relation", *PAIR)
def congruent_pair(s: Sketch, *args: str | float) -> None:
    *names, at_b, at_c, base = args
    a, b, c, d, e, f = names
    _pair(s, names, (at_b, at_c), (at_b, at_c), base, 1.0)
    s.equal("ticks", (a, b), (d, e))
    s.equal("ticks", (b, c), (e, f))
    s.state("congruent", *names)


@construction("pair", "relation", *PAIR, (15, 30, 5))
def equal_base_pair(s: Sketch, *args: str | float) -> None:
    """Equal bases and equal angles at B and E, but not at C and F."""
    *names, at_b, at_c, base, more = args
    a, b, c, d, e, f = names
    _pair(s, names, (at_b, at_c), (at_b, at_c + more), base, 1.0)
    s.equal("ticks", (b, c), (e, f))
    s.equal("arcs", (a, b, c), (d, e, f))
    s.state("equal_length", b, c, e, f)
    s.state("equal_angle", a, b, c, d, e, f)
