"""From a diagram to pixels: lay out, then rasterise.

`lay_out` turns a diagram into a `Drawing`, a list of lines, arcs, dots and texts in pixels; `rasterise` paints it with
matplotlib's rasteriser and `script.to_script` prints it as matplotlib code, so image and script cannot disagree.
Positive and negatives go through the same two functions with the same `Style`: neither can be told apart by its looks.
Figures follow the paper's rules: black only, no title, everything inside the frame.
"""

import threading
from functools import lru_cache

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import Affine2D
from PIL import Image

from .layout import NoRoom, lay_out
from .style import FONTS, Drawing, Style, Text, as_matplotlib, baseline_start, outline, text_extent

__all__ = [
    "FONTS",
    "Drawing",
    "NoRoom",
    "Style",
    "Text",
    "as_matplotlib",
    "baseline_start",
    "lay_out",
    "rasterise",
    "text_extent",
]

BLACK = (0.0, 0.0, 0.0, 1.0)


@lru_cache(maxsize=1024)
def _unit_arc(sweep: float) -> Path:
    return Path.arc(0.0, sweep)


def _stroked(drawing: Drawing) -> Path:
    """Every line and arc as one path, y upwards: one call of the rasteriser instead of dozens."""
    height = drawing.style.size
    vertices: list[np.ndarray] = []
    codes: list[np.ndarray] = []
    for line in drawing.lines:
        vertices.append(np.array(line))
        codes.append(np.array([Path.MOVETO] + [Path.LINETO] * (len(line) - 1), dtype=Path.code_type))
    for x, y, radius, start, end in drawing.arcs:
        unit = Path.unit_circle() if end - start >= 360 else _unit_arc(round(end - start, 2))
        turn = np.exp(1j * np.radians(start)) if end - start < 360 else 1
        turned = radius * turn * (unit.vertices[:, 0] + 1j * unit.vertices[:, 1])
        vertices.append(np.column_stack([x + turned.real, y - turned.imag]))
        codes.append(unit.codes)
    path = np.concatenate(vertices)
    path[:, 1] = height - path[:, 1]
    return Path(path, np.concatenate(codes))


def _filled(drawing: Drawing) -> Path:
    """Every text and dot as one path, y upwards."""
    style = drawing.style
    vertices, codes = [], []
    disc = Path.unit_circle()
    for x, y in drawing.dots:
        vertices.append(style.dot_radius * disc.vertices + (x, style.size - y))
        codes.append(disc.codes)
    for text in drawing.texts:
        path = outline(text.text, style.font, text.italic).path
        vertices.append(style.font_size * path.vertices + (text.x, style.size - text.y))
        codes.append(path.codes)
    return Path(np.concatenate(vertices), np.concatenate(codes))


_OWN = threading.local()  # two threads on one canvas would paint over each other's figures


def _renderer(size: int) -> RendererAgg:
    if getattr(_OWN, "size", None) != size:
        _OWN.size, _OWN.renderer = size, RendererAgg(size, size, 72.0)  # at 72 dpi a point of line width is a pixel
    return _OWN.renderer


def rasterise(drawing: Drawing) -> Image.Image:
    """Paint a drawing as an 8-bit grey image of `style.size` pixels a side, black on white."""
    style = drawing.style
    renderer = _renderer(style.size)
    renderer.clear()
    still = Affine2D()
    gc = renderer.new_gc()
    gc.set_foreground(BLACK, True)
    gc.set_capstyle("round")
    gc.set_joinstyle("round")
    gc.set_snap(False)
    if drawing.lines or drawing.arcs:
        gc.set_linewidth(style.line_width)
        renderer.draw_path(gc, _stroked(drawing), still)
    if drawing.texts or drawing.dots:
        gc.set_linewidth(0)
        renderer.draw_path(gc, _filled(drawing), still, BLACK)
    gc.restore()
    return Image.fromarray(255 - np.asarray(renderer.buffer_rgba())[..., 3])
