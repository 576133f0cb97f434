"""The graders decide like a teacher, on a table of responses (cases.toml)."""

import tomllib
from pathlib import Path

import pytest

from evaluation.benchmarks.item import CHOICE, Item
from evaluation.graders.verdicts import RULES, judge

CASES = tomllib.loads(Path(__file__).with_name("cases.toml").read_text(encoding="utf-8"))["cases"]


def item_of(case: dict) -> Item:
    choices = tuple(case["choices"]) if case["kind"] == CHOICE else None
    return Item("1", "?", (), choices, case["truth"], case["kind"], case.get("groups", {}))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['response'][:24]!r} for {case['truth']!r}")
def test_decides_like_a_teacher(case):
    rule = RULES.get(case.get("benchmark"), judge)
    verdict = rule(item_of(case), case["response"], case.get("tolerance"))
    assert verdict.right is case["right"], f"{case['why']}; read as {verdict.answer!r}"


def test_the_table_is_large_and_says_why():
    assert len(CASES) >= 150
    assert all(case["why"] for case in CASES)
    assert len({(case["response"], case["truth"], str(case)) for case in CASES}) == len(CASES)
    rights = sum(case["right"] for case in CASES)
    assert min(rights, len(CASES) - rights) > len(CASES) / 4
