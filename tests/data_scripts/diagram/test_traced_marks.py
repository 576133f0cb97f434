"""Marks of traced figures: they go with what they stand on, or stand where the edited figure shows the same."""

from data_scripts.diagram import Fact, Mark
from data_scripts.diagram.facts import check
from data_scripts.diagram.traced_marks import carry_marks, standing_marks

from ..samples import figure

SQUARE = Mark("right_angle", ("A", "B", "C"))
TICKS = (Mark("ticks", ("A", "B")), Mark("ticks", ("A", "C")))


def test_a_mark_goes_with_the_part_it_stands_on():
    marks = (Mark("length", ("A", "C"), "7"), Mark("length", ("A", "B"), "5"))
    assert [m.text for m in standing_marks(figure("A 30 80 B 0 0 C 100 0", "AB BC", marks=marks))] == ["5"]
    slanted = figure("A 30 80 B 0 0 C 100 0", "AB BC CA", marks=(SQUARE,))
    assert standing_marks(slanted) == ()


def test_equal_marks_go_when_the_parts_no_longer_look_equal():
    assert len(standing_marks(figure("A 50 80 B 0 0 C 100 0", "AB BC CA", marks=TICKS))) == 2
    assert standing_marks(figure("A 0 80 B 0 0 C 100 0", "AB BC CA", marks=TICKS)) == ()


def test_a_square_is_carried_to_the_new_right_angle_and_said():
    edited = carry_marks((SQUARE,), figure("A 100 80 B 0 0 C 100 0", "AB BC CA", marks=(SQUARE,)))
    (mark,) = standing_marks(edited)
    assert mark.kind == "right_angle" and mark.points[1] == "C" and set(mark.points) == {"A", "B", "C"}
    assert check(edited.facts[-1], edited) is True and edited.facts[-1].kind == "perpendicular"


def test_ticks_are_carried_to_the_new_equal_sides_and_said():
    edited = carry_marks(TICKS, figure("A 100 75 B 0 0 C 125 0", "AB BC CA", marks=TICKS))
    assert {frozenset(m.points) for m in standing_marks(edited)} == {frozenset("AB"), frozenset("BC")}
    said = edited.facts[-1]
    assert said.kind == "equal_length" and check(said, edited) is True


def test_nothing_is_carried_to_where_the_figure_does_not_show_it():
    plain = figure("A 30 80 B 0 0 C 100 0", "AB BC CA", marks=(SQUARE, *TICKS))
    assert carry_marks((SQUARE, *TICKS), plain) == plain and standing_marks(plain) == ()


def test_a_right_angle_that_carries_its_size_gets_no_square_besides():
    printed = Mark("angle", ("A", "C", "B"), "90°")
    edited = carry_marks((SQUARE, printed), figure("A 100 80 B 0 0 C 100 0", "AB BC CA", marks=(SQUARE, printed)))
    assert [m.kind for m in standing_marks(edited)] == ["angle"]


def test_what_stands_stays():
    right = figure("A 0 80 B 0 0 C 100 0", "AB BC CA", marks=(SQUARE,))
    assert carry_marks((SQUARE,), right) is right
    assert Fact("perpendicular", ("A", "B", "B", "C")) not in right.facts
