"""What a person sees on coordinate axes: how lines rise, where they and parabolas meet the axes. See `predicates`."""

import math

from .diagram import Diagram
from .predicates import ANGLE, DISTANCE, Verdict, above, all_of, direction, drawn, line, off_segment, on_line, within

SLOPE = (4.0, 12.0)  # degrees away from both axes: (false up to, true from)


def _slope(d: Diagram, a: str, b: str) -> float:
    """Degrees that AB rises from left to right, in [0, 180)."""
    return direction(d, a, b) % 180


def rising(d: Diagram, a: str, b: str) -> Verdict:
    t = _slope(d, a, b)
    return all_of([d.axes, line(d, a, b), above(min(t, 90 - t), SLOPE)])


def falling(d: Diagram, a: str, b: str) -> Verdict:
    t = 180 - _slope(d, a, b)
    return all_of([d.axes, line(d, a, b), above(min(t, 90 - t), SLOPE)])


def parallel_x(d: Diagram, a: str, b: str) -> Verdict:
    t = _slope(d, a, b)
    return all_of([d.axes, line(d, a, b), within(min(t, 180 - t), ANGLE)])


def parallel_y(d: Diagram, a: str, b: str) -> Verdict:
    return all_of([d.axes, line(d, a, b), within(abs(90 - _slope(d, a, b)), ANGLE)])


def on_axis(d: Diagram, p: str, axis: int) -> Verdict:
    """P lies on the x-axis (0) or the y-axis (1)."""
    return all_of([d.axes, within(abs(d.points[p][1 - axis]) / d.size, DISTANCE)])


def intercept(d: Diagram, p: str, a: str, b: str, axis: int) -> Verdict:
    """The line AB meets that axis at P; not told where the segment does not reach it."""
    reaches = all_of([drawn(d, a, b), within(off_segment(d, p, a, b), DISTANCE)])
    return all_of([on_axis(d, p, axis), on_line(d, p, a, b), reaches or None])


def origin(d: Diagram, o: str) -> Verdict:
    return all_of([d.axes, within(math.hypot(*d.points[o]) / d.size, DISTANCE)])


def on_parabola(d: Diagram, p: str) -> Verdict:
    x, y = d.points[p]
    gaps = (abs(y - (a * x * x + b * x + c)) / math.hypot(1, 2 * a * x + b) for a, b, c in d.curves)
    return within(min(gaps, default=math.inf) / d.size, DISTANCE)


def parabola_meets(d: Diagram, p: str, axis: int) -> Verdict:
    return all_of([on_parabola(d, p), on_axis(d, p, axis)])


def vertex(d: Diagram, p: str, sign: int) -> Verdict:
    """P is the vertex of a parabola that opens upward (1) or downward (-1)."""
    x, y = d.points[p]
    gaps = (math.hypot(x + b / (2 * a), y - c + b * b / (4 * a)) for a, b, c in d.curves if a * sign > 0)
    return within(min(gaps, default=math.inf) / d.size, DISTANCE)
