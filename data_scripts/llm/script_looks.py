"""Whether what a drawing script puts on the page is certain to be seen: dark and broad enough, kept, not cropped.

A line that nobody sees proves nothing, so where one may not be seen, the script is unread (`Unread`).
"""

import re
from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.colors import is_color_like, to_rgba_array

from .script_values import Call

LINE, AREA = 0.7, 0.95  # grey, 1 being white, up to which a line, or an area, is plainly seen on white paper
PAPER = 0.9  # grey from which on a background is light
THIN = 0.3  # points: a thinner line may vanish
CLEARING = ("cla", "clf", "figure", "subplots")  # what was drawn before them is gone, or on another page
HIDING = frozenset(("visible", "alpha", "color", "c", "linewidth", "lw"))
_LETTER = re.compile(r"C\d|[bgrcmykw]")  # the colour in a format such as "k--" or "C0o"


class Unread(ValueError):
    """The script cannot be read into a diagram for certain; the message is short and fit for counting."""


def _given(options: Mapping, *names: str, default: object = None) -> object:
    return next((options[name] for name in names if options.get(name) is not None), default)


def _grey(color: object, options: Mapping) -> float:
    """How light a colour is on white paper, 0 to 1; of several the lightest."""
    rgba = to_rgba_array(color, options.get("alpha"))  # [colours, 4]; none for "none"
    ink = rgba[:, 3] * (1 - rgba[:, :3] @ (0.299, 0.587, 0.114))
    return 1 - float(ink.min()) if len(ink) else 1.0


def _line_is_seen(color: object, options: Mapping) -> bool:
    return float(_given(options, "linewidth", "lw", default=1.0)) >= THIN and _grey(color, options) <= LINE


def _require(seen: bool, options: Mapping) -> None:
    if not seen or options.get("visible", True) is not True:
        raise Unread("something drawn that may not be seen")


def require_line(options: Mapping, formats: Iterable[str] = ()) -> None:
    """Raise Unread for a line, or markers, that may not be seen; `formats` are those of `plot`, such as "k--"."""
    for look in formats or ("",):
        letter = _LETTER.search(look)
        own = look if is_color_like(look) else letter[0] if letter else "C0"
        _require(_line_is_seen(_given(options, "color", "c", default=own), options), options)


def require_text(options: Mapping) -> None:
    """Raise Unread for a text that may not be seen."""
    _require(_grey(_given(options, "color", "c", default="black"), options) <= LINE, options)


def require_dots(options: Mapping) -> None:
    """Raise Unread for dots of `scatter` that may not be seen."""
    _require(_grey(_given(options, "c", "color", "facecolors", "facecolor", default="C0"), options) <= LINE, options)


def require_patch(options: Mapping, filled: bool) -> None:
    """Raise Unread for a patch of which neither the outline nor the area is plainly seen."""
    face = _given(options, "color", "facecolor", "fc", default="C0") if filled else "none"
    edge = _given(options, "color", "edgecolor", "ec", default="none" if filled else "black")
    _require(_line_is_seen(edge, options) or _grey(face, options) <= AREA, options)


def require_kept(call: Call, drawn: bool) -> None:
    """Raise Unread for a call that clears away what is drawn, hides something, or darkens the paper."""
    name, args = call.name, call.args
    if drawn and name in CLEARING:
        raise Unread("a page that is cleared")
    told = {*call.kwargs, *(key for given in args if isinstance(given, dict) for key in given)}
    if (name in ("set", "update") and HIDING & told) or (name == "set_visible" and args != (True,)):
        raise Unread("something drawn that is hidden later")
    paper = call.kwargs.get("facecolor", args[0] if name == "set_facecolor" and args else None)
    on_page = name in ("figure", "subplots", "savefig", "set_facecolor") and paper not in (None, "none", "auto")
    if (on_page and _grey(paper, {}) < PAPER) or (name == "use" and "dark_background" in args):
        raise Unread("a dark page")


def require_uncropped(drawn: np.ndarray, calls: Iterable[Call]) -> None:
    """Raise Unread if a drawn place, of `[places, 2]`, lies beyond the limits that the script sets to its axes."""
    low, high = _limits(calls)
    margin = 1e-6 * max(1.0, float(np.abs(drawn).max(initial=0.0)))
    if ((drawn < low - margin) | (drawn > high + margin)).any():
        raise Unread("something drawn beyond the axes")


def _limits(calls: Iterable[Call]) -> np.ndarray:
    """The lower left and the upper right corner of the axes, `[2, 2]`, infinite where the script does not say.

    Raises:
        TypeError, ValueError: for limits that are not known.
    """
    ends = np.array([[-np.inf, np.inf], [-np.inf, np.inf]])
    for call in calls:
        for axis, (name, low, high) in enumerate((("xlim", "left", "right"), ("ylim", "bottom", "top"))):
            given = call.kwargs.get(name)
            if call.name in (name, f"set_{name}"):
                given = (_given(call.kwargs, low, f"{name[0]}min"), _given(call.kwargs, high, f"{name[0]}max"))
                given = call.args[0] if len(call.args) == 1 else call.args or given
            elif call.name == "axis" and call.args and not isinstance(call.args[0], (str, bool)):
                given = call.args[0][2 * axis : 2 * axis + 2]
            if given is not None:
                both = zip(given, ends[axis], strict=True)
                ends[axis] = [old if new is None else float(new) for new, old in both]
    return np.sort(ends, axis=1).T
