"""Nearest neighbours: what a full sort would give, whatever the blocks, and never a full matrix."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data_scripts.negatives import nearest as module
from data_scripts.negatives.nearest import nearest


def by_full_sort(vectors: np.ndarray, top_k: int, queries) -> list[list[int]]:
    scores = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    np.fill_diagonal(scores, -np.inf)
    return [np.argsort(-scores[q], kind="stable")[: min(top_k, len(vectors) - 1)].tolist() for q in queries]


def unit_vectors(count: int, dim: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def set_blocks(patch: pytest.MonkeyPatch, query: int, pool: int, spare: int = 28, exact: int = 2048) -> None:
    for name, size in (("QUERY_BLOCK", query), ("POOL_BLOCK", pool), ("SPARE", spare), ("EXACT_BLOCK", exact)):
        patch.setattr(module, name, size)


# Small whole numbers: inner products are exact, and many of them are equal.
grids = st.tuples(st.integers(1, 40), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.integers(-2, 2))
)


@given(grids, st.integers(1, 50), st.tuples(*[st.integers(1, 17)] * 3), st.integers(0, 3), st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_equals_a_full_sort_with_ties_by_index(vectors, top_k, blocks, spare, data):
    queries = data.draw(st.none() | st.lists(st.integers(0, len(vectors) - 1), max_size=10))
    with pytest.MonkeyPatch.context() as patch:
        set_blocks(patch, blocks[0], blocks[1], spare, blocks[2])
        found = list(nearest(vectors, top_k, queries))
    asked = range(len(vectors)) if queries is None else queries
    assert [ids.tolist() for ids, _ in found] == by_full_sort(vectors, top_k, asked)
    for query, (ids, scores) in zip(asked, found, strict=True):
        np.testing.assert_array_equal(scores, vectors[ids] @ vectors[query])


@pytest.mark.parametrize("blocks", [(512, 16384), (7, 33), (1, 1), (64, 5)])
def test_embeddings_with_copies_give_the_same_in_any_blocks(monkeypatch, blocks):
    vectors = unit_vectors(30, 24)
    copied = vectors[np.random.default_rng(1).integers(0, 30, size=90)]  # each vector about three times
    expected = [(ids.tolist(), scores.tobytes()) for ids, scores in nearest(copied, 20)]
    set_blocks(monkeypatch, *blocks)
    assert [(ids.tolist(), scores.tobytes()) for ids, scores in nearest(copied, 20)] == expected
    for ids, scores in nearest(copied, 20):
        assert list(zip(-scores, ids, strict=True)) == sorted(zip(-scores, ids, strict=True))


def test_random_embeddings_equal_a_full_sort():
    vectors = unit_vectors(700, 48)
    found = [ids.tolist() for ids, _ in nearest(vectors, 100)]
    assert found == by_full_sort(vectors, 100, range(700))


def test_vectors_all_alike_fall_back_to_the_order_of_numbers(monkeypatch):
    set_blocks(monkeypatch, 8, 16, spare=2, exact=5)
    vectors = np.repeat(unit_vectors(1, 12), 50, axis=0)
    assert [ids.tolist() for ids, _ in nearest(vectors, 3)][:4] == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]


@pytest.mark.parametrize("count", [0, 1])
def test_without_others_there_are_no_neighbours(count):
    found = list(nearest(unit_vectors(count, 3), 5))
    assert [(ids.tolist(), scores.tolist()) for ids, scores in found] == [([], [])] * count


def test_a_mapped_file_serves_as_well(tmp_path):
    vectors = unit_vectors(50, 8)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    for ours, theirs in zip(nearest(mapped, 5), nearest(vectors, 5), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_memory_holds_a_block_of_scores_not_the_matrix(monkeypatch):
    set_blocks(monkeypatch, 32, 128, exact=128)
    vectors = unit_vectors(3000, 16)
    tracemalloc.start()
    try:
        assert sum(len(ids) for ids, _ in nearest(vectors, 10)) == 30_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000, f"{peak} bytes at peak; the full matrix would take {4 * 3000**2}"


@pytest.mark.parametrize(("shape", "top_k"), [((5,), 3), ((5, 2), 0)])
def test_what_cannot_be_ranked_is_refused(shape, top_k):
    with pytest.raises(ValueError, match="matrix and top_k"):
        nearest(np.zeros(shape, np.float32), top_k)
