"""Questions about what can be seen in a figure, whose truth the figure's own program knows.

What is drawn, joined, printed, marked, right, parallel, on the circle: asked of any figure that brings its facts (the
column `facts`), whoever drew it. Nothing has to be worked out, so a right answer shows that the figure was looked at
and a wrong one that it was not.

Promises: what is asked has one answer that anybody sees. A relation is asked about only where it plainly holds or
plainly fails on the coordinates (the margins of `diagram.predicates`), `yes` and `no` as often as the figure allows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

from .diagram import Diagram, Fact
from .diagram.axes_predicates import on_axis
from .diagram.facts import angle_at, check
from .diagram.predicates import ANGLE, Verdict, all_of, any_of, drawn, straight, within
from .instructions import INSTRUCTION

YES_NO, NAMES, PRINTED, NUMBER = "yes_no", "names", "printed", "number"


@dataclass(frozen=True)
class Perception:
    """One question: its kind, its words, what it is judged as (one of the four constants above) and the answer."""

    kind: str
    text: str
    judged_as: str
    answer: str

    @property
    def prompt(self) -> str:
        return f"{self.text} {INSTRUCTION}"


Ask = Callable[[Diagram, np.random.Generator], Perception | None]
KINDS: dict[str, Ask] = {}


def kind(ask: Ask) -> Ask:
    """Register a function as the kind of question of its name; it returns None where a figure offers no such thing."""
    KINDS[ask.__name__] = ask
    return ask


def _pick(options: Sequence, rng: np.random.Generator) -> object:
    return options[int(rng.integers(len(options)))]


def _yes_or_no(
    name: str, words: Callable[..., str], verdicts: dict[tuple[str, ...], bool], rng: np.random.Generator
) -> Perception | None:
    """Ask about one of these things, first drawing whether the answer is to be yes."""
    by_answer = [sorted(what for what, holds in verdicts.items() if holds is wanted) for wanted in (False, True)]
    possible = [wanted for wanted in (False, True) if by_answer[wanted]]
    if not possible:
        return None
    wanted = _pick(possible, rng)
    what = _pick(by_answer[wanted], rng)
    return Perception(name, words(*what), YES_NO, "yes" if wanted else "no")


def _joined(d: Diagram, a: str, b: str) -> Verdict:
    """Whether a straight line runs from A to B, be it a coordinate axis."""
    return any_of([drawn(d, a, b), *(all_of([on_axis(d, a, axis), on_axis(d, b, axis)]) for axis in (0, 1))])


@kind
def line_drawn(d: Diagram, rng: np.random.Generator) -> Perception | None:
    verdicts = {pair: _joined(d, *pair) for pair in combinations(sorted(d.points), 2)}
    plain = {pair: holds for pair, holds in verdicts.items() if holds is not None}
    return _yes_or_no("line_drawn", "Is a straight line drawn from {} to {}?".format, plain, rng)


@kind
def joined_points(d: Diagram, rng: np.random.Generator) -> Perception | None:
    joined = {a: {b: _joined(d, a, b) for b in d.points if b != a} for a in sorted(d.points)}
    plain = [a for a, others in joined.items() if None not in others.values() and any(others.values())]
    if not plain:
        return None
    a = _pick(plain, rng)
    answer = ", ".join(sorted(b for b, holds in joined[a].items() if holds))
    return Perception("joined_points", f"To which points is {a} joined by a straight drawn line?", NAMES, answer)


@kind
def right_angle(d: Diagram, rng: np.random.Generator) -> Perception | None:
    corners = [
        (a, b, c) for b, a, c in permutations(sorted(d.points), 3) if a < c and drawn(d, a, b) and drawn(d, b, c)
    ]
    verdicts = {corner: within(abs(angle_at(d, *corner) - 90), ANGLE) for corner in corners}
    flat = {corner for corner in corners if not 12 < angle_at(d, *corner) < 168}  # no angle to a reader
    plain = {corner: holds for corner, holds in verdicts.items() if holds is not None and corner not in flat}
    return _yes_or_no("right_angle", "Is ∠{}{}{} a right angle?".format, plain, rng)


@kind
def parallel_lines(d: Diagram, rng: np.random.Generator) -> Perception | None:
    pairs = [(*s, *t) for s, t in combinations(sorted(map(tuple, map(sorted, d.segments))), 2) if not set(s) & set(t)]
    plain = {four: holds for four in pairs if (holds := straight(d, *four)) is not None and not _in_line(d, *four)}
    return _yes_or_no("parallel_lines", "Are {}{} and {}{} parallel?".format, plain, rng)


def _in_line(d: Diagram, a: str, b: str, c: str, e: str) -> bool:
    """Whether two segments lie on one line, which some call parallel and some do not."""
    return straight(d, a, b, a, c) is not False and straight(d, a, b, a, e) is not False


@kind
def point_on_circle(d: Diagram, rng: np.random.Generator) -> Perception | None:
    pairs = [(p, c.center) for c in d.circles for p in sorted(d.points) if p != c.center]
    several = len({c.center for c in d.circles}) < len(d.circles)  # two circles around one centre have one name
    plain = {pair: holds for pair in pairs if (holds := check(Fact("on_circle", pair), d)) is not None}
    return (
        None if several else _yes_or_no("point_on_circle", "Does point {} lie on the circle ⊙{}?".format, plain, rng)
    )


def _printed(d: Diagram, what: str, words: Callable[..., str], rng: np.random.Generator) -> Perception | None:
    """Ask for a printed value; of two at one place neither."""
    texts: dict[tuple[str, ...], set[str]] = {}
    for mark in d.marks:
        if mark.kind == what:
            ends = mark.points if mark.points[0] < mark.points[-1] else mark.points[::-1]
            texts.setdefault(ends, set()).add(mark.text)
    alone = sorted((ends, *found) for ends, found in texts.items() if len(found) == 1)
    if not alone:
        return None
    ends, text = _pick(alone, rng)
    return Perception(f"printed_{what}", words(*ends), PRINTED, text)


@kind
def printed_length(d: Diagram, rng: np.random.Generator) -> Perception | None:
    return _printed(d, "length", "What is printed as the length of {}{}?".format, rng)


@kind
def printed_angle(d: Diagram, rng: np.random.Generator) -> Perception | None:
    return _printed(d, "angle", "What is printed as the size of ∠{}{}{}?".format, rng)


@kind
def same_ticks(d: Diagram, rng: np.random.Generator) -> Perception | None:
    by_count: dict[int, set[str]] = {}
    for mark in d.marks:
        if mark.kind == "ticks":
            by_count.setdefault(mark.count, set()).add("".join(sorted(mark.points)))
    pairs = sorted(tuple(sorted(names)) for names in by_count.values() if len(names) == 2)
    if not pairs:
        return None
    first, second = rng.permutation(list(_pick(pairs, rng)))
    asked = f"Which segment carries the same number of ticks as {first}? Give its two letters."
    return Perception("same_ticks", asked, NAMES, str(second))


@kind
def number_of_points(d: Diagram, rng: np.random.Generator) -> Perception | None:
    return Perception("number_of_points", "How many points are labelled?", NUMBER, str(len(d.points)))


def ask_about(diagram: Diagram, number: int, rng: np.random.Generator) -> list[Perception]:
    """Up to so many questions of different kinds about a figure."""
    asked: list[Perception] = []
    for name in rng.permutation(list(KINDS)):
        if len(asked) == number:
            break
        if (question := KINDS[str(name)](diagram, rng)) is not None:
            asked.append(question)
    return asked
