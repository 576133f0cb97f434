"""Lengths and angles of a caption: which are equal, and how much they are.

A quantity is a key: the length of AB whichever end comes first, the angle of two rays whichever points name them.
Equal quantities form classes with their values; what the angle sum and Pythagoras add is worked out here.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable
from itertools import combinations

from ..diagram import Fact
from .values import number

Key = tuple[Hashable, ...]
CLOSE = 1e-6  # relative: two values that differ by less are one
_SIMPLE = {"corner", "named_angle", "radius_length", "diameter_length", "coordinates"}
_SETS = {"arc_measure", "triangle_area", "triangle_perimeter", "polygon_area", "polygon_perimeter"}
_PAIRS = {"times_length", "ratio_length", "times_angle"}
_EQUALITIES = {"equal_length": 2, "equal_angle": 3, "equal_corner": 1, "equal_named": 1, "equal_arc": 2}
_PART = {
    "equal_length": "length",
    "equal_angle": "angle",
    "equal_corner": "corner",
    "equal_named": "named_angle",
    "equal_arc": "arc_measure",
}
QUANTITIES = frozenset({"length", "angle", *_SIMPLE, *_SETS, *_PAIRS, *_EQUALITIES})


class Rays:
    """Which points lie on the same ray from a vertex: with D on BC, ray BD is BC and angle ABD is ABC."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._parent: dict[tuple[str, str], str] = {}
        between = [fact.points for fact in facts if fact.kind == "on_segment"]
        for p, a, b in between:
            self._join(a, p, b)
            self._join(b, p, a)
        for vertex in sorted({q for points in between for q in points}):  # what lies between two points of a ray
            for p, a, b in between:
                if self.root(vertex, a) == self.root(vertex, b):
                    self._join(vertex, p, a)

    def root(self, vertex: str, point: str) -> str:
        while (vertex, point) in self._parent:
            point = self._parent[vertex, point]
        return point

    def _join(self, vertex: str, p: str, q: str) -> None:
        low, high = sorted((self.root(vertex, p), self.root(vertex, q)))
        if low != high:
            self._parent[vertex, high] = low


