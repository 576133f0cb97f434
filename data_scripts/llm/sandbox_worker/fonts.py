"""Matplotlib's own fonts, kept in memory, so that text can be drawn where nothing can be opened.

Only these fonts exist for a script: the same script gives the same picture on every machine. A font that is not among
them is replaced by DejaVu Sans, as matplotlib always does.
"""

import io
import os
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from matplotlib import font_manager

FONT_SETS = ("dejavusans", "dejavuserif", "cm", "stix", "stixsans")
TEXT = "Ab°△∠⊥"
MATH = (
    r"$\triangle ABC\ \angle \perp \frac{1}{2} \sqrt{3} A^\prime \mathit{i} \mathcal{C} \mathbb{R} 60^\circ"
    r" \overline{AB} \widehat{AB} \left(\frac{a}{b}\right) \leq \cdot$"
)


def keep_fonts_in_memory() -> None:
    """Read matplotlib's fonts, make it forget all others, and serve `io.open` and `os.stat` of them from memory."""
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    fonts = {str(path): (path.read_bytes(), path.stat()) for path in folder.glob("*.ttf")}
    fonts |= {os.path.realpath(path): kept for path, kept in fonts.items()}
    manager = font_manager.fontManager
    manager.ttflist = sorted((font for font in manager.ttflist if font.fname in fonts), key=lambda font: font.fname)
    manager._findfont_cached.cache_clear()  # the only private name used; without it old answers point to other fonts

    open_file, stat_file = io.open, os.stat

    def kept(path: object) -> tuple[bytes, os.stat_result] | None:
        return fonts.get(str(path)) if isinstance(path, str | os.PathLike) else None

    def open_font(file, *args, **kwargs):
        return io.BytesIO(kept(file)[0]) if kept(file) else open_file(file, *args, **kwargs)

    def stat_font(path, *args, **kwargs):
        return kept(path)[1] if kept(path) else stat_file(path, *args, **kwargs)

    io.open, os.stat = open_font, stat_font  # FT2Font opens; findfont and mathtext ask whether a font is there


def draw_everything_once() -> None:
    """Draw each kind of text, in the plane and in space, so that font lookups and lazy imports are behind us."""
    figure = plt.figure(figsize=(4, 2), layout="constrained")
    ax = figure.add_subplot(1, 2, 1)
    ax.plot([0, 1], [0, 1], label="x")
    ax.annotate("P", (0, 0), (1, 1), arrowprops={"arrowstyle": "<->"})
    ax.text(0, 0, MATH)
    for font_set in FONT_SETS:
        ax.text(0, 0, r"$A\mathrm{B}\mathbf{C}$", math_fontfamily=font_set)
    for family in ("sans-serif", "serif", "monospace"):
        for weight in ("normal", "bold"):
            for style in ("normal", "italic"):
                ax.text(0, 0, TEXT, family=family, weight=weight, style=style)
    ax.legend()
    figure.add_subplot(1, 2, 2, projection="3d").plot([0, 1], [0, 1], [0, 1])
    figure.savefig(io.BytesIO(), format="raw", bbox_inches="tight")
    plt.close(figure)
    plt.rcdefaults()
    plt.switch_backend("Agg")
