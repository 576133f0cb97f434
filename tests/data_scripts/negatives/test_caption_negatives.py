"""Rule negatives of captions that are text only: denied by the caption, rendered in its own form, spread over it."""

import re
from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.diagram.caption import caption as write_caption
from data_scripts.diagram.diagram import EDIT_KINDS
from data_scripts.diagram.facts import KINDS, check
from data_scripts.negatives.rules import caption_negatives
from data_scripts.phrases import Stated, parse_caption
from data_scripts.phrases.kinds import EDIT_OF, normal

from ..phrases.samples import CAPTIONS
from ..samples import programs


@cache
def negatives_of(caption: str, count: int = 8, seed: int = 0) -> list:
    return caption_negatives(caption, count, np.random.default_rng(seed), Counter())


@cache
def meaning(caption: str) -> frozenset:
    return frozenset(normal(f) for f in parse_caption(caption).facts)


def names(caption: str) -> set[str]:
    return {caption[a:b] for token in parse_caption(caption).tokens for a, b in token.names}


def made(caption: str, kind: str, seeds: int = 10) -> set[str]:
    """Captions with one edit of that kind."""
    return {n.caption for s in range(seeds) for n in negatives_of(caption, 8, s) if n.edits == kind}


@pytest.mark.parametrize("caption", CAPTIONS)
def test_every_negative_says_something_the_caption_denies(caption):
    stated = Stated(parse_caption(caption).facts)
    for negative in negatives_of(caption):
        again = parse_caption(negative.caption)
        assert any(stated.denies(f) for f in again.facts), negative
        assert meaning(negative.caption) != meaning(caption)
        assert names(negative.caption) <= names(caption)
        assert len(again.facts) == len(parse_caption(caption).facts)


@pytest.mark.parametrize("caption", CAPTIONS)
def test_the_edits_listed_are_those_made(caption):
    """Statements changed by one edit changed in what the edit is about, and only there."""
    before = parse_caption(caption).statements
    for negative in negatives_of(caption):
        kinds = set()
        for old, new in zip(before, parse_caption(negative.caption).statements, strict=True):
            for f, g in zip(old.facts, new.facts, strict=True):
                if f.kind != g.kind:
                    kinds.add(EDIT_OF[f.kind])
                elif f.value != g.value:
                    kinds.add("value")
                elif normal(f) != normal(g):
                    kinds.add("order")
        assert kinds == set(negative.edits.split("+")), negative


def test_all_four_kinds_of_edit_and_up_to_four_edits_are_made():
    edits = Counter(n.edits for c in CAPTIONS for n in negatives_of(c))
    assert set("+".join(edits).split("+")) == set(EDIT_KINDS)
    assert max(e.count("+") for e in edits) >= 2


def between(caption: str) -> list[str]:
    """What stands between the statements, its letters left out: exchanged throughout, they change there too."""
    parsed = parse_caption(caption)
    letters = [span for token in parsed.tokens for span in token.names]
    pieces, at = [], 0
    for start, end in [*(s.span for s in parsed.statements), (len(caption), len(caption))]:
        names_in = [(a, b) for a, b in letters if at <= a < start]
        starts, ends = [*(a for a, _ in names_in), start], [at, *(b for _, b in names_in)]
        pieces += [caption[e:s] for e, s in zip(ends, starts, strict=True)]
        at = end
    return pieces


def test_text_beside_the_statements_stays_as_it_was():
    for caption in CAPTIONS:
        for negative in negatives_of(caption):
            assert between(negative.caption) == between(caption), negative


