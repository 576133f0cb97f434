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


@construction("quadrilateral", "shape", (40, 60, 5), (60, 75, 5), LENGTH, (0.3, 0.5, 0.1))
def trapezoid(s: Sketch, a: str, b: str, c: str, d: str, at_a: float, at_b: float, base: float, cut: float) -> None:
    left, right = 0j, base + 0j
    top = meet(left, ray(at_a), right, ray(180 - at_b))
    _quadrilateral(s, (a, b, c, d), "trapezoid", left, right, right + cut * (top - right), left + cut * (top - left))


@construction("quadrilateral", "shape", (60, 100, 5), LENGTH, (1.5, 2.0, 0.1))
def kite(s: Sketch, a: str, b: str, c: str, d: str, at_a: float, side: float, reach: float) -> None:
    right, left = side * ray(-90 + at_a / 2), side * ray(-90 - at_a / 2)
    tip = complex(0.0, -side * math.cos(math.radians(at_a / 2)) * (1 + reach))
    _quadrilateral(s, (a, b, c, d), "kite", 0, right, tip, left)
    s.equal("ticks", (a, b), (a, d))


@construction("diagonals", "relation")
def diagonals(s: Sketch, a: str, b: str, c: str, d: str, e: str) -> None:
    s.at[e] = meet(s.at[a], s.at[c] - s.at[a], s.at[b], s.at[d] - s.at[b])
    s.join(a, c)
    s.join(b, d)
    s.state("intersect", e, a, c, b, d)
