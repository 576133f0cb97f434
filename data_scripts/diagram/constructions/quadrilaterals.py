"""Quadrilaterals on four new points A, B, C, D, and their diagonals."""

import math

from .base import LENGTH, Sketch, construction, meet, ray


def _quadrilateral(s: Sketch, names: tuple[str, ...], kind: str, *corners: complex) -> None:
    s.at.update(zip(names, map(complex, corners), strict=True))
    s.join(*names, close=True)
    s.state(kind, *names)


@construction("quadrilateral", "shape", LENGTH, LENGTH)
def rectangle(s: Sketch, a: str, b: str, c: str, d: str, width: float, height: float) -> None:
    _quadrilateral(s, (a, b, c, d), "rectangle", 0, width, complex(width, height), complex(0, height))
    s.right_angle(a, b, c)


@construction("quadrilateral", "shape", LENGTH)
def square(s: Sketch, a: str, b: str, c: str, d: str, side: float) -> None:
    _quadrilateral(s, (a, b, c, d), "square", 0, side, complex(side, side), complex(0, side))
    s.right_angle(a, b, c)
    s.equal("ticks", (a, b), (b, c))


@construction("quadrilateral", "shape", (40, 70, 5), LENGTH, LENGTH)
def parallelogram(s: Sketch, a: str, b: str, c: str, d: str, at_a: float, width: float, side: float) -> None:
    slant = side * ray(at_a)
    _quadrilateral(s, (a, b, c, d), "parallelogram", 0, width, width + slant, slant)


@construction("quadrilateral", "shape", (40, 70, 5), LENGTH)
def rhombus(s: Sketch, a: str, b: str, c: str, d: str, at_a: float, side: float) -> None:
    slant = side * ray(at_a)
    _quadrilateral(s, (a, b, c, d), "rhombus", 0, side, side + slant, slant)
    s.equal("ticks", (a, b), (b, c), (c, d), (d, a))


@construction("quadrilateral", "shape", (35, 50, 5), (65, 75, 5), LENGTH, (0.3, 0.5, 0.1))
def trapezoid(s: Sketch, a: str, b: str, c: str, d: str, at_a: float, at_b: float, base: float, cut: float) -> None:
    left, right = 0j, base + 0j
    top = meet(left, ray(at_a), right, ray(180 - at_b))
    _quadrilateral(s, (a, b, c, d), "trapezoid", left, right, right + cut * (top - right), left + cut * (top - left))


@construction("quadrilateral", "shape", (60, 100, 5), LENGTH, (1.8, 2.6, 0.1))
def kite(s: Sketch, a: str, b: str, c: str, d: str, at_a: float, side: float, reach: float) -> None:
    right, left = side * ray(-90 + at_a / 2), side * ray(-90 - at_a / 2)
    tip = complex(0.0, -side * math.cos(math.radians(at_a / 2)) * (1 + reach))
    _quadrilateral(s, (a, b, c, d), "kite", 0, right, tip, left)
    s.equal("ticks", (a, b), (a, d))


@construction("quadrilateral", "shape", (45, 70, 5), LENGTH, (0.35, 0.55, 0.1))
def isosceles_trapezoid(s: Sketch, a: str, b: str, c: str, d: str, at_a: float, base: float, cut: float) -> None:
    left, right = 0j, base + 0j
    top = meet(left, ray(at_a), right, ray(180 - at_a))
    corners = left, right, right + cut * (top - right), left + cut * (top - left)
    _quadrilateral(s, (a, b, c, d), "isosceles_trapezoid", *corners)
    s.equal("ticks", (a, d), (b, c))


@construction("quadrilateral", "shape", LENGTH, (0.5, 0.7, 0.1), (0.5, 0.8, 0.1))
def right_trapezoid(s: Sketch, a: str, b: str, c: str, d: str, base: float, top: float, height: float) -> None:
    tip = complex(0, height * base)
    _quadrilateral(s, (a, b, c, d), "right_trapezoid", 0, base, tip + top * base, tip)
    s.right_angle(d, a, b)


@construction("quadrilateral", "shape", LENGTH, (60, 75, 5), (75, 90, 5), (0.4, 0.55, 0.05), (0.8, 1.0, 0.05))
def quadrilateral(s: Sketch, *args: str | float) -> None:
    """No two sides are equal or parallel; the angles at A and B and the sides AD and BC (of AB) are given."""
    *names, base, at_a, at_b, left, right = args
    tops = base + right * base * ray(180 - at_b), left * base * ray(at_a)
    _quadrilateral(s, tuple(names), "quadrilateral", 0, base, *tops)


@construction("diagonals", "relation")
def diagonals(s: Sketch, a: str, b: str, c: str, d: str, e: str) -> None:
    s.at[e] = meet(s.at[a], s.at[c] - s.at[a], s.at[b], s.at[d] - s.at[b])
    s.join(a, c)
    s.join(b, d)
    s.state("intersect", e, a, c, b, d)


# --- a segment from M on AD to N on BC -------------------------------------------------------------------------------


def _crosscut(s: Sketch, names: tuple[str, ...], first: float, second: float, kind: str) -> None:
    a, b, c, d, m, n = names
    s.at[m], s.at[n] = s.at[a] + first * (s.at[d] - s.at[a]), s.at[b] + second * (s.at[c] - s.at[b])
    s.join(m, n)
    s.state(kind, m, a, d)
    s.state(kind, n, b, c)


@construction("crosscut", "relation")
def middle_crosscut(s: Sketch, *names: str) -> None:
    _crosscut(s, names, 0.5, 0.5, "midpoint")


@construction("crosscut", "relation", (0.25, 0.35, 0.05), (0.65, 0.75, 0.05))
def slanted_crosscut(s: Sketch, *args: str | float) -> None:
    _crosscut(s, args[:6], *args[6:], "on_segment")
