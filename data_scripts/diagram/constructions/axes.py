"""Coordinate axes with lines and parabolas, on whole coordinates as exams print them."""

from .base import Sketch, construction


@construction("axes", "relation")
def axes(s: Sketch, o: str) -> None:
    s.at[o] = 0j
    s.axes = True
    s.state("axes", o)


# --- a line AB -------------------------------------------------------------------------------------------------------


def _line(s: Sketch, a: str, b: str, start: complex, step: complex, kind: str) -> None:
    s.at[a], s.at[b] = start, start + step
    s.join(a, b)
    s.state(kind, a, b)


WHERE, STEP = (-4, 3, 1), (2, 5, 1)


@construction("axes_line", "relation", WHERE, WHERE, STEP, STEP)
def rising_line(s: Sketch, o: str, a: str, b: str, x: float, y: float, along: float, up: float) -> None:
    _line(s, a, b, complex(x, y), complex(along, up), "rising")


@construction("axes_line", "relation", WHERE, WHERE, STEP, STEP)
def falling_line(s: Sketch, o: str, a: str, b: str, x: float, y: float, along: float, down: float) -> None:
    _line(s, a, b, complex(x, y), complex(along, -down), "falling")


@construction("axes_line", "relation", WHERE, WHERE, STEP)
def level_line(s: Sketch, o: str, a: str, b: str, x: float, y: float, along: float) -> None:
    _line(s, a, b, complex(x, y), complex(along, 0), "parallel_x")


@construction("axes_line", "relation", WHERE, WHERE, STEP)
def upright_line(s: Sketch, o: str, a: str, b: str, x: float, y: float, up: float) -> None:
    _line(s, a, b, complex(x, y), complex(0, up), "parallel_y")


# --- a line AB that meets the x-axis at P and the y-axis at Q --------------------------------------------------------


def _intercepts(s: Sketch, names: tuple[str, ...], x: float, y: float, kind: str) -> None:
    a, b, p, q = names
    s.at[p], s.at[q] = complex(x, 0), complex(0, y)
    s.at[a], s.at[b] = (s.at[p] + t * (s.at[q] - s.at[p]) for t in (-0.6, 1.6))
    s.join(a, b)
    s.state("x_intercept", p, a, b)
    s.state("y_intercept", q, a, b)
    s.state(kind, a, b)


SIDE = (0, 1, 1)  # the x-intercept is on the right (1) or on the left (0)


@construction("axes_intercepts", "relation", (2, 4, 1), (2, 4, 1), SIDE)
def rising_intercepts(s: Sketch, o: str, *args: str | float) -> None:
    *names, x, y, side = args
    _intercepts(s, names, *((x, -y) if side else (-x, y)), "rising")


@construction("axes_intercepts", "relation", (2, 4, 1), (2, 4, 1), SIDE)
def falling_intercepts(s: Sketch, o: str, *args: str | float) -> None:
    *names, x, y, side = args
    _intercepts(s, names, *((x, y) if side else (-x, -y)), "falling")


# --- a parabola with its vertex V and points P and Q as high as each other -------------------------------------------

SHAPES = ((1.0, 2.0), (0.5, 2.0), (1 / 3, 3.0), (2.0, 1.0))  # y = a m² at m from the axis: whole numbers
ALONG = (-3, 3, 1)


def _parabola(s: Sketch, names: tuple[str, ...], x: float, y: float, sign: int, shape: float) -> None:
    """The vertex at (x, y), P and Q where the shape says."""
    v, p, q = names
    a, m = SHAPES[int(shape)]
    s.at[v] = complex(x, y)
    s.at[p], s.at[q] = s.at[v] + complex(-m, sign * a * m * m), s.at[v] + complex(m, sign * a * m * m)
    a *= sign
    s.curves.append((a, -2 * a * x, a * x * x + y))
    s.state("parabola_up" if sign > 0 else "parabola_down", v)


def _rooted(s: Sketch, names: tuple[str, ...], x: float, sign: int, shape: float) -> None:
    a, m = SHAPES[int(shape)]
    _parabola(s, names, x, -sign * a * m * m, sign, shape)
    s.state("parabola_meets_x", names[1])
    s.state("parabola_meets_x", names[2])


def _raised(s: Sketch, names: tuple[str, ...], x: float, y: float, sign: int, shape: float) -> None:
    _parabola(s, names, x, sign * y, sign, shape)
    s.join(*names[1:])
    s.state("on_parabola", names[1])
    s.state("on_parabola", names[2])
    s.state("parallel_x", *names[1:])


@construction("parabola", "relation", ALONG, (0, 3, 1))
def parabola_up(s: Sketch, o: str, *args: str | float) -> None:
    _rooted(s, args[:3], args[3], 1, args[4])


@construction("parabola", "relation", ALONG, (0, 3, 1))
def parabola_down(s: Sketch, o: str, *args: str | float) -> None:
    _rooted(s, args[:3], args[3], -1, args[4])


@construction("parabola", "relation", ALONG, (1, 2, 1), (0, 2, 1))
def raised_parabola(s: Sketch, o: str, *args: str | float) -> None:
    _raised(s, args[:3], args[3], args[4], 1, args[5])


@construction("parabola", "relation", ALONG, (1, 2, 1), (0, 2, 1))
def lowered_parabola(s: Sketch, o: str, *args: str | float) -> None:
    _raised(s, args[:3], args[3], args[4], -1, args[5])
