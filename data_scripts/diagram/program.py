"""A figure as a list of construction steps, solved to coordinates.

Promise: solving is a pure function of the program, and a solved figure is sound: every fact it states is true by
`check`, and its points are far enough apart to be told from each other. Editing changes a step or the letters and
solves again, so the whole figure follows: an edited length is drawn at its new length, not only printed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from .constructions import CONSTRUCTIONS, Construction, NoSolution, Sketch
from .diagram import Diagram, Fact, Mark
from .facts import angle_at, check, distance, off_segment, statements

CROWDED = 0.1  # of the figure's size: points nearer than this cannot carry two letters
TRIES = 12  # draws of an edit before it is given up


class Unsound(Exception):
    """The steps cannot be solved into a figure that a person could read."""


@dataclass(frozen=True)
class Step:
    construction: str  # a key of CONSTRUCTIONS
    points: tuple[str, ...]  # given points, then new ones
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True)
class Program:
    """Steps in order, and which lengths and angles to print (two or three points each)."""

    steps: tuple[Step, ...]
    printed: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def draw(cls, plan: Sequence[tuple[str, tuple[str, ...]]], rng: np.random.Generator) -> "Program":
        """Steps of the named constructions with numbers at random."""
        return cls(tuple(Step(name, points, CONSTRUCTIONS[name].draw_numbers(rng)) for name, points in plan))

    @cached_property
    def diagram(self) -> Diagram:
        """The solved figure.

        Raises:
            Unsound: if points crowd together or a stated fact is not visibly true.
        """
        sketch = Sketch()
        for step in self.steps:
            try:
                CONSTRUCTIONS[step.construction].build(sketch, *step.points, *step.numbers)
            except NoSolution as error:
                raise Unsound(f"{step} has no solution: {error}") from None
        plain = sketch.diagram()
        values = [self._measure(plain, part) for part in self.printed]
        marks = (*plain.marks, *values)
        facts = (*plain.facts, *(Fact(m.kind, m.points, m.text) for m in values))
        solved = replace(plain, marks=marks, facts=facts)
        _require_sound(solved)
        return solved

    @staticmethod
    def _measure(plain: Diagram, part: tuple[str, ...]) -> Mark:
        """Print what the coordinates measure: angles in whole degrees, lengths to one decimal."""
        if len(part) == 3:
            return Mark("angle", part, f"{round(angle_at(plain, *part))}°")
        return Mark("length", part, f"{round(distance(plain, *part), 1):g}")

    def edit(self, kind: str, rng: np.random.Generator) -> "Program | None":
        """One edit: letters exchanged (order), numbers drawn again (value), another construction (shape, relation).

        None where no draw gives a sound figure that states something else.
        """
        for _ in range(TRIES):
            edited = self._relabel(rng) if kind == "order" else self._change_step(kind, rng)
            if edited is None:
                return None
            try:
                changed = statements(edited.diagram.facts) != statements(self.diagram.facts)
            except Unsound:
                continue
            if changed:
                return edited
        return None

    def _relabel(self, rng: np.random.Generator) -> "Program | None":
        names = list(self.diagram.points)
        if len(names) < 2:
            return None
        chosen = rng.choice(names, size=min(len(names), int(rng.integers(2, 4))), replace=False).tolist()
        mapping = dict(zip(chosen, chosen[1:] + chosen[:1], strict=True))

        def rename(points: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(mapping.get(p, p) for p in points)

        return Program(
            tuple(replace(s, points=rename(s.points)) for s in self.steps), tuple(rename(p) for p in self.printed)
        )

    def _change_step(self, kind: str, rng: np.random.Generator) -> "Program | None":
        options: list[tuple[int, Construction]] = []
        for i, step in enumerate(self.steps):
            now = CONSTRUCTIONS[step.construction]
            if kind == "value":
                options += [(i, now)] * bool(now.ranges and self.printed)
            elif now.edit == kind:
                options += [(i, c) for c in CONSTRUCTIONS.values() if c.group == now.group and c is not now]
        if not options:
            return None
        i, construction = options[int(rng.integers(len(options)))]
        changed = Step(construction.name, self.steps[i].points, construction.draw_numbers(rng))
        return replace(self, steps=(*self.steps[:i], changed, *self.steps[i + 1 :]))


def _require_sound(diagram: Diagram) -> None:
    for a, b in combinations(diagram.points, 2):
        if distance(diagram, a, b) < CROWDED * diagram.size:
            raise Unsound(f"{a} and {b} are too close to be told apart")
    for p in diagram.points:  # a point beside a line that it is not on reads as if it were on it
        for a, b in diagram.segments:
            if p not in (a, b) and 0.02 < off_segment(diagram, p, a, b) < 0.06:
                raise Unsound(f"{p} is too close to {a}{b} to be told from a point on it")
    for fact in diagram.facts:
        if check(fact, diagram) is not True:
            raise Unsound(f"{fact} is not visibly true of the figure")
