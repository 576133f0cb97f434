"""`make demo` asks about the figure that comes with it, or what the user gives, in words that no shell mistakes."""

import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_scripts.diagram.drawing import Style, lay_out, rasterise
from data_scripts.questions import draw_question
from evaluation.ask import AskArguments

ROOT = Path(__file__).parents[1]
FIGURE = ROOT / "examples" / "figure.png"
QUESTION = re.search(r"^QUESTION \?= (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[1]
ANSWER = "16"


def asked(*given: str) -> AskArguments:
    """What `make demo` would ask."""
    command = ["make", "--no-print-directory", "--dry-run", "demo", *given]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    python, _, module, *options = shlex.split(ended.stdout.splitlines()[-1])
    assert (Path(python).name, module) == ("python", "evaluation.ask")
    names = [name.removeprefix("--") for name in options[::2]]
    named = dict(zip(names, options[1::2], strict=True))
    return AskArguments(**named | {"image": [named["image"]]})


def test_the_figure_and_question_of_the_repository_are_asked_by_default():
    arguments = asked()
    assert (arguments.model, arguments.question) == ("checkpoints/mmgeolm-tiny", QUESTION)
    assert ROOT / arguments.image[0] == FIGURE


@pytest.mark.parametrize("question", ["What is the length of PQ?", 'What\'s "AB" in `cm`, \\boxed{}; or ∠ABC?'])
def test_a_users_own_picture_and_question_are_asked(question):
    arguments = asked("IMAGE=my figure.png", f"QUESTION={question}")
    assert (arguments.image, arguments.question) == (["my figure.png"], question)


def test_the_figure_is_one_of_ours_and_the_answer_follows_from_it():
    rng = np.random.default_rng(2)
    question = draw_question("whole_side", rng)
    drawn = rasterise(lay_out(question.diagram, Style.draw(rng, 336)))
    kept = Image.open(FIGURE).convert("L")
    difference = np.abs(np.asarray(drawn, dtype=int) - np.asarray(kept, dtype=int))
    assert drawn.size == kept.size and difference.mean() < 1  # of 255; fonts may differ by a shade
    (named,) = re.findall(r"\b[A-Z]{2}\b", QUESTION)
    assert named in question.text and question.answer == ANSWER
