"""Quadrilaterals: angles and sides of parallelograms, rectangles, rhombi, squares, trapezoids and kites."""

import numpy as np
import sympy

from ..diagram import Fact
from .figures import drawn, placed, ray, right_angle, ticks
from .question import Draft, Solution, angle, choose, kind, length, pick
from .terms import deg, num, root
from .triangles import legs


@kind
def parallelogram_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    at_a = pick(rng, 40, 75)
    d = drawn(("parallelogram", (a, b, c, e), (at_a, pick(rng, 8, 14), pick(rng, 5, 9))), printed={(e, a, b): at_a})
    s, given = Solution(d), f"{a}{b}{c}{e} is a parallelogram."
    if rng.random() < 0.5:
        s.step("opposite angles of a parallelogram are equal", s.angle(b, c, e), s.angle(e, a, b), deg(at_a))
        return s.ask(angle(d, b, c, e), 180 - at_a, 90 - at_a, 2 * at_a, given=given)
    reason = "neighbouring angles of a parallelogram add up to 180°"
    s.step(reason, s.angle(a, b, c), deg(180) - s.angle(e, a, b), deg(180) - deg(at_a))
    return s.ask(angle(d, a, b, c), at_a, 90 + at_a, 180 - 2 * at_a, given=given)


@kind
def parallelogram_diagonal(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, m = n[:5]
    at_a, width, side = pick(rng, 50, 70), pick(rng, 8, 14), pick(rng, 6, 10)
    half = pick(rng, 4, 9)
    # scaled so that half of the diagonal AC is a whole number
    k = 2 * half / float(np.hypot(width + side * np.cos(np.radians(at_a)), side * np.sin(np.radians(at_a))))
    d = drawn(
        ("parallelogram", (a, b, c, e), (at_a, k * width, k * side)),
        ("diagonals", (a, b, c, e, m), ()),
        printed={(a, m): half},
    )
    s = Solution(d)
    s.step(
        "the diagonals of a parallelogram halve each other",
        s.length(a, c),
        num(2) * s.length(a, m),
        num(2) * num(half),
    )
    given = f"{a}{b}{c}{e} is a parallelogram."
    return s.ask(length(d, a, c), half, 3 * half, sympy.Rational(half, 2), given=given)


@kind
def rectangle_diagonal(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, m = n[:5]
    p, q = legs(rng)
    d = drawn(("rectangle", (a, b, c, e), (p, q)), ("diagonals", (a, b, c, e, m), ()), printed={(a, b): p, (b, c): q})
    s = Solution(d)
    reason = f"∠{a}{b}{c} = 90°, so Pythagoras' theorem holds"
    square = s.step(reason, s.length(a, c) ** 2, s.length(a, b) ** 2 + s.length(b, c) ** 2, num(p) ** 2 + num(q) ** 2)
    s.step("", s.length(a, c), root(num(square)))
    given = f"{a}{b}{c}{e} is a rectangle."
    if rng.random() < 0.5:
        return s.ask(length(d, a, c), p + q, sympy.sqrt(abs(p * p - q * q)), square, given=given)
    s.step("the diagonals of a rectangle halve each other", s.length(a, m), s.length(a, c) / num(2))
    whole = sympy.sqrt(square)
    s.step("", s.length(a, m), num(whole) / num(2))
    return s.ask(length(d, a, m), whole, sympy.Rational(p + q, 2), sympy.Rational(max(p, q), 2), given=given)


@kind
def rectangle_side(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    p, q = legs(rng)
    whole = pick(rng, max(p, q) + 1, max(p, q) + 3)
    other = sympy.sqrt(whole**2 - p**2)
    points = {a: (0.0, 0.0), b: (p, 0.0), c: (p, float(other)), e: (0.0, float(other))}
    d = placed(
        points,
        [a + b + c + e + a, a + c],
        marks=[right_angle(a, b, c)],
        facts=[Fact("rectangle", (a, b, c, e))],
        printed={(a, b): p, (a, c): whole},
    )
    s = Solution(d)
    reason = f"∠{a}{b}{c} = 90°, so Pythagoras' theorem holds"
    square = s.step(
        reason, s.length(b, c) ** 2, s.length(a, c) ** 2 - s.length(a, b) ** 2, num(whole) ** 2 - num(p) ** 2
    )
    s.step("", s.length(b, c), root(num(square)))
    given = f"{a}{b}{c}{e} is a rectangle."
    return s.ask(length(d, b, c), whole - p, sympy.sqrt(whole**2 + p**2), square, given=given)


@kind
def square_diagonal(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, m = n[:5]
    side = pick(rng, 4, 14)
    d = drawn(("square", (a, b, c, e), (side,)), ("diagonals", (a, b, c, e, m), ()), printed={(b, c): side})
    s = Solution(d)
    s.step(f"△{a}{b}{c} is right and isosceles", s.length(a, b), s.length(b, c), num(side))
    square = s.step(
        "", s.length(a, c) ** 2, s.length(a, b) ** 2 + s.length(b, c) ** 2, num(side) ** 2 + num(side) ** 2
    )
    s.step("", s.length(a, c), root(num(square)))
    given = f"{a}{b}{c}{e} is a square."
    return s.ask(length(d, a, c), 2 * side, side * sympy.sqrt(3), side, given=given)


@kind
def rhombus_side(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, m = n[:5]
    p, q = legs(rng)
    points = {m: (0.0, 0.0), a: (-p, 0.0), b: (0.0, -q), c: (p, 0.0), e: (0.0, q)}
    d = placed(
        points,
        [a + b + c + e + a, a + c, b + e],
        marks=ticks(a + b, b + c, c + e, e + a),
        facts=[Fact("rhombus", (a, b, c, e))],
        printed={(a, m): p, (b, m): q},
    )
    s = Solution(d)
    reason = f"{a}{b}{c}{e} is a rhombus, so its diagonals are perpendicular"
    square = s.step(reason, s.length(a, b) ** 2, s.length(a, m) ** 2 + s.length(b, m) ** 2, num(p) ** 2 + num(q) ** 2)
    s.step("", s.length(a, b), root(num(square)))
    return s.ask(length(d, a, b), p + q, 2 * sympy.sqrt(square), square)


@kind
def rhombus_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, m = n[:5]
    half = pick(rng, 22, 38)
    d = drawn(
        ("rhombus", (a, b, c, e), (2 * half, pick(rng, 5, 14))),
        ("diagonals", (a, b, c, e, m), ()),
        printed={(m, a, b): half},
    )
    s = Solution(d)
    if rng.random() < 0.5:
        reason = f"{a}{b}{c}{e} is a rhombus, so its diagonals are perpendicular and ∠{a}{m}{b} = 90°"
        s.step(reason, s.angle(a, b, m), deg(90) - s.angle(m, a, b), deg(90) - deg(half))
        return s.ask(angle(d, a, b, m), half, 180 - half, 90 + half)
    reason = f"{a}{b}{c}{e} is a rhombus, so {a}{c} bisects ∠{e}{a}{b}"
    whole = s.step(reason, s.angle(e, a, b), num(2) * s.angle(m, a, b), num(2) * deg(half))
    reason = "neighbouring angles of a rhombus add up to 180°"
    s.step(reason, s.angle(a, b, c), deg(180) - s.angle(e, a, b), deg(180) - deg(whole))
    return s.ask(angle(d, a, b, c), whole, 90 - half, 180 - half)


@kind
def trapezoid_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    at_a, at_b = pick(rng, 45, 60), pick(rng, 62, 75)
    d = drawn(
        ("trapezoid", (a, b, c, e), (at_a, at_b, pick(rng, 8, 14), choose(rng, (0.4, 0.5)))),
        printed={(e, a, b): at_a, (a, b, c): at_b},
    )
    s = Solution(d)
    given = f"{a}{b} ∥ {c}{e}."
    reason = f"{a}{b} ∥ {c}{e}, so the angles along a leg add up to 180°"
    s.step(reason, s.angle(a, e, c), deg(180) - s.angle(e, a, b), deg(180) - deg(at_a))
    return s.ask(angle(d, a, e, c), 180 - at_b, at_a, at_b, given=given)


@kind
def trapezoid_midline(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, f, g = n[:6]
    short, more = pick(rng, 4, 9), pick(rng, 3, 8)
    long, left = short + more, sympy.Rational(pick(rng, 1, more - 1) if more > 3 else 1)
    high = pick(rng, 6, 8)
    points = {a: np.zeros(2), b: np.array([long, 0.0])}
    points[e] = np.array([float(left), high])
    points[c] = points[e] + np.array([short, 0.0])
    points |= {f: (points[a] + points[e]) / 2, g: (points[b] + points[c]) / 2}
    d = placed(
        points,
        [a + b + c + e + a, f + g],
        marks=[*ticks(a + f, f + e), *ticks(b + g, g + c, count=2)],
        facts=[Fact("trapezoid", (a, b, c, e)), Fact("midpoint", (f, a, e)), Fact("midpoint", (g, b, c))],
        printed={(a, b): long, (c, e): short},
    )
    s = Solution(d)
    reason = f"{f}{g} joins the midpoints of the legs of a trapezoid"
    s.step(reason, s.length(f, g), (s.length(a, b) + s.length(c, e)) / num(2), (num(long) + num(short)) / num(2))
    return s.ask(
        length(d, f, g),
        long + short,
        sympy.Rational(long - short, 2),
        sympy.Rational(long, 2),
        given=f"{a}{b} ∥ {c}{e}.",
    )


@kind
def isosceles_trapezoid_height(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, h = n[:5]
    short, over = pick(rng, 4, 9), pick(rng, 2, 5)
    side = pick(rng, over + 2, over + 7)
    high = sympy.sqrt(side**2 - over**2)
    if float(high) < 3:
        side += 2
        high = sympy.sqrt(side**2 - over**2)
    y = float(high)
    points = {a: (0.0, 0.0), b: (short + 2 * over, 0.0), c: (short + over, y), e: (over, y), h: (over, 0.0)}
    d = placed(
        points,
        [a + b + c + e + a, e + h],
        marks=[*ticks(a + e, b + c), right_angle(e, h, b)],
        facts=[Fact("trapezoid", (a, b, c, e))],
        printed={(a, h): over, (e, c): short, (b, c): side},
    )
    s = Solution(d)
    s.step("the legs are equal", s.length(a, e), s.length(b, c), num(side))
    reason = f"{e}{h} ⊥ {a}{b}, so Pythagoras' theorem holds"
    square = s.step(
        reason, s.length(e, h) ** 2, s.length(a, e) ** 2 - s.length(a, h) ** 2, num(side) ** 2 - num(over) ** 2
    )
    s.step("", s.length(e, h), root(num(square)))
    given = f"{a}{b} ∥ {c}{e}."
    return s.ask(length(d, e, h), side - over, sympy.sqrt(side**2 + over**2), square, given=given)


@kind
def kite_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    at_a, at_c = pick(rng, 80, 120, 2), pick(rng, 40, 64, 2)
    half = 5.0
    points = {b: (half, 0.0), e: (-half, 0.0)}
    points |= {a: (0.0, half / np.tan(np.radians(at_a / 2))), c: (0.0, -half / np.tan(np.radians(at_c / 2)))}
    d = placed(
        points,
        [a + b + c + e + a],
        marks=[*ticks(a + b, a + e), *ticks(c + b, c + e, count=2)],
        facts=[Fact("kite", (a, b, c, e))],
        printed={(e, a, b): at_a, (b, c, e): at_c},
    )
    s = Solution(d)
    s.step(f"{a}{b} = {a}{e} and {c}{b} = {c}{e}, so", s.angle(a, b, c), s.angle(a, e, c))
    s.step(
        "the angles add up to 360°",
        s.angle(a, b, c),
        (deg(360) - s.angle(e, a, b) - s.angle(b, c, e)) / num(2),
        (deg(360) - deg(at_a) - deg(at_c)) / num(2),
    )
    return s.ask(angle(d, a, b, c), 180 - at_a, 180 - at_c, (at_a + at_c) // 2)


@kind
def chase_in_parallelogram(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, f = n[:5]
    at_a, width = pick(rng, 50, 70, 2), pick(rng, 10, 13)
    # the bisector of the angle at A meets CD at F, and cuts off an isosceles triangle
    side = pick(rng, 5, 7)
    points = {a: np.zeros(2), b: np.array([width, 0.0]), e: ray(at_a, side)}
    points[c] = points[b] + points[e]
    points[f] = points[e] + np.array([side, 0.0])
    d = placed(
        points,
        [a + b + c + e + a, a + f],
        facts=[Fact("parallelogram", (a, b, c, e)), Fact("on_segment", (f, c, e))],
        printed={(a, b, c): 180 - at_a},
    )
    s = Solution(d)
    reason = "neighbouring angles of a parallelogram add up to 180°"
    s.step(reason, s.angle(e, a, b), deg(180) - s.angle(a, b, c), deg(180) - deg(180 - at_a))
    half = s.step(f"{a}{f} bisects ∠{e}{a}{b}", s.angle(f, a, b), s.angle(e, a, b) / num(2), deg(at_a) / num(2))
    s.step(f"{a}{b} ∥ {c}{e}, so alternate angles are equal", s.angle(a, f, e), s.angle(f, a, b), deg(half))
    given = f"{a}{b}{c}{e} is a parallelogram and {a}{f} bisects ∠{e}{a}{b}."
    return s.ask(angle(d, a, f, e), at_a, 180 - at_a, 90 - half, given=given)
