"""Reading captions: our own come back whole, others' as far as they are understood, and nothing is read into them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.diagram import Fact
from data_scripts.diagram.caption import caption
from data_scripts.diagram.facts import KINDS
from data_scripts.phrases import parse_caption
from data_scripts.phrases.kinds import SYMMETRIES, TEXT_KINDS, normal
from data_scripts.phrases.lexicon import CLAUSES, NOUNS, all_phrases
from data_scripts.sources import procedural

from ..samples import programs
from .samples import CAPTIONS, facts, read_captions

VALUES = {
    "length": ("7", "2x+1", r"3\sqrt{2}", "x", "a", r"\frac{1}{2}x+3", "5.5"),
    "angle": ("40°", "x", "2x+1", "x°"),
    "coordinates": ("(3, -2)", "(0.5, 4)"),
}


def read(text: str) -> set[Fact]:
    return {normal(f) for f in parse_caption(text).facts}


@pytest.mark.parametrize("kind", [*NOUNS, *CLAUSES])
@pytest.mark.parametrize("letters", ["ABCDEFGH", "QOMZXWVU"])
def test_every_wording_of_our_captions_comes_back(kind, letters):
    points = tuple(letters[: len(KINDS[kind].symmetries[0])])
    for template in {**NOUNS, **CLAUSES}[kind]:
        for value in VALUES.get(kind, ("",)):
            said = template.format(*points, v=value)
            parsed = parse_caption(f"We see {said}." if kind in NOUNS else f"{said[0].upper()}{said[1:]}.")
            assert [normal(f) for f in parsed.facts] == [normal(Fact(kind, points, value))], said
            assert not parsed.unread, said


@pytest.mark.parametrize("seed", range(5))
def test_whole_captions_of_our_figures_come_back(seed):
    for program in programs(60, seed=1):
        stated = program.diagram.facts
        parsed = parse_caption(caption(stated, seed))
        assert {normal(f) for f in parsed.facts} == {normal(f) for f in stated}, parsed.text
        assert not parsed.unread, parsed.text


def test_the_figures_of_that_test_are_of_most_families():
    assert len({procedural.figure_at(1, "train", i)[0].rpartition("/")[2] for i in range(60)}) >= 10


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("The triangle ABC is an isosceles triangle with AB = AC = 5.", "isosceles ABC, length AB 5, length AC 5"),
        ("Angle BAC is 40 degrees.", "angle BAC 40°"),
        (r"In $\triangle ABC$, $\angle ABC = 40^\circ$.", "triangle ABC, angle ABC 40°"),
        (r"$AB \parallel CD$ and $EF \perp CD$", "parallel ABCD, perpendicular EFCD"),
        (r"\overline{AB} \cong \overline{CD}", "equal_length ABCD"),
        ("m∠ABC = 40°", "angle ABC 40°"),
        ("The measure of angle ABC is 40°.", "angle ABC 40°"),
        ("the length of line segment AB is 5 cm", "length AB 5"),
        (r"AB = 5\sqrt{3}", r"length AB 5\sqrt{3}"),
        ("AB = 2x + 1", "length AB 2x+1"),
        ("AB = 2CD", "times_length ABCD 2"),
        ("AB : CD = 1 : 2", "ratio_length ABCD 1:2"),
        ("∠1 = 40°, ∠B = 50°", "named_angle 1 40°, corner B 50°"),
        ("a circle with center O and a chord AB", "circle O, chord ABO"),
        ("AB is a diameter of the circle.", "diameter AB_"),
        ("⊙O has a radius of 5", "radius_length O 5"),
        ("Circle O. OA is a radius. BO is a radius.", "circle O, radius AO, radius BO"),
        ("A, B, C and D lie on ⊙O", "on_circle AO, on_circle BO, on_circle CO, on_circle DO"),
        ("D and E are the midpoints of AB and CF, respectively", "midpoint DAB, midpoint ECF"),
        ("△ABC ∽ △DEF, △ABC ≌ △GHK", "similar ABCDEF, congruent ABCGHK"),
        ("An equilateral triangle ABC is inscribed in circle O.", "circumcircle OABC, equilateral_triangle ABC"),
        ("Circle O is the incircle of right triangle ABC.", "incircle OABC, right ABC"),
        ("PA touches ⊙O at A", "tangent PAO"),
        ("AB ∥ CD ∥ EF", "parallel ABCD, parallel CDEF"),
        ("Quadrilateral ABCD is a square.", "square ABCD"),
        ("Ray BD bisects ∠ABC.", "angle_bisector BDAC"),
    ],
)
def test_what_others_write_is_read(text, stated):
    assert read(text) == facts(stated)
    assert not parse_caption(text).unread


@pytest.mark.parametrize(
    "text",
    [
        "2AB = 5",
        "AB = CD + 3",
        "half of AB = 5",
        "AB is not parallel to CD",
        "AB isn't 5",
        "What is the length of AB?",
        "∠ABC + ∠CBD = 90°",
        "AB > CD",
        "AB = 40°",
        "AA is parallel to AA",
        "The weather is fine.",
        "THE END",
        "",
    ],
)
def test_nothing_is_read_into_a_text(text):
    assert not parse_caption(text).statements


def test_a_longer_list_than_the_grammar_knows_is_left_alone():
    assert not parse_caption("A, B, C and D lie on EF, FG, GH and HE.").statements


def test_spans_hold_the_statement_and_no_more():
    text = "In △ABC, side AB = 5, and AD glows. An acute triangle DEF is drawn."
    parsed = parse_caption(text)
    spans = [text[slice(*s.span)] for s in parsed.statements]
    assert spans == ["△ABC", "side AB = 5", "An acute triangle DEF"]
    assert [text[slice(*u)] for u in parsed.unread] == ["glows"]
    assert [text[slice(*s)] for s in parsed.sentences] == text.rstrip(".").split(". ")


def test_an_unnamed_circle_is_the_only_one_named():
    assert read("⊙O. AB is a diameter of the circle.") == facts("circle O, diameter ABO")
    assert Fact("diameter", ("", "A", "B")) not in read("⊙O and ⊙P. AB is a diameter of the circle.")
    assert facts("diameter AB_") <= read("⊙O and ⊙P. AB is a diameter of the circle.")


def test_most_sentences_of_every_style_are_understood():
    for style, captions in read_captions().items():
        understood = sentences = 0
        for parsed in map(parse_caption, captions):
            sentences += len(parsed.sentences)
            understood += sum(not any(a < v and u < b for u, v in parsed.unread) for a, b in parsed.sentences)
        assert understood >= 0.7 * sentences, style


def test_every_wording_reads_as_one_of_its_statements():
    """No wording of the table is out of reach: each is read as what it says, or as a wording that came before it."""
    for phrase in all_phrases():
        n = 1 + max(p for _, places in phrase.facts for p in places)
        letters = ["1", "2"] if "#" in phrase.template else list("ABCDEFGHKLMN")
        text = phrase.template.replace("#", "").format(*letters[:n], v="40°" if "∠" in phrase.template else "7")
        assert parse_caption(text).statements, text


def test_text_kinds_have_names_of_their_own():
    assert not set(TEXT_KINDS) & set(KINDS)
    assert {kind for p in all_phrases() for kind, _ in p.facts} <= set(SYMMETRIES)


PIECES = st.sampled_from(
    [
        *"ABCDO",
        "AB",
        "CD",
        "ABC",
        "ABCD",
        " is ",
        " a ",
        "∠",
        "△",
        "⊙",
        " = ",
        "5",
        "40°",
        ", ",
        " and ",
        ". ",
        "∥",
        "⊥",
    ]
    + ["$", r"\angle ", "{", "}", "circle ", "triangle ", "median ", "lies on ", "(", "√", "\n", "x", "right "]
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=60))
def test_any_text_is_read_without_error(text):
    parsed = parse_caption(text)
    end = 0
    for statement in parsed.statements:
        assert end <= statement.span[0] < statement.span[1] <= len(text)
        end = statement.span[1]
        assert {p for f in statement.facts for p in f.points if p} <= {
            text[slice(*span)] for name in statement.names for span in name.spans
        }


def test_reading_is_the_same_every_time():
    assert [parse_caption(c) for c in CAPTIONS] == [parse_caption(c) for c in CAPTIONS]
