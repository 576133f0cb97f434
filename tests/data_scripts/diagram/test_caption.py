"""Captions: every fact has words, the same facts and seed the same caption, another fact other words only there."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.contact_sheet import difference
from data_scripts.diagram import Fact
from data_scripts.diagram.caption import caption, clause
from data_scripts.diagram.facts import KINDS
from data_scripts.diagram.phrases import CLAUSES, NOUNS, OPENINGS
from data_scripts.sources.procedural import FAMILIES, draw_program, figure_at

from ..samples import programs

SEEDS = range(12)


def fact_of(kind: str, letters: str = "ABCDEFGH") -> Fact:
    return Fact(kind, tuple(letters[: len(KINDS[kind].symmetries[0])]), "7" if KINDS[kind].edit == "value" else "")


def words(fact: Fact, seed: int) -> str:
    """How the fact stands in a caption."""
    return clause(fact, seed).removesuffix(" is drawn" if fact.kind in NOUNS else "").lower()


def test_every_kind_has_words_in_one_place():
    assert set(NOUNS) | set(CLAUSES) == set(KINDS)
    assert not set(NOUNS) & set(CLAUSES)
    assert all(KINDS[kind].edit == "shape" for kind in NOUNS if kind != "axes")


def test_there_are_several_wordings_and_no_two_kinds_share_one():
    templates = [t for table in (NOUNS, CLAUSES) for choices in table.values() for t in choices]
    assert len(set(templates)) == len(templates)
    assert all(4 <= len(choices) <= 7 for table in (NOUNS, CLAUSES) for choices in table.values())


@pytest.mark.parametrize("kind", KINDS)
def test_words_name_the_points_and_end_in_a_full_stop(kind):
    fact = fact_of(kind)
    for seed in SEEDS:
        text = caption([fact], seed)
        assert re.fullmatch(r"[^a-z{}].*[^ .{}]\.", text), text
        assert set(fact.points) <= set(text) and fact.value in text
        assert clause(fact, seed)[-1] not in ". "


@pytest.mark.parametrize("kind", KINDS)
def test_every_wording_tells_which_point_is_which(kind):
    """Facts that mean different things never read the same."""
    fact = fact_of(kind)
    turned = Fact(kind, fact.points[1:] + ("Z",), fact.value)
    assert all(clause(fact, seed) != clause(turned, seed) for seed in SEEDS)


def test_the_same_facts_and_seed_give_the_same_caption():
    facts = programs(1)[0].diagram.facts
    assert caption(facts, 5) == caption(list(facts), 5)
    assert len({caption(facts, seed) for seed in range(40)}) > 2


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.integers(0, 2**31 - 1), st.randoms())
def test_one_other_fact_is_one_other_statement(index, seed, random):
    facts = figure_at(2, "train", index)[1].diagram.facts
    i = random.randrange(len(facts))
    points = [*facts[i].points]
    random.shuffle(points)
    changed = replace(facts[i], points=(*points[:-1], "Z"))
    before, after = (caption(f, seed).lower() for f in (facts, [*facts[:i], changed, *facts[i + 1 :]]))
    old, new = (words(f, seed) for f in (facts[i], changed))
    places = [m.start() for m in re.finditer(re.escape(old), before)]
    assert after in [before[:p] + new + before[p + len(old) :] for p in places]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.integers(0, 2**31 - 1))
def test_another_kind_of_fact_in_the_same_place_leaves_the_rest_alone(index, seed):
    """A shape for a shape, a relation for a relation: as many statements in the same order, the others unchanged."""
    facts = list(figure_at(2, "train", index)[1].diagram.facts)
    before = caption(facts, seed).lower()
    for i, fact in enumerate(facts):
        table = NOUNS if fact.kind in NOUNS else CLAUSES
        arity = len(fact.points)
        kinds = [k for k in table if len(KINDS[k].symmetries[0]) == arity and KINDS[k].edit == KINDS[fact.kind].edit]
        for kind in kinds:
            other = replace(fact, kind=kind)
            said = caption([*facts[:i], other, *facts[i + 1 :]], seed).lower()
            new, old = (words(f, seed) for f in (other, fact))
            places = [m.start() for m in re.finditer(re.escape(old), before)]
            assert said in [before[:p] + new + before[p + len(old) :] for p in places]


def test_shapes_first_and_everything_is_said_once():
    facts = [
        Fact("length", ("A", "B"), "5"),
        Fact("median", tuple("ADBC")),
        Fact("triangle", tuple("ABC")),
        Fact("angle", tuple("ABC"), "40°"),
        Fact("circle", ("O",)),
    ]
    orders = set()
    for seed in range(60):
        text = caption(facts, seed)
        places = [text.lower().find(words(f, seed)) for f in facts]
        assert min(places) >= 0 and max(places[2], places[4]) < min(places[0], places[1], places[3])
        assert text.endswith(".") and ".." not in text and " ." not in text and "{" not in text
        orders.add(tuple(np.argsort(places).tolist()))
    assert len(orders) >= 6


def template(text: str) -> str:
    """A caption with its letters named in the order they come up and its numbers left out."""
    names: dict[str, str] = {}
    text = re.sub(r"\d+(\.\d+)?", "0", text)
    return re.sub(r"(?<![a-z])[A-Z](?![a-z])", lambda m: names.setdefault(m[0], chr(65 + len(names))), text)


@pytest.mark.parametrize("family", FAMILIES)
def test_two_figures_of_a_family_rarely_read_alike(family):
    count, seen = 40, set()
    for seed in range(count):
        rng = np.random.default_rng(seed)
        seen.add(template(caption(draw_program(family, rng).diagram.facts, int(rng.integers(2**31)))))
    assert len(seen) >= 0.95 * count


def test_openings_take_one_noun_or_several():
    assert all("{}" in opening and " is " not in opening.split("{}")[1] for opening in OPENINGS)


def test_nothing_to_say_is_refused():
    with pytest.raises(ValueError, match="at least one fact"):
        caption([], 0)


def test_difference_names_what_changed():
    assert difference("We see △ABC. AB = 5.", "We see △ABC. AB = 7.") == "AB = 7"
    assert "another order" in difference("AB = 5, AC = 6.", "AC = 6, AB = 5.")
