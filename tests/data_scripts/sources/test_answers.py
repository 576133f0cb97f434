"""Answers and questions out of texts, in the forms that data sets use."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.sources import answers
from data_scripts.sources.answers import boxed, choice_at, stated_answer, unboxed, with_choices, without_statement
from data_scripts.sources.conversations import first_exchange, question_and_choices, split_choices
from data_scripts.sources.records import BadRow


@pytest.mark.parametrize(
    "solution, answer",
    [
        (r"So $x = \boxed{\frac{1}{2}}$.", r"\frac{1}{2}"),
        (r"(1) \boxed{30^\circ}. (2) Hence \boxed{5}, that is \boxed{5}.", r"30^\circ, 5"),
        (r"\boxed{\text{\boxed{7}}}", "7"),
        ("AC is 3.\nAnswer:C", "C"),
        ("AC is 3.\nAnswer: (C) 40°", "(C) 40°"),
        ("Therefore, the answer is 11.0.", "11.0"),
        ("Therefore the correct answer is option B.", "B"),
        ("Thus option D is selected.", "D"),
        ("Option A is correct only if AB = 3. Answer: C", "C"),
        ("所以 AC = 3, 故选：C。", "C"),
        ("故答案为：30°。", "30°"),
        ("答案:C", "C"),
        ("First the answer is 3. No: the answer is 4.", "4"),
        (r"An open box \boxed{3", None),
        (r"\boxed{}", None),
        ("本题有四个选项。", None),
        ("The answer is found by adding the two sides of the triangle that meet in A to one another", None),
        ("AC is twice AB.", None),
        ("", None),
    ],
)
def test_stated_answer(solution, answer):
    assert stated_answer(solution) == answer


@pytest.mark.parametrize(
    "answer, choices, expected",
    [
        ("7", (), "7"),
        ("B", ("30", "40"), "(B) 40"),
        ("(B)", ("30", "40"), "(B) 40"),
        ("B.", ("30", "40"), "(B) 40"),
        ("B: 40", ("30", "40"), "(B) 40"),
        ("B because AB = CD", ("30", "40"), "(B) 40"),
        (r"\text{B}", ("30", "40"), "(B) 40"),
        ("40", ("30", "40"), "(B) 40"),
        ("40°", ("30°", "40 degrees"), "(B) 40 degrees"),
        ("B 30", ("30", "40"), None),
        ("50", ("30", "40"), None),
        ("C", ("30", "40"), None),
        ("40", ("40", "40"), None),
        ("9", tuple("123456789"), None),  # beyond the letters
        ("AB", ("AC", "AB"), "(B) AB"),
        ("A B", ("AC", "AB"), "(B) AB"),
    ],
)
def test_with_choices(answer, choices, expected):
    assert with_choices(answer, choices) == expected


@pytest.mark.parametrize("index, expected", [(1, "(B) y"), ("0", "(A) x"), (1.0, "(B) y"), (2, None), (-1, None)])
def test_choice_at(index, expected):
    assert choice_at(index, ("x", "y")) == expected


@pytest.mark.parametrize("index", [None, True, "B", "", [0]])
def test_what_is_no_position(index):
    assert choice_at(index, ("x", "y")) is None


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text(alphabet="ab{}\\ \n", max_size=30), st.text(alphabet="xy12", min_size=1, max_size=5))
def test_a_box_is_found_wherever_it_stands(before, content):
    text = f"{before.rstrip(chr(92))} \\boxed{{{content}}}"
    assert boxed(text)[-1][2] == content
    assert not boxed(unboxed(text))


def test_statement_and_boxes_leave_the_steps():
    text = "AB = 3, so AC = \\boxed{\\sqrt{2}}.\n\n**Answer:** C\n"
    assert without_statement(text) == "AB = 3, so AC = \\sqrt{2}."
    assert without_statement("Answer: C") == without_statement("\\boxed{3}") == ""
    assert (
        without_statement("AB = 3. \\boxed{3}.")
        == without_statement("AB = $\\boxed{3}$.").replace("$", "")
        == "AB = 3."
    )
    assert without_statement("It is 3.\nThis is choice (B). \\boxed{B}") == "It is 3."
    long = "Answer: " + "x" * answers.MAX_ANSWER
    assert without_statement(long) == long


@pytest.mark.parametrize(
    "asked, expected",
    [
        ("<image>\nReason first.\nQuestion:Find x.\nChoices:\nA:40°\nB:60°", ("Find x.", ("40°", "60°"))),
        ("Question: Find x.\nChoices: A. 1 B. 2 C. 3 D. 4", ("Find x.", ("1", "2", "3", "4"))),
        ("Find x.\n(A) 1\n(B) 2", ("Find x.", ("1", "2"))),
        ("求 x.\n选项：\nA．1\nB．2".replace("．", "."), ("求 x.", ("1", "2"))),
        ("Find x.\n<image>", ("Find x.", ())),
        ("Find x.\n(A) 1\n(B) 2\nAnswer by the letter.", ("Find x.", ("1", "2"))),
        ("Find x.\nChoices:\nA: 1\nC: 2", ("Find x.\nChoices:\nA: 1\nC: 2", ())),
        ("In △ABC, AB = 3. Find B.", ("In △ABC, AB = 3. Find B.", ())),
    ],
)
def test_question_and_choices(asked, expected):
    assert question_and_choices(asked) == expected


def test_choices_in_one_line():
    assert split_choices("A. 3; B. 8/11; C. no correct answer") == ("3", "8/11", "no correct answer")
    assert split_choices("A. 3; B. ") == split_choices("x A. 3 B. 4") == split_choices("") == ()


SAID = [{"from": "human", "value": "<image>\nAsk."}, {"from": "gpt", "value": "Say."}]


@pytest.mark.parametrize(
    "conversations",
    [
        SAID,
        [{"from": "humam", "value": "Ask."}, {"from": "gpt", "value": "Say."}],
        [{"from": "system", "value": "Be good."}, *SAID, {"from": "gpt", "value": "More."}],
        [{"role": "user", "content": "Ask."}, {"role": "assistant", "content": "Say."}],
        {"from": ["human", "gpt"], "value": ["Ask.", "Say."]},
        '[{"from": "human", "value": "Ask."}, {"from": "gpt", "value": "Say."}]',
    ],
)
def test_conversations(conversations):
    assert first_exchange(conversations) == ("Ask.", "Say.")


@pytest.mark.parametrize(
    "conversations", [None, "no JSON", 3, [], [1, None], [{"from": "human", "value": "Ask."}], {}]
)
def test_no_conversation(conversations):
    with pytest.raises(BadRow):
        first_exchange(conversations)
