"""Figures known by coordinates: what is read off them, and edits that change it."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.diagram import Fact, Mark
from data_scripts.diagram.diagram import EDIT_KINDS
from data_scripts.diagram.drawing import as_matplotlib
from data_scripts.diagram.facts import check, statements
from data_scripts.diagram.traced import TracedFigure, change_value, maximal_segments

from ..samples import figure, needs_logic_forms, real_figures, traced_triangle


def test_what_the_coordinates_show_is_stated():
    facts = traced_triangle().diagram.facts
    kinds = {f.kind for f in facts}
    assert {"triangle", "altitude", "length", "angle"} <= kinds | {"right_triangle"}
    assert Fact("altitude", ("A", "D", "B", "C")) in facts
    assert Fact("length", ("A", "C"), "2x+3") in facts
    assert not any(f.kind in ("on_segment", "perpendicular") for f in facts), "it follows from the altitude"


def test_a_given_fact_is_kept_only_where_the_coordinates_bear_it_out():
    d = figure("A 0 0 B 60 0 C 10 30 D 50 30", "AB CD")
    given = (Fact("parallel", tuple("ABCD")), Fact("perpendicular", tuple("ABCD")))
    facts = TracedFigure(replace(d, facts=given)).diagram.facts
    assert given[0] in facts and given[1] not in facts


def test_the_most_special_shape_is_named():
    square = TracedFigure(figure("A 0 0 B 50 0 C 50 50 D 0 50", "AB BC CD DA AC")).diagram.facts
    named = [f.kind for f in square]
    assert "square" in named and not {"rectangle", "rhombus", "parallelogram", "trapezoid"} & set(named)
    assert named.count("right_triangle") == 2


def test_every_edit_changes_a_statement_and_stays_true():
    found = Counter()
    for seed in range(40):
        figure_ = traced_triangle()
        for kind in EDIT_KINDS:
            edited = figure_.edit(kind, np.random.default_rng(seed))
            if edited is not None:
                found[kind] += 1
                assert statements(edited.diagram.facts) != statements(figure_.diagram.facts)
                assert all(check(f, edited.diagram) is True for f in edited.diagram.facts)
    assert set(found) == set(EDIT_KINDS), found


@needs_logic_forms
def test_edits_of_real_figures():
    found = Counter()
    for i, real in enumerate(real_figures(12)):
        assert all(check(f, real.diagram) is True for f in real.diagram.facts)
        for kind in EDIT_KINDS:
            edited = real.edit(kind, np.random.default_rng(i))
            if edited is not None:
                found[kind] += 1
                assert all(check(f, edited.diagram) is True for f in edited.diagram.facts)
    assert set(found) == set(EDIT_KINDS), found


def test_a_mark_goes_with_the_part_it_stands_on():
    d = figure(
        "A 30 80 B 0 0 C 100 0", "AB BC", marks=(Mark("length", ("A", "C"), "7"), Mark("length", ("A", "B"), "5"))
    )
    assert [m.text for m in TracedFigure(d).diagram.marks] == ["5"]
    slanted = figure("A 30 80 B 0 0 C 100 0", "AB BC CA", marks=(Mark("right_angle", ("A", "B", "C")),))
    assert TracedFigure(slanted).diagram.marks == ()


def test_equal_marks_go_when_the_parts_no_longer_look_equal():
    def both(at_a: str) -> TracedFigure:
        marks = tuple(Mark("ticks", pair) for pair in (("A", "B"), ("A", "C")))
        return TracedFigure(figure(f"A {at_a} B 0 0 C 100 0", "AB BC CA", marks=marks))

    assert len(both("50 80").diagram.marks) == 2
    assert both("0 80").diagram.marks == ()


def test_maximal_segments():
    d = figure("A 0 0 B 10 0 C 4 0 D 4 6")
    assert maximal_segments([("A", "C"), ("C", "B"), ("B", "A"), ("A", "B"), ("C", "D")], d) == (
        ("A", "B"),
        ("C", "D"),
    )


forms = st.one_of(
    st.integers(1, 400).map(str),
    st.integers(1, 179).map("{}°".format),
    st.integers(10, 999).map(lambda n: f"{n / 10:.1f}"),
    st.builds("{}{}+{}".format, st.integers(2, 9), st.sampled_from("xyz"), st.integers(1, 40)),
    st.builds("{}\\sqrt{{{}}}".format, st.integers(2, 9), st.integers(2, 9)),
    st.sampled_from(["x", "r", "x-y", "\\sqrt{r}", "\\frac{x}{y}", "xy", "PQ"]),
)


@settings(max_examples=50, deadline=None)
@given(forms, st.integers(0, 999))
def test_another_value_of_the_same_form(text, seed):
    new = change_value(text, np.random.default_rng(seed))
    assert new != text and as_matplotlib(new).startswith("$") == as_matplotlib(text).startswith("$")
    assert [c for c in new if c in "\\{}+-°."] == [c for c in text if c in "\\{}+-°."]
    assert ("sqrt" in new) == ("sqrt" in text)
    if text.endswith("°"):
        assert 0 < float(new[:-1]) < 180


@pytest.mark.parametrize("text", ["360°", "0", "0.5"])
def test_values_at_the_ends_of_their_range_change_too(text):
    assert all(change_value(text, np.random.default_rng(seed)) != text for seed in range(20))
