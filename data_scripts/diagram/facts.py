"""What is true of a diagram, decided on coordinates with a margin.

`check` answers True, False or None. True: the relation holds within drawing accuracy. False: a person would *see* that
it does not hold. None: too close to call, or nothing in the figure says. Only False makes a negative; None never does.
Printed values are compared as text: a length or angle is what the figure prints, whatever the coordinates measure.

Compound facts are Kleene conjunctions of these predicates, so an altitude is False as soon as one of its parts is.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

from .diagram import Diagram, Fact, Mark

Verdict = bool | None

# Margins: (true up to, false from). Between the two nobody should be asked to tell.
ANGLE = (4.0, 15.0)  # degrees away from the stated direction
DISTANCE = (0.025, 0.08)  # share of the diagram's size
LOG_RATIO = (0.05, 0.18)  # of two lengths
RADIUS = (0.05, 0.16)  # share of the circle's radius


def _within(error: float, margin: tuple[float, float]) -> Verdict:
    low, high = margin
    return True if error <= low else False if error >= high else None


def _all(verdicts: Iterable[Verdict]) -> Verdict:
    verdicts = list(verdicts)
    return False if False in verdicts else None if None in verdicts else True


def _any(verdicts: Iterable[Verdict]) -> Verdict:
    verdicts = list(verdicts)
    return True if True in verdicts else None if None in verdicts else False


def direction(d: Diagram, a: str, b: str) -> float:
    """Direction of the ray from a to b in degrees."""
    (ax, ay), (bx, by) = d.points[a], d.points[b]
    return math.degrees(math.atan2(by - ay, bx - ax))


def angle_at(d: Diagram, a: str, b: str, c: str) -> float:
    """Size of the angle ABC in degrees, in [0, 180]."""
    turn = abs(direction(d, b, a) - direction(d, b, c)) % 360
    return min(turn, 360 - turn)


def distance(d: Diagram, a: str, b: str) -> float:
    return math.dist(d.points[a], d.points[b])


def _line_angle(d: Diagram, a: str, b: str, c: str, e: str) -> float:
    """Angle between the lines AB and CE in degrees, in [0, 90]."""
    turn = abs(direction(d, a, b) - direction(d, c, e)) % 180
    return min(turn, 180 - turn)


def off_segment(d: Diagram, p: str, a: str, b: str) -> float:
    """Distance of P from the segment AB as a share of the diagram's size."""
    (ax, ay), (bx, by), (px, py) = d.points[a], d.points[b], d.points[p]
    ux, uy = bx - ax, by - ay
    t = ((px - ax) * ux + (py - ay) * uy) / max(ux * ux + uy * uy, 1e-12)
    t = min(max(t, 0.0), 1.0)
    return math.hypot(px - ax - t * ux, py - ay - t * uy) / d.size


def _drawn(d: Diagram, a: str, b: str) -> Verdict:
    """Whether a line is drawn from A to B: one segment carries both, or several do, from point to point."""
    if a == b:
        return False
    pair = (a, b) if a < b else (b, a)
    if pair not in d.drawn_lines:
        d.drawn_lines[pair] = _find_line(d, *pair)
    return d.drawn_lines[pair]


def _find_line(d: Diagram, a: str, b: str) -> Verdict:
    if (a, b) in d.segments or (b, a) in d.segments:
        return True
    gaps = (max(off_segment(d, x, p, q) for x in (a, b)) for p, q in d.segments)
    verdict = _within(min(gaps, default=math.inf), DISTANCE)
    if verdict is True:
        return True
    whole = distance(d, a, b)
    between = (
        p
        for p in d.points
        if max(distance(d, a, p), distance(d, p, b)) < whole and off_segment(d, p, a, b) <= DISTANCE[0]
    )
    return _any([verdict, *(_all([_drawn(d, a, p), _drawn(d, p, b)]) for p in between)])


