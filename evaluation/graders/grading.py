"""Is an answer right? Decided the way a teacher would, without a language model and without `eval`.

Numbers, roots, fractions, equations, lists (`30, 150`), ordered tuples and choices (`(B) 8/11`) are compared by value,
names of points and segments (`D`, `AB`) as exact strings. Units may be left out but not be wrong; `50` is not `0.5`.

Promises: `is_correct` never raises on any text and ends within two seconds, whatever the model wrote: plain cases are
decided here, the rest by math-verify in a process of its own (see symbolic_equality.py), if the expression is small.
"""

import re
import time
from fractions import Fraction
from functools import lru_cache
from itertools import product

from .answer_text import MAX_ANSWER, extract_answer, normalise
from .symbolic_equality import symbolically_equal

SECONDS = 1.2  # for one comparison, of the two promised: a late process must be ended, and the next one started
MAX_VALUES = 8  # in one answer
MAX_POWER = 20
CLOSE = Fraction(1, 10**6)  # relative: 0.3333333 for 1/3 is a way of writing, 0.33 is another number

_LETTERS = re.compile(r"[A-Za-z]+'*")
_NOUN = re.compile(
    r"^(?:the\s+)?(?:point|line segment|segment|line|side|ray|angle|triangle|vertex|circle|option|choice|"
    r"\\(?:angle|triangle|odot))(?:\s+|(?=[A-Z]))(?=[A-Za-z(]+'*\)?$)",
    re.I,
)
_CHOICE = re.compile(r"\(([A-H])\)\s*(.*)|([A-H])[.):]\s*(.*)", re.S)
_LEFT_SIDE = re.compile(r"^(?:m?\s*\\(?:angle|triangle)\s*)?([A-Za-z][A-Za-z0-9_'{} ]{0,12})=(?!=)")
_DECIMAL = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})")
_FRACTION = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<whole>\d{1,15})\s*(?=\\frac|\s\d))?"
    r"(?:\\frac\s*(?:\{\s*(?P<n1>\d{1,30})\s*\}\s*\{\s*(?P<d1>\d{1,30})\s*\}|(?P<n2>\d)\s*(?P<d2>\d))"
    r"|\s?(?P<n3>\d{1,30})\s*/\s*(?P<d3>\d{1,30}))"
)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_RATIO = re.compile(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*(?::|\\colon)\s*(\d{1,15}(?:\.\d{1,15})?)\s*")

_UNITS = {
    **dict.fromkeys(("degree", "degrees", "deg", r"^\circ"), "degree"),
    **dict.fromkeys(("rad", "radian", "radians"), "radian"),
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres"), "mm"),
    **dict.fromkeys(("cm", "centimeter", "centimeters", "centimetre", "centimetres"), "cm"),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), "m"),
    **dict.fromkeys(("km", "kilometer", "kilometers", "kilometre", "kilometres"), "km"),
    **dict.fromkeys(("inch", "inches", "in"), "inch"),
    **dict.fromkeys(("foot", "feet", "ft"), "foot"),
    **dict.fromkeys(("yard", "yards", "yd"), "yard"),
    **dict.fromkeys(("mile", "miles", "mi"), "mile"),
    **dict.fromkeys(("unit", "units"), "unit"),
    # what is counted is no unit: `3 triangles` answers "how many?" as well as `3`
    **dict.fromkeys(("point", "segment", "line", "side", "angle", "triangle", "circle", "square"), "unit"),
    **dict.fromkeys(("points", "segments", "lines", "sides", "angles", "triangles", "circles", "squares"), "unit"),
}
_UNIT = re.compile(
    r"(?P<power>square |sq\.? |cubic )?(?P<unit>"
    + "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
    + r")(?:\s*\^?\s*\{?(?P<exponent>[23])\}?)?$"
)

