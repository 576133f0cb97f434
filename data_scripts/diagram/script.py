"""Print the matplotlib script that draws a figure.

The script is self-contained: it needs matplotlib alone, names every point, and saves one PNG to the path given as its
first argument (`figure.png` without one). It draws the very primitives of the `Drawing` the image was painted from.
"""

from .drawing import Drawing, as_matplotlib, baseline_start

POINTS = 0.72  # matplotlib counts in points: 72 of them are the 100 pixels of an inch

HEAD = """import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Arc, Circle

SIZE = {size}  # pixels
fig = plt.figure(figsize=(SIZE / 100, SIZE / 100), dpi=100)
ax = fig.add_axes([0, 0, 1, 1])
ax.set_xlim(0, SIZE)
ax.set_ylim(SIZE, 0)
ax.axis("off")
pen = dict(color="black", linewidth={width:.3f}, solid_capstyle="round", snap=False)
"""

TAIL = """
fig.savefig(sys.argv[1] if len(sys.argv) > 1 else "figure.png", dpi=100)
"""


def _number(value: float) -> str:
    return f"{value:g}"


def _pair(point: tuple[float, ...]) -> str:
    return f"({point[0]:.6g}, {point[1]:.6g})"


def to_script(drawing: Drawing) -> str:
    """The script that draws this drawing; end points that are named points of the figure are written by their name."""
    style = drawing.style
    named = {xy: name for name, xy in drawing.points.items()}

    def end(point: tuple[float, float]) -> str:
        return named.get(point) or _pair(point)

    out = [HEAD.format(size=style.size, width=style.line_width * POINTS)]
    out += [f"{name} = {_pair(xy)}" for name, xy in drawing.points.items()]
    lines = ", ".join(f"[{', '.join(end(p) for p in line)}]" for line in drawing.lines)
    out.append(f"for path in [{lines}]:\n    ax.plot(*zip(*path), **pen)")
    open_ = "fill=False, linewidth=pen['linewidth']"
    for x, y, radius, start, stop in drawing.arcs:
        if stop - start >= 360:
            out.append(f"ax.add_patch(Circle({end((x, y))}, {_number(radius)}, {open_}))")
        else:  # the y axis points down, so angles turn the other way
            width, first, last = (_number(v) for v in (2 * radius, -stop, -start))
            out.append(f"ax.add_patch(Arc({end((x, y))}, {width}, {width}, theta1={first}, theta2={last}, {open_}))")
    if drawing.dots:
        dots = ", ".join(end(p) for p in drawing.dots)
        disc = f"Circle(dot, {style.dot_radius:.2f}, facecolor='black', linewidth=0)"
        out.append(f"for dot in [{dots}]:\n    ax.add_patch({disc})")
    font = f"fontsize={style.font_size * POINTS:.2f}, family={style.font!r}"
    for slant in ("normal", "italic"):
        texts = [t for t in drawing.texts if t.italic == (slant == "italic")]
        if texts:
            listed = ", ".join(f"(*{_pair(baseline_start(t, style))}, {as_matplotlib(t.text)!r})" for t in texts)
            out.append(f"for x, y, text in [{listed}]:\n    ax.text(x, y, text, {font}, style={slant!r})")
    return "\n".join(out) + TAIL
