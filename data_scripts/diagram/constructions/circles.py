"""Circles, the centre O first, and what is drawn in and about them."""

import math

from .base import SHARE, TURN, NoSolution, Sketch, construction, degrees, dot, ray


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


@construction("third_point", "relation", SHARE, (1.35, 1.5, 0.05))
def point_outside_circle(s: Sketch, o: str, a: str, b: str, c: str, share: float, reach: float) -> None:
    _third_point(s, o, a, b, c, share, reach)
    s.state("outside_circle", c, o)


# --- a central angle AOB ---------------------------------------------------------------------------------------------


def _central(s: Sketch, o: str, a: str, b: str, turn: float, span: float, reach: float) -> None:
    """A on the circle, B at `reach` radii from O, both joined to O."""
    r = s.radius(o)
    s.at[a], s.at[b] = s.at[o] + r * ray(turn), s.at[o] + reach * r * ray(turn + span)
    s.join(a, o, b)
    s.state("radius", a, o)


SPAN = (50, 140, 10)


@construction("central", "relation", TURN, SPAN)
def central_angle(s: Sketch, o: str, a: str, b: str, turn: float, span: float) -> None:
    _central(s, o, a, b, turn, span, 1.0)
    s.state("radius", b, o)


@construction("central", "relation", TURN, SPAN, (0.55, 0.7, 0.05))
def short_central_angle(s: Sketch, o: str, a: str, b: str, turn: float, span: float, reach: float) -> None:
    _central(s, o, a, b, turn, span, reach)
    s.state("segment", o, b)
    s.state("inside_circle", b, o)


@construction("central", "relation", TURN, SPAN, (1.35, 1.5, 0.05))
def long_central_angle(s: Sketch, o: str, a: str, b: str, turn: float, span: float, reach: float) -> None:
    _central(s, o, a, b, turn, span, reach)
    s.state("segment", o, b)
    s.state("outside_circle", b, o)


# --- chords AB and CD that cross at P --------------------------------------------------------------------------------


def through(s: Sketch, o: str, p: complex, way: complex) -> tuple[complex, complex]:
    """Where a line through P meets the circle, the further along the way last.

    Raises:
        NoSolution: if it passes the circle by.
    """
    r, way = s.radius(o), way / abs(way)
    middle = p + dot(s.at[o] - p, way) * way
    half = r**2 - abs(middle - s.at[o]) ** 2
    if half <= 0:
        raise NoSolution("the line does not meet the circle")
    return middle - math.sqrt(half) * way, middle + math.sqrt(half) * way


def _crossing(s: Sketch, names: tuple[str, ...], turn: float, out: float, first: float, second: float) -> None:
    """P at `out` radii from O; the chords leave the line OP by these angles."""
    o, a, b, c, d, p = names
    s.at[p] = s.at[o] + out * s.radius(o) * ray(turn)
    s.at[a], s.at[b] = through(s, o, s.at[p], ray(turn + first))
    s.at[c], s.at[d] = through(s, o, s.at[p], ray(turn + second))
    s.join(a, b)
    s.join(c, d)
    s.state("intersect", p, a, b, c, d)


OUT = (0.35, 0.55, 0.05)


@construction("two_chords", "relation", TURN, OUT, (35, 55, 5), (105, 125, 5))
def crossing_chords(s: Sketch, *args: str | float) -> None:
    o, a, b, c, d = args[:5]
    _crossing(s, args[:6], *args[6:])
    s.state("chord", a, b, o)
    s.state("chord", c, d, o)


@construction("two_chords", "relation", TURN, OUT)
def diameter_across_chord(s: Sketch, *args: str | float) -> None:
    o, a, b, c, d, p, turn, out = args
    _crossing(s, args[:6], turn, out, 0, 90)
    s.state("diameter", a, b, o)
    s.state("perpendicular", a, b, c, d)
    s.right_angle(b, p, c)


@construction("two_chords", "relation", TURN, OUT, (45, 65, 5))
def diameter_and_chord(s: Sketch, *args: str | float) -> None:
    o, a, b, c, d, _, turn, out, at = args
    _crossing(s, args[:6], turn, out, 0, at)
    s.state("diameter", a, b, o)
    s.state("chord", c, d, o)


# --- lines from P outside --------------------------------------------------------------------------------------------


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


OUTSIDE = (1.8, 2.3, 0.1)


