"""Rule negatives: edit what a caption states, and keep the edited caption only if it is proven false.

Four kinds of edit (MMGeoLM section 3.2 and appendix A): order (letters exchanged), shape, relation, value. One to four
edits per caption, each on a statement of its own drawn from the whole caption, each with letters of the caption only.
Naming a polygon from another corner or a segment from its other end is no edit: such statements are the same.

The edits are the same for all captions; what differs is the judge. `rule_negatives` takes a figure of ours, whose
coordinates prove an edit false. `caption_negatives` takes the text of any caption: its statements are read
(`phrases.parse_caption`), an edit is false if the caption denies it (`phrases.Stated`), and it is written into the
caption in place of the statement, all other text untouched. What is not understood is left alone and counted.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations

import numpy as np

from ..diagram import Diagram, Fact
from ..diagram.caption import caption as write_caption
from ..diagram.diagram import EDIT_KINDS
from ..diagram.facts import KINDS, check, statements
from ..diagram.traced import change_value
from ..phrases import Parsed, Stated, parse_caption
from ..phrases.axioms import FROM_A_VERTEX, LOOSE, turned
from ..phrases.kinds import EDIT_OF, arity, normal
from ..phrases.rewrite import rewrite
from .image import EditTurns

TRIES_PER_NEGATIVE = 6

# Statements about the same points in the same order that can be mistaken for one another.
RELATIONS: tuple[tuple[str, ...], ...] = (
    ("cevian", "median", "altitude", "bisector"),
    ("parallel", "perpendicular"),
    ("on_segment", "midpoint", "on_extension"),
    ("midline", "parallel_cut"),
    ("on_circle", "inside_circle", "outside_circle"),
    ("chord", "diameter", "tangent", "radius_of", "secant_line", "tangent_line"),
    ("circumcircle", "incircle"),
    ("similar", "congruent"),
    ("angle_bisector", "trisects_angle"),
    ("bisects_segment", "perpendicular_bisector"),
    ("tangent_circles", "concentric_circles"),
    ("quadrilateral_circumcircle", "quadrilateral_incircle"),
    ("centroid", "orthocenter", "incenter"),
    ("rising", "falling", "parallel_x", "parallel_y"),
    ("x_intercept", "y_intercept"),
    ("parabola_up", "parabola_down"),
    ("parabola_meets_x", "parabola_meets_y"),
)
ROUND = ("circle", "ellipse")
PLAIN = ("triangle", "quadrilateral", "pentagon", "hexagon", "octagon")

About = Diagram | Stated  # what judges an edit: both know their `points`
Edit = Callable[[Fact, About, np.random.Generator], Fact | None]


@dataclass(frozen=True)
class RuleNegative:
    caption: str
    edits: str  # kinds joined by "+", in the order of EDIT_KINDS


def _is_false(fact: Fact, about: About) -> bool:
    """Proven false: on the coordinates of a figure, or by what a caption states."""
    if isinstance(about, Diagram):
        return fact.kind in KINDS and check(fact, about) is False
    return about.denies(fact)


def _other_order(fact: Fact, about: About, rng: np.random.Generator) -> Fact | None:
    """The statement with its own letters in another order that means something else, or with one letter exchanged.

    At least two letters change place, or one gives way to another letter of the caption.
    """
    letters = [p for p in fact.points if p[:1].isupper()]
    if len(set(letters)) < len({*fact.points} - {""}):
        return None  # an angle that has a number has no letters to exchange
    if len(fact.points) <= 4:
        orders = (
            [dict(zip(letters, new, strict=True)) for new in permutations(letters)] if "" not in fact.points else []
        )
    else:
        orders = [{a: b, b: a} for a, b in combinations(dict.fromkeys(letters), 2)]
    candidates = [fact.relabel(order) for order in orders]
    others = [p for p in about.points if p not in fact.points]
    if others:
        new = others[int(rng.integers(len(others)))]
        candidates += [fact.relabel({old: new}) for old in letters]
    if fact.kind in FROM_A_VERTEX:
        candidates = [f for f in candidates if normal(f) != turned(fact)]
    return _pick([f for f in candidates if normal(f) != normal(fact)], about, rng)


def _other_shape(fact: Fact, about: About, rng: np.random.Generator) -> Fact | None:
    if EDIT_OF[fact.kind] != "shape":
        return None
    kinds = [k for k, edit in EDIT_OF.items() if edit == "shape" and arity(k) == len(fact.points) and k != fact.kind]
    if len(fact.points) == 1:
        kinds = [k for k in ROUND if fact.kind in ROUND and k != fact.kind]
    if isinstance(about, Stated) and fact.kind in PLAIN:
        return None  # a bare name, which no shape word takes the place of
    if isinstance(about, Stated) and fact.kind not in LOOSE:
        kinds = [k for k in kinds if k not in LOOSE]  # the caption names no apex, right angle or base
    return _pick([Fact(k, fact.points) for k in kinds], about, rng)


def _other_relation(fact: Fact, about: About, rng: np.random.Generator) -> Fact | None:
    group = next((g for g in RELATIONS if fact.kind in g), ())
    return _pick([Fact(k, fact.points) for k in group if k != fact.kind], about, rng)


def _other_value(fact: Fact, about: About, rng: np.random.Generator) -> Fact | None:
    if not fact.value:
        return None
    return _pick([replace(fact, value=change_value(fact.value, rng))], about, rng)


def _pick(candidates: list[Fact], about: About, rng: np.random.Generator) -> Fact | None:
    """One of the candidates at random among those proven false."""
    for i in rng.permutation(len(candidates)).tolist():
        if _is_false(candidates[i], about):
            return candidates[i]
    return None


EDITS: dict[str, Edit] = {
    "order": _other_order,
    "shape": _other_shape,
    "relation": _other_relation,
    "value": _other_value,
}


def _exchange(names: Sequence[str], rng: np.random.Generator) -> dict[str, str]:
    """Two or three letters to exchange all through a caption."""
    chosen = rng.choice(names, size=min(len(names), int(rng.integers(2, 4))), replace=False).tolist()
    return dict(zip(chosen, chosen[1:] + chosen[:1], strict=True))


def exchange_letters(facts: Sequence[Fact], diagram: Diagram, rng: np.random.Generator) -> tuple[Fact, ...] | None:
    """Statements of a figure with two or three of its letters exchanged in all of them; None if none gets false."""
    if len(diagram.points) < 2:
        return None
    mapping = _exchange(list(diagram.points), rng)
    before = statements(facts)
    facts = tuple(f.relabel(mapping) for f in facts)
    other = (f for f in facts if f.kind not in FROM_A_VERTEX or turned(f) not in before)
    return facts if any(check(f, diagram) is False for f in other) else None


def _edit(diagram: Diagram, kinds: list[str], rng: np.random.Generator) -> tuple[Fact, ...] | None:
    """The figure's statements with one edit of each kind listed, each on its own statement."""
    if kinds == ["order"] and rng.random() < 0.5:
        return exchange_letters(diagram.facts, diagram, rng)
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

    def edited(kinds: list[str]) -> tuple[frozenset[Fact], str] | None:
        facts = _edit(diagram, kinds, rng)
        return None if facts is None else (statements(facts), write_caption(facts, wording))

    return _collect(edited, {statements(diagram.facts)}, count, rng, dropped)


