"""Circles about and within triangles and quadrilaterals."""

from .base import TURN, NoSolution, Sketch, construction, cross, meet, project, ray

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


@construction("triangle_circle", "relation")
def circle_on_side(s: Sketch, a: str, b: str, c: str, o: str) -> None:
    """The circle whose diameter is BC."""
    s.at[o] = (s.at[b] + s.at[c]) / 2
    s.circle(o, abs(s.at[b] - s.at[c]) / 2)
    s.state("diameter", b, c, o)


# --- a quadrilateral ABCD inscribed in a circle about O --------------------------------------------------------------


def _inscribed(s: Sketch, names: tuple[str, ...], kind: str, radius: float, *turns: float) -> None:
    o, *corners = names
    s.at[o] = 0j
    s.circle(o, radius)
    for name, turn in zip(corners, turns, strict=True):
        s.at[name] = radius * ray(turn)
    s.join(*corners, close=True)
    s.state(kind, *corners)
    s.state("quadrilateral_circumcircle", o, *corners)


RADIUS = (4, 10, 1)


@construction("inscribed", "shape", RADIUS, TURN)
def inscribed_square(s: Sketch, *args: str | float) -> None:
    *names, radius, turn = args
    _inscribed(s, names, "square", radius, turn, turn + 90, turn + 180, turn + 270)


@construction("inscribed", "shape", RADIUS, TURN, (50, 70, 5))
def inscribed_rectangle(s: Sketch, *args: str | float) -> None:
    *names, radius, turn, span = args
    _inscribed(s, names, "rectangle", radius, turn, turn + span, turn + 180, turn + 180 + span)


@construction("inscribed", "shape", RADIUS, TURN, (55, 70, 5), (60, 75, 5))
def inscribed_trapezoid(s: Sketch, *args: str | float) -> None:
    """AB is the longer base, AD and BC are equal."""
    *names, radius, turn, leg, top = args
    turns = turn, turn - top - 2 * leg, turn - top - leg, turn - leg
    _inscribed(s, names, "isosceles_trapezoid", radius, *turns)


@construction("inscribed", "shape", RADIUS, TURN, (45, 55, 5), (85, 95, 5), (130, 140, 5))
def inscribed_quadrilateral(s: Sketch, *args: str | float) -> None:
    *names, radius, turn, first, second, third = args
    turns = turn, turn + first, turn + first + third, turn + first + second + third
    _inscribed(s, names, "quadrilateral", radius, *turns)


# --- a circle about or within a square ABCD --------------------------------------------------------------------------


def _middle(s: Sketch, a: str, b: str, c: str, d: str) -> complex:
    return meet(s.at[a], s.at[c] - s.at[a], s.at[b], s.at[d] - s.at[b])


@construction("square_circle", "relation")
def circle_about(s: Sketch, a: str, b: str, c: str, d: str, o: str) -> None:
    s.at[o] = _middle(s, a, b, c, d)
    s.circle(o, abs(s.at[o] - s.at[a]))
    s.state("quadrilateral_circumcircle", o, a, b, c, d)


@construction("square_circle", "relation")
def circle_within(s: Sketch, a: str, b: str, c: str, d: str, o: str) -> None:
    s.at[o] = _middle(s, a, b, c, d)
    s.circle(o, abs(s.at[o] - project(s.at[o], s.at[a], s.at[b])))
    s.state("quadrilateral_incircle", o, a, b, c, d)
