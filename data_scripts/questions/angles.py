"""Angles: sums in triangles and polygons, exterior angles, parallels and bisectors."""

import numpy as np
import sympy

from ..diagram import Diagram, Fact
from .figures import arcs, drawn, placed, ray, ticks
from .question import Draft, Solution, angle, choose, kind, pick
from .terms import deg, num


def triangle_points(a: str, b: str, c: str, at_b: float, at_c: float, base: float) -> dict[str, np.ndarray]:
    """A triangle on the base BC by its two angles there."""
    turn = np.radians([at_b, at_c])
    side = base * np.sin(turn[1]) / np.sin(turn.sum())
    return {b: np.zeros(2), c: np.array([base, 0.0]), a: ray(at_b, side)}


@kind
def third_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    at_b, at_c = pick(rng, 35, 75), pick(rng, 35, 75)
    d = drawn(("triangle", (a, b, c), (at_b, at_c, pick(rng, 6, 14))), printed={(a, b, c): at_b, (a, c, b): at_c})
    s = Solution(d)
    s.step(
        f"the angles of △{a}{b}{c} add up to 180°",
        s.angle(b, a, c),
        deg(180) - s.angle(a, b, c) - s.angle(a, c, b),
        deg(180) - deg(at_b) - deg(at_c),
    )
    return s.ask(angle(d, b, a, c), at_b + at_c, 180 - at_b, 180 - at_c)


@kind
def acute_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    at_b = pick(rng, 25, 65)
    d = drawn(("right_triangle", (a, b, c), (at_b, pick(rng, 6, 14))), printed={(a, b, c): at_b})
    s = Solution(d)
    s.step(
        f"∠{b}{a}{c} = 90°, so the other two angles of △{a}{b}{c} add up to 90°",
        s.angle(a, c, b),
        deg(90) - s.angle(a, b, c),
        deg(90) - deg(at_b),
    )
    return s.ask(angle(d, a, c, b), 180 - at_b, at_b, 90 + at_b)


@kind
def base_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    apex = pick(rng, 30, 120, 2)
    d = drawn(("isosceles_triangle", (a, b, c), (apex, pick(rng, 6, 14))), printed={(b, a, c): apex})
    s = Solution(d)
    s.step(f"{a}{b} = {a}{c}, so the base angles are equal", s.angle(a, b, c), s.angle(a, c, b))
    s.step("", s.angle(a, b, c), (deg(180) - s.angle(b, a, c)) / num(2), (deg(180) - deg(apex)) / num(2))
    return s.ask(angle(d, a, b, c), 180 - apex, apex, sympy.Rational(apex, 2))


@kind
def apex_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    base = pick(rng, 30, 75)
    d = drawn(("isosceles_triangle", (a, b, c), (180 - 2 * base, pick(rng, 6, 14))), printed={(a, b, c): base})
    s = Solution(d)
    s.step(f"{a}{b} = {a}{c}, so the base angles are equal", s.angle(a, c, b), s.angle(a, b, c), deg(base))
    s.step("the angles add up to 180°", s.angle(b, a, c), deg(180) - num(2) * deg(base))
    return s.ask(angle(d, b, a, c), 180 - base, base, 90 - base if base != 45 else 60)


@kind
def exterior_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    at_b, at_a = pick(rng, 35, 70), pick(rng, 35, 70)
    at_c = 180 - at_a - at_b
    points = triangle_points(a, b, c, at_b, at_c, 8.0)
    points[e] = np.array([8.0 + pick(rng, 4, 6), 0.0])
    d = placed(points, [b + c + e, b + a + c], printed={(a, b, c): at_b, (b, a, c): at_a})
    s = Solution(d)
    s.step(
        f"∠{a}{c}{e} is an exterior angle of △{a}{b}{c}, equal to the sum of the two opposite interior angles",
        s.angle(a, c, e),
        s.angle(a, b, c) + s.angle(b, a, c),
        deg(at_b) + deg(at_a),
    )
    return s.ask(angle(d, a, c, e), at_c, 180 - at_b, 180 - at_a)


