"""How a figure looks, and how large its texts are: the style, the printed texts, the finished drawing."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.path import Path
from matplotlib.textpath import TextPath

FONTS = ("DejaVu Sans", "DejaVu Serif", "STIXGeneral")  # shipped with matplotlib: the same outlines on every machine


@dataclass(frozen=True)
class Style:
    """How a figure looks, the same for a positive and its negatives. Lengths are in pixels of the image."""

    size: int = 336  # side of the square image
    rotation: float = 0.0  # degrees
    flip: bool = False
    line_width: float = 2.0
    font_size: float = 18.0
    font: str = FONTS[0]
    dots: bool = False  # a dot at every point
    italic: bool = False  # letters of points are slanted
    mark_size: float = 1.0  # of ticks, arcs and right-angle squares

    @classmethod
    def draw(cls, rng: np.random.Generator, size: int, legible_at: int | None = None) -> "Style":
        """A random style; pen and letters scale with the image, letters only as far as they stay legible.

        Args:
            rng: draws it.
            size: side of the image in pixels.
            legible_at: side to which the image may be shrunk before its letters are read; None for its own.
        """
        unit = size / 336
        least = 0.5 * size / (legible_at or size)
        return cls(
            size=size,
            rotation=float(rng.uniform(0, 360)) if rng.random() < 0.5 else 0.0,
            flip=bool(rng.random() < 0.5),
            line_width=float(rng.uniform(1.4, 2.8)) * unit,
            font_size=float(rng.uniform(16, 21)) * max(unit, least),
            font=FONTS[int(rng.integers(len(FONTS)))],
            dots=bool(rng.random() < 0.3),
            italic=bool(rng.random() < 0.4),
            mark_size=float(rng.uniform(0.8, 1.15)),
        )

    @property
    def dot_radius(self) -> float:
        return 1.25 * self.line_width

    def upright(self) -> "Style":
        """The same look without turning the figure: for figures traced from print, and beside coordinate axes."""
        return replace(self, rotation=0.0, flip=False)


@dataclass(frozen=True)
class Text:
    text: str
    x: float  # centre, pixels from the left
    y: float  # centre, pixels from the top
    italic: bool = False
    # Whose it is: the point of a letter, both ends of a length, three points of an angle with its vertex in the middle
    owner: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Drawing:
    """Primitives in pixels, y downwards. An arc is (x, y, radius, from, to) in degrees counter-clockwise as seen."""

    style: Style
    points: dict[str, tuple[float, float]]
    lines: tuple[tuple[tuple[float, float], ...], ...]  # polylines
    arcs: tuple[tuple[float, float, float, float, float], ...]
    dots: tuple[tuple[float, float], ...]
    texts: tuple[Text, ...]

    def glyphs(self) -> list[tuple[str, float, float]]:
        """The printed characters with about their centres in pixels, texts set as LaTeX left out.

        Dense supervision for a vision tower.
        """
        found = []
        for text in self.texts:
            if as_matplotlib(text.text) != text.text:
                continue
            width = text_extent(text.text, self.style, text.italic)[0]
            step = width / len(text.text)
            found += [(c, text.x - width / 2 + (i + 0.5) * step, text.y) for i, c in enumerate(text.text)]
        return found


def as_matplotlib(text: str) -> str:
    """A printed text as matplotlib wants it: LaTeX between dollars, which its mathtext sets."""
    return f"${text}$" if set(text) & set("\\^_{") else text


class Outline(NamedTuple):
    """A text at a font size of one pixel, y upwards."""

    path: Path  # centred on its ink
    extent: tuple[float, float]  # width and height of the ink
    centre: tuple[float, float]  # of the ink, from the start of the baseline


@lru_cache(maxsize=2**11)
def outline(text: str, font: str, italic: bool = False) -> Outline:
    slanted = FontProperties(family=font, style="italic" if italic else "normal")
    path = TextPath((0, 0), as_matplotlib(text), size=1, prop=FontProperties(fname=findfont(slanted)))
    ink = path.vertices[path.codes != Path.CLOSEPOLY]  # the vertex of a closing stroke is meaningless
    low, high = ink.min(0), ink.max(0)
    centre = (low + high) / 2
    return Outline(Path(path.vertices - centre, path.codes), tuple((high - low).tolist()), tuple(centre.tolist()))


def text_extent(text: str, style: Style, italic: bool = False) -> tuple[float, float]:
    """Width and height of a printed text in pixels."""
    width, height = outline(text, style.font, italic).extent
    return style.font_size * width, style.font_size * height


def baseline_start(text: Text, style: Style) -> tuple[float, float]:
    """Where a typesetter begins this text, in pixels: its ink is then centred on the text's place."""
    x, y = outline(text.text, style.font, text.italic).centre
    return text.x - style.font_size * x, text.y + style.font_size * y
