"""Image negatives, proven again from what a row holds; and no telling them from positives by their looks."""

from collections import Counter

import numpy as np
import pytest

from data_scripts.diagram import Fact
from data_scripts.diagram.caption import caption
from data_scripts.diagram.diagram import EDIT_KINDS, Diagram
from data_scripts.diagram.drawing import NoRoom, Style, lay_out, rasterise
from data_scripts.diagram.facts import check, statements
from data_scripts.negatives.image import edit_figure, first_false, image_negatives
from data_scripts.rows import png_bytes

from ..samples import figure, needs_logic_forms, programs, real_figures, traced_triangle

NUM_PAIRS = 150


def prove(figures, count: int) -> Counter:
    """Build negatives of every figure and prove them from their JSON; returns how often each kind of edit occurs."""
    edits, total = Counter(), 0
    for i, positive in enumerate(figures):
        read = Diagram.from_json(positive.diagram.to_json())
        negatives = image_negatives(positive, count, np.random.default_rng(i), i, Counter())
        total += len(negatives)
        assert len(negatives) <= count
        said = [statements(read.facts)]
        for negative in negatives:
            other = Diagram.from_json(negative.diagram.to_json())
            assert all(check(f, other) is True for f in other.facts), "the negative's caption is true of its image"
            assert any(check(f, read) is False for f in other.facts), "its caption is false of the positive"
            assert any(check(f, other) is False for f in read.facts), "the positive's caption is false of it"
            assert negative.caption == caption(other.facts, i) != caption(read.facts, i)
            said.append(statements(other.facts))
            edits.update(negative.edits.split("+"))
        assert len(set(said)) == len(said), "a negative twice"
    assert total >= 0.7 * count * len(figures)
    return edits


def test_every_negative_is_proven_and_no_kind_of_edit_dominates():
    edits = prove(programs(25), 6)
    assert set(edits) == set(EDIT_KINDS)
    assert max(edits.values()) < 0.6 * edits.total(), edits


@needs_logic_forms
def test_every_negative_of_a_real_figure_is_proven():
    assert set(prove(real_figures(10), 6)) == set(EDIT_KINDS)


def test_what_was_not_kept_is_counted_by_reason():
    dropped = Counter()
    for i, program in enumerate(programs(10)):
        image_negatives(program, 10, np.random.default_rng(i), 0, dropped)
    assert dropped and all(reason.startswith("image: ") for reason in dropped)


def test_the_same_generator_gives_the_same_negatives():
    first, second = (image_negatives(programs(2)[1], 4, np.random.default_rng(3), 0, Counter()) for _ in range(2))
    assert first == second
    assert image_negatives(programs(2)[1], 0, np.random.default_rng(3), 0, Counter()) == []


def test_first_false_is_the_proof():
    d = figure("A 0 0 B 4 0 C 0 3", "AB BC CA")
    true, false, open_ = Fact("triangle", tuple("ABC")), Fact("segment", ("A", "Z")), Fact("length", ("A", "B"), "4")
    assert first_false([true, open_, false], d) == false
    assert first_false([true, open_], d) is None


def test_edits_one_after_the_other_or_none():
    assert edit_figure(traced_triangle(), [], np.random.default_rng(0)) == traced_triangle()
    bare = figure("A 0 0 B 40 0 C 0 30", "AB BC CA")
    nothing_printed = type(traced_triangle())(bare)
    assert edit_figure(nothing_printed, ["order", "value"], np.random.default_rng(0)) is None


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Chance that a positive scores above a negative, ties counted half (Mann-Whitney)."""
    return float(np.mean((positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)))


def looks(diagram: Diagram, style: Style) -> dict[str, float]:
    drawing = lay_out(diagram, style)
    image = rasterise(drawing)
    return {
        "ink": 255 - np.asarray(image, dtype=float).mean(),
        "file size": len(png_bytes(image)),
        "marks": len(diagram.marks),
        "texts": len(drawing.texts),
        "statements": len(diagram.facts),
        "caption length": len(caption(diagram.facts, 0)),
    }


def test_nothing_shallow_tells_a_positive_from_its_negatives():
    rng = np.random.default_rng(0)
    pairs = []
    for program in programs(NUM_PAIRS):
        style = Style.draw(rng, 224)
        negatives = image_negatives(program, 3, rng, 0, Counter())
        if negatives:
            negative = negatives[int(rng.integers(len(negatives)))].diagram
            try:
                pairs.append((looks(program.diagram, style), looks(negative, style)))
            except NoRoom:
                continue
    assert len(pairs) > 0.9 * NUM_PAIRS
    for name in pairs[0][0]:
        positive, negative = (np.array([pair[side][name] for pair in pairs]) for side in (0, 1))
        assert auc(positive, negative) == pytest.approx(0.5, abs=0.12), name
