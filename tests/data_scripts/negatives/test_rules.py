"""Rule negatives: proven false, with the figure's letters, never the positive in other words."""

import re
from collections import Counter

import numpy as np
import pytest

from data_scripts.diagram.caption import caption
from data_scripts.diagram.diagram import EDIT_KINDS
from data_scripts.diagram.facts import canonical, check, statements
from data_scripts.negatives import rules
from data_scripts.negatives.rules import EDITS, RELATIONS, rule_negatives
from data_scripts.phrases.kinds import EDIT_OF, arity

from ..samples import needs_logic_forms, programs, real_figures, traced_triangle


@pytest.fixture
def edited(monkeypatch) -> list:
    """The edited statements behind every caption, which the captions alone do not give back."""
    seen, edit = [], rules._edit

    def remember(diagram, kinds, rng):
        facts = edit(diagram, kinds, rng)
        if facts is not None:
            seen.append((diagram, kinds, facts))
        return facts

    monkeypatch.setattr(rules, "_edit", remember)
    return seen


def prove(diagrams, edited: list) -> Counter:
    kinds = Counter()
    for i, diagram in enumerate(diagrams):
        edited.clear()
        negatives = rule_negatives(diagram, 8, np.random.default_rng(i), i, Counter())
        behind = {caption(facts, i): facts for _, _, facts in edited}
        captions = [n.caption for n in negatives]
        assert len(set(captions)) == len(captions) and caption(diagram.facts, i) not in captions
        for negative in negatives:
            facts = behind[negative.caption]
            assert any(check(f, diagram) is False for f in facts), negative
            assert statements(facts) != statements(diagram.facts)
            assert {p for f in facts for p in f.points} <= set(diagram.points)
            assert len(facts) == len(diagram.facts)
            kinds.update(negative.edits.split("+"))
    return kinds


def test_every_caption_is_proven_false(edited):
    kinds = prove([p.diagram for p in programs(30)], edited)
    assert set(kinds) == set(EDIT_KINDS)


@needs_logic_forms
def test_every_caption_of_a_real_figure_is_proven_false(edited):
    assert set(prove([f.diagram for f in real_figures(10)], edited)) == set(EDIT_KINDS)


@pytest.mark.parametrize("kind", EDITS)
def test_an_edit_of_one_statement_makes_it_false(kind):
    made = 0
    for i, program in enumerate(programs(30)):
        d = program.diagram
        for fact in d.facts:
            other = EDITS[kind](fact, d, np.random.default_rng(i))
            if other is None:
                continue
            made += 1
            assert check(other, d) is False and canonical(other) != canonical(fact)
            assert (other.kind == fact.kind) == (kind in ("order", "value"))
            assert (other.points == fact.points) == (kind != "order")
    assert made >= 10


def test_edits_fall_on_different_statements(edited):
    for i, program in enumerate(programs(20)):
        rule_negatives(program.diagram, 6, np.random.default_rng(i), 0, Counter())
    several = [(d, kinds, facts) for d, kinds, facts in edited if len(kinds) > 1]
    assert len(several) > 10
    for d, kinds, facts in several:
        assert sum(a != b for a, b in zip(d.facts, facts, strict=True)) == len(kinds)


def test_statements_that_can_be_mistaken_take_the_same_points():
    for group in RELATIONS:
        assert len({arity(kind) for kind in group}) == 1
        assert all(EDIT_OF[kind] == "relation" for kind in group)


def test_the_edits_are_named_in_a_fixed_order_and_the_count_is_kept():
    negatives = rule_negatives(traced_triangle().diagram, 5, np.random.default_rng(0), 0, Counter())
    assert len(negatives) == 5
    for negative in negatives:
        assert re.fullmatch("(order)?\\+?(shape)?\\+?(relation)?\\+?(value)?", negative.edits)
    assert negatives == rule_negatives(traced_triangle().diagram, 5, np.random.default_rng(0), 0, Counter())
