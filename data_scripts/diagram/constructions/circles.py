"""Circles, the centre O first, and what is drawn in and about them."""

from .base import SHARE, TURN, NoSolution, Sketch, construction, cross, degrees, project, ray


@construction("circle", "shape", (4, 10, 1))
def circle(s: Sketch, o: str, radius: float) -> None:
    s.at[o] = 0j
    s.circle(o, radius)
    s.state("circle", o)


@construction("chord", "relation", TURN)
def diameter(s: Sketch, o: str, a: str, b: str, turn: float) -> None:
    r = s.radius(o)
    s.at[a], s.at[b] = s.at[o] + r * ray(turn), s.at[o] - r * ray(turn)
    s.join(a, b)
    s.state("diameter", a, b, o)


@construction("chord", "relation", TURN, (80, 135, 5))
def chord(s: Sketch, o: str, a: str, b: str, turn: float, span: float) -> None:
    r = s.radius(o)
    s.at[a], s.at[b] = s.at[o] + r * ray(turn), s.at[o] + r * ray(turn + span)
    s.join(a, b)
    s.state("chord", a, b, o)


def _third_point(s: Sketch, o: str, a: str, b: str, c: str, share: float, reach: float) -> None:
    """C on the larger arc between A and B (or nearer to the centre by `reach`), joined to both."""
    start, end = (degrees(s.at[p] - s.at[o]) for p in (b, a))
    sweep = (end - start) % 360
    if sweep < 180:
        start, sweep = end, 360 - sweep
    s.at[c] = s.at[o] + reach * s.radius(o) * ray(start + share * sweep)
    s.join(a, c, b)


@construction("third_point", "relation", SHARE)
def point_on_circle(s: Sketch, o: str, a: str, b: str, c: str, share: float) -> None:
    _third_point(s, o, a, b, c, share, 1.0)
    s.state("on_circle", c, o)


@construction("third_point", "relation", SHARE, (0.55, 0.7, 0.05))
def point_inside_circle(s: Sketch, o: str, a: str, b: str, c: str, share: float, reach: float) -> None:
    _third_point(s, o, a, b, c, share, reach)
    s.state("inside_circle", c, o)


def _from_outside(s: Sketch, o: str, a: str, p: str, turn: float, at_a: float, reach: float) -> None:
    """A on the circle, P with angle OAP = at_a, PA and OA drawn."""
    r = s.radius(o)
    s.at[a] = s.at[o] + r * ray(turn)
    s.at[p] = s.at[a] + reach * r * ray(turn + 180 - at_a)
    s.join(p, a, o)


@construction("touch", "relation", TURN, (1.2, 1.8, 0.1))
def tangent(s: Sketch, o: str, a: str, p: str, turn: float, reach: float) -> None:
    _from_outside(s, o, a, p, turn, 90, reach)
    s.state("tangent", p, a, o)
    s.right_angle(o, a, p)


@construction("touch", "relation", TURN, (1.2, 1.8, 0.1), (115, 140, 5))
def no_tangent(s: Sketch, o: str, a: str, p: str, turn: float, reach: float, at_a: float) -> None:
    _from_outside(s, o, a, p, turn, at_a, reach)
    s.state("radius", a, o)
    s.state("outside_circle", p, o)
    s.state("segment", p, a)


# --- the circles of a triangle ---------------------------------------------------------------------------------------


def circumcentre(a: complex, b: complex, c: complex) -> complex:
    """The point as far from A as from B and C.

    Raises:
        NoSolution: if they lie on a line.
    """
    u, v = b - a, c - a
    twice = 2 * cross(u, v)
    if abs(twice) < 1e-9 * max(abs(u) * abs(v), 1e-9):
        raise NoSolution("three points on a line have no circle")
    return a + 1j * (u * abs(v) ** 2 - v * abs(u) ** 2) / twice


@construction("triangle_circle", "relation")
def circumcircle(s: Sketch, a: str, b: str, c: str, o: str) -> None:
    s.at[o] = circumcentre(s.at[a], s.at[b], s.at[c])
    s.circle(o, abs(s.at[o] - s.at[a]))
    s.state("circumcircle", o, a, b, c)


@construction("triangle_circle", "relation")
def incircle(s: Sketch, a: str, b: str, c: str, o: str) -> None:
    pa, pb, pc = s.at[a], s.at[b], s.at[c]
    opposite = abs(pb - pc), abs(pc - pa), abs(pa - pb)
    s.at[o] = (opposite[0] * pa + opposite[1] * pb + opposite[2] * pc) / sum(opposite)
    s.circle(o, abs(s.at[o] - project(s.at[o], pa, pb)))
    s.state("incircle", o, a, b, c)
