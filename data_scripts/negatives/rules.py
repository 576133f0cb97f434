"""Rule negatives: edit what the caption states, and keep the caption only if it is now proven false of the figure.

Four kinds of edit (MMGeoLM section 3.2 and appendix A): order (letters exchanged), shape, relation, value. One to four
edits per caption, each on a statement of its own so that they spread over the caption, each with letters of the figure
only. Naming a polygon from another corner or a segment from its other end is no edit: such statements are the same by
`canonical`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from ..diagram import Diagram, Fact
from ..diagram.caption import caption
from ..diagram.diagram import EDIT_KINDS
from ..diagram.facts import KINDS, canonical, check, statements
from ..diagram.traced import change_value
from .image import EDIT_SHARES

TRIES_PER_NEGATIVE = 6

# Statements about the same points in the same order that can be mistaken for one another.
RELATIONS: tuple[tuple[str, ...], ...] = (
    ("cevian", "median", "altitude", "bisector"),
    ("parallel", "perpendicular"),
    ("on_segment", "midpoint"),
    ("midline", "parallel_cut"),
    ("on_circle", "inside_circle", "outside_circle"),
    ("chord", "diameter", "tangent"),
    ("circumcircle", "incircle"),
)


@dataclass(frozen=True)
class RuleNegative:
    caption: str
    edits: str  # kinds joined by "+", in the order of EDIT_KINDS


def _other_order(fact: Fact, diagram: Diagram, rng: np.random.Generator) -> Fact | None:
    """The statement with its own letters in another order that means something else, or with one letter exchanged.

    At least two letters change place, or one gives way to another letter of the figure.
    """
    orders = [replace(fact, points=p) for p in permutations(fact.points)] if len(fact.points) <= 4 else []
    others = [p for p in diagram.points if p not in fact.points]
    if others:
        new = others[int(rng.integers(len(others)))]
        orders += [fact.relabel({old: new}) for old in fact.points]
    return _pick([f for f in orders if canonical(f) != canonical(fact)], diagram, rng)


def _other_shape(fact: Fact, diagram: Diagram, rng: np.random.Generator) -> Fact | None:
    if KINDS[fact.kind].edit != "shape":
        return None
    arity = len(fact.points)
    kinds = [k for k, v in KINDS.items() if v.edit == "shape" and len(v.symmetries[0]) == arity and k != fact.kind]
    return _pick([Fact(k, fact.points) for k in kinds], diagram, rng)


def _other_relation(fact: Fact, diagram: Diagram, rng: np.random.Generator) -> Fact | None:
    group = next((g for g in RELATIONS if fact.kind in g), ())
    return _pick([Fact(k, fact.points) for k in group if k != fact.kind], diagram, rng)


def _other_value(fact: Fact, diagram: Diagram, rng: np.random.Generator) -> Fact | None:
    if not fact.value:
        return None
    return _pick([replace(fact, value=change_value(fact.value, rng))], diagram, rng)


def _pick(candidates: list[Fact], diagram: Diagram, rng: np.random.Generator) -> Fact | None:
    """One of the candidates at random among those proven false of the figure."""
    false = [f for f in candidates if check(f, diagram) is False]
    return false[int(rng.integers(len(false)))] if false else None


EDITS: dict[str, Callable[[Fact, Diagram, np.random.Generator], Fact | None]] = {
    "order": _other_order,
    "shape": _other_shape,
    "relation": _other_relation,
    "value": _other_value,
}


def _exchange_letters(diagram: Diagram, rng: np.random.Generator) -> tuple[Fact, ...] | None:
    """Two or three letters exchanged all through the caption."""
    names = list(diagram.points)
    if len(names) < 2:
        return None
    chosen = rng.choice(names, size=min(len(names), int(rng.integers(2, 4))), replace=False).tolist()
    mapping = dict(zip(chosen, chosen[1:] + chosen[:1], strict=True))
    facts = tuple(f.relabel(mapping) for f in diagram.facts)
    return facts if any(check(f, diagram) is False for f in facts) else None


def _edit(diagram: Diagram, kinds: list[str], rng: np.random.Generator) -> tuple[Fact, ...] | None:
    """The figure's statements with one edit of each kind listed, each on its own statement."""
    if kinds == ["order"] and rng.random() < 0.5:
        return _exchange_letters(diagram, rng)
    facts, untouched = list(diagram.facts), list(range(len(diagram.facts)))
    for kind in kinds:
        for i in rng.permutation(untouched).tolist():
            edited = EDITS[kind](facts[i], diagram, rng)
            if edited is not None:
                facts[i] = edited
                untouched.remove(i)
                break
        else:
            return None
    return tuple(facts)


def rule_negatives(
    diagram: Diagram, count: int, rng: np.random.Generator, wording: int, dropped: Counter[str]
) -> list[RuleNegative]:
    """Up to `count` captions that are provably false of the diagram, the kinds of edit in turn.

    Args:
        diagram: the positive; its caption is `caption(diagram.facts, wording)`.
        count: how many are wanted; fewer come back where the caption offers no more.
        rng: draws the edits.
        wording: seed of the positive's caption, so that unedited statements read the same.
        dropped: counts candidates that were not kept, by reason.
    """
    seen = {statements(diagram.facts)}
    kept: list[RuleNegative] = []
    for attempt in range(TRIES_PER_NEGATIVE * count):
        if len(kept) == count:
            break
        first = EDIT_KINDS[attempt % len(EDIT_KINDS)]
        more = rng.choice(EDIT_KINDS, size=rng.choice(len(EDIT_SHARES), p=EDIT_SHARES), replace=True).tolist()
        facts = _edit(diagram, [first, *more], rng)
        if facts is None:
            dropped[f"rule: no {first} edit"] += 1
            continue
        if statements(facts) in seen:
            dropped["rule: same as another"] += 1
            continue
        seen.add(statements(facts))
        kept.append(RuleNegative(caption(facts, wording), "+".join(k for k in EDIT_KINDS if k in (first, *more))))
    return kept