def _collect(
    edited: Callable[[list[str]], tuple[frozenset[Fact], str] | None],
    seen: set[frozenset[Fact]],
    count: int,
    rng: np.random.Generator,
    dropped: Counter[str],
) -> list[RuleNegative]:
    """Up to `count` edits of a caption that differ in meaning, the kinds of edit in turn so that none dominates."""
    kept: list[RuleNegative] = []
    turns = EditTurns((fact for facts in seen for fact in facts), rng)
    for _ in range(TRIES_PER_NEGATIVE * count):
        if len(kept) == count:
            break
        kinds = turns.draw()
        made = edited(kinds)
        turns.note(kinds, made is not None)
        if made is None:
            dropped[f"rule: no {kinds[0]} edit"] += 1
        elif made[0] in seen:
            dropped["rule: same as another"] += 1
        else:
            seen.add(made[0])
            kept.append(RuleNegative(made[1], "+".join(k for k in EDIT_KINDS if k in kinds)))
    return kept


def caption_negatives(caption: str, count: int, rng: np.random.Generator, dropped: Counter[str]) -> list[RuleNegative]:
    """Up to `count` edits of a caption of which only the text is known, each denied by what the caption states.

    Args:
        caption: any text; what is not understood stays as it is.
        count: how many are wanted; fewer come back where the caption offers no more.
        rng: draws the edits.
        dropped: counts candidates that were not kept, sentences not understood in full and captions without a
            statement, by reason.
    """
    parsed = parse_caption(caption)
    unread = sum(any(a < v and u < b for u, v in parsed.unread) for a, b in parsed.sentences)
    dropped.update({"rule: sentence not understood": unread} if unread else {})
    if not parsed.statements:
        dropped["rule: no statement in the caption"] += 1
        return []
    stated = Stated(parsed.facts)

    def edited(kinds: list[str]) -> tuple[frozenset[Fact], str] | None:
        if kinds == ["order"] and rng.random() < 0.5:
            return _exchange_in_text(parsed, stated, rng)
        return _edit_text(parsed, stated, kinds, rng)

    return _collect(edited, {stated.facts}, count, rng, dropped)


