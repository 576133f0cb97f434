"""MATH-Vision as graded by its `evaluate.py`: phrases such as "the answer is", boxes, values rounded to two places.

The gold answer is the letter or the value of the choice. The answer is what stands in the last box, behind such a
phrase, or else in the whole response, lower-cased, behind its last "="; so 3.46 is 2\\sqrt{3}, units other than m^3,
km and "units" are wrong, and `(C) 45` is neither the letter nor the value.
"""

import re

from data_scripts.sources.answers import LETTERS
from evaluation.benchmarks.item import CHOICE, Item

from ..formulas import is_small_formula
from ..symbolic_equality import Budget, equal_when_rounded
from .verdict import OfficialVerdict

_PHRASES = ("the final answer is", "the answer is", "the correct answer is", "the answer should be")
_DROPPED = (
    *(" ", "\\,", "\n", "\\text", "\\mbox", "\\left", "\\right", "^{\\circ}", "^\\circ", "{m}^3", "m^3"),
    *("{units}", "units", "{km}", "km", "\\!", "\\$", "$", "\\%"),
)
_DECIMALS = 2


def verdict(item: Item, response: str) -> OfficialVerdict:
    """Right if the answer equals the letter or the value, as text or when rounded."""
    answer = _clean(_stated(response.strip()))
    for letter in "abcde":
        answer = answer.replace(f"({letter})", letter).replace(f"{{{letter}}}", letter)
    answer = answer.rstrip(".").lstrip(":").strip()
    golds = [item.answer]
    if item.kind == CHOICE:
        golds.append((item.choices or ())[LETTERS.index(item.answer)])
    budget = Budget()
    return OfficialVerdict(any(_equal(gold, answer, budget) for gold in golds), answer[:200])


def _stated(response: str) -> str:
    """What is stated: a letter at the start or end, a number behind "is", a box, or what follows a phrase."""
    for letter in "ABCDE":
        ends, starts = (f" {letter}.", f" ({letter})."), (f"{letter}\n", f"({letter})\n", f"({letter}) {letter}\n")
        if response.endswith(ends) or response.startswith(starts):
            response = letter
    if _is_number(number := response.rpartition("is ")[2].rstrip(".")):
        response = number
    if "oxed{" in response:
        return "\\boxed{" + response.rpartition("oxed{")[2]
    for phrase in _PHRASES:
        for spelling in (phrase, phrase.replace("the", "The")):
            if spelling in response:
                response = response.rpartition(spelling)[2].strip().split("\n")[0].split(". ")[0]
    return response


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _clean(text: str) -> str:
    """The content of the box, or the text itself, without LaTeX commands, degrees and a few units."""
    text = text.lower().replace("{}", "")
    start = text.rfind("oxed{")
    if start >= 0 and (end := text.rfind("}")) > start:
        text = text[start + len("oxed{") : end]
    closing, opening = text.find("}"), text.find("{")
    if closing >= 0 and (opening < 0 or closing < opening):
        text = text[:closing]
    text = text.rpartition("=")[2].rpartition("\\approx")[2].replace("∞", "\\infty").replace("+\\infty", "\\infty")
    text = text.replace("\\\\", "\\").replace("bmatrix", "pmatrix").replace("tfrac", "frac").replace("dfrac", "frac")
    for part in _DROPPED:
        text = text.replace(part, "")
    text = "0" + text if text.startswith(".") else text
    return re.sub(r"\\sqrt([^{])", r"\\sqrt{\1}", text)


def _equal(gold: str, answer: str, budget: Budget) -> bool:
    gold, answer = gold.lower().strip(), answer.lower().strip()
    if not gold or not answer:
        return False
    if gold == answer:
        return True
    mine, theirs = _elements(answer), _elements(gold)
    if mine and theirs and answer[0] + answer[-1] == gold[0] + gold[-1] and len(mine) == len(theirs):
        return all(a == b or _rounded_equal(a, b, budget) for a, b in zip(mine, theirs, strict=True))
    return not (mine or theirs) and _rounded_equal(answer, gold, budget)


def _elements(text: str) -> list[str]:
    """The elements of a tuple or list of at least two, else none."""
    is_list = len(text) < 200 and text[0] + text[-1] in ("()", "[]") and "," in text
    return text[1:-1].split(",") if is_list else []


def _rounded_equal(answer: str, gold: str, budget: Budget) -> bool:
    if len(answer) > 200 or not is_small_formula(answer) or not is_small_formula(gold):
        return False
    return equal_when_rounded(answer, gold, _DECIMALS, budget)
