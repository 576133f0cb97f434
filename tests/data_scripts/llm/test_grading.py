"""Pictures that no exam prints are found, and a negative is verified only where coordinates prove it."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw

from data_scripts.diagram import Diagram, Fact, Mark
from data_scripts.llm import pictures
from data_scripts.llm.grading import DROPPED, PLAUSIBLE, VERIFIED, Drawn, checkable, grade

from ..samples import figure


def drawing(paint: Callable[[ImageDraw.ImageDraw], None], size: tuple[int, int] = (300, 200)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    paint(ImageDraw.Draw(image))
    return image


def triangle(pen: ImageDraw.ImageDraw) -> None:
    pen.polygon([(30, 30), (30, 170), (250, 170)], outline="black", width=2)


def test_a_line_drawing_has_no_fault():
    assert pictures.fault(drawing(triangle)) is None


@pytest.mark.parametrize(
    ("paint", "fault"),
    [
        (lambda pen: None, "blank"),
        (lambda pen: pen.point((150, 100), "black"), "blank"),
        (lambda pen: (triangle(pen), pen.line([(60, 60), (200, 60)], "red", 2)), "colours"),
        (lambda pen: pen.rectangle([20, 20, 280, 180], "black"), "filled"),
        (lambda pen: (triangle(pen), pen.line([(30, 30), (299, 30)], "black", 2)), "touches the edge"),
        (lambda pen: (triangle(pen), pen.line([(30, 0), (30, 30)], "black", 2)), "touches the edge"),
    ],
)
def test_faults_are_named(paint, fault):
    assert fault in pictures.fault(drawing(paint))


def test_transparent_is_white_and_small_is_made_square():
    image = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
    triangle(ImageDraw.Draw(image))
    stored = BytesIO()
    image.save(stored, "PNG")
    opened = pictures.open_png(stored.getvalue())
    assert pictures.fault(opened) is None
    square = pictures.to_square(opened, 96)
    assert square.size == (96, 96) and square.mode == "L"
    pixels = np.asarray(square)
    assert (pixels[:12] == 255).all() and (pixels[-12:] == 255).all() and pixels.min() < 128


def test_a_pixel_is_no_difference_and_a_letter_is():
    plain = pictures.to_square(drawing(triangle), 336)
    speck, letter = plain.copy(), plain.copy()
    ImageDraw.Draw(speck).rectangle([200, 100, 202, 102], 0)
    ImageDraw.Draw(letter).text((200, 100), "B", 0, font_size=18)
    assert not pictures.differ(plain, plain) and not pictures.differ(plain, speck)
    assert pictures.differ(plain, letter)


# --- grades ---------------------------------------------------------------------------------------------------------

RIGHT, MEDIAN = Fact("right_triangle", ("A", "B", "C")), Fact("median", ("A", "D", "B", "C"))
POSITIVE = figure("A 0 0 B 4 0 C 0 3 D 2 1.5", "AB BC CA AD", marks=(Mark("length", ("A", "B"), "4"),))
ALTITUDE = figure("A 0 0 B 4 0 C 0 3 D 1.44 1.92", "AB BC CA AD", marks=(Mark("length", ("A", "B"), "7"),))
IMAGES = [
    pictures.to_square(drawing(paint), 96)
    for paint in (triangle, lambda pen: pen.ellipse([50, 50, 150, 150], None, "black", 2))
]


def drawn(diagram: Diagram | None, *facts: Fact, image: int = 0) -> Drawn:
    return Drawn("caption", "script", IMAGES[image], checkable(facts), diagram)


ANCHOR = drawn(POSITIVE, RIGHT, MEDIAN)
FOOT, CEVIAN = (Fact(kind, ("A", "D", "B", "C")) for kind in ("altitude", "cevian"))


def test_proven_on_both_sides_is_verified():
    assert grade(ANCHOR, drawn(ALTITUDE, RIGHT, FOOT, image=1)).grade == VERIFIED
    values = [
        drawn(d, RIGHT, Fact("length", ("A", "B"), v), image=i)
        for i, (d, v) in enumerate([(POSITIVE, "4"), (ALTITUDE, "7")])
    ]
    assert grade(*values).grade == VERIFIED


@pytest.mark.parametrize(
    ("positive", "negative", "expected"),
    [
        (ANCHOR, drawn(ALTITUDE, RIGHT, FOOT), (DROPPED, "image the same as the positive's")),
        (ANCHOR, drawn(ALTITUDE, RIGHT, MEDIAN, image=1), (DROPPED, "caption false of its own image")),
        (ANCHOR, drawn(POSITIVE, RIGHT, CEVIAN, image=1), (DROPPED, "both captions true of both images")),
        (ANCHOR, drawn(None, RIGHT, FOOT, image=1), (PLAUSIBLE, "script not read")),
        (replace(ANCHOR, diagram=None), drawn(ALTITUDE, FOOT, image=1), (PLAUSIBLE, "script not read")),
        (drawn(POSITIVE, RIGHT), drawn(ALTITUDE, RIGHT, FOOT, image=1), (PLAUSIBLE, "no statement decides")),
        (ANCHOR, drawn(ALTITUDE, image=1), (PLAUSIBLE, "no statement decides")),
        (ANCHOR, drawn(POSITIVE, RIGHT, MEDIAN, image=1), (PLAUSIBLE, "no statement decides")),
    ],
    ids=["same image", "own", "true of both", "unread", "positive unread", "one way only", "no facts", "unparsed"],
)  # fmt: skip
def test_everything_else_is_less(positive, negative, expected):
    graded = grade(positive, negative)
    assert (graded.grade, graded.reason) == expected


def test_statements_that_no_figure_decides_are_left_out():
    strange = [
        Fact("unheard", tuple("ABC")),
        Fact("radius", ("A", "")),
        Fact("radius", ("A'", "O")),
        Fact("triangle", ("A", "B")),
    ]
    assert [f.kind for f in checkable([RIGHT, *strange])] == ["right_triangle"]
