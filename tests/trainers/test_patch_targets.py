"""Dense targets: characters, lines, arcs and junctions are found in the patches where the figure has them."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_scripts.diagram import Diagram, Fact
from data_scripts.diagram.drawing import Drawing, NoRoom, Style, Text, lay_out, rasterise
from data_scripts.sources import procedural
from trainers.patch_targets import (
    GLYPHS,
    STROKES,
    TIES,
    glyph_targets,
    junctions,
    spelling_targets,
    spoken_facts,
    stroke_targets,
    tie_targets,
)

SIDE = 4  # patches
PATCH = 16


def drawn(lines=(), arcs=(), texts=(), dots=(), points=None) -> Drawing:
    style = Style(size=SIDE * PATCH, line_width=1.0)
    return Drawing(style, points or {}, tuple(lines), tuple(arcs), tuple(dots), tuple(texts))


def patches(drawing: Drawing, kind: str) -> set[tuple[int, int]]:
    """Row and column of every patch with that kind of stroke."""
    targets = stroke_targets(drawing, np.asarray(rasterise(drawing)), PATCH)
    return {divmod(i, SIDE) for i in targets[:, STROKES.index(kind)].nonzero().flatten().tolist()}


def test_a_cross_has_lines_along_two_rows_of_patches_and_one_junction():
    cross = drawn(lines=[((4, 24), (60, 24)), ((40, 4), (40, 60))])
    row, column = {(1, c) for c in range(4)}, {(r, 2) for r in range(4)}
    assert patches(cross, "line") == patches(cross, "ink") == row | column
    assert patches(cross, "arc") == set() and patches(cross, "junction") == {(1, 2)}


def test_a_circle_is_no_line_and_its_tangent_touches_once():
    circle = drawn(arcs=[(32, 32, 20, 0, 360)], lines=[((2, 12), (62, 12))])
    assert {(0, 1), (0, 2), (1, 0), (2, 0), (3, 1), (3, 2), (1, 3), (2, 3)} <= patches(circle, "arc")
    assert not patches(circle, "arc") & {(0, 0), (0, 3), (3, 0), (3, 3)}
    assert patches(circle, "line") == {(0, c) for c in range(4)}
    assert {tuple(p) for p in junctions(circle).tolist()} == {(32.0, 12.0)}


def test_marks_of_angles_and_neighbouring_pieces_of_a_curve_meet_nothing():
    curve = tuple((float(x), 40 - 0.02 * (x - 30) ** 2) for x in range(6, 60, 4))
    marked = drawn(lines=[((8, 8), (8, 56)), curve], arcs=[(8, 8, 10, 0, 90)])
    assert len(junctions(marked)) == 1  # where the curve passes the line
    assert patches(marked, "line") == {(r, 0) for r in range(4)}
    assert (0, 0) in patches(marked, "arc")  # the angle's mark


def test_what_only_cuts_a_corner_off_a_patch_is_not_asked_for():
    assert patches(drawn(lines=[((1, 15.2), (40, 15.2)), ((40, 15.2), (40, 17.0))]), "line") == {
        (0, 0),
        (0, 1),
        (0, 2),
    }


def test_glyphs_stand_in_the_patch_of_their_centre():
    targets = glyph_targets(drawn(texts=[Text("A", 24, 8), Text("√", 56, 56)]), PATCH)
    assert targets.shape == (SIDE * SIDE, len(GLYPHS)) and targets.sum() == 2
    assert targets[1, GLYPHS.index("A")] == 1 and targets[15, GLYPHS.index("√")] == 1


def test_ties_name_the_points_that_print_and_strokes_belong_to():
    at = {"A": (8.0, 56.0), "B": (56.0, 56.0), "C": (8.0, 8.0)}
    diagram = Diagram({name: (x, -y) for name, (x, y) in at.items()}, (("A", "B"), ("A", "C")))
    texts = [
        Text("A", 4, 60, owner=("A",)),
        Text("7", 24, 60, owner=("A", "B")),
        Text("90°", 20, 40, owner=("B", "A", "C")),
    ]
    targets = tie_targets(diagram, drawn(texts=[*texts, Text("x", 60, 4)], points=at), PATCH)
    named = {divmod(i, SIDE): {TIES[j] for j in row.nonzero().flatten().tolist()} for i, row in enumerate(targets)}
    assert {patch: names for patch, names in named.items() if names} == {
        (3, 0): {"end B", "end C", "point A", "line A", "line B", "line C"},
        (3, 1): {"end A", "end B", "line A", "line B"},
        (3, 2): {"line A", "line B"},
        (3, 3): {"point B", "line A", "line B"},
        (2, 1): {"end B", "end C", "vertex A"},
        (2, 0): {"line A", "line C"},
        (1, 0): {"line A", "line C"},
        (0, 0): {"point C", "line A", "line C"},
    }


def test_a_letter_is_spoken_of_by_all_facts_of_its_point_and_a_value_by_its_own():
    at = {"A": (8.0, 56.0), "B": (56.0, 56.0), "C": (8.0, 8.0)}
    facts = tuple(
        Fact(kind, tuple(points), value)
        for kind, points, value in (("triangle", "ABC", ""), ("length", "AB", "7"), ("length", "AC", "7"))
    )
    diagram = Diagram({name: (x, -y) for name, (x, y) in at.items()}, (("A", "B"), ("A", "C")), facts=facts)
    texts = [Text(p, x, y, owner=(p,)) for p, (x, y) in at.items()] + [Text("7", 24, 60, owner=("B", "A"))]
    spoken = spoken_facts(diagram, drawn(texts=[*texts, Text("x", 60, 4)], points=at), PATCH)
    triangle, bottom, left = facts
    assert spoken == {
        12: (triangle, bottom, left),
        15: (triangle, bottom),
        0: (triangle, left),
        13: (bottom,),
    }


def test_a_patch_spells_its_glyphs_in_order_and_whose_value_it_is():
    texts = [Text("A", 4, 60, owner=("A",)), Text("77", 24, 56, owner=("A", "B"))]
    targets = spelling_targets(drawn(texts=texts), PATCH)
    said = {i: {GLYPHS[j]: row[j].item() for j in row.nonzero().flatten().tolist()} for i, row in enumerate(targets)}
    assert {i: row for i, row in said.items() if row} == {12: {"A": 1.0}, 13: {"7": 1.5, "A": 1.0, "B": 1.0}}


def test_the_three_angles_of_a_triangle_are_not_spelled_alike():
    owners = (("A", "B", "C"), ("B", "C", "A"), ("C", "A", "B"))
    texts = [Text("6", 8, y, owner=owner) for owner, y in zip(owners, (8, 24, 40), strict=True)]
    targets = spelling_targets(drawn(texts=texts), PATCH)[[0, 4, 8]]
    strongest = [
        max(owner, key=lambda point: row[GLYPHS.index(point)]) for owner, row in zip(owners, targets, strict=True)
    ]
    assert strongest == ["B", "C", "A"]
    assert targets[0, GLYPHS.index("A")] == targets[0, GLYPHS.index("C")] == 0.25


def test_every_text_of_a_figure_but_the_names_of_axes_has_an_owner():
    rng = np.random.default_rng(0)
    for family in procedural.FAMILIES:
        diagram = procedural.draw_program(family, rng).diagram
        try:
            texts = lay_out(diagram, Style.draw(rng, 336)).texts
        except NoRoom:
            continue
        owned = Counter(text.owner for text in texts if text.owner)
        marks = Counter(mark.points for mark in diagram.marks if mark.kind in ("length", "angle"))
        assert owned == marks + Counter((name,) for name in diagram.points)
        assert [text.text for text in texts if not text.owner] == (["x", "y"] if diagram.axes else [])


def test_a_blank_figure_has_no_target():
    blank = drawn(texts=[Text("A", 8, 8)])
    targets = stroke_targets(blank, np.full((64, 64), 255, np.uint8), PATCH)
    assert torch.equal(targets, torch.zeros(16, len(STROKES))) and len(junctions(blank)) == 0


NUMBER = st.floats(4, 60)


@example([], [(4.0, 4.0, 25.0), (4.0, 5.0, 23.0)])  # one within the other, a pixel short of touching
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER), max_size=4),
    st.lists(st.tuples(NUMBER, NUMBER, st.floats(4, 25)), max_size=3),
)
def test_junctions_lie_on_two_strokes(segments, circles):
    segments = [s for s in segments if np.hypot(s[0] - s[2], s[1] - s[3]) > 1]
    figure = drawn([((a, b), (c, d)) for a, b, c, d in segments], [(*c, 0, 360) for c in circles])
    for point in junctions(figure):
        near = [abs(np.hypot(*(point - c[:2])) - c[2]) for c in map(np.array, circles)]
        for a, b, c, d in segments:
            start, along = np.array([a, b]), np.array([c - a, d - b])
            share = np.clip(np.dot(point - start, along) / np.dot(along, along), 0, 1)
            near.append(float(np.hypot(*(point - start - share * along))))
        assert sorted(near)[1] < 2.5


@settings(max_examples=60, deadline=None)
@given(*[NUMBER] * 8)
def test_lines_that_cross_have_a_junction_there(a, b, c, d, e, f, g, h):
    p, q, r, s = (np.array(x) for x in ((a, b), (c, d), (e, f), (g, h)))
    matrix = np.column_stack([q - p, r - s])
    lengths = np.hypot(*(q - p)) * np.hypot(*(s - r))
    if lengths < 1 or abs(np.linalg.det(matrix)) < 0.15 * lengths:
        return
    share, other = np.linalg.solve(matrix, r - p)
    found = junctions(drawn([((a, b), (c, d)), ((e, f), (g, h))]))
    if 0 <= share <= 1 and 0 <= other <= 1:
        assert found == pytest.approx(np.array([p + share * (q - p)]), abs=1e-6)
