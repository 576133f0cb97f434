"""How a question is put: open, or with four choices of which one is right.

The wrong choices are typical errors of the question's kind (the supplement, a half forgotten, sides added instead of
Pythagoras' theorem), filled up with neighbouring values. All four differ in value, and the letter of the right one is
uniform, whatever the question.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sympy

from .question import Draft, Question, answer_text, numbers_of

LETTERS = "ABCD"
INSTRUCTION = "Put the final answer in \\boxed{}."
CHOICE_INSTRUCTION = "Put the letter of the right choice in \\boxed{}."
APART = 1e-3  # relative difference below which two choices would be the same number to a reader
FACTORS = tuple(sympy.Rational(*f) for f in ((2, 1), (1, 2), (3, 2), (2, 3), (3, 1), (4, 3), (3, 4), (5, 4), (4, 5)))


@dataclass(frozen=True)
class Posed:
    """A question as it is put to a model, and its solution as the model should give it."""

    prompt: str
    completion: str
    answer: str  # what stands in the box: the value, or the letter of the right choice
    value: str  # the value either way
    choices: tuple[str, ...] = ()


def pose(question: Question, rng: np.random.Generator, multiple_choice: float) -> Posed:
    """Put a question with four choices, at the rate `multiple_choice`, or openly.

    A question with too few plausible errors, such as one for a vertex of a triangle, is always open; one that asks
    "which of these" is never.
    """
    with_choices = rng.random() < multiple_choice
    wrong = wrong_choices(question.draft, rng) if with_choices or question.draft.asked.choices_only else []
    if len(wrong) < len(LETTERS) - 1:
        completion = f"{question.steps} \\boxed{{{question.answer}}}"
        return Posed(f"{question.text} {INSTRUCTION}", completion, question.answer, question.answer)
    right = int(rng.integers(len(LETTERS)))
    values = [*wrong[:right], question.answer, *wrong[right:]]
    listed = "\n".join(f"({letter}) {value}" for letter, value in zip(LETTERS, values, strict=True))
    letter = LETTERS[right]
    completion = f"{question.steps} This is choice ({letter}). \\boxed{{{letter}}}"
    return Posed(
        f"{question.text}\n{listed}\n{CHOICE_INSTRUCTION}", completion, letter, question.answer, tuple(values)
    )


def wrong_choices(draft: Draft, rng: np.random.Generator) -> list[str]:
    """Three wrong answers in random order, or fewer where that many plausible ones do not exist."""
    if isinstance(draft.value, str):
        names = [name for name in dict.fromkeys(draft.wrong) if name != draft.value]
        return [names[i] for i in rng.permutation(len(names))[: len(LETTERS) - 1]]
    kept: list[sympy.Basic] = []
    for value in _candidates(draft, rng):
        if len(kept) == len(LETTERS) - 1:
            break
        if _plausible(value, draft) and all(_apart(value, other) for other in (draft.value, *kept)):
            kept.append(value)
    return [answer_text(kept[i], draft.asked.unit) for i in rng.permutation(len(kept))]


def _candidates(draft: Draft, rng: np.random.Generator) -> Iterator[sympy.Basic]:
    """Typical errors first, then neighbours of the right value."""
    yield from map(sympy.sympify, draft.wrong)
    value = draft.value
    if isinstance(value, sympy.Tuple):
        return
    near = [value * factor for factor in FACTORS]
    if draft.asked.unit == "°":
        near = [value + step for step in (-10, -5, 5, 10, 15, -15)]
    elif value.is_Rational:
        near = [value + step for step in (1, -1, 2, -2, 3)] + near
    yield from (near[i] for i in rng.permutation(len(near)))


def _plausible(value: sympy.Basic, draft: Draft) -> bool:
    """Whether the value could be an answer at all: lengths are positive, angles below 180°."""
    numbers = numbers_of(value)
    return draft.asked.signed or bool((numbers > 0).all() and (draft.asked.unit != "°" or (numbers < 180).all()))


def _apart(first: sympy.Basic, second: sympy.Basic) -> bool:
    p, q = numbers_of(first), numbers_of(second)
    return bool(np.abs(p - q).max() > APART * max(1.0, np.abs(p).max(), np.abs(q).max()))
