"""Areas and perimeters, measured on the coordinates with shapely, circles by their radius."""

import math

import numpy as np
import shapely
import sympy

from ..diagram import Diagram, Fact
from ..diagram.facts import angle_at
from .figures import drawn, placed, ray, right_angle, ticks
from .question import Asked, Draft, Solution, kind, pick
from .terms import num, root
from .triangles import legs, right_by_legs

PI = num(sympy.pi)
HALF = num(sympy.Rational(1, 2))


def _outline(d: Diagram, corners: str) -> shapely.Polygon:
    return shapely.Polygon([d.points[p] for p in corners])


def area(d: Diagram, shape: str, corners: str) -> Asked:
    """Ask for the area of a polygon, measured on its corners; `shape` is "△" or a word with a space behind it."""
    return Asked(
        (f"the area of {shape}{corners}", f"the area enclosed by {shape}{corners}"), _outline(d, corners).area
    )


def perimeter(d: Diagram, shape: str, corners: str) -> Asked:
    """Ask for the perimeter of a polygon, measured on its corners."""
    phrases = (f"the perimeter of {shape}{corners}", f"the distance around {shape}{corners}")
    return Asked(phrases, _outline(d, corners).length)


@kind
def triangle_area(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, h = n[:4]
    left, right, high = pick(rng, 3, 8), pick(rng, 3, 8), pick(rng, 4, 10)
    points = {a: (0.0, high), b: (-left, 0.0), c: (right, 0.0), h: (0.0, 0.0)}
    d = placed(
        points,
        [a + b + h + c + a, a + h],
        marks=[right_angle(a, h, c)],
        facts=[Fact("altitude", (a, h, b, c))],
        printed={(b, h): left, (h, c): right, (a, h): high},
    )
    s, asked = Solution(d), area(d, "△", a + b + c)
    s.step("", s.length(b, c), s.length(b, h) + s.length(h, c), num(left) + num(right))
    base = left + right
    s.step(
        f"{a}{h} ⊥ {b}{c}, so",
        s.quantity("Area", asked),
        HALF * s.length(b, c) * s.length(a, h),
        HALF * num(base) * num(high),
    )
    return s.ask(asked, base * high, sympy.Rational(left * high, 2), base + high)


@kind
def right_triangle_area(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    p, q = legs(rng)
    whole = sympy.sqrt(p * p + q * q)
    if rng.random() < 0.5:
        d = drawn(right_by_legs(a, b, c, p, q), printed={(a, b): p, (a, c): q})
        s = Solution(d)
    else:
        d = drawn(right_by_legs(a, b, c, p, q), printed={(a, b): p, (b, c): whole})
        s = Solution(d)
        reason = f"∠{b}{a}{c} = 90°, so Pythagoras' theorem holds"
        square = s.step(
            reason, s.length(a, c) ** 2, s.length(b, c) ** 2 - s.length(a, b) ** 2, num(whole) ** 2 - num(p) ** 2
        )
        s.step("", s.length(a, c), root(num(square)))
    asked = area(d, "△", a + b + c)
    s.step(
        f"{a}{b} ⊥ {a}{c}, so",
        s.quantity("Area", asked),
        HALF * s.length(a, b) * s.length(a, c),
        HALF * num(p) * num(q),
    )
    return s.ask(asked, p * q, p + q, sympy.Rational(p, 2) * whole)


@kind
def equilateral_area(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    side = pick(rng, 4, 14)
    d = drawn(("equilateral_triangle", (a, b, c), (side,)), printed={(a, b): side})
    s, asked = Solution(d), area(d, "△", a + b + c)
    s.step(
        f"△{a}{b}{c} is equilateral, so",
        s.quantity("Area", asked),
        num(sympy.sqrt(3) / 4) * s.length(a, b) ** 2,
        num(sympy.sqrt(3) / 4) * num(side) ** 2,
    )
    return s.ask(asked, sympy.sqrt(3) * side**2 / 2, sympy.Rational(side**2, 2), sympy.sqrt(2) * side**2 / 4)


@kind
def rectangle_area(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    p, q = legs(rng)
    points = {a: (0.0, 0.0), b: (p, 0.0), c: (p, q), e: (0.0, q)}
    whole = sympy.sqrt(p * p + q * q)
    through = rng.random() < 0.5
    printed = {(a, b): p, (a, c): whole} if through else {(a, b): p, (b, c): q}
    d = placed(
        points,
        [a + b + c + e + a, *([a + c] if through else [])],
        marks=[right_angle(a, b, c)],
        facts=[Fact("rectangle", (a, b, c, e))],
        printed=printed,
    )
    s, asked = Solution(d), area(d, "rectangle ", a + b + c + e)
    if through:
        reason = f"∠{a}{b}{c} = 90°, so Pythagoras' theorem holds"
        square = s.step(
            reason, s.length(b, c) ** 2, s.length(a, c) ** 2 - s.length(a, b) ** 2, num(whole) ** 2 - num(p) ** 2
        )
        s.step("", s.length(b, c), root(num(square)))
    s.step("", s.quantity("Area", asked), s.length(a, b) * s.length(b, c), num(p) * num(q))
    return s.ask(asked, 2 * (p + q), sympy.Rational(p * q, 2), p * whole)


@kind
def rectangle_perimeter(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    p, q = legs(rng)
    points = {a: (0.0, 0.0), b: (p, 0.0), c: (p, q), e: (0.0, q)}
    d = placed(
        points,
        [a + b + c + e + a],
        marks=[right_angle(a, b, c)],
        facts=[Fact("rectangle", (a, b, c, e))],
        printed={(a, b): p, (b, c): q},
    )
    s, asked = Solution(d), perimeter(d, "rectangle ", a + b + c + e)
    s.step(
        "opposite sides are equal, so",
        s.quantity("Perimeter", asked),
        num(2) * (s.length(a, b) + s.length(b, c)),
        num(2) * (num(p) + num(q)),
    )
    return s.ask(asked, p + q, p * q, 2 * p + q)


@kind
def right_triangle_perimeter(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    p, q = legs(rng)
    d = drawn(right_by_legs(a, b, c, p, q), printed={(a, b): p, (a, c): q})
    s, asked = Solution(d), perimeter(d, "△", a + b + c)
    reason = f"∠{b}{a}{c} = 90°, so Pythagoras' theorem holds"
    square = s.step(reason, s.length(b, c) ** 2, s.length(a, b) ** 2 + s.length(a, c) ** 2, num(p) ** 2 + num(q) ** 2)
    whole = s.step("", s.length(b, c), root(num(square)))
    s.step(
        "",
        s.quantity("Perimeter", asked),
        s.length(a, b) + s.length(a, c) + s.length(b, c),
        num(p) + num(q) + num(whole),
    )
    return s.ask(asked, p + q, 2 * (p + q), sympy.Rational(p * q, 2))


@kind
def parallelogram_area(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, h = n[:5]
    base, high, over = pick(rng, 8, 14), pick(rng, 4, 8), pick(rng, 2, 4)
    points = {a: (0.0, 0.0), b: (base, 0.0), c: (base + over, high), e: (over, high), h: (over, 0.0)}
    d = placed(
        points,
        [a + h + b + c + e + a, e + h],
        marks=[right_angle(e, h, b)],
        facts=[Fact("parallelogram", (a, b, c, e))],
        printed={(e, c): base, (e, h): high, (a, h): over},
    )
    s, asked = Solution(d), area(d, "parallelogram ", a + b + c + e)
    s.step("opposite sides are equal", s.length(a, b), s.length(e, c), num(base))
    s.step(f"{e}{h} ⊥ {a}{b}, so", s.quantity("Area", asked), s.length(a, b) * s.length(e, h), num(base) * num(high))
    return s.ask(asked, sympy.Rational(base * high, 2), base * over, (base - over) * high)


@kind
def rhombus_area(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, m = n[:5]
    p, q = legs(rng, 3, 9)
    points = {m: (0.0, 0.0), a: (-p, 0.0), b: (0.0, -q), c: (p, 0.0), e: (0.0, q)}
    d = placed(
        points,
        [a + m + c, b + m + e, a + b + c + e + a],
        marks=ticks(a + b, b + c, c + e, e + a),
        facts=[Fact("rhombus", (a, b, c, e))],
        printed={(a, m): p, (b, m): q},
    )
    s, asked = Solution(d), area(d, "rhombus ", a + b + c + e)
    s.step("the diagonals halve each other", s.length(a, c), num(2) * s.length(a, m), num(2) * num(p))
    s.step("", s.length(b, e), num(2) * s.length(b, m), num(2) * num(q))
    s.step(
        "they are perpendicular, so",
        s.quantity("Area", asked),
        HALF * s.length(a, c) * s.length(b, e),
        HALF * num(2 * p) * num(2 * q),
    )
    return s.ask(asked, p * q, 4 * p * q, sympy.Rational(p * q, 2))


@kind
def rhombus_perimeter(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, m = n[:5]
    p, q = legs(rng, 3, 9)
    points = {m: (0.0, 0.0), a: (-p, 0.0), b: (0.0, -q), c: (p, 0.0), e: (0.0, q)}
    d = placed(
        points,
        [a + m + c, b + m + e, a + b + c + e + a],
        marks=ticks(a + b, b + c, c + e, e + a),
        facts=[Fact("rhombus", (a, b, c, e))],
        printed={(a, m): p, (b, m): q},
    )
    s, asked = Solution(d), perimeter(d, "rhombus ", a + b + c + e)
    reason = f"the diagonals of a rhombus are perpendicular, so ∠{a}{m}{b} = 90°"
    square = s.step(reason, s.length(a, b) ** 2, s.length(a, m) ** 2 + s.length(b, m) ** 2, num(p) ** 2 + num(q) ** 2)
    side = s.step("", s.length(a, b), root(num(square)))
    s.step("all sides are equal, so", s.quantity("Perimeter", asked), num(4) * s.length(a, b), num(4) * num(side))
    return s.ask(asked, 4 * (p + q), 2 * p * q, 2 * side)


@kind
def trapezoid_area(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    short, more, high = pick(rng, 4, 8), pick(rng, 2, 7), pick(rng, 4, 8)
    long = short + more
    points = {a: (0.0, 0.0), b: (long, 0.0), c: (short, high), e: (0.0, high)}
    d = placed(
        points,
        [a + b + c + e + a],
        marks=[right_angle(b, a, e), right_angle(a, e, c)],
        facts=[Fact("trapezoid", (a, b, c, e))],
        printed={(a, b): long, (c, e): short, (a, e): high},
    )
    s, asked = Solution(d), area(d, "trapezoid ", a + b + c + e)
    s.step(
        f"{a}{b} ∥ {c}{e}, and {a}{e} is perpendicular to both, so",
        s.quantity("Area", asked),
        HALF * (s.length(a, b) + s.length(c, e)) * s.length(a, e),
        HALF * (num(long) + num(short)) * num(high),
    )
    return s.ask(asked, (long + short) * high, long * high, short * high)


def _disc(radius: int, at: dict[str, float], printed: dict) -> Diagram:
    """A circle around O with radii to points at these directions."""
    points = {"O": np.zeros(2)} | {name: ray(degrees, radius) for name, degrees in at.items()}
    return placed(
        points,
        ["O" + name for name in at],
        circles={"O": radius},
        facts=[Fact("radius", (name, "O")) for name in at],
        printed=printed,
    )


@kind
def circle_area(rng: np.random.Generator, n: list[str]) -> Draft:
    a, radius = n[0], pick(rng, 2, 12)
    d = _disc(radius, {a: pick(rng, 0, 330, 30)}, {("O", a): radius})
    s = Solution(d)
    asked = Asked(("the area of ⊙O", "the area of circle O"), math.pi * d.circles[0].radius ** 2)
    s.step(f"O{a} is a radius, so", s.quantity("Area", asked), PI * s.length("O", a) ** 2, PI * num(radius) ** 2)
    return s.ask(asked, 2 * sympy.pi * radius, 4 * sympy.pi * radius**2, sympy.pi * radius)


@kind
def circumference(rng: np.random.Generator, n: list[str]) -> Draft:
    a, radius = n[0], pick(rng, 3, 12)
    d = _disc(radius, {a: pick(rng, 0, 330, 30)}, {("O", a): radius})
    s = Solution(d)
    asked = Asked(("the circumference of ⊙O", "the circumference of circle O"), math.tau * d.circles[0].radius)
    s.step(
        f"O{a} is a radius, so",
        s.quantity("Circumference", asked),
        num(2) * PI * s.length("O", a),
        num(2) * PI * num(radius),
    )
    return s.ask(asked, sympy.pi * radius, sympy.pi * radius**2, 4 * sympy.pi * radius)


def _sector(rng: np.random.Generator, n: list[str]) -> tuple[Diagram, int, int]:
    """A sector AOB: its figure, radius and angle in degrees."""
    a, b = n[:2]
    radius, turn, start = pick(rng, 3, 12), pick(rng, 30, 150, 10), pick(rng, 0, 330, 30)
    return _disc(radius, {a: start, b: start + turn}, {("O", a): radius, (a, "O", b): turn}), radius, turn


@kind
def sector_area(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b = n[:2]
    d, radius, turn = _sector(rng, n)
    s = Solution(d)
    measured = angle_at(d, a, "O", b) / 360 * math.pi * d.circles[0].radius ** 2
    asked = Asked((f"the area of sector {a}O{b}", f"the area of the smaller sector {a}O{b}"), measured)
    share = sympy.Rational(turn, 360)
    s.step(
        f"the sector is {turn}/360 of the circle, so", s.quantity("Area", asked), num(share) * PI * num(radius) ** 2
    )
    whole = sympy.pi * radius**2
    return s.ask(asked, share * 2 * sympy.pi * radius, whole, sympy.Rational(turn, 180) * whole)


@kind
def arc_length(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b = n[:2]
    d, radius, turn = _sector(rng, n)
    s = Solution(d)
    measured = math.radians(angle_at(d, a, "O", b)) * d.circles[0].radius
    asked = Asked((f"the length of the minor arc {a}{b}", f"the length of the shorter arc from {a} to {b}"), measured)
    share = sympy.Rational(turn, 360)
    s.step(
        f"the arc is {turn}/360 of the circle, so", s.quantity("Arc", asked), num(share) * num(2) * PI * num(radius)
    )
    return s.ask(asked, share * sympy.pi * radius**2, 2 * sympy.pi * radius, share * sympy.pi * radius)


@kind
def circular_segment_area(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b = n[:2]
    radius, start = pick(rng, 2, 10, 2), pick(rng, 0, 330, 30)
    points = {"O": np.zeros(2), a: ray(start, radius), b: ray(start + 90, radius)}
    d = placed(
        points,
        ["O" + a + b + "O"],
        circles={"O": radius},
        marks=[right_angle(a, "O", b)],
        facts=[Fact("chord", (a, b, "O"))],
        printed={("O", a): radius},
    )
    s = Solution(d)
    r = d.circles[0].radius
    measured = math.radians(angle_at(d, a, "O", b)) / 2 * r**2 - _outline(d, a + "O" + b).area
    phrase = f"the area between chord {a}{b} and the minor arc {a}{b}"
    asked = Asked((phrase, f"the area of the smaller part that chord {a}{b} cuts off ⊙O"), measured)
    quarter = sympy.pi * sympy.Rational(radius**2, 4)
    s.step(
        f"∠{a}O{b} = 90°, so the sector is a quarter of the circle:", num(sympy.Rational(1, 4)) * PI * num(radius) ** 2
    )
    triangle = s.step(f"the area of △{a}O{b} is", HALF * num(radius) * num(radius))
    s.step("their difference is what is asked", s.quantity("Area", asked), num(quarter) - num(triangle))
    return s.ask(asked, quarter, 4 * quarter - triangle, quarter + triangle)


@kind
def square_around_circle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, m = n[:5]
    radius = pick(rng, 2, 9)
    points = {"O": (0.0, 0.0), m: (radius, 0.0)}
    for name, x, y in ((a, -1, -1), (b, 1, -1), (c, 1, 1), (e, -1, 1)):
        points[name] = (x * radius, y * radius)
    d = placed(
        points,
        [a + b + m + c + e + a, "O" + m],
        circles={"O": radius},
        facts=[Fact("square", (a, b, c, e)), Fact("radius", (m, "O"))],
        printed={("O", m): radius},
    )
    s = Solution(d)
    phrase = f"the area inside square {a}{b}{c}{e} but outside ⊙O"
    measured = _outline(d, a + b + c + e).area - math.pi * d.circles[0].radius ** 2
    asked = Asked((phrase, f"the area of the part of square {a}{b}{c}{e} that ⊙O does not cover"), measured)
    s.step("the circle touches all sides", s.length(a, b), num(2) * s.length("O", m), num(2) * num(radius))
    s.step("", s.quantity("Area", asked), num(2 * radius) ** 2 - PI * num(radius) ** 2)
    square, disc = 4 * radius**2, sympy.pi * radius**2
    return s.ask(asked, disc, square, sympy.Rational(square, 4))


@kind
def sector_perimeter(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b = n[:2]
    d, radius, turn = _sector(rng, n)
    s = Solution(d)
    measured = (math.radians(angle_at(d, a, "O", b)) + 2) * d.circles[0].radius
    asked = Asked((f"the perimeter of the smaller sector {a}O{b}",), measured)
    arc = s.step(f"the arc is {turn}/360 of the circle:", num(sympy.Rational(turn, 360)) * num(2) * PI * num(radius))
    s.step(
        "the perimeter consists of two radii and the arc",
        s.quantity("Perimeter", asked),
        num(2) * num(radius) + num(arc),
    )
    return s.ask(asked, arc, arc + radius, radius**2 * sympy.pi * sympy.Rational(turn, 360))
