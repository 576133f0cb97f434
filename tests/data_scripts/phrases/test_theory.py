"""What a caption implies, leaves possible, excludes and denies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.diagram.facts import KINDS, check
from data_scripts.phrases import Stated, parse_caption
from data_scripts.phrases.axioms import EXCLUSIVE, IMPLIES, LOOSE, MAY_IMPLY, ONE_OF, UNSAID, expand
from data_scripts.phrases.kinds import SYMMETRIES, arity, normal
from data_scripts.phrases.theory import Fact

from ..samples import programs
from .samples import CAPTIONS, facts


def stated(text: str) -> Stated:
    return Stated(facts(text))


def one(text: str) -> Fact:
    (fact,) = facts(text)
    return fact


@pytest.mark.parametrize(
    ("given_facts", "follows"),
    [
        ("square ABCD", "rectangle ABCD"),
        ("square ABCD", "parallel ABCD"),
        ("square ABCD, length AB 5", "length DA 5"),
        ("rectangle ABCD, equal_length ABBC", "square ABCD"),
        ("parallelogram ABCD, corner A 90°", "rectangle ABCD"),
        ("parallelogram ABCD, intersect EACBD", "midpoint EAC"),
        ("triangle ABC, equal_length ABAC", "isosceles_triangle ABC"),
        ("triangle ABC, angle ABC 40°, angle ACB 40°", "equal_length ABAC"),
        ("triangle ABC, angle ABC 50°, angle ACB 60°", "angle BAC 70°"),
        ("triangle ABC, corner B 90°", "right_triangle BAC"),
        ("right_triangle ABC, length AB 3, length AC 4", "length BC 5"),
        ("equilateral_triangle ABC", "angle ABC 60°"),
        ("midpoint MAB, length MA 5", "length MB 5"),
        ("on_segment DBC, angle ABC 40°", "angle ABD 40°"),
        ("on_segment ACB, on_segment OAB, angle DCA 40°", "angle DCO 40°"),
        ("diameter ABO, on_circle CO", "angle ACB 90°"),
        ("radius_length O 5, on_circle AO", "length OA 5"),
        ("tangent PAO, tangent PBO", "equal_length PAPB"),
        ("equal_length ABCD, equal_length CDEF", "equal_length ABEF"),
        ("isosceles_triangle ABC, median ADBC", "altitude ADBC"),
        ("triangle ABC, equal_length ABAC, on_segment DBC, perpendicular ADBC", "midpoint DBC"),
        ("triangle ABC, equal_length ABAC, midpoint DBC", "perpendicular ADBC"),
        ("congruent ABCDEF, length AB 5", "length DE 5"),
        ("intersect EABCD, angle AEC 40°", "angle BED 40°"),
        ("triangle ABC, equal_length ABAC, similar ABCDEF", "similar ABCDFE"),
    ],
)
def test_what_follows_is_implied_and_never_denied(given_facts, follows):
    about = stated(given_facts)
    assert about.implies(one(follows))
    assert not about.excludes(one(follows)) and not about.denies(one(follows))


@pytest.mark.parametrize(
    ("given_facts", "possible"),
    [
        ("isosceles ABC", "equal_length ABAC"),
        ("isosceles ABC, length AB 5", "length AC 5"),
        ("right ABC", "angle ABC 90°"),
        ("trapezium ABCD", "parallel ABCD"),
        ("trapezium ABCD", "parallel BCDA"),
        ("parallel ABCD, angle ABC 40°", "angle BCD 40°"),
        ("on_circle AO, on_circle BO, on_circle CO, on_circle DO, angle ACB 40°", "angle ADB 40°"),
        ("rectangle ABCD", "square ABCD"),
        ("parallelogram ABCD", "rhombus ABCD"),
        ("isosceles ABC", "equilateral_triangle ABC"),
        ("triangle ABC", "right ABC"),
        ("length AB 5", "segment AC"),
    ],
)
def test_what_may_be_true_is_not_denied(given_facts, possible):
    assert not stated(given_facts).denies(one(possible))


@pytest.mark.parametrize(
    ("given_facts", "false"),
    [
        ("length AB 5", "length AB 6"),
        ("length AB 2x+1", "length AB 2x+7"),
        ("angle ABC 40°", "angle CBA 50°"),
        ("square ABCD, length AB 5", "length BC 6"),
        ("square ABCD", "trapezium ABCD"),
        ("equilateral_triangle ABC", "right ABC"),
        ("equilateral_triangle ABC", "scalene_triangle ABC"),
        ("isosceles ABC", "scalene_triangle ABC"),
        ("right_triangle ABC", "right_triangle BAC"),
        ("parallel ABCD", "perpendicular ABCD"),
        ("parallel ABCD", "intersect EABCD"),
        ("triangle ABC, parallel DEBC", "parallel DEAC"),
        ("on_circle AO", "inside_circle AO"),
        ("tangent PAO", "on_circle PO"),
        ("chord ABO", "outside_circle AO"),
        ("diameter ABO", "radius_of ABO"),
        ("circle O", "ellipse O"),
        ("midpoint MAB", "midpoint NAB"),
        ("midpoint MAB", "midpoint MAC"),
        ("triangle ABC", "on_segment ABC"),
        ("triangle ABC, on_segment DBC", "on_segment DAC"),
        ("on_segment DBC", "on_segment BDC"),
        ("circumcircle OABC", "incircle OABC"),
        ("coordinates A (3,-2)", "coordinates A (3,2)"),
        ("parabola_up A", "parabola_down A"),
    ],
)
def test_contradictions_are_excluded(given_facts, false):
    about = stated(given_facts)
    assert about.excludes(one(false)) and about.denies(one(false))


@pytest.mark.parametrize(
    ("given_facts", "silent"),
    [
        ("length AB 5", "length AC 5"),
        ("triangle ABC, angle ABC 40°", "angle BAC 40°"),
        ("rectangle ABCD", "rhombus ABCD"),
        ("isosceles_triangle ABC", "isosceles_triangle BAC"),
        ("parallel ABCD", "parallel ACBD"),
        ("median ADBC", "altitude ADBC"),
        ("similar ABCDEF", "similar ABCDFE"),
        ("on_segment DBC", "midpoint DBC"),
        ("equal_length ABCD", "equal_length ACBD"),
        ("quadrilateral ABCD", "quadrilateral ACBD"),
        ("chord ABO", "diameter ABO"),
    ],
)
def test_what_a_complete_caption_leaves_out_is_denied_but_not_excluded(given_facts, silent):
    about = stated(given_facts)
    assert about.denies(one(silent)) and not about.excludes(one(silent))


@pytest.mark.parametrize(
    ("given_facts", "same"),
    [
        ("square ABCD", "square CDAB"),
        ("square ABCD", "square DCBA"),
        ("segment AC", "segment CA"),
        ("angle ABC 40°", "angle CBA 40 degrees"),
        ("parallel ABCD", "parallel DCBA"),
        ("length AB 5", "length BA 5 cm"),
        ("similar ABCDEF", "similar FEDCBA"),
    ],
)
def test_other_names_for_the_same_are_the_same(given_facts, same):
    assert facts(given_facts) == facts(same)
    assert not stated(given_facts).denies(one(same))


@pytest.mark.parametrize("kind", SYMMETRIES)
def test_nothing_denies_itself(kind):
    points = tuple("ABCDEFGH"[: arity(kind)])
    fact = Fact(kind, points, "5" if kind in ("length", "corner") else "")
    about = Stated([fact])
    assert about.implies(fact) and not about.excludes(fact) and not about.denies(fact)


def test_the_tables_name_known_kinds_with_their_points():
    for axioms in (IMPLIES, MAY_IMPLY, ONE_OF):
        for kind, lines in axioms.items():
            assert kind in SYMMETRIES
            for words in map(str.split, lines):
                for other, places in zip(words[::2], words[1::2], strict=True):
                    assert len(places) == arity(other) and max(map(int, places)) < arity(kind), words
    assert {k for group in EXCLUSIVE for k in group} | set(LOOSE) | set(LOOSE.values()) | UNSAID <= set(SYMMETRIES)


LINES = {"parallel": ((0, 1), (2, 3)), "perpendicular": ((0, 1), (2, 3)), "angle_bisector": ((0, 1), (0, 2), (0, 3))}


def test_what_follows_is_true_on_coordinates():
    """The axioms of our own kinds, held against figures whose facts are proven; a figure asks for lines drawn."""
    judged = 0
    for program in programs(100, seed=2):
        diagram = program.diagram
        for fact in diagram.facts:
            for part in expand(fact) - {normal(fact)}:
                drawn = all(
                    check(Fact("segment", (part.points[i], part.points[j])), diagram) is True
                    for i, j in LINES.get(part.kind, ())
                )
                if part.kind in KINDS and drawn and part.kind not in ("equal_length", "equal_angle", "segment"):
                    judged += 1
                    assert check(part, diagram) is not False, (fact, part)
    assert judged > 200


def test_a_true_caption_contradicts_no_other_true_caption_of_the_figure():
    for program in programs(60, seed=3):
        stated_facts = program.diagram.facts
        half = len(stated_facts) // 2
        for known, other in ((stated_facts[:half], stated_facts[half:]), (stated_facts, stated_facts)):
            judge = Stated(known)
            assert not [fact for fact in other if judge.excludes(fact)]


def test_no_fixture_caption_denies_itself():
    for caption in CAPTIONS:
        parsed = parse_caption(caption)
        about = Stated(parsed.facts)
        assert not [f for f in parsed.facts if about.denies(f)], caption


FACTS = st.sampled_from(sorted(SYMMETRIES)).flatmap(
    lambda kind: st.tuples(
        st.just(kind), st.lists(st.sampled_from("ABCDEO"), min_size=arity(kind), max_size=arity(kind))
    )
)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(FACTS, max_size=6), FACTS)
def test_any_statements_can_be_judged(said, other):
    def fact(kind: str, points: list[str]) -> Fact:
        return Fact(kind, tuple(points), "5")

    about = Stated([fact(*s) for s in said])
    new = fact(*other)
    if about.denies(new):
        assert not about.may_hold(new)
    if about.implies(new):
        assert about.may_hold(new) and not about.denies(new) and not about.excludes(new)
    assert about.denies(new) == Stated([fact(*s) for s in reversed(said)]).denies(new)


def test_judging_does_not_depend_on_the_order_of_facts():
    rng = np.random.default_rng(0)
    for caption in CAPTIONS:
        said = parse_caption(caption).facts
        shuffled = [said[i] for i in rng.permutation(len(said))]
        assert Stated(said).facts == Stated(shuffled).facts