def test_edits_are_spread_over_the_caption():
    """An edit is as likely on each statement: in thirds of a caption of like statements, within four deviations."""
    caption = "AB = 11, CD = 12, EF = 13, GH = 14, KL = 15, MN = 16, PQ = 17, RS = 18, TU = 19."
    places = Counter()
    for seed in range(80):
        for negative in negatives_of(caption, 4, seed):
            changed = [
                i
                for i, (a, b) in enumerate(zip(caption.split(", "), negative.caption.split(", "), strict=True))
                if a != b
            ]
            places.update(i // 3 for i in changed)
    total = sum(places.values())
    assert total > 200
    for third in range(3):
        assert abs(places[third] - total / 3) < 4 * np.sqrt(total * 2 / 9), places


@pytest.mark.parametrize(
    ("caption", "kind", "expected"),
    [
        ("AB is parallel to CD.", "relation", "AB is perpendicular to CD."),
        (r"$AB \parallel CD$.", "relation", r"$AB \perp CD$."),
        ("AB ∥ CD.", "relation", "AB ⊥ CD."),
        ("Sides AB and CD are parallel.", "relation", "Sides AB and CD are perpendicular."),
        ("AD is the median of △ABC.", "relation", "AD is the altitude of △ABC."),
        ("AD is a median of triangle ABC.", "relation", "AD is an altitude of triangle ABC."),
        ("△ABC ∽ △DEF.", "relation", "△ABC ≅ △DEF."),
        (r"\triangle ABC \sim \triangle DEF", "relation", r"\triangle ABC \cong \triangle DEF"),
        ("A, B and C lie on circle O.", "relation", "A, B and C lie inside circle O."),
        ("The figure shows a circle with center O.", "shape", "The figure shows an ellipse with center O."),
        ("An equilateral triangle ABC is drawn.", "shape", "A scalene triangle ABC is drawn."),
        ("A right triangle ABC is drawn.", "shape", "An isosceles triangle ABC is drawn."),
        ("Triangle ABC is an equilateral triangle.", "shape", "Triangle ABC is a right triangle."),
        ("Rectangle ABCD is drawn.", "shape", "Rhombus ABCD is drawn."),
        ("Quadrilateral ABCD is a square.", "shape", "Quadrilateral ABCD is an isosceles trapezoid."),
        ("An equilateral triangle ABC is inscribed in circle O.", "shape",
         "An obtuse triangle ABC is inscribed in circle O."),
        ("The diagram shows a circle with center O and a diameter AB.", "relation",
         "The diagram shows a circle with center O and a radius AB."),
        ("△ABC. AD ⊥ BC at D.", "relation", "△ABC. The median AD meets BC at its midpoint D."),
        ("⊙O has the chord AB.", "relation", "⊙O has the diameter AB."),
        ("M is the midpoint of side AB. MN = 4.", "order", "M is the midpoint of side NB. MN = 4."),
    ],
)  # fmt: skip
def test_an_edit_is_written_in_the_form_of_the_caption(caption, kind, expected):
    assert expected in made(caption, kind)


@pytest.mark.parametrize(
    ("caption", "form"),
    [
        ("The length of AB is 5 cm.", r"The length of AB is \d cm\."),
        (r"$AB = 5\sqrt{3}$", r"\$AB = \d+\\sqrt\{\d+\}\$"),
        ("Angle ABC measures 40 degrees.", r"Angle ABC measures \d+ degrees\."),
        (r"$\angle ABC = 40^{\circ}$", r"\$\\angle ABC = \d+\^\{\\circ\}\$"),
        ("AB = 2x + 1.", r"AB = \d*x \+ \d+\."),
        ("AB : CD = 1 : 2.", r"AB : CD = \d : \d\."),
        ("AB = AC = 5.5, ABC is a triangle.", r"AB = AC = \d\.\d, ABC is a triangle\."),
    ],
)
def test_a_value_keeps_its_form(caption, form):
    values = made(caption, "value")
    assert values
    assert all(re.fullmatch(form, v) for v in values), values


@pytest.mark.parametrize(
    "caption",
    [
        "Square ABCD.",
        "Segment AC is drawn.",
        "△ABC.",
        "Triangle ABC is an equilateral triangle. AB = BC = CA = 5.",
    ],
)
def test_no_order_edit_where_all_orders_mean_the_same(caption):
    """Cyclic shifts and reversals of a polygon, the ends of a segment, the corners of an equilateral triangle."""
    for text in made(caption, "order"):
        assert meaning(text) != meaning(caption)
        assert caption.startswith("Square")  # ACBD and ABDC are other squares


def test_other_names_of_a_square_are_never_made():
    turns = {("ABCD" * 2)[i : i + 4] for i in range(4)} | {("DCBA" * 2)[i : i + 4] for i in range(4)}
    squares = {text[7:11] for text in made("Square ABCD.", "order")}
    assert squares and not squares & turns


@pytest.mark.parametrize(
    ("caption", "never"),
    [
        ("Square ABCD.", "rectangle|rhombus|parallelogram|kite|quadrilateral"),
        ("Rectangle ABCD.", "square|parallelogram|quadrilateral"),
        ("Parallelogram ABCD.", "square|rectangle|rhombus|quadrilateral"),
        ("An isosceles triangle ABC.", "equilateral|acute|obtuse"),
        ("An equilateral triangle ABC.", "isosceles triangle|acute"),
        ("A right triangle ABC.", "isosceles right|scalene"),
        ("AB is a diameter of ⊙O.", "chord"),
        ("Isosceles triangle ABC with AB = AC, and AD is the median to BC.", "altitude|bisector"),
    ],
)
def test_what_stays_true_is_no_negative(caption, never):
    texts = {n.caption for s in range(8) for n in negatives_of(caption, 8, s)}
    assert texts
    assert not [t for t in texts if re.search(never, t, re.IGNORECASE)]


def test_a_segment_named_from_its_other_end_is_no_edit():
    for caption in ("AD is the median to BC.", "AD is a median. BE = 4.", "OA is a radius. ⊙O. AB = 3."):
        for text in made(caption, "order"):
            turned = [re.sub(r"\b([A-Z])([A-Z])\b", lambda m: "".join(sorted(m.group())), t) for t in (text, caption)]
            assert turned[0] != turned[1]


def test_what_is_not_understood_is_left_alone_and_counted():
    dropped: Counter[str] = Counter()
    assert caption_negatives("Nothing of the kind. Colorless ideas sleep.", 5, np.random.default_rng(0), dropped) == []
    assert dropped == {"rule: sentence not understood": 2, "rule: no statement in the caption": 1}
    dropped.clear()
    kept = caption_negatives("AB = 5. The sky glows.", 3, np.random.default_rng(0), dropped)
    assert kept and all(n.caption.endswith("The sky glows.") for n in kept)
    assert dropped["rule: sentence not understood"] == 1


def test_the_same_seed_gives_the_same_negatives():
    for caption in CAPTIONS[::6]:
        again = caption_negatives(caption, 8, np.random.default_rng(3), Counter())
        assert negatives_of(caption, 8, 3) == again
    assert any(negatives_of(c, 8, 3) != negatives_of(c, 8, 4) for c in CAPTIONS)


def test_negatives_differ_from_one_another_in_meaning():
    for caption in CAPTIONS:
        meanings = [meaning(n.caption) for n in negatives_of(caption)]
        assert len(set(meanings)) == len(meanings)


def test_denials_hold_on_the_coordinates_of_our_figures():
    """Our own captions, judged as text: hardly a denied statement is true of the figure behind the caption."""
    true = judged = 0
    for i, program in enumerate(programs(50, seed=4)):
        diagram = program.diagram
        stated = {normal(f) for f in diagram.facts}
        for negative in negatives_of(write_caption(diagram.facts, i), 6, i):
            new = [f for f in parse_caption(negative.caption).facts if normal(f) not in stated]
            verdicts = [check(f, diagram) for f in new if f.kind in KINDS]
            judged += 1
            true += len(verdicts) == len(new) and all(v is True for v in verdicts)
    assert judged > 200
    assert true <= 0.02 * judged, f"{true} of {judged} negatives are true of the figure"


PARTS = st.sampled_from(
    [
        "△ABC",
        "square ABCD",
        "AB = 5",
        "∠ABC = 40°",
        "AB ∥ CD",
        "D lies on BC",
        "AD is a median to BC",
        "circle O",
        "AB ⊥ BC",
    ]
    + [
        "M is the midpoint of AB",
        "AB is a diameter of circle O",
        "AB = CD",
        "and so on",
        "△ABC ∼ △ADE",
        "isosceles triangle ABC",
    ]
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(PARTS, min_size=1, max_size=6), st.integers(0, 10))
def test_a_negative_never_means_what_the_caption_means(parts, seed):
    caption = ", ".join(parts) + "."
    for negative in negatives_of(caption, 4, seed):
        assert meaning(negative.caption) != meaning(caption)
        assert names(negative.caption) <= names(caption)
        assert negative.edits


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.text(max_size=60) | st.text(alphabet="ABC =∥∠△⊙5.,°$\\{}x", max_size=60))
def test_any_text_is_taken(text):
    for negative in negatives_of(text, 2):
        assert negative.caption != text
