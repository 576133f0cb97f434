"""Do printed values deny what a traced figure seems to show? Sketches are not to scale.

A triangle that looks equilateral and prints an angle of 55° is none. Only plain numbers deny: x may be anything.
"""

import re
from collections.abc import Iterator

from .diagram import Diagram, Fact
from .predicates import marks_on

Part = tuple[int, ...]  # a side or an angle, by the places of its letters in the fact

_SIDES = ((0, 1), (1, 2), (2, 3), (3, 0))
_CORNERS = ((3, 0, 1), (0, 1, 2), (1, 2, 3), (2, 3, 0))
# Parts that a fact makes equal, and angles whose size it gives.
EQUAL: dict[str, tuple[tuple[Part, ...], ...]] = {
    "isosceles_triangle": (((0, 1), (0, 2)), ((0, 1, 2), (0, 2, 1))),
    "equilateral_triangle": (((0, 1), (1, 2), (2, 0)),),
    "square": (_SIDES,),
    "rhombus": (_SIDES, _CORNERS[::2], _CORNERS[1::2]),
    "rectangle": (_SIDES[::2], _SIDES[1::2]),
    "parallelogram": (_SIDES[::2], _SIDES[1::2], _CORNERS[::2], _CORNERS[1::2]),
    "midpoint": (((0, 1), (0, 2)),),
    "median": (((1, 2), (1, 3)),),
    "bisector": (((2, 0, 1), (1, 0, 3)),),
}
SIZES: dict[str, tuple[tuple[Part, float], ...]] = {
    "equilateral_triangle": tuple((corner, 60.0) for corner in ((0, 1, 2), (1, 2, 0), (2, 0, 1))),
    "right_triangle": (((1, 0, 2), 90.0),),
    "square": tuple((corner, 90.0) for corner in _CORNERS),
    "rectangle": tuple((corner, 90.0) for corner in _CORNERS),
    "altitude": (((0, 1, 2), 90.0), ((0, 1, 3), 90.0)),
    "tangent": (((0, 1, 2), 90.0),),
}


def denied_by_values(fact: Fact, diagram: Diagram) -> bool:
    """Whether the numbers that the diagram prints contradict the fact, whatever the coordinates say."""

    def printed(part: Part) -> Iterator[float]:
        """The plain numbers on a side or an angle."""
        points = tuple(fact.points[place] for place in part)
        for mark in marks_on(diagram, "length" if len(part) == 2 else "angle", points):
            if number := re.fullmatch(r"(\d+(?:\.\d+)?)°?", mark.text or ""):
                yield float(number[1])

    if any(number != size for part, size in SIZES.get(fact.kind, ()) for number in printed(part)):
        return True
    return any(len({number for part in parts for number in printed(part)}) > 1 for parts in EQUAL.get(fact.kind, ()))
