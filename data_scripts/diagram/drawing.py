"""From a diagram to pixels: lay out, then rasterise.

`lay_out` turns a diagram into a `Drawing`, a list of lines, arcs, dots and texts in pixels; `rasterise` paints it with
matplotlib's rasteriser and `script.to_script` prints it as matplotlib code, so image and script cannot disagree.
Positive and negatives go through the same two functions with the same `Style`: neither can be told apart by its looks.
Figures follow the paper's rules: black only, no title, everything inside the frame.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import shapely
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from PIL import Image

from .diagram import Diagram, Mark

FONTS = ("DejaVu Sans", "DejaVu Serif", "STIXGeneral")  # shipped with matplotlib: the same outlines on every machine
BLACK = (0.0, 0.0, 0.0, 1.0)
TURNS = np.array(sorted(range(0, 360, 20), key=lambda t: min(t, 360 - t)))  # ways from the wished one, nearest first


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

    @classmethod
    def draw(cls, rng: np.random.Generator, size: int) -> "Style":
        """A random style; pen and letters scale with the image, letters only as far as they stay legible."""
        unit = size / 336
        return cls(
            size=size,
            rotation=float(rng.uniform(0, 360)) if rng.random() < 0.5 else 0.0,
            flip=bool(rng.random() < 0.5),
            line_width=float(rng.uniform(1.6, 3.0)) * unit,
            font_size=float(rng.uniform(17, 21)) * max(unit, 0.6),
            font=str(rng.choice(FONTS)),
            dots=bool(rng.random() < 0.3),
        )

    @property
    def dot_radius(self) -> float:
        return 1.15 * self.line_width

    def upright(self) -> "Style":
        """The same look without turning the figure: for figures traced from print."""
        return replace(self, rotation=0.0, flip=False)


@dataclass(frozen=True)
class Text:
    text: str
    x: float  # centre, pixels from the left
    y: float  # centre, pixels from the top


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
            width = text_extent(text.text, self.style)[0]
            step = width / len(text.text)
            found += [(c, text.x - width / 2 + (i + 0.5) * step, text.y) for i, c in enumerate(text.text)]
        return found


def as_matplotlib(text: str) -> str:
    """A printed text as matplotlib wants it: LaTeX between dollars, which its mathtext sets."""
    return f"${text}$" if set(text) & set("\\^_{") else text


class _Outline(NamedTuple):
    """A text at a font size of one pixel, y upwards."""

    path: Path  # centred on its ink
    extent: np.ndarray  # width and height of the ink
    centre: np.ndarray  # of the ink, from the start of the baseline


@lru_cache(maxsize=4096)
def _outline(text: str, font: str) -> _Outline:
    path = TextPath((0, 0), as_matplotlib(text), size=1, prop=FontProperties(fname=findfont(font)))
    ink = path.vertices[path.codes != Path.CLOSEPOLY]  # the vertex of a closing stroke is meaningless
    low, high = ink.min(0), ink.max(0)
    centre = (low + high) / 2
    return _Outline(Path(path.vertices - centre, path.codes), high - low, centre)


def text_extent(text: str, style: Style) -> np.ndarray:
    """Width and height of a printed text in pixels, `[2]`."""
    return style.font_size * _outline(text, style.font).extent


def baseline_start(text: Text, style: Style) -> tuple[float, float]:
    """Where a typesetter begins this text, in pixels: its ink is then centred on the text's place."""
    x, y = style.font_size * _outline(text.text, style.font).centre
    return text.x - float(x), text.y + float(y)


def _frame(diagram: Diagram, style: Style) -> tuple[dict[str, np.ndarray], float]:
    """Pixel positions of all points and the scale, so that the turned figure fills the frame less its margin."""
    turn = np.radians(style.rotation)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.diag(
        [-1 if style.flip else 1, 1]
    )
    turned = {name: matrix @ np.array(xy) for name, xy in diagram.points.items()}
    corners = list(turned.values())
    for c in diagram.circles:
        corners += [turned[c.center] + c.radius * np.array(offset) for offset in ((1, 1), (-1, -1))]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    margin = 1.9 * style.font_size
    scale = (style.size - 2 * margin) / max(float((high - low).max()), 1e-9)
    centre = (low + high) / 2
    to_pixels = {n: (p - centre) * scale * [1, -1] + style.size / 2 for n, p in turned.items()}
    return to_pixels, scale


