"""What a drawing script puts on the page, as far as its library calls say so.

The calls come from `script_values`, which follows the script without running it. A call that is not known may draw
anything, so the script is then unread.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from .script_builtins import Unfollowed
from .script_looks import (
    Unread,
    require_dots,
    require_kept,
    require_line,
    require_patch,
    require_text,
    require_uncropped,
)
from .script_values import Call, follow

Point = tuple[float, float]

# Calls that draw nothing by themselves.
_SILENT = """
use figure subplots subplot add_axes add_subplot axes gca gcf set_xlim set_ylim xlim ylim set savefig show close
tight_layout subplots_adjust margins autoscale autoscale_view relim set_axis_off axis set_aspect invert_yaxis
set_xticks set_yticks xticks yticks grid set_position set_visible box setting update set_facecolor draw clf cla
set_frame_on rcdefaults set_adjustable Circle Polygon Rectangle Arc Wedge Ellipse Line2D
"""
SILENT = frozenset(_SILENT.split())
NO_COLOR = ("none", "None")
_PARAMETERS = {
    "Circle": ("xy", "radius"),
    "Polygon": ("xy", "closed"),
    "Rectangle": ("xy", "width", "height"),
    "Arc": ("xy", "width", "height"),
    "Ellipse": ("xy", "width", "height"),
    "Line2D": ("xdata", "ydata"),
}


@dataclass
class Scene:
    """What the script draws, in its own coordinates."""

    lines: list[np.ndarray] = field(default_factory=list)  # polylines, each `[points, 2]`
    circles: list[tuple[Point, float]] = field(default_factory=list)
    discs: list[tuple[Point, float]] = field(default_factory=list)  # filled: dots, if they are small
    dots: list[Point] = field(default_factory=list)  # drawn by a marker
    texts: list[tuple[str, Point]] = field(default_factory=list)
    places: list[tuple[str, Point]] = field(default_factory=list)  # the script's own names of points

    @property
    def ends(self) -> np.ndarray:
        """Ends of all lines and corners around all circles, `[ends, 2]`."""
        around = (np.array([np.subtract(c, r), np.add(c, r)]) for c, r in self.circles)
        return np.concatenate([np.empty((0, 2)), *self.lines, *around])

    @property
    def drawn(self) -> np.ndarray:
        """The same, and where dots and discs are, `[places, 2]`."""
        return np.array([*self.ends.tolist(), *self.dots, *(centre for centre, _ in self.discs)]).reshape(-1, 2)

    @property
    def size(self) -> float:
        """Diagonal of everything drawn."""
        if not len(self.ends):
            raise Unread("nothing drawn")
        return max(float(np.hypot(*np.ptp(self.ends, axis=0))), 1e-9)


def read_scene(script: str) -> Scene:
    """Everything a script draws.

    Raises:
        Unread: with the reason.
    """
    try:
        followed = follow(script)
    except Unfollowed as error:
        raise Unread(str(error)) from None
    scene = Scene(places=_named_places(followed.names))
    _require_equal_scale(followed.calls)
    try:
        for call in followed.calls:
            require_kept(call, bool(scene.lines or scene.circles or scene.discs or scene.dots or scene.texts))
            _draw(call, scene)
        require_uncropped(scene.drawn, followed.calls)
    except (TypeError, ValueError, LookupError) as error:
        if isinstance(error, Unread):
            raise
        raise Unread("a drawing call with values that are not known") from None
    return scene


def _point(value: object) -> Point | None:
    try:
        x, y = (float(v) for v in value)
    except (TypeError, ValueError):
        return None
    return (x, y) if math.isfinite(x) and math.isfinite(y) else None


def _named_places(names: dict[str, object]) -> list[tuple[str, Point]]:
    """Pairs of numbers by the script's names, variables and entries of dictionaries: points, but offsets as well."""
    found = []
    for name, value in names.items():
        entries = value.items() if isinstance(value, dict) else [(name, value)]
        found += [(str(key), xy) for key, item in entries if (xy := _point(item)) is not None]
    return found


def _require_equal_scale(calls: list[Call]) -> None:
    """Coordinates show the picture only where a unit is as long across as it is high."""
    for call in calls:
        words = [*call.args, *call.kwargs.values(), *_words(call.kwargs.get("subplot_kw"))]
        if call.name in ("set_aspect", "axis", "set", "subplots", "add_subplot", "axes", "gca") and _says_equal(words):
            return
    if not _fills_its_canvas_evenly(calls):
        raise Unread("axes without equal scale")


def _words(options: object) -> Iterable[object]:
    return options.values() if isinstance(options, dict) else ()


def _fills_its_canvas_evenly(calls: list[Call]) -> bool:
    """Axes over the whole canvas whose limits span as much across and up as the canvas does."""
    spans, canvas, whole = {}, None, False
    for call in calls:
        if call.name in ("set_xlim", "set_ylim") and call.args:
            ends = _point(call.args if len(call.args) == 2 else call.args[0])
            spans[call.name] = abs(ends[0] - ends[1]) if ends else math.nan
        elif call.name in ("figure", "subplots"):
            canvas = _point(call.kwargs.get("figsize"))
        whole |= call.name == "add_axes" and list(call.args[:1]) == [[0, 0, 1, 1]]
    if not whole or not canvas or len(spans) < 2 or not spans["set_ylim"] or not canvas[0]:
        return False
    return abs(spans["set_xlim"] / spans["set_ylim"] * canvas[1] / canvas[0] - 1) < 0.01


def _says_equal(words: Iterable[object]) -> bool:
    named = {w for w in words if isinstance(w, str)}
    return bool(named & {"equal", "scaled", "square", "image"})


