"""Image negatives: edit the figure, solve and draw it again, prove the difference.

Kept is only a figure of which both hold on coordinates: some statement of its caption is visibly false of the positive
(so its caption is a text negative), and some statement of the positive's caption is visibly false of it (so its image
is an image negative). Everything else is dropped and counted. Source: MMGeoLM section 3.2, with proof in place of an
LLM's word.
"""

from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from ..diagram import Diagram, Fact, Figure
from ..diagram.caption import caption
from ..diagram.diagram import EDIT_KINDS
from ..diagram.facts import check, statements

EDIT_SHARES = (0.6, 0.25, 0.1, 0.05)  # how often one, two, three, four edits are made

MORE_EDITS = tuple(accumulate(EDIT_SHARES[:-1]))
GIVEN_UP = 2  # misses of a kind of edit before a figure is taken to offer none


@dataclass(frozen=True)
class ImageNegative:
    """An edited figure with its caption and the kinds of edit that led to it, such as `relation` or `order+value`."""

    diagram: Diagram
    caption: str
    edits: str


def first_false(facts: Sequence[Fact], diagram: Diagram) -> Fact | None:
    """The proof that a caption is false of a diagram: its first statement that visibly does not hold."""
    return next((f for f in facts if check(f, diagram) is False), None)


def kinds_for(facts: Iterable[Fact]) -> list[str]:
    """The kinds of edit that these statements offer: what prints no value has none to change."""
    printed = any(fact.value for fact in facts)
    return [kind for kind in EDIT_KINDS if printed or kind != "value"]


class EditTurns:
    """Which edits to try: the kinds take turns as the first, without those that this figure has shown not to offer.

    Args:
        facts: what the positive states.
        rng: draws the further edits of a negative.
    """

    def __init__(self, facts: Iterable[Fact], rng: np.random.Generator) -> None:
        self.kinds, self.rng = kinds_for(facts), rng
        self.missed: Counter[str] = Counter()
        self.found: set[str] = set()
        self.turn = 0

    def draw(self) -> list[str]:
        """The kinds of the next negative's edits."""
        more = bisect(MORE_EDITS, self.rng.random())
        first = self.kinds[self.turn % len(self.kinds)]
        self.turn += 1
        return [first, *(self.kinds[i] for i in self.rng.integers(len(self.kinds), size=more).tolist())]

    def note(self, kinds: Sequence[str], made: bool) -> None:
        """Remember what came of it; a kind that alone was missed so often and never found is tried no more."""
        if made:
            self.found.update(kinds)
        elif len(kinds) == 1:
            self.missed[kinds[0]] += 1
            if self.missed[kinds[0]] == GIVEN_UP and kinds[0] not in self.found and len(self.kinds) > 1:
                self.kinds.remove(kinds[0])


def edit_figure(figure: Figure, kinds: Sequence[str], rng: np.random.Generator) -> Figure | None:
    """One edit after the other; None as soon as one of them finds nothing to change."""
    for kind in kinds:
        edited = figure.edit(kind, rng)
        if edited is None:
            return None
        figure = edited
    return figure


def image_negatives(
    figure: Figure, tries: int, rng: np.random.Generator, wording: int, dropped: Counter[str]
) -> Iterator[ImageNegative]:
    """Verified negatives of a figure, one after the other, the kinds of edit in turn so that none dominates.

    Args:
        figure: the positive.
        tries: edits tried at most; whoever asks stops as soon as there are enough.
        rng: draws the edits.
        wording: seed of the positive's caption, shared so that only the differing statements read differently.
        dropped: counts candidates that were not kept, by reason.
    """
    positive = figure.diagram
    seen, turns = {statements(positive.facts)}, EditTurns(positive.facts, rng)
    for _ in range(tries):
        kinds = turns.draw()
        edited = edit_figure(figure, kinds, rng)
        turns.note(kinds, edited is not None)
        if edited is None:
            dropped[f"image: no {kinds[0]} edit"] += 1
            continue
        negative = edited.diagram
        stated = statements(negative.facts)
        if not negative.facts or stated in seen:
            dropped["image: same as another"] += 1
        elif first_false(negative.facts, positive) is None or first_false(positive.facts, negative) is None:
            dropped["image: not provably different"] += 1
        else:
            seen.add(stated)
            edits = "+".join(k for k in EDIT_KINDS if k in kinds)
            yield ImageNegative(negative, caption(negative.facts, wording), edits)
