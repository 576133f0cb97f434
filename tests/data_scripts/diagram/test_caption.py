"""Captions: every fact has words, the same facts and seed the same caption, another fact other words only there."""

import re

import pytest

from data_scripts.contact_sheet import difference
from data_scripts.diagram import Fact
from data_scripts.diagram.caption import CLAUSES, NOUNS, OPENINGS, caption, clause
from data_scripts.diagram.facts import KINDS

from ..samples import programs

SEEDS = range(12)


def fact_of(kind: str, letters: str = "ABCDEF") -> Fact:
    return Fact(kind, tuple(letters[: len(KINDS[kind].symmetries[0])]), "7" if KINDS[kind].edit == "value" else "")


def test_every_kind_has_words_in_one_place():
    assert set(NOUNS) | set(CLAUSES) == set(KINDS)
    assert not set(NOUNS) & set(CLAUSES)
    assert all(KINDS[kind].edit == "shape" for kind in NOUNS)


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


def test_one_other_fact_is_one_other_statement():
    for program in programs(25):
        facts = program.diagram.facts
        for i, fact in enumerate(facts):
            changed = Fact(fact.kind, tuple(reversed(fact.points[:-1])) + ("Z",), fact.value)
            before, after = (caption(f, 3).lower() for f in (facts, [*facts[:i], changed, *facts[i + 1 :]]))
            old, new = (clause(f, 3).removesuffix(" is drawn").lower() for f in (fact, changed))
            places = [m.start() for m in re.finditer(re.escape(old), before)]
            assert after in [before[:p] + new + before[p + len(old) :] for p in places]


def test_shapes_first_and_values_last_in_one_sentence():
    facts = [
        Fact("length", ("A", "B"), "5"),
        Fact("median", tuple("ADBC")),
        Fact("triangle", tuple("ABC")),
        Fact("angle", tuple("ABC"), "40°"),
        Fact("circle", ("O",)),
    ]
    sentences = caption(facts, 0).rstrip(".").split(". ")
    assert len(sentences) == 3
    assert "ABC" in sentences[0] and "O" in sentences[0] and " and " in sentences[0]
    assert "AD" in sentences[1]
    assert "5" in sentences[2] and "40°" in sentences[2]


def test_openings_take_one_noun_or_several():
    assert all("{}" in opening and " is " not in opening.split("{}")[1] for opening in OPENINGS)


def test_nothing_to_say_is_refused():
    with pytest.raises(ValueError, match="at least one fact"):
        caption([], 0)


def test_difference_names_what_changed():
    assert difference("We see △ABC. AB = 5.", "We see △ABC. AB = 7.") == "AB = 7"
    assert "another order" in difference("AB = 5, AC = 6.", "AC = 6, AB = 5.")
