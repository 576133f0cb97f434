"""Sides of triangles: Pythagoras, the special right triangles, altitudes, medians, bisectors, midlines."""

import numpy as np
import sympy

from ..diagram import Diagram, Fact
from .figures import Printed, drawn, placed, right_angle
from .question import Draft, Solution, choose, kind, length, pick
from .terms import deg, num, root


def legs(rng: np.random.Generator, low: int = 3, high: int = 12) -> tuple[int, int]:
    """Two different whole numbers, the larger at most twice the other: legs of a readable right triangle."""
    while True:
        p, q = pick(rng, low, high), pick(rng, low, high)
        if p != q and max(p, q) <= 2 * min(p, q):
            return p, q


def right_by_legs(a: str, b: str, c: str, p: float, q: float) -> tuple[str, tuple[str, ...], tuple[float, ...]]:
    """The step that draws the right angle at A with AB = p and AC = q."""
    return "right_triangle", (a, b, c), (float(np.degrees(np.arctan2(q, p))), float(np.hypot(p, q)))


def by_sides(a: str, b: str, c: str, ab: float, ac: float, bc: float) -> tuple[str, tuple, tuple[float, ...]]:
    """The step that draws a triangle with these sides."""
    at_b = np.degrees(np.arccos((ab**2 + bc**2 - ac**2) / (2 * ab * bc)))
    at_c = np.degrees(np.arccos((ac**2 + bc**2 - ab**2) / (2 * ac * bc)))
    return "triangle", (a, b, c), (float(at_b), float(at_c), float(bc))


