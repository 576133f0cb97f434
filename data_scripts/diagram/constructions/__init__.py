"""The construction steps a figure program is made of, a module for each sort of figure.

A construction takes points that are already placed and numbers drawn from its ranges, places new points, draws lines
and circles, and states the facts it makes true. Constructions of one `group` take and give the same number of points,
so one can stand in for another: that is a shape edit or a relation edit, and everything after it is solved again.
Importing a module registers its constructions.
"""

from . import axes, circles, circles_and_polygons, lines, polygons, quadrilaterals, triangles  # noqa: F401
from .base import CONSTRUCTIONS, Construction, NoSolution, Sketch, group

__all__ = ["CONSTRUCTIONS", "Construction", "NoSolution", "Sketch", "group"]
