"""Coordinates: slope, distance, midpoint and intercepts of lines, vertex and axis of parabolas, areas on the grid."""

import numpy as np
import shapely
import sympy

from ..diagram import Diagram, Fact
from ..diagram.program import Unsound
from .figures import placed
from .question import Asked, Draft, Solution, kind, length, pick
from .terms import X, num, root

Pair = tuple[int, int]
ORIGIN = "O"
HALF = num(sympy.Rational(1, 2))


def _two_points(rng: np.random.Generator) -> tuple[Pair, Pair]:
    """Two points on whole coordinates, neither above nor beside one another nor on an axis."""
    while True:
        (x, y), (u, v) = ((pick(rng, -5, 5), pick(rng, -5, 5)) for _ in range(2))
        if x != u and y != v and x * y * u * v and abs(x - u) + abs(y - v) >= 4:
            return ((x, y), (u, v)) if x < u else ((u, v), (x, y))


def _line(a: str, b: str, first: Pair, second: Pair, others: dict[str, Pair] | None = None) -> Diagram:
    """The segment AB on coordinate axes, with the coordinates of its ends."""
    points = {ORIGIN: (0, 0), a: first, b: second} | (others or {})
    printed = {(name,): sympy.Tuple(*at) for name, at in ((a, first), (b, second))}
    return placed(points, [a + b], facts=[Fact("axes", (ORIGIN,))], printed=printed, curves=[])