def _array(xs: object, ys: object) -> np.ndarray:
    line = np.stack([np.atleast_1d(np.asarray(v, dtype=float)) for v in (xs, ys)], axis=-1)
    if line.ndim != 2 or not np.isfinite(line).all():
        raise Unread("a line with values that are not known")
    return line


def _draw(call: Call, scene: Scene) -> None:
    name, args, kwargs = call.name, call.args, call.kwargs
    if name == "plot":
        _plot(args, kwargs, scene)
    elif name in ("add_patch", "add_artist", "add_line"):
        _patch(args[0], scene)
    elif name in ("text", "annotate"):
        _text(name, args, kwargs, scene)
    elif name == "fill":
        require_patch(kwargs, filled=True)
        scene.lines.append(_closed(_array(*args[:2])))
    elif name == "scatter":
        require_dots(kwargs)
        scene.dots += map(tuple, _array(*args[:2]).tolist())
    elif name not in SILENT:
        raise Unread(f"a call of {name[:30]}")


def _plot(args: tuple, kwargs: dict, scene: Scene) -> None:
    data = [a for a in args if not isinstance(a, str)]
    formats = [a for a in args if isinstance(a, str)]
    if len(data) % 2 or not data or "transform" in kwargs:
        raise Unread("a plot of other than x and y")
    require_line(kwargs, formats)
    style = kwargs.get("linestyle", kwargs.get("ls"))
    no_line = (formats and re.fullmatch(r"[a-z]?[ov.,s^*x+]", formats[0])) or style in ("", " ", "None", "none")
    for xs, ys in zip(data[::2], data[1::2], strict=True):
        line = _array(xs, ys)
        if len(line) > 1 and not no_line:
            scene.lines.append(line)
        else:
            scene.dots += map(tuple, line.tolist())


def _closed(corners: np.ndarray) -> np.ndarray:
    return np.concatenate([corners, corners[:1]])


def _patch(patch: object, scene: Scene) -> None:
    if not isinstance(patch, Call) or "transform" in patch.kwargs:
        raise Unread("a patch that is not known")
    given = dict(zip(_PARAMETERS.get(patch.name, ()), patch.args, strict=False)) | patch.kwargs
    filled = given.get("fill", True) is not False and given.get("facecolor", given.get("fc")) not in NO_COLOR
    if patch.name == "Line2D":
        require_line(given)
    else:
        require_patch(given, filled and patch.name != "Arc")
    if patch.name == "Circle":
        radius = float(given.get("radius", 5))
        centre = _point(given["xy"])
        (scene.discs if filled else scene.circles).append((centre, radius))
    elif patch.name == "Polygon":
        corners = np.array([_point(p) for p in given["xy"]], dtype=float)
        scene.lines.append(_closed(corners) if given.get("closed", True) else corners)
    elif patch.name == "Rectangle":
        scene.lines.append(_closed(_rectangle(given)))
    elif patch.name in ("Arc", "Ellipse"):
        _arc(given, scene, full=patch.name == "Ellipse")
    elif patch.name == "Line2D":
        scene.lines.append(_array(given["xdata"], given["ydata"]))
    else:
        raise Unread(f"a patch {patch.name[:30]}")


def _rectangle(given: dict) -> np.ndarray:
    turn = math.radians(float(given.get("angle", 0)))
    w, h = float(given["width"]), float(given["height"])
    along, up = np.array([math.cos(turn), math.sin(turn)]), np.array([-math.sin(turn), math.cos(turn)])
    corner = np.array(_point(given["xy"]))
    return np.array([corner, corner + w * along, corner + w * along + h * up, corner + h * up])


def _arc(given: dict, scene: Scene, full: bool) -> None:
    """A whole round arc is a circle; others are curves: small ones marks, large ones not understood."""
    w, h, centre = float(given["width"]), float(given["height"]), _point(given["xy"])
    first, last = (0.0, 360.0) if full else (float(given.get("theta1", 0)), float(given.get("theta2", 360)))
    sweep = (last - first) % 360 or 360.0
    if sweep == 360.0 and abs(w - h) < 1e-6 * w:
        scene.circles.append((centre, w / 2))
        return
    turn = np.radians(first + np.linspace(0, sweep, 33))
    tilt = math.radians(float(given.get("angle", 0)))
    x, y = w / 2 * np.cos(turn), h / 2 * np.sin(turn)
    scene.lines.append(
        np.stack([x * math.cos(tilt) - y * math.sin(tilt), x * math.sin(tilt) + y * math.cos(tilt)], axis=-1) + centre
    )


def _text(name: str, args: tuple, kwargs: dict, scene: Scene) -> None:
    if "arrowprops" in kwargs or "transform" in kwargs:
        raise Unread("an arrow or a text placed on the page")
    require_text(kwargs)
    if name == "text":
        given = dict(zip(("x", "y", "s"), args, strict=False)) | kwargs
        at, text = _point((given["x"], given["y"])), given["s"]
    else:
        given = dict(zip(("text", "xy", "xytext"), args, strict=False)) | kwargs
        offset = "xytext" not in given or str(given.get("textcoords", "data")).startswith("offset")
        at, text = _point(given["xy"] if offset else given["xytext"]), given["text"]
    if at is None or not isinstance(text, str):
        raise Unread("a text that is not known")
    scene.texts.append((printed(text), at))


def printed(text: str) -> str:
    """A text as it reads on the figure: without the dollars of LaTeX, with a real degree sign."""
    text = re.sub(r"\\(?:mathrm|mathit|mathbf|text)\{([^{}]*)\}", r"\1", text.replace("$", ""))
    text = re.sub(r"\^\s*\{?\s*\\circ\s*\}?|\\degree|\\circ", "°", text)
    return " ".join(text.split())