def _exchange_in_text(parsed: Parsed, stated: Stated, rng: np.random.Generator) -> tuple[frozenset[Fact], str] | None:
    """Letters exchanged wherever the caption names them, if that makes a false statement."""
    if len(stated.points) < 2:
        return None
    mapping = _exchange(stated.points, rng)
    facts = tuple(f.relabel(mapping) for f in parsed.facts)
    if not any(stated.denies(f) for f in facts):
        return None
    text, at, pieces = parsed.text, 0, []
    for start, end in (span for token in parsed.tokens for span in token.names):
        pieces += [text[at:start], mapping.get(text[start:end], text[start:end])]
        at = end
    return _read_back("".join([*pieces, text[at:]]), [normal(f) for f in facts])


def _edit_text(
    parsed: Parsed, stated: Stated, kinds: list[str], rng: np.random.Generator
) -> tuple[frozenset[Fact], str] | None:
    """The caption with one edit of each kind listed, each on its own statement."""
    facts = list(parsed.facts)
    owner = [(i, k) for i, s in enumerate(parsed.statements) for k in range(len(s.facts))]
    written: dict[int, str] = {}
    for kind in kinds:
        for n in rng.permutation(len(facts)).tolist():
            i, k = owner[n]
            if i in written:
                continue
            new = EDITS[kind](facts[n], stated, rng)
            text = None if new is None else _rewrite(parsed, i, k, facts[n], new)
            if text is not None:
                written[i] = text
                break
        else:
            return None
    pieces, at = [], 0
    for i, text in sorted(written.items()):
        start, end = parsed.statements[i].span
        pieces += [parsed.text[at:start], text]
        at = end
    return _verified(parsed, stated, "".join([*pieces, parsed.text[at:]]), set(written))


def _rewrite(parsed: Parsed, i: int, k: int, named: Fact, new: Fact) -> str | None:
    """The edited statement's text; a circle that the caption leaves unnamed stays so."""
    raw = parsed.statements[i].facts[k]
    if raw.kind == named.kind and "" in raw.points:
        places = [j for j, p in enumerate(raw.points) if p == ""]
        if any(new.points[j] != named.points[j] for j in places):
            return None
        new = replace(new, points=tuple("" if j in places else p for j, p in enumerate(new.points)))
    return rewrite(parsed, parsed.statements[i], k, new)


def _verified(parsed: Parsed, stated: Stated, text: str, edited: set[int]) -> tuple[frozenset[Fact], str] | None:
    """The edited caption, if reading it gives the other statements as they were and only false ones in their place."""
    again = parse_caption(text)
    if len(again.statements) != len(parsed.statements) or len(again.facts) != len(parsed.facts):
        return None
    letters = {p for f in parsed.facts for p in f.points}
    for i, (old, new) in enumerate(zip(parsed.statements, again.statements, strict=True)):
        before, after = {normal(f) for f in old.facts}, {normal(f) for f in new.facts}
        if (before == after) is (i in edited):
            return None
    facts = [normal(f) for f in again.facts]
    owner = [i for i, s in enumerate(again.statements) for _ in s.facts]
    for i in edited:
        own = [f for f, o in zip(facts, owner, strict=True) if o == i]
        if not all(stated.denies(f) or f in stated.facts for f in own) or not any(stated.denies(f) for f in own):
            return None
    if not {p for f in facts for p in f.points} <= letters:
        return None
    return frozenset(facts), text


def _read_back(text: str, facts: list[Fact]) -> tuple[frozenset[Fact], str] | None:
    read = [normal(f) for f in parse_caption(text).facts]
    return (frozenset(read), text) if read == facts else None
