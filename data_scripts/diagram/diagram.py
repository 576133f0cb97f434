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
    value: str = ""  # the printed text, for lengths and angles only

    def relabel(self, mapping: Mapping[str, str]) -> "Fact":
        return replace(self, points=tuple(mapping.get(p, p) for p in self.points))


@dataclass(frozen=True)
class Mark:
    """Something printed on the figure beside its lines and vertex letters.

    `length` (2 points) and `angle` (3 points, vertex in the middle) print `text`; `right_angle` (3 points) is a small
    square; `ticks` (2 points) and `arcs` (3 points) say which parts are equal, by their number `count`.
    """

    kind: str
    points: tuple[str, ...]
    text: str = ""
    count: int = 1

    def relabel(self, mapping: Mapping[str, str]) -> "Mark":
        return replace(self, points=tuple(mapping.get(p, p) for p in self.points))


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

    @cached_property
    def size(self) -> float:
        """Diameter of everything drawn, however the figure is turned: the yardstick of every margin."""
        discs = [(xy, 0.0) for xy in self.points.values()] + [(self.points[c.center], c.radius) for c in self.circles]
        across = [math.dist(p, q) + r + s for (p, r), (q, s) in combinations(discs, 2)]
        return max([*across, *(2 * radius for _, radius in discs)])

    @cached_property
    def drawn_lines(self) -> dict[tuple[str, str], bool | None]:
        """Whether a line is drawn between two points, as far as `facts` has decided it: asked for again and again."""
        return {}

    def position(self, point: str) -> np.ndarray:
        return np.array(self.points[point], dtype=float)

    def relabel(self, mapping: Mapping[str, str]) -> "Diagram":
        """The same drawing with other letters; `mapping` must be one-to-one on the letters of the figure."""
        return Diagram(
            points={mapping.get(name, name): xy for name, xy in self.points.items()},
            segments=tuple((mapping.get(a, a), mapping.get(b, b)) for a, b in self.segments),
            circles=tuple(replace(c, center=mapping.get(c.center, c.center)) for c in self.circles),
            marks=tuple(m.relabel(mapping) for m in self.marks),
            facts=tuple(f.relabel(mapping) for f in self.facts),
        )

    def to_json(self) -> str:
        """The whole diagram as it stands in the `facts` column: what is stated, and the coordinates that prove it."""
        return json.dumps(
            {
                "facts": [[f.kind, list(f.points), f.value] for f in self.facts],
                "points": {name: [round(x, 4), round(y, 4)] for name, (x, y) in self.points.items()},
                "segments": [list(s) for s in self.segments],
                "circles": [[c.center, round(c.radius, 4)] for c in self.circles],
                "marks": [[m.kind, list(m.points), m.text, m.count] for m in self.marks],
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
