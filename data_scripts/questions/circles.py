"""Circles: inscribed and central angles, tangents, chords, secants."""

import numpy as np
import sympy

from ..diagram import Diagram, Fact
from ..diagram.program import Unsound
from .figures import Printed, placed, ray, right_angle
from .question import Draft, Solution, angle, kind, length, pick
from .terms import deg, num, root
from .triangles import legs

O = "O"  # noqa: E741  the centre's letter, as every book writes it


def _on_circle(at: dict[str, float], radius: float = 6.0) -> dict[str, np.ndarray]:
    """The centre, and points on the circle around it at these directions in degrees."""
    return {O: np.zeros(2)} | {name: ray(degrees, radius) for name, degrees in at.items()}


def _circle(at: dict[str, float], lines: list[str], printed: Printed, radius: float = 6.0) -> Diagram:
    facts = [Fact("on_circle", (name, O)) for name in at]
    return placed(_on_circle(at, radius), lines, circles={O: radius}, facts=facts, printed=printed)


@kind
def inscribed_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    half = pick(rng, 35, 68)
    at = {a: 270 - half, b: 270 + half, c: 90 + pick(rng, -40, 40)}
    d = _circle(at, [a + O + b, a + c + b], {(a, O, b): 2 * half})
    s = Solution(d)
    s.step(
        f"an inscribed angle is half of the central angle on the same arc {a}{b}",
        s.angle(a, c, b),
        s.angle(a, O, b) / num(2),
        deg(2 * half) / num(2),
    )
    return s.ask(angle(d, a, c, b), 2 * half, 180 - 2 * half, 90 - half)


@kind
def central_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    half = pick(rng, 35, 68)
    at = {a: 270 - half, b: 270 + half, c: 90 + pick(rng, -40, 40)}
    d = _circle(at, [a + O + b, a + c + b], {(a, c, b): half})
    s = Solution(d)
    s.step(
        f"a central angle is twice the inscribed angle on the same arc {a}{b}",
        s.angle(a, O, b),
        num(2) * s.angle(a, c, b),
        num(2) * deg(half),
    )
    return s.ask(angle(d, a, O, b), half, 180 - half, 90 + half)