# What an expression may consist of before math-verify sees it: the LaTeX of school geometry, and small.
_COMMANDS = {
    *("frac", "sqrt", "pi", "cdot", "times", "div", "pm", "infty", "le", "leq", "ge", "geq", "ne", "neq"),
    *("sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "log", "ln", "alpha", "beta", "gamma"),
    *("theta", "phi", "varphi", "lbrace", "rbrace", "cup", "cap", "in", "circ"),
}
_ALLOWED = re.compile(r"[0-9A-Za-z\\{}()\[\]+\-*/^_.,:=<>|' ]+")


def is_correct(prediction: str, answer: str, tolerance: float | None = None) -> bool:
    """Whether the last answer that `prediction` gives equals `answer`.

    Args:
        prediction: what the model wrote, a whole solution or an answer alone.
        answer: the gold answer, alone or in a `\\boxed{}`.
        tolerance: relative difference up to which numbers are taken as equal (0.01 accepts 3.46 for `2\\sqrt{3}`);
            None asks for the same value.
    """
    given, gold = extract_answer(prediction), extract_answer(answer) or answer
    if given is None or not gold.strip():
        return False
    if len(given) > MAX_ANSWER or len(gold) > MAX_ANSWER:
        return given == gold  # no value can be read from it, but a string is a string
    return _graded(given, gold, tolerance)


@lru_cache(maxsize=65_536)
def _graded(given: str, gold: str, tolerance: float | None) -> bool:
    try:
        judge = _Judge(tolerance, time.monotonic() + SECONDS)
        return judge.choices_agree(_canonical(given), _canonical(gold))
    except RecursionError:  # brackets in brackets in brackets
        return False


class _Judge:
    """One comparison: its tolerance and its deadline, which all values of the answer share."""

    def __init__(self, tolerance: float | None, until: float) -> None:
        self.tolerance, self.until = tolerance, until

    def choices_agree(self, given: str, gold: str) -> bool:
        """`(B) 8/11` is right by its letter or by its value, and wrong where what both state differs."""
        (given_letter, given_value), (gold_letter, gold_value) = _choice(given), _choice(gold)
        if not given_letter and not gold_letter:
            return self.answers_agree(given, gold)
        letters = given_letter == gold_letter if given_letter and gold_letter else None
        values = self.answers_agree(given_value, gold_value) if given_value and gold_value else None
        if given_letter and given_value and not gold_letter and _LETTERS.fullmatch(gold):
            letters, values = given_letter == gold, None  # the gold answer is a bare letter
        if gold_letter and gold_value and not given_letter and re.fullmatch(r"[A-Ha-h]", given):
            letters, values = given.upper() == gold_letter, None
        return False not in (letters, values) and True in (letters, values)

    def answers_agree(self, given: str, gold: str) -> bool:
        """One answer, which may consist of several values."""
        if _LETTERS.fullmatch(gold):
            return _names_agree(given, gold)
        (given_name, given), (gold_name, gold) = _left_side(given), _left_side(gold)
        if len(given_name) == len(gold_name) == 1 and given_name != gold_name:
            return False  # x = 2 is not y = 2; `AB = 5` and `BA = 5` are for the teacher to let pass
        return any(self.lists_agree(mine, theirs) for mine, theirs in product(_readings(given), _readings(gold)))

    def lists_agree(self, given: list[str], gold: list[str]) -> bool:
        """The same values in any order, each used once."""
        if len(given) != len(gold) or len(gold) > MAX_VALUES:
            return False
        rest = list(given)
        for value in gold:
            match = next((i for i, mine in enumerate(rest) if self.values_agree(mine, value)), None)
            if match is None:
                return False
            rest.pop(match)
        return True

    def values_agree(self, given: str, gold: str) -> bool:
        """One value or one ordered tuple."""
        if given.replace(" ", "") == gold.replace(" ", ""):
            return True
        mine, theirs = _tuple(given), _tuple(gold)
        if mine or theirs:
            same_shape = bool(mine and theirs) and (mine[0], len(mine[1])) == (theirs[0], len(theirs[1]))
            return same_shape and all(map(self.values_agree, mine[1], theirs[1]))
        (given, given_unit), (gold, gold_unit) = _unit(given), _unit(gold)
        if given_unit and gold_unit and given_unit != gold_unit:
            return False
        return any(self.scalars_agree(a, b) for a, b in product(_percent(given), _percent(gold)))

    def scalars_agree(self, given: str, gold: str) -> bool:
        """One number, expression or phrase without unit."""
        mine, theirs = _rational(given), _rational(gold)
        if mine is not None and theirs is not None:
            if mine.denominator == theirs.denominator == 1 and self.tolerance is None:
                return mine == theirs
            slack = CLOSE if self.tolerance is None else Fraction(self.tolerance)
            return abs(mine - theirs) <= slack * abs(theirs)
        if _is_small_formula(given) and _is_small_formula(gold):
            return symbolically_equal(given, gold, self.tolerance, self.until - time.monotonic())
        return bool(gold) and given.casefold() == gold.casefold()


def _names_agree(given: str, gold: str) -> bool:
    """Names of points and segments are exact, AB is not BA. Case is free for one letter (`answer: c`) and words."""
    given = _bare(_NOUN.sub("", _bare(given)))
    if len(gold) == 1 or any(letter.islower() for letter in gold):
        return given.casefold() == gold.casefold()
    return given == gold


def _canonical(answer: str) -> str:
    """Normalised, with degrees in the argument of a sine (`\\sin 30^\\circ`) as radians: there they are no unit."""
    function = r"(\\(?:sin|cos|tan|cot|sec|csc))\s*[({]?\s*(\d{1,6}(?:\.\d{1,6})?)\s*\^\\circ\s*[)}]?"
    return _bare(re.sub(function, r"\1(\2\\pi/180)", normalise(answer)))


def _bare(text: str) -> str:
    """Without brackets that enclose the whole of one value: `(40)`, `(C)`. Tuples and intervals keep theirs."""
    while len(text) > 2 and text[0] == "(" and text[-1] == ")" and not re.search(r"[(),\[\]]", text[1:-1]):
        text = text[1:-1].strip()
    return text


def _choice(text: str) -> tuple[str, str]:
    """Letter and value of a choice such as `(B) 8/11`, `B. 8/11`, `(B)`; no letter for anything else."""
    match = _CHOICE.fullmatch(text)
    return (match[1] or match[3], _bare((match[2] or match[4] or "").strip())) if match else ("", text)


def _left_side(text: str) -> tuple[str, str]:
    """Split `x = 5` and `AB = CD = 5` into the first name and the last value; keep other equations whole."""
    match = _LEFT_SIDE.match(text)
    value = text.rsplit("=", 1)[-1].strip()
    return (match[1].strip(), value) if match and value else ("", text)


def _readings(text: str) -> list[list[str]]:
    """The lists of values a text can mean: `1,000` is a number, or the values 1 and 000."""
    compact = _unit(text)[0]
    readings = [[compact.replace(",", "")]] if _THOUSANDS.fullmatch(compact) else []
    text = re.sub(r"^\\lbrace\s*(.*?)\s*\\rbrace$", r"\1", text)
    values = []
    for value in _split(text):
        signs = "+-" if value.count(r"\pm") == 1 else ""
        values += [value.replace(r"\pm", sign).replace("+ ", "+", 1).lstrip("+ ") for sign in signs] or [value]
    return [*readings, values]


def _split(text: str) -> list[str]:
    """Split at commas, semicolons, `and` and `or` outside brackets."""
    parts, depth, start = [], 0, 0
    for match in re.finditer(r"[(\[{]|[)\]}]|,|;|\b(?:and|or)\b", text):
        if match[0] in "([{":
            depth += 1
        elif match[0] in ")]}":
            depth -= 1
        elif depth <= 0:
            parts.append(text[start : match.start()])
            start = match.end()
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]