class _Placer:
    """Puts texts where they cover nothing: of the candidate places the first with enough room, else the roomiest."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.obstacles: list[shapely.Geometry] = []
        self.texts: list[Text] = []

    def place(self, text: str, candidates: np.ndarray) -> None:
        """Put a text at one of the candidate centres, `[candidates, 2]` in pixels, the earlier the better."""
        half = text_extent(text, self.style) / 2 + 0.5
        centres = np.clip(candidates, half + 1, self.style.size - half - 1)
        enough = 0.14 * self.style.font_size
        best, most = centres[0], -1.0
        for block in np.split(
            centres, range(4, len(centres), 4)
        ):  # seldom do more than the first few have to be tried
            room = np.minimum(self._room(block - half, block + half), enough)
            if room.max() > most:
                best, most = block[room.argmax()], room.max()
            if most >= enough:
                break
        self.texts.append(Text(text, *np.round(best, 2).tolist()))
        self.obstacles.append(shapely.box(*(best - half), *(best + half)))

    def _room(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Distance from each box to the nearest obstacle, `[boxes]`."""
        boxes = shapely.box(*low.T, *high.T)
        return shapely.distance(boxes[:, None], np.array(self.obstacles, dtype=object)).min(1, initial=np.inf)


def _polar(centre: np.ndarray, radius: float | np.ndarray, degrees: float | np.ndarray) -> np.ndarray:
    """The points at some angles (counter-clockwise as seen) and distances around a centre in pixels, `[..., 2]`."""
    turn = np.radians(degrees)
    return centre + np.stack([radius * np.cos(turn), -radius * np.sin(turn)], axis=-1)


def _wedge(at: dict[str, np.ndarray], points: tuple[str, ...]) -> tuple[np.ndarray, float, float]:
    """Vertex, start and sweep in degrees of the angle ABC as it appears in pixels, sweep in (0, 180]."""
    a, b, c = (at[p] for p in points)
    start, end = (np.degrees(np.arctan2(-(p - b)[1], (p - b)[0])) for p in (a, c))
    sweep = (end - start) % 360
    return (b, start, sweep) if sweep <= 180 else (b, end, 360 - sweep)


class _MarkPainter:
    """Lines and arcs of the marks; their texts are placed later, when all ink is known."""

    def __init__(self, at: dict[str, np.ndarray], unit: float) -> None:
        self.at, self.unit = at, unit
        self.lines: list[np.ndarray] = []
        self.arcs: list[tuple[float, float, float, float, float]] = []
        self.stacked: dict[str, int] = {}  # arcs already drawn at a vertex: the next one goes further out

    def paint(self, mark: Mark) -> None:
        if mark.kind == "ticks":
            self._ticks(mark)
        elif mark.kind == "right_angle":
            b, start, sweep = _wedge(self.at, mark.points)
            side = 0.7 * self.unit
            ends = _polar(b, side, start), _polar(b, side, start + sweep)
            self.lines.append(np.array([ends[0], ends[0] + ends[1] - b, ends[1]]))
        elif mark.kind in ("arcs", "angle"):
            b, start, sweep = _wedge(self.at, mark.points)
            for _ in range(mark.count):
                level = self.stacked.get(mark.points[1], 0)
                self.stacked[mark.points[1]] = level + 1
                radius = (1.0 + 0.22 * level) * self.unit
                self.arcs.append((*b, radius, start, start + sweep))

    def _ticks(self, mark: Mark) -> None:
        a, b = (self.at[p] for p in mark.points)
        along = (b - a) / max(np.linalg.norm(b - a), 1e-9)
        across = 0.32 * self.unit * np.array([-along[1], along[0]])
        for i in range(mark.count):
            middle = (a + b) / 2 + (i - (mark.count - 1) / 2) * 0.25 * self.unit * along
            self.lines.append(np.array([middle - across, middle + across]))


def _length_places(at: dict[str, np.ndarray], mark: Mark, style: Style) -> np.ndarray:
    a, b = (at[p] for p in mark.points)
    along = (b - a) / max(np.linalg.norm(b - a), 1e-9)
    width, height = text_extent(mark.text, style)
    off = np.array([-along[1], along[0]])
    gap = 0.5 * (abs(off[0]) * width + abs(off[1]) * height) + 0.3 * style.font_size
    return np.array([a + t * (b - a) + s * gap * off for t in (0.5, 0.4, 0.6, 0.3, 0.7) for s in (1, -1)])


