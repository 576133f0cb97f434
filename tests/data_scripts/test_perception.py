"""Questions of perception: their answers on figures whose truth is known by heart, and on what the program draws."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from data_scripts.diagram import Circle, Diagram, Mark
from data_scripts.perception import KINDS, NAMES, NUMBER, PRINTED, YES_NO, ask_about
from data_scripts.sources.procedural import figure_at

# A right triangle ABC with its altitude AD, beside it a circle around O with P on it and Q in it.
FIGURE = Diagram(
    points={"A": (0, 0), "B": (6, 0), "C": (0, 8), "D": (3.84, 2.88), "O": (14, 4), "P": (17, 4), "Q": (14, 2.8)},
    segments=(("A", "B"), ("B", "C"), ("A", "C"), ("A", "D"), ("O", "P")),
    circles=(Circle("O", 3.0),),
    marks=(
        Mark("length", ("A", "B"), "6"),
        Mark("length", ("C", "A"), "2x+4"),
        Mark("angle", ("C", "B", "A"), "53°"),
        Mark("ticks", ("A", "B"), count=2),
        Mark("ticks", ("P", "O"), count=2),
    ),
)
TRUE = {
    "line_drawn": {"AB", "AC", "BC", "AD", "BD", "CD", "OP"},
    "right_angle": {"BAC", "ADB", "ADC"},
    "parallel_lines": {"AB OP"},
    "point_on_circle": {"OP"},
}
JOINED = {"A": "B, C, D", "B": "A, C, D", "C": "A, B, D", "D": "A, B, C", "O": "P", "P": "O"}


def asked(kind, diagram=FIGURE, draws=60):
    rng = np.random.default_rng(0)
    return [question for _ in range(draws) if (question := KINDS[kind](diagram, rng)) is not None]


def named(text):
    """What a question is about, the same from whichever side it is named: "AB", "BAC", "AB OP"."""
    pieces = re.findall(r"\b[A-Z]+\b", text)
    if all(len(piece) == 1 for piece in pieces):
        pieces = ["".join(pieces)]
    return " ".join(sorted(min(piece, piece[::-1]) for piece in pieces))


@pytest.mark.parametrize("kind", sorted(TRUE))
def test_yes_and_no_are_what_the_figure_shows(kind):
    questions = asked(kind)
    answers = {named(question.text): question.answer for question in questions}
    assert {question.judged_as for question in questions} == {YES_NO} and set(answers.values()) == {"yes", "no"}
    assert {what for what, answer in answers.items() if answer == "yes"} == TRUE[kind]
    counts = Counter(question.answer for question in questions)
    assert 0.3 < counts["yes"] / len(questions) < 0.7


def test_axes_are_straight_lines():
    """A line AB that meets the axes at P and Q, and the origin O."""
    points = {"O": (0, 0), "A": (-1, 6), "B": (3, -2), "P": (2, 0), "Q": (0, 4)}
    on_axes = Diagram(points=points, segments=(("A", "B"),), axes=True)
    answers = {named(question.text): question.answer for question in asked("line_drawn", on_axes)}
    assert {what for what, answer in answers.items() if answer == "no"} == {"AO", "BO"}
    answers = {named(question.text): question.answer for question in asked("joined_points", on_axes)}
    assert answers == {"O": "P, Q", "A": "B, P, Q", "B": "A, P, Q", "P": "A, B, O, Q", "Q": "A, B, O, P"}


def test_names_and_printed_values():
    for question in asked("joined_points"):
        assert (question.judged_as, question.answer) == (NAMES, JOINED[named(question.text)])
    found = {q.text.split(" of ")[-1]: (q.answer, q.judged_as) for q in asked("printed_length")}
    assert found == {"AB?": ("6", PRINTED), "AC?": ("2x+4", PRINTED)}
    assert {(q.answer, "∠ABC" in q.text) for q in asked("printed_angle")} == {("53°", True)}
    assert {(named(q.text), q.answer) for q in asked("same_ticks")} == {("AB", "OP"), ("OP", "AB")}
    assert {(q.judged_as, q.answer) for q in asked("number_of_points")} == {(NUMBER, "7")}


def test_what_the_figure_does_not_offer_is_not_asked():
    bare = Diagram(points={"A": (0, 0), "B": (4, 0)}, segments=(("A", "B"),))
    offered = {kind for kind in KINDS if asked(kind, bare, 3)}
    assert offered == {"line_drawn", "joined_points", "number_of_points"}
    twice = replace(FIGURE, marks=(Mark("length", ("A", "B"), "6"), Mark("length", ("B", "A"), "7")))
    assert asked("printed_length", twice, 3) == []
    nearly = Diagram(points={"A": (0, 0), "B": (4, 0), "C": (0.65, 4)}, segments=(("A", "B"), ("A", "C")))
    assert asked("right_angle", nearly, 3) == []  # 81 degrees: nobody should be asked to tell


def test_other_letters_give_other_answers():
    """The figure with A and C exchanged: what is asked about A now has C's old answer."""
    swap = str.maketrans("AC", "CA")
    other = FIGURE.relabel({"A": "C", "C": "A"})
    for kind in ("printed_length", "joined_points"):
        before = {named(q.text): q.answer for q in asked(kind)}
        after = {named(q.text.translate(swap)): q.answer.translate(swap) for q in asked(kind, other)}
        assert {what: sorted(answer) for what, answer in before.items()} == {w: sorted(a) for w, a in after.items()}


def test_procedural_figures_are_asked_about_alike_for_the_same_seed():
    kinds, answers = Counter(), Counter()
    for number in range(60):
        diagram = figure_at(3, "train", number)[1].diagram
        questions = ask_about(diagram, 3, np.random.default_rng(number))
        assert questions == ask_about(diagram, 3, np.random.default_rng(number))
        assert 1 <= len({q.kind for q in questions}) == len(questions) <= 3
        assert all("\\boxed{}" in q.prompt for q in questions)
        kinds.update(q.kind for q in questions)
        answers.update(q.answer for q in questions if q.judged_as == YES_NO)
    assert set(kinds) >= set(KINDS) - {"printed_length", "printed_angle", "same_ticks"}
    assert 0.25 < answers["yes"] / answers.total() < 0.75
