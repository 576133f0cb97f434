"""MathVista as graded by its `extract_answer.py` and `calculate_score.py`.

A language model takes the answer out of the response, unless the response is nothing but one. What it gives is brought
into the form of the gold answer and compared as text: the nearest choice by edit distance, so that any response to a
question with choices gets one; whole numbers by cutting off decimals, so that 30.9 is 30; decimals by rounding. Roots,
fractions and units are wrong.
"""

import re

from data_scripts.sources.answers import LETTERS
from evaluation.benchmarks.item import CHOICE, Item

from ..answer_text import extract_answer
from .verdict import OfficialVerdict

MAX_LENGTH = 500  # of an answer whose distance to the choices is measured


def verdict(item: Item, response: str) -> OfficialVerdict:
    """Extract, bring into form, compare. A response that is no bare answer is `by_model`."""
    answer_type = item.groups.get("answer_type", "")
    extraction = _bare(item, response, answer_type)
    by_model = extraction is None
    if extraction is None:
        extraction = extract_answer(response) or ""
    gold = item.answer
    if item.kind == CHOICE:
        answer = _choice(extraction, item.choices or ())
        gold = (item.choices or ())[LETTERS.index(item.answer)]
    elif answer_type in ("integer", "float"):
        answer = _number(extraction, answer_type, item.groups.get("precision", ""))
    else:
        answer = extraction
    return OfficialVerdict(answer == gold, answer, by_model)


def _bare(item: Item, response: str, answer_type: str) -> str | None:
    """The extraction where the script needs no language model, else None."""
    if not response or (item.kind == CHOICE and response in (item.choices or ())):
        return response
    try:
        if answer_type == "integer":
            return str(int(response))
        if answer_type == "float":
            return str(float(response))
    except ValueError:
        pass
    return None


def _choice(extraction: str, choices: tuple[str, ...]) -> str:
    """The choice of the letter in brackets, of the letter alone, or the one that is nearest as text."""
    extraction = extraction.strip()
    if found := re.search(r"\(([a-zA-Z])\)", extraction):
        extraction = found[1].upper()
    if len(extraction) == 1 and extraction in LETTERS[: len(choices)]:
        return choices[LETTERS.index(extraction)]
    return min(choices, key=lambda choice: _distance(extraction[:MAX_LENGTH], choice[:MAX_LENGTH]))


def _number(extraction: str, answer_type: str, precision: str) -> str | None:
    try:
        value = float(extraction)
        return str(int(value)) if answer_type == "integer" else str(round(value, int(precision)))
    except (ValueError, OverflowError):
        return None


def _distance(a: str, b: str) -> int:
    """Levenshtein's: insertions, deletions and replacements that turn one text into the other."""
    row = list(range(len(b) + 1))
    for i, mine in enumerate(a, start=1):
        diagonal, row[0] = row[0], i
        for j, theirs in enumerate(b, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (mine != theirs))
    return row[-1]
