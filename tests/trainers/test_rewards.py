r"""Rewards: what is right gets 1, what is not gets 0, and no text whatever is an error or takes long."""

import threading
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_scripts.perception import NAMES, NUMBER, PRINTED, YES_NO
from trainers.rewards import ANSWER, answer_reward, boxed, format_reward, is_right, perception_reward

TRUTHS = {ANSWER: "40", YES_NO: "yes", NAMES: "A, BC", PRINTED: "(2x+10)°", NUMBER: "7"}


@pytest.mark.parametrize(
    ("given_answer", "truth", "judged_as", "right"),
    [
        ("40", "40", ANSWER, True),
        (r"40^\circ", "40", ANSWER, True),
        (r"\text{40 degrees}", "40", ANSWER, True),
        (r"\frac{1}{2}", "0.5", ANSWER, True),
        (r"\sqrt{12}", r"2\sqrt{3}", ANSWER, True),
        (r"12\pi", r"\pi \cdot 12", ANSWER, True),
        ("(1, 2)", "(1,2)", ANSWER, True),
        ("(2, 1)", "(1, 2)", ANSWER, False),
        ("41", "40", ANSWER, False),
        ("-40", "40", ANSWER, False),
        ("", "40", ANSWER, False),
        ("BA", "AB", ANSWER, False),  # a name, not a product
        (r"\angle ABC", "∠ABC", ANSWER, True),
        ("∠ACB", "∠ABC", ANSWER, False),
        ("B", "B", ANSWER, True),
        ("Yes", "yes", YES_NO, True),
        ("yes or no", "yes", YES_NO, False),
        ("no", "yes", YES_NO, False),
        ("C, B and A", "A, B, C", NAMES, True),
        ("A, B", "A, B, C", NAMES, False),
        ("A, B, C, D", "A, B, C", NAMES, False),
        ("A, A", "A", NAMES, False),
        ("DC", "CD", NAMES, True),  # a segment is the same from either end
        ("2x+4", "2x+4", PRINTED, True),
        ("2(x+2)", "2x+4", PRINTED, True),
        ("53", "53°", PRINTED, True),
        ("7", "7", NUMBER, True),
        ("8", "7", NUMBER, False),
    ],
)
def test_right_and_wrong(given_answer, truth, judged_as, right):
    assert is_right(given_answer, truth, judged_as) is right


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"so \boxed{5}.", "5"),
        (r"\boxed{1} no, \boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{1} and \boxed{2", "1"),  # the last one that closes
        (r"\boxed{}", ""),
        ("5", None),
        (r"\boxed{", None),
    ],
)
def test_the_box(text, found):
    assert boxed(text) == found


def reward_all(text):
    """The rewards of one completion under every way of judging, as TRL asks for them."""
    kinds = list(TRUTHS)
    completions = [[{"role": "assistant", "content": text}]] * len(kinds)
    columns = {"answer": [TRUTHS[kind] for kind in kinds], "judged_as": kinds, "prompts": [None] * len(kinds)}
    return answer_reward(completions, **columns), perception_reward(completions, **columns)


def test_each_function_judges_its_own_rows():
    answers, perceived = reward_all(r"\boxed{40}")
    assert answers == [1.0, None, None, None, None] and perceived == [None, 0.0, 0.0, 0.0, 0.0]
    assert reward_all(r"\boxed{YES}")[1] == [None, 1.0, 0.0, 0.0, 0.0]
    assert answer_reward([r"\boxed{40}"], ["40"], [ANSWER]) == [1.0]  # plain strings, too
    assert format_reward([r"\boxed{4}", r"\boxed{4} \boxed{4}", "4", r"\boxed{}", [{"content": None}]]) == [
        1,
        0,
        0,
        0,
        0,
    ]
    with pytest.raises(ValueError, match="judged as answer, yes_no"):
        is_right("4", "4", "taste")


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_garbage_without_a_box_gets_nothing(text):
    text = text.replace("\\boxed", "")
    answers, perceived = reward_all(text)
    assert {*answers, *perceived} == {0.0, None} and format_reward([text]) == [0.0]


FORMULA = st.text(alphabet="0123456789^{}()\\+-*/.,=!xyπ√frac sqrtpi_", max_size=60)


@given(FORMULA)
@example("9" * 60)
@example("9^{9^{9^9}}")
@example("((9^9)^9)^9")
@example("(9^{99})^{99}")
@example(r"\frac{1}{0}")
@example(r"\sqrt{\sqrt{\sqrt{-1}}}")
@example("10000000!")
@example("{" * 40 + "}" * 40)
@example("__import__('os').system('true')")
@example(r"\int_0^{99} x^{99} dx")
@settings(max_examples=60, deadline=None)
def test_no_formula_is_an_error_or_takes_long(formula):
    start = time.process_time()
    answers, perceived = reward_all(rf"\boxed{{{formula}}}")
    assert {*answers, *perceived} <= {0.0, 1.0, None}
    assert time.process_time() - start < 5


def test_it_works_outside_the_main_thread():
    """TRL may score in a thread, where math-verify's alarm cannot ring."""
    found = []
    thread = threading.Thread(target=lambda: found.append(is_right(r"\sqrt{75}", r"5\sqrt{3}", ANSWER)))
    thread.start()
    thread.join(60)
    assert found == [True]
