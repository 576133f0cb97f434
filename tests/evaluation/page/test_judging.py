"""The riddle: one caption is true, the scores are the model's, and the verdict says what they say."""

import numpy as np
import pytest

from evaluation.encoding import DualEncoder
from evaluation.page.examples import draw_example
from evaluation.page.judging import Scores, kinds_beaten, make_riddle, score, scores_table, verdict
from tests.tiny import tiny_mmclip


@pytest.fixture(scope="module")
def riddle():
    return make_riddle(draw_example("triangle_cevian", 1), np.random.default_rng(0))


def test_exactly_one_caption_is_true(riddle):
    assert [c.caption for c in riddle.candidates].count(riddle.example.positive.caption) == 1
    assert riddle.candidates[riddle.answer].caption == riddle.example.positive.caption
    assert len(riddle.candidates) > 5


def test_the_true_caption_stands_in_any_place():
    example = draw_example("triangle_cevian", 1)
    assert len({make_riddle(example, np.random.default_rng(seed)).answer for seed in range(20)}) > 3


def test_scores_are_cosines_of_the_model(riddle):
    model, processor = tiny_mmclip()
    scores = score(riddle, DualEncoder(model.eval(), processor, "tiny"))
    assert len(scores.captions) == len(riddle.candidates)
    assert len(scores.images) == 1 + len(riddle.example.negatives)
    assert all(-1 <= value <= 1 for value in (*scores.captions, *scores.images))
    assert scores.captions[riddle.answer] == pytest.approx(scores.images[0], abs=1e-6)


def test_the_verdict_follows_the_scores(riddle):
    true = riddle.answer
    best = Scores(tuple(float(place == true) for place in range(len(riddle.candidates))), ())
    worst = Scores(tuple(-float(place == true) for place in range(len(riddle.candidates))), ())
    others = len(riddle.candidates) - 1
    assert "chose the true caption" in verdict(riddle, best, None)
    assert f"beats {others} of {others}" in verdict(riddle, best, true) and "You are right" in verdict(
        riddle, best, true
    )
    assert "which is false" in verdict(riddle, worst, None) and f"beats 0 of {others}" in verdict(riddle, worst, None)
    assert "Not quite" in verdict(riddle, best, (true + 1) % len(riddle.candidates))


def test_kinds_are_counted(riddle):
    true = riddle.answer
    scores = Scores(tuple(float(place == true) for place in range(len(riddle.candidates))), ())
    text = kinds_beaten(riddle, scores)
    for kind in ("order", "value"):
        count = sum(kind in candidate.edits.split("+") for candidate in riddle.candidates)
        assert f"{kind}: {count} of {count}" in text


def test_the_table_ranks_and_escapes(riddle):
    true = riddle.answer
    scores = Scores(tuple(float(place == true) for place in range(len(riddle.candidates))), ())
    table = scores_table(riddle, scores)
    assert table.index('class="true"') < table.index('class="false"')
    assert table.count("<tr") == 1 + len(riddle.candidates)
