"""Lines that are parallel or cross, and points on segments."""

from .base import Sketch, construction, meet, ray

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
