"""What stands left of an answer: `x = 5`, `\\angle 1 = 40`, `\\sin A = 1/2`, `AC:BC = 1:2`. It may be left out."""

import re

MAX_TERMS = 4  # of a ratio

_TERM = re.compile(
    r"\s*(?:\\?(?P<function>sin|cos|tan|cot|sec|csc)(?![a-z])\s*[({]?\s*)?(?P<angle>m?\s*\\(?:angle|triangle)\s*)?"
    r"(?P<name>(?:\\(?:alpha|beta|gamma|theta|varphi|phi)|[A-Za-z](?:_\{[^{}=]{1,20}\})?)[A-Za-z0-9_'{} ]{0,12}"
    r"|(?(angle)[1-9]|(?!)))\s*\)?\s*"  # a number names an angle only
)
_ONE_LETTER = re.compile(r"\\[a-z]+|\w")

Name = tuple[str, str]
"""A function (`sin`), empty where there is none, and what it is of: `A`, `ABC`, `1`, `\\alpha`."""


def left_side(text: str) -> tuple[list[Name], str]:
    """Split `AB = CD = 5` into the first name, or names in a ratio, and the last value; keep other equations whole."""
    left, _, rest = text.partition("=")
    terms = [_TERM.fullmatch(term) for term in left.split(":", MAX_TERMS)]
    value = rest.rpartition("=")[2].strip()
    if not value or rest.startswith("=") or not all(terms):
        return [], text
    return [(term["function"] or "", re.sub(r"[\s{}]", "", term["name"])) for term in terms], value


def names_differ(given: list[Name], gold: list[Name]) -> bool:
    """Whether both sides are named and cannot mean the same: x and y, sin A and cos A, a:b and b:a."""
    if len(given) != len(gold) or len(given) > 1:
        return bool(given and gold) and given != gold
    return any(map(_differ, given, gold))


def _differ(given: Name, gold: Name) -> bool:
    """`AB = 5` and `BA = 5` are for the teacher to let pass."""
    mine, theirs = (name.replace(r"\var", "\\") for _, name in (given, gold))
    are_letters = bool(_ONE_LETTER.fullmatch(mine) and _ONE_LETTER.fullmatch(theirs))
    return given[0] != gold[0] or (are_letters and mine != theirs)
