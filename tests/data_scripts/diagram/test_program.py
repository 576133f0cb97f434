"""Programs are solved purely and soundly, and every kind of edit changes what the figure states."""

from itertools import combinations

import numpy as np
import pytest

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
        assert Program(program.steps, program.printed).diagram == d, "solving is not a pure function of the steps"


@pytest.mark.parametrize("family", FAMILIES)
def test_printed_values_are_what_the_coordinates_measure(family):
    d = draw_program(family, np.random.default_rng(3)).diagram
    values = [m for m in d.marks if m.text]
    assert values
    for mark in values:
        if mark.kind == "angle":
            assert abs(float(mark.text.rstrip("°")) - angle_at(d, *mark.points)) <= 0.5
        else:
            assert abs(float(mark.text) - distance(d, *mark.points)) <= 0.05 + 1e-9


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
        Step("triangle", ("A", "B", "C"), (50, 65, 9)),
        Step("median", ("A", "B", "C", "D")),
        Step("median", ("B", "C", "A", "E")),
    )
    marks = Program(steps).diagram.marks
    counts = {m.points: m.count for m in marks if m.kind == "ticks"}
    assert counts["D", "B"] == counts["D", "C"] != counts["E", "C"] == counts["E", "A"]


@pytest.mark.parametrize(
    "steps",
    [
        (Step("triangle", ("A", "B", "C"), (90, 90, 5)),),  # sides that never meet
        (Step("triangle", ("A", "B", "C"), (50, 60, 9)), Step("cevian", ("A", "B", "C", "D"), (0.02,))),  # D beside B
    ],
)
def test_what_nobody_could_read_is_unsound(steps):
    with pytest.raises(Unsound):
        Program(steps).diagram  # noqa: B018


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match="unknown family 'torus'"):
        draw_program("torus", np.random.default_rng(0))
