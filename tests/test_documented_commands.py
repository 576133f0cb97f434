"""The commands that README, Makefile, recipes and docstrings tell a user to type exist, with the options they name."""

import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("modeling_mmgeo", "data_scripts", "trainers", "evaluation", "model_cards")
SOURCES = [
    ROOT / "README.md",
    ROOT / "Makefile",
    *sorted(ROOT.glob("*/*.md")),
    *sorted((ROOT / "trainers" / "recipes").glob("*.yaml")),
    *sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")),
]


def documented_commands() -> dict[str, set[str]]:
    """Options that are named for each module, over all places."""
    commands: dict[str, set[str]] = {}
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"\\\n|\n(?=\s*#?\s*--)", " ", text)  # a command may go on in the next line
        for module, rest in re.findall(r"(?:python|\$\(PY\)|launch) -m ((?:\w+\.)+\w+)([^\n`|]*)", text):
            commands.setdefault(module, set()).update(re.findall(r"--(\w+)", rest))
    return {module: options for module, options in commands.items() if module.split(".")[0] in ROOMS}


COMMANDS = documented_commands()


def test_the_main_commands_are_documented():
    assert {
        "data_scripts.build_hard_negatives",
        "data_scripts.build_sft",
        "data_scripts.build_alignment",
        "data_scripts.build_with_llm",
        "data_scripts.decontaminate",
        "data_scripts.export_reference",
        "trainers.warm_up_text",
        "trainers.warm_up_vision",
        "trainers.train_mmclip",
        "trainers.train_mmgeolm",
        "trainers.average_mmclip",
        "trainers.join_towers",
        "trainers.join_adapter",
        "evaluation.hit_at_1",
        "evaluation.hard_negative_exam",
        "evaluation.hard_negative_exam.sit",
        "evaluation.robustness",
        "evaluation.answer_accuracy",
        "evaluation.ask",
        "evaluation.run_benchmark",
        "evaluation.contamination",
        "evaluation.load_back",
        "evaluation.report",
        "model_cards.export",
        "model_cards.write_card",
        "model_cards.push",
        "model_cards.space",
    } <= set(COMMANDS)


@pytest.mark.parametrize("module", sorted(COMMANDS))
def test_documented_options_exist(module, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(module).main()
    assert ended.value.code == 0
    known = set(re.findall(r"--(\w+)", capsys.readouterr().out)) | {"config", "help"}
    assert COMMANDS[module] <= known, f"{module} has no {sorted(COMMANDS[module] - known)}"


def test_recipes_are_the_ones_named():
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    for name in set(re.findall(r"(?:recipes/|\$\(RECIPES\)/)([\w.]+\.yaml)", text)):
        assert (ROOT / "trainers" / "recipes" / name).is_file(), name
