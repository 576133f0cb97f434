"""Values printed as expressions in x: equal angles, angle sums and equal segments give an equation for it."""

import numpy as np
import sympy

from ..diagram import Diagram, Fact
from .angles import parallel_lines
from .figures import drawn, placed, ray, right_angle, ticks
from .question import Asked, Draft, Solution, angle, kind, length, pick
from .terms import X, num


def unknown_x(d: Diagram, *part: str, coefficient: int, constant: int) -> Asked:
    """Ask for x where the angle is printed as an expression in it: measured on the angle."""
    measured = (angle(d, *part).measured - constant) / coefficient
    return Asked(("x", "the value of x"), measured)


def solve_for_x(s: Solution, left: sympy.Expr, right: sympy.Expr, reason: str) -> None:
    """The steps from left = right, both linear in x, to the value of x."""
    s.step(reason, num(left), num(right))
    (p, q), (r, t) = ((e.coeff(X, 1), e.coeff(X, 0)) for e in (sympy.expand(left), sympy.expand(right)))
    if p - r < 0:
        p, q, r, t = r, t, p, q
    # the constant that is taken to the other side changes its sign
    moved = num(t) - num(q) if q > 0 else num(t) + num(-q) if t > 0 else num(-q) - num(-t)
    s.step("", num((p - r) * X), moved)
    if p - r != 1:
        s.step("", num(X), num(t - q) / num(p - r))


def _expressions(rng: np.random.Generator, size: int) -> tuple[int, sympy.Expr, sympy.Expr]:
    """x and two expressions in it that are both worth `size`, with whole numbers."""
    while True:
        x = pick(rng, 8, 24)
        p, q = rng.choice([1, 2, 3, 4, 5], size=2, replace=False).tolist()
        u, v = size - p * x, size - q * x
        if max(abs(u), abs(v)) <= 40 and u and v and min(u, v) < 0 or max(abs(u), abs(v)) <= 15 and u and v:
            return x, p * X + u, q * X + v


