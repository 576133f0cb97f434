"""What a sketch seems to show is not said where its numbers say otherwise."""

import pytest

from data_scripts.diagram import Fact, Mark
from data_scripts.diagram.traced import TracedFigure
from data_scripts.diagram.traced_values import denied_by_values

from ..samples import figure

TRIANGLE = "A 0 0 B 4 0 C 2 3.46"


@pytest.mark.parametrize(
    ("marks", "shape"),
    [
        ((), "equilateral_triangle"),
        ((Mark("length", ("A", "B"), "5"), Mark("length", ("B", "C"), "5")), "equilateral_triangle"),
        ((Mark("length", ("A", "B"), "x"), Mark("length", ("B", "C"), "5")), "equilateral_triangle"),
        ((Mark("length", ("A", "B"), "19.6"), Mark("length", ("C", "B"), "20")), "isosceles_triangle"),
        ((Mark("angle", ("A", "B", "C"), "55°"),), "isosceles_triangle"),
        (tuple(Mark("length", side, n) for side, n in zip(("AB", "BC", "CA"), "567", strict=True)), "triangle"),
    ],
)
def test_a_triangle_is_no_more_special_than_its_numbers_allow(marks, shape):
    drawn = figure(TRIANGLE, "AB BC CA", marks=tuple(Mark(m.kind, tuple(m.points), m.text) for m in marks))
    assert [fact.kind for fact in TracedFigure(drawn).diagram.facts if "triangle" in fact.kind] == [shape]


@pytest.mark.parametrize(
    ("fact", "mark", "denied"),
    [
        (Fact("right_triangle", ("A", "B", "C")), Mark("angle", ("B", "A", "C"), "87°"), True),
        (Fact("right_triangle", ("A", "B", "C")), Mark("angle", ("A", "B", "C"), "60°"), False),
        (Fact("median", ("C", "A", "B", "D")), Mark("length", ("A", "B"), "7"), False),
    ],
)
def test_only_a_number_on_the_part_in_question_denies(fact, mark, denied):
    drawn = figure(f"{TRIANGLE} D 4 4", "AB BC CA CD", marks=(mark,))
    assert denied_by_values(fact, drawn) is denied
