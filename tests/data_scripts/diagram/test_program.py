"""Programs are solved purely and soundly, and every kind of edit changes what the figure states."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from data_scripts.diagram import Fact
from data_scripts.diagram.diagram import EDIT_KINDS
from data_scripts.diagram.facts import angle_at, check, distance, statements
from data_scripts.diagram.program import CROWDED, Program, Step, Unsound
from data_scripts.sources.procedural import FAMILIES, draw_program

from ..samples import programs


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_draws_sound_figures(family):
    for seed in range(6):
        program = draw_program(family, np.random.default_rng(seed))
        d = program.diagram
        assert d.facts and all(check(f, d) is True for f in d.facts)
        assert all(distance(d, a, b) >= CROWDED * d.size for a, b in combinations(d.points, 2))
        assert replace(program).diagram == d, "solving is not a pure function of the steps"


@pytest.mark.parametrize("family", FAMILIES)
def test_printed_values_are_what_the_coordinates_measure_or_expressions(family):
    for seed in range(4):
        program = draw_program(family, np.random.default_rng(seed))
        d, expressions = program.diagram, dict(program.expressions)
        values = [m for m in d.marks if m.text]
        assert values and {m.points for m in values} == {*program.printed, *expressions}
        for mark in values:
            if mark.points in expressions:
                assert mark.text == expressions[mark.points] and len(mark.points) > 1
            elif mark.kind == "angle":
                assert abs(float(mark.text.rstrip("°")) - angle_at(d, *mark.points)) <= 0.5
            elif mark.kind == "length":
                assert abs(float(mark.text) - distance(d, *mark.points)) <= 0.05 + 1e-9
            else:
                assert tuple(map(float, mark.text.strip("()").split(", "))) == d.points[mark.points[0]]


def test_an_edited_expression_is_the_only_change():
    steps = (Step("triangle", ("A", "B", "C"), (50, 70, 9)),)
    program = Program(steps, expressions=((("A", "B"), "2x+1"),))
    edited = program.edit("value", np.random.default_rng(0))
    ((part, text),) = edited.expressions
    assert part == ("A", "B") and text != "2x+1" and text.endswith(("+1", "2x+" + text[-1])) and edited.steps == steps
    assert check(Fact("length", part, text), program.diagram) is False
    order = program.edit("order", np.random.default_rng(0))
    assert order.expressions[0][1] == "2x+1" and order.expressions[0][0] != part


def test_edits_of_every_kind_change_what_is_stated():
    found = dict.fromkeys(EDIT_KINDS, 0)
    for i, program in enumerate(programs(48)):
        for kind in EDIT_KINDS:
            edited = program.edit(kind, np.random.default_rng(i))
            if edited is None:
                continue
            found[kind] += 1
            assert statements(edited.diagram.facts) != statements(program.diagram.facts)
            assert all(check(f, edited.diagram) is True for f in edited.diagram.facts)
    assert min(found.values()) >= 20, found


def test_an_order_edit_keeps_the_drawing_and_a_value_edit_the_letters():
    program = draw_program("triangle_cevian", np.random.default_rng(0))
    order = program.edit("order", np.random.default_rng(1))
    assert sorted(order.diagram.points.values()) == sorted(program.diagram.points.values())
    value = program.edit("value", np.random.default_rng(1))
    assert [s.points for s in value.steps] == [s.points for s in program.steps]
    assert [s.construction for s in value.steps] == [s.construction for s in program.steps]


def test_edits_are_drawn_from_the_generator_alone():
    program = programs(3)[2]
    first, second = (program.edit("order", np.random.default_rng(5)) for _ in range(2))
    assert first == second


def test_equal_marks_of_two_steps_are_told_apart():
    steps = (
        Step("triangle", ("A", "B", "C"), (50, 70, 9)),
        Step("median", ("A", "B", "C", "D")),
        Step("median", ("B", "C", "A", "E")),
    )
    marks = Program(steps).diagram.marks
    counts = {m.points: m.count for m in marks if m.kind == "ticks"}
    assert counts["D", "B"] == counts["D", "C"] != counts["E", "C"] == counts["E", "A"]


ABC, ABCD = ("A", "B", "C"), ("A", "B", "C", "D")


@pytest.mark.parametrize(
    "steps",
    [
        (Step("triangle", ABC, (90, 90, 5)),),  # sides that never meet
        (Step("triangle", ABC, (50, 70, 9)), Step("cevian", ABCD, (0.02,))),  # D beside B
        (Step("diameter", ("O", "A", "B"), (0,)),),  # no circle
        # general shapes that look special
        (Step("triangle", ABC, (60, 60, 9)),),
        (Step("triangle", ABC, (45, 45, 9)),),
        (Step("right_triangle", ABC, (45, 9)),),
        (Step("isosceles_triangle", ABC, (60, 9)),),
        (Step("isosceles_triangle", ABC, (90, 9)),),
        (Step("rectangle", ABCD, (9, 9)),),
        (Step("parallelogram", ABCD, (60, 9, 9)),),
        (Step("parallelogram", ABCD, (85, 9, 5)),),
        (Step("rhombus", ABCD, (90, 9)),),
        (Step("triangle", ABC, (50, 70, 9)), Step("cevian", ABCD, (0.5,))),
    ],
)
def test_what_nobody_could_read_is_unsound(steps):
    with pytest.raises(Unsound):
        Program(steps).diagram  # noqa: B018


def test_ticks_of_a_divided_side_are_left_out():
    steps = (Step("equilateral_triangle", ABC, (9,)), Step("median", ABCD))
    assert {m.points for m in Program(steps).diagram.marks} == {("D", "B"), ("D", "C")}


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match="unknown family 'torus'"):
        draw_program("torus", np.random.default_rng(0))


def test_one_step_starts_from_other_points():
    rng, rearranged = np.random.default_rng(0), 0
    for program in programs(24):
        edited = program.rearrange(rng)
        if edited is not None:
            rearranged += 1
            (changed,) = (pair for pair in zip(program.steps, edited.steps, strict=True) if pair[0] != pair[1])
            assert replace(changed[1], points=changed[0].points) == changed[0]
            assert statements(edited.diagram.facts) != statements(program.diagram.facts)
            assert all(check(f, edited.diagram) is True for f in edited.diagram.facts)
    assert rearranged > 2
    fallen = (("triangle", "ABC", (50, 70, 9)), ("bisecting_ray", "ACAE", ()))
    with pytest.raises(Unsound, match="no solution"):  # no ray leads from A to itself
        Program(tuple(Step(name, tuple(points), numbers) for name, points, numbers in fallen)).diagram  # noqa: B018
    assert Program((Step("triangle", ("A", "B", "C"), (50, 70, 9)),)).rearrange(rng) is None  # nothing is given to it
