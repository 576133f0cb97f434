"""The solved figure: where the points are, what is drawn and printed, and what the figure states.

Everything here is immutable; an edit returns a new diagram. Coordinates are unit-free with y upwards. A point's name
is one letter: captions write AB for the segment from A to B.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Protocol

import numpy as np

# MMGeoLM section 3.2: the four errors read off real LMM mistakes
EDIT_KINDS = ("order", "shape", "relation", "value")


@dataclass(frozen=True)
class Fact:
    """One statement about a figure: `Fact("median", ("A", "D", "B", "C"))` or `Fact("length", ("A", "B"), "5")`."""

    kind: str  # a key of `facts.KINDS`
    points: tuple[str, ...]
    value: str = ""  # the printed text, for lengths, angles and coordinates only

    def relabel(self, mapping: Mapping[str, str]) -> "Fact":
        return Fact(self.kind, tuple([mapping.get(p, p) for p in self.points]), self.value)


@dataclass(frozen=True)
class Mark:
    """Something printed on the figure beside its lines and vertex letters.

    `length` (2 points), `angle` (3 points, vertex in the middle) and `coordinates` (1 point) print `text`: a number or
    an expression; `right_angle` (3 points) is a small square; `ticks` (2 points) and `arcs` (3 points) say which parts
    are equal, by their number `count`.
    """

    kind: str
    points: tuple[str, ...]
    text: str = ""
    count: int = 1

    def relabel(self, mapping: Mapping[str, str]) -> "Mark":
        return Mark(self.kind, tuple([mapping.get(p, p) for p in self.points]), self.text, self.count)


@dataclass(frozen=True)
class Circle:
    center: str
    radius: float


@dataclass(frozen=True)
class Diagram:
    """A figure whose positions are known."""

    points: Mapping[str, tuple[float, float]]
    segments: tuple[tuple[str, str], ...] = ()
    circles: tuple[Circle, ...] = ()
    marks: tuple[Mark, ...] = ()
    facts: tuple[Fact, ...] = ()
    axes: bool = False  # coordinate axes through (0, 0) are drawn, a unit of length a unit
    curves: tuple[tuple[float, float, float], ...] = ()  # parabolas y = ax² + bx + c, as (a, b, c)

    @cached_property
    def axis_box(self) -> tuple[int, int, int, int]:
        """Left, bottom, right and top end of the coordinate axes: a unit beyond every point, and around (0, 0)."""
        xs, ys = zip((0.0, 0.0), *self.points.values(), strict=True)
        xs, ys = ([round(v, 3) for v in vs] for vs in (xs, ys))  # a hair below a whole number is that number
        return math.floor(min(xs)) - 1, math.floor(min(ys)) - 1, math.ceil(max(xs)) + 1, math.ceil(max(ys)) + 1

    @cached_property
    def size(self) -> float:
        """Diameter of everything drawn, however the figure is turned: the yardstick of every margin."""
        discs = [(*xy, 0.0) for xy in self.points.values()]
        discs += [(*self.points[c.center], c.radius) for c in self.circles]
        if self.axes:
            left, bottom, right, top = self.axis_box
            discs += [(left, bottom, 0.0), (right, top, 0.0)]
        across = [math.hypot(x - u, y - v) + r + s for (x, y, r), (u, v, s) in combinations(discs, 2)]
        return max([*across, *(2 * radius for _, _, radius in discs)])

    @cached_property
    def drawn_lines(self) -> dict[tuple[str, str], bool | None]:
        """Whether a line is drawn between two points, as far as `facts` has decided it: asked for again and again."""
        return {}

    def position(self, point: str) -> np.ndarray:
        return np.array(self.points[point], dtype=float)

    def relabel(self, mapping: Mapping[str, str]) -> "Diagram":
        """The same drawing with other letters; `mapping` must be one-to-one on the letters of the figure."""
        return replace(
            self,
            points={mapping.get(name, name): xy for name, xy in self.points.items()},
            segments=tuple((mapping.get(a, a), mapping.get(b, b)) for a, b in self.segments),
            circles=tuple(replace(c, center=mapping.get(c.center, c.center)) for c in self.circles),
            marks=tuple(m.relabel(mapping) for m in self.marks),
            facts=tuple(f.relabel(mapping) for f in self.facts),
        )

    def to_json(self) -> str:
        """The whole diagram as it stands in the `facts` column: what is stated, and the coordinates that prove it."""
        extra = {"axes": self.axes, "curves": [list(c) for c in self.curves]} if self.axes or self.curves else {}
        return json.dumps(
            {
                "facts": [[f.kind, list(f.points), f.value] for f in self.facts],
                "points": {name: [round(x, 4), round(y, 4)] for name, (x, y) in self.points.items()},
                "segments": [list(s) for s in self.segments],
                "circles": [[c.center, round(c.radius, 4)] for c in self.circles],
                "marks": [[m.kind, list(m.points), m.text, m.count] for m in self.marks],
                **extra,
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str) -> "Diagram":
        """Read what `to_json` wrote.

        Raises:
            ValueError: if the text is not such a JSON object.
        """
        try:
            row = json.loads(text)
            return cls(
                points={name: (x, y) for name, (x, y) in row["points"].items()},
                segments=tuple((a, b) for a, b in row["segments"]),
                circles=tuple(Circle(o, r) for o, r in row["circles"]),
                marks=tuple(Mark(kind, tuple(points), text, count) for kind, points, text, count in row["marks"]),
                facts=tuple(Fact(kind, tuple(points), value) for kind, points, value in row["facts"]),
                axes=bool(row.get("axes", False)),
                curves=tuple((a, b, c) for a, b, c in row.get("curves", ())),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"the facts column does not hold a diagram ({error!r}): {text[:80]}") from None


class Figure(Protocol):
    """A diagram that can be edited: what the image negatives ask of every source."""

    @property
    def diagram(self) -> Diagram: ...

    def edit(self, kind: str, rng: np.random.Generator) -> "Figure | None":
        """A copy with one edit of that kind (`EDIT_KINDS`), or None where this draw gives none."""
        ...

    def without_values(self) -> "Figure":
        """A copy that prints no length and no angle: letters, ticks, arcs and right angles alone."""
        ...