def _angle_places(at: dict[str, np.ndarray], mark: Mark, style: Style) -> np.ndarray:
    b, start, sweep = _wedge(at, mark.points)
    reach = 0.5 * float(np.hypot(*text_extent(mark.text, style)))
    inner = 1.1 * style.font_size + reach
    fit = reach / max(np.sin(np.radians(sweep / 2)), 0.2)  # far enough out to stand between the arms
    far, turns = np.meshgrid(max(inner, fit) * np.array([1.0, 1.25, 1.5, 0.8]), [0.5, 0.35, 0.65], indexing="ij")
    return _polar(b, far.ravel(), start + sweep * turns.ravel())


def _letter_places(p: np.ndarray, middle: np.ndarray, style: Style) -> np.ndarray:
    outwards = np.degrees(np.arctan2(-(p - middle)[1], (p - middle)[0]))
    near, far = (_polar(p, k * style.font_size, outwards + TURNS) for k in (0.85, 1.1))
    return np.concatenate([near, far])


def lay_out(diagram: Diagram, style: Style) -> Drawing:
    """Place everything that is drawn and printed, in pixels.

    Marks come first, then values, then vertex letters outwards from the lines, each where it covers nothing if there
    is room.
    """
    at, scale = _frame(diagram, style)
    lines = [np.array([at[a], at[b]]) for a, b in diagram.segments]
    arcs = [(*at[c.center], c.radius * scale, 0.0, 360.0) for c in diagram.circles]
    painter = _MarkPainter(at, style.font_size)
    for mark in diagram.marks:
        painter.paint(mark)
    lines, arcs = lines + painter.lines, arcs + painter.arcs
    centres = {c.center for c in diagram.circles}
    dots = [tuple(p) for name, p in at.items() if style.dots or name in centres]

    placer = _Placer(style)
    placer.obstacles += [shapely.LineString(line) for line in lines]
    placer.obstacles += [
        shapely.LineString(_polar(np.array([x, y]), r, np.linspace(start, end, 33))) for x, y, r, start, end in arcs
    ]
    placer.obstacles += [shapely.Point(p) for p in dots]
    middle = np.mean(list(at.values()), axis=0)
    for name, p in at.items():
        placer.place(name, _letter_places(p, middle, style))
    for mark in diagram.marks:
        if mark.kind == "length":
            placer.place(mark.text, _length_places(at, mark, style))
        elif mark.kind == "angle":
            placer.place(mark.text, _angle_places(at, mark, style))

    def tidy(values: np.ndarray | tuple) -> tuple[float, ...]:
        return tuple(float(v) for v in np.round(values, 2))

    return Drawing(
        style=style,
        points={name: tidy(p) for name, p in at.items()},
        lines=tuple(tuple(tidy(p) for p in line) for line in lines),
        arcs=tuple(tidy(arc) for arc in arcs),
        dots=tuple(tidy(p) for p in dots),
        texts=tuple(placer.texts),
    )


def rasterise(drawing: Drawing) -> Image.Image:
    """Paint a drawing as an 8-bit grey image of `style.size` pixels a side, black on white."""
    style = drawing.style
    renderer = RendererAgg(style.size, style.size, 72.0)  # at 72 dots per inch a point of line width is a pixel
    flip = Affine2D.from_values(1, 0, 0, -1, 0, style.size)
    gc = renderer.new_gc()
    gc.set_linewidth(style.line_width)
    gc.set_foreground(BLACK, True)
    gc.set_capstyle("round")
    gc.set_joinstyle("round")
    gc.set_snap(False)
    for line in drawing.lines:
        renderer.draw_path(gc, Path(line), flip)
    for x, y, radius, start, end in drawing.arcs:
        full = end - start >= 360
        path = Path.unit_circle() if full else Path.arc(start, end)
        renderer.draw_path(gc, path, Affine2D.from_values(radius, 0, 0, radius, x, style.size - y))
    gc.set_linewidth(0)
    for x, y in drawing.dots:
        r = style.dot_radius
        renderer.draw_path(gc, Path.unit_circle(), Affine2D.from_values(r, 0, 0, r, x, style.size - y), BLACK)
    for text in drawing.texts:
        size, outline = style.font_size, _outline(text.text, style.font).path
        renderer.draw_path(gc, outline, Affine2D.from_values(size, 0, 0, size, text.x, style.size - text.y), BLACK)
    gc.restore()
    return Image.fromarray(255 - np.asarray(renderer.buffer_rgba())[..., 3])
