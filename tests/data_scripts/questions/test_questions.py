"""All kinds of questions over several seeds: answers that the coordinates confirm, steps that are true as written."""

import re
from functools import cache

import numpy as np
import pytest

from data_scripts.diagram.facts import check, same_object
from data_scripts.questions import KINDS, Question, draw_question
from data_scripts.questions.question import Asked, Solution, Wrong, numbers_of
from data_scripts.questions.terms import deg, num
from evaluation.graders import is_correct

from .rereading import all_equal, equations, worth

SEEDS = range(4)


@cache
def question(kind: str, seed: int) -> Question:
    return draw_question(kind, np.random.default_rng(seed))


def questions(kind: str) -> list[Question]:
    return [question(kind, seed) for seed in SEEDS]


def test_there_are_more_kinds_than_the_thirty_asked_for():
    assert len(KINDS) >= 100


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_is_read_back_as_what_the_coordinates_measure(kind):
    for q in questions(kind)[:2]:
        measured = q.draft.asked.measured
        if measured is None:
            assert isinstance(q.draft.value, str) and q.answer == q.draft.value
        elif isinstance(measured, tuple):
            assert is_correct(f"\\boxed{{{q.answer}}}", f"({measured[0]:.9f}, {measured[1]:.9f})", tolerance=1e-6)
        else:
            assert is_correct(f"\\boxed{{{q.answer}}}", f"{measured:.9f}", tolerance=1e-6), (q.answer, measured)


@pytest.mark.parametrize("kind", KINDS)
def test_every_equation_of_the_steps_is_true_as_it_is_written(kind):
    for q in questions(kind):
        asked = q.draft.asked.measured
        quantities = dict.fromkeys(
            ("AREA", "PERIMETER", "CIRCUMFERENCE", "ARC", "RATIO", "SLOPE", "INTERCEPT", "AXIS", "NUMBER"),
            asked if isinstance(asked, float) else 0.0,
        )
        if kind == "y_intercept":  # its first step is about the slope
            quantities["SLOPE"] = worth(equations(q.steps)[0][1], q, quantities)
        for sides in equations(q.steps):
            values = [worth(side, q, quantities) for side in sides]
            assert all_equal(values), (sides, values)


@pytest.mark.parametrize("kind", KINDS)
def test_the_steps_end_in_the_answer(kind):
    for q in questions(kind):
        assert q.steps.rstrip(".°").endswith(q.answer)


@pytest.mark.parametrize("kind", KINDS)
def test_the_question_speaks_of_points_that_are_there_and_gives_no_number_away(kind):
    for q in questions(kind):
        for name in re.findall(r"(?<![A-Za-z])[A-Z]+(?![A-Za-z])", q.text):
            assert set(name) <= set(q.diagram.points), q.text
        if kind not in ("parabola_vertex", "right_angle_name"):  # an equation, and 90°
            assert not re.search(r"\d", q.text)


@pytest.mark.parametrize("kind", KINDS)
def test_the_figure_is_sound_and_does_not_print_the_answer(kind):
    for q in questions(kind):
        d = q.diagram
        assert all(check(fact, d) is True for fact in d.facts)
        asked = re.search(r"(∠)([A-Z]{3})|(?:length of |segment )([A-Z]{2})\b", q.text)
        if asked and not kind.startswith("read_"):
            part = tuple(asked[2] or asked[3])
            printed = [m.points for m in d.marks if m.text and len(m.points) == len(part)]
            assert not any(same_object(d, part, other) for other in printed), q.text


def test_an_equilateral_triangle_is_said_or_marked():
    for kind in ("equilateral_height", "equilateral_area"):
        for q in questions(kind):
            (triangle,) = (fact.points for fact in q.diagram.facts if fact.kind == "equilateral_triangle")
            ticks = [mark for mark in q.diagram.marks if mark.kind == "ticks"]
            assert f"△{''.join(triangle)} is equilateral." in q.text or len(ticks) == 3


def test_questions_of_one_kind_are_worded_in_several_ways():
    texts = [draw_question("hypotenuse", np.random.default_rng(seed)).text for seed in range(40)]
    assert len({re.sub(r"\b[A-Z]{2}\b", "..", text) for text in texts}) >= 5


@pytest.mark.parametrize(("kind", "name"), [("longest_side", "[A-Z]{2}"), ("largest_angle", "(?<=∠[A-Z])[A-Z]")])
def test_values_to_compare_are_read_by_name_whichever_is_larger(kind, name):
    """Sorted by value, what is largest would have to be known before any value is read."""
    for q in questions(kind):
        points, read = re.search("[A-Z]{3,}", q.text)[0], re.findall(rf"{name}(?=[A-Z]? = )", q.steps)
        around = [a + b for a, b in zip(points, points[1:] + points[0], strict=True)]
        assert read == (around if kind == "longest_side" else sorted(points)), q.steps


def test_the_same_generator_gives_the_same_question():
    for kind in KINDS:
        again = draw_question(kind, np.random.default_rng(0))
        assert (again.diagram, again.text, again.steps) == (
            question(kind, 0).diagram, question(kind, 0).text, question(kind, 0).steps,
        )  # fmt: skip


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="unknown question kind 'riddle'"):
        draw_question("riddle", np.random.default_rng(0))


def test_a_false_step_is_found():
    d = question("third_angle", 0).diagram
    a, b, c = list(d.points)
    solution = Solution(d)
    with pytest.raises(Wrong, match="is not true of the figure"):
        solution.step("", solution.angle(a, b, c), deg(1))
    with pytest.raises(Wrong, match="is not true of the figure"):
        solution.step("", num(2) + num(2), num(5))


def test_an_answer_that_measures_something_else_is_found():
    solution = Solution(question("third_angle", 0).diagram)
    solution.step("", num(2) + num(2))
    assert solution.value == 4
    with pytest.raises(Wrong, match="measures 5"):
        solution.ask(Asked(("a number",), 5.0))
    assert numbers_of(solution.ask(Asked(("a number",), 4.0)).value).tolist() == [4.0]
