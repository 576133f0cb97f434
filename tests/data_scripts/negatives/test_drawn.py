"""Drawn rule negatives, proven again from the figures' JSON."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from data_scripts.diagram import Fact
from data_scripts.diagram.caption import caption
from data_scripts.diagram.diagram import EDIT_KINDS, Diagram
from data_scripts.diagram.facts import KINDS, canonical, check, statements
from data_scripts.negatives.drawn import MOST_EDITED, drawn_rules, lay_over

from ..samples import figure, needs_logic_forms, programs, real_figures, row_of, traced_triangle


def kinds_of_edit(old: Fact, new: Fact) -> set[str]:
    """What was edited, by how each fact may be named: its kind, the order of its letters, its value."""
    orders = [{tuple(f.points[i] for i in s) for s in KINDS[f.kind].symmetries} for f in (old, new)]
    changed = {"order": orders[0].isdisjoint(orders[1]), "value": old.value != new.value}
    return {kind for kind in changed if changed[kind]} | ({KINDS[new.kind].edit} if old.kind != new.kind else set())


def prove(figures, count: int) -> Counter:
    """Draw edited captions of every figure and prove them; returns how often each kind of edit occurs."""
    edits = Counter()
    for i, positive in enumerate(figures):
        read = Diagram.from_json(positive.diagram.to_json())
        drawn = list(islice(drawn_rules(positive, 4 * count, np.random.default_rng(i), i, Counter()), count))
        assert drawn, "a figure without any"
        said = [statements(read.facts)]
        for rule in drawn:
            other = Diagram.from_json(rule.diagram.to_json())
            assert all(check(f, other) is True for f in rule.facts), "the edited caption is true of its figure"
            assert any(check(f, read) is False for f in rule.facts), "it is false of the positive"
            assert any(check(f, other) is False for f in read.facts), "the true caption is false of the figure"
            assert rule.caption == caption(rule.facts, i) != caption(read.facts, i)
            pairs = list(zip(read.facts, rule.facts, strict=True))
            changed = [new for old, new in pairs if canonical(old) != canonical(new)]
            assert len(changed) == rule.num_edited >= 1
            made = set().union(*(kinds_of_edit(old, new) for old, new in pairs))
            assert rule.edits == "+".join(kind for kind in EDIT_KINDS if kind in made)
            if rule.edits != "order":  # else letters may be exchanged all through
                assert rule.num_edited <= MOST_EDITED and all(check(f, read) is False for f in changed)
            said.append(statements(rule.facts))
            edits.update(rule.edits.split("+"))
        assert len(set(said)) == len(said), "an edited caption twice"
    return edits


def test_every_drawn_rule_is_proven_and_no_kind_of_edit_dominates():
    edits = prove(programs(25), 10)
    assert set(edits) == set(EDIT_KINDS)
    assert max(edits.values()) < 0.6 * edits.total(), edits


def test_every_drawn_rule_of_a_traced_figure_is_proven():
    assert {"order", "value"} <= set(prove([traced_triangle()], 10))


@needs_logic_forms
def test_every_drawn_rule_of_a_real_figure_is_proven():
    assert {"order", "value"} <= set(prove(real_figures(8), 10))


def test_of_a_kind_the_fewest_edited_statements_come_first():
    rules = list(drawn_rules(programs(13)[12], 40, np.random.default_rng(0), 0, Counter()))
    for kind in EDIT_KINDS:
        numbers = [rule.num_edited for rule in rules if rule.edits.partition("+")[0] == kind]
        assert numbers == sorted(numbers)
    assert rules[0].edits.partition("+")[0] != rules[1].edits.partition("+")[0]  # kinds take turns


def stating(drawn: Diagram, *facts: Fact) -> Diagram:
    return Diagram(drawn.points, drawn.segments, drawn.circles, drawn.marks, facts)


def test_only_what_holds_no_longer_is_edited():
    triangle = Fact("triangle", tuple("ABC"))
    altitude, median = (Fact(kind, tuple("ADBC")) for kind in ("altitude", "median"))
    lines = "AB BC CA AD"
    upright = stating(figure("A 3 6 B 0 0 C 10 0 D 3 0", lines), triangle, altitude)
    halved = stating(figure("A 3 6 B 0 0 C 10 0 D 5 0", lines), median, triangle)
    made = lay_over(upright, halved, 0)
    assert made.facts == (triangle, median) and (made.num_edited, made.edits) == (1, "relation")
    # the right triangle is one of the triangles still: the true caption would be true of it
    right = stating(figure("A 0 6 B 0 0 C 10 0", "AB BC CA"), Fact("right_triangle", tuple("BAC")))
    plain = stating(figure("A 3 6 B 0 0 C 10 0", "AB BC CA"), triangle)
    assert lay_over(plain, right, 0) is None
    assert lay_over(upright, plain, 0) is None  # nothing stands in the altitude's place
    assert lay_over(upright, upright, 0) is None


def test_the_same_generator_gives_the_same_rules():
    first, second = (list(drawn_rules(programs(2)[1], 20, np.random.default_rng(3), 0, Counter())) for _ in range(2))
    assert first == second and first


def test_what_was_not_kept_is_counted_by_reason():
    dropped = Counter()
    list(drawn_rules(programs(2)[1], 40, np.random.default_rng(0), 0, dropped))
    assert dropped and all(reason.startswith("drawn: ") for reason in dropped)


@pytest.mark.parametrize("index", [0, 3])
def test_a_row_has_them_if_asked_and_is_else_the_same(index):
    plain, drawn = row_of(index), row_of(index, num_drawn_rules=3)
    own = {name: drawn.pop(name) for name in ("drawn_images", "drawn_captions", "drawn_edits")}
    assert drawn == plain
    assert [len(column) for column in own.values()] == [3, 3, 3]
    shown = {image["bytes"] for image in own["drawn_images"]}
    assert len(shown) == 3 and plain["image"]["bytes"] not in shown


@pytest.mark.parametrize("index", [0, 3])
def test_drawn_negatives_follow_the_others_of_a_row(index):
    plain, columns, among = row_of(index), row_of(index, num_drawn_rules=3), row_of(index, num_drawn_negatives=3)
    for name, drawn in {"images": "drawn_images", "captions": "drawn_captions", "edits": "drawn_edits"}.items():
        assert among[f"negative_{name}"] == plain[f"negative_{name}"] + columns[drawn]
    told = set(among["rule_captions"])
    assert told == {*plain["rule_captions"], *columns["drawn_captions"]} and len(told) == len(among["rule_edits"])
    assert len({len(among[f"negative_{name}"]) for name in ("images", "captions", "scripts", "edits", "grades")}) == 1
    same = {"id", "image", "caption", "facts", "script"}
    assert {name: among[name] for name in same} == {name: plain[name] for name in same}
