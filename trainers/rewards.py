r"""Rewards that can be verified: is what stands in the `\boxed{}` right?

`answer_reward` judges the answer of a worked question by its value, with math-verify; `perception_reward` judges what
was read off a figure, whose program knows the truth (`data_scripts.perception`); `format_reward` says whether there is
one box. Each returns 1.0 or 0.0 per completion, and None for rows that are not its own, as TRL's GRPOTrainer takes it.

Promises: no completion, whatever is in it, raises or takes longer than a few seconds: math-verify sees small
formulas only, through its LaTeX grammar (its reader of plain text ends in `eval`).
"""

import re
import threading
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

from math_verify import LatexExtractionConfig, parse, verify

from data_scripts.perception import NAMES, NUMBER, PRINTED, YES_NO

ANSWER = "answer"  # judged by value: the answer of a worked question
JUDGED_AS = (ANSWER, YES_NO, NAMES, PRINTED, NUMBER)
MAX_ANSWER = 80  # characters
SECONDS = 2  # for each of math-verify's steps

BOX = r"\boxed{"
SMALL = re.compile(r"[0-9A-Za-z\\{}()+\-*/^_.,:= ]+")
COMMANDS = {
    "frac",
    "dfrac",
    "tfrac",
    "sqrt",
    "pi",
    "cdot",
    "times",
    "pm",
    "circ",
    "left",
    "right",
    "sin",
    "cos",
    "tan",
}
LARGE = re.compile(r"\d{10}|\^[^A-Za-z+\-]*\d{3}|\^\{[^{}]*\^|[A-Za-z]{5}")
MAX_DEPTH = 6  # brackets within brackets: the grammar's time doubles with each
MAX_POWERS = 2  # in one formula: powers of powers of powers have millions of digits
NOISE = re.compile(r"\\(?:text|mathrm|mathbf)\{([^{}]*)\}|\\[,;! ]|\$|\\left|\\right|~")
DEGREE = re.compile(r"\^\{?\\circ\}?|\\degree|°|\bdegrees?\b")


def boxed(text: str) -> str | None:
    r"""What stands in the last `\boxed{}` whose brackets close, or None."""
    start = text.rfind(BOX)
    while start >= 0:
        depth = 0
        for end in range(start + len(BOX) - 1, len(text)):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            if depth == 0:
                return text[start + len(BOX) : end].strip()
        start = text.rfind(BOX, 0, start)
    return None


def plain(answer: str) -> str:
    """Without what changes neither value nor name: spacing, text commands, dollar signs, degree signs."""
    answer = NOISE.sub(lambda match: match[1] or "", answer)
    answer = DEGREE.sub("", answer).replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac")
    return re.sub(r"\s+", "", answer).rstrip(".")


def is_small(formula: str) -> bool:
    """Whether math-verify may look at it: known commands, few digits, no towers of powers or brackets."""
    commands = set(re.findall(r"\\([A-Za-z]+)", formula))
    rest = re.sub(r"\\[A-Za-z]+", "", formula)
    return (
        bool(SMALL.fullmatch(formula))
        and commands <= COMMANDS
        and not LARGE.search(rest)
        and formula.count("^") <= MAX_POWERS
        and max(accumulate((c in "{(") - (c in "})") for c in formula), default=0) <= MAX_DEPTH
    )


@lru_cache(maxsize=65_536)
def same_value(given: str, truth: str) -> bool:
    """Whether two answers, already `plain`, have the same value."""
    if given == truth:
        return True
    if not (is_small(given) and is_small(truth)):
        return False
    # math-verify's alarm works in the main thread only; elsewhere the formulas being small has to do.
    seconds = SECONDS if threading.current_thread() is threading.main_thread() else None
    reader = [LatexExtractionConfig()]
    try:
        mine, theirs = (parse(f"${text}$", reader, parsing_timeout=seconds) for text in (given, truth))
        return bool(mine and theirs) and bool(verify(theirs, mine, timeout_seconds=seconds))
    except Exception:  # sympy raises anything on odd formulas; the model's text is no reason to end a training
        return False


def _is_name(answer: str) -> bool:
    """Whether an answer names points: AB is not B times A."""
    return bool(re.fullmatch(r"(?:∠|△|\\angle|\\triangle)?[A-Z]{1,6}", answer))


def _names(answer: str) -> list[str]:
    """The names of a list; a segment is the same from either end."""
    parts = re.split(r",|;|and", answer)
    return sorted("".join(sorted(part)) if len(part) == 2 else part for part in parts if part)


def is_right(given: str | None, truth: str, judged_as: str) -> bool:
    """Whether what stands in the box is the answer.

    Raises:
        ValueError: if the row is not judged as one of `JUDGED_AS`: a defect of the data, not of the completion.
    """
    if judged_as not in JUDGED_AS:
        raise ValueError(f"Rows are judged as {', '.join(JUDGED_AS)}, not as {judged_as!r}: build them again.")
    if given is None or len(given) > MAX_ANSWER:
        return False
    given, truth = plain(given), plain(truth)
    if judged_as == YES_NO:
        return given.lower() == truth.lower()
    if judged_as == NAMES:
        return _names(given) == _names(truth)
    if _is_name(truth):
        return given.replace(r"\angle", "∠").replace(r"\triangle", "△") == truth
    return same_value(given, truth)


def _said(completion: str | list[dict[str, str]]) -> str:
    """The text of a completion, which TRL gives as a string or as messages."""
    return completion if isinstance(completion, str) else completion[-1]["content"] or ""


def _judge(completions: Sequence, answer: list[str], judged_as: list[str], own: Sequence[str]) -> list[float | None]:
    return [
        float(is_right(boxed(_said(completion)), truth, kind)) if kind in own else None
        for completion, truth, kind in zip(completions, answer, judged_as, strict=True)
    ]


def answer_reward(
    completions: Sequence, answer: list[str], judged_as: list[str], **kwargs: object
) -> list[float | None]:
    """1.0 where the boxed answer has the value of the true one, None for questions of perception."""
    return _judge(completions, answer, judged_as, (ANSWER,))


def perception_reward(
    completions: Sequence, answer: list[str], judged_as: list[str], **kwargs: object
) -> list[float | None]:
    """1.0 where the box holds what the figure shows, None for worked questions."""
    return _judge(completions, answer, judged_as, JUDGED_AS[1:])


def format_reward(completions: Sequence, **kwargs: object) -> list[float]:
    """1.0 where there is one box with something in it, whatever it is."""
    return [float(_said(c).count(BOX) == 1 and bool(boxed(_said(c)))) for c in completions]


REWARDS = (answer_reward, perception_reward, format_reward)
