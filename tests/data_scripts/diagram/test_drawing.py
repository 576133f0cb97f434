"""Drawings: everything inside the frame, labels apart and where they should be, the same pixels again."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.diagram import Diagram, Mark
from data_scripts.diagram.drawing import (
    FONTS,
    Drawing,
    NoRoom,
    Style,
    Text,
    as_matplotlib,
    baseline_start,
    lay_out,
    rasterise,
    text_extent,
)
from data_scripts.png import encode_png

from ..samples import figure, programs


def boxes(drawing: Drawing) -> list[shapely.Geometry]:
    """The ink box of every printed text."""
    halves = [np.divide(text_extent(t.text, drawing.style, t.italic), 2) for t in drawing.texts]
    return [shapely.box(t.x - w, t.y - h, t.x + w, t.y + h) for t, (w, h) in zip(drawing.texts, halves, strict=True)]


def strokes(drawing: Drawing) -> shapely.Geometry:
    """Lines, arcs and dots, as wide as they are painted."""
    lines = [shapely.LineString(line) for line in drawing.lines]
    for x, y, radius, start, end in drawing.arcs:
        turns = np.radians(np.linspace(start, end, 200))
        lines.append(shapely.LineString(np.column_stack([x + radius * np.cos(turns), y - radius * np.sin(turns)])))
    dots = [shapely.Point(p).buffer(drawing.style.dot_radius) for p in drawing.dots]
    return shapely.union_all([*shapely.buffer(lines, drawing.style.line_width / 2), *dots])


def drawings(count: int, size: int = 336, seed: int = 0) -> list[Drawing]:
    """Those of so many figures that have room for their texts."""
    rng = np.random.default_rng(0)
    found = []
    for program in programs(count, seed):
        try:
            found.append(lay_out(program.diagram, Style.draw(rng, size)))
        except NoRoom:
            continue
    return found


@pytest.mark.parametrize("size", [64, 224, 336])
def test_everything_is_inside_the_frame(size):
    for drawing in drawings(30, size):
        frame = shapely.box(0, 0, size, size)
        assert all(frame.contains(b) for b in boxes(drawing))
        assert all(0 < x < size and 0 < y < size for line in drawing.lines for x, y in line)
        for x, y, radius, start, end in drawing.arcs:
            if end - start >= 360:
                assert min(x, y) - radius > 0 and max(x, y) + radius < size
        border = np.asarray(rasterise(drawing)).copy()
        border[1:-1, 1:-1] = 255
        assert border.min() == 255


@pytest.mark.parametrize("size", [96, 224, 336])
def test_no_label_touches_another_or_any_ink(size):
    found = drawings(150, size, seed=1)
    assert len(found) >= (0.75 if size < 200 else 0.97) * 150
    for drawing in found:
        inks = boxes(drawing)
        assert not any(a.intersects(b) for i, a in enumerate(inks) for b in inks[:i])
        assert not shapely.intersects(strokes(drawing), inks).any()


def test_no_point_is_nearer_to_a_letter_than_its_own():
    for drawing in drawings(60):
        letters = {t.text: (t.x, t.y) for t in drawing.texts if t.text in drawing.points}
        for name, place in letters.items():
            assert min(drawing.points, key=lambda p: np.hypot(*np.subtract(drawing.points[p], place))) == name


def test_every_letter_and_value_is_printed_once():
    for program in programs(60):
        d = program.diagram
        given = {m.points[0]: m.text for m in d.marks if m.kind == "coordinates"}
        values = [m.text for m in d.marks if m.text and m.kind != "coordinates"]
        expected = [*(name + given.get(name, "") for name in d.points), *values, *(["x", "y"] if d.axes else [])]
        try:
            drawing = lay_out(d, Style())
        except NoRoom:
            continue
        assert sorted(t.text for t in drawing.texts) == sorted(expected)


def test_letters_are_set_smaller_before_a_figure_is_refused():
    def fan(count: int) -> Diagram:
        ends = {"ABCDEFGHKLMN"[i]: (10 * np.cos(2.1 * i / count), 10 * np.sin(2.1 * i / count)) for i in range(count)}
        marks = tuple(Mark("length", ("O", name), "2x+11") for name in ends)
        return Diagram({"O": (0.0, 0.0), **ends}, tuple(("O", name) for name in ends), marks=marks)

    sizes = []
    with pytest.raises(NoRoom, match="no room for"):
        for count in range(2, 13):
            sizes.append(lay_out(fan(count), Style(font_size=20)).style.font_size)
    assert sizes[0] == 20 and 7 <= min(sizes) < 20


def test_a_figure_too_small_for_a_letter_is_refused():
    with pytest.raises(ValueError, match="no room"):
        lay_out(programs(1)[0].diagram, Style(size=24, font_size=12))


def test_the_same_input_gives_the_same_bytes():
    first, second = ([encode_png(rasterise(drawing)) for drawing in drawings(8)] for _ in range(2))
    assert len(first) >= 7 and first == second


def test_black_on_white_grey_image():
    image = rasterise(drawings(1)[0])
    assert (image.mode, image.size) == ("L", (336, 336))
    grey = np.asarray(image)
    assert grey.max() == 255 and grey.min() == 0
    assert 0.005 < (grey < 128).mean() < 0.2


def test_line_width_is_in_pixels():
    d = figure("A 0 0 B 10 0", "AB")
    for width in (2.0, 4.0):
        column = np.asarray(rasterise(lay_out(d, Style(line_width=width))))[:, 168]
        assert (255 - column.astype(float)).sum() / 255 == pytest.approx(width, abs=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_letters_are_legible_where_the_image_is_shrunk_to(seed):
    small, large, plain = (Style.draw(np.random.default_rng(seed), *sizes) for sizes in ((112,), (336, 112), (336,)))
    assert large.font_size == pytest.approx(3 * small.font_size) and plain.font_size < large.font_size
    assert replace(large, font_size=plain.font_size) == plain  # and nothing else changes
    assert Style.draw(np.random.default_rng(seed), 336, 336) == plain


def test_points_keep_their_shape_under_turn_and_flip():
    d = figure("A 0 0 B 6 0 C 1 4", "AB BC CA")
    plain = lay_out(d, Style()).points
    for style in (Style(rotation=37), Style(flip=True), Style(rotation=200, flip=True)):
        turned = lay_out(d, style).points
        sides = [[np.hypot(*np.subtract(at[p], at[q])) for p, q in ("AB", "BC", "CA")] for at in (plain, turned)]
        assert np.divide(*sides) == pytest.approx(np.full(3, sides[0][0] / sides[1][0]), rel=1e-3)


def test_figures_traced_from_print_stand_upright():
    style = Style.draw(np.random.default_rng(2), 336).upright()
    assert (style.rotation, style.flip) == (0.0, False)


@settings(max_examples=25, deadline=None)
@given(st.text("ABCxyz0123456789°+-().", min_size=1, max_size=8), st.sampled_from(FONTS), st.floats(8, 40))
def test_text_is_centred_on_its_place(text, font, size):
    style = Style(font=font, font_size=size, size=400)
    blank = Drawing(style, {}, (), (), (), (Text(text, 200.0, 200.0),))
    ys, xs = np.nonzero(np.asarray(rasterise(blank)) < 255)
    if len(xs):
        width, height = text_extent(text, style)
        assert (xs.min() + xs.max() + 1) / 2 == pytest.approx(200, abs=1.1)
        assert (ys.min() + ys.max() + 1) / 2 == pytest.approx(200, abs=1.1)
        assert xs.max() - xs.min() + 1 == pytest.approx(width, abs=2.1)
        assert baseline_start(Text(text, 200.0, 200.0), style)[1] >= 200 - height


@pytest.mark.parametrize("text", ["2\\sqrt{3}", "\\frac{1}{2}x+3", "y^2", "y^{2}"])
def test_latex_is_set_by_mathtext(text):
    assert as_matplotlib(text) == f"${text}$"
    width, height = text_extent(text, Style())
    assert 0 < width < 90 and 0 < height < 50


def test_glyphs_stand_where_the_text_is():
    d = figure("A 0 0 B 6 0 C 1 4", "AB BC CA")
    marked = Diagram(d.points, d.segments, marks=(Mark("length", ("A", "B"), "12"), Mark("length", ("B", "C"), "y^2")))
    drawing = lay_out(marked, Style())
    assert sorted(c for c, _, _ in drawing.glyphs()) == ["1", "2", "A", "B", "C"]
    image = np.asarray(rasterise(drawing))
    for _, x, y in drawing.glyphs():
        assert image[int(y) - 7 : int(y) + 8, int(x) - 7 : int(x) + 8].min() < 100


def test_threads_do_not_paint_over_each_other():
    figures = drawings(12)
    alone = [rasterise(drawing).tobytes() for drawing in figures]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert [image.tobytes() for image in pool.map(rasterise, figures)] == alone
