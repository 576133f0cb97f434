"""Kinds of statement that captions have and our figures lack, beside those of `diagram.facts`.

A point "" stands for the circle that the caption does not name. Each kind has the orders of its points that mean the
same, so that `normal` brings equal statements together, as `canonical` does for the kinds of a figure.
"""

from dataclasses import dataclass
from functools import lru_cache

from ..diagram import Fact
from ..diagram.facts import KINDS, canonical
from .values import normal_value


def _orders(n: int, *swaps: str) -> tuple[tuple[int, ...], ...]:
    """The group that some orders of n points generate: `_orders(4, "1023", "2301")`."""
    found = {tuple(range(n))}
    queue = list(found)
    while queue:
        order = queue.pop()
        for swap in swaps:
            new = tuple(order[int(i)] for i in swap)
            if new not in found:
                found.add(new)
                queue.append(new)
    return tuple(sorted(found))


def _cycle(n: int) -> tuple[tuple[int, ...], ...]:
    return _orders(n, "".join(str((i + 1) % n) for i in range(n)), "".join(map(str, reversed(range(n)))))


@dataclass(frozen=True)
class TextKind:
    symmetries: tuple[tuple[int, ...], ...]
    edit: str  # the kind of edit that changes it: shape, relation or value


_ANY_3 = _orders(3, "120", "021")

TEXT_KINDS: dict[str, TextKind] = {
    # shapes; "isosceles" does not say where its apex is, "right" not where its right angle is
    "isosceles": TextKind(_ANY_3, "shape"),
    "right": TextKind(_ANY_3, "shape"),
    "right_isosceles": TextKind(_ANY_3, "shape"),
    "obtuse": TextKind(_ANY_3, "shape"),
    "trapezium": TextKind(_cycle(4), "shape"),  # a trapezoid whose bases are not named
    "isosceles_trapezium": TextKind(_cycle(4), "shape"),
    "right_trapezium": TextKind(_cycle(4), "shape"),
    "any_kite": TextKind(_cycle(4), "shape"),
    "ellipse": TextKind(_orders(1), "shape"),
    # relations; the last point is the centre of the circle where there is one
    "on_extension": TextKind(_orders(3), "relation"),  # P on AB extended beyond B
    "radius_of": TextKind(_orders(3, "102"), "relation"),
    "secant_line": TextKind(_orders(3, "102"), "relation"),
    "arc": TextKind(_orders(3, "102"), "relation"),
    "tangent_line": TextKind(_orders(3, "102"), "relation"),  # without saying where it touches
    "bisects_segment": TextKind(_orders(4, "1023", "0132"), "relation"),
    "trisects_angle": TextKind(_orders(4, "0132"), "relation"),
    "tangent_circles": TextKind(_orders(2, "10"), "relation"),
    "concentric_circles": TextKind(_orders(2, "10"), "relation"),
    "line_median": TextKind(_orders(2, "10"), "relation"),  # of a triangle that is not said
    "line_altitude": TextKind(_orders(2, "10"), "relation"),
    "line_bisector": TextKind(_orders(2, "10"), "relation"),
    "equal_arc": TextKind(_orders(4, "1023", "2301"), "relation"),
    "collinear": TextKind(_ANY_3, "relation"),
    # values
    "corner": TextKind(_orders(1), "value"),  # angle A
    "named_angle": TextKind(_orders(1), "value"),  # angle 1
    "radius_length": TextKind(_orders(1), "value"),
    "diameter_length": TextKind(_orders(1), "value"),
    "arc_measure": TextKind(_orders(2, "10"), "value"),
    "triangle_area": TextKind(_ANY_3, "value"),
    "triangle_perimeter": TextKind(_ANY_3, "value"),
    "polygon_area": TextKind(_cycle(4), "value"),
    "polygon_perimeter": TextKind(_cycle(4), "value"),
    "times_length": TextKind(_orders(4, "1023", "0132"), "value"),  # AB = v CD
    "ratio_length": TextKind(_orders(4, "1023", "0132"), "value"),  # AB : CD = v
    "times_angle": TextKind(_orders(6, "210345", "012543"), "value"),
    "equal_corner": TextKind(_orders(2, "10"), "relation"),
    "equal_named": TextKind(_orders(2, "10"), "relation"),
}

SYMMETRIES = {
    **{kind: k.symmetries for kind, k in TEXT_KINDS.items()},
    **{kind: k.symmetries for kind, k in KINDS.items()},
}
EDIT_OF = {**{kind: k.edit for kind, k in TEXT_KINDS.items()}, **{kind: k.edit for kind, k in KINDS.items()}}


def arity(kind: str) -> int:
    """How many points a statement of that kind has."""
    return len(SYMMETRIES[kind][0])


@lru_cache(maxsize=2**12)
def normal(fact: Fact) -> Fact:
    """The same statement in one form: points in their smallest order, value as `normal_value` writes it."""
    fact = Fact(fact.kind, fact.points, normal_value(fact.value)) if fact.value else fact
    if fact.kind in KINDS:
        return canonical(fact)
    return Fact(fact.kind, min(tuple(fact.points[i] for i in s) for s in SYMMETRIES[fact.kind]), fact.value)
