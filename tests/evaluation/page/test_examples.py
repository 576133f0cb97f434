"""Examples for the page: the same anywhere, true and false as they say, and what differs is what is marked."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_scripts.sources import procedural
from evaluation.page.examples import LAST_NUMBER, draw_example, mark_differences


def test_an_example_is_the_same_every_time():
    first, again = draw_example("triangle_cevian", 3), draw_example("triangle_cevian", 3)
    assert np.array_equal(first.positive.image, again.positive.image)
    assert first.positive.caption == again.positive.caption
    assert [n.caption for n in first.negatives] == [n.caption for n in again.negatives]
    assert first.rule_captions == again.rule_captions
    assert draw_example("triangle_cevian", 4).positive.caption != first.positive.caption


@pytest.mark.parametrize("family", procedural.FAMILIES)
def test_every_family_has_an_example_with_negatives(family):
    example = draw_example(family, 0)
    assert example.negatives
    for negative in example.negatives:
        assert not np.array_equal(negative.image, example.positive.image)
        assert negative.caption != example.positive.caption and negative.edits and "import" in negative.script
    assert all(text != example.positive.caption for text, _ in example.rule_captions)


def test_without_markings_no_value_is_printed():
    example = draw_example("triangle", 1, markings=False)
    assert not re.search(r"\d", example.positive.caption)


def test_letters_are_large_enough_for_a_model_that_shrinks_the_figure():
    def font_size(legible_at: int | None) -> float:
        script = draw_example("triangle", 1, legible_at=legible_at).positive.script
        return float(re.search(r"fontsize=([\d.]+)", script)[1])

    assert font_size(112) == pytest.approx(1.5 * font_size(None), rel=0.01)
    assert font_size(16) == font_size(112)  # larger ones have no room


@pytest.mark.parametrize(("family", "number"), [("dragon", 1), ("triangle", -1), ("triangle", LAST_NUMBER + 1)])
def test_what_there_is_not_is_refused_with_a_reason(family, number):
    with pytest.raises(ValueError, match="choose"):
        draw_example(family, number)


def test_an_empty_field_is_told_in_words():
    with pytest.raises(ValueError, match="no number is given: choose a whole number"):
        draw_example("triangle", None)


WORDS = st.lists(st.sampled_from(["AB", "=", "5", "<b>", "median", "&", "∠ABC"]), max_size=8).map(" ".join)


@given(WORDS, WORDS)
def test_marked_words_are_the_other_caption_and_nothing_else(caption, other):
    from html import unescape

    marked = mark_differences(caption, other)
    assert unescape(re.sub(r"</?mark>", "", marked)) == other
    assert "<b>" not in marked
    assert ("<mark>" in marked) <= (caption != other)


def test_the_changed_word_is_marked():
    assert mark_differences("AB = 5 cm", "AB = 7 cm") == "AB = <mark>7</mark> cm"
