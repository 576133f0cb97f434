"""What follows from statements: facts from facts and equal parts from equal parts, until nothing new comes.

`Closure` holds the facts with their quantities. Generously it also holds what may follow (`axioms.MAY_IMPLY`, equal
inscribed angles): no negative may say that. Equal sides and right angles make special shapes of plain ones.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

from ..diagram import Fact
from .axioms import IMPLIES, MAY_IMPLY, follow
from .kinds import EDIT_OF, arity, normal
from .quantities import QUANTITIES, Quantities, inscribed_angles
from .values import number

CENTERS = ("centroid", "orthocenter", "incenter")
ROUNDS = 5  # of deriving facts from facts; captions need two or three


class Closure:
    """Facts with what follows from them; generously, with what may follow too."""

    def __init__(self, facts: Collection[Fact], generous: bool) -> None:
        self.facts = set(facts)
        axioms = (IMPLIES, MAY_IMPLY) if generous else (IMPLIES,)
        self.polygons = {f.points for f in facts if EDIT_OF[f.kind] == "shape" and arity(f.kind) > 2}
        for _ in range(ROUNDS):
            self._close(axioms)
            self.polygons = {f.points for f in self.facts if EDIT_OF[f.kind] == "shape" and arity(f.kind) > 2}
            shapes = _one_per_set(self.polygons)
            self.quantities = Quantities(sorted(self.facts, key=repr), shapes, generous)
            if generous:
                self._inscribed_angles()
            new = {normal(f) for f in (*self._special_shapes(shapes), *self._special_lines())} - self.facts
            if not new:
                break
            self.facts |= new

    def _close(self, axioms: Sequence[dict[str, tuple[str, ...]]]) -> None:
        queue = sorted(self.facts, key=repr)
        while queue:
            fact = queue.pop()
            for new in (f for table in axioms for f in follow(fact, table)):
                if new not in self.facts:
                    self.facts.add(new)
                    queue.append(new)

    def holds(self, fact: Fact) -> bool:
        """Whether a fact in its normal form follows."""
        if fact in self.facts:
            return True
        if fact.kind not in QUANTITIES:
            return False
        q = self.quantities
        parts = q.parts(fact)
        if len(parts) == 2:
            return q.same(*parts)
        amount = number(fact.value)
        if amount == 1 and fact.kind == "times_length":
            return q.same(q.length(*fact.points[:2]), q.length(*fact.points[2:]))
        return any(
            v == fact.value
            if isinstance(v, str)
            else amount is not None and abs(v - amount) < 0.06 * max(1, abs(v) / 20)
            for v in q.values(parts[0])
        )

    def of_kind_any(self, kinds: Iterable[str]) -> list[tuple[str, ...]]:
        return [points for kind in kinds for points in self.of_kind(kind)]

    def of_kind(self, kind: str) -> list[tuple[str, ...]]:
        return sorted(f.points for f in self.facts if f.kind == kind)

    def _same(self, *points: str) -> bool:
        a, b, c, d = points
        return self.quantities.same(self.quantities.length(a, b), self.quantities.length(c, d))

    def _right(self, a: str, b: str, c: str) -> bool:
        amount = self.quantities.amount(self.quantities.angle(a, b, c))
        return amount is not None and abs(amount - 90) < 1e-9

    def _special_shapes(self, polygons: Collection[tuple[str, ...]]) -> Iterable[Fact]:
        """Special triangles and quadrilaterals that equal sides and right angles make of plain ones."""
        for corners in polygons:
            if len(corners) == 3:
                yield from self._special_triangles(corners)
            elif len(corners) == 4:
                yield from self._special_quadrilaterals(corners)

    def _special_triangles(self, corners: tuple[str, ...]) -> Iterable[Fact]:
        turns = [corners[i:] + corners[:i] for i in range(3)]
        apexes = [t for t in turns if self._same(t[0], t[1], t[0], t[2])]
        rights = [t for t in turns if self._right(t[1], t[0], t[2])]
        yield from (Fact("isosceles_triangle", t) for t in apexes)
        yield from (Fact("right_triangle", t) for t in rights)
        if len(apexes) > 1:
            yield Fact("equilateral_triangle", corners)
            yield from (Fact(k, (p, *t)) for k in CENTERS for p, *t in self.of_kind_any(CENTERS) if {*t} == {*corners})
        if apexes and rights:
            yield Fact("right_isosceles", corners)
            yield from (Fact("isosceles_right_triangle", t) for t in apexes if t in rights)
        for kind in ("similar", "congruent"):  # a symmetric triangle matches in two ways
            for points in self.of_kind(kind):
                for half in (points[:3], points[3:]):
                    for _, b, c in apexes if set(half) == set(corners) else ():
                        swapped = tuple({b: c, c: b}.get(p, p) for p in half)
                        yield Fact(kind, swapped + points[3:] if half == points[:3] else points[:3] + swapped)

    def _special_quadrilaterals(self, corners: tuple[str, ...]) -> Iterable[Fact]:
        a, b, c, d = corners
        facts = self.facts
        both = all(normal(Fact("parallel", p)) in facts for p in ((a, b, c, d), (b, c, d, a)))
        equal = [self._same(*p) for p in ((a, b, b, c), (b, c, c, d), (c, d, d, a))]
        rights = sum(self._right(*p) for p in ((d, a, b), (a, b, c), (b, c, d), (c, d, a)))
        if both or (self._same(a, b, c, d) and self._same(b, c, d, a)) or rights > 2:
            yield Fact("parallelogram", corners)
        if normal(Fact("parallelogram", corners)) in facts or all(equal):
            if any(equal):
                yield Fact("rhombus", corners)
            if rights:
                yield Fact("rectangle", corners)
            if any(equal) and rights:
                yield Fact("square", corners)
            for p, *lines in self.of_kind("intersect"):  # diagonals bisect one another
                if {frozenset(lines[:2]), frozenset(lines[2:])} == {frozenset((a, c)), frozenset((b, d))}:
                    yield from (Fact("midpoint", (p, a, c)), Fact("midpoint", (p, b, d)))

    def _special_lines(self) -> Iterable[Fact]:
        for p, a, b in self.of_kind("on_segment"):
            if self._same(p, a, p, b):
                yield Fact("midpoint", (p, a, b))
        for p, a, b, c, d in self.of_kind("intersect"):  # vertical angles
            yield from (Fact("equal_angle", (a, p, c, b, p, d)), Fact("equal_angle", (a, p, d, b, p, c)))
        touching = self.of_kind("tangent")
        for (p, a, o), (q, b, r) in combinations(touching, 2):
            if (p, o) == (q, r) and a != b:
                yield Fact("equal_length", (p, a, p, b))
        on = self.of_kind("on_circle")
        for a, b, o in self.of_kind("diameter"):
            yield from (Fact("perpendicular", (p, a, p, b)) for p, r in on if r == o and p not in (a, b))
        for a, foot, b, c in self._from_vertices():
            yield from self._line_from_vertex(a, foot, b, c)

    def _from_vertices(self) -> list[tuple[str, str, str, str]]:
        """A vertex, a point of the side opposite and the ends of that side: cevians, called so or not."""
        found = set(self.of_kind("cevian"))
        for foot, b, c in self.of_kind("on_segment"):
            for corners in self.polygons:
                if {b, c} < set(corners) and foot not in corners:
                    found |= {(a, foot, b, c) for a in corners if a not in (b, c)}
        return sorted(found)

    def _line_from_vertex(self, a: str, foot: str, b: str, c: str) -> Iterable[Fact]:
        """What is special about it; two such things make it the line of symmetry of an isosceles triangle."""
        q = self.quantities
        upright = normal(Fact("perpendicular", (a, foot, b, c))) in self.facts
        found = {
            "altitude": upright or self._right(a, foot, b) or self._right(a, foot, c),
            "bisector": q.same(q.angle(b, a, foot), q.angle(foot, a, c)),
            "median": self._same(foot, b, foot, c),
        }
        if sum(found.values()) + self._same(a, b, a, c) > 1:
            found = dict.fromkeys(found, True)
            yield Fact("equal_length", (a, b, a, c))
        if normal(Fact("cevian", (a, foot, b, c))) in self.facts:
            yield from (Fact(kind, (a, foot, b, c)) for kind, is_so in found.items() if is_so)
        else:
            others = {"altitude": ("perpendicular",), "bisector": ("angle_bisector",), "median": ()}
            yield from (Fact(k, (a, foot, b, c)) for kind, is_so in found.items() if is_so for k in others[kind])
            if found["median"]:
                yield Fact("midpoint", (foot, b, c))

    def _inscribed_angles(self) -> None:
        circles: dict[str, set[str]] = {}
        for p, o in self.of_kind("on_circle"):
            circles.setdefault(o, set()).add(p)
        for points in circles.values():
            if 4 <= len(points) <= 8:
                for first, second in inscribed_angles(points):
                    self.quantities.join(self.quantities.angle(*first), self.quantities.angle(*second))


def _one_per_set(polygons: Collection[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """One order of corners per set: the first, where a negative or a slip names two."""
    return sorted({frozenset(p): p for p in sorted(polygons, reverse=True)}.values())
