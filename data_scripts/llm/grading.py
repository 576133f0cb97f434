"""How far a negative that a language model wrote can be trusted: verified, plausible, or dropped with a reason.

Verified: its caption says something that is visibly false of the positive and true of its own figure, the positive's
caption says something visibly false of that figure, and nothing it says of its own figure is false; all decided by
`facts.check` on diagrams read from the scripts. Plausible: drawn, visibly different, contradicted by nothing, but not
proven, because the script or the caption could not be read far enough. Everything else is dropped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from ..diagram import Diagram, Fact
from ..diagram.facts import KINDS, Verdict, check, statements
from ..phrases.kinds import normal
from ..rows import PLAUSIBLE, VERIFIED
from . import pictures

DROPPED = "dropped"
GRADES = (VERIFIED, PLAUSIBLE, DROPPED)
# Statements about coordinate axes, which `script_reader` does not tell from other lines.
ON_AXES = frozenset(
    ("axes", "coordinates", "rising", "falling", "parallel_x", "parallel_y", "x_intercept", "y_intercept")
    + ("parabola_up", "parabola_down", "on_parabola", "parabola_meets_x", "parabola_meets_y")
)
ParseCaption = Callable[[str], Sequence[Fact]]  # the statements of a caption, as far as they are understood


@dataclass(frozen=True)
class Drawn:
    """A figure that a language model wrote, as far as it is known: diagram None where the script could not be read."""

    caption: str
    script: str
    image: Image.Image  # grey, square
    facts: tuple[Fact, ...]
    diagram: Diagram | None


@dataclass(frozen=True)
class Grade:
    grade: str  # one of GRADES
    reason: str = ""  # why it was dropped, or what kept it from being verified


def checkable(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """The statements that can be checked on a figure, in one form: those of its kinds, about points of one letter."""

    def known(fact: Fact) -> bool:
        kind = KINDS.get(fact.kind) if fact.kind not in ON_AXES else None
        return kind is not None and len(fact.points) == len(kind.symmetries[0]) and all(map(str.isupper, fact.points))

    return tuple(normal(f) for f in facts if known(f) and all(len(p) == 1 for p in f.points))


def verdicts(facts: Sequence[Fact], diagram: Diagram | None) -> list[Verdict]:
    """True, False or None for each statement; None for all of them where there is no diagram."""
    return [None if diagram is None else check(fact, diagram) for fact in facts]


def contradiction(drawn: Drawn) -> Fact | None:
    """A statement of the caption that is visibly false of its own figure."""
    judged = zip(drawn.facts, verdicts(drawn.facts, drawn.diagram), strict=True)
    return next((fact for fact, verdict in judged if verdict is False), None)


def grade(positive: Drawn, negative: Drawn) -> Grade:
    """Grade a negative against its positive."""
    if not pictures.differ(positive.image, negative.image):
        return Grade(DROPPED, "image the same as the positive's")
    if contradiction(negative) is not None:
        return Grade(DROPPED, "caption false of its own image")
    of_positive = verdicts(negative.facts, positive.diagram)
    of_own = verdicts(negative.facts, negative.diagram)
    of_negative = verdicts(positive.facts, negative.diagram)
    if any(a is False and b is True for a, b in zip(of_positive, of_own, strict=True)) and False in of_negative:
        return Grade(VERIFIED)
    edited = statements(negative.facts) != statements(positive.facts)  # else the edit is in what was not understood
    if edited and _all_true(of_negative) and _all_true(of_positive):
        return Grade(DROPPED, "both captions true of both images")
    if negative.diagram is None or positive.diagram is None:
        return Grade(PLAUSIBLE, "script not read")
    return Grade(PLAUSIBLE, "no statement decides")


def _all_true(judged: list[Verdict]) -> bool:
    return bool(judged) and all(v is True for v in judged)
