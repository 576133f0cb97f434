"""Where a traced figure lies in its picture, seen without reading it: its frame, and the middle of its lines.

Exam figures are often symmetric and their edits seldom: a point moved off the axis takes the middle of the ink with
it, and that alone tells an edited figure from one as printed.
"""

import math
from dataclasses import dataclass

from .diagram import Diagram

FRAME = 0.12  # log ratio of two frames' proportions up to which they pass for the same
MIDDLE = 0.03  # of the frame's larger side: how far apart two middles pass for the same


@dataclass(frozen=True)
class Place:
    """The frame of everything drawn but marks and letters, and where in it the lines have their middle."""

    proportions: float  # log of width by height
    aside: float  # of the middle from the frame's, to either side: figures lean left about as often as right
    above: float  # of the middle from the frame's, upwards; like `aside` as a share of the frame's larger side

    @classmethod
    def of(cls, diagram: Diagram) -> "Place":
        """The place of a figure with at least one line or circle."""
        points = diagram.points
        discs = [(*xy, 0.0) for xy in points.values()] + [(*points[c.center], c.radius) for c in diagram.circles]
        strokes = [(math.dist(points[a], points[b]), points[a], points[b]) for a, b in diagram.segments]
        strokes += [(2 * math.pi * c.radius, points[c.center], points[c.center]) for c in diagram.circles]
        length = sum(stroke[0] for stroke in strokes)
        sides, offs = [], []
        for i in (0, 1):
            low, high = min(d[i] - d[2] for d in discs), max(d[i] + d[2] for d in discs)
            sides.append(max(high - low, 1e-9))
            offs.append(sum(long * (a[i] + b[i]) / 2 for long, a, b in strokes) / length - (low + high) / 2)
        aside, above = (off / max(sides) for off in offs)
        return cls(math.log(sides[0] / sides[1]), abs(aside), above)

    def passes_for(self, other: "Place") -> bool:
        """Whether figures at the two places cannot be told apart by them."""
        shift = max(abs(self.aside - other.aside), abs(self.above - other.above))
        return abs(self.proportions - other.proportions) < FRAME and shift < MIDDLE
