"""Retrieval negatives: similar captions of other figures that are proven false of this one."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from data_scripts.diagram.caption import caption
from data_scripts.diagram.facts import check, statements
from data_scripts.negatives import nearest
from data_scripts.negatives.encoding import EncodedCaptions
from data_scripts.negatives.retrieval import (
    MAY_BE_TRUE,
    SAME_MEANING,
    RetrievalOptions,
    figure_judge,
    retrieve,
    simans_order,
    statement_judge,
)
from data_scripts.phrases import parse_caption
from data_scripts.phrases.kinds import normal

from ..samples import fake_encoder, programs


def encoded(captions: list[str]) -> EncodedCaptions:
    names = list(dict.fromkeys(captions))
    vectors = fake_encoder().encode(names) if names else np.empty((0, 128), np.float32)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    first = np.array([captions.index(n) for n in names], dtype=np.int64)
    return EncodedCaptions(vectors.astype(np.float32), np.array([names.index(c) for c in captions], int), first)


def rows(count: int):
    diagrams = [p.diagram for p in programs(count)]
    return diagrams, encoded([caption(d.facts, i) for i, d in enumerate(diagrams)])


def everything(row: int, candidate: int) -> None:
    """A judge without objections."""


@pytest.mark.parametrize(("count", "top_k"), [(5, 20), (10, 4), (3, 1000)])
def test_kept_captions_are_near_and_proven_false(count, top_k):
    diagrams, captions = rows(40)
    judge = figure_judge([d.to_json() for d in diagrams])
    found = list(retrieve(captions, judge, RetrievalOptions(count, top_k), Counter()))
    assert len(found) == len(diagrams)
    assert np.mean([len(f) for f in found]) > 0.7 * min(count, top_k)
    for row, others in enumerate(found):
        assert row not in others and len(set(others)) == len(others) <= min(count, top_k)
        scores = captions.vectors @ captions.vectors[row]
        assert [scores[o] for o in others] == pytest.approx(sorted((scores[o] for o in others), reverse=True))
        assert sum(scores > scores[others].min() + 1e-6) <= top_k, "the row itself and top_k - 1 others at most"
        for other in others:
            assert any(check(f, diagrams[row]) is False for f in diagrams[other].facts)


@pytest.mark.parametrize("sampling", ["top", "simans"])
def test_blocks_change_nothing(monkeypatch, sampling):
    _, captions = rows(23)
    options = RetrievalOptions(4, 10, sampling)
    whole = list(retrieve(captions, everything, options, Counter()))
    monkeypatch.setattr(nearest, "QUERY_BLOCK", 5)
    monkeypatch.setattr(nearest, "POOL_BLOCK", 3)
    assert list(retrieve(captions, everything, options, Counter())) == whole


def test_without_objections_the_nearest_are_taken():
    captions = encoded(["aaaa", "aaab", "aabb", "bbbb"])
    assert list(retrieve(captions, everything, RetrievalOptions(2), Counter())) == [[1, 2], [0, 2], [1, 0], [2, 1]]


def test_a_judge_that_objects_to_all_leaves_nothing_and_is_counted():
    _, captions = rows(5)
    dropped = Counter()
    found = list(retrieve(captions, lambda row, candidate: "no", RetrievalOptions(2, 3), dropped))
    assert found == [[]] * 5 and dropped == {"retrieval: no": 15}


def test_candidates_are_distinct_captions_by_their_first_row():
    captions = encoded(["aab", "abb", "aab", "abb", "abb", "c"])
    found = list(retrieve(captions, everything, RetrievalOptions(5), Counter()))
    assert found == [[1, 5], [0, 5], [1, 5], [0, 5], [0, 5], [0, 1]]


def test_rows_of_one_scene_are_never_negatives_of_one_another():
    captions, dropped = encoded(["aaa", "aab", "abb", "bbb"]), Counter()
    found = list(retrieve(captions, everything, RetrievalOptions(3), dropped, scenes=["x", "x", "y", "y"]))
    assert found == [[2, 3], [2, 3], [1, 0], [1, 0]]
    assert dropped == {"retrieval: same scene": 4}


def test_a_caption_that_a_row_of_the_scene_shares_is_no_negative():
    captions = encoded(["aab", "abb", "aab", "bbb"])  # row 2 has the caption of row 0 and the scene of row 3
    found = list(retrieve(captions, everything, RetrievalOptions(3), Counter(), scenes=["x", "y", "z", "z"]))
    assert found == [[1, 3], [3, 0], [1], [1]]


@pytest.mark.parametrize("captions", [[], ["a"], ["a", "a"]])
def test_no_other_caption_gives_no_negatives(captions):
    for sampling in ("top", "simans"):
        options = RetrievalOptions(3, sampling=sampling)
        assert list(retrieve(encoded(captions), everything, options, Counter())) == [[] for _ in captions]


def test_none_wanted_costs_no_search(monkeypatch):
    monkeypatch.setattr("data_scripts.negatives.retrieval.nearest", None)
    assert list(retrieve(encoded(["a", "b"]), everything, RetrievalOptions(0), Counter())) == [[], []]


@pytest.mark.parametrize("given", [{"scenes": ["x"]}, {"positives": np.zeros(2)}])
def test_numbers_must_match(given):
    with pytest.raises(ValueError, match=r"for 3 captions: one of each per row"):
        retrieve(rows(3)[1], everything, RetrievalOptions(), Counter(), **given)


@pytest.mark.parametrize(
    "wrong", [{"sampling": "bottom"}, {"count": -1}, {"top_k": 0}, {"a": -1.0}, {"seed": -1}, {"positive_quantile": 2}]
)
def test_options_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RetrievalOptions(**wrong)


# Similarities of a row's candidates, and what SimANS makes of them.
SCORES, POSITIVE = np.array([0.95, 0.9, 0.86, 0.8, 0.7], dtype=np.float32), 0.88
SIMANS = RetrievalOptions(sampling="simans", a=150.0, b=-0.03)
WEIGHTS = np.exp(-150.0 * (SCORES - POSITIVE + 0.03) ** 2)
DRAWS = 20_000


@pytest.fixture(scope="module")
def orders() -> list[tuple[int, ...]]:
    rng = np.random.default_rng(0)
    return [tuple(simans_order(SCORES, POSITIVE, SIMANS, rng).tolist()) for _ in range(DRAWS)]


def assert_frequencies(counts: Counter, probabilities: dict, total: int) -> None:
    """Within four standard deviations, each."""
    for event, p in probabilities.items():
        assert abs(counts[event] / total - p) < 4 * np.sqrt(p * (1 - p) / total) + 1e-9, event


def test_the_first_draw_follows_the_formula(orders):
    p = WEIGHTS / WEIGHTS.sum()
    assert p.argmax() == 2, "neither the most nor the least similar"
    assert_frequencies(Counter(o[0] for o in orders), dict(enumerate(p)), DRAWS)


def test_the_second_draw_is_from_what_is_left(orders):
    p = WEIGHTS / WEIGHTS.sum()
    pairs = {(i, j): p[i] * p[j] / (1 - p[i]) for i, j in permutations(range(len(p)), 2)}
    assert_frequencies(Counter(o[:2] for o in orders), pairs, DRAWS)


def test_passing_over_a_candidate_leaves_the_formula_for_the_others(orders):
    p = WEIGHTS[1:] / WEIGHTS[1:].sum()
    assert_frequencies(Counter(next(i for i in o if i != 0) for o in orders), dict(enumerate(p, 1)), DRAWS)


def test_without_sharpness_every_candidate_is_as_likely():
    rng, options = np.random.default_rng(0), RetrievalOptions(sampling="simans", a=0.0)
    first = Counter(int(simans_order(SCORES, POSITIVE, options, rng)[0]) for _ in range(5000))
    assert_frequencies(first, dict.fromkeys(range(5), 0.2), 5000)


def test_the_similarity_of_a_rewording_says_where_to_look():
    captions = encoded(["a" * (12 - n) + "b" * n for n in range(12)])
    scores = captions.vectors @ captions.vectors[0]
    for target in (2, 7):
        options = RetrievalOptions(1, sampling="simans", a=1e7)
        found = next(retrieve(captions, everything, options, Counter(), positives=np.full(12, scores[target])))
        assert found == [target]
        shifted = RetrievalOptions(1, sampling="simans", a=1e7, b=float(scores[target + 1] - scores[target]))
        found = next(retrieve(captions, everything, shifted, Counter(), positives=np.full(12, scores[target])))
        assert found == [target + 1]


def test_without_rewordings_a_quantile_of_the_nearest_stands_in():
    captions = encoded(["a" * (12 - n) + "b" * n for n in range(12)])
    for quantile, expected in ((1.0, 1), (0.5, 6), (0.0, 11)):
        options = RetrievalOptions(1, sampling="simans", a=1e7, positive_quantile=quantile)
        assert next(retrieve(captions, everything, options, Counter())) == [expected]


def test_every_row_draws_for_itself():
    captions = encoded(list("abcdefgh"))  # nothing in common: every row has the same scores
    options = RetrievalOptions(1, sampling="simans", a=0.0)
    drawn = [
        found[0] - (found[0] > row) for row, found in enumerate(retrieve(captions, everything, options, Counter()))
    ]
    assert len(set(drawn)) > 2


def test_the_seed_decides_the_draw():
    _, captions = rows(30)

    def draw(seed: int) -> list[list[int]]:
        return list(retrieve(captions, everything, RetrievalOptions(5, 20, "simans", seed=seed), Counter()))

    assert draw(1) == draw(1) != draw(2)


def test_the_judge_of_figures_keeps_what_is_proven_false_only():
    diagrams, _ = rows(30)
    other = diagrams[0].relabel({"A": "B", "B": "A"})
    fewer = type(other)(other.points, other.segments, other.circles, other.marks, other.facts[:1])
    diagrams = [*diagrams, fewer]
    judge = figure_judge([d.to_json() for d in diagrams])
    reasons = Counter()
    for row, figure in enumerate(diagrams):
        for candidate, stated in enumerate(diagrams):
            proven = any(check(f, figure) is False for f in stated.facts)
            reason = judge(row, candidate)
            assert (reason is None) == proven
            if not proven:
                assert (reason == SAME_MEANING) == (statements(stated.facts) <= statements(figure.facts))
            reasons[reason] += 1
    assert all(judge(row, row) == SAME_MEANING for row in range(len(diagrams)))
    assert reasons[None] > 500 and reasons[MAY_BE_TRUE] > 0


@pytest.mark.parametrize(
    ("own", "other", "objection"),
    [
        ("ABCD is a rectangle. AB = 5.", "ABCD is a rectangle.", SAME_MEANING),
        ("ABCD is a rectangle. AB = 5.", "ABCD is a parallelogram. AB = 5.", SAME_MEANING),
        ("In triangle ABC, AB = AC.", "Isosceles triangle ABC with apex A.", SAME_MEANING),
        ("D is the midpoint of BC.", "D lies on BC.", SAME_MEANING),
        ("AB is parallel to CD.", "EF is parallel to GH.", MAY_BE_TRUE),
        ("ABCD is a rectangle. AB = 5.", "ABCD is a rectangle. AB = 6.", None),
        ("ABCD is a parallelogram.", "ABCD is a rectangle.", MAY_BE_TRUE),
        ("D is the midpoint of BC.", "D is the midpoint of AB and AB = 4.", None),
        ("A picture of something.", "AB = 6.", MAY_BE_TRUE),
        ("AB = 6.", "A picture of something.", SAME_MEANING),
    ],
)
def test_the_judge_of_statements_keeps_what_is_denied_only(own, other, objection):
    stated = [frozenset(normal(fact) for fact in parse_caption(text).facts) for text in (own, other)]
    assert statement_judge(stated)(0, 1) == objection