@kind
def slope(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b = n[:2]
    (x, y), (u, v) = _two_points(rng)
    d = _line(a, b, (x, y), (u, v))
    (px, py), (qx, qy) = d.points[a], d.points[b]
    asked = Asked((f"the slope of line {a}{b}", f"the gradient of line {a}{b}"), (qy - py) / (qx - px), signed=True)
    s = Solution(d)
    rise, run = s.coordinate("y", b) - s.coordinate("y", a), s.coordinate("x", b) - s.coordinate("x", a)
    value = s.step("", s.quantity("Slope", asked), rise / run, (num(v) - num(y)) / (num(u) - num(x)))
    return s.ask(asked, -value, 1 / value, -1 / value)


@kind
def distance_of_points(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b = n[:2]
    (x, y), (u, v) = _two_points(rng)
    d = _line(a, b, (x, y), (u, v))
    s = Solution(d)
    across, up = s.coordinate("x", b) - s.coordinate("x", a), s.coordinate("y", b) - s.coordinate("y", a)
    square = s.step("", s.length(a, b) ** 2, across**2 + up**2, (num(u) - num(x)) ** 2 + (num(v) - num(y)) ** 2)
    s.step("", s.length(a, b), root(num(square)))
    return s.ask(length(d, a, b), abs(u - x) + abs(v - y), square, sympy.sqrt((u + x) ** 2 + (v + y) ** 2))


@kind
def midpoint_of_points(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, m = n[:3]
    (x, y), (u, v) = _two_points(rng)
    middle = sympy.Tuple(sympy.Rational(x + u, 2), sympy.Rational(y + v, 2))
    d = placed(
        {ORIGIN: (0, 0), a: (x, y), b: (u, v), m: tuple(map(float, middle))},
        [a + m + b],
        facts=[Fact("axes", (ORIGIN,)), Fact("midpoint", (m, a, b))],
        printed={(a,): sympy.Tuple(x, y), (b,): sympy.Tuple(u, v)},
        curves=[],
    )
    s = Solution(d)
    for axis, p, q in (("x", x, u), ("y", y, v)):
        both = s.coordinate(axis, a) + s.coordinate(axis, b)
        s.step("", s.coordinate(axis, m), both / num(2), (num(p) + num(q)) / num(2))
    asked = Asked((f"the coordinates of the midpoint {m} of {a}{b}",), d.points[m], signed=True)
    wrong = [(u - x, v - y), (x + u, y + v), (sympy.Rational(u - x, 2), sympy.Rational(v - y, 2))]
    return s.ask(asked, *(sympy.Tuple(*w) for w in wrong), sympy.Tuple(-middle[0], middle[1]), pair=middle)


def _crossing(rng: np.random.Generator) -> tuple[Pair, Pair, int]:
    """Two points on either side of the y-axis, on a line of whole slope that meets the axis at a whole number."""
    while True:
        rate, at = pick(rng, -3, 3), pick(rng, -3, 4)
        left, right = -pick(rng, 1, 3), pick(rng, 1, 3)
        first, second = (left, rate * left + at), (right, rate * right + at)
        if rate and at and max(abs(first[1]), abs(second[1])) <= 7 and first[1] and second[1]:
            return first, second, rate


@kind
def y_intercept(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b = n[:2]
    (x, y), (u, v), _ = _crossing(rng)
    d = _line(a, b, (x, y), (u, v))
    (px, py), (qx, qy) = d.points[a], d.points[b]
    at = py - (qy - py) / (qx - px) * px
    phrases = (f"the y-intercept of line {a}{b}", f"the y-coordinate of the point where {a}{b} meets the y-axis")
    asked = Asked(phrases, at, signed=True)
    s = Solution(d)
    told = Asked(("the slope",), (qy - py) / (qx - px))
    value = s.step("", s.quantity("Slope", told), (num(v) - num(y)) / (num(u) - num(x)))
    s.step(
        "the line goes on to the y-axis:",
        s.quantity("Intercept", asked),
        s.coordinate("y", a) - s.quantity("Slope", told) * s.coordinate("x", a),
        num(y) - num(value) * num(x),
    )
    return s.ask(asked, -s.value, y + value * x, value)


def _polynomial(a: int, b: int, c: int) -> str:
    return num(a * X**2 + b * X + c).text.replace("^{2}", "^2").replace("- x", "-x", 1 if a < 0 else 0)


@kind
def parabola_vertex(rng: np.random.Generator, n: list[str]) -> Draft:
    vertex = n[0]
    a, x, y = (-1 if rng.random() < 0.5 else 1), pick(rng, -3, 3), pick(rng, -4, 4)
    b, c = -2 * a * x, a * x * x + y
    if x == 0 or y * a > 0 or abs(c) > 8:
        raise Unsound("the parabola lies off the axes")
    d = placed({ORIGIN: (0, 0), vertex: (x, y)}, [], facts=[Fact("axes", (ORIGIN,))], curves=[(a, b, c)])
    s = Solution(d)
    s.step("the vertex lies on the axis of symmetry:", s.coordinate("x", vertex), num(-b) / (num(2) * num(a)))
    s.step("it lies on the parabola:", s.coordinate("y", vertex), num(a) * num(x) ** 2 + num(b) * num(x) + num(c))
    phrases = (f"the coordinates of the vertex {vertex}", f"the coordinates of {vertex}, the vertex")
    p, q, r = d.curves[0]  # measured on the curve that is drawn: its extreme point
    asked = Asked(phrases, (-q / (2 * p), r - q * q / (4 * p)), signed=True)
    wrong = (sympy.Tuple(-x, y), sympy.Tuple(x, c), sympy.Tuple(b, c), sympy.Tuple(-x, -y))
    given = f"The parabola is y = {_polynomial(a, b, c)}."
    return s.ask(asked, *wrong, given=given, pair=sympy.Tuple(x, y))


@kind
def parabola_axis(rng: np.random.Generator, n: list[str]) -> Draft:
    p, q = n[:2]
    left, right = pick(rng, -5, 1), pick(rng, 1, 6)
    if not 2 <= right - left <= 6 or not left * right:
        raise Unsound("the roots crowd together, or stand at the origin")
    sign = -1 if rng.random() < 0.5 else 1
    a = sign * (1.0 if right - left <= 4 else 0.5)
    d = placed(
        {ORIGIN: (0, 0), p: (left, 0), q: (right, 0)},
        [],
        facts=[Fact("axes", (ORIGIN,))],
        printed={(p,): sympy.Tuple(left, 0), (q,): sympy.Tuple(right, 0)},
        curves=[(a, -a * (left + right), a * left * right)],
    )
    curve = d.curves[0]
    phrases = ("the x-coordinate of the vertex of the parabola", "the value of x on the parabola's axis of symmetry")
    asked = Asked(phrases, -curve[1] / (2 * curve[0]), signed=True)
    s = Solution(d)
    s.step(
        f"the axis of symmetry lies half-way between {p} and {q}",
        s.quantity("Axis", asked),
        (s.coordinate("x", p) + s.coordinate("x", q)) / num(2),
        (num(left) + num(right)) / num(2),
    )
    return s.ask(asked, left + right, sympy.Rational(right - left, 2), -sympy.Rational(left + right, 2))


@kind
def triangle_on_axes(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    low, high = pick(rng, -4, -1), pick(rng, 2, 5)
    left, right, top = pick(rng, -5, -1), pick(rng, 2, 5), pick(rng, -3, 4)
    at = {a: (left, low), b: (right, low), c: (top, high)}
    d = placed(
        {ORIGIN: (0, 0), **at},
        [a + b + c + a],
        facts=[Fact("axes", (ORIGIN,))],
        printed={(name,): sympy.Tuple(*xy) for name, xy in at.items()},
        curves=[],
    )
    measured = shapely.Polygon([d.points[p] for p in (a, b, c)]).area
    asked = Asked((f"the area of △{a}{b}{c}", f"the area enclosed by △{a}{b}{c}"), measured)
    s = Solution(d)
    base = s.step(
        f"{a}{b} is parallel to the x-axis",
        s.length(a, b),
        s.coordinate("x", b) - s.coordinate("x", a),
        num(right) - num(left),
    )
    up = s.step(f"the height from {c} is", num(high) - num(low))
    s.step("", s.quantity("Area", asked), HALF * num(base) * num(up))
    return s.ask(asked, base * up, base + up, HALF.value * base * high)
