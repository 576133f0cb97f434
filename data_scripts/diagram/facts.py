"""What a figure can state: every kind of fact, how it is checked, and what else means the same.

`check` answers True, False or None as the predicates do. Only False makes a negative; None never does. Printed values
are compared as text: a length or angle is what the figure prints, whatever the coordinates measure.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import permutations

from . import axes_predicates as axes
from . import predicates as p
from .diagram import Diagram, Fact
from .predicates import Verdict, all_of, angle_at, distance, look_equal, off_segment, same_object

__all__ = [
    "KINDS",
    "FactKind",
    "Verdict",
    "angle_at",
    "canonical",
    "check",
    "distance",
    "look_equal",
    "off_segment",
    "same_object",
    "statements",
]


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
_SWAP_PAIR = _symmetries(4, "0132")
_TWO_SEGMENTS = _symmetries(4, "1023", "0132", "1032", "2301", "3201", "2310", "3210")
_TRAPEZOID = _symmetries(4, "1032", "2301", "3210")
_TRIANGLE_PAIR = tuple(
    pair for s in permutations(range(3)) for t in [tuple(i + 3 for i in s)] for pair in ((*s, *t), (*t, *s))
)


def _after_first(orders: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """The symmetries of all points but the first, which stays."""
    return tuple((0, *(i + 1 for i in s)) for s in orders)


@dataclass(frozen=True)
class FactKind:
    """How a kind of fact is checked, which orders of its points mean the same, and which edit changes it."""

    check: Callable[..., Verdict]
    symmetries: tuple[tuple[int, ...], ...]
    edit: str = "relation"  # or "shape", or "value"
    turns: bool = True  # whether it stays true when the figure is turned: not beside coordinate axes


def _shape(check: Callable[..., Verdict], symmetries: tuple[tuple[int, ...], ...]) -> FactKind:
    return FactKind(check, symmetries, "shape")


def _on_axes(check: Callable[..., Verdict], symmetries: tuple[tuple[int, ...], ...]) -> FactKind:
    return FactKind(check, symmetries, turns=False)


def _cevian(extra: Callable[[Diagram, str, str, str, str], Verdict]) -> FactKind:
    """A segment AD from a vertex to D on the side BC, with what makes it special."""

    def check(d: Diagram, a: str, foot: str, b: str, c: str) -> Verdict:
        on_line = p.within(off_segment(d, a, b, c), p.DISTANCE)  # a point of BC itself is no vertex
        apart = None if on_line is None else not on_line
        return all_of([p.line(d, a, foot), p.between(d, foot, b, c), apart, extra(d, a, foot, b, c)])

    return FactKind(check, _SWAP_PAIR)


def _trapezoid(d: Diagram, a: str, b: str, c: str, e: str) -> Verdict:
    return all_of([p.polygon(d, a, b, c, e), p.straight(d, a, b, c, e)])


def _parallelogram(d: Diagram, a: str, b: str, c: str, e: str) -> Verdict:
    return all_of([p.polygon(d, a, b, c, e), p.straight(d, a, b, c, e), p.straight(d, b, c, e, a)])


KINDS: dict[str, FactKind] = {
    # triangles
    "triangle": _shape(p.polygon, _any_order(3)),
    "scalene_triangle": _shape(p.scalene, _any_order(3)),
    "acute_triangle": _shape(p.acute, _any_order(3)),
    "obtuse_triangle": _shape(p.obtuse, _SWAP_LAST),
    "right_triangle": _shape(p.right, _SWAP_LAST),
    "isosceles_triangle": _shape(p.isosceles, _SWAP_LAST),
    "isosceles_right_triangle": _shape(lambda d, *abc: all_of([p.isosceles(d, *abc), p.right(d, *abc)]), _SWAP_LAST),
    "equilateral_triangle": _shape(p.regular, _any_order(3)),
    # quadrilaterals
    "quadrilateral": _shape(p.polygon, _cycle(4)),
    "trapezoid": _shape(_trapezoid, _TRAPEZOID),
    "isosceles_trapezoid": _shape(
        lambda d, a, b, c, e: all_of([_trapezoid(d, a, b, c, e), p.equal(d, a, e, b, c)]), _TRAPEZOID
    ),
    "right_trapezoid": _shape(  # right angles at A and D
        lambda d, a, b, c, e: all_of([_trapezoid(d, a, b, c, e), p.square(d, a, b, a, e), p.square(d, e, a, e, c)]),
        _symmetries(4, "3210"),
    ),
    "kite": _shape(
        lambda d, a, b, c, e: all_of([p.polygon(d, a, b, c, e), p.equal(d, a, b, a, e), p.equal(d, c, b, c, e)]),
        _symmetries(4, "0321", "2103", "2301"),
    ),
    "parallelogram": _shape(_parallelogram, _cycle(4)),
    "rhombus": _shape(lambda d, *abcd: all_of([_parallelogram(d, *abcd), p.same_sides(d, *abcd)]), _cycle(4)),
    "rectangle": _shape(lambda d, *abcd: all_of([_parallelogram(d, *abcd), p.right_corners(d, *abcd)]), _cycle(4)),
    "square": _shape(
        lambda d, *abcd: all_of([_parallelogram(d, *abcd), p.right_corners(d, *abcd), p.same_sides(d, *abcd)]),
        _cycle(4),
    ),
    # more corners
    "pentagon": _shape(p.polygon, _cycle(5)),
    "regular_pentagon": _shape(p.regular, _cycle(5)),
    "hexagon": _shape(p.polygon, _cycle(6)),
    "regular_hexagon": _shape(p.regular, _cycle(6)),
    "octagon": _shape(p.polygon, _cycle(8)),
    "regular_octagon": _shape(p.regular, _cycle(8)),
    "circle": _shape(lambda d, o: p.radius(d, o) is not None, _symmetries(1)),
    # lines
    "segment": FactKind(p.drawn, _symmetries(2, "10")),
    "on_segment": FactKind(p.between, _SWAP_LAST),
    "midpoint": FactKind(lambda d, m, a, b: all_of([p.between(d, m, a, b), p.equal(d, m, a, m, b)]), _SWAP_LAST),
    "parallel": FactKind(
        lambda d, a, b, c, e: all_of([p.line(d, a, b), p.line(d, c, e), p.straight(d, a, b, c, e)]),
        _TWO_SEGMENTS,
    ),
    "perpendicular": FactKind(
        lambda d, a, b, c, e: all_of([p.line(d, a, b), p.line(d, c, e), p.square(d, a, b, c, e)]),
        _TWO_SEGMENTS,
    ),
    "intersect": FactKind(p.crossing, _after_first(_TWO_SEGMENTS)),
    "perpendicular_bisector": FactKind(p.perpendicular_bisector, _symmetries(4, "1023", "0132", "1032")),
    "angle_bisector": FactKind(p.angle_bisector, _SWAP_PAIR),
    "cevian": _cevian(lambda d, a, foot, b, c: p.drawn(d, a, foot)),  # it says no more than that it is drawn
    "median": _cevian(lambda d, a, foot, b, c: p.equal(d, foot, b, foot, c)),
    "altitude": _cevian(lambda d, a, foot, b, c: p.square(d, a, foot, b, c)),
    "bisector": _cevian(lambda d, a, foot, b, c: p.equal_angles(d, (b, a, foot), (foot, a, c))),
    "midline": FactKind(
        lambda d, m, n, a, b, c: all_of(
            [p.line(d, m, n), p.between(d, m, a, b), p.equal(d, m, a, m, b)]
            + [p.between(d, n, a, c), p.equal(d, n, a, n, c)]
        ),
        _symmetries(5, "10243"),
    ),
    "parallel_cut": FactKind(  # M on AB, N on AC, MN parallel to BC
        lambda d, m, n, a, b, c: all_of(
            [p.line(d, m, n), p.between(d, m, a, b), p.between(d, n, a, c), p.straight(d, m, n, b, c)]
        ),
        _symmetries(5, "10243"),
    ),
    "centroid": FactKind(p.centroid, _after_first(_any_order(3))),
    "orthocenter": FactKind(p.orthocenter, _after_first(_any_order(3))),
    "incenter": FactKind(p.incenter, _after_first(_any_order(3))),
    "similar": FactKind(p.similar, _TRIANGLE_PAIR),
    "congruent": FactKind(p.congruent, _TRIANGLE_PAIR),
    "equal_length": FactKind(lambda d, a, b, c, e: p.equal_by_marks(d, "ticks", (a, b), (c, e)), _TWO_SEGMENTS),
    "equal_angle": FactKind(
        lambda d, *six: p.equal_by_marks(d, "arcs", six[:3], six[3:]),
        _symmetries(6, "210345", "012543", "210543", "345012", "543012", "345210", "543210"),
    ),
    # circles
    "on_circle": FactKind(p.on_circle, _symmetries(2)),
    "inside_circle": FactKind(p.inside, _symmetries(2)),
    "outside_circle": FactKind(p.outside, _symmetries(2)),
    "radius": FactKind(p.radius_to, _symmetries(2)),
    "chord": FactKind(
        lambda d, a, b, o: all_of([p.line(d, a, b), p.on_circle(d, a, o), p.on_circle(d, b, o)]),
        _symmetries(3, "102"),
    ),
    "diameter": FactKind(
        lambda d, a, b, o: all_of([p.on_circle(d, a, o), p.on_circle(d, b, o), p.between(d, o, a, b)]),
        _symmetries(3, "102"),
    ),
    "tangent": FactKind(  # PA touches the circle at A
        lambda d, q, a, o: all_of([p.line(d, q, a), p.on_circle(d, a, o), p.square(d, q, a, a, o)]),
        _symmetries(3),
    ),
    "secant": FactKind(p.secant, _symmetries(4)),
    "circumcircle": FactKind(p.circumcircle, _after_first(_any_order(3))),
    "incircle": FactKind(p.incircle, _after_first(_any_order(3))),
    "quadrilateral_circumcircle": FactKind(p.circumcircle, _after_first(_cycle(4))),
    "quadrilateral_incircle": FactKind(p.incircle, _after_first(_cycle(4))),
    # coordinate axes
    "axes": _on_axes(axes.origin, _symmetries(1)),
    "rising": _on_axes(axes.rising, _symmetries(2, "10")),
    "falling": _on_axes(axes.falling, _symmetries(2, "10")),
    "parallel_x": _on_axes(axes.parallel_x, _symmetries(2, "10")),
    "parallel_y": _on_axes(axes.parallel_y, _symmetries(2, "10")),
    "x_intercept": _on_axes(partial(axes.intercept, axis=0), _SWAP_LAST),
    "y_intercept": _on_axes(partial(axes.intercept, axis=1), _SWAP_LAST),
    "parabola_up": _on_axes(partial(axes.vertex, sign=1), _symmetries(1)),
    "parabola_down": _on_axes(partial(axes.vertex, sign=-1), _symmetries(1)),
    "on_parabola": _on_axes(axes.on_parabola, _symmetries(1)),
    "parabola_meets_x": _on_axes(partial(axes.parabola_meets, axis=0), _symmetries(1)),
    "parabola_meets_y": _on_axes(partial(axes.parabola_meets, axis=1), _symmetries(1)),
    # printed values
    "length": FactKind(lambda d, *part: None, _symmetries(2, "10"), "value"),
    "angle": FactKind(lambda d, *part: None, _symmetries(3, "210"), "value"),
    "coordinates": FactKind(lambda d, *part: None, _symmetries(1), "value"),
}
_MAY_REPEAT = frozenset(("equal_length", "equal_angle", "parallel", "perpendicular", "similar", "congruent"))


def check(fact: Fact, diagram: Diagram) -> Verdict:
    """Whether the fact is true of the diagram (True), visibly false (False), or not to be told (None).

    Raises:
        ValueError: if the kind of fact is unknown or has another number of points.
    """
    kind = KINDS.get(fact.kind)
    if kind is None or len(fact.points) != len(kind.symmetries[0]):
        raise ValueError(f"unknown fact {fact}: expected one of {', '.join(KINDS)} with its own number of points")
    names = set(fact.points)
    if not names <= diagram.points.keys():
        return False  # it speaks of a point the figure does not have
    if len(names) < len(fact.points) and fact.kind not in _MAY_REPEAT:
        return False
    if kind.edit == "value":
        return p.printed(diagram, fact)
    return kind.check(diagram, *fact.points)


@lru_cache(maxsize=2**12)
def canonical(fact: Fact) -> Fact:
    """The same fact with its points in the smallest order that means the same: ABCD and CDAB become one."""
    order = min(tuple(fact.points[i] for i in s) for s in KINDS[fact.kind].symmetries)
    return Fact(fact.kind, order, fact.value)


def statements(facts: Iterable[Fact]) -> frozenset[Fact]:
    """What a list of facts says, whatever its order and its naming."""
    return frozenset(canonical(f) for f in facts)
