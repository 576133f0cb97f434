"""Lines that are parallel or cross, and points on segments."""

from .base import LENGTH, Sketch, construction, cross, degrees, meet, ray

# --- lines AB and CD with a transversal EF crossing them at G and H --------------------------------------------------


def _lines(s: Sketch, names: tuple[str, ...], tilt: float, crossing: float, gap: float) -> None:
    a, b, c, d, e, f, g, h = names
    s.at[a], s.at[b] = complex(-7, gap / 2), complex(7, gap / 2)
    s.at[c], s.at[d] = (complex(0, -gap / 2) + 7 * k * ray(tilt) for k in (-1, 1))
    s.at[g] = meet(s.at[a], s.at[b] - s.at[a], 0j, ray(crossing))
    s.at[h] = meet(s.at[c], s.at[d] - s.at[c], 0j, ray(crossing))
    s.at[e], s.at[f] = s.at[g] + 3 * ray(crossing), s.at[h] - 3 * ray(crossing)
    s.join(a, b)
    s.join(c, d)
    s.join(e, f)
    s.state("intersect", g, e, f, a, b)
    s.state("intersect", h, e, f, c, d)


@construction("lines", "relation", (45, 135, 5), (5, 7, 0.5))
def parallel_lines(s: Sketch, *args: str | float) -> None:
    s.state("parallel", *args[:4])
    _lines(s, args[:8], 0.0, *args[8:])


@construction("lines", "relation", (45, 135, 5), (5, 7, 0.5), (16, 20, 1))
def slanted_lines(s: Sketch, *args: str | float) -> None:
    crossing, gap, tilt = args[8:]
    _lines(s, args[:8], tilt if crossing < 90 else -tilt, crossing, gap)


@construction("midpoint", "relation")
def midpoint(s: Sketch, a: str, b: str, m: str) -> None:
    s.at[m] = (s.at[a] + s.at[b]) / 2
    s.state("midpoint", m, a, b)


@construction("midpoint", "relation", (0.25, 0.35, 0.05))
def point_on_segment(s: Sketch, a: str, b: str, m: str, ratio: float) -> None:
    s.at[m] = s.at[a] + ratio * (s.at[b] - s.at[a])
    s.state("on_segment", m, a, b)


# --- AB and CD with a point E between them, joined to A and C --------------------------------------------------------


def _bend(
    s: Sketch, a: str, b: str, c: str, d: str, e: str, tilt: float, upper: float, lower: float, gap: float
) -> None:
    s.at[a], s.at[b] = complex(0, gap), complex(10, gap)
    s.at[c], s.at[d] = 0j, 10 * ray(tilt)
    s.at[e] = meet(s.at[a], ray(-upper), s.at[c], ray(lower))
    s.join(b, a, e, c, d)
    s.state("segment", a, e)
    s.state("segment", c, e)


@construction("bend", "relation", (35, 70, 5), (35, 70, 5), (7, 9, 0.5))
def parallel_bend(s: Sketch, *args: str | float) -> None:
    s.state("parallel", *args[:4])
    _bend(s, *args[:5], 0.0, *args[5:])


@construction("bend", "relation", (35, 70, 5), (45, 75, 5), (7, 9, 0.5), (-22, -16, 1))
def slanted_bend(s: Sketch, *args: str | float) -> None:
    s.state("segment", *args[:2])
    s.state("segment", *args[2:4])
    _bend(s, *args[:5], args[8], *args[5:8])


# --- AB with a line CD that crosses it at M --------------------------------------------------------------------------


def _cross(s: Sketch, names: tuple[str, ...], base: float, share: float, at: float, reach: float) -> None:
    a, b, c, d, m = names
    s.at[a], s.at[b] = 0j, base + 0j
    s.at[m] = share * s.at[b]
    s.at[c], s.at[d] = s.at[m] + reach * base * ray(at), s.at[m] - 0.8 * reach * base * ray(at)
    s.join(a, b)
    s.join(c, d)
    s.state("intersect", m, a, b, c, d)


REACH = (0.4, 0.6, 0.1)


@construction("cross", "relation", LENGTH, REACH)
def perpendicular_bisector(s: Sketch, *args: str | float) -> None:
    a, b, c, d, m, base, reach = args
    _cross(s, (a, b, c, d, m), base, 0.5, 90, reach)
    s.right_angle(a, m, c)
    s.equal("ticks", (a, m), (m, b))
    s.state("perpendicular_bisector", c, d, a, b)


@construction("cross", "relation", LENGTH, REACH, (0.25, 0.35, 0.05))
def perpendicular_cross(s: Sketch, *args: str | float) -> None:
    a, b, c, d, m, base, reach, share = args
    _cross(s, (a, b, c, d, m), base, share, 90, reach)
    s.right_angle(a, m, c)
    s.state("perpendicular", c, d, a, b)


@construction("cross", "relation", LENGTH, REACH, (45, 70, 5))
def bisecting_cross(s: Sketch, *args: str | float) -> None:
    a, b, c, d, m, base, reach, at = args
    _cross(s, (a, b, c, d, m), base, 0.5, at, reach)
    s.equal("ticks", (a, m), (m, b))
    s.state("midpoint", m, a, b)


@construction("cross", "relation", LENGTH, REACH, (110, 135, 5), (0.3, 0.4, 0.05))
def slanted_cross(s: Sketch, *args: str | float) -> None:
    a, b, c, d, m, base, reach, at, share = args
    _cross(s, (a, b, c, d, m), base, share, at, reach)


# --- a ray from M between MB and MC, where AB and CD cross at M ------------------------------------------------------


def _ray_between(s: Sketch, b: str, c: str, m: str, e: str, way: complex) -> None:
    s.at[e] = s.at[m] + 0.9 * min(abs(s.at[b] - s.at[m]), abs(s.at[c] - s.at[m])) * way / abs(way)
    s.join(m, e)


@construction("ray", "relation")
def bisecting_ray(s: Sketch, b: str, c: str, m: str, e: str) -> None:
    to_b, to_c = s.at[b] - s.at[m], s.at[c] - s.at[m]
    _ray_between(s, b, c, m, e, to_b / abs(to_b) + to_c / abs(to_c))
    s.equal("arcs", (b, m, e), (e, m, c))
    s.state("angle_bisector", m, e, b, c)


@construction("ray", "relation", (0.25, 0.33, 0.04))
def plain_ray(s: Sketch, b: str, c: str, m: str, e: str, share: float) -> None:
    to_b, to_c = s.at[b] - s.at[m], s.at[c] - s.at[m]
    turn = degrees(to_c / to_b)
    _ray_between(s, b, c, m, e, to_b * ray(share * turn))
    s.state("segment", m, e)


@construction("ray", "relation")
def perpendicular_ray(s: Sketch, b: str, c: str, m: str, e: str) -> None:
    to_b, to_c = s.at[b] - s.at[m], s.at[c] - s.at[m]
    _ray_between(s, b, c, m, e, to_b * (1j if cross(to_b, to_c) > 0 else -1j))
    s.right_angle(b, m, e)
    s.state("perpendicular", m, e, m, b)


@construction("link", "relation")
def link(s: Sketch, a: str, b: str) -> None:
    s.join(a, b)
    s.state("segment", a, b)
