"""Is the response to a benchmark's question right? The rules by which each benchmark is graded here.

- Choices (GeoQA, We-Math, VisOnlyQA, most of MathVista and MATH-Vision): the letter that the response settles on,
  named by letter or by value (choices.py).
- Open questions: the last answer has the value of the gold answer (grading.py). Where the gold answer has several
  parts and the response gives each in a box of its own, the last boxes together are the answer.
- MathVista, decimals: gold answers are rounded, so a more precise answer is right if it rounds to them. The unit that
  a question asks for may be left out, but not be another. Lists have an order, whatever their brackets.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from evaluation.benchmarks.item import CHOICE, NUMBER, Item

from .answer_text import boxed_answers, extract_answer
from .brackets import split
from .choices import chosen_letter
from .equality import canonical
from .grading import says_the_same
from .values import split_unit


@dataclass(frozen=True)
class Verdict:
    """Whether a response is right, and the answer that was read out of it: the letter of a choice, or as written."""

    right: bool
    answer: str | None


Rule = Callable[[Item, str, float | None], Verdict]
"""Item, response, and the relative tolerance for the numbers of open questions (None asks for the same value)."""


def judge(item: Item, response: str, tolerance: float | None = None) -> Verdict:
    """The rule of all benchmarks that need no other."""
    if item.kind == CHOICE:
        letter = chosen_letter(response, item.choices or ())
        return Verdict(letter == item.answer, letter)
    return _judge_open(response, item.answer, tolerance)


def judge_mathvista(item: Item, response: str, tolerance: float | None = None) -> Verdict:
    """The rule of MathVista, by `answer_type`, `precision` and `unit`."""
    if item.kind == CHOICE:
        return judge(item, response, tolerance)
    answer_type, precision = item.groups.get("answer_type"), item.groups.get("precision", "")
    if answer_type == "list":
        answer = extract_answer(response)
        return Verdict(answer is not None and says_the_same(_as_tuple(answer), _as_tuple(item.answer)), answer)
    gold, unit = item.answer, item.groups.get("unit", "")
    if item.kind == NUMBER and unit and split_unit(canonical(f"{gold} {unit}"))[1]:
        gold = f"{gold} {unit}"
    decimals = int(precision) if answer_type == "float" and re.fullmatch(r"\d", precision) else None
    return _judge_open(response, gold, tolerance, decimals)


def _judge_open(response: str, gold: str, tolerance: float | None, decimals: int | None = None) -> Verdict:
    answer = extract_answer(response)
    if answer is None:
        return Verdict(False, None)
    num_parts, boxes = len(split(canonical(gold))), boxed_answers(response)
    if num_parts > 1 and len(boxes) >= num_parts and len(split(canonical(answer))) == 1:
        answer = ", ".join(boxes[-num_parts:])
    return Verdict(says_the_same(answer, gold, tolerance, decimals), answer)


def _as_tuple(text: str) -> str:
    """The same elements in round brackets: a list has an order whichever way it is written."""
    inner = canonical(text).removeprefix(r"\lbrace").removesuffix(r"\rbrace")
    return f"({inner.strip(' ()[]')})"


RULES: dict[str, Rule] = {"mathvista": judge_mathvista}
