"""Figures known by coordinates: what is read off them, and edits that change it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.diagram import Fact, Mark
from data_scripts.diagram.diagram import EDIT_KINDS
from data_scripts.diagram.drawing import Style, as_matplotlib
from data_scripts.diagram.facts import check, statements
from data_scripts.diagram.marks import draw_ink
from data_scripts.diagram.traced import TracedFigure, change_value, maximal_segments

from ..samples import figure, needs_logic_forms, real_figures, traced_triangle

ROUND = np.linspace(0, 2 * np.pi, 400)


def exam_figures() -> list[TracedFigure]:
    """Figures as exams print them: marked right angles and equal sides, a divided side, a circle with two chords."""
    square, ticks = Mark("right_angle", ("A", "B", "C")), [Mark("ticks", ("A", p)) for p in "BC"]
    length = Mark("length", ("A", "B"), "5")
    right = figure("A 0 60 B 0 0 C 90 0", "AB BC CA", marks=(square, length))
    equal = figure("A 50 80 B 0 0 C 100 0", "AB BC CA", marks=(*ticks, Mark("angle", ("A", "B", "C"), "58°")))
    box = figure("A 0 60 B 0 0 C 90 0 D 90 60", "AB BC CD DA", marks=(square, length))
    chords = figure("O 0 0 A -40 30 B 40 30 C -40 -30 D 40 -30", "AB BC CD OA", "O 50", marks=(length,))
    return [*map(TracedFigure, (right, equal, box, chords)), traced_triangle()]


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


def edits(seeds: int) -> Iterator[tuple[TracedFigure, TracedFigure]]:
    """Every figure with every edit of it that is found; all kinds must be."""
    found = Counter()
    for exam in exam_figures():
        for seed in range(seeds):
            for kind in EDIT_KINDS:
                edited = exam.edit(kind, np.random.default_rng(seed))
                if edited is not None:
                    found[kind] += 1
                    yield exam, edited
    assert set(found) == set(EDIT_KINDS), found


def test_every_edit_changes_a_statement_and_stays_true():
    for exam, edited in edits(seeds=10):
        assert statements(edited.diagram.facts) != statements(exam.diagram.facts)
        assert all(check(f, edited.diagram) is True for f in edited.diagram.facts)


def test_other_letters_change_nothing_that_is_read():
    for exam in exam_figures():
        names = list(exam.drawn.points)
        relabeled = exam.relabel(dict(zip(names, names[1:] + names[:1], strict=True)))
        read_again = TracedFigure(relabeled.drawn).diagram
        assert statements(relabeled.diagram.facts) == statements(read_again.facts)
        assert relabeled.diagram.marks == read_again.marks


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


def countable(figure_: TracedFigure) -> list[int]:
    """Marks by kind, lines and dots, as they are drawn in a plain style."""
    diagram = figure_.diagram
    ink = draw_ink(diagram, replace(Style.draw(np.random.default_rng(0), 336).upright(), dots=False))
    kinds = ("length", "angle", "right_angle", "ticks", "arcs")
    return [*(sum(m.kind == k for m in diagram.marks) for k in kinds), len(ink.lines), len(ink.arcs), len(ink.dots)]


def test_no_edit_can_be_told_by_a_count():
    for exam, edited in edits(seeds=15):
        assert countable(edited) == countable(exam), edited.diagram


def seen_place(exam: TracedFigure) -> np.ndarray:
    """Log proportions of the frame; how far to a side and above its centre the lines have their middle."""
    at = {name: np.array(xy) for name, xy in exam.diagram.points.items()}
    rings = [at[c.center] + c.radius * np.column_stack([np.cos(ROUND), np.sin(ROUND)]) for c in exam.diagram.circles]
    lines = [np.linspace(at[a], at[b], 200) for a, b in exam.diagram.segments]
    ends = np.vstack([*at.values(), *rings])
    low, high = ends.min(0), ends.max(0)
    long = [np.linalg.norm(np.diff(stroke, axis=0), axis=1).sum() for stroke in (*lines, *rings)]
    middle = np.average([stroke.mean(0) for stroke in (*lines, *rings)], 0, long) - (low + high) / 2
    width, height = high - low
    aside, above = middle / max(width, height)
    return np.array([np.log(width / height), abs(aside), above])


def test_every_edit_of_a_chain_stays_where_the_figure_as_printed_is():
    followed = 0
    for exam in exam_figures():
        place = seen_place(exam)
        for seed in range(15):
            rng, edited = np.random.default_rng(seed), exam
            for kind in rng.permutation(["relation", "shape", "relation", "shape", "order"]).tolist():
                followed += edited is not exam
                edited = edited.edit(kind, rng) or edited
                assert np.all(np.abs(seen_place(edited) - place) < (0.122, 0.032, 0.032)), edited.diagram
    assert followed > 100


def test_an_edited_right_triangle_keeps_its_square():
    right = exam_figures()[0]
    shapes = [e for seed in range(15) if (e := right.edit("shape", np.random.default_rng(seed)))]
    corners = {m.points[1] for e in shapes for m in e.diagram.marks if m.kind == "right_angle"}
    assert len(shapes) > 5 and corners - {"B"}, "the square has to stand at another corner"


def test_marks_travel_with_a_line_that_leads_elsewhere():
    d = figure("A 50 80 B 0 0 C 100 0", "AB BC", marks=(Mark("length", ("A", "B"), "5"),))
    led = [e.diagram for s in range(40) if (e := TracedFigure(d).edit("relation", np.random.default_rng(s)))]
    assert led and all([m.text for m in e.marks] == ["5"] for e in led)
    assert any(set(e.marks[0].points) != {"A", "B"} for e in led)


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


@pytest.mark.parametrize("text", ["√2", "9√7", "2x+14", "\\sqrt{3}", "3√2+1", "4.7", "1.05"])
def test_another_value_reads_as_a_printed_one(text):
    """What an edit alone would print, 1x, √9, √10 or 4.0, would give it away."""
    made = {change_value(text, np.random.default_rng(seed)) for seed in range(60)}
    odd = re.compile(r"(?<!\d)[01][x√]|(√|\{)(1|4|8|9|1\d)(?!\d)|\.\d*0$")
    assert len(made) > 3 and not any(odd.search(value) for value in made)


@pytest.mark.parametrize("text", ["360°", "0", "0.5"])
def test_values_at_the_ends_of_their_range_change_too(text):
    assert all(change_value(text, np.random.default_rng(seed)) != text for seed in range(20))
