"""Reading a figure: which part is named, marked or printed there, and how many there are."""

from itertools import combinations

import numpy as np

from ..diagram import Diagram, Fact
from ..diagram.facts import angle_at, check, distance
from ..diagram.program import Unsound
from .figures import drawn, placed, ray, ticks
from .question import Asked, Draft, Solution, angle, choose, kind, length, pick, segment_name
from .terms import deg, num

PLAIN = ("{}",)  # what is asked is already a sentence
ALPHABETICAL = "Give its letters in alphabetical order."


def _which(*sentences: str, choices_only: bool = False) -> Asked:
    return Asked(tuple(sentences), None, forms=PLAIN, choices_only=choices_only)


def _how_many(measured: int, *sentences: str) -> Asked:
    return Asked(tuple(sentences), float(measured), forms=PLAIN)


@kind
def read_length(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    d = _four_sides(rng, n)
    part = choose(rng, ((a, b), (b, c), (c, n[3]), (n[3], a)))
    s = Solution(d)
    value = {p: round(distance(d, *p)) for p in ((a, b), (b, c), (c, n[3]), (n[3], a))}
    s.step("the figure shows", s.length(*part), num(value.pop(part)))
    return s.ask(length(d, *part), *value.values())


@kind
def read_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    d, parts = _three_angles(rng, n)
    part = list(parts)[int(rng.integers(3))]
    s = Solution(d)
    s.step("the figure shows", s.angle(*part), deg(parts[part]))
    return s.ask(angle(d, *part), *(v for p, v in parts.items() if p != part), 180 - parts[part])


@kind
def right_vertex(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    d = drawn(("right_triangle", (a, b, c), (pick(rng, 30, 60), pick(rng, 6, 14))), printed={})
    named = "".join(sorted((a, b, c)))
    s = Solution(d)
    s.say(f"{a}{b} ⊥ {a}{c}, so ∠{b}{a}{c} = 90° and the right angle is at {a}")
    return s.name(
        _which(f"At which vertex of △{named} is the right angle?", f"Which vertex of △{named} has the right angle?"), a
    )


@kind
def right_angle_name(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    d = drawn(
        ("triangle", (a, b, c), (pick(rng, 40, 65), pick(rng, 40, 65), pick(rng, 6, 14))),
        ("altitude", (a, b, c, e), ()),
        printed={},
    )
    s = Solution(d)
    s.say(f"{a}{e} ⊥ {b}{c} with its foot at {e}, so the right angle is ∠{a}{e}{b}")
    asked = _which("Which of these angles is a right angle?", "Which of these angles is 90°?", choices_only=True)
    return s.name(asked, f"∠{a}{e}{b}", f"∠{b}{a}{c}", f"∠{a}{b}{c}", f"∠{a}{c}{b}")


@kind
def equal_side(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    d = drawn(("isosceles_triangle", (a, b, c), (pick(rng, 30, 110, 5), pick(rng, 6, 14))), printed={})
    if abs(distance(d, b, c) / distance(d, a, b) - 1) < 0.15:
        raise Unsound("the third side looks equal, too")
    s = Solution(d)
    s.say(f"{a}{b} and {a}{c} carry the same tick, so {a}{b} = {segment_name(a, c)}")
    named = "".join(sorted((a, b, c)))
    asked = _which(
        f"Which other side of △{named} is marked equal to {a}{b}? {ALPHABETICAL}",
        f"One side of △{named} is marked as long as {a}{b}. Which one? {ALPHABETICAL}",
    )
    return s.name(asked, segment_name(a, c))


@kind
def parallel_side(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    numbers = (pick(rng, 45, 60), pick(rng, 62, 75), pick(rng, 8, 14), choose(rng, (0.4, 0.5)))
    d = drawn(("trapezoid", (a, b, c, e), numbers), printed={})
    s = Solution(d)
    s.say(f"{segment_name(b, c)} and {segment_name(a, e)} are not parallel, but {a}{b} ∥ {segment_name(c, e)}")
    asked = _which(
        f"Which side of trapezoid {a}{b}{c}{e} is parallel to {a}{b}? {ALPHABETICAL}",
        f"{a}{b} is a base of trapezoid {a}{b}{c}{e}. Which side is parallel to it? {ALPHABETICAL}",
    )
    return s.name(asked, segment_name(c, e))


@kind
def diameter_name(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    start = pick(rng, 0, 345, 15)
    at = {a: start, b: start + 180, c: start + pick(rng, 50, 80), e: start + pick(rng, 230, 280)}
    points = {"O": np.zeros(2)} | {name: ray(degrees, 6.0) for name, degrees in at.items()}
    d = placed(
        points,
        [a + "O" + b, a + c + b, c + e],
        circles={"O": 6.0},
        facts=[Fact("diameter", (a, b, "O")), Fact("chord", (c, e, "O"))],
    )
    if check(Fact("diameter", (c, e, "O")), d) is not False:
        raise Unsound("the chord looks like a diameter")
    s = Solution(d)
    s.say(f"{a}{b} passes through the centre O, so the diameter is {segment_name(a, b)}")
    asked = _which(f"Which segment is a diameter of ⊙O? {ALPHABETICAL}", f"Name the diameter of ⊙O. {ALPHABETICAL}")
    return s.name(asked, segment_name(a, b), segment_name(a, c), segment_name(c, e), segment_name(b, c))


@kind
def tangent_name(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, p = n[:4]
    reach = pick(rng, 7, 10)
    points = {"O": np.zeros(2), a: (0.0, 5.0), p: (reach, 5.0), b: ray(pick(rng, 200, 230), 5.0)}
    points[c] = ray(pick(rng, 300, 330), 5.0)
    d = placed(
        points,
        ["O" + a, p + a, a + b + c],
        circles={"O": 5.0},
        facts=[Fact("tangent", (p, a, "O")), Fact("chord", (a, b, "O")), Fact("chord", (b, c, "O"))],
    )
    s = Solution(d)
    s.say(f"{p}{a} meets the circle at {a} only and O{a} ⊥ {p}{a}, so the tangent is {segment_name(p, a)}")
    asked = _which(f"Which segment is tangent to ⊙O? {ALPHABETICAL}", f"Name the tangent to ⊙O. {ALPHABETICAL}")
    return s.name(asked, segment_name(p, a), segment_name("O", a), segment_name(a, b), segment_name(b, c))


@kind
def midpoint_name(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e, f = n[:5]
    side = pick(rng, 8, 14)
    points = {b: np.zeros(2), c: np.array([side, 0.0]), a: ray(pick(rng, 50, 70), 0.9 * side)}
    points |= {e: (points[b] + points[c]) / 2, f: points[a] + choose(rng, (0.3, 0.7)) * (points[c] - points[a])}
    d = placed(
        points,
        [a + b + e + c + f + a, e + f],
        marks=ticks(b + e, e + c),
        facts=[Fact("midpoint", (e, b, c)), Fact("on_segment", (f, a, c))],
    )
    s = Solution(d)
    s.say(f"{b}{e} and {e}{c} carry the same tick, so the midpoint of {b}{c} is {e}")
    named = "".join(sorted((a, b, c)))
    asked = _which(
        f"Which labelled point is the midpoint of a side of △{named}?", f"Which point halves a side of △{named}?"
    )
    return s.name(asked, e)


def _triangles(d: Diagram) -> list[str]:
    """The triangles whose sides are all drawn, each by its letters in alphabetical order."""
    found = (corners for corners in combinations(sorted(d.points), 3) if check(Fact("triangle", corners), d) is True)
    return ["".join(corners) for corners in found]


@kind
def count_triangles(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    feet = n[3 : 3 + pick(rng, 1, 3)]
    points = {b: np.zeros(2), c: np.array([14.0, 0.0]), a: np.array([pick(rng, 6, 8), 8.0])}
    for i, foot in enumerate(feet, 1):
        points[foot] = np.array([14.0 * (i + float(rng.uniform(-0.1, 0.1))) / (len(feet) + 1), 0.0])
    line = b + "".join(feet) + c
    d = placed(points, [line, a + b, a + c, *(a + foot for foot in feet)])
    s = Solution(d)
    asked = _how_many(len(_triangles(d)), "How many triangles are in the figure?", "Count the triangles.")
    named = ", ".join(f"△{a}{p}{q}" for p, q in combinations(line, 2))
    s.say(f"every triangle has the vertex {a} and two of the points on {b}{c}: {named}.")
    k = len(line)
    s.step("together", s.quantity("Number", asked), num(k) * num(k - 1) / num(2))
    return s.ask(asked, k - 1, k, k * (k - 1) // 2 + 1)


@kind
def count_on_circle(rng: np.random.Generator, n: list[str]) -> Draft:
    names = n[:6]
    on = pick(rng, 2, 5)
    turns = (np.arange(6) * 60 + rng.uniform(-15, 15, 6) + pick(rng, 0, 45, 15)).tolist()
    kinds = [1.0] * on + [float(choose(rng, (0.6, 1.4))) for _ in range(6 - on)]
    reach = [kinds[i] for i in rng.permutation(6)]
    points = {"O": np.zeros(2)} | {p: ray(t, 5.0 * r) for p, t, r in zip(names, turns, reach, strict=True)}
    d = placed(points, [p + q for p, q in zip(names, names[1:], strict=False)], circles={"O": 5.0})
    there = sorted(p for p in names if check(Fact("on_circle", (p, "O")), d) is True)
    s = Solution(d)
    asked = _how_many(len(there), "How many of the labelled points lie on ⊙O?", "How many labelled points are on ⊙O?")
    s.say(f"the points on the circle are {', '.join(there)}")
    s.step("so", s.quantity("Number", asked), num(on))
    return s.ask(asked, on + 1, on - 1, 6 if on < 5 else 3)


def _four_sides(rng: np.random.Generator, n: list[str]) -> Diagram:
    """A convex quadrilateral ABCD with four different whole sides, all printed."""
    a, b, c, e = n[:4]
    ab, bc, cd, da = (int(v) for v in rng.permutation(np.arange(5, 13))[:4])
    ac = pick(rng, 8, 14)
    if not all(abs(p - q) + 2 < ac < p + q - 2 for p, q in ((ab, bc), (cd, da))):
        raise Unsound("no triangle has these sides")
    points = {a: np.zeros(2), c: np.array([float(ac), 0.0])}
    for name, near, far, side in ((b, ab, bc, -1), (e, da, cd, 1)):
        x = (near**2 + ac**2 - far**2) / (2 * ac)
        points[name] = np.array([x, side * np.sqrt(near**2 - x**2)])
    d = placed(
        points,
        [a + b + c + e + a],
        facts=[Fact("quadrilateral", (a, b, c, e))],
        printed={(a, b): ab, (b, c): bc, (c, e): cd, (e, a): da},
    )
    corners = (a, b, c, e)
    angles = [angle_at(d, corners[i - 2], corners[i - 1], corners[i]) for i in range(4)]
    if max(angles) > 155 or sum(angles) < 359:  # the angles of a quadrilateral with a dent measure less than 360°
        raise Unsound("the quadrilateral has a flat corner or a dent")
    return d


@kind
def longest_side(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    d = _four_sides(rng, n)
    sides = ((a, b), (b, c), (c, e), (e, a))
    want = choose(rng, ("longest", "shortest"))
    s = Solution(d)
    for p, q in sides:  # around the figure: each is looked up by its name, and only then are they compared
        s.step("", s.length(p, q), num(round(distance(d, p, q))))
    found, *others = sorted(sides, key=lambda p: distance(d, *p), reverse=want == "longest")
    name = segment_name(*found)
    s.say(f"the {want} is {name}")
    asked = _which(
        f"Which side of quadrilateral {a}{b}{c}{e} is the {want}? {ALPHABETICAL}",
        f"Name the {want} side of quadrilateral {a}{b}{c}{e}. {ALPHABETICAL}",
    )
    return s.name(asked, name, *(segment_name(*side) for side in others))


def _three_angles(rng: np.random.Generator, n: list[str]) -> tuple[Diagram, dict[tuple[str, str, str], int]]:
    """A triangle with its three angles printed, and these in degrees."""
    a, b, c = n[:3]
    at_b, at_c = pick(rng, 38, 70), pick(rng, 38, 70)
    value = {(a, b, c): at_b, (a, c, b): at_c, (b, a, c): 180 - at_b - at_c}
    return drawn(("triangle", (a, b, c), (at_b, at_c, pick(rng, 6, 14))), printed=value), value


@kind
def largest_angle(rng: np.random.Generator, n: list[str]) -> Draft:
    d, value = _three_angles(rng, n)
    if len(set(value.values())) < 3:
        raise Unsound("two angles are equal")
    want = choose(rng, ("largest", "smallest"))
    s = Solution(d)
    for part in sorted(value, key=lambda part: part[1]):  # by their vertices, as the triangle is named
        s.step("", s.angle(*part), deg(value[part]))
    vertex = (max if want == "largest" else min)(value, key=value.get)[1]
    s.say(f"the {want} is at {vertex}")
    named = "".join(sorted(n[:3]))
    asked = _which(
        f"At which vertex of △{named} is the {want} angle?", f"Name the vertex of the {want} angle of △{named}."
    )
    return s.name(asked, vertex)


@kind
def side_by_angles(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c = n[:3]
    at_b, at_c = pick(rng, 36, 75), pick(rng, 36, 75)
    at_a = 180 - at_b - at_c
    angles = {a: at_a, b: at_b, c: at_c}
    ranked = sorted(angles, key=lambda p: -angles[p])
    if angles[ranked[0]] - angles[ranked[1]] < 8:
        raise Unsound("two sides look equally long")
    d = drawn(("triangle", (a, b, c), (at_b, at_c, pick(rng, 6, 14))), printed={(a, b, c): at_b, (a, c, b): at_c})
    s = Solution(d)
    s.step(f"the angles of △{a}{b}{c} add up to 180°", s.angle(b, a, c), deg(180) - deg(at_b) - deg(at_c))
    opposite = segment_name(*(p for p in (a, b, c) if p != ranked[0]))
    s.say(f"the largest angle is at {ranked[0]}, and the longest side lies opposite: {opposite}.")
    named = "".join(sorted((a, b, c)))
    asked = _which(
        f"Which side of △{named} is the longest? {ALPHABETICAL}", f"Name the longest side of △{named}. {ALPHABETICAL}"
    )
    return s.name(asked, opposite)


@kind
def quadrilateral_kind(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, e = n[:4]
    numbers = {
        "square": (pick(rng, 5, 14),),
        "rectangle": (pick(rng, 10, 14), pick(rng, 5, 7)),
        "rhombus": (pick(rng, 45, 65), pick(rng, 5, 14)),
        "parallelogram": (pick(rng, 45, 65), pick(rng, 10, 14), pick(rng, 5, 7)),
        "trapezoid": (pick(rng, 45, 55), pick(rng, 62, 75), pick(rng, 8, 14), 0.4),
        "kite": (pick(rng, 70, 100), pick(rng, 5, 9), 1.8),
    }
    reasons = {
        "square": "all angles are right and all sides are equal",
        "rectangle": "all angles are right, but neighbouring sides differ",
        "rhombus": "all sides are equal, but the angles are not right",
        "parallelogram": "opposite sides are parallel, but neither are all sides equal nor the angles right",
        "trapezoid": f"{a}{b} ∥ {c}{e}, while the other two sides are not parallel",
        "kite": f"{a}{b} = {a}{e} and {c}{b} = {c}{e}, while no sides are parallel",
    }
    names = [str(name) for name in rng.permutation(list(numbers))]
    d = drawn((names[0], (a, b, c, e), numbers[names[0]]), printed={})
    s = Solution(d)
    s.say(f"{reasons[names[0]]}: {a}{b}{c}{e} is a {names[0]}.")
    listed = ", ".join(sorted(numbers))
    asked = _which(
        f"Which name fits quadrilateral {a}{b}{c}{e} best: {listed}?",
        f"What kind of quadrilateral is {a}{b}{c}{e}? Give the most special name out of {listed}.",
    )
    return s.name(asked, names[0], *names[1:])
