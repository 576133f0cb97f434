"""Geometry3K: the parser, every kind of dirt in the records, and files that are not what they should be."""

import json
import zipfile
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.diagram import Fact, Mark
from data_scripts.diagram.drawing import NoRoom, Style, lay_out, rasterise
from data_scripts.diagram.facts import check
from data_scripts.sources.geometry3k import (
    MAX_POINTS,
    MEMBER,
    figures,
    load_records,
    parse_form,
    read_record,
    record_numbers,
)

from ..samples import LOGIC_FORMS, needs_logic_forms, real_figures, record, write_zip

leaves = st.one_of(
    st.text("ABCDXYZ", min_size=1, max_size=2),
    st.integers(0, 99).map(str),
    st.sampled_from(["2x+1", "\\frac{1,2}{3}"]),
)
names = st.sampled_from(["Equals", "Line", "LengthOf", "MeasureOf", "Angle"])
terms = st.recursive(
    leaves, lambda inner: st.tuples(names, st.lists(inner, min_size=1, max_size=3).map(tuple)), max_leaves=8
)


def written(term) -> str:
    return term if isinstance(term, str) else f"{term[0]}({', '.join(written(a) for a in term[1])})"


@settings(max_examples=50, deadline=None)
@given(terms)
def test_parsing_undoes_writing(term):
    assert parse_form(written(term)) == term


@settings(max_examples=50, deadline=None)
@given(terms, st.sampled_from("()"), st.data())
def test_parentheses_that_do_not_match_are_refused(term, extra, data):
    text = written(term)
    if isinstance(term, str):
        return
    place = data.draw(st.integers(len(term[0]) + 1, len(text)))
    with pytest.raises(ValueError, match="parentheses do not match"):
        parse_form(text[:place] + extra + text[place:])


@settings(max_examples=50, deadline=None)
@given(st.text("ABLine(),{}\\x2 ", max_size=25))
def test_any_text_parses_or_is_refused(text):
    try:
        parse_form(text)
    except ValueError as error:
        assert "malformed logic form" in str(error)


def test_commas_within_latex_do_not_separate():
    assert parse_form("Equals(LengthOf(Line(A, B)), \\frac{1,000}{3})") == (
        "Equals",
        (("LengthOf", (("Line", ("A", "B")),)), "\\frac{1,000}{3}"),
    )


def read(**changes):
    skipped = Counter()
    return read_record(record(**changes), skipped).diagram, skipped


def test_a_clean_record():
    d, skipped = read()
    assert not skipped
    assert set(d.points) == set("ABCM") and d.points["A"] == (0.0, -300.0)
    assert d.segments == (("A", "B"), ("B", "C"), ("C", "A")), "BM and MC lie within BC"
    assert [c.center for c in d.circles] == ["M"] and d.circles[0].radius == pytest.approx(250)
    assert Fact("right_triangle", ("A", "B", "C")) in d.facts
    assert Fact("length", ("A", "B"), "8") in d.facts
    assert Mark("right_angle", ("B", "A", "C")) in d.marks
    assert Mark("ticks", ("B", "M")) in d.marks and Mark("ticks", ("M", "C")) in d.marks
    assert all(check(f, d) is True for f in d.facts)


def test_placeholder_points_go_with_all_that_names_them():
    clean = record()
    points = {**clean["point_positions"], "Z": [-1, -1]}
    forms = [
        *clean["diagram_logic_forms"],
        "Perpendicular(Line(A, Z), Line(A, B))",
        "PointLiesOnCircle(Z, Circle(M, r))",
    ]
    d, _ = read(point_positions=points, diagram_logic_forms=forms, line_instances=[*clean["line_instances"], "AZ"])
    assert d == read()[0]


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ("", "form: empty"),
        ("   ", "form: empty"),
        ("Equals(LengthOf(Line(A, B)), 8", "form: malformed"),
        ("Equals(LengthOf(Line(A, B))), 8)", "form: malformed"),
        ("Equals(MeasureOf(angle 4), 30)", "form: not drawn by us"),
        ("Equals(MeasureOf(Angle(1)), 30)", "form: not drawn by us"),
        ("Equals(LengthOf(Line(B, C)), )", "form: not drawn by us"),
        ("Equals(LengthOf(Line(B, C)), $)", "form: not drawn by us"),
        ("Perpendicular(Line(A, B))", "form: not drawn by us"),
        ("Similar(Triangle(A, B, C), Triangle(A, B, M))", "form: not drawn by us"),
        (None, "form: not drawn by us"),
    ],
)
def test_a_form_that_cannot_be_used_is_counted_and_left_out(form, reason):
    d, skipped = read(diagram_logic_forms=[*record()["diagram_logic_forms"], form])
    assert skipped == {reason: 1}
    assert d == read()[0]