@kind
def isosceles_exterior(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    base = pick(rng, 40, 70)
    points = triangle_points(a, b, c, base, base, 8.0)
    points[e] = np.array([8.0 + pick(rng, 4, 6), 0.0])
    d = placed(points, [b + c + e, b + a + c], marks=ticks(a + b, a + c), printed={(a, c, e): 180 - base})
    s = Solution(d)
    s.step(
        f"{b}, {c} and {e} lie on one line", s.angle(a, c, b), deg(180) - s.angle(a, c, e), deg(180) - deg(180 - base)
    )
    s.step(f"{a}{b} = {a}{c}, so the base angles are equal", s.angle(a, b, c), s.angle(a, c, b), deg(base))
    s.step(f"the angles of △{a}{b}{c} add up to 180°", s.angle(b, a, c), deg(180) - num(2) * deg(base))
    return s.ask(angle(d, b, a, c), base, 180 - base, sympy.Rational(180 - base, 2))


@kind
def half_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    at_b, at_c = pick(rng, 40, 70), pick(rng, 40, 70)
    whole = 180 - at_b - at_c
    d = drawn(
        ("triangle", (a, b, c), (at_b, at_c, pick(rng, 6, 14))),
        ("bisector", (a, b, c, e), ()),
        printed={(a, b, c): at_b, (a, c, b): at_c},
    )
    s = Solution(d)
    s.step(
        f"the angles of △{a}{b}{c} add up to 180°",
        s.angle(b, a, c),
        deg(180) - s.angle(a, b, c) - s.angle(a, c, b),
        deg(180) - deg(at_b) - deg(at_c),
    )
    s.step(f"{a}{e} bisects ∠{b}{a}{c}", s.angle(b, a, e), s.angle(b, a, c) / num(2), deg(whole) / num(2))
    return s.ask(angle(d, b, a, e), whole, 90 - at_b if at_b != 90 else 45, at_c)


@kind
def bisectors_meet(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, p = n[:4]
    half_b, half_c = pick(rng, 20, 36), pick(rng, 20, 36)
    points = triangle_points(a, b, c, 2 * half_b, 2 * half_c, 10.0)
    points[p] = triangle_points(p, b, c, half_b, half_c, 10.0)[p]
    marks = [*arcs(a + b + p, p + b + c), *arcs(a + c + p, p + c + b, count=2)]
    at_a = 180 - 2 * half_b - 2 * half_c
    d = placed(points, [a + b + c + a, b + p + c], marks=marks, printed={(b, a, c): at_a})
    s = Solution(d)
    s.step(f"in △{a}{b}{c}:", s.angle(a, b, c) + s.angle(a, c, b), deg(180) - s.angle(b, a, c), deg(180) - deg(at_a))
    both = (deg(180) - deg(at_a)).value
    s.step(
        f"{b}{p} and {c}{p} bisect these angles",
        s.angle(p, b, c) + s.angle(p, c, b),
        (s.angle(a, b, c) + s.angle(a, c, b)) / num(2),
        deg(both) / num(2),
    )
    s.step(f"the angles of △{p}{b}{c} add up to 180°", s.angle(b, p, c), deg(180) - deg(both / 2))
    return s.ask(angle(d, b, p, c), 180 - at_a, both / 2, 2 * at_a)


@kind
def altitude_and_bisector(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, f, g = n[:5]
    at_b, at_c = pick(rng, 62, 74), pick(rng, 26, 34)
    d = drawn(
        ("triangle", (a, b, c), (at_b, at_c, 12)),
        ("altitude", (a, b, c, f), ()),
        ("bisector", (a, b, c, g), ()),
        printed={(a, b, c): at_b, (a, c, b): at_c},
    )
    s = Solution(d)
    whole = 180 - at_b - at_c
    s.step(f"the angles of △{a}{b}{c} add up to 180°", s.angle(b, a, c), deg(180) - deg(at_b) - deg(at_c))
    half = s.step(f"{a}{g} bisects ∠{b}{a}{c}", s.angle(b, a, g), s.angle(b, a, c) / num(2), deg(whole) / num(2))
    foot = s.step(f"{a}{f} ⊥ {b}{c}", s.angle(b, a, f), deg(90) - s.angle(a, b, c), deg(90) - deg(at_b))
    s.step(
        f"{f} lies between {b} and {g}", s.angle(f, a, g), s.angle(b, a, g) - s.angle(b, a, f), deg(half) - deg(foot)
    )
    return s.ask(angle(d, f, a, g), half, foot, at_b - at_c)


@kind
def polygon_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    sides, word = choose(rng, ((5, "pentagon"), (6, "hexagon")))
    corners = tuple(n[:sides])
    d = drawn((f"regular_{word}", corners, (pick(rng, 5, 12),)), printed={})
    k = pick(rng, 0, sides - 3)
    s = Solution(d)
    total = s.step(
        f"the interior angles of a polygon with {sides} sides add up to:",
        (num(sides) - num(2)) * deg(180),
    )
    s.step("they are all equal", s.angle(*corners[k : k + 3]), deg(total) / num(sides))
    asked = angle(d, *corners[k : k + 3])
    given = f"{''.join(corners)} is a regular {word}."
    return s.ask(asked, 360 // sides, 180 - 360 // (sides + 1) if sides == 5 else 108, 90, given=given)


@kind
def quadrilateral_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    at_a, at_b, at_c = pick(rng, 75, 110), pick(rng, 70, 110), pick(rng, 70, 105)
    # corner by corner: the last two sides meet where their directions say
    points = {a: np.zeros(2), b: np.array([9.0, 0.0])}
    points[c] = points[b] + ray(180 - at_b, pick(rng, 5, 8))
    back = ray(360 - at_b - at_c)  # direction from C to the last corner
    turn = ray(at_a)
    t, _ = np.linalg.solve(np.column_stack([turn, -back]), points[c])
    points[e] = t * turn
    printed = {(e, a, b): at_a, (a, b, c): at_b, (b, c, e): at_c}
    d = placed(points, [a + b + c + e + a], facts=[Fact("quadrilateral", (a, b, c, e))], printed=printed)
    s = Solution(d)
    s.step(
        f"the angles of quadrilateral {a}{b}{c}{e} add up to 360°",
        s.angle(c, e, a),
        deg(360) - deg(at_a) - deg(at_b) - deg(at_c),
    )
    return s.ask(angle(d, c, e, a), 180 - at_b, 180 - at_a, 180 - at_c)


def parallel_lines(n: list[str], printed: dict) -> tuple[Diagram, str]:
    crossing, values = printed.pop("crossing"), printed
    d = drawn(("parallel_lines", tuple(n[:8]), (crossing, 6.0)), printed=values)
    return d, f"{n[0]}{n[1]} ∥ {n[2]}{n[3]}."


def _crossing(rng: np.random.Generator) -> int:
    return int(choose(rng, [*range(45, 80), *range(101, 136)]))


@kind
def corresponding_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, f, _, g, h = n[:8]
    crossing = _crossing(rng)
    d, given = parallel_lines(n, {"crossing": crossing, (f, g, b): crossing})
    s = Solution(d)
    reason = f"{a}{b} ∥ {c}{e}, so corresponding angles are equal"
    s.step(reason, s.angle(g, h, e), s.angle(f, g, b), deg(crossing))
    if rng.random() < 0.5:
        return s.ask(angle(d, g, h, e), 180 - crossing, abs(90 - crossing), 360 - 2 * crossing, given=given)
    s.step(f"∠{g}{h}{c} and ∠{g}{h}{e} are neighbours on a line", s.angle(g, h, c), deg(180) - deg(crossing))
    return s.ask(angle(d, g, h, c), crossing, abs(90 - crossing), 2 * (180 - crossing), given=given)


@kind
def alternate_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, _, _, g, h = n[:8]
    crossing = _crossing(rng)
    d, given = parallel_lines(n, {"crossing": crossing, (a, g, h): crossing})
    s = Solution(d)
    reason = f"{a}{b} ∥ {c}{e}, so alternate interior angles are equal"
    s.step(reason, s.angle(g, h, e), s.angle(a, g, h), deg(crossing))
    return s.ask(angle(d, g, h, e), 180 - crossing, abs(90 - crossing), 360 - 2 * crossing, given=given)


@kind
def co_interior_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, _, _, g, h = n[:8]
    crossing = _crossing(rng)
    d, given = parallel_lines(n, {"crossing": crossing, (g, h, e): crossing})
    s = Solution(d)
    s.step(
        f"{a}{b} ∥ {c}{e}, so co-interior angles add up to 180°",
        s.angle(b, g, h),
        deg(180) - s.angle(g, h, e),
        deg(180) - deg(crossing),
    )
    return s.ask(angle(d, b, g, h), crossing, abs(90 - crossing), 360 - 2 * (180 - crossing), given=given)


@kind
def bend_between_parallels(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, p = n[:5]
    at_a, at_c = pick(rng, 25, 60), pick(rng, 25, 60)
    high, low = pick(rng, 3, 5), pick(rng, 3, 5)
    points = {p: np.zeros(2), a: (-high / np.tan(np.radians(at_a)), high), c: (-low / np.tan(np.radians(at_c)), -low)}
    points |= {b: (5.0, high), e: (5.0, -low)}
    # B and D lie to the right of A and C, P between the lines: the angles open towards the right
    d = placed(
        points,
        [a + b, c + e, a + p + c],
        facts=[Fact("parallel", (a, b, c, e))],
        printed={(b, a, p): at_a, (e, c, p): at_c},
    )
    s = Solution(d)
    s.say(f"draw the parallel to {a}{b} and {c}{e} through {p}")
    s.step(
        f"it splits ∠{a}{p}{c} into two angles, which are alternate to ∠{b}{a}{p} and ∠{e}{c}{p}",
        s.angle(a, p, c),
        s.angle(b, a, p) + s.angle(e, c, p),
        deg(at_a) + deg(at_c),
    )
    return s.ask(angle(d, a, p, c), 180 - at_a - at_c, 180 - at_a, 180 - at_c, given=f"{a}{b} ∥ {c}{e}.")