def _equal(d: Diagram, a: str, b: str, c: str, e: str) -> Verdict:
    return _within(abs(math.log(max(distance(d, a, b), 1e-9) / max(distance(d, c, e), 1e-9))), LOG_RATIO)


def _equal_angles(d: Diagram, first: tuple[str, str, str], second: tuple[str, str, str]) -> Verdict:
    return _within(abs(angle_at(d, *first) - angle_at(d, *second)), ANGLE)


def _straight(d: Diagram, a: str, b: str, c: str, e: str) -> Verdict:
    return _within(_line_angle(d, a, b, c, e), ANGLE)


def _square(d: Diagram, a: str, b: str, c: str, e: str) -> Verdict:
    return _within(90 - _line_angle(d, a, b, c, e), ANGLE)


def _between(d: Diagram, p: str, a: str, b: str) -> Verdict:
    """P lies on the drawn segment AB, visibly away from its ends."""
    ends = min(distance(d, p, a), distance(d, p, b)) / d.size
    apart = True if ends > 0.04 else False if ends < 0.005 else None
    return _all([_drawn(d, a, b), _within(off_segment(d, p, a, b), DISTANCE), apart])


def _polygon(d: Diagram, *corners: str) -> Verdict:
    """Every side is drawn, no corner is flat, and no side crosses another."""
    n = len(corners)
    sides = [_drawn(d, corners[i - 1], corners[i]) for i in range(n)]
    if False in sides:
        return False
    ways = [direction(d, corners[i - 1], corners[i]) for i in range(n)]
    turns = [(ways[(i + 1) % n] - ways[i] + 180) % 360 - 180 for i in range(n)]
    once_around = abs(abs(sum(turns)) - 360) < 1  # a bow-tie turns by 0 degrees in all, a pentagram by 720
    return _all([*sides, once_around, *(True if 12 < abs(t) < 168 else False if abs(t) < 4 else None for t in turns)])


def _same_sides(d: Diagram, *corners: str) -> Verdict:
    """The longest side is as long as the shortest: so that it is the same from whichever corner one begins."""
    sides = [distance(d, corners[i - 1], corners[i]) for i in range(len(corners))]
    return _within(math.log(max(*sides, 1e-9) / max(min(sides), 1e-9)), LOG_RATIO)


def _same_angles(d: Diagram, *corners: str) -> Verdict:
    n = len(corners)
    angles = [angle_at(d, corners[i - 1], corners[i], corners[(i + 1) % n]) for i in range(n)]
    return _within(max(angles) - min(angles), ANGLE)


def _right_corners(d: Diagram, a: str, b: str, c: str, e: str) -> Verdict:
    return _all(_square(d, x, y, y, z) for x, y, z in ((a, b, c), (b, c, e), (c, e, a), (e, a, b)))


def _regular(d: Diagram, *corners: str) -> Verdict:
    return _all([_polygon(d, *corners), _same_sides(d, *corners), _same_angles(d, *corners)])


def _radius(d: Diagram, o: str) -> float | None:
    return next((c.radius for c in d.circles if c.center == o), None)


def _radial(d: Diagram, p: str, o: str, verdict: Callable[[float], Verdict]) -> Verdict:
    """Judge P's distance from O, in radii; False where O is the centre of no circle."""
    radius = _radius(d, o)
    return False if radius is None else verdict(distance(d, p, o) / radius)


def _on_circle(d: Diagram, p: str, o: str) -> Verdict:
    return _radial(d, p, o, lambda r: _within(abs(r - 1), RADIUS))


def _inside(d: Diagram, p: str, o: str) -> Verdict:
    return _radial(d, p, o, lambda r: True if r < 1 - RADIUS[1] else False if r > 1 - RADIUS[0] else None)


def _outside(d: Diagram, p: str, o: str) -> Verdict:
    return _radial(d, p, o, lambda r: True if r > 1 + RADIUS[1] else False if r < 1 + RADIUS[0] else None)


