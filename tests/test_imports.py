"""Packages import one way: model_cards -> evaluation -> trainers -> modeling_mmgeo, and data_scripts below them."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "data_scripts": set(),
    "modeling_mmgeo": set(),
    "trainers": {"modeling_mmgeo", "data_scripts"},
    "evaluation": {"trainers", "modeling_mmgeo", "data_scripts"},
    "model_cards": {"evaluation", "trainers", "modeling_mmgeo", "data_scripts"},
}


def imported(path: Path) -> set[str]:
    """The packages that a file imports by their full name, anywhere in it."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_one_way(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        foreign = imported(path) & {*MAY_IMPORT, "tests", "app"} - {package}
        assert foreign <= MAY_IMPORT[package], path