def _touching(s: Sketch, o: str, p: str, a: str, side: float, share: float = 1.0) -> None:
    """A on the circle as seen from P on that side (1 or -1): where PA touches it, or a share of the way there."""
    out = s.at[p] - s.at[o]
    s.at[a] = s.at[o] + s.radius(o) * ray(
        degrees(out) + side * share * math.degrees(math.acos(s.radius(o) / abs(out)))
    )
    s.join(p, a, o)


def _not_touching(s: Sketch, o: str, p: str, a: str, side: float) -> None:
    _touching(s, o, p, a, side, share=0.45)
    s.state("segment", p, a)
    s.state("radius", a, o)


def _tangent_to(s: Sketch, o: str, p: str, a: str, side: float) -> None:
    _touching(s, o, p, a, side)
    s.state("tangent", p, a, o)
    s.right_angle(o, a, p)


@construction("two_tangents", "relation", TURN, OUTSIDE)
def two_tangents(s: Sketch, o: str, a: str, b: str, p: str, turn: float, reach: float) -> None:
    s.at[p] = s.at[o] + reach * s.radius(o) * ray(turn)
    _tangent_to(s, o, p, a, 1)
    _tangent_to(s, o, p, b, -1)


@construction("two_tangents", "relation", TURN, OUTSIDE)
def one_tangent(s: Sketch, o: str, a: str, b: str, p: str, turn: float, reach: float) -> None:
    s.at[p] = s.at[o] + reach * s.radius(o) * ray(turn)
    _tangent_to(s, o, p, a, 1)
    _not_touching(s, o, p, b, -1)


@construction("two_tangents", "relation", TURN, OUTSIDE)
def other_tangent(s: Sketch, o: str, a: str, b: str, p: str, turn: float, reach: float) -> None:
    s.at[p] = s.at[o] + reach * s.radius(o) * ray(turn)
    _not_touching(s, o, p, a, 1)
    _tangent_to(s, o, p, b, -1)


def _secant(s: Sketch, o: str, p: str, a: str, b: str, aside: float) -> None:
    s.at[a], s.at[b] = through(s, o, s.at[p], (s.at[o] - s.at[p]) * ray(aside))
    s.join(p, b)
    s.state("secant", p, a, b, o)


ASIDE = (12, 20, 1)


@construction("secants", "relation", TURN, OUTSIDE, ASIDE, ASIDE)
def two_secants(s: Sketch, *args: str | float) -> None:
    o, p, a, b, c, d, turn, reach, first, second = args
    s.at[p] = s.at[o] + reach * s.radius(o) * ray(turn)
    _secant(s, o, p, a, b, first)
    _secant(s, o, p, c, d, -second)


@construction("secants", "relation", TURN, OUTSIDE, (17, 22, 1))
def secant_and_diameter(s: Sketch, *args: str | float) -> None:
    o, p, a, b, c, d, turn, reach, aside = args
    s.at[p] = s.at[o] + reach * s.radius(o) * ray(turn)
    _secant(s, o, p, a, b, 0)
    _secant(s, o, p, c, d, -aside)
    s.state("diameter", a, b, o)


@construction("tangent_secant", "relation", TURN, OUTSIDE, ASIDE)
def tangent_and_secant(s: Sketch, *args: str | float) -> None:
    o, p, t, a, b, turn, reach, aside = args
    s.at[p] = s.at[o] + reach * s.radius(o) * ray(turn)
    _tangent_to(s, o, p, t, 1)
    _secant(s, o, p, a, b, aside)


@construction("tangent_secant", "relation", TURN, OUTSIDE)
def tangent_and_diameter(s: Sketch, *args: str | float) -> None:
    o, p, t, a, b, turn, reach = args
    s.at[p] = s.at[o] + reach * s.radius(o) * ray(turn)
    _tangent_to(s, o, p, t, 1)
    _secant(s, o, p, a, b, 0)
    s.state("diameter", a, b, o)


@construction("tangent_secant", "relation", TURN, OUTSIDE, ASIDE)
def secant_alone(s: Sketch, *args: str | float) -> None:
    o, p, t, a, b, turn, reach, aside = args
    s.at[p] = s.at[o] + reach * s.radius(o) * ray(turn)
    _not_touching(s, o, p, t, 1)
    _secant(s, o, p, a, b, aside)
