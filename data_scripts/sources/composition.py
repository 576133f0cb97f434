"""Free composition: figures that no family names, grown step by step on what is already there.

Each step draws what it builds on from the figure so far: a cevian in a triangle that an earlier step made, a circle
about it, the middle of a segment. A step that cannot be solved soundly is drawn again, a bounded number of times.
"""

from dataclasses import dataclass, field

import numpy as np

from ..diagram.constructions import CONSTRUCTIONS, group
from ..diagram.program import Part, Program, Step, Unsound

STEPS = (2, 6)  # at least, at most
TRIES = 4  # draws of a step before the figure stays as it is
STARTS = (("triangle", 3), ("triangle", 3), ("quadrilateral", 4), ("inscribed", 5), ("circle", 1))


@dataclass
class _Growth:
    """What the figure has for later steps to build on."""

    fresh: list[str]  # letters not yet used
    triangles: list[tuple[str, ...]] = field(default_factory=list)
    corners: list[tuple[str, ...]] = field(default_factory=list)  # apex and both neighbours, which nothing need join
    segments: list[tuple[str, ...]] = field(default_factory=list)
    chords: list[tuple[str, ...]] = field(default_factory=list)  # centre, then both ends
    circle: bool = False

    def start(self, rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
        name, count = STARTS[int(rng.integers(len(STARTS)))]
        if name in ("circle", "inscribed"):
            corners = tuple(self.fresh[: count - 1])
            points = ("O", *corners)
            self.circle = True
        else:
            points = corners = tuple(self.fresh[:count])
        del self.fresh[: len(corners)]
        self.segments += zip(corners, corners[1:] + corners[:1], strict=True)
        if len(corners) == 3:
            self.triangles.append(corners)
        elif len(corners) == 4:
            self.corners += [(corners[i], corners[i - 1], corners[(i + 1) % 4]) for i in range(4)]
        return name, points

    def options(self, rng: np.random.Generator) -> list[tuple[str, tuple[str, ...]]]:
        """Every kind of step that can come next, each on parts at random."""
        one, two = self.fresh[:2]
        found: list[tuple[str, tuple[str, ...]]] = []
        if self.triangles:
            a, b, c = rng.permutation(self.triangles[int(rng.integers(len(self.triangles)))]).tolist()
            found += [("cevian", (a, b, c, one)), ("cut", (a, b, c, one, two)), ("extension", (a, b, c, one))]
            if not self.circle:
                found.append(("triangle_circle", (a, b, c, "O")))
        if self.corners:
            found.append(("cut", (*self.corners[int(rng.integers(len(self.corners)))], one, two)))
        if self.segments:
            found.append(("midpoint", (*self.segments[int(rng.integers(len(self.segments)))], one)))
        if self.chords:
            found.append(("third_point", (*self.chords[int(rng.integers(len(self.chords)))], one)))
        elif self.circle:
            found += [("chord", ("O", one, two)), ("touch", ("O", one, two))]
        return found

    def grow(self, kind: str, points: tuple[str, ...]) -> None:
        """Take note of what a step has added."""
        self.fresh = [name for name in self.fresh if name not in points]
        if kind == "cevian":
            a, b, c, d = points
            self.triangles += [(a, b, d), (a, d, c)]
            self.segments += [(a, d)]
        elif kind == "cut":
            a, _, _, d, e = points
            self.triangles.append((a, d, e))
            self.segments.append((d, e))
        elif kind == "extension":
            a, _, c, d = points
            self.segments.append((c, d))
        elif kind == "triangle_circle":
            self.circle = True
        elif kind == "chord":
            self.chords.append(points)
            self.segments.append(points[1:])
        elif kind == "third_point":
            self.triangles.append(points[1:])
            self.segments += [(points[1], points[3]), (points[2], points[3])]
        elif kind == "touch":
            o, a, p = points
            self.segments += [(o, a), (a, p)]


def compose(rng: np.random.Generator, names: list[str]) -> tuple[list[Step], list[Part]]:
    """From 2 to 6 steps, each on points of earlier ones, and the lengths and angles that may be printed.

    Fewer steps come back where nothing more fits. The first may be unsound: the caller solves the program anyway.
    """
    growth = _Growth(list(names))
    steps = [_step(*growth.start(rng), rng)]
    for _ in range(int(rng.integers(STEPS[0], STEPS[1] + 1)) - 1):
        for _ in range(TRIES):
            options = growth.options(rng)
            kind, points = options[int(rng.integers(len(options)))]
            step = _step(kind, points, rng)
            try:
                Program((*steps, step)).diagram  # noqa: B018  solving is the test
            except Unsound:
                continue
            steps.append(step)
            growth.grow(kind, points)
            break
    corners = [(t[i - 1], t[i], t[(i + 1) % 3]) for t in growth.triangles for i in range(3)]
    corners += [(b, a, c) for a, b, c in growth.corners]
    return steps, [*growth.segments, *corners]


def _step(kind: str, points: tuple[str, ...], rng: np.random.Generator) -> Step:
    members = group(kind)
    name = members[int(rng.integers(len(members)))].name
    return Step(name, points, CONSTRUCTIONS[name].draw_numbers(rng))
