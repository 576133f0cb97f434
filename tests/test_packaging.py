"""What is installed is whole: every recipe, prompt and template of the rooms travels in the wheel."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
ROOMS = [pattern.removesuffix("*") for pattern in SETUPTOOLS["packages"]["find"]["include"]]


@pytest.mark.parametrize("room", ROOMS)
def test_every_file_that_is_no_code_is_package_data(room):
    packed = {path for pattern in SETUPTOOLS["package-data"].get(room, []) for path in (ROOT / room).glob(pattern)}
    there = {
        path
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts
    }
    assert there == packed


@pytest.mark.parametrize("room", ROOMS)
def test_every_folder_with_code_is_a_package(room):
    folders = {path.parent for path in (ROOT / room).rglob("*.py")}
    assert all((folder / "__init__.py").is_file() for folder in folders)