class Quantities:
    """Classes of equal quantities with their values.

    Args:
        facts: everything stated or implied.
        polygons: the polygons among it, as corners in order: they say which angle "angle A" is.
        generous: let "angle A" be the angle of every polygon with that corner, not only of the only one.
    """

    def __init__(self, facts: Collection[Fact], polygons: Collection[tuple[str, ...]], generous: bool) -> None:
        self.rays = Rays(facts)
        self._parent: dict[Key, Key] = {}
        self._values: dict[Key, set[str | float]] = defaultdict(set)
        self._corners(polygons, generous)
        for fact in facts:
            self._add(fact)
        for corners in (*polygons, *polygons):  # twice: what one gives may be what another lacks
            if len(corners) == 3:
                self._solve_triangle(*corners)
            elif len(corners) == 4:
                self._angle_sum([self.angle(corners[i - 1], corners[i], corners[(i + 1) % 4]) for i in range(4)], 360)

    @staticmethod
    def length(a: str, b: str) -> Key:
        return "length", frozenset((a, b))

    def angle(self, a: str, vertex: str, b: str) -> Key:
        return "angle", vertex, frozenset((self.rays.root(vertex, a), self.rays.root(vertex, b)))

    def find(self, key: Key) -> Key:
        while key in self._parent:
            key = self._parent[key]
        return key

    def join(self, first: Key, second: Key) -> None:
        a, b = self.find(first), self.find(second)
        if a != b:
            self._parent[b] = a
            self._values[a] |= self._values.pop(b, set())

    def same(self, first: Key, second: Key) -> bool:
        """Whether two quantities are known to be equal."""
        a, b = self.find(first), self.find(second)
        return a == b or any(_agree(x, y) for x in self._values.get(a, ()) for y in self._values.get(b, ()))

    def amount(self, key: Key) -> float | None:
        return next((v for v in self._values.get(self.find(key), ()) if isinstance(v, float)), None)

    def values(self, key: Key) -> Collection[str | float]:
        return self._values.get(self.find(key), ())

    def parts(self, fact: Fact) -> tuple[Key, ...]:
        """The quantity that a value is of, or the two that an equality joins."""
        if fact.kind in _EQUALITIES:
            n = _EQUALITIES[fact.kind]
            part = _PART[fact.kind]
            return self.parts(Fact(part, fact.points[:n])) + self.parts(Fact(part, fact.points[n:]))
        if fact.kind == "length":
            return (self.length(*fact.points),)
        if fact.kind == "angle":
            return (self.angle(*fact.points),)
        return ((fact.kind, frozenset(fact.points) if fact.kind in _SETS else fact.points),)

    def _set(self, key: Key, value: str | float) -> None:
        self._values[self.find(key)].add(value)

    def _corners(self, polygons: Collection[tuple[str, ...]], generous: bool) -> None:
        angles: dict[str, set[Key]] = defaultdict(set)
        for corners in polygons:
            for i, corner in enumerate(corners):
                angles[corner].add(self.angle(corners[i - 1], corner, corners[(i + 1) % len(corners)]))
        for corner, keys in angles.items():
            if generous or len(keys) == 1:
                for key in sorted(keys, key=repr):
                    self.join(("corner", (corner,)), key)

    def _add(self, fact: Fact) -> None:
        if fact.kind in _EQUALITIES:
            self.join(*self.parts(fact))
        elif fact.kind in QUANTITIES:
            amount = number(fact.value)
            self._set(self.parts(fact)[0], fact.value if amount is None else amount)
        elif fact.kind == "perpendicular":
            self._right_angle(fact.points)
        elif fact.kind == "on_circle":
            self.join(self.length(*fact.points), ("radius_length", fact.points[1:]))
        elif fact.kind == "diameter":
            self.join(self.length(*fact.points[:2]), ("diameter_length", fact.points[2:]))
        elif fact.kind == "on_segment":
            self._set(self.angle(fact.points[1], fact.points[0], fact.points[2]), 180.0)

    def _right_angle(self, points: tuple[str, ...]) -> None:
        a, b, c, d = points
        for vertex in {a, b} & {c, d}:
            self._set(self.angle(a if b == vertex else b, vertex, c if d == vertex else d), 90.0)

    def _solve_triangle(self, a: str, b: str, c: str) -> None:
        """Equal sides face equal angles; the angles make 180°; a right triangle obeys Pythagoras."""
        corners = ((a, b, c), (b, c, a), (c, a, b))
        for v, p, q in corners:
            angles = self.angle(v, p, q), self.angle(v, q, p)
            sides = self.length(v, q), self.length(v, p)
            if self.same(*sides):
                self.join(*angles)
            elif self.same(*angles):
                self.join(*sides)
        self._angle_sum([self.angle(p, v, q) for v, p, q in corners], 180)
        for v, p, q in corners:
            if _agree(self.amount(self.angle(p, v, q)), 90.0):
                self._pythagoras(self.length(v, p), self.length(v, q), self.length(p, q))

    def _angle_sum(self, angles: list[Key], whole: float) -> None:
        amounts = [self.amount(k) for k in angles]
        unknown = [self.find(k) for k, v in zip(angles, amounts, strict=True) if v is None]
        rest = whole - sum(v for v in amounts if v is not None)
        if unknown and len(set(unknown)) == 1 and rest > 0:
            self._set(unknown[0], rest / len(unknown))

    def _pythagoras(self, first: Key, second: Key, hypotenuse: Key) -> None:
        a, b, c = self.amount(first), self.amount(second), self.amount(hypotenuse)
        if a is not None and b is not None and c is None:
            self._set(hypotenuse, (a * a + b * b) ** 0.5)
        elif c is not None:
            for leg, known in ((first, b), (second, a)):
                if known is not None and c > known and self.amount(leg) is None:
                    self._set(leg, (c * c - known * known) ** 0.5)


def _agree(first: str | float | None, second: str | float | None) -> bool:
    if isinstance(first, float) and isinstance(second, float):
        return abs(first - second) <= CLOSE * max(1.0, abs(first), abs(second))
    return first is not None and first == second


def inscribed_angles(points: Collection[str]) -> Iterable[tuple[tuple[str, str, str], tuple[str, str, str]]]:
    """Pairs of angles over the same chord of a circle through the points: equal or supplementary."""
    for a, b in combinations(sorted(points), 2):
        for p, q in combinations(sorted(set(points) - {a, b}), 2):
            yield (a, p, b), (a, q, b)
