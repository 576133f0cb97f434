"""What is read out of a text, whatever it holds; and correct answers stay right in every spelling, changed ones wrong.

What a teacher would say of single responses stands in cases.toml.
"""

import math
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.sources.answers import LETTERS
from evaluation.graders import extract_answer, is_correct
from evaluation.graders.answer_text import boxed_answers, normalise
from evaluation.graders.choices import chosen_letter


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"a \boxed{x^{2}} b", "x^{2}"),
        (r"\boxed{\boxed{4}}", "4"),
        (r"\boxed{1} \boxed{2", "1"),
        (r"cut off: \boxed{2", None),
        ("The answer is 7. It is prime.", "7"),
        ("There are 3 points", "3 points"),
        ("Answer: A or C", None),
        ("<Answer>: <<C>>", "C"),
        ("Answer: '40'", "40"),
        ("因此面积等于40平方厘米", "40平方厘米"),
        ("", None),
        (" \n\t", None),
    ],
)
def test_extracts_the_last_answer(text, answer):
    assert extract_answer(text) == answer


def test_boxes_in_order_and_the_inner_one_of_two():
    assert boxed_answers(r"\boxed{1} \boxed{\boxed{2}} \fbox{\frac{1}{3}} \boxed{") == ["1", "2", r"\frac{1}{3}"]
    assert boxed_answers("none") == []


def test_tolerance_is_asked_for():
    assert is_correct("3.46", r"2\sqrt{3}", tolerance=0.01)
    assert not is_correct("3.3", r"2\sqrt{3}", tolerance=0.01)
    assert is_correct("0.33", "1/3", tolerance=0.02)


def test_a_rounded_gold_answer_takes_more_digits():
    assert is_correct(r"2\sqrt{3}", "3.46", decimals=2)
    assert is_correct("3.464", "3.46", decimals=2)
    assert not is_correct("3.47", "3.46", decimals=2)


def test_grades_outside_the_main_thread():
    verdicts = []
    thread = threading.Thread(target=lambda: verdicts.append(is_correct(r"\sqrt{18}", r"3\sqrt{2}")))
    thread.start()
    thread.join(timeout=60)
    assert verdicts == [True]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.text(max_size=60))
def test_any_text_gets_a_verdict(prediction, answer):
    assert is_correct(prediction, answer) in (True, False)
    assert len(normalise(prediction).splitlines()) <= 1
    assert chosen_letter(prediction, (answer, "40")) in (None, "A", "B")


def dressed(value: str) -> list[str]:
    """An answer as responses state it."""
    return [value, f"\\boxed{{{value}}}", f"Answer: {value}", f"So the answer is ${value}$.", f"故答案为：{value}。"]


def fullwidth(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) if character.isdigit() else character for character in text)


def spelled(numerator: int, denominator: int) -> list[str]:
    """A fraction in its notations."""
    sign, above = "-" if numerator < 0 else "", abs(numerator)
    notations = [
        f"{numerator}/{denominator}",
        rf"{sign}\frac{{{above}}}{{{denominator}}}",
        rf"\dfrac{{{numerator}}}{{{denominator}}}",
        rf"{sign}\frac{{{above * 3}}}{{{denominator * 3}}}",
        f"{sign}{fullwidth(str(above))}/{fullwidth(str(denominator))}",
        f"{denominator}分之{'负' if sign else ''}{above}",
    ]
    if above > denominator and math.gcd(above, denominator) == 1 < denominator:
        whole, rest = divmod(above, denominator)
        notations.append(rf"{sign}{whole}\frac{{{rest}}}{{{denominator}}}")
    if 10**6 % denominator == 0:
        notations.append(f"{sign}{above * 10**6 // denominator / 10**6:.6f}")
    return notations


@settings(max_examples=80, deadline=None)
@given(st.data(), st.integers(-9999, 9999), st.integers(1, 999))
def test_a_fraction_is_right_in_every_notation_and_another_in_none(data, numerator, denominator):
    gold = data.draw(st.sampled_from(spelled(numerator, denominator)))
    assert is_correct(
        data.draw(st.sampled_from(dressed(data.draw(st.sampled_from(spelled(numerator, denominator)))))), gold
    )
    other = data.draw(st.integers(-9999, 9999).filter(lambda value: value != numerator))
    assert not is_correct(
        data.draw(st.sampled_from(dressed(data.draw(st.sampled_from(spelled(other, denominator)))))), gold
    )


def roots(factor: int, radicand: int) -> list[str]:
    return [
        rf"{factor}\sqrt{{{radicand}}}",
        f"{factor}√{radicand}",
        f"{factor}*sqrt({radicand})",
        rf"\sqrt{{{factor**2 * radicand}}}",
        f"{factor}根号{radicand}",
        rf"\frac{{{2 * factor}\sqrt{{{radicand}}}}}{{2}}",
    ]


@settings(max_examples=15, deadline=None)
@given(st.data(), st.integers(1, 12), st.sampled_from([2, 3, 5, 7]))
def test_a_root_is_right_in_every_notation_and_another_in_none(data, factor, radicand):
    gold, same = (data.draw(st.sampled_from(roots(factor, radicand))) for _ in range(2))
    assert is_correct(same, gold)
    assert not is_correct(data.draw(st.sampled_from(roots(factor + 1, radicand))), gold)
    assert not is_correct(str(factor * radicand), gold)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-999, 999), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_list_is_unordered_and_a_tuple_is_not(values, random):
    shuffled = random.sample(values, len(values))
    join = ", ".join
    assert is_correct(f"\\boxed{{{join(map(str, shuffled))}}}", join(map(str, values)))
    assert is_correct(f"\\boxed{{\\{{{join(map(str, shuffled))}\\}}}}", join(map(str, values)))
    if len(values) > 1:
        same = shuffled == values
        assert is_correct(f"\\boxed{{({join(map(str, shuffled))})}}", f"({join(map(str, values))})") is same


@settings(max_examples=40, deadline=None)
@given(st.integers(-99, 99), st.integers(1, 99), st.booleans(), st.booleans())
def test_an_interval_is_an_inequality_with_the_same_ends(low, width, closed_below, closed_above):
    high = low + width
    interval = f"{'(['[closed_below]}{low}, {high}{')]'[closed_above]}"
    below, above = (r"<\le "[is_closed : 1 + 4 * is_closed] for is_closed in (closed_below, closed_above))
    assert is_correct(f"Answer: {low} {below} x {above} {high}", interval)
    assert is_correct(interval, f"{low}{below}x{above}{high}")
    assert not is_correct(f"Answer: {low} {below} x {above} {high + 1}", interval)
    assert not is_correct(f"{'(['[not closed_below]}{low}, {high}{')]'[closed_above]}", interval)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.lists(st.integers(1, 180), min_size=2, max_size=5, unique=True))
def test_a_choice_is_read_by_letter_and_by_value(data, values):
    choices = [f"{value}°" for value in values]
    number = data.draw(st.integers(0, len(values) - 1))
    letter, value = LETTERS[number], values[number]
    ways = [
        f"({letter})",
        letter.lower(),
        f"{letter}. {value}°",
        f"({letter}) {value}",
        f"option {letter}",
        f"{value}",
    ]
    response = data.draw(st.sampled_from(dressed(data.draw(st.sampled_from(ways)))))
    assert chosen_letter(response, choices) == letter
    other = LETTERS[(number + 1) % len(values)]
    assert chosen_letter(f"Answer: ({other}) {value}", choices) is None