@kind
def inscribed_from_base(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    half = pick(rng, 40, 65)
    at = {a: 270 - half, b: 270 + half, c: 90 + pick(rng, -35, 35)}
    d = _circle(at, [a + O + b + a, a + c + b], {(O, a, b): 90 - half})
    s = Solution(d)
    s.step(f"O{a} = O{b}, so", s.angle(O, b, a), s.angle(O, a, b), deg(90 - half))
    s.step(f"the angles of △O{a}{b} add up to 180°", s.angle(a, O, b), deg(180) - num(2) * deg(90 - half))
    s.step("the inscribed angle is half of it", s.angle(a, c, b), s.angle(a, O, b) / num(2), deg(2 * half) / num(2))
    return s.ask(angle(d, a, c, b), 2 * half, 90 - half, 180 - half)


@kind
def angle_in_semicircle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    at_a = pick(rng, 28, 62)
    d = _circle({a: 180, b: 0, c: 2 * at_a}, [a + O + b, a + c + b], {(c, a, b): at_a})
    s = Solution(d)
    s.step(f"{a}{b} is a diameter, so", s.angle(a, c, b), deg(90))
    s.step("", s.angle(c, b, a), deg(90) - s.angle(c, a, b), deg(90) - deg(at_a))
    return s.ask(angle(d, c, b, a), at_a, 180 - at_a, 180 - 2 * at_a)


@kind
def same_arc(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    half, left = pick(rng, 35, 60), pick(rng, 20, 45)
    at = {a: 270 - half, b: 270 + half, c: 90 + left, e: 90 - pick(rng, 20, 45)}
    d = _circle(at, [a + c + b, a + e + b], {(a, c, b): half})
    s = Solution(d)
    s.step(f"both angles stand on the arc {a}{b}", s.angle(a, e, b), s.angle(a, c, b), deg(half))
    return s.ask(angle(d, a, e, b), 2 * half, 180 - half, 90 - half)


@kind
def cyclic_quadrilateral(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    at_a = pick(rng, 65, 115)
    turn = pick(rng, 30, 60)
    # the arc from B over C to D is twice the angle at A
    at = {b: 0.0, c: float(at_a + turn - 45), e: 2.0 * at_a, a: at_a + 180.0}
    d = _circle(at, [a + b + c + e + a], {(e, a, b): at_a})
    s = Solution(d)
    s.step(
        f"{a}{b}{c}{e} is inscribed in the circle, so opposite angles add up to 180°",
        s.angle(b, c, e),
        deg(180) - s.angle(e, a, b),
        deg(180) - deg(at_a),
    )
    return s.ask(angle(d, b, c, e), at_a, 2 * (180 - at_a) if at_a > 90 else 90 - at_a // 2, 360 - 2 * at_a)


@kind
def tangent_length(rng: np.random.Generator, n: list[str]) -> Draft:
    a, p = n[:2]
    radius = pick(rng, 3, 8)
    whole = pick(rng, radius + 3, 2 * radius + 3)
    other = sympy.sqrt(whole**2 - radius**2)
    points = {O: np.zeros(2), a: (0.0, radius), p: (float(other), radius)}
    d = placed(
        points,
        [O + a + p + O],
        circles={O: radius},
        facts=[Fact("tangent", (p, a, O))],
        printed={(O, a): radius, (O, p): whole},
    )
    s = Solution(d)
    reason = f"{p}{a} is a tangent, so ∠O{a}{p} = 90° and Pythagoras' theorem holds"
    square = s.step(
        reason, s.length(p, a) ** 2, s.length(O, p) ** 2 - s.length(O, a) ** 2, num(whole) ** 2 - num(radius) ** 2
    )
    s.step("", s.length(p, a), root(num(square)))
    given = f"{p}{a} is tangent to ⊙O at {a}."
    return s.ask(length(d, p, a), whole - radius, sympy.sqrt(whole**2 + radius**2), square, given=given)


@kind
def tangent_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, p = n[:2]
    at_o = pick(rng, 40, 65)
    radius = 5.0
    points = {O: np.zeros(2), a: (0.0, radius), p: (radius * np.tan(np.radians(at_o)), radius)}
    d = placed(
        points,
        [O + a + p + O],
        circles={O: radius},
        facts=[Fact("tangent", (p, a, O))],
        printed={(a, O, p): at_o},
    )
    s = Solution(d)
    s.step(f"{p}{a} is a tangent and O{a} a radius, so", s.angle(O, a, p), deg(90))
    s.step("", s.angle(a, p, O), deg(90) - s.angle(a, O, p), deg(90) - deg(at_o))
    return s.ask(angle(d, a, p, O), at_o, 180 - at_o, 90 + at_o, given=f"{p}{a} is tangent to ⊙O at {a}.")


@kind
def two_tangents(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, p = n[:3]
    half = pick(rng, 24, 36)
    far = 5.0 / np.sin(np.radians(half))
    points = _on_circle({a: 90 - half, b: half - 90}, 5.0) | {p: (far, 0.0)}
    d = placed(
        points,
        [p + a + O + b + p],
        circles={O: 5.0},
        facts=[Fact("tangent", (p, a, O)), Fact("tangent", (p, b, O))],
        printed={(a, p, b): 2 * half},
    )
    s = Solution(d)
    given = f"{p}{a} and {p}{b} are tangent to ⊙O at {a} and {b}."
    s.say(f"tangents are perpendicular to the radii, so ∠O{a}{p} = 90° and ∠O{b}{p} = 90°")
    s.step(
        f"the angles of {p}{a}O{b} add up to 360°",
        s.angle(a, O, b),
        deg(360) - num(2) * deg(90) - s.angle(a, p, b),
        deg(180) - deg(2 * half),
    )
    return s.ask(angle(d, a, O, b), 2 * half, 180 - half, 90 - half, given=given)


@kind
def tangent_chord(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, p = n[:4]
    half = pick(rng, 38, 66)
    # tangent at A to the right, A at the bottom: the arc AB is twice the angle between tangent and chord
    points = _on_circle({a: 270, b: 270 + 2 * half, c: 270 + 2 * half + pick(rng, 80, 120)}) | {p: (8.0, -6.0)}
    d = placed(
        points,
        [a + p, a + b + c + a],
        circles={O: 6.0},
        facts=[Fact("on_circle", (x, O)) for x in (a, b, c)],
        printed={(p, a, b): half},
    )
    s = Solution(d)
    s.step(
        f"the angle between the tangent {a}{p} and the chord {a}{b} equals the inscribed angle on the arc {a}{b}",
        s.angle(a, c, b),
        s.angle(p, a, b),
        deg(half),
    )
    given = f"{p}{a} is tangent to ⊙O at {a}."
    return s.ask(angle(d, a, c, b), 90 - half, 180 - half, 2 * half, given=given)


def _through(points: list[np.ndarray]) -> tuple[np.ndarray, float]:
    """Centre and radius of the circle through three points."""
    p, q, r = points
    centre = np.linalg.solve(2 * np.array([q - p, r - p]), [q @ q - p @ p, r @ r - p @ p])
    return centre, float(np.linalg.norm(centre - p))


@kind
def crossing_chords(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, p = n[:5]
    pa, pb, pc = pick(rng, 3, 9), pick(rng, 3, 9), pick(rng, 3, 9)
    pd = sympy.Rational(pa * pb, pc)
    if pd.q > 3 or not 2 < pd < 12 or len({pa, pb, pc}) < 3:
        raise Unsound("the answer is no number of a school book")
    turn = pick(rng, 60, 110)
    at = {p: np.zeros(2), a: ray(180, pa), b: ray(0, pb), c: ray(turn, pc), e: ray(turn + 180, float(pd))}
    centre, radius = _through([at[a], at[b], at[c]])
    d = placed(
        at | {O: centre},
        [a + b, c + e],
        circles={O: radius},
        facts=[Fact("chord", (a, b, O)), Fact("chord", (c, e, O)), Fact("intersect", (p, a, b, c, e))],
        printed={(a, p): pa, (p, b): pb, (c, p): pc},
    )
    s = Solution(d)
    s.step(
        "the products of the parts of crossing chords are equal",
        s.length(a, p) * s.length(p, b),
        s.length(c, p) * s.length(p, e),
    )
    s.step("", s.length(p, e), s.length(a, p) * s.length(p, b) / s.length(c, p), num(pa) * num(pb) / num(pc))
    return s.ask(length(d, p, e), sympy.Rational(pa * pc, pb), sympy.Rational(pb * pc, pa), abs(pa + pb - pc))


@kind
def secant_tangent(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, p = n[:4]
    near, chord = pick(rng, 2, 6), pick(rng, 4, 12)
    whole = near + chord
    reach = sympy.sqrt(near * whole)
    off = 0.4 * chord
    centre, radius = np.array([near + chord / 2, off]), float(np.hypot(chord / 2, off))
    # the point of touch that lies on the centre's side of the secant
    along = centre / np.linalg.norm(centre)
    at = float(np.arccos(float(reach) / np.linalg.norm(centre)))
    touch = float(reach) * np.array([[np.cos(at), -np.sin(at)], [np.sin(at), np.cos(at)]]) @ along
    d = placed(
        {p: np.zeros(2), b: (near, 0.0), c: (whole, 0.0), a: touch, O: centre},
        [p + a, p + b + c],
        circles={O: radius},
        facts=[Fact("on_circle", (x, O)) for x in (a, b, c)],
        printed={(p, b): near, (b, c): chord},
    )
    s = Solution(d)
    s.step("", s.length(p, c), s.length(p, b) + s.length(b, c), num(near) + num(chord))
    square = s.step(
        f"{p}{a} is a tangent and {p}{c} a secant",
        s.length(p, a) ** 2,
        s.length(p, b) * s.length(p, c),
        num(near) * num(whole),
    )
    s.step("", s.length(p, a), root(num(square)))
    given = f"{p}{a} is tangent to ⊙O at {a}."
    return s.ask(length(d, p, a), sympy.sqrt(near * chord), square, sympy.sqrt(near**2 + whole**2), given=given)


@kind
def two_secants(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, p = n[:5]
    pa, ab, pc = pick(rng, 3, 6), pick(rng, 4, 10), pick(rng, 3, 6)
    pd = sympy.Rational(pa * (pa + ab), pc)
    cd = pd - pc
    if pd.q > 3 or not 3 < cd < 12 or pa == pc:
        raise Unsound("the answer is no number of a school book")
    turn = pick(rng, 32, 48)
    at = {p: np.zeros(2), a: ray(0, pa), b: ray(0, pa + ab), c: ray(turn, pc), e: ray(turn, float(pd))}
    centre, radius = _through([at[a], at[b], at[c]])
    d = placed(
        at | {O: centre},
        [p + a + b, p + c + e],
        circles={O: radius},
        facts=[Fact("on_circle", (x, O)) for x in (a, b, c, e)],
        printed={(p, a): pa, (a, b): ab, (p, c): pc},
    )
    s = Solution(d)
    s.step("", s.length(p, b), s.length(p, a) + s.length(a, b), num(pa) + num(ab))
    reason = f"the secants from {p} satisfy"
    s.step(reason + ":", s.length(p, c) * s.length(p, e), s.length(p, a) * s.length(p, b))
    s.step("", s.length(p, e), s.length(p, a) * s.length(p, b) / s.length(p, c), num(pa) * num(pa + ab) / num(pc))
    s.step("", s.length(c, e), s.length(p, e) - s.length(p, c), num(pd) - num(pc))
    return s.ask(length(d, c, e), pd, sympy.Rational(pa * ab, pc), ab)


@kind
def chord_length(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, m = n[:3]
    off, half = legs(rng, 3, 9)
    whole = off**2 + half**2
    radius = sympy.sqrt(whole)
    if not radius.is_Integer:  # a whole radius, and half the chord as it comes
        radius = sympy.Integer(int(float(radius)) + 1)
    other = sympy.sqrt(radius**2 - off**2)
    points = {O: np.zeros(2), m: (0.0, -off), a: (-float(other), -off), b: (float(other), -off)}
    d = placed(
        points,
        [a + m + b, O + m, O + a],
        circles={O: float(radius)},
        marks=[right_angle(O, m, b)],
        facts=[Fact("on_circle", (a, O)), Fact("on_circle", (b, O))],
        printed={(O, m): off, (O, a): radius},
    )
    s = Solution(d)
    reason = f"O{m} ⊥ {a}{b}, so Pythagoras' theorem holds in △O{m}{a}"
    square = s.step(
        reason, s.length(a, m) ** 2, s.length(O, a) ** 2 - s.length(O, m) ** 2, num(radius) ** 2 - num(off) ** 2
    )
    half_chord = s.step("", s.length(a, m), root(num(square)))
    s.step(f"O{m} halves the chord", s.length(a, b), num(2) * s.length(a, m), num(2) * num(half_chord))
    return s.ask(length(d, a, b), half_chord, 2 * sympy.sqrt(radius**2 + off**2), 2 * (radius - off))


@kind
def chord_base_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b = n[:2]
    half = pick(rng, 30, 65)
    d = _circle({a: 270 - half, b: 270 + half}, [O + a + b + O], {(a, O, b): 2 * half})
    s = Solution(d)
    s.step(f"O{a} = O{b}, so", s.angle(O, a, b), s.angle(O, b, a))
    s.step(
        "",
        s.angle(O, a, b),
        (deg(180) - s.angle(a, O, b)) / num(2),
        (deg(180) - deg(2 * half)) / num(2),
    )
    return s.ask(angle(d, O, a, b), 180 - 2 * half, half, 2 * half)
