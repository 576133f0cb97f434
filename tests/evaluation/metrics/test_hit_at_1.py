"""The metric loads from its folder offline, as a user would, and equals the project's own Hit@1."""

from pathlib import Path

import evaluate
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluation.hit_at_1 import measure_set
from trainers.candidate_sets import Anchor

FOLDER = Path(__file__).parents[3] / "evaluation" / "metrics" / "hit_at_1"


@pytest.fixture(scope="module")
def metric(tmp_path_factory):
    """Loaded in a cache of its own: the copy that `evaluate` makes is of this very file."""
    patch = pytest.MonkeyPatch()
    patch.setenv("HF_HUB_OFFLINE", "1")
    patch.setattr(evaluate.config, "HF_MODULES_CACHE", tmp_path_factory.mktemp("modules"))
    yield evaluate.load(str(FOLDER), cache_dir=str(tmp_path_factory.mktemp("cache")))
    patch.undo()


def test_worked_by_hand(metric):
    # first: hit among 2; second: a tie, so a miss, among 3; third: one candidate, which says nothing
    result = metric.compute(predictions=[[0.9, 0.1], [0.2, 0.2, 0.1], [1.0]], references=[0, 0, 0])
    assert result["hit_at_1"] == 0.5 and result["num_questions"] == 2
    assert result["chance"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert result["interval"] == (0.0, 1.0)


def test_the_true_candidate_may_stand_anywhere(metric):
    assert metric.compute(predictions=[[0.1, 0.3, 0.2]], references=[1], num_resamples=0) == {
        "hit_at_1": 1.0,
        "chance": pytest.approx(1 / 3),
        "num_questions": 1,
    }


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.integers(0, 1000))
def test_equals_ours(metric, counts, seed):
    generator = torch.Generator().manual_seed(seed)
    anchors = torch.randn(len(counts), 4, generator=generator)
    candidates = torch.randn(len(counts) + sum(counts), 4, generator=generator)
    questions, at = [], len(counts)
    for number, count in enumerate(counts):
        questions.append(Anchor(number, number, tuple(range(at, at + count))))
        at += count
    ours = measure_set(questions, anchors, candidates, seed)
    unit = torch.nn.functional.normalize(candidates, dim=-1)
    scores = [(unit[[q.positive, *q.negatives]] @ anchors[q.anchor]).tolist() for q in questions]
    theirs = metric.compute(predictions=scores, references=[0] * len(scores), seed=seed)
    assert theirs["hit_at_1"] == pytest.approx(ours["accuracy"])
    assert theirs["chance"] == pytest.approx(ours["chance"])
    assert theirs["interval"] == pytest.approx(ours["interval_95"])
    assert theirs["num_questions"] == ours["num_anchors"]


def test_more_than_one_batch_adds_up(metric):
    rng = np.random.default_rng(0)
    scores = rng.random((300, 11))
    for start in range(0, 300, 100):
        metric.add_batch(predictions=scores[start : start + 100].tolist(), references=[0] * 100)
    assert metric.compute()["hit_at_1"] == pytest.approx((scores.argmax(1) == 0).mean())


@pytest.mark.parametrize(
    ("scores", "true", "options", "message"),
    [
        ([[0.1, 0.2]], [2], {}, "question 0 has 2 candidates"),
        ([[0.1]], [0], {}, "at least two candidates"),
        ([[0.1, 0.2]], [0], {"confidence_level": 1.0}, "strictly between"),
    ],
)
def test_what_is_wrong_is_said(metric, scores, true, options, message):
    with pytest.raises(ValueError, match=message):
        metric.compute(predictions=scores, references=true, **options)
