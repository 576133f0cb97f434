"""Which captions can serve as negatives, by their words alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.llm.captions import letters, meaning, why_no_negative

CAPTION = "In △ABC, D lies on BC and AD ⊥ BC. ABDE is a rectangle, ∠ABC = 40°, AB = 5 and CD is parallel to AE."


@pytest.mark.parametrize(
    "same",
    [
        "In △BCA, D lies on CB and AD ⊥ BC. ABDE is a rectangle, ∠CBA = 40°, BA = 5 and CD is parallel to AE.",
        "In △ABC, D lies on BC and BC ⊥ DA. DEAB is a rectangle, ∠ABC = 40°, AB = 5 and DC is parallel to EA.",
        "AB = 5, ∠ABC = 40° and CD is parallel to AE. In △ABC, D lies on BC and AD ⊥ BC. EDBA is a rectangle.",
    ],
)
def test_equivalent_wordings_are_no_negatives(same):
    assert why_no_negative(CAPTION, same) == "the same meaning"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("AD ⊥ BC", "AD ∥ BC"),
        ("∠ABC", "∠BAC"),
        ("= 40°", "= 55°"),
        ("AB = 5", "AB = 8"),
        ("a rectangle", "a square"),
        ("ABDE", "ADBE"),
        ("D lies on BC and AD", "C lies on BD and AC"),
    ],
)
def test_edits_are_negatives(old, new):
    assert CAPTION.count(old) == 1
    assert why_no_negative(CAPTION, CAPTION.replace(old, new)) is None


def test_one_letter_or_a_strange_letter_is_none():
    assert why_no_negative(CAPTION, CAPTION.replace("AB = 5", "AC = 5")) == "fewer than two letters changed"
    assert why_no_negative(CAPTION, CAPTION.replace("AB = 5", "FG = 5")) == "a letter the figure does not have"


def test_the_order_of_letters_counts_between_similar_triangles():
    assert why_no_negative("△ABC ∼ △DEF.", "△ABC ∼ △EDF.") is None
    assert why_no_negative("△ABC is congruent to △DEF.", "△BAC is congruent to △DEF.") is None


def test_an_article_is_no_point():
    assert letters("A circle with center O. A lies on it. A is on OB.") == {"O", "A", "B"}
    assert letters("A circle has center O.") == {"O"}
    assert (
        why_no_negative("A circle with center O passes through B.", "A square with center O passes through B.") is None
    )


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.permutations(CAPTION.rstrip(".").split(". ")), st.integers(0, 3))
def test_meaning_knows_no_order_of_sentences(sentences, turn):
    name = "ABDE"[turn:] + "ABDE"[:turn]
    text = ". ".join(sentences).replace("ABDE", name) + "."
    assert meaning(text) == meaning(CAPTION)
