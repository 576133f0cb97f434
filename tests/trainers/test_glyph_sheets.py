"""Sheets of glyphs: the same from the same generator, many characters, and no text on another or on a stroke."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.diagram.drawing import rasterise, text_extent
from trainers.glyph_sheets import CLEAR, LEAST_GAP, draw_sheet
from trainers.patch_targets import GLYPHS, glyph_targets, path_of_arc, path_of_line


def boxes(sheet) -> np.ndarray:
    """Left, right, top and bottom of every text, `[texts, 4]`."""
    found = []
    for text in sheet.texts:
        width, height = text_extent(text.text, sheet.style, text.italic)
        found.append((text.x - width / 2, text.x + width / 2, text.y - height / 2, text.y + height / 2))
    return np.array(found).reshape(-1, 4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([96, 112, 160]))
def test_no_text_touches_another_or_a_stroke_or_leaves_the_sheet_sideways(seed, size):
    sheet = draw_sheet(np.random.default_rng(seed), size)
    left, right, top, bottom = boxes(sheet).T
    assert (left >= 0).all() and (right <= size).all()
    for i in range(len(left)):
        beside = np.maximum(left - right[i], left[i] - right)
        above = np.maximum(top - bottom[i], top[i] - bottom)
        apart = np.maximum(beside, above)
        apart[i] = np.inf
        assert (apart > 0).all()
    for path in [*map(path_of_line, sheet.lines), *map(path_of_arc, sheet.arcs)]:
        for x, y in path:
            gap = np.maximum(np.maximum(left - x, x - right), np.maximum(top - y, y - bottom))
            assert (gap >= CLEAR).all()


def test_a_sheet_has_several_times_the_characters_of_a_figure_and_every_kind_of_them():
    rng = np.random.default_rng(0)
    targets = [glyph_targets(draw_sheet(rng, 112), 16) for _ in range(60)]
    assert sum(float(t.sum()) for t in targets) / len(targets) > 40
    seen = {GLYPHS[i] for t in targets for i in t.amax(0).nonzero().flatten().tolist()}
    assert seen >= set("ABCDEFGHKLMNOPQRSTUVWXYZ0123456789°√.,()-abcxyz")


def test_a_sheet_is_a_function_of_its_generator():
    first, again, other = (rasterise(draw_sheet(np.random.default_rng(seed), 96)) for seed in (3, 3, 4))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_texts_of_a_row_are_read_apart():
    sheet = draw_sheet(np.random.default_rng(1), 112)
    ordered = sorted(zip([round(text.y, 3) for text in sheet.texts], boxes(sheet).tolist(), strict=True))
    gaps = [b[0] - a[1] for (y, a), (z, b) in zip(ordered, ordered[1:], strict=False) if y == z]
    assert gaps and min(gaps) > LEAST_GAP * sheet.style.font_size - 1e-6
