"""Rule negatives that are drawn: the positive's caption with statements edited, and a figure of which that is true.

Few edited captions describe something that can be drawn, so they are sought from the other end: the figure is edited
and solved again, and what it states is laid over the positive's caption. Statements that hold no longer give way to
what the edited figure states in their place; all others stay, and are true of it too. Two edits are kept, as in
`negatives/rules.py`: one to four statements edited, each visibly false of the positive, or letters exchanged all
through the caption, which makes some statement false of it. Either way every statement of the edited caption is true
of its figure and some statement of the positive's caption is visibly false of it, on coordinates or printed text.

Image negatives (`negatives/image.py`) have captions of their own, which may say more, less and other things than the
positive's; here the two captions differ in the edited statements alone.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, zip_longest

import numpy as np

from ..diagram import Diagram, Fact, Figure
from ..diagram.caption import caption as write_caption
from ..diagram.diagram import EDIT_KINDS
from ..diagram.facts import KINDS, canonical, check, statements
from ..diagram.program import Program
from .image import EditTurns, edit_figure, first_false

MOST_EDITED = 4  # statements of a caption that are edited, as in the rule negatives


@dataclass(frozen=True)
class DrawnRule:
    """An edited caption and its figure."""

    diagram: Diagram
    caption: str
    facts: tuple[Fact, ...]  # what the edited caption states, in the positive's order
    num_edited: int  # statements of it that are edited
    edits: str  # their kinds joined by "+", in the order of EDIT_KINDS


def _kinds_between(old: Fact, new: Fact) -> set[str]:
    """The kinds of edit that make the one statement of the other; empty where none do."""
    if old.kind != new.kind:
        if KINDS[old.kind].edit != KINDS[new.kind].edit or sorted(old.points) != sorted(new.points):
            return set()
        as_named = canonical(Fact(new.kind, old.points)) == canonical(new)
        as_named = as_named or canonical(Fact(old.kind, new.points)) == canonical(old)
        return {KINDS[new.kind].edit} if as_named else {KINDS[new.kind].edit, "order"}
    same_points = canonical(old).points == canonical(new).points
    return {kind for kind, edited in (("order", not same_points), ("value", old.value != new.value)) if edited}


def lay_over(positive: Diagram, edited: Diagram, wording: int) -> DrawnRule | None:
    """The positive's caption, edited so that it is true of the edited figure; None where no edit does that.

    Args:
        positive: the figure whose caption is edited.
        edited: another one, whose facts are all true of it.
        wording: seed of the captions.
    """
    there, here = statements(edited.facts), statements(positive.facts)
    new = [f for f in edited.facts if canonical(f) not in here]
    facts, kinds = list(positive.facts), {}
    for i, old in enumerate(positive.facts):
        if canonical(old) in there:
            continue
        fits = [(len(made), n) for n, f in enumerate(new) if len(made := _kinds_between(old, f)) > 0]
        if fits:
            facts[i] = new.pop(min(fits)[1])
            kinds[i] = _kinds_between(old, facts[i])
        elif check(old, edited) is not True:
            return None
    if not 1 <= len(kinds) <= MOST_EDITED or any(check(facts[i], positive) is not False for i in kinds):
        return None
    if first_false([positive.facts[i] for i in kinds], edited) is None:
        return None
    edits = "+".join(k for k in EDIT_KINDS if any(k in of for of in kinds.values()))
    return DrawnRule(edited, write_caption(facts, wording), tuple(facts), len(kinds), edits)


def _exchanged(positive: Diagram, edited: Diagram, wording: int) -> DrawnRule | None:
    """The caption with letters exchanged all through, if it is proven false both ways."""
    pairs = zip(positive.facts, edited.facts, strict=True)
    changed = [(old, new) for old, new in pairs if canonical(old) != canonical(new)]
    if first_false([new for _, new in changed], positive) is None:
        return None
    if first_false([old for old, _ in changed], edited) is None:
        return None
    return DrawnRule(edited, write_caption(edited.facts, wording), edited.facts, len(changed), "order")


def _exchanges(names: Sequence[str]) -> list[dict[str, str]]:
    """Every way to exchange two or three letters."""
    pairs = [(a, b) for a, b in combinations(names, 2)]
    threes = [turned for a, b, c in combinations(names, 3) for turned in ((a, b, c), (a, c, b))]
    return [dict(zip(letters, (*letters[1:], letters[0]), strict=True)) for letters in (*pairs, *threes)]


def _candidates(figure: Figure, tries: int, rng: np.random.Generator) -> Iterator[tuple[Figure, bool]]:
    """Edited figures, and whether all that was done is that letters were exchanged."""
    turns = EditTurns(figure.diagram.facts, rng)
    for _ in range(tries):
        kinds = turns.draw()
        if kinds == ["order"]:  # exchanges come below, all of them
            edited = figure.rearrange(rng) if isinstance(figure, Program) else None
        else:
            edited = edit_figure(figure, kinds, rng)
            turns.note(kinds, edited is not None)
        if edited is not None:
            yield edited, False
    mappings = _exchanges(list(figure.diagram.points))
    for i in rng.permutation(len(mappings)).tolist():
        yield figure.relabel(mappings[i]), True


def drawn_rules(
    figure: Figure, tries: int, rng: np.random.Generator, wording: int, dropped: Counter[str]
) -> Iterator[DrawnRule]:
    """Edited captions of a figure that have a figure, one after the other, none twice.

    The kinds of edit take turns; of each kind, captions with the fewest edited statements come first.

    Args:
        figure: the positive.
        tries: edits tried, beside the exchanges of letters.
        rng: draws the edits.
        wording: seed of the positive's caption, so that unedited statements read the same.
        dropped: counts candidates that were not kept, by reason.
    """
    positive = figure.diagram
    found: dict[str, list[DrawnRule]] = {kind: [] for kind in EDIT_KINDS}
    seen = {statements(positive.facts)}
    for edited, exchanged in _candidates(figure, tries, rng):
        drawn = lay_over(positive, edited.diagram, wording)
        if drawn is None and exchanged:
            drawn = _exchanged(positive, edited.diagram, wording)
        if drawn is None:
            dropped["drawn: no edit of the caption"] += 1
        elif (stated := statements(drawn.facts)) in seen:
            dropped["drawn: same as another"] += 1
        else:
            seen.add(stated)
            found[drawn.edits.partition("+")[0]].append(drawn)
    queues = (sorted(of, key=lambda drawn: drawn.num_edited) for of in found.values())
    for turn in zip_longest(*queues):
        yield from filter(None, turn)
