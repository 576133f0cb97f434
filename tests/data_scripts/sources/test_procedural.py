"""The procedural source: figures by number, the same for ever, held-out ones apart."""

from itertools import islice

import numpy as np
import pytest

from data_scripts.diagram.constructions import CONSTRUCTIONS
from data_scripts.diagram.facts import angle_at
from data_scripts.sources import families
from data_scripts.sources.composition import compose
from data_scripts.sources.procedural import (
    FAMILIES,
    LETTERS,
    choose_families,
    draw_expression,
    draw_letters,
    draw_program,
    figure_at,
    figure_numbers,
    printable,
)

from ..samples import figure


def test_a_figure_is_a_function_of_seed_split_and_number():
    for index in (0, 7, 1000):
        first, second = (figure_at(3, "train", index) for _ in range(2))
        assert first[0] == second[0] == f"procedural/3/train/{index}/{first[0].rsplit('/', 1)[1]}"
        assert first[1] == second[1]
        assert first[2].random() == second[2].random()


def test_splits_and_seeds_give_other_figures():
    keys = [(0, "train"), (0, "validation"), (0, "test"), (1, "train")]
    drawn = [tuple(figure_at(seed, split, i)[1] for i in range(10)) for seed, split in keys]
    assert all(a != b for i, a in enumerate(drawn) for b in drawn[:i])


def test_every_family_and_every_construction_comes_up():
    found = [figure_at(0, "train", i) for i in range(900)]
    assert {row_id.rsplit("/", 1)[1] for row_id, _, _ in found} == set(FAMILIES)
    assert {s.construction for _, program, _ in found for s in program.steps} == set(CONSTRUCTIONS)


def test_choosing_families_leaves_figures_out_and_changes_none():
    chosen = choose_families(["hexagon", "triangle"])
    assert chosen == ("triangle", "hexagon") and choose_families(None) == tuple(FAMILIES)
    expected = [i for i in range(300) if figure_at(0, "test", i)[0].rsplit("/", 1)[1] in chosen]
    assert len(expected) > 3
    assert list(islice(figure_numbers(0, 0, "test", chosen), len(expected))) == expected
    assert list(islice(figure_numbers(2, 0, "test", chosen), len(expected) - 2)) == expected[2:]
    assert list(islice(figure_numbers(5, 0, "test", tuple(FAMILIES)), 3)) == [5, 6, 7]
    for names, message in ((["pyramid"], "unknown families pyramid"), ([], "no family of figures is named")):
        with pytest.raises(ValueError, match=message):
            choose_families(names)


def test_plans_speak_of_constructions_and_of_points_that_are_there():
    for name, family in families.FAMILIES.items():
        plan, parts = family.draw(np.random.default_rng(0), list(LETTERS))
        points = {p for _, given in plan for p in given}
        assert len(points) == len(set(family.plan) & set("ABCDEFGHMOPQTV")), name
        assert {p for part in parts for p in part} <= points, name


def test_letters():
    assert not set(LETTERS) & set("IJO")
    for seed in range(20):
        assert sorted(draw_letters(np.random.default_rng(seed))) == sorted(LETTERS)


def test_values_are_printed_where_they_cannot_be_misread():
    d = figure("A 4 6 B 0 0 C 8 0 D 4 0 E 8 6", "AB BC CA AD AE")
    assert printable(d, [("A", "B"), ("B", "C"), ("B", "D"), ("B", "E")]) == [("A", "B"), ("B", "D")]
    assert printable(d, [("B", "A", "C"), ("B", "A", "D"), ("D", "A", "E"), ("A", "B", "D"), ("C", "B", "E")]) == [
        ("B", "A", "D"),
        ("A", "B", "D"),
    ]


def test_no_printed_angle_holds_a_line():
    for index in range(60):
        d = figure_at(1, "train", index)[1].diagram
        angles = [m.points for m in d.marks if m.kind == "angle"]
        assert printable(d, angles) == angles
        assert all(20 < angle_at(d, *a) < 170 for a in angles)


@pytest.mark.parametrize("part", [("A", "B"), ("A", "B", "C")])
def test_expressions_are_short_and_say_what_they_measure(part):
    drawn = {draw_expression(part, np.random.default_rng(seed)) for seed in range(60)}
    assert len(drawn) > 20
    assert all(len(text) <= 9 and text.endswith("°") == (len(part) == 3) for text in drawn)


def test_composition_builds_on_what_is_there():
    lengths = set()
    for seed in range(60):
        steps, parts = compose(np.random.default_rng(seed), list(LETTERS))
        known: set[str] = set()
        for step in steps:
            assert not known or known & set(step.points), "a step of its own"
            known |= set(step.points)
        assert {p for part in parts for p in part} <= known
        lengths.add(len(steps))
    assert max(lengths) == 6 and min(lengths) >= 1


def test_a_family_that_gives_nothing_says_so(monkeypatch):
    monkeypatch.setitem(FAMILIES, "hopeless", lambda rng, names: ([("rhombus", tuple("ABCD"))], []))
    with pytest.raises(ValueError, match="gave no readable figure in 60 draws"):
        draw_program("hopeless", np.random.default_rng(0))
