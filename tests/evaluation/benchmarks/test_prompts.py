"""Every benchmark words its questions as its file says, with nothing of one item in another."""

import pytest

from evaluation.benchmarks import BENCHMARKS, Item
from evaluation.benchmarks.prompts import render, template_text

LETTER, BOX = "Put the letter of the right choice in \\boxed{}.", "Put the final answer in \\boxed{}."


def choice(choices: tuple[str, ...], **groups: str) -> Item:
    return Item("1", "How long is AB?", (), choices, "A", "choice", groups)


def number(**groups: str) -> Item:
    return Item("1", "How long is AB?", (), None, "4", "number", groups)


@pytest.mark.parametrize("name", ["geoqa", "we_math", "mathvista", "mm_math", "math_vision", "visonlyqa"])
def test_choices_stand_under_the_question(name):
    first, *between, last = BENCHMARKS[name].prompt(choice(("3 cm", "4 cm"))).splitlines()
    if first != "How long is AB?":
        assert name in ("visonlyqa",)
    assert last == LETTER and between[:2] == ["(A) 3 cm", "(B) 4 cm"] and len(between) <= 3


@pytest.mark.parametrize(
    ("item", "between"),
    [
        (number(), []),
        (number(answer_type="integer"), ["The answer is a whole number."]),
        (number(answer_type="float", precision="2"), ["The answer is a decimal number, rounded to 2 places."]),
        (
            number(answer_type="float", precision="1", unit="cm"),
            ["The answer is a decimal number, rounded to 1 place. Its unit is cm."],
        ),
        (number(answer_type="list"), ["The answer is a list of numbers, such as [1, 2, 3]."]),
        (number(unit="m"), ["Its unit is m."]),
    ],
)
def test_mathvista_says_what_kind_of_answer_it_wants(item, between):
    assert BENCHMARKS["mathvista"].prompt(item).splitlines() == ["How long is AB?", *between, BOX]


def test_choices_that_the_figure_shows():
    drawn = BENCHMARKS["math_vision"].prompt(choice(("A", "B", "C")))
    assert drawn.splitlines() == ["How long is AB?", "The figure shows the choices A, B and C.", LETTER]
    assert BENCHMARKS["math_vision"].prompt(number()).splitlines() == ["How long is AB?", BOX]


def test_what_looks_like_a_template_in_a_question_is_text():
    item = Item("1", "Is {{ 7 * 7 }} {% x %} right?", (), None, "4", "number")
    assert render(template_text("geoqa"), item) == f"Is {{{{ 7 * 7 }}}} {{% x %}} right?\n{BOX}"
