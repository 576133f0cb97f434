"""Closest rows are those of a plain search, in blocks of any size, and the same row is what decontamination drops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.decontamination import closest
from data_scripts.decontamination.closest import NONE, ClosestRows
from data_scripts.decontamination.image_hash import distances
from data_scripts.decontamination.items import Item
from data_scripts.decontamination.overlap import MATCHES, Rule, TestSet

from ..samples import fake_encode
from .test_overlap import item

TEXTS = ("", "Find the angle.", "Find the area.", "Prove it.", "Find the angle A of the triangle.")
ITEMS = st.builds(item, st.sampled_from(TEXTS), st.sampled_from([None, 0, 1, 2, 3]), st.integers(0, 60))


def search(tests: list[Item], rows: list[Item], size: int, rule: Rule):
    finder = ClosestRows(tests, rule, fake_encode)
    blocks = [finder.block(rows[start : start + size], start) for start in range(0, len(rows), size)]
    best = blocks[0]
    for later in blocks[1:]:
        best = best.merged(later)
    return best


@settings(deadline=None, max_examples=60)
@given(
    st.lists(ITEMS, min_size=1, max_size=6),
    st.lists(ITEMS, min_size=1, max_size=12),
    st.sampled_from([1, 3, 64]),
    st.sampled_from([1, 2, 64]),
    st.sampled_from(MATCHES),
)
def test_as_a_plain_search(tests, rows, size, part, match):
    rule, original = Rule(match), closest.PART
    closest.PART = part
    try:
        found = search(tests, rows, size, rule)
    finally:
        closest.PART = original
    for index, test in enumerate(tests):
        near = [
            (round(float(fake_encode([test.text])[0] @ fake_encode([row.text])[0]), 6), -number)
            for number, row in enumerate(rows)
            if test.text and row.text
        ]
        assert found.text_row[index] == (-max(near)[1] if near else NONE)
        assert np.isnan(found.similarity[index]) if not near else abs(found.similarity[index] - max(near)[0]) < 1e-5
        bits = [
            (int(distances(test.hash[None], row.hash[None])[0, 0]), number)
            for number, row in enumerate(rows)
            if test.hash is not None and row.hash is not None
        ]
        assert found.image_row[index] == (min(bits)[1] if bits else NONE)
        assert np.isnan(found.distance[index]) if not bits else found.distance[index] == min(bits)[0]
        dropped = TestSet([test], rule, fake_encode).overlaps(rows)
        assert (found.same_row[index] == NONE) == (not dropped)
        if dropped:
            assert found.same_row[index] in {overlap.row for overlap in dropped}


def test_of_equally_close_rows_the_first():
    rows = [item("Prove it.", 1), item("Find the angle.", 0), item("Find the angle.", 0)]
    for size in (1, 2, 3):
        found = search([item("Find the angle.", 0)], rows, size, Rule())
        assert (found.text_row[0], found.image_row[0], found.same_row[0]) == (1, 1, 1)
        assert (found.same_similarity[0], found.same_distance[0]) == (pytest.approx(1.0, abs=1e-5), 0)