def _tuple(text: str) -> tuple[str, list[str]] | None:
    """Brackets and elements of `(1, 2)` or `[0, 3)`: ordered, unlike a list of values."""
    if len(text) < 5 or text[0] not in "([" or text[-1] not in ")]":
        return None
    elements = _split(text[1:-1])
    return (text[0] + text[-1], elements) if 1 < len(elements) <= MAX_VALUES else None


def _unit(text: str) -> tuple[str, str]:
    """Value and unit (`cm^2`, `degree`, or empty). A lone `m` behind a digit may be a variable: it wants a space."""
    match = _UNIT.search(text)
    if not match or not text[: match.start()].strip():
        return text, ""
    before, unit = text[: match.start()], match["unit"]
    if unit != r"^\circ" and (before[-1].isalpha() or before[-1] in "\\_{^" or (len(unit) == 1 and before[-1] != " ")):
        return text, ""
    power = match["exponent"] or {"s": "2", "c": "3"}.get((match["power"] or " ")[0], "")
    name = _UNITS[unit] + (f"^{power}" if power else "")
    return before.strip(), "" if name.startswith("unit") else name


def _percent(text: str) -> list[str]:
    """`50%` may stand for 50 (asked for a percentage) or for 0.5; the plain 50 only for itself."""
    if not text.endswith("%"):
        return [text]
    text = text[:-1].strip()
    number = _rational(text)
    return [text] if number is None else [text, f"{number.numerator}/{number.denominator * 100}"]


def _rational(text: str) -> Fraction | None:
    """An integer, decimal, fraction, mixed number or ratio (3:4 as 3/4), exactly; None for anything else."""
    text = text.strip()
    if ratio := _RATIO.fullmatch(text):
        return Fraction(ratio[1]) / Fraction(ratio[2]) if Fraction(ratio[2]) else None
    if _DECIMAL.fullmatch(text):
        return Fraction(text.rstrip("."))
    text = re.sub(r"^([+-])\s+", r"\1", text)
    match = _FRACTION.fullmatch(text)
    if not match:
        return None
    numerator = int(match["n1"] or match["n2"] or match["n3"])
    denominator = int(match["d1"] or match["d2"] or match["d3"])
    if denominator == 0:
        return None
    value = int(match["whole"] or 0) + Fraction(numerator, denominator)
    return -value if match["sign"] == "-" else value


def _is_small_formula(text: str) -> bool:
    """Whether math-verify may read it: known commands, few digits, low powers. Words are not products of letters."""
    if not _ALLOWED.fullmatch(text) or not set(re.findall(r"\\([A-Za-z]+)", text)) <= _COMMANDS:
        return False
    if re.search(r"\d{16}|(?<![\\A-Za-z])[A-Za-z]{4}", text) or text.count("^") > 8 or text.count("{") > 24:
        return False
    tower = r"\{[^{}]*\^[^{}]*\}\s*\^|\^\s*\{[^{}]*[\^(]|\)\s*\^[^)]*\)\s*\^|\^\s*\w+\s*\^"
    if re.search(tower, text):
        return False
    return all(int(power) <= MAX_POWER for power in re.findall(r"\^\s*\{?\s*-?\(?(\d+)", text))
