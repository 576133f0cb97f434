"""The marks of a traced figure: which of them still stand after an edit, and where a lost one stands instead.

Promise: what comes back is borne out by the coordinates. A mark that is carried to another place stands where the
edited figure visibly shows what it says: a square in a right angle, ticks on two equal pieces. So an edited figure can
print as many marks as it did, and a count of them tells nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from .diagram import Diagram, Fact, Mark
from .facts import check, look_equal, off_segment, same_object

DIVIDED = 0.02  # of the figure's size: a point so near to a segment divides it, and its ticks would be misread


def standing_marks(drawn: Diagram) -> tuple[Mark, ...]:
    """The marks whose part is drawn and whose claim is not visibly false."""
    standing = [m for m in drawn.marks if _mark_holds(m, drawn)]
    return tuple(m for m in standing if not _contradicted(m, standing, drawn))


def carry_marks(before: Sequence[Mark], drawn: Diagram) -> Diagram:
    """The edited figure with the right angles and pairs of ticks that it lost put where it shows the same.

    Args:
        before: the marks that stood before the edit.
        drawn: the edited figure; what it says in `facts` of a mark that is carried is added.
    """
    stand = standing_marks(drawn)
    lost = [m for m in before if m not in stand]
    if not any(m.kind in ("right_angle", "ticks") for m in lost):
        return drawn
    for mark in (m for m in lost if m.kind == "right_angle"):
        corners = (c for c in _right_corners(drawn) if _is_free(c, drawn, stand))
        new = min(corners, key=lambda c: (c[1] not in mark.points, not set(c) <= set(mark.points)), default=None)
        if new is not None:
            a, b, c = new
            drawn = _exchange(drawn, (mark,), (replace(mark, points=new),), Fact("perpendicular", (a, b, b, c)))
            stand = standing_marks(drawn)
    for count in sorted({m.count for m in lost if m.kind == "ticks"}):
        pair = tuple(m for m in lost if (m.kind, m.count) == ("ticks", count))
        whole = sum((m.kind, m.count) == ("ticks", count) for m in before) == len(pair) == 2
        new = next(_equal_pieces(drawn, stand), None) if whole else None
        if new is not None:
            marks = tuple(replace(m, points=piece) for m, piece in zip(pair, new, strict=True))
            drawn = _exchange(drawn, pair, marks, Fact("equal_length", (*new[0], *new[1])))
            stand = standing_marks(drawn)
    return drawn


def _exchange(drawn: Diagram, old: tuple[Mark, ...], new: tuple[Mark, ...], said: Fact) -> Diagram:
    marks = (*(m for m in drawn.marks if m not in old), *new)
    return replace(drawn, marks=marks, facts=(*drawn.facts, said))


def _right_corners(drawn: Diagram) -> Iterator[tuple[str, str, str]]:
    """Visibly right angles between drawn lines."""
    for b in drawn.points:
        arms = [p for p in drawn.points if p != b and check(Fact("segment", (b, p)), drawn) is True]
        for a, c in combinations(arms, 2):
            if check(Fact("perpendicular", (a, b, b, c)), drawn) is True:
                yield a, b, c


def _is_free(corner: tuple[str, str, str], drawn: Diagram, marks: Iterable[Mark]) -> bool:
    """Whether no square stands at that vertex, and nothing else in that angle."""
    at_vertex = (m for m in marks if len(m.points) == 3 and m.points[1] == corner[1])
    return not any(m.kind == "right_angle" or same_object(drawn, m.points, corner) for m in at_vertex)


def _equal_pieces(drawn: Diagram, marks: Iterable[Mark]) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Two drawn pieces with a common end that visibly are as long as each other and carry nothing yet."""
    taken = [set(m.points) for m in marks if len(m.points) == 2]
    pieces = [
        pair
        for pair in combinations(drawn.points, 2)
        if set(pair) not in taken
        and check(Fact("segment", pair), drawn) is True
        and all(p in pair or off_segment(drawn, p, *pair) > DIVIDED for p in drawn.points)
    ]
    for first, second in combinations(pieces, 2):
        if set(first) & set(second) and look_equal(drawn, first, second) is True:
            yield first, second


def _mark_holds(mark: Mark, drawn: Diagram) -> bool:
    """Whether the part a mark stands on is still there; right angles must also look right."""
    if any(p not in drawn.points for p in mark.points):
        return False
    if len(mark.points) == 2:
        return check(Fact("segment", mark.points), drawn) is True
    a, b, c = mark.points
    arms = check(Fact("segment", (a, b)), drawn) is True and check(Fact("segment", (b, c)), drawn) is True
    return arms and (mark.kind != "right_angle" or check(Fact("perpendicular", (a, b, b, c)), drawn) is True)


def _contradicted(mark: Mark, marks: Iterable[Mark], drawn: Diagram) -> bool:
    """Whether a tick or arc says that two parts are equal which visibly are not."""
    if mark.kind not in ("ticks", "arcs"):
        return False
    partners = (m for m in marks if (m.kind, m.count) == (mark.kind, mark.count))
    return any(look_equal(drawn, mark.points, m.points) is False for m in partners)
