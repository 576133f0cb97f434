"""Multiple choice: four different values, one of them right, its letter uniform."""

from collections import Counter

import numpy as np
import pytest

from data_scripts.questions import INSTRUCTION, KINDS, draw_question
from data_scripts.questions.choices import CHOICE_INSTRUCTION, LETTERS, Posed, pose
from data_scripts.questions.question import answer_text
from evaluation.graders import extract_answer, is_correct

# their answers are letters of points, or too few parts of the figure could be it
ALWAYS_OPEN = {"right_vertex", "equal_side", "parallel_side", "midpoint_name", "largest_angle", "side_by_angles"}


def posed(kind: str, seed: int, share: float) -> Posed:
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    return pose(draw_question(kind, rng), rng, share)


@pytest.mark.parametrize("kind", KINDS)
def test_choices_differ_in_value_and_hold_the_right_one_once(kind):
    put = posed(kind, 1, 1.0)
    if kind in ALWAYS_OPEN:
        assert put.choices == () and put.answer == put.value
        return
    assert len(put.choices) == len(set(put.choices)) == 4
    assert put.answer in LETTERS and put.choices[LETTERS.index(put.answer)] == put.value
    right = [is_correct(f"\\boxed{{{choice}}}", put.value) for choice in put.choices]
    assert right.count(True) == 1, put.choices
    assert all(f"\n({letter}) {choice}" in put.prompt for letter, choice in zip(LETTERS, put.choices, strict=True))
    assert put.prompt.endswith(CHOICE_INSTRUCTION)
    assert put.completion.endswith(f"This is choice ({put.answer}). \\boxed{{{put.answer}}}")
    assert extract_answer(put.completion) == put.answer


@pytest.mark.parametrize("kind", KINDS)
def test_open_questions_box_the_value(kind):
    put = posed(kind, 2, 0.0)
    if kind == "right_angle_name":  # "which of these" needs choices
        assert len(put.choices) == 4
        return
    assert put.choices == () and put.answer == put.value
    assert put.prompt.endswith(INSTRUCTION) and put.completion.endswith(f"\\boxed{{{put.value}}}")
    assert is_correct(put.completion, put.value)


def test_the_letter_of_the_right_choice_is_uniform():
    kinds = [kind for kind in KINDS if kind not in ALWAYS_OPEN]
    letters = Counter(posed(kind, seed, 1.0).answer for kind in kinds for seed in range(8))
    expected = sum(letters.values()) / len(LETTERS)
    chi_square = sum((letters[letter] - expected) ** 2 / expected for letter in LETTERS)
    assert chi_square < 11.3  # 1% of uniform draws with 3 degrees of freedom lie above


def test_the_share_of_questions_with_choices_is_the_one_asked_for():
    put = [posed("hypotenuse", seed, 0.3) for seed in range(300)]
    assert 0.22 < sum(bool(p.choices) for p in put) / len(put) < 0.38


def test_wrong_choices_are_possible_values():
    for kind in KINDS:
        rng = np.random.default_rng(3)
        question = draw_question(kind, rng)
        put = pose(question, rng, 1.0)
        if question.draft.asked.unit == "°":
            assert all(0 < float(choice) < 180 for choice in put.choices)
        if not isinstance(question.draft.value, str):
            assert answer_text(question.draft.value, question.draft.asked.unit) == question.answer
        if not question.draft.asked.signed:
            assert not any(choice.startswith("-") for choice in put.choices)


def test_the_same_generator_poses_the_same_question():
    assert posed("leg", 5, 0.5) == posed("leg", 5, 0.5)