def test_a_nameless_circle_is_no_circle():
    d, _ = read(circle_instances=["", "M"], diagram_logic_forms=["PointLiesOnCircle(A, Circle(, r))"])
    assert d.circles == ()


def test_numbers_of_angles_are_degrees_and_formulas_are_kept():
    forms = [
        "Equals(MeasureOf(Angle(A, B, C)), 37)",
        "Equals(MeasureOf(Angle(A, C, B)), 2 x+3)",
        "Equals(LengthOf(Line(A, C)), 3 * \\sqrt{2})",
        "Equals(LengthOf(Line(C, A)), 99)",
    ]
    d, _ = read(diagram_logic_forms=forms)
    printed = {m.points: m.text for m in d.marks}
    assert printed == {("A", "B", "C"): "37°", ("A", "C", "B"): "2x+3", ("A", "C"): "3\\sqrt{2}"}


def test_equal_parts_form_groups():
    def equal(a: str, b: str) -> str:
        return f"Equals(LengthOf(Line({a[0]}, {a[1]})), LengthOf(Line({b[0]}, {b[1]})))"

    points = {"A": [0, 0], "B": [100, 0], "C": [100, 100], "D": [0, 100], "E": [50, 160]}
    forms = [equal("AB", "BC"), equal("DE", "CE"), equal("DA", "CD"), equal("CB", "DC")]
    d, _ = read(point_positions=points, line_instances=["AB", "BC", "CD", "DA", "DE", "CE"], diagram_logic_forms=forms)
    counts = {frozenset(m.points): m.count for m in d.marks}
    assert len(counts) == len(d.marks) == 6, "one mark on each part"
    assert len({counts[frozenset(s)] for s in ("AB", "BC", "CD", "DA")}) == 1
    assert counts[frozenset("DE")] == counts[frozenset("CE")] != counts[frozenset("AB")]
    assert check(Fact("equal_length", tuple("ABDA")), d) is True


def many_points() -> dict:
    return {chr(ord("A") + i): [30.0 * i, 7.0 * i * i] for i in range(MAX_POINTS + 1)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"point_positions": {"A": [0, 0], "B": [9, 9], "C": [-1, -1]}}, "fewer than three points"),
        ({"point_positions": {}}, "fewer than three points"),
        ({"point_positions": None}, "no point positions"),
        ({"point_positions": {"A": [1], "B": [1, 2], "C": [3, 4]}}, "no point positions"),
        ({"point_positions": {"A": ["x", 2], "B": [1, 2], "C": [3, 4]}}, "no point positions"),
        ({"point_positions": many_points()}, "more than 10 points"),
        ({"point_positions": {"A": [0, 0], "B": [400, 0], "C": [401, 1]}}, "too close"),
        ({"line_instances": []}, "no line"),
        ({"line_instances": ["A", "AA", "", "ABC", None]}, "no line"),
        ({"line_instances": None}, "no list of lines"),
        ({"diagram_logic_forms": None}, "no list of lines or of logic forms"),
    ],
)
def test_a_record_without_a_usable_figure_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        read(**changes)


def test_numbers_of_a_split(tmp_path):
    records = load_records(write_zip(tmp_path / "forms.zip", {str(n): record() for n in (2101, 3, 0, 2100, 2401)}))
    assert list(record_numbers(records, "train")) == [0, 3, 2100]
    assert list(record_numbers(records, "validation")) == [2101]
    assert list(record_numbers(records, "test")) == [2401]


