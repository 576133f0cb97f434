"""The printed script draws the image: run by itself in a fresh process, it gives the same picture."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageFilter

from data_scripts.diagram import Diagram, Mark
from data_scripts.diagram.drawing import FONTS, Style, lay_out, rasterise
from data_scripts.diagram.script import from_script, to_script
from data_scripts.sources.procedural import draw_program

from ..samples import figure

MATHTEXT = Diagram(
    **{
        **vars(figure("A 0 0 B 6 0 C 2 4", "AB BC CA")),
        "marks": (
            Mark("length", ("A", "B"), "2\\sqrt{13}"),
            Mark("angle", ("B", "A", "C"), "x+10"),
            Mark("arcs", ("A", "B", "C"), count=2),
            Mark("ticks", ("B", "C"), count=3),
        ),
    }
)
CASES = {
    "circle and values": (draw_program("triangle_circle", np.random.default_rng(0)).diagram, Style(font=FONTS[1])),
    "chord, turned": (draw_program("circle_chord", np.random.default_rng(1)).diagram, Style(rotation=70, dots=True)),
    "small": (draw_program("two_cevians", np.random.default_rng(2)).diagram, Style(size=224, font_size=13)),
    "axes and a parabola, italic": (
        draw_program("axes_parabola", np.random.default_rng(3)).diagram,
        Style(rotation=50, italic=True),
    ),
    "mathtext, arcs and ticks": (MATHTEXT, Style(font=FONTS[2], line_width=1.6)),
}


def blurred(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L").filter(ImageFilter.GaussianBlur(1.0)), dtype=float)


@pytest.mark.parametrize("case", CASES)
def test_the_script_draws_the_image(case, tmp_path):
    diagram, style = CASES[case]
    drawing = lay_out(diagram, style)
    (tmp_path / "figure.py").write_text(to_script(drawing), encoding="utf-8")
    command = [sys.executable, "-I", "figure.py", "drawn.png"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60, capture_output=True)
    theirs, ours = Image.open(tmp_path / "drawn.png"), rasterise(drawing)
    assert theirs.size == ours.size
    ink = 255 - blurred(ours).mean()
    # Letters are hinted by one and not by the other, which comes to less than a tenth of the ink.
    assert np.abs(blurred(theirs) - blurred(ours)).mean() < 0.1 * ink


def test_every_point_is_named():
    drawing = lay_out(MATHTEXT, Style())
    text = to_script(drawing)
    for name, (x, y) in drawing.points.items():
        assert f"{name} = ({x:g}, {y:g})" in text
    assert "[A, B]" in text
    assert to_script(drawing) == text


@pytest.mark.parametrize("name", list(CASES))
def test_reading_a_script_gives_its_drawing_back(name):
    drawing = lay_out(*CASES[name])
    read = from_script(to_script(drawing))
    assert sorted(t.text for t in read.texts) == sorted(t.text for t in drawing.texts)
    assert (len(read.lines), len(read.arcs), len(read.dots)) == tuple(
        len(part) for part in (drawing.lines, drawing.arcs, drawing.dots)
    )
    difference = np.abs(np.asarray(rasterise(read), dtype=int) - np.asarray(rasterise(drawing), dtype=int))
    assert difference.max() <= 16  # of 255: what the digits of a script leave open


@pytest.mark.parametrize("text", ["", "SIZE = 300", "import os\nos.remove('x')", "SIZE = (", "pen = 1", "x" * 10**5])
def test_other_scripts_are_refused(text):
    with pytest.raises(ValueError, match="no drawing script of ours"):
        from_script(text)
