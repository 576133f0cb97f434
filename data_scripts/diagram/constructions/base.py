"""What every construction is made with: the sketch, the registry, and plane geometry on complex numbers.

A point is a complex number x + iy: sums, turns and stretches are plain arithmetic, and ten times faster than on arrays
of two numbers.
"""

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..diagram import Circle, Diagram, Fact, Mark

LENGTH = (5, 14, 1)  # units, whole numbers as exams print them
TURN = (0, 345, 15)  # degrees
SHARE = (0.35, 0.65, 0.05)  # of a segment or an arc, away from its ends


class NoSolution(Exception):
    """The construction cannot be carried out: lines that should meet are parallel, a circle has no radius."""


@dataclass
class Sketch:
    """The figure while it is being constructed."""

    at: dict[str, complex] = field(default_factory=dict)
    segments: list[tuple[str, str]] = field(default_factory=list)
    circles: list[Circle] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    axes: bool = False
    curves: list[tuple[float, float, float]] = field(default_factory=list)

    def join(self, *points: str, close: bool = False) -> None:
        """Draw the segments along these points, each once."""
        for a, b in zip(points, points[1:] + (points[:1] if close else ()), strict=False):
            if (a, b) not in self.segments and (b, a) not in self.segments:
                self.segments.append((a, b))

    def state(self, kind: str, *points: str) -> None:
        self.facts.append(Fact(kind, points))

    def right_angle(self, *points: str) -> None:
        self.marks.append(Mark("right_angle", points))

    def equal(self, kind: str, *parts: tuple[str, ...]) -> None:
        """Mark these parts as equal, with one tick or arc more than any parts before: the two are not confused."""
        count = 1 + max((m.count for m in self.marks if m.kind == kind), default=0)
        self.marks += [Mark(kind, part, count=count) for part in parts]

    def circle(self, center: str, radius: float) -> None:
        self.circles.append(Circle(center, radius))

    def radius(self, center: str) -> float:
        """Radius of the circle about that centre.

        Raises:
            NoSolution: if there is none.
        """
        for c in self.circles:
            if c.center == center:
                return c.radius
        raise NoSolution(f"there is no circle about {center}")

    def diagram(self) -> Diagram:
        points = {name: (p.real, p.imag) for name, p in self.at.items()}
        drawn = tuple(self.segments), tuple(self.circles), tuple(self.marks)
        return Diagram(points, *drawn, tuple(self.facts), self.axes, tuple(self.curves))


@dataclass(frozen=True)
class Construction:
    name: str
    group: str  # constructions of one group replace each other
    edit: str  # the kind of edit such a replacement is
    ranges: tuple[tuple[float, float, float], ...]  # (low, high, step) of each number
    build: Callable[..., None]

    def draw_numbers(self, rng: np.random.Generator) -> tuple[float, ...]:
        return tuple(
            round(low + step * int(rng.integers(round((high - low) / step) + 1)), 4) for low, high, step in self.ranges
        )

    def take_over(
        self, numbers: tuple[float, ...], other: "Construction", theirs: tuple[float, ...]
    ) -> tuple[float, ...]:
        """The numbers, with those of another construction where both draw them in the same place from one range."""
        same = [k < len(theirs) and r == other.ranges[k] for k, r in enumerate(self.ranges)]
        return tuple(theirs[k] if s else n for k, (n, s) in enumerate(zip(numbers, same, strict=True)))


CONSTRUCTIONS: dict[str, Construction] = {}
_GROUPS: dict[str, list[Construction]] = {}


def construction(group: str, edit: str, *ranges: tuple[float, float, float]) -> Callable:
    """Register a function `build(sketch, *points, *numbers)` under its own name."""

    def register(build: Callable[..., None]) -> Callable[..., None]:
        made = Construction(build.__name__, group, edit, ranges, build)
        CONSTRUCTIONS[made.name] = made
        _GROUPS.setdefault(group, []).append(made)
        return build

    return register


def group(name: str) -> list[Construction]:
    """The constructions that can stand in for each other under that name."""
    return _GROUPS[name]


def ray(degrees: float) -> complex:
    """The unit vector in that direction, counter-clockwise from the x-axis."""
    return cmath.rect(1.0, math.radians(degrees))


def dot(u: complex, v: complex) -> float:
    return u.real * v.real + u.imag * v.imag


def cross(u: complex, v: complex) -> float:
    return u.real * v.imag - u.imag * v.real


def degrees(u: complex) -> float:
    """Direction of a vector, counter-clockwise from the x-axis, in (-180, 180]."""
    return math.degrees(cmath.phase(u))


def meet(p: complex, u: complex, q: complex, v: complex) -> complex:
    """Where the lines p + su and q + tv cross.

    Raises:
        NoSolution: if they are parallel.
    """
    across = cross(u, v)
    if abs(across) < 1e-9 * max(abs(u) * abs(v), 1e-9):
        raise NoSolution("the lines are parallel")
    return p + cross(q - p, v) / across * u


def project(p: complex, a: complex, b: complex) -> complex:
    """The foot of the perpendicular from P to the line AB."""
    if a == b:
        raise NoSolution("two points in one place carry no line")
    return a + dot(p - a, b - a) / abs(b - a) ** 2 * (b - a)