def test_the_logic_forms_from_a_zip_a_folder_or_the_json(tmp_path):
    (tmp_path / "zipped").mkdir()
    made = write_zip(tmp_path / "zipped" / "forms.zip", {"7": record()})
    (tmp_path / "unpacked" / "logic_forms").mkdir(parents=True)
    annotations = tmp_path / "unpacked" / "logic_forms" / MEMBER
    annotations.write_text(json.dumps({"7": record()}))
    (tmp_path / "zipped" / "another.zip").write_bytes(b"no zip")
    for place in (made, made.parent, annotations, tmp_path / "unpacked"):
        assert load_records(place) == {7: record()}
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds neither"):
        load_records(tmp_path / "empty")


def test_the_logic_forms_from_one_folder_per_problem(tmp_path):
    for number in (7, 2401):
        folder = tmp_path / "geometry3k" / "any" / str(number)
        folder.mkdir(parents=True)
        forms = record()
        forms["diagram_logic_form"] = forms.pop("diagram_logic_forms")
        (folder / "logic_form.json").write_text(json.dumps(forms))
    records = load_records(tmp_path)
    assert list(records) == [7, 2401]
    assert read_record(records[7], Counter()) == read_record(record(), Counter())
    (folder / "logic_form.json").write_text("nonsense")
    with pytest.raises(ValueError, match=r"2401/logic_form\.json is not the JSON"):
        load_records(tmp_path)


def broken_zip(path):
    write_zip(path, {"0": record()})
    path.write_bytes(path.read_bytes()[:-30])


def damaged_zip(path):
    write_zip(path, {str(i): record() for i in range(50)})
    content = bytearray(path.read_bytes())
    content[120:160] = bytes(40)
    path.write_bytes(content)


def other_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")


def truncated_json(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, json.dumps({"0": record()})[:-20])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no file at"),
        (lambda path: path.mkdir(), "holds neither"),
        (lambda path: path.write_text("not a zip"), "cannot be read as a zip"),
        (lambda path: path.write_bytes(b""), "cannot be read as a zip"),
        (broken_zip, "cannot be read as a zip"),
        (damaged_zip, "cannot be read as a zip"),
        (other_zip, f"holds no {MEMBER}"),
        (truncated_json, "is not the JSON it should be"),
        (lambda path: write_zip(path, [1, 2]), "is not the JSON it should be"),
        (lambda path: write_zip(path, {"first": record()}), "is not the JSON it should be"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused_in_one_line(make, message, tmp_path):
    path = tmp_path / "forms.zip"
    make(path)
    with pytest.raises(ValueError, match=message):
        load_records(path)


@needs_logic_forms
def test_real_records_give_true_figures_that_can_be_drawn():
    assert len(load_records(LOGIC_FORMS)) == 3002
    style, crowded = Style.draw(np.random.default_rng(0), 224).upright(), 0
    for real in real_figures(12):
        assert all(check(f, real.diagram) is True for f in real.diagram.facts)
        try:
            drawing = lay_out(real.diagram, style)
        except NoRoom:
            crowded += 1
            continue
        assert np.asarray(rasterise(drawing)).min() == 0
    assert crowded <= 1


@needs_logic_forms
def test_most_real_records_are_usable():
    records, skipped = load_records(LOGIC_FORMS), Counter()
    usable = 0
    for number in list(record_numbers(records, "test"))[:60]:
        try:
            usable += bool(read_record(records[number], skipped).diagram.facts)
        except ValueError:
            continue
    assert usable >= 40


def test_letters_stand_in_any_order_and_the_same_each_time():
    """As printed, the corner of the right angle is A and the centre M: edits that exchange letters would show."""

    def letters(seed: int) -> tuple[str, str]:
        ((row_id, figure, _),) = figures([(7, record())], "train", seed, Counter())
        assert row_id == "geometry3k/7" and set(figure.diagram.points) == set("ABCM")
        assert all(check(f, figure.diagram) is True for f in figure.diagram.facts)
        (corner,) = (m.points[1] for m in figure.diagram.marks if m.kind == "right_angle")
        return corner, figure.diagram.circles[0].center

    drawn = Counter(letters(seed) for seed in range(60))
    assert letters(3) == letters(3)
    assert len(drawn) > 8 and max(drawn.values()) < 20, "twelve assignments are equally likely"
