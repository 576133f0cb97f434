"""Drawings: everything inside the frame, labels apart and where they should be, the same pixels again."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.diagram import Diagram, Mark
from data_scripts.diagram.drawing import (
    FONTS,
    Drawing,
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
    halves = [text_extent(t.text, drawing.style) / 2 for t in drawing.texts]
    return [shapely.box(t.x - w, t.y - h, t.x + w, t.y + h) for t, (w, h) in zip(drawing.texts, halves, strict=True)]


def drawings(count: int, size: int = 336) -> list[Drawing]:
    rng = np.random.default_rng(0)
    return [lay_out(p.diagram, Style.draw(rng, size)) for p in programs(count)]


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


def test_labels_do_not_cover_one_another_or_the_lines():
    covered = crossed = total = 0
    for drawing in drawings(80):
        inks = boxes(drawing)
        lines = shapely.union_all([shapely.LineString(line) for line in drawing.lines])
        total += len(inks)
        covered += sum(a.intersects(b) for i, a in enumerate(inks) for b in inks[:i])
        crossed += sum(b.intersects(lines) for b in inks)
    assert covered <= 0.01 * total, f"{covered} of {total} labels cover another"
    assert crossed <= 0.06 * total, f"{crossed} of {total} labels lie on a line"


def test_every_letter_and_value_is_printed_once():
    for program, drawing in zip(programs(20), drawings(20), strict=True):
        d = program.diagram
        expected = [*d.points, *(m.text for m in d.marks if m.text)]
        assert sorted(t.text for t in drawing.texts) == sorted(expected)


def test_the_same_input_gives_the_same_bytes():
    for program in programs(5):
        style = Style.draw(np.random.default_rng(1), 336)
        first, second = (encode_png(rasterise(lay_out(program.diagram, style))) for _ in range(2))
        assert first == second


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