@kind
def hypotenuse(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    p, q = legs(rng)
    d = drawn(right_by_legs(a, b, c, p, q), printed={(a, b): p, (a, c): q})
    s = Solution(d)
    reason = f"∠{b}{a}{c} = 90°, so Pythagoras' theorem holds"
    square = s.step(reason, s.length(b, c) ** 2, s.length(a, b) ** 2 + s.length(a, c) ** 2, num(p) ** 2 + num(q) ** 2)
    s.step("", s.length(b, c), root(num(square)))
    return s.ask(length(d, b, c), p + q, sympy.sqrt(abs(p * p - q * q)), square)


@kind
def leg(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    p, q = legs(rng)
    whole = pick(rng, max(p, q) + 1, max(p, q) + 4)
    other = sympy.sqrt(whole**2 - p**2)
    d = drawn(right_by_legs(a, b, c, p, float(other)), printed={(a, b): p, (b, c): whole})
    s = Solution(d)
    reason = f"∠{b}{a}{c} = 90°, so Pythagoras' theorem holds"
    square = s.step(
        reason, s.length(a, c) ** 2, s.length(b, c) ** 2 - s.length(a, b) ** 2, num(whole) ** 2 - num(p) ** 2
    )
    s.step("", s.length(a, c), root(num(square)))
    return s.ask(length(d, a, c), whole - p, sympy.sqrt(whole**2 + p**2), square)


def _half_square(a: str, b: str, c: str, side: float, printed: Printed) -> Diagram:
    """The right isosceles triangle with its right angle at A; the other equality is for the reader to find."""
    points = {a: (0.0, 0.0), b: (side, 0.0), c: (0.0, side)}
    marks, facts = [right_angle(b, a, c)], [Fact("right_triangle", (a, b, c))]
    return placed(points, [a + b + c + a], marks=marks, facts=facts, printed=printed)


@kind
def right_isosceles(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    side = pick(rng, 4, 14)
    if rng.random() < 0.5:
        d = _half_square(a, b, c, side, printed={(a, b, c): 45, (a, b): side})
        s = Solution(d)
        s.step(f"∠{b}{a}{c} = 90°, so", s.angle(a, c, b), deg(90) - deg(45))
        s.step(
            f"{a}{c} = {a}{b} by equal base angles",
            s.length(b, c),
            s.length(a, b) * root(num(2)),
            num(side) * root(num(2)),
        )
        return s.ask(length(d, b, c), 2 * side, side, side * sympy.sqrt(3))
    short = side / sympy.sqrt(2)
    d = _half_square(a, b, c, float(short), printed={(a, b, c): 45, (b, c): side})
    s = Solution(d)
    s.step(f"∠{b}{a}{c} = 90°, so", s.angle(a, c, b), deg(90) - deg(45))
    s.step(
        f"{a}{c} = {a}{b} by equal base angles",
        s.length(a, b),
        s.length(b, c) / root(num(2)),
        num(side) / root(num(2)),
    )
    return s.ask(length(d, a, b), sympy.Rational(side, 2), side * sympy.sqrt(2), side / sympy.sqrt(3))


@kind
def thirty_sixty(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    short = pick(rng, 3, 10)
    long, whole = short * sympy.sqrt(3), 2 * short
    # the angle at B is 60°: AB is the short leg, opposite to 30°
    sides = {(a, b): short, (a, c): long, (b, c): whole}
    given, asked = rng.permutation(3)[:2].tolist()
    given, asked = list(sides)[given], list(sides)[asked]
    shown = {(a, b, c): 60} if rng.random() < 0.5 else {(a, c, b): 30}
    d = drawn(right_by_legs(a, b, c, short, float(long)), printed={**shown, given: sides[given]})
    s = Solution(d)
    if (a, c, b) not in shown:
        s.step(f"∠{b}{a}{c} = 90°, so", s.angle(a, c, b), deg(90) - deg(60))
    reason = "the side opposite 30° is half of the hypotenuse, and the other leg is \\sqrt{3} times as long as it"
    factor = {(a, b): num(1), (a, c): root(num(3)), (b, c): num(2)}
    left, have = s.length(*asked), num(sides[given])
    if given == (a, b):
        s.step(reason, left, factor[asked] * s.length(a, b), factor[asked] * have)
    else:
        s.step(reason, s.length(a, b), s.length(*given) / factor[given], have / factor[given])
        if asked != (a, b):
            s.step("", left, factor[asked] * s.length(a, b), factor[asked] * num(short))
    return s.ask(length(d, *asked), *(v for k, v in sides.items() if k not in (given, asked)), short * sympy.sqrt(2))


@kind
def equilateral_height(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    side = pick(rng, 4, 14, 2)
    d = drawn(("equilateral_triangle", (a, b, c), (side,)), ("altitude", (a, b, c, e), ()), printed={(a, b): side})
    s = Solution(d)
    half = s.step(f"△{a}{b}{c} is equilateral, so {e} is the midpoint of {b}{c}", s.length(b, e), num(side) / num(2))
    square = s.step(
        f"{a}{e} ⊥ {b}{c}, so Pythagoras' theorem holds",
        s.length(a, e) ** 2,
        s.length(a, b) ** 2 - s.length(b, e) ** 2,
        num(side) ** 2 - num(half) ** 2,
    )
    s.step("", s.length(a, e), root(num(square)))
    given = f"△{a}{b}{c} is equilateral."  # its ticks are not drawn: the foot of the altitude divides a side
    return s.ask(length(d, a, e), half, side * sympy.sqrt(3), half * sympy.sqrt(5), given=given)


@kind
def isosceles_height(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    half, side = legs(rng, 4, 13)
    half, side = min(half, side), max(half, side)
    apex = 2 * float(np.degrees(np.arcsin(half / side)))
    d = drawn(
        ("isosceles_triangle", (a, b, c), (apex, side)),
        ("altitude", (a, b, c, e), ()),
        printed={(a, b): side, (e, c): half},
    )
    s = Solution(d)
    s.step(f"{a}{b} = {a}{c}, so the altitude {a}{e} halves {b}{c}", s.length(b, e), s.length(e, c), num(half))
    square = s.step(
        "", s.length(a, e) ** 2, s.length(a, b) ** 2 - s.length(b, e) ** 2, num(side) ** 2 - num(half) ** 2
    )
    s.step("", s.length(a, e), root(num(square)))
    return s.ask(
        length(d, a, e), side - half, sympy.sqrt(side**2 + half**2), sympy.sqrt(side**2 - sympy.Rational(half**2, 4))
    )


def _split_hypotenuse(rng: np.random.Generator, n: list[str]) -> tuple[Solution, int, int]:
    """A right triangle with the altitude to its hypotenuse, whose two parts are printed."""
    a, b, c, e = n[:4]
    while True:
        p, q = pick(rng, 2, 10), pick(rng, 2, 10)
        if p != q and max(p, q) <= 3 * min(p, q):
            break
    step = right_by_legs(a, b, c, float(np.sqrt(p * (p + q))), float(np.sqrt(q * (p + q))))
    d = drawn(step, ("altitude", (a, b, c, e), ()), printed={(b, e): p, (e, c): q})
    return Solution(d), p, q


@kind
def altitude_to_hypotenuse(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    s, p, q = _split_hypotenuse(rng, n)
    s.say(f"∠{b}{a}{c} = 90° and {a}{e} ⊥ {b}{c}, so △{e}{b}{a} ∼ △{e}{a}{c}")
    square = s.step("", s.length(a, e) ** 2, s.length(b, e) * s.length(e, c), num(p) * num(q))
    s.step("", s.length(a, e), root(num(square)))
    return s.ask(length(s.diagram, a, e), sympy.Rational(p + q, 2), p * q, sympy.sqrt(p * p + q * q))


@kind
def leg_by_projection(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    s, p, q = _split_hypotenuse(rng, n)
    s.step("", s.length(b, c), s.length(b, e) + s.length(e, c), num(p) + num(q))
    s.say(f"∠{b}{a}{c} = 90° and {a}{e} ⊥ {b}{c}, so △{e}{b}{a} ∼ △{a}{b}{c}")
    square = s.step("", s.length(a, b) ** 2, s.length(b, e) * s.length(b, c), num(p) * num(p + q))
    s.step("", s.length(a, b), root(num(square)))
    return s.ask(length(s.diagram, a, b), sympy.sqrt(p * q), sympy.sqrt(q * (p + q)), p + q)


@kind
def whole_side(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    half = pick(rng, 3, 9)
    d = drawn(
        ("triangle", (a, b, c), (pick(rng, 40, 70), pick(rng, 40, 70), 2 * half)),
        ("median", (a, b, c, e), ()),
        printed={(b, e): half},
    )
    s = Solution(d)
    s.step(
        f"{b}{e} = {e}{c}, so {e} is the midpoint of {b}{c}",
        s.length(b, c),
        num(2) * s.length(b, e),
        num(2) * num(half),
    )
    return s.ask(length(d, b, c), half, 3 * half, sympy.Rational(half, 2))


@kind
def median_to_hypotenuse(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    half, at_b = pick(rng, 3, 12), choose(rng, [30, 33, 36, 54, 57, 60])
    d = drawn(("right_triangle", (a, b, c), (at_b, 2 * half)), ("median", (a, b, c, e), ()), printed={(a, e): half})
    s = Solution(d)
    s.step(
        f"∠{b}{a}{c} = 90° and {e} is the midpoint of {b}{c}, so the median {a}{e} is half of the hypotenuse",
        s.length(b, c),
        num(2) * s.length(a, e),
        num(2) * num(half),
    )
    return s.ask(length(d, b, c), half, half * sympy.sqrt(2), half * sympy.sqrt(3))


@kind
def bisector_theorem(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    while True:
        ab, ac, be = pick(rng, 4, 12), pick(rng, 4, 12), pick(rng, 2, 8)
        ec = sympy.Rational(be * ac, ab)
        bc = be + ec
        if ab != ac and ec.q <= 3 and max(abs(ab - ac), bc / 3) < bc < 0.85 * (ab + ac) and max(ab, ac) < 1.2 * bc:
            break
    d = drawn(
        by_sides(a, b, c, ab, ac, float(bc)),
        ("bisector", (a, b, c, e), ()),
        printed={(a, b): ab, (a, c): ac, (b, e): be},
    )
    s = Solution(d)
    s.step(f"{a}{e} bisects ∠{b}{a}{c}", s.length(e, c) / s.length(b, e), s.length(a, c) / s.length(a, b))
    s.step("", s.length(e, c), s.length(b, e) * s.length(a, c) / s.length(a, b), num(be) * num(ac) / num(ab))
    return s.ask(length(d, e, c), be, sympy.Rational(be * ab, ac), ac - be if ac > be else ab)


@kind
def midline(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, f = n[:5]
    base = pick(rng, 5, 19)
    shown = (b, c) if rng.random() < 0.5 else (e, f)
    half = sympy.Rational(base, 2)
    d = drawn(
        ("triangle", (a, b, c), (pick(rng, 40, 70), pick(rng, 40, 70), base)),
        ("midline", (a, b, c, e, f), ()),
        printed={shown: base if shown == (b, c) else half},
    )
    s = Solution(d)
    reason = f"{e}{f} joins the midpoints of two sides, so it is half as long as the third side"
    given = f"{e} and {f} are the midpoints of {a}{b} and {a}{c}."
    if shown == (b, c):
        s.step(reason, s.length(e, f), s.length(b, c) / num(2), num(base) / num(2))
        return s.ask(length(d, e, f), base, 2 * base, sympy.Rational(base, 3), given=given)
    s.step(reason, s.length(b, c), num(2) * s.length(e, f), num(2) * num(half))
    return s.ask(length(d, b, c), half, 3 * half, 4 * half, given=given)
