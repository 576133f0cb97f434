"""The four sets hold the right candidates, each content has one number, and no candidate equals the positive."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evaluation.rows import encoded, hard_negative_rows, picture
from trainers.candidate_sets import SET_NAMES, _others, build_candidate_sets, without_images


def build(rows, num_random=3, seed=0):
    return build_candidate_sets(rows, num_random, np.random.default_rng(seed))


def test_sets_hold_what_the_rows_say():
    rows = hard_negative_rows(6)
    sets = build(rows)
    assert {name: len(anchors) for name, anchors in sets.sets.items()} == {
        "random": 6,
        "retrieval": 6,
        "rule": 5,
        "image": 4,
    }
    row_of = {sets.captions.index(row["caption"]): row for row in rows}
    for anchor in sets.sets["rule"]:
        row = row_of[anchor.positive]
        assert [sets.captions[number] for number in anchor.negatives] == row["rule_captions"]
        assert anchor.edits == (("shape",), ("shape", "value"))
    for anchor in sets.sets["retrieval"]:
        assert [sets.captions[number] for number in anchor.negatives] == row_of[anchor.positive]["retrieved_captions"]
    for anchor in sets.sets["image"]:
        negatives = row_of[anchor.anchor]["negative_images"]
        found = [sets.images[number] for number in anchor.negatives]
        assert [source.position for source in found] == list(range(len(negatives)))
        assert {source.column for source in found} == {"negative_images"}


def test_content_is_numbered_once():
    rows = hard_negative_rows(4)
    rows[3]["negative_images"] = [rows[0]["image"], rows[2]["negative_images"][0]]
    rows[3]["retrieved_captions"] = [rows[0]["caption"], rows[1]["rule_captions"][0]]
    sets = build(rows)
    assert len(set(sets.captions)) == len(sets.captions)
    assert len(sets.images) == 4 + 1 + 2  # the positives, row 1's negative, row 2's negatives; row 3 adds none
    assert [source.row for source in sets.images] == sorted(source.row for source in sets.images)


def test_what_equals_the_positive_is_no_candidate():
    rows = hard_negative_rows(3)
    rows[2]["negative_images"] = [rows[2]["image"], encoded(picture(77)), encoded(picture(77))]
    rows[2]["retrieved_captions"] = [rows[2]["caption"], ""]
    sets = build(rows)
    assert len(sets.sets["image"][-1].negatives) == 1
    assert len(sets.sets["retrieval"]) == 2
    assert sets.num_dropped_negatives == 4


def test_a_caption_of_the_same_image_is_no_candidate():
    rows = hard_negative_rows(6)
    rows[3]["image"], rows[4]["image"] = rows[1]["image"], rows[1]["image"]
    rows[1]["retrieved_captions"] = [rows[4]["caption"], rows[0]["caption"]]
    sets = build(rows, num_random=9)
    for k, anchor in enumerate(sets.sets["random"]):
        own = {1, 3, 4} if k in (1, 3, 4) else {k}
        assert sorted(anchor.negatives) == sorted({*range(6)} - own)  # captions are numbered as their rows
    assert [a.negatives for a in sets.sets["retrieval"] if a.positive == 1] == [(0,)]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(0, 9), st.integers(0, 99))
def test_without_equal_images_the_draw_is_that_of_one_number_left_out(count, wanted, seed):
    own = seed % count
    drawn = _others({own}, count, wanted, np.random.default_rng(seed))
    rng, left = np.random.default_rng(seed), count - 1
    expected = rng.choice(left, size=min(wanted, left), replace=False) if left else []
    assert drawn == [int(number) + (number >= own) for number in expected]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.integers(0, 8), st.integers(0, 99))
def test_random_set_never_holds_an_equal_caption(captions, num_random, seed):
    rows = [row | {"caption": f"caption {captions[i]}"} for i, row in enumerate(hard_negative_rows(len(captions)))]
    sets = build(rows, num_random, seed)
    expected = min(num_random, len(set(captions)) - 1)
    assert len(sets.sets["random"]) == (len(rows) if expected else 0)
    for anchor in sets.sets["random"]:
        assert len(set(anchor.negatives)) == expected and anchor.positive not in anchor.negatives
        assert all(sets.captions[number] in {row["caption"] for row in rows} for number in anchor.negatives)
    assert sets == build(rows, num_random, seed)


def test_random_set_covers_all_other_captions_evenly():
    sets = build(hard_negative_rows(5), num_random=1, seed=1)
    many = [build(hard_negative_rows(5), 1, seed).sets["random"][2].negatives[0] for seed in range(400)]
    assert sets.num_rows == 5
    counts = np.bincount(many, minlength=5)[:5]
    assert counts[2] == 0 and min(counts[[0, 1, 3, 4]]) > 60


def test_rows_without_image_or_caption_are_counted():
    rows = hard_negative_rows(4)
    rows[1]["image"] = None
    rows[2]["caption"] = ""
    rows[3]["rule_edits"] = ["shape"]  # one of two: which is which?
    rows[3]["rule_captions"] = ["square ABC", "circle ABC"]
    sets = build(rows)
    assert (sets.num_rows, sets.num_unusable_rows) == (4, 2)
    assert sets.sets["rule"][-1].edits == ((), ())


def test_unreadable_images_leave_their_questions():
    sets = build(hard_negative_rows(6))
    lost_negative = sets.sets["image"][1].negatives[0]
    lost_anchor = sets.sets["random"][0].anchor
    left = without_images(sets, {lost_negative, lost_anchor})
    assert set(left) == set(SET_NAMES)
    assert len(left["random"]) == 5 and len(left["image"]) == 4
    assert all(lost_negative not in anchor.negatives for anchor in left["image"])


def test_negative_number_is_refused():
    with pytest.raises(ValueError, match="negative"):
        build(hard_negative_rows(2), num_random=-1)
