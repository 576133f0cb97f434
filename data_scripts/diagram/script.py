"""Print the matplotlib script that draws a figure.

The script is self-contained: it needs matplotlib alone, names every point, and saves one PNG to the path given as its first
argument (`figure.png` without one). It draws the very primitives of the `Drawing` the image was painted from.
"""

from .drawing import Drawing

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
    return f"({_number(point[0])}, {_number(point[1])})"


def to_script(drawing: Drawing) -> str:
    """The script that draws this drawing; end points that are named points of the figure are written by their name."""
    style = drawing.style
    named = {xy: name for name, xy in drawing.points.items()}

    def end(point: tuple[float, float]) -> str:
        return named.get(point) or _pair(point)

    out = [HEAD.format(size=style.size, width=style.line_width * 0.72)]  # matplotlib counts in points: 72 to 100 pixels
    out += [f"{name} = {_pair(xy)}" for name, xy in drawing.points.items()]
    lines = ", ".join(f"[{', '.join(end(p) for p in line)}]" for line in drawing.lines)
    out.append(f"for path in [{lines}]:\n    ax.plot(*zip(*path), **pen)")
    for x, y, radius, start, stop in drawing.arcs:
        if stop - start >= 360:
            out.append(f"ax.add_patch(Circle({end((x, y))}, {_number(radius)}, fill=False, linewidth=pen['linewidth']))")
        else:  # the y axis points down, so angles turn the other way
            out.append(
                f"ax.add_patch(Arc({end((x, y))}, {_number(2 * radius)}, {_number(2 * radius)}, "
                f"theta1={_number(-stop)}, theta2={_number(-start)}, linewidth=pen['linewidth']))"
            )
    if drawing.dots:
        dots = ", ".join(end(p) for p in drawing.dots)
        out.append(f"for dot in [{dots}]:\n    ax.add_patch(Circle(dot, {1.6 * style.line_width:.2f}, color='black', linewidth=0))")
    font = f'ha="center", va="center", fontsize={style.font_size * 0.72:.2f}, family="{style.font}"'
    texts = ", ".join(f"({_number(t.x)}, {_number(t.y)}, {_quoted(t.text)})" for t in drawing.texts)
    out.append(f"for x, y, text in [{texts}]:\n    ax.text(x, y, text, {font})")
    return "\n".join(out) + TAIL


def _quoted(text: str) -> str:
    return repr(f"${text}$" if "\\" in text else text)
