"""A figure as a list of construction steps, solved to coordinates.

Promise: solving is a pure function of the program, and a solved figure is sound: every fact it states is true by
`check`, what it calls general looks general, and its points are far enough apart to be told from each other. Editing
changes a step, an expression or the letters and solves again, so the whole figure follows: an edited length is drawn
at its new length, not only printed.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, permutations

import numpy as np

from .constructions import CONSTRUCTIONS, Construction, NoSolution, Sketch, group
from .diagram import Diagram, Fact, Mark
from .facts import angle_at, check, distance, off_segment, statements
from .predicates import drawn
from .traced import change_value

CROWDED = 0.1  # of the figure's size: points nearer than this cannot carry two letters
BESIDE = (0.02, 0.06)  # of the figure's size: a point so far from a line or circle reads as if it were on it
TRIES = 4  # draws of an edit before it is given up
REDRAWS = 5  # draws of a construction's numbers before another one is tried

# What a figure of a general kind must visibly not be: the special kind, and the order of the fact's points.
SPECIAL: dict[str, tuple[tuple[str, str], ...]] = {
    "acute_triangle": (("equilateral_triangle", "012"),),
    "isosceles_triangle": (("equilateral_triangle", "012"), ("right_triangle", "012")),
    "right_triangle": (("isosceles_triangle", "012"),),
    "quadrilateral": (("trapezoid", "0123"), ("trapezoid", "1230"), ("kite", "0123"), ("kite", "1230")),
    "trapezoid": (
        ("parallelogram", "0123"),
        ("isosceles_trapezoid", "0123"),
        ("right_trapezoid", "0123"),
        ("right_trapezoid", "1032"),
    ),
    "isosceles_trapezoid": (("parallelogram", "0123"),),
    "right_trapezoid": (("parallelogram", "0123"),),
    "kite": (("parallelogram", "0123"),),
    "parallelogram": (("rhombus", "0123"), ("rectangle", "0123")),
    "rectangle": (("square", "0123"),),
    "rhombus": (("square", "0123"),),
    "pentagon": (("regular_pentagon", "01234"),),
    "hexagon": (("regular_hexagon", "012345"),),
    "octagon": (("regular_octagon", "01234567"),),
    "cevian": (("median", "0123"), ("altitude", "0123"), ("bisector", "0123")),
    "on_segment": (("midpoint", "012"),),
    "parallel_cut": (("midline", "01234"),),
    "chord": (("diameter", "012"),),
}
PLAIN_RATIO = 0.08  # log ratio of two sides of a triangle that is not to be taken for isosceles
PLAIN_ANGLE = 7.0  # degrees from 90 of an angle that is not to be taken for a right one


class Unsound(Exception):
    """The steps cannot be solved into a figure that a person could read."""


@dataclass(frozen=True)
class Step:
    construction: str  # a key of CONSTRUCTIONS
    points: tuple[str, ...]  # given points, then new ones
    numbers: tuple[float, ...] = ()


Part = tuple[str, ...]  # what can be printed: a point's coordinates, a segment's length, an angle's size
PARTS = {1: "coordinates", 2: "length", 3: "angle"}


@dataclass(frozen=True)
class Program:
    """Steps in order, and what to print: parts with their measured values, and parts with an expression each."""

    steps: tuple[Step, ...]
    printed: tuple[Part, ...] = ()
    expressions: tuple[tuple[Part, str], ...] = ()  # lengths and angles, with what is printed: `2x+1`, `3√2`, `2y°`

    @classmethod
    def draw(cls, plan: Sequence[Step | tuple[str, tuple[str, ...]]], rng: np.random.Generator) -> "Program":
        """Steps of the named constructions with numbers at random; what is a step already is kept."""
        steps = (s if isinstance(s, Step) else Step(*s, CONSTRUCTIONS[s[0]].draw_numbers(rng)) for s in plan)
        return cls(tuple(steps))

    @cached_property
    def diagram(self) -> Diagram:
        """The solved figure.

        Raises:
            Unsound: if points crowd together, a stated fact is not visibly true, or a general shape looks special.
        """
        sketch = Sketch()
        for step in self.steps:
            try:
                CONSTRUCTIONS[step.construction].build(sketch, *step.points, *step.numbers)
            except (
                NoSolution,
                ZeroDivisionError,
            ) as error:  # rearranged points may fall together, or oppose each other
                raise Unsound(f"{step} has no solution: {error}") from None
        plain = sketch.diagram()
        values = [self._measure(plain, part) for part in self.printed]
        values += [Mark(PARTS[len(part)], part, text) for part, text in self.expressions]
        marks = (*_readable(plain), *values)
        facts = (*plain.facts, *(Fact(m.kind, m.points, m.text) for m in values))
        solved = replace(plain, marks=marks, facts=facts)
        _require_sound(solved)
        return solved

    @staticmethod
    def _measure(plain: Diagram, part: Part) -> Mark:
        """Print what the coordinates measure: angles in whole degrees, lengths and coordinates to one decimal."""
        if len(part) == 3:
            return Mark("angle", part, f"{round(angle_at(plain, *part))}°")
        if len(part) == 2:
            return Mark("length", part, f"{round(distance(plain, *part), 1):g}")
        x, y = (round(v, 1) + 0.0 for v in plain.points[part[0]])  # + 0.0: no minus zero
        return Mark("coordinates", part, f"({x:g}, {y:g})")

    def edit(self, kind: str, rng: np.random.Generator) -> "Program | None":
        """One edit: letters exchanged (order), numbers or an expression drawn again (value), or another construction.

        None where no draw gives a sound figure that states something else.
        """
        for _ in range(TRIES):
            options = [None] if kind == "order" else self._options(kind)
            if not options:
                return None
            option = options[int(rng.integers(len(options)))]
            for redraw in range(REDRAWS):
                edited = self._relabel(rng) if option is None else self._change(*option, rng, keep=redraw == 0)
                try:
                    if statements(edited.diagram.facts) != statements(self.diagram.facts):
                        return edited
                except Unsound:
                    continue
        return None

    def rearrange(self, rng: np.random.Generator) -> "Program | None":
        """One step starts from other points, or from its own in another order: a narrower edit than letters exchanged.

        None where no step can, or this draw gives no sound figure that states something else.
        """
        options = [(i, given) for i in range(len(self.steps)) for given in self._other_givens(i)]
        if not options:
            return None
        i, given = options[int(rng.integers(len(options)))]
        step = self.steps[i]
        changed = replace(step, points=(*given, *step.points[len(given) :]))
        edited = replace(self, steps=(*self.steps[:i], changed, *self.steps[i + 1 :]))
        try:
            return edited if statements(edited.diagram.facts) != statements(self.diagram.facts) else None
        except Unsound:
            return None

    def _other_givens(self, i: int) -> Iterator[tuple[str, ...]]:
        """As many points that stand before a step as it is given, in all other orders."""
        before = dict.fromkeys(p for step in self.steps[:i] for p in step.points)
        given = tuple(p for p in self.steps[i].points if p in before)
        return (points for points in permutations(before, len(given)) if points != given)

    def without_values(self) -> "Program":
        return replace(self, printed=(), expressions=())

    def _relabel(self, rng: np.random.Generator) -> "Program":
        names = list(self.diagram.points)
        chosen = rng.choice(names, size=min(len(names), int(rng.integers(2, 4))), replace=False).tolist()
        return self.relabel(dict(zip(chosen, chosen[1:] + chosen[:1], strict=True)))

    def relabel(self, mapping: Mapping[str, str]) -> "Program":
        """The same figure with other letters; `mapping` must be one-to-one on the letters of the figure."""

        def rename(points: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(mapping.get(p, p) for p in points)

        edited = Program(
            tuple(Step(s.construction, rename(s.points), s.numbers) for s in self.steps),
            tuple(rename(p) for p in self.printed),
            tuple((rename(p), text) for p, text in self.expressions),
        )
        edited.__dict__["diagram"] = self.diagram.relabel(mapping)  # other letters are no reason to solve it again
        return edited

    def _options(self, kind: str) -> list[tuple[int, Construction | None]]:
        """What an edit of that kind can change: a step into a construction, or (None) the value of an expression."""
        options: list[tuple[int, Construction | None]] = []
        for i, step in enumerate(self.steps):
            now = CONSTRUCTIONS[step.construction]
            if kind == "value":
                options += [(i, now)] * bool(now.ranges and self.printed)
            elif now.edit == kind:
                options += [(i, c) for c in group(now.group) if c is not now]
        if kind == "value":
            options += [(i, None) for i in range(len(self.expressions))]
        return options

    def _change(self, i: int, construction: Construction | None, rng: np.random.Generator, keep: bool) -> "Program":
        """Other numbers or another construction; with `keep`, one that takes over the numbers that mean the same."""
        if construction is None:
            part, text = self.expressions[i]
            edited = (part, change_value(text, rng))
            return replace(self, expressions=(*self.expressions[:i], edited, *self.expressions[i + 1 :]))
        numbers, now = construction.draw_numbers(rng), CONSTRUCTIONS[self.steps[i].construction]
        if keep and construction is not now:
            numbers = construction.take_over(numbers, now, self.steps[i].numbers)
        changed = Step(construction.name, self.steps[i].points, numbers)
        return replace(self, steps=(*self.steps[:i], changed, *self.steps[i + 1 :]))


def _readable(plain: Diagram) -> tuple[Mark, ...]:
    """The marks, less equal ticks one of which stands on a divided segment: it would read as a mark of a piece."""
    divided = {
        m.count
        for m in plain.marks
        if m.kind == "ticks"
        and any(p not in m.points and off_segment(plain, p, *m.points) < BESIDE[0] for p in plain.points)
    }
    return tuple(m for m in plain.marks if m.kind != "ticks" or m.count not in divided)


def _require_sound(diagram: Diagram) -> None:
    _require_apart(diagram)
    for mark in diagram.marks:
        sides = zip(mark.points, mark.points[1:], strict=False)
        if not mark.text and any(drawn(diagram, *side) is not True for side in sides):
            raise Unsound(f"{mark} stands on a line that is not drawn")
    for fact in diagram.facts:
        if check(fact, diagram) is not True:
            raise Unsound(f"{fact} is not visibly true of the figure")
        for kind, order in SPECIAL.get(fact.kind, ()):
            special = Fact(kind, tuple(fact.points[int(i)] for i in order))
            if check(special, diagram) is not False:
                raise Unsound(f"{fact} looks like {special}")
        if fact.kind == "triangle":
            _require_plain(fact, diagram)


def _require_apart(diagram: Diagram) -> None:
    near, low, high = ((share * diagram.size) ** 2 for share in (CROWDED, *BESIDE))
    for (a, (ax, ay)), (b, (bx, by)) in combinations(diagram.points.items(), 2):
        if (ax - bx) ** 2 + (ay - by) ** 2 < near:
            raise Unsound(f"{a} and {b} are too close to be told apart")
    for a, b in diagram.segments:  # a point beside a line that it is not on reads as if it were on it
        (ax, ay), (bx, by) = diagram.points[a], diagram.points[b]
        ux, uy = bx - ax, by - ay
        whole = ux * ux + uy * uy
        for name, (px, py) in diagram.points.items():
            along = (px - ax) * ux + (py - ay) * uy
            if 0 < along < whole and low < ((px - ax) * uy - (py - ay) * ux) ** 2 / whole < high:
                raise Unsound(f"{name} is too close to {a}{b} to be told from a point on it")
    for c in diagram.circles:
        for name in diagram.points:
            if BESIDE[0] < abs(distance(diagram, name, c.center) - c.radius) / diagram.size < BESIDE[1]:
                raise Unsound(f"{name} is too close to the circle about {c.center} to be told from a point on it")


def _require_plain(fact: Fact, diagram: Diagram) -> None:
    """A triangle that is called nothing else has neither equal sides nor a right angle, as far as one can see."""
    a, b, c = fact.points
    sides = sorted(math.log(distance(diagram, p, q)) for p, q in ((a, b), (b, c), (c, a)))
    angles = (angle_at(diagram, *corner) for corner in ((a, b, c), (b, c, a), (c, a, b)))
    if min(sides[1] - sides[0], sides[2] - sides[1]) < PLAIN_RATIO or min(abs(v - 90) for v in angles) < PLAIN_ANGLE:
        raise Unsound(f"{fact} looks isosceles or right")
