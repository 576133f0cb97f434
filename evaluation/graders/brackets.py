"""Answers of several parts: lists, tuples and points, intervals, and the inequalities that are intervals."""

import re
from dataclasses import dataclass

MAX_VALUES = 8  # in one answer

_SEPARATOR = re.compile(r"[(\[{]|[)\]}]|,|;|\\cup(?![A-Za-z])|\b(?:and|or)\b")
_POINT = re.compile(r"([A-Z]'{0,2}|[A-Z]_\{?\d\}?)\s*(?=\()")
_RELATION = re.compile(r"(<=|>=|<|>|\\leq?(?:slant)?(?![A-Za-z])|\\geq?(?:slant)?(?![A-Za-z]))")
_VARIABLE = re.compile(r"[A-Za-z]|\\(?:alpha|beta|gamma|theta|varphi|phi)|[A-Z]{2}")


@dataclass(frozen=True)
class Bracketed:
    """`(1, 2)`, `A(1, 2)` or `[0, 3)`, which `0 <= x < 3` is as well. Unlike a list of values it has an order."""

    brackets: str  # "()", "[)"
    elements: tuple[str, ...]
    name: str = ""  # of the point, or of the variable between the bounds

    def is_like(self, other: "Bracketed") -> bool:
        """Whether all but the elements agree. A name may be left out, but not be wrong."""
        same_name = not self.name or not other.name or self.name == other.name
        return same_name and self.brackets == other.brackets and len(self.elements) == len(other.elements)


def split(text: str) -> list[str]:
    """Split at commas, semicolons, `and`, `or` and unions outside brackets."""
    parts, depth, start = [], 0, 0
    for match in _SEPARATOR.finditer(text):
        if match[0] in ("(", "[", "{"):
            depth += 1
        elif match[0] in (")", "]", "}"):
            depth -= 1
        elif depth <= 0:
            parts.append(text[start : match.start()])
            start = match.end()
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]


def bracketed(text: str) -> Bracketed | None:
    """The tuple, point or interval a text is; None if it is none."""
    name = _POINT.match(text)
    inner = text[name.end() :] if name else text
    if len(inner) >= 5 and inner[0] in "([" and inner[-1] in ")]":
        elements = split(inner[1:-1])
        if 1 < len(elements) <= MAX_VALUES:
            return Bracketed(inner[0] + inner[-1], tuple(elements), name[1] if name else "")
    return None if name else _inequality(text)


def _inequality(text: str) -> Bracketed | None:
    parts = [part.strip() for part in _RELATION.split(text)]
    if len(parts) not in (3, 5) or not all(parts):
        return None
    if parts[1].startswith((">", r"\g")):  # turned round, so that the smaller side stands first
        parts = [_turned(part) if index % 2 else part for index, part in enumerate(parts)][::-1]
    if any(relation.startswith((">", r"\g")) for relation in parts[1::2]):
        return None
    is_closed = [relation not in ("<", ">") for relation in parts[1::2]]
    if len(parts) == 5:
        if not _VARIABLE.fullmatch(parts[2]):
            return None
        return Bracketed("(["[is_closed[0]] + ")]"[is_closed[1]], (parts[0], parts[4]), parts[2])
    if _VARIABLE.fullmatch(parts[0]):
        return Bracketed("(" + ")]"[is_closed[0]], (r"-\infty", parts[2]), parts[0])
    if _VARIABLE.fullmatch(parts[2]):
        return Bracketed("(["[is_closed[0]] + ")", (parts[0], r"\infty"), parts[2])
    return None


def _turned(relation: str) -> str:
    strict = {"<": ">", ">": "<"}
    return strict.get(relation) or (r"\ge" if relation.startswith(("<", r"\l")) else r"\le")
