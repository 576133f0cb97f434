"""Print the matplotlib script that draws a figure.

The script is self-contained: it needs matplotlib alone, names every point, and saves one PNG to the path given as its
first argument (`figure.png` without one). It draws the very primitives of the `Drawing` the image was painted from,
and `from_script` gives them back: read, never run.
"""

import ast

from .drawing import Drawing, Style, Text, as_matplotlib, baseline_start

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


def from_script(script: str) -> Drawing:
    """The drawing that `to_script` printed, to the digits it printed.

    The style holds what a script says: size, pen, letters and dots; a rotation is in the coordinates already.

    Raises:
        ValueError: if the text is no such script.
    """
    try:
        return _read(ast.parse(script).body)
    except (SyntaxError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no drawing script of ours ({error!r}): {script[:60]!r}") from None


def _read(statements: list[ast.stmt]) -> Drawing:
    points: dict[str, tuple[float, float]] = {}
    lines, arcs, dots, texts, looks = [], [], [], [], {}

    def value(node: ast.expr):
        """A number, a text, a named point, or a tuple or list of such."""
        if isinstance(node, ast.Name):
            return points[node.id]
        if isinstance(node, (ast.Tuple, ast.List)):
            starred = (value(e.value) if isinstance(e, ast.Starred) else (value(e),) for e in node.elts)
            return tuple(part for parts in starred for part in parts)
        return ast.literal_eval(node)

    for node in statements:
        if isinstance(node, ast.Assign):
            name = node.targets[0].id
            if name == "SIZE":
                looks["size"] = value(node.value)
            elif name == "pen":
                looks["line_width"] = _options(node.value)["linewidth"] / POINTS
            elif name.isupper():
                points[name] = value(node.value)
        elif isinstance(node, ast.For):
            drawn, call = value(node.iter), node.body[0].value
            if isinstance(node.target, ast.Tuple):
                options = _options(call)
                looks |= {"font_size": options["fontsize"] / POINTS, "font": options["family"]}
                texts += [(*text, options["style"] == "italic") for text in drawn]
            elif node.target.id == "path":
                lines += drawn
            else:
                dots += drawn
        elif _called(node) == "add_patch":
            shape = node.value.args[0]
            centre, radius = (value(argument) for argument in shape.args[:2])
            if shape.func.id == "Circle":
                arcs.append((*centre, radius, 0.0, 360.0))
            else:
                options = _options(shape)
                arcs.append((*centre, radius / 2, -options["theta2"], -options["theta1"]))
    style = Style(size=looks.pop("size"), line_width=looks.pop("line_width"), **looks)
    return Drawing(style, points, tuple(lines), tuple(arcs), tuple(dots), tuple(_centred(t, style) for t in texts))


def _called(node: ast.stmt) -> str | None:
    """The method that a statement calls."""
    return node.value.func.attr if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else None


def _options(call: ast.Call) -> dict:
    """The keyword arguments that are plain values."""
    return {k.arg: ast.literal_eval(k.value) for k in call.keywords if not isinstance(k.value, ast.Subscript)}


def _centred(placed: tuple[float, float, str, bool], style: Style) -> Text:
    """The text whose baseline begins there: the inverse of `baseline_start`."""
    x, y, printed, italic = placed
    text = printed[1:-1] if as_matplotlib(printed[1:-1]) == printed else printed
    at_origin = baseline_start(Text(text, 0.0, 0.0, italic), style)
    return Text(text, x - at_origin[0], y - at_origin[1], italic)