@kind
def vertical_expressions(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, p = n[:5]
    size = pick(rng, 40, 75)
    x, left, right = _expressions(rng, size)
    points = {p: np.zeros(2), a: (-6.0, 0.0), b: (6.0, 0.0), c: ray(size, 5.5), e: -ray(size, 5.5)}
    facts = [Fact("intersect", (p, a, b, c, e))]
    d = placed(points, [a + b, c + e], facts=facts, printed={(b, p, c): left, (a, p, e): right})
    s = Solution(d, x)
    solve_for_x(s, left, right, "vertical angles are equal")
    asked = unknown_x(d, b, p, c, coefficient=left.coeff(X, 1), constant=left.coeff(X, 0))
    return s.ask(asked, size, x + 5, x - 2)


@kind
def base_expressions(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    base = pick(rng, 40, 72)
    x, left, right = _expressions(rng, base)
    steps = ("isosceles_triangle", (a, b, c), (180 - 2 * base, pick(rng, 6, 14)))
    d = drawn(steps, printed={(a, b, c): left, (a, c, b): right})
    s = Solution(d, x)
    solve_for_x(s, left, right, f"{a}{b} = {a}{c}, so the base angles are equal")
    asked = unknown_x(d, a, b, c, coefficient=left.coeff(X, 1), constant=left.coeff(X, 0))
    return s.ask(asked, base, 180 - 2 * base, x + 5)


@kind
def parallel_expressions(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, f, _, g, h = n[:8]
    crossing = pick(rng, 50, 80)
    x, left, right = _expressions(rng, crossing)
    d, given = parallel_lines(n, {"crossing": crossing, (f, g, b): left, (g, h, e): right})
    s = Solution(d, x)
    solve_for_x(s, left, right, f"{a}{b} ∥ {c}{e}, so corresponding angles are equal")
    asked = unknown_x(d, f, g, b, coefficient=left.coeff(X, 1), constant=left.coeff(X, 0))
    return s.ask(asked, crossing, 180 - crossing, x + 5, given=given)


@kind
def triangle_expressions(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    x, more = pick(rng, 18, 30), pick(rng, 5, 20)
    at_b, at_c = 2 * x, x + more
    at_a = 180 - at_b - at_c
    d = drawn(
        ("triangle", (a, b, c), (at_b, at_c, pick(rng, 6, 14))),
        printed={(a, b, c): 2 * X, (a, c, b): X + more, (b, a, c): at_a},
    )
    s = Solution(d, x)
    reason = f"the angles of △{a}{b}{c} add up to 180°"
    s.step(reason, num(2 * X) + num(X + more) + num(at_a), num(180))
    s.step("", num(3 * X), num(180) - num(at_a) - num(more))
    s.step("", num(X), num(3 * x) / num(3))
    return s.ask(unknown_x(d, a, b, c, coefficient=2, constant=0), at_b, at_c, sympy.Rational(180 - at_a, 3))


@kind
def right_angle_split(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, p = n[:4]
    x, coefficient = pick(rng, 12, 20), pick(rng, 2, 3)
    low = coefficient * x
    more = 90 - low - x
    points = {p: np.zeros(2), a: (6.0, 0.0), b: ray(low, 6.0), c: (0.0, 6.0)}
    d = placed(
        points,
        [p + a, p + b, p + c],
        marks=[right_angle(a, p, c)],
        printed={(a, p, b): coefficient * X, (b, p, c): X + more},
    )
    s = Solution(d, x)
    s.step(f"∠{a}{p}{c} = 90°", num(coefficient * X) + num(X + more), num(90))
    s.step("", num((coefficient + 1) * X), num(90) - num(more))
    s.step("", num(X), num(90 - more) / num(coefficient + 1))
    asked = unknown_x(d, a, p, b, coefficient=coefficient, constant=0)
    return s.ask(asked, low, 90 - low, sympy.Rational(180 - more, coefficient + 1))


@kind
def parallelogram_expressions(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    x, p, q = pick(rng, 3, 8), pick(rng, 2, 3), pick(rng, 1, 5)
    size = p * x - q
    if size < 5:
        size, q = p * x + q, -q
    left, right = p * X - q, X + size - x
    d = drawn(
        ("parallelogram", (a, b, c, e), (pick(rng, 50, 70), size, pick(rng, 5, 9) * size / 10)),
        printed={(a, b): left, (c, e): right},
    )
    s = Solution(d, x)
    solve_for_x(s, left, right, "opposite sides of a parallelogram are equal")
    asked = Asked(("x", "the value of x"), (length(d, a, b).measured + q) / p)
    return s.ask(asked, size, x + 2, 2 * x, given=f"{a}{b}{c}{e} is a parallelogram.")


@kind
def tangent_expressions(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, p = n[:3]
    x, k, more = pick(rng, 3, 8), pick(rng, 2, 3), pick(rng, 1, 5)
    size = k * x + more
    half = pick(rng, 25, 36)
    radius = size * np.tan(np.radians(half))
    points = {p: np.zeros(2), a: ray(half, size), b: ray(-half, size), "O": (size / np.cos(np.radians(half)), 0.0)}
    left, right = k * X + more, X + size - x
    d = placed(
        points,
        [p + a, p + b],
        circles={"O": radius},
        facts=[Fact("on_circle", (a, "O")), Fact("on_circle", (b, "O"))],
        printed={(p, a): left, (p, b): right},
    )
    s = Solution(d, x)
    solve_for_x(s, left, right, f"tangents from {p} to the circle are equal")
    asked = Asked(("x", "the value of x"), (length(d, p, a).measured - more) / k)
    return s.ask(asked, size, x + 2, 2 * x, given=f"{p}{a} and {p}{b} are tangent to ⊙O at {a} and {b}.")


@kind
def isosceles_sides(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    x, k, less = pick(rng, 3, 9), pick(rng, 2, 4), pick(rng, 1, 4)
    size = k * x - less
    at = pick(rng, 45, 70)
    left, right = k * X - less, X + size - x
    points = {b: np.zeros(2), c: (2 * size * np.cos(np.radians(at)), 0.0), a: ray(at, size)}
    d = placed(points, [a + b + c + a], marks=ticks(a + b, a + c), printed={(a, b): left, (a, c): right})
    s = Solution(d, x)
    solve_for_x(s, left, right, "the two sides are marked equal")
    asked = Asked(("x", "the value of x"), (length(d, a, b).measured + less) / k)
    return s.ask(asked, size, x + 2, 2 * x)