def _incircle(d: Diagram, o: str, a: str, b: str, c: str) -> Verdict:
    radius = _radius(d, o)
    if radius is None:
        return False
    gaps = (_within(abs(off_segment(d, o, p, q) * d.size / radius - 1), RADIUS) for p, q in ((a, b), (b, c), (c, a)))
    return _all([_polygon(d, a, b, c), *gaps])


def same_object(d: Diagram, first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether two segments, or two angles, are the same part of the drawing: with D on AB, angle DAC is BAC."""
    if len(first) == 2:
        return sorted(first) == sorted(second)
    if first[1] != second[1]:
        return False

    def same_ray(p: str, q: str) -> bool:
        turn = abs(direction(d, first[1], p) - direction(d, first[1], q)) % 360
        return p == q or min(turn, 360 - turn) < 1.5

    (a, _, b), (x, _, y) = first, second
    return (same_ray(a, x) and same_ray(b, y)) or (same_ray(a, y) and same_ray(b, x))


def marks_on(d: Diagram, kind: str, points: tuple[str, ...]) -> list[Mark]:
    """The marks of that kind printed on that segment or angle."""
    return [m for m in d.marks if m.kind == kind and same_object(d, m.points, points)]


def _printed(d: Diagram, fact: Fact) -> Verdict:
    texts = [m.text for m in marks_on(d, fact.kind, fact.points)]
    return None if not texts else fact.value in texts


def look_equal(d: Diagram, first: tuple[str, ...], second: tuple[str, ...]) -> Verdict:
    """Whether two segments are equally long, or two angles equally wide, on the coordinates."""
    return _equal(d, *first, *second) if len(first) == 2 else _equal_angles(d, first, second)


def _equal_by_marks(d: Diagram, kind: str, first: tuple[str, ...], second: tuple[str, ...]) -> Verdict:
    """Equality as exams print it: as many ticks or arcs. Marks and looks that contradict one another prove nothing."""
    measured = look_equal(d, first, second)
    counts = [{m.count for m in marks_on(d, kind, part)} for part in (first, second)]
    if counts[0] & counts[1]:
        return None if measured is False else True
    if all(counts):
        return None if measured is True else False
    return False if measured is False else None


def _symmetries(n: int, *blocks: str) -> tuple[tuple[int, ...], ...]:
    """Index permutations of `n` points that keep a fact's meaning, as digit strings; the identity is implied."""
    return (tuple(range(n)), *(tuple(map(int, block)) for block in blocks))


def _any_order(n: int) -> tuple[tuple[int, ...], ...]:
    return tuple(permutations(range(n)))


def _cycle(n: int) -> tuple[tuple[int, ...], ...]:
    """Rotations and reflections of a polygon: naming it from another corner is no change."""
    forward = [tuple((start + i) % n for i in range(n)) for start in range(n)]
    return tuple(forward + [tuple(reversed(f)) for f in forward])


_SWAP_LAST = _symmetries(3, "021")
_TWO_SEGMENTS = _symmetries(4, "1023", "0132", "1032", "2301", "3201", "2310", "3210")


@dataclass(frozen=True)
class FactKind:
    """How a kind of fact is checked, which orders of its points mean the same, and which edit changes it."""

    check: Callable[..., Verdict]
    symmetries: tuple[tuple[int, ...], ...]
    edit: str = "relation"  # or "shape", or "value"


def _cevian(extra: Callable[[Diagram, str, str, str, str], Verdict]) -> FactKind:
    """A segment AD from a vertex to D on the side BC, with what makes it special."""

    def check(d: Diagram, a: str, foot: str, b: str, c: str) -> Verdict:
        on_line = _within(off_segment(d, a, b, c), DISTANCE)  # a point of BC itself is no vertex
        apart = None if on_line is None else not on_line
        return _all([_drawn(d, a, foot), _between(d, foot, b, c), apart, extra(d, a, foot, b, c)])

    return FactKind(check, _symmetries(4, "0132"))


def _parallelogram(d: Diagram, a: str, b: str, c: str, e: str) -> Verdict:
    return _all([_polygon(d, a, b, c, e), _straight(d, a, b, c, e), _straight(d, b, c, e, a)])


KINDS: dict[str, FactKind] = {
    # shapes
    "triangle": FactKind(_polygon, _any_order(3), "shape"),
    "right_triangle": FactKind(
        lambda d, a, b, c: _all([_polygon(d, a, b, c), _square(d, a, b, a, c)]), _SWAP_LAST, "shape"
    ),
    "isosceles_triangle": FactKind(
        lambda d, a, b, c: _all([_polygon(d, a, b, c), _equal(d, a, b, a, c)]), _SWAP_LAST, "shape"
    ),
    "equilateral_triangle": FactKind(_regular, _any_order(3), "shape"),
    "quadrilateral": FactKind(_polygon, _cycle(4), "shape"),
    "trapezoid": FactKind(
        lambda d, a, b, c, e: _all([_polygon(d, a, b, c, e), _straight(d, a, b, c, e)]),
        _symmetries(4, "1032", "2301", "3210"),
        "shape",
    ),
    "kite": FactKind(
        lambda d, a, b, c, e: _all([_polygon(d, a, b, c, e), _equal(d, a, b, a, e), _equal(d, c, b, c, e)]),
        _symmetries(4, "0321", "2103", "2301"),
        "shape",
    ),
    "parallelogram": FactKind(_parallelogram, _cycle(4), "shape"),
    "rhombus": FactKind(
        lambda d, *corners: _all([_parallelogram(d, *corners), _same_sides(d, *corners)]), _cycle(4), "shape"
    ),
    "rectangle": FactKind(
        lambda d, *corners: _all([_parallelogram(d, *corners), _right_corners(d, *corners)]), _cycle(4), "shape"
    ),
    "square": FactKind(
        lambda d, *corners: _all([_parallelogram(d, *corners), _right_corners(d, *corners), _same_sides(d, *corners)]),
        _cycle(4),
        "shape",
    ),
    "regular_pentagon": FactKind(_regular, _cycle(5), "shape"),
    "regular_hexagon": FactKind(_regular, _cycle(6), "shape"),
    "circle": FactKind(lambda d, o: _radius(d, o) is not None, _symmetries(1), "shape"),
    # lines
    "segment": FactKind(_drawn, _symmetries(2, "10")),
    "on_segment": FactKind(_between, _SWAP_LAST),
    "midpoint": FactKind(lambda d, m, a, b: _all([_between(d, m, a, b), _equal(d, m, a, m, b)]), _SWAP_LAST),
    "parallel": FactKind(
        lambda d, a, b, c, e: _all([_drawn(d, a, b), _drawn(d, c, e), _straight(d, a, b, c, e)]), _TWO_SEGMENTS
    ),
    "perpendicular": FactKind(
        lambda d, a, b, c, e: _all([_drawn(d, a, b), _drawn(d, c, e), _square(d, a, b, c, e)]), _TWO_SEGMENTS
    ),
    "intersect": FactKind(
        lambda d, p, a, b, c, e: _all([_between(d, p, a, b), _between(d, p, c, e)]),
        tuple((0, *(i + 1 for i in s)) for s in _TWO_SEGMENTS),
    ),
    "cevian": _cevian(lambda d, a, foot, b, c: True),
    "median": _cevian(lambda d, a, foot, b, c: _equal(d, foot, b, foot, c)),
    "altitude": _cevian(lambda d, a, foot, b, c: _square(d, a, foot, b, c)),
    "bisector": _cevian(lambda d, a, foot, b, c: _equal_angles(d, (b, a, foot), (foot, a, c))),
    "midline": FactKind(
        lambda d, m, n, a, b, c: _all(
            [_drawn(d, m, n), _between(d, m, a, b), _equal(d, m, a, m, b), _between(d, n, a, c), _equal(d, n, a, n, c)]
        ),
        _symmetries(5, "10243"),
    ),
    "parallel_cut": FactKind(  # M on AB, N on AC, MN parallel to BC
        lambda d, m, n, a, b, c: _all(
            [_drawn(d, m, n), _between(d, m, a, b), _between(d, n, a, c), _straight(d, m, n, b, c)]
        ),
        _symmetries(5, "10243"),
    ),
    "equal_length": FactKind(lambda d, a, b, c, e: _equal_by_marks(d, "ticks", (a, b), (c, e)), _TWO_SEGMENTS),
    "equal_angle": FactKind(
        lambda d, *p: _equal_by_marks(d, "arcs", p[:3], p[3:]),
        _symmetries(6, "210345", "012543", "210543", "345012", "543012", "345210", "543210"),
    ),
    # circles
    "on_circle": FactKind(_on_circle, _symmetries(2)),
    "inside_circle": FactKind(_inside, _symmetries(2)),
    "outside_circle": FactKind(_outside, _symmetries(2)),
    "radius": FactKind(lambda d, a, o: _all([_drawn(d, o, a), _on_circle(d, a, o)]), _symmetries(2)),
    "chord": FactKind(
        lambda d, a, b, o: _all([_drawn(d, a, b), _on_circle(d, a, o), _on_circle(d, b, o)]), _symmetries(3, "102")
    ),
    "diameter": FactKind(
        lambda d, a, b, o: _all([_on_circle(d, a, o), _on_circle(d, b, o), _between(d, o, a, b)]),
        _symmetries(3, "102"),
    ),
    "tangent": FactKind(  # PA touches the circle at A
        lambda d, p, a, o: _all([_drawn(d, p, a), _on_circle(d, a, o), _square(d, p, a, a, o)]), _symmetries(3)
    ),
    "circumcircle": FactKind(
        lambda d, o, a, b, c: _all([_polygon(d, a, b, c), *(_on_circle(d, p, o) for p in (a, b, c))]),
        tuple((0, *(i + 1 for i in s)) for s in _any_order(3)),
    ),
    "incircle": FactKind(_incircle, tuple((0, *(i + 1 for i in s)) for s in _any_order(3))),
    # printed values
    "length": FactKind(lambda d, *p: None, _symmetries(2, "10"), "value"),
    "angle": FactKind(lambda d, *p: None, _symmetries(3, "210"), "value"),
}


def check(fact: Fact, diagram: Diagram) -> Verdict:
    """Whether the fact is true of the diagram (True), visibly false (False), or not to be told (None).

    Raises:
        ValueError: if the kind of fact is unknown or has another number of points.
    """
    kind = KINDS.get(fact.kind)
    if kind is None or len(fact.points) != len(kind.symmetries[0]):
        raise ValueError(f"unknown fact {fact}: expected one of {', '.join(KINDS)} with its own number of points")
    if any(p not in diagram.points for p in fact.points):
        return False  # it speaks of a point the figure does not have
    if len(set(fact.points)) < len(fact.points) and fact.kind not in (
        "equal_length",
        "equal_angle",
        "parallel",
        "perpendicular",
    ):
        return False
    if kind.edit == "value":
        return _printed(diagram, fact)
    return kind.check(diagram, *fact.points)


@lru_cache(maxsize=2**16)
def canonical(fact: Fact) -> Fact:
    """The same fact with its points in the smallest order that means the same: ABCD and CDAB become one."""
    order = min(tuple(fact.points[i] for i in s) for s in KINDS[fact.kind].symmetries)
    return Fact(fact.kind, order, fact.value)


def statements(facts: Iterable[Fact]) -> frozenset[Fact]:
    """What a list of facts says, whatever its order and its naming."""
    return frozenset(canonical(f) for f in facts)
