"""Do two answers say the same? Compared part by part: choices, lists, tuples, units, numbers, formulas, names."""

import re
from fractions import Fraction
from itertools import product

from .answer_text import normalise
from .brackets import MAX_VALUES, bracketed, split
from .formulas import as_quotient, is_small_formula, with_products
from .left_sides import left_side, names_differ
from .symbolic_equality import Budget, symbolically_equal
from .values import Unit, percentages, ratio, rational, split_unit

CLOSE = Fraction(1, 10**6)  # relative: 0.3333333 for 1/3 is a way of writing, 0.33 is another number

_LETTERS = re.compile(r"[A-Za-z]+'*")
_NOUN = re.compile(
    r"^(?:the\s+)?(?:point|line segment|segment|line|side|ray|angle|triangle|vertex|circle|option|choice|点|线段|选项|"
    r"\\(?:angle|triangle|odot))(?:\s*)(?=[A-Za-z(]+'*\)?$)",
    re.I,
)
_ARTICLE = re.compile(r"^(?:the|an?)\s+(?=\w{3})", re.I)
_CHOICE = re.compile(r"\(([A-H])\)\s*(.*)|([A-H])[.):]\s*(.*)", re.S)
_SPACE = re.compile(r"(?<!\d) | (?!\d)")  # but not that of 3 1/2
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_SINE_OF_DEGREES = re.compile(
    r"(\\(?:sin|cos|tan|cot|sec|csc))\s*[({]?\s*(\d{1,6}(?:\.\d{1,6})?)\s*\^\\circ(?!\s*\d)\s*[)}]?"
)


def canonical(answer: str) -> str:
    """Normalised, with degrees in the argument of a sine (`\\sin 30^\\circ`) as radians: there they are no unit."""
    return _bare(_SINE_OF_DEGREES.sub(r"\1(\2\\pi/180)", normalise(answer)))


class Comparison:
    """How one pair of answers is compared. All its values share one budget for algebra.

    Args:
        tolerance: relative difference up to which numbers are equal.
        slack: absolute difference up to which numbers are equal. Without either they must have the same value.
    """

    def __init__(self, tolerance: float | None = None, slack: Fraction | None = None) -> None:
        self.tolerance, self.slack, self.budget = tolerance, slack, Budget()

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
        return any(self._lists_agree(mine, theirs) for mine, theirs in product(_readings(given), _readings(gold)))

    def _lists_agree(self, given: list[str], gold: list[str]) -> bool:
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
        """One value, tuple, interval, equation or name."""
        if _SPACE.sub("", given) == _SPACE.sub("", gold):
            return True
        if _LETTERS.fullmatch(gold):
            return _names_agree(given, gold)
        mine, theirs = bracketed(given), bracketed(gold)
        if mine or theirs:
            same = bool(mine and theirs) and mine.is_like(theirs)
            return same and all(map(self.values_agree, mine.elements, theirs.elements))
        (given_names, given_value), (gold_names, gold_value) = left_side(given), left_side(gold)
        if names_differ(given_names, gold_names):
            return False
        if self._measures_agree(given_value, gold_value):
            return True
        # y = 2x + 1 is 2x - y + 1 = 0
        return "=" in given and "=" in gold and self._formulas_agree(given, gold)

    def _measures_agree(self, given: str, gold: str) -> bool:
        """One number, expression or phrase, with or without unit. A unit may be left out, but not be wrong."""
        (given, given_unit), (gold, gold_unit) = split_unit(given), split_unit(gold)
        if given_unit and gold_unit and given_unit != gold_unit:
            factor = _conversion(given_unit, gold_unit)
            if factor is None:
                return False
            given = _times(factor, given)
        return any(self._scalars_agree(a, b) for a, b in product(percentages(given), percentages(gold)))

    def _scalars_agree(self, given: str, gold: str) -> bool:
        """One number, expression or phrase without unit."""
        mine, theirs = rational(given), rational(gold)
        if mine is not None and theirs is not None:
            exact = self.tolerance is None and self.slack is None
            if exact and mine.denominator == theirs.denominator == 1:
                return mine == theirs
            allowed = (CLOSE if exact else Fraction(self.tolerance or 0)) * abs(theirs)
            return abs(mine - theirs) <= max(allowed, self.slack or 0)
        if (mine := ratio(given)) and (theirs := ratio(gold)):
            return len(mine) == len(theirs) and all(
                a * theirs[0] == b * mine[0] for a, b in zip(mine, theirs, strict=True)
            )
        if self._formulas_agree(given, gold):
            return True
        return bool(gold) and _words(given) == _words(gold)

    def _formulas_agree(self, given: str, gold: str) -> bool:
        given, gold = (with_products(as_quotient(text)) for text in (given, gold))
        if not is_small_formula(given) or not is_small_formula(gold):
            return False
        slack = None if self.slack is None else float(self.slack)
        return symbolically_equal(given, gold, self.tolerance, slack, self.budget)


def _names_agree(given: str, gold: str) -> bool:
    """Names of points and segments are exact, AB is not BA. Case is free for one letter (`answer: c`) and words."""
    given = _words(_bare(_NOUN.sub("", _bare(given))))
    if len(gold) == 1 or any(letter.islower() for letter in gold):
        return given.casefold() == gold.casefold()
    return given == gold


def _words(text: str) -> str:
    """Without an article in front; case is free in words, and kept in names such as AB."""
    text = _ARTICLE.sub("", text)
    return text if len(text) <= 3 else text.casefold()


def _bare(text: str) -> str:
    """Without brackets that enclose the whole of one value: `(40)`, `(C)`. Tuples and intervals keep theirs."""
    while len(text) > 2 and text[0] == "(" and text[-1] == ")" and not re.search(r"[(),\[\]]", text[1:-1]):
        text = text[1:-1].strip()
    return text


def _choice(text: str) -> tuple[str, str]:
    """Letter and value of a choice such as `(B) 8/11`, `B. 8/11`, `(B)`; no letter for anything else."""
    match = _CHOICE.fullmatch(text)
    return (match[1] or match[3], _bare((match[2] or match[4] or "").strip())) if match else ("", text)


def _readings(text: str) -> list[list[str]]:
    """The lists of values a text can mean: `1,000` is a number, or the values 1 and 000."""
    compact = split_unit(text)[0]
    readings = [[compact.replace(",", "")]] if _THOUSANDS.fullmatch(compact) else []
    text = re.sub(r"^\\lbrace\s*(.*?)\s*\\rbrace$|^\{([^{}]*)\}$", r"\1\2", text)
    values = []
    for value in split(text):
        signs = "+-" if value.count(r"\pm") == 1 else ""
        values += [value.replace(r"\pm", sign).replace("+ ", "+", 1).lstrip("+ ") for sign in signs] or [value]
    return [*readings, values]


def _conversion(given: Unit, gold: Unit) -> str | None:
    """What a value of one unit is multiplied by to be one of the other, as LaTeX; None if there is no such number."""
    dimensions = given[0], gold[0]
    if dimensions[0] == dimensions[1]:
        factor = given[1] / gold[1]
        return rf"\frac{{{factor.numerator}}}{{{factor.denominator}}}"
    return {("radian", "angle"): r"\frac{180}{\pi}", ("angle", "radian"): r"\frac{\pi}{180}"}.get(dimensions)


def _times(factor: str, value: str) -> str:
    """A product as text, worked out where both are plain numbers."""
    mine, theirs = rational(factor), rational(value)
    if mine is None or theirs is None:
        return f"{factor}({value})"
    return f"{(mine * theirs).numerator}/{(mine * theirs).denominator}"
