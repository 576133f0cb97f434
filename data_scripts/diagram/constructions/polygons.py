"""Polygons of five corners and more."""

import math

from .base import LENGTH, Sketch, construction, ray


def _regular(s: Sketch, names: tuple[str, ...], kind: str, side: float) -> None:
    radius = side / (2 * math.sin(math.pi / len(names)))
    for i, name in enumerate(names):
        s.at[name] = radius * ray(90 + 360 * i / len(names))
    s.join(*names, close=True)
    s.state(kind, *names)


def _irregular(s: Sketch, names: tuple[str, ...], kind: str, side: float, pull: float, corner: int) -> None:
    """Every second corner stands nearer to the middle, one more so: convex, and visibly not regular."""
    n, radius = len(names), side / (2 * math.sin(math.pi / len(names)))
    for i, name in enumerate(names):
        reach = pull if i == corner else 0.5 + pull / 2 if i == (corner + 2) % n else 1.0
        s.at[name] = reach * radius * ray(90 + 360 * (i + 0.25 * (i % 2)) / n)
    s.join(*names, close=True)
    s.state(kind, *names)


@construction("pentagon", "shape", LENGTH)
def regular_pentagon(s: Sketch, *args: str | float) -> None:
    _regular(s, args[:-1], "regular_pentagon", args[-1])


@construction("hexagon", "shape", LENGTH)
def regular_hexagon(s: Sketch, *args: str | float) -> None:
    _regular(s, args[:-1], "regular_hexagon", args[-1])


@construction("octagon", "shape", LENGTH)
def regular_octagon(s: Sketch, *args: str | float) -> None:
    _regular(s, args[:-1], "regular_octagon", args[-1])


@construction("pentagon", "shape", LENGTH, (0.6, 0.75, 0.05), (0, 4, 1))
def pentagon(s: Sketch, *args: str | float) -> None:
    _irregular(s, args[:-3], "pentagon", *args[-3:])


@construction("hexagon", "shape", LENGTH, (0.65, 0.8, 0.05), (0, 5, 1))
def hexagon(s: Sketch, *args: str | float) -> None:
    _irregular(s, args[:-3], "hexagon", *args[-3:])


@construction("octagon", "shape", LENGTH, (0.75, 0.85, 0.05), (0, 7, 1))
def octagon(s: Sketch, *args: str | float) -> None:
    _irregular(s, args[:-3], "octagon", *args[-3:])
