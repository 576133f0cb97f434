"""Sheets of scattered letters and numbers: what a tower that is to read figures learns its letters from.

A figure prints about a dozen characters, a sheet of the same size several times as many, and is drawn in a fraction of
the time: no figure has to be solved, no label placed. Letters, sizes, fonts and pens are those of figures, some lines
and circles run between the texts, and as in figures no text touches another or a stroke.

Promise: a sheet is a function of the generator handed in.
"""

import numpy as np

from data_scripts.diagram.drawing import Drawing, Style, Text, text_extent

from .patch_targets import POINTS, path_of_arc, path_of_line

LEADING = 1.25  # height of a row of texts, in letter sizes
GAP = 0.8  # mean space between two texts of a row beyond the least, in letter sizes
LEAST_GAP = 0.3  # the same, at least
CLEAR = 1.0  # pixels between a text and a stroke, beside the pen's own half width
KINDS = ("letter", "whole", "degrees", "decimal", "root", "variable", "coordinates")
SHARES = (0.5, 0.2, 0.1, 0.05, 0.05, 0.05, 0.05)


def draw_sheet(rng: np.random.Generator, size: int) -> Drawing:
    """A sheet of `size` pixels a side."""
    style = Style.draw(rng, size)
    lines = tuple(_line(rng, size) for _ in range(int(rng.integers(5))))
    arcs = tuple(_circle(rng, size) for _ in range(int(rng.integers(3))))
    strokes = np.concatenate(
        [np.empty((0, 2)), *(path_of_line(line) for line in lines), *(path_of_arc(arc) for arc in arcs)]
    )
    texts = tuple(text for text in _rows_of_texts(rng, style) if not _touches(text, strokes, style))
    return Drawing(style, {}, lines, arcs, (), texts)


def _line(rng: np.random.Generator, size: int) -> tuple[tuple[float, float], ...]:
    a, b, c, d = rng.uniform(0, size, 4).tolist()
    return (a, b), (c, d)


def _circle(rng: np.random.Generator, size: int) -> tuple[float, float, float, float, float]:
    x, y, radius = (rng.uniform((0, 0, 0.1), (1, 1, 0.5)) * size).tolist()
    return x, y, radius, 0.0, 360.0


def _rows_of_texts(rng: np.random.Generator, style: Style) -> list[Text]:
    """Texts from left to right in rows from top to bottom, the first begun anywhere."""
    unit, texts = style.font_size, []
    y = unit * rng.uniform(0.5, 1.0)
    while y < style.size - 0.5 * unit:
        x = unit * rng.uniform(0.1, 1.5)
        while True:
            content, italic = _content(rng, style)
            width = text_extent(content, style, italic)[0]
            if x + width > style.size:
                break
            texts.append(Text(content, x + width / 2, y, italic))
            x += width + unit * (LEAST_GAP + float(rng.exponential(GAP)))
        y += LEADING * unit * rng.uniform(1.0, 1.3)
    return texts


def _content(rng: np.random.Generator, style: Style) -> tuple[str, bool]:
    """What a text says, and whether it is slanted, as letters of points are in some styles."""
    kind = KINDS[int(rng.choice(len(KINDS), p=SHARES))]
    number = int(rng.integers(1, 10 if rng.random() < 0.5 else 100))
    if kind == "letter":
        return POINTS[int(rng.integers(len(POINTS)))], style.italic
    if kind == "variable":
        return "abcdefghkmnpqrstxyz"[int(rng.integers(19))], style.italic
    return {
        "whole": f"{number}",
        "degrees": f"{int(rng.integers(5, 180))}°",
        "decimal": f"{number}.{int(rng.integers(10))}",
        "root": f"{'' if number > 9 else number}√{int(rng.integers(2, 12))}",
        "coordinates": f"({int(rng.integers(-6, 7))}, {int(rng.integers(-6, 7))})",
    }[kind], False


def _touches(text: Text, strokes: np.ndarray, style: Style) -> bool:
    """Whether a text's box comes too near to one of the points `[points, 2]` of strokes."""
    reach = np.array(text_extent(text.text, style, text.italic)) / 2 + style.line_width / 2 + CLEAR
    return bool((np.abs(strokes - (text.x, text.y)) < reach).all(1).any())
