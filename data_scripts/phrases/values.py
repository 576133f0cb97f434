"""Values as captions write them: `5`, `2x+1`, `5√3`, `5\\sqrt{3}`, `40°`, `40^\\circ`, `40 degrees`, `5 cm`.

`read_value` finds where a value ends, `normal_value` brings the forms of one value together, `number` says how much it
is. A letter is a variable or a Greek name; capital letters name points and end a value.
"""

import math
import re
from functools import lru_cache

DEGREES = r"[\s$]*(?:°|\^\s*\{?\s*\\circ\s*\}?|\\degree\b|[- ]?degrees?\b)"
UNITS = (
    r"(?:\s|\\[,;! ]|[~$])*"
    r"(?:\\(?:text|mathrm|rm)\s*\{\s*~?\s*(?:cm|mm|km|m|units?)\s*\}|(?:cm|mm|km|m|units?)(?![A-Za-z]))"
    r"(?:\s*\^?\{?[²2]\}?)?"
)
_DEGREES, _UNITS = re.compile(DEGREES), re.compile(UNITS)
_COORDINATES = re.compile(r"\(\s*[-−]?\d+(?:\.\d+)?\s*,\s*[-−]?\d+(?:\.\d+)?\s*\)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_VARIABLE = re.compile(r"[a-zαβγδθφπ](?![a-zA-Z])|\\(?:alpha|beta|gamma|delta|theta|phi|pi)(?![a-zA-Z])")
_OPERATOR = re.compile(r"\s*(?:[-+−*·×]|\\cdot\b|\\times\b)\s*|/(?!/)")
_GROUPS = (("\\left(", "\\right)"), ("(", ")"), ("{", "}"))
_ROOT = re.compile(r"√|\\sqrt\s*(?=[{\d])")
_FRACTION = re.compile(r"\\[dt]?frac\s*(?=\{)")
_POWER = re.compile(r"\s*\^\s*(?=[\d{a-z])(?!\s*\{?\s*\\circ)|[²³]")


def _group(text: str, at: int) -> int | None:
    """End of a bracketed expression that begins at `at`."""
    for opening, closing in _GROUPS:
        if text.startswith(opening, at):
            end = _sum(text, _spaces(text, at + len(opening)))
            end = None if end is None else _spaces(text, end)
            return end + len(closing) if end is not None and text.startswith(closing, end) else None
    return None


def _spaces(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _atom(text: str, at: int) -> int | None:
    if found := _ROOT.match(text, at):
        return _group(text, found.end()) or _match(_NUMBER, text, found.end()) or _match(_VARIABLE, text, found.end())
    if found := _FRACTION.match(text, at):
        middle = _group(text, found.end())
        return None if middle is None else _group(text, _spaces(text, middle))
    return _match(_NUMBER, text, at) or _match(_VARIABLE, text, at) or _group(text, at)


def _match(pattern: re.Pattern[str], text: str, at: int) -> int | None:
    found = pattern.match(text, at)
    return found.end() if found else None


def _product(text: str, at: int) -> int | None:
    """Atoms side by side, with powers; a space may stand only before a root."""
    end = _atom(text, at)
    while end is not None:
        if power := _POWER.match(text, end):
            end = power.end() if power.group() in "²³" else _atom(text, power.end())
            continue
        following = _spaces(text, end)
        near = end if following == end or not _ROOT.match(text, following) else following
        further = _atom(text, near) if near < len(text) else None
        if further is None:
            return end
        end = further
    return None


def _sum(text: str, at: int, depth: int = 0) -> int | None:
    end = _product(text, at) if depth < 40 else None
    while end is not None:
        operator = _OPERATOR.match(text, end)
        further = _product(text, operator.end()) if operator and operator.end() < len(text) else None
        if further is None:
            return end
        end = further
    return None


def read_value(text: str, at: int) -> tuple[int, int] | None:
    """Where the value that begins at `at` ends, without and with its unit; None where none begins there."""
    if text.count("{", at, at + 200) + text.count("(", at, at + 200) > 20:
        return None  # no value of a caption nests so deeply
    if pair := _COORDINATES.match(text, at):
        return pair.end(), pair.end()
    end = _sum(text, at)
    if end is None:
        return None
    unit = _DEGREES.match(text, end) or _UNITS.match(text, end)
    return end, unit.end() if unit else end


_FORMS = (
    (re.compile(r"\\[dt]frac"), r"\\frac"),
    (re.compile(r"\\left|\\right|\\[,;! ]|[\s$]"), ""),
    (re.compile(r"√\(([^()]*)\)"), r"\\sqrt{\1}"),
    (re.compile(r"√(\d+(?:\.\d+)?|[a-z])"), r"\\sqrt{\1}"),
    (re.compile(r"\\sqrt(\d+)"), r"\\sqrt{\1}"),
    (re.compile(r"\^(\w)"), r"^{\1}"),
    (re.compile("²"), "^{2}"),
    (re.compile("³"), "^{3}"),
    (re.compile("−"), "-"),
    (re.compile(r"\\cdot|\\times|[·×]"), "*"),
    (re.compile(r"\\pi(?![a-z])"), "π"),
)


@lru_cache(maxsize=2**12)
def normal_value(text: str) -> str:
    """One form for one value: no spaces, no unit of length, `°` for degrees, LaTeX roots and powers."""
    text = text.strip()
    ends = read_value(text, 0)
    degrees = False
    if ends is not None and ends[1] == len(text) and ends[0] < len(text):
        degrees = bool(_DEGREES.match(text, ends[0]))
        text = text[: ends[0]]
    if text.startswith("(") and _group(text, 0) == len(text):
        text = text[1:-1]
    for pattern, form in _FORMS:
        text = pattern.sub(form, text)
    return text + "°" * degrees


@lru_cache(maxsize=2**12)
def number(value: str) -> float | None:
    """How much a normal value is, in degrees where it is an angle; None if it holds a variable."""
    text = value.removesuffix("°")
    try:
        result, end = _evaluate_sum(text, 0)
    except (ValueError, ZeroDivisionError, OverflowError, RecursionError):
        return None
    return result if end == len(text) and math.isfinite(result) else None


def _evaluate_sum(text: str, at: int) -> tuple[float, int]:
    total, at = _evaluate_product(text, at)
    while at < len(text) and text[at] in "+-":
        term, end = _evaluate_product(text, at + 1)
        total, at = (total + term if text[at] == "+" else total - term), end
    return total, at


def _evaluate_product(text: str, at: int) -> tuple[float, int]:
    total, at = _evaluate_atom(text, at)
    while at < len(text) and text[at] not in "+-)}":
        if text[at] == "/":
            factor, at = _evaluate_atom(text, at + 1)
            total /= factor
        elif text[at] == "^":
            factor, at = _evaluate_atom(text, at + 1)
            if abs(factor) > 20 or (total <= 0 and factor != int(factor)):
                raise ValueError("a power no caption prints")
            total **= factor
        else:
            factor, at = _evaluate_atom(text, at + (text[at] == "*"))
            total *= factor
    return total, at


def _evaluate_atom(text: str, at: int) -> tuple[float, int]:
    if found := _NUMBER.match(text, at):
        return float(found.group()), found.end()
    if text.startswith("π", at):
        return math.pi, at + 1
    if text.startswith("\\sqrt{", at):
        inner, end = _evaluate_sum(text, at + 6)
        return math.sqrt(inner), _closing(text, end)
    if text.startswith("\\frac{", at):
        above, end = _evaluate_sum(text, at + 6)
        below, end = _evaluate_sum(text, _closing(text, end) + 1)
        return above / below, _closing(text, end)
    if at < len(text) and text[at] in "({":
        inner, end = _evaluate_sum(text, at + 1)
        return inner, _closing(text, end)
    raise ValueError(f"no number at {at} of {text}")


def _closing(text: str, at: int) -> int:
    if at < len(text) and text[at] in ")}":
        return at + 1
    raise ValueError(f"no closing bracket at {at} of {text}")
