"""Figures for questions: solved by a program or placed by coordinates, with the given values printed on them.

What is printed is exact: a length may read `2\\sqrt{13}`, an angle `(2x+10)°`. A figure that a person could not read
raises `Unsound`, as programs do, and is drawn anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import sympy

from ..diagram import Circle, Diagram, Fact, Mark
from ..diagram.facts import check
from ..diagram.program import Program, Step, Unsound
from ..diagram.traced import readable
from .terms import degrees_text, value_text

Part = tuple[str, ...]  # a point's coordinates (1 point), a length (2 points) or an angle (3 points)
Printed = Mapping[Part, sympy.Basic | int]
Point = tuple[float, float]


def ray(degrees: float, reach: float = 1.0) -> np.ndarray:
    """The point at an angle and a distance from the origin, `[2]`."""
    return reach * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def print_on(diagram: Diagram, printed: Printed) -> Diagram:
    """The diagram with these lengths, angles and coordinates printed on it."""
    marks = [_mark(part, sympy.sympify(value)) for part, value in printed.items()]
    facts = [Fact(mark.kind, mark.points, mark.text) for mark in marks]
    return replace(diagram, marks=(*diagram.marks, *marks), facts=(*diagram.facts, *facts))


def _mark(part: Part, value: sympy.Basic) -> Mark:
    if len(part) == 1:
        return Mark("coordinates", part, value_text(value))
    if len(part) == 2:
        return Mark("length", part, value_text(value).replace(" ", ""))
    return Mark("angle", part, degrees_text(value).replace(" ", "") + "°")


def drawn(*steps: tuple[str, Part, tuple[float, ...]], printed: Printed) -> Diagram:
    """The figure of a program, given as construction, points and numbers of each step.

    Raises:
        Unsound: if nobody could read it.
    """
    program = Program(tuple(Step(name, points, tuple(map(float, numbers))) for name, points, numbers in steps))
    return print_on(program.diagram, printed)


def placed(
    points: Mapping[str, np.ndarray | Point],
    lines: Iterable[str],
    circles: Mapping[str, float] | None = None,
    marks: Iterable[Mark] = (),
    facts: Iterable[Fact] = (),
    printed: Printed | None = None,
    curves: Iterable[tuple[float, float, float]] | None = None,
) -> Diagram:
    """A figure by its coordinates.

    Args:
        points: where the points are.
        lines: what is drawn between them, point by point: "ABC" joins A to B and B to C.
        circles: radius around each centre.
        marks: right angles, ticks and arcs.
        facts: what the figure states, checked on the coordinates.
        printed: the given values.
        curves: parabolas y = ax² + bx + c, as (a, b, c); even an empty list draws coordinate axes.

    Raises:
        Unsound: if points crowd together or a fact does not visibly hold.
    """
    segments = tuple((a, b) for line in lines for a, b in zip(line, line[1:], strict=False))
    diagram = Diagram(
        points={name: (float(x), float(y)) for name, (x, y) in points.items()},
        segments=segments,
        circles=tuple(Circle(centre, float(radius)) for centre, radius in (circles or {}).items()),
        marks=tuple(marks),
        facts=tuple(facts),
        axes=curves is not None,
        curves=tuple(curves or ()),
    )
    if not readable(diagram):
        raise Unsound("points are too close to be told apart")
    for fact in diagram.facts:
        if check(fact, diagram) is not True:
            raise Unsound(f"{fact} is not visibly true of the figure")
    return print_on(diagram, printed or {})


def right_angle(a: str, b: str, c: str) -> Mark:
    """A small square in the angle ABC."""
    return Mark("right_angle", (a, b, c))


def ticks(*segments: str, count: int = 1) -> list[Mark]:
    """The same number of ticks on these segments."""
    return [Mark("ticks", (a, b), count=count) for a, b in segments]


def arcs(*angles: str, count: int = 1) -> list[Mark]:
    """The same number of arcs in these angles."""
    return [Mark("arcs", tuple(name), count=count) for name in angles]
