"""Every command and every line of Python that README.md shows is run, in its order, on fewer rows and steps."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.loopback import LoopbackHub

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHRUNK = {  # later options win
    "data_scripts.build_hard_negatives": "--num_rows 12 --num_test_rows 6 --image_size 112 --num_image_negatives 2",
    "trainers.train_mmclip": "--max_steps 1 --num_train_epochs 1 --per_device_train_batch_size 4",
    "evaluation.hit_at_1": "",
    "evaluation.ask": "--max_new_tokens 8",
    "model_cards.write_card": "",
    "model_cards.push": "",
}
MADE = ("demo", "test", "app", "walkthrough", "train-tiny")


def blocks(language: str) -> list[str]:
    """The code that README.md shows in a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands() -> list[str]:
    """Its shell commands, without their comments."""
    lines = [line.split("  #")[0].strip() for block in blocks("bash") for line in block.splitlines()]
    return [line for line in lines if line]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where a reader would type: what is made there is made in a folder of its own."""
    place = tmp_path_factory.mktemp("reader")
    for path in ROOT.iterdir():
        if not path.name.startswith(".") and path.name not in ("runs", "mmclip", "rows", "build"):
            (place / path.name).symlink_to(path)
    return place


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_every_command_is_one_that_is_run_here():
    for command in commands():
        words = shlex.split(command)
        if words[0] == "make":
            assert words[1] in MADE, command
        else:
            assert words[:2] == ["python", "-m"] and words[2] in SHRUNK, command
    assert set(re.findall(r"`make ([\w-]+)", README)) <= set(MADE)


def test_the_commands_run_one_after_the_other(folder, tmp_path):
    with LoopbackHub(tmp_path / "hub") as hub:
        for command in commands():
            module = shlex.split(command)[2:3]
            if not module or command.startswith("make"):
                continue
            words = [sys.executable, *shlex.split(command)[1:], *shlex.split(SHRUNK[module[0]])]
            online = hub.environment(tmp_path / "home") if module == ["model_cards.push"] else {}
            ended = run(folder, *words, **online)
            assert ended.returncode == 0, f"{command}\n{ended.stderr[-3000:]}"
            if module == ["evaluation.ask"]:
                assert ended.stdout.strip(), "no answer"
                assert not re.search(r"warning|failed", ended.stderr, re.IGNORECASE), ended.stderr
        assert "model.safetensors" in hub.files("model", "you/mmclip")


def test_the_lines_of_python_run(folder):
    for block in blocks("python"):
        ended = run(folder, sys.executable, "-c", block + "\nprint(type(model).__name__, type(processor).__name__)")
        assert ended.returncode == 0, ended.stderr[-3000:]
        assert ended.stdout.split()[-2:] == ["MMCLIPModel", "MMCLIPProcessor"]


@pytest.mark.parametrize("target", MADE)
def test_make_knows_its_targets(target):
    ended = run(ROOT, "make", "--dry-run", target)
    assert ended.returncode == 0, ended.stderr
    assert ("app.py" if target == "app" else "-m ") in ended.stdout


def test_pictures_and_links_are_there():
    for path in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / path).exists(), path
