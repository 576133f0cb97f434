"""The four-way metric of We-Math on problems counted by hand."""

import itertools

import pytest

from evaluation.benchmarks.item import CHOICE, Item
from evaluation.graders.four_way import KINDS, MODES, Problem, four_way, problems_of


@pytest.mark.parametrize(
    ("steps", "whole", "strict", "loose"),
    [
        ("RR", True, "CM", "CM"),
        ("RW", True, "RM", "CM"),
        ("WW", True, "RM", "RM"),
        ("RR", False, "IG", "IG"),
        ("RW", False, "IK", "IK"),
        ("WW", False, "IK", "IK"),
        ("RRR", True, "CM", "CM"),
        ("WRW", True, "RM", "CM"),
        ("WWW", True, "RM", "RM"),
        ("RRR", False, "IG", "IG"),
        ("WRR", False, "IK", "IK"),
    ],
)
def test_each_kind(steps, whole, strict, loose):
    problem = Problem(tuple(step == "R" for step in steps), whole)
    assert (problem.kind("strict"), problem.kind("loose")) == (strict, loose)


def test_every_problem_is_of_one_kind():
    for steps in itertools.product((True, False), repeat=3):
        for whole in (True, False):
            assert {Problem(steps, whole).kind(mode) for mode in MODES} <= set(KINDS)


def test_shares_by_hand():
    problems = [Problem((True, True), True)] * 3 + [Problem((True, False), True), Problem((True, True), False)]
    problems += [Problem((False, False), False)] * 3
    result = four_way(problems, seed=0)
    values = {name: entry["value"] for name, entry in result.items()}
    assert values["strict_score"] == (3 + 0.5) / 8 and values["loose_score"] == (4 + 0.5) / 8
    assert (values["strict_IK"], values["strict_IG"], values["strict_CM"], values["strict_RM"]) == (
        3 / 8,
        1 / 8,
        3 / 8,
        1 / 8,
    )
    assert values["strict_RM_rate"] == 1 / 4 and values["loose_RM_rate"] == 0
    assert all(low <= values[name] <= high for name, (low, high) in ((n, e["interval_95"]) for n, e in result.items()))


def test_nothing_solved_has_no_rate_of_rote():
    result = four_way([Problem((False, True), False)], seed=0)
    assert result["strict_RM_rate"] is None and result["strict_IK"]["value"] == 1


def test_a_problem_with_a_missing_row_is_no_problem():
    items = [
        Item(f"{n}/{key}", "?", (), ("1", "2"), "A", CHOICE, {"problem": n, "key": key, "steps": "2"})
        for n, keys in (("2steps_1", ("1", "2", "multi")), ("2steps_2", ("1", "multi")))
        for key in (f"2steps_{key}" for key in keys)
    ]
    assert problems_of(items, [True, False, True, True, True]) == [Problem((True, False), True)]
