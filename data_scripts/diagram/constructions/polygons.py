"""Polygons of five corners and more."""

import math

from .base import LENGTH, Sketch, construction, ray


def _regular(s: Sketch, names: tuple[str, ...], kind: str, side: float) -> None:
    radius = side / (2 * math.sin(math.pi / len(names)))
    for i, name in enumerate(names):
        s.at[name] = radius * ray(90 + 360 * i / len(names))
    s.join(*names, close=True)
    s.state(kind, *names)


@construction("pentagon", "shape", LENGTH)
def regular_pentagon(s: Sketch, *args: str | float) -> None:
    _regular(s, args[:-1], "regular_pentagon", args[-1])


@construction("hexagon", "shape", LENGTH)
def regular_hexagon(s: Sketch, *args: str | float) -> None:
    _regular(s, args[:-1], "regular_hexagon", args[-1])
