"""Which statements a caption implies, leaves possible, excludes or denies.

`Stated` holds what a caption states. `excludes` is a contradiction: by the meaning of the words both cannot be true of
one figure. `denies` takes the caption as complete besides: a value that it does not give and that does not follow is
false, and so is another relation or kind of shape on the points that it relates. It is taken as complete in these
respects only, and never against what *may* follow (MAY_IMPLY, angle sums, equal sides, inscribed angles, ...): in a
caption with an isosceles triangle ABC whose apex is not said, AB = AC is not denied.

No theorem prover: what takes more than these axioms to prove is not seen to follow.
"""

from collections.abc import Iterable
from itertools import combinations

from ..diagram import Fact
from .axioms import (
    FROM_A_VERTEX,
    LOOSE,
    ONE_OF,
    RIVALS,
    UNSAID,
    expand,
    read_axiom,
    turned,
)
from .closure import Closure
from .kinds import EDIT_OF, arity, normal
from .quantities import QUANTITIES
from .values import number

_CROSSED = frozenset({"equal_length", "equal_angle", "parallel", "perpendicular", "times_length", "ratio_length",
                      "times_angle", "similar", "congruent", "bisects_segment", "equal_arc"})  # fmt: skip


class Stated:
    """What a caption states, to judge other statements by; `points` are its letters."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.facts = frozenset(normal(f) for f in facts)
        self.points = tuple(sorted({p for f in self.facts for p in f.points if p[:1].isupper()}))
        self._must = Closure(self.facts, generous=False)
        self._worlds = [Closure(self._must.facts, generous=True)]
        self._open = sorted(self._alternatives(), key=repr)
        self._flat = {frozenset(p) for p in self._must.of_kind("collinear")}
        corners = {f.points for f in self._must.facts if f.kind == "angle"} | self._must.polygons
        self._bent = {frozenset(t) for p in corners for t in combinations(p, 3)} - self._flat
        self._by_points: dict[frozenset[str], list[Fact]] = {}
        for fact in sorted(self.facts, key=repr):
            self._by_points.setdefault(frozenset(fact.points), []).append(fact)

    def implies(self, fact: Fact) -> bool:
        """Whether a statement follows from what is stated."""
        return self._must.holds(normal(fact))

    def may_hold(self, fact: Fact) -> bool:
        """Whether a statement follows from some reading of what is stated."""
        fact = normal(fact)
        if any(world.holds(fact) for world in self._worlds):
            return True
        while self._open:  # readings are worked out when first asked for
            reading = self._open.pop()
            self._worlds.append(Closure(self._worlds[0].facts | set(reading), generous=True))
            if self._worlds[-1].holds(fact):
                return True
        return False

    def _alternatives(self) -> Iterable[tuple[Fact, ...]]:
        """The readings of statements that leave something open, unless it is stated elsewhere."""
        known = {(LOOSE[f.kind], frozenset(f.points)) for f in self._must.facts if f.kind in LOOSE}
        for fact in self._must.facts:
            if (fact.kind, frozenset(fact.points)) not in known:
                for line in ONE_OF.get(fact.kind, ()):
                    yield tuple(read_axiom(line, fact))

    def excludes(self, fact: Fact) -> bool:
        """Whether a statement contradicts what is stated, by the meaning of the words."""
        return not self.implies(fact) and any(self._clashes(part) for part in expand(fact))

    def denies(self, fact: Fact) -> bool:
        """Whether a statement is false of a figure of which the caption is true and complete; see the module."""
        fact = normal(fact)
        if _is_absurd(fact) or _is_true_of_all(fact) or self.may_hold(fact):
            return False
        if fact.kind in FROM_A_VERTEX and turned(fact) in self.facts:
            return False
        if fact.kind in QUANTITIES or self.excludes(fact):
            return True
        if EDIT_OF[fact.kind] == "shape":
            return self._another_shape(fact)
        return fact.kind != "segment" and any(
            EDIT_OF[f.kind] == "relation" for f in self._by_points.get(frozenset(fact.points), ())
        )

    def _another_shape(self, fact: Fact) -> bool:
        if fact.kind == "circle":  # of the caption's only circle
            circles = {f.points[-1] for f in self._must.facts if f.kind in ("circle", "on_circle")}
            return len(circles) == 1 and normal(Fact("on_circle", (*fact.points, *circles))) in self._must.facts
        stated = [f for f in self._by_points.get(frozenset(fact.points), ()) if EDIT_OF[f.kind] == "shape"]
        if any(f.kind == fact.kind for f in stated):
            return True  # with its points in another order
        special = {LOOSE.get(f.kind, f.kind) for f in stated} - UNSAID
        included = {f.kind for f in expand(fact)}
        return LOOSE.get(fact.kind, fact.kind) not in UNSAID and bool(special) and not special & included

    def _clashes(self, part: Fact) -> bool:
        """Whether one statement alone cannot stand beside what is stated."""
        if _is_absurd(part):
            return True
        facts, points = self._must.facts, part.points
        for rival in RIVALS.get(part.kind, ()):
            n = arity(part.kind)
            if arity(rival) == n and normal(Fact(rival, points)) in facts:
                return True
        if part.kind in QUANTITIES:
            return self._another_value(part)
        clash = getattr(self, f"_clash_{part.kind}", None)
        return clash is not None and clash(*points)

    def _another_value(self, part: Fact) -> bool:
        q = self._must.quantities
        parts = q.parts(part)
        amounts = [q.amount(k) for k in parts]
        if len(parts) == 1:
            amounts.append(number(part.value))
        first, second = amounts
        if first is None or second is None:
            return len(parts) == 1 and any(_shifted(part.value, v) for v in q.values(parts[0]))
        return abs(first - second) > 1e-3 * max(1.0, abs(first))

    def _clash_collinear(self, *points: str) -> bool:
        return frozenset(points) in self._bent

    def _clash_triangle(self, *points: str) -> bool:
        return frozenset(points) in self._flat

    def _clash_right_triangle(self, a: str, b: str, c: str) -> bool:
        others = [p for p in self._must.of_kind("right_triangle") if set(p) == {a, b, c}]
        return any(p[0] != a for p in others)

    def _clash_on_segment(self, p: str, a: str, b: str) -> bool:
        """Another of the three is between, or P lies on another line through A or B."""
        for q, c, d in self._must.of_kind("on_segment"):
            if {q, c, d} == {p, a, b} and q != p:
                return True
            if q == p and len({a, b} & {c, d}) == 1 and frozenset((a, b, c, d)) in self._bent:
                return True
        return False

    def _clash_midpoint(self, m: str, a: str, b: str) -> bool:
        for n, c, d in self._must.of_kind("midpoint"):
            if ({c, d} == {a, b} and n != m) or (n == m and len({a, b} & {c, d}) == 1):
                return True
        return False

    def _clash_intersect(self, p: str, *lines: str) -> bool:
        if normal(Fact("parallel", lines)) in self._must.facts:
            return True
        return any(q != p and normal(Fact("intersect", (p, *m))) == normal(Fact("intersect", (p, *lines)))
                   for q, *m in self._must.of_kind("intersect"))  # fmt: skip

    def _clash_parallel(self, *points: str) -> bool:
        if any(
            normal(Fact("intersect", (p[0], *points))) in self._must.facts for p in self._must.of_kind("intersect")
        ):
            return True
        return self._turned("parallel", points)

    def _clash_perpendicular(self, a: str, b: str, c: str, d: str) -> bool:
        q = self._must.quantities
        for vertex in {a, b} & {c, d}:
            amount = q.amount(q.angle(a if b == vertex else b, vertex, c if d == vertex else d))
            if amount is not None and abs(amount - 90) > 1e-3:
                return True
        return self._turned("perpendicular", (a, b, c, d))

    def _turned(self, kind: str, points: tuple[str, ...]) -> bool:
        """Through a point there is one parallel to a line, and one perpendicular: not along two sides of an angle."""
        for line, other in ((points[:2], points[2:]), (points[2:], points[:2])):
            for known in self._must.of_kind(kind):
                for same, third in ((known[:2], known[2:]), (known[2:], known[:2])):
                    apart = len({*third} & {*other}) == 1 and frozenset((*third, *other)) in self._bent
                    if set(same) == set(line) and apart:
                        return True
        return False

    def _clash_radius_of(self, a: str, b: str, center: str) -> bool:
        on = (normal(Fact("on_circle", (p, center))) in self._must.facts for p in (a, b))
        return all(on) or (center != "" and center not in (a, b))


def _shifted(first: str, second: str | float) -> bool:
    """Whether two expressions in a variable differ by a number, as 2x+1 and 2x+7 do."""
    if not isinstance(second, str):
        return False
    if first.startswith("("):  # coordinates
        return first != second
    (head, shift), (other, another) = _constant(first), _constant(second)
    return head == other and abs(shift - another) > 1e-9


def _constant(value: str) -> tuple[str, float]:
    text = value.removesuffix("°")
    for sign in "+-":
        head, found, tail = text.rpartition(sign)
        if found and head and tail.replace(".", "", 1).isdigit():
            return head, float(sign + tail)
    return text, 0.0


def _is_absurd(fact: Fact) -> bool:
    """Whether a statement relates a point, a line or an angle to itself where that makes no sense."""
    points = fact.points
    if fact.kind in ("inside_circle", "on_extension"):
        return False
    if fact.kind not in _CROSSED:
        named = [p for p in points if p]
        return len(set(named)) < len(named)
    half = len(points) // 2
    halves = points[:half], points[half:]
    if any(len(set(h)) < len(h) for h in halves):
        return True
    return fact.kind in ("parallel", "perpendicular") and (
        set(halves[0]) == set(halves[1]) or (fact.kind == "parallel" and bool(set(halves[0]) & set(halves[1])))
    )


def _is_true_of_all(fact: Fact) -> bool:
    """Whether an equality is one of a part with itself."""
    half = len(fact.points) // 2
    first, second = fact.points[:half], fact.points[half:]
    return fact.kind.startswith("equal_") and (first == second or first == second[::-1])
