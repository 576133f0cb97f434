"""The route when something goes wrong: an author on a bad day, a server that dies, a build that is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from data_scripts import build_with_llm

from .command import COUNT, arguments, command, files, run
from .server import Author, Loopback, Reply, step_of, work

pytestmark = pytest.mark.usefixtures("here")

ROOT = Path(__file__).parents[3]
SECRET = "sk-never-to-be-seen-4711"

FLAWED = "import matplotlib.pyplot as plt\nplt.plot([0, 1], [0, missing])\nplt.savefig('f.png')\n"


class Faulty:
    """The perfect author on a bad day: one thing goes wrong at one step of question 0."""

    def __init__(self, step: str, reply: str, mended: bool = False) -> None:
        self.step, self.reply, self.mended, self.author = step, reply, mended, Author(2)

    def __call__(self, text: str, number: int) -> Reply:
        step, first = step_of(text), work(0)
        if step == "repair":
            assert "missing" in text or "edge" in text
            return Reply(f"```python\n{first.script}```" if self.mended else self.reply)
        mine = {"script_from_question": "number 0.", "edited_script": first.caption}.get(step, first.caption)
        if step == "caption_from_script":
            mine = first.script.strip()
        return Reply(self.reply) if step == self.step and mine in text else self.author(text, number)


EDGE = "import matplotlib.pyplot as plt\nf = plt.figure()\na = f.add_axes([0, 0, 1, 1])\na.plot([0, 1], [0, 1], 'k')\n"
EDGE += "a.set_xlim(0, 1)\na.set_ylim(0, 1)\na.axis('off')  # edge\nplt.savefig('f.png')\n"


@pytest.mark.parametrize(
    ("step", "reply", "reason"),
    [
        ("script_from_question", "I would rather not.", "script_from_question: no script in the answer"),
        ("script_from_question", "", "script_from_question: empty answer"),
        (
            "script_from_question",
            f"```python\n{FLAWED}```",
            "script_from_question: the script failed with NameError, repaired in vain",
        ),
        (
            "script_from_question",
            f"```python\n{EDGE}```",
            "script_from_question: the drawing touches the edge of the image, repaired in vain",
        ),
        ("caption_from_script", "nice", "caption_from_script: a caption that names no point"),
        ("negative_captions", "no idea", "negative_captions: no list in the answer"),
        ("negative_captions", '["Z lies on Y."]', "row: no negative"),
        ("edited_script", "same as before", "row: no negative"),
    ],
)
def test_a_step_that_fails_is_counted_and_the_other_row_stands(step, reply, reason, tmp_path, monkeypatch, capsys):
    with Loopback(Faulty(step, reply)) as server:
        options = {**arguments(tmp_path, server.url), "max_questions": 2, "num_image_negatives": 1}
        report = run(monkeypatch, capsys, options)
    assert report["splits"]["train"]["kept"]["rows"] == 1
    assert report["splits"]["train"]["dropped"][reason] == 1


def test_a_script_is_repaired_with_its_message(tmp_path, monkeypatch, capsys):
    with Loopback(Faulty("script_from_question", f"```python\n{FLAWED}```", mended=True)) as server:
        options = {**arguments(tmp_path, server.url), "max_questions": 2, "num_image_negatives": 1}
        report = run(monkeypatch, capsys, options)
    (repair,) = [p for p in server.prompts if step_of(p) == "repair"]
    assert "NameError: name 'missing' is not defined" in repair
    assert report["splits"]["train"]["kept"]["rows"] == 2 and report["answers"]["scripts repaired"] == 1


def test_weak_negatives_are_dropped_by_name(tmp_path, monkeypatch, capsys):
    """Same caption, other wording, strange letter, unchanged image, caption untrue of its image."""
    truth = work(0)
    good, other = list(truth.negatives)[:2]
    listed = [truth.caption, truth.caption + " Z lies on A.", good, other, good]
    author = Author(1)

    def answer(text: str, number: int) -> Reply:
        step = step_of(text)
        if step == "negative_captions":
            return Reply(json.dumps(listed))
        if step == "edited_script":
            wanted = text.split("other caption:\n\n")[1].split("\n\n")[0]
            return Reply(f"```python\n{truth.script if wanted == good else truth.negatives[good]}\n```")
        return author(text, number)

    with Loopback(answer) as server:
        options = {**arguments(tmp_path, server.url), "max_questions": 1}
        status, _, complaint = command(monkeypatch, capsys, options)
    dropped = json.loads((tmp_path / "rows" / "build_report.json").read_text())["splits"]["train"]["dropped"]
    assert status == 2 and "no row could be made" in complaint
    assert dropped["negative_captions: the same meaning"] == 1
    assert dropped["negative_captions: a letter the figure does not have"] == 1
    assert dropped["negative_captions: the same as another"] == 1
    assert dropped["negative: image the same as the positive's"] == 1
    assert dropped["negative: caption false of its own image"] == 1


@pytest.mark.parametrize(
    "nonsense",
    [Reply("lorem ipsum dolor"), Reply(""), Reply("```python\nprint(1)\n```"), Reply("A" * 100_000)],
    ids=["prose", "empty", "wrong code", "endless"],
)
def test_nonsense_ends_with_one_line_and_counts(nonsense, tmp_path, monkeypatch, capsys):
    with Loopback(lambda text, number: nonsense) as server:
        status, _, complaint = command(monkeypatch, capsys, arguments(tmp_path, server.url))
        assert len(server.prompts) == COUNT
    error = complaint.splitlines()[-1]
    assert status == 2 and error.startswith(f"error: no row could be made of {COUNT} questions: ")
    report = json.loads((tmp_path / "rows" / "build_report.json").read_text())
    assert sum(report["splits"]["train"]["dropped"].values()) == COUNT


def test_a_model_that_never_answers_is_given_up(tmp_path, monkeypatch, capsys):
    with Loopback(lambda text, number: Reply(wait=60)) as server:
        options = {**arguments(tmp_path, server.url), "timeout": 0.2, "max_tries": 1}
        status, _, complaint = command(monkeypatch, capsys, options)
        error = complaint.splitlines()[-1]
        assert status == 2 and error.startswith("error: model scripted ") and "nothing came within 0.2 s" in error
        status, _, complaint = command(monkeypatch, capsys, {**options, "max_questions": 1})
        assert status == 2 and "nothing came within 0.2 s" in complaint.splitlines()[-1]
    assert not (tmp_path / "rows" / "with_markings").exists()


def test_a_server_that_dies_leaves_finished_rows_and_a_way_on(tmp_path, monkeypatch, capsys):
    author, down, refused = Author(COUNT), [False], []

    def dying(text: str, number: int) -> Reply:
        down[0] |= not refused and step_of(text) == "edited_script" and work(COUNT - 1).caption in text
        if down[0]:
            refused.append(number)
        return Reply(status=500, body="out of memory") if down[0] else author(text, number)

    with Loopback(dying) as server:
        options = {**arguments(tmp_path, server.url), "max_tries": 1, "num_workers": 1, "num_image_negatives": 3}
        status, _, complaint = command(monkeypatch, capsys, options)
        error = complaint.splitlines()[-1]
        assert status == 2 and "failed 3 calls in a row" in error and "run the same command again" in error
        assert list((tmp_path / "rows" / ".build").rglob("rows-00000.parquet")), "the finished shard is gone"
        down[0] = False
        run(monkeypatch, capsys, options)
        assert len(server.prompts) - len(set(server.prompts)) == len(refused) == 3, "an answer was asked for again"
        whole = files(tmp_path / "rows")
        run(monkeypatch, capsys, {**options, "cache_dir": str(tmp_path / "anew")})
        assert files(tmp_path / "rows") == whole


def test_a_call_without_an_answer_is_tried_again_by_the_next_run(tmp_path, monkeypatch, capsys):
    author, broken = Author(COUNT), [True]

    def answer(text: str, number: int) -> Reply:
        bad = broken[0] and step_of(text) == "caption_from_script" and work(1).script.strip() in text
        return Reply(status=500) if bad else author(text, number)

    with Loopback(answer) as server:
        options = {**arguments(tmp_path, server.url), "max_tries": 1}
        status, said, _ = command(monkeypatch, capsys, options)
        assert status == 0 and "1 calls got no answer (the last: no answer after 1 tries" in said
        broken[0] = False
        assert run(monkeypatch, capsys, options)["splits"]["train"]["kept"]["rows"] == COUNT
        assert not (tmp_path / "rows" / ".build").exists()


def start(options: dict[str, object]) -> subprocess.Popen:
    given = [word for k, v in options.items() for word in (f"--{k}", str(v))]
    return subprocess.Popen(
        [sys.executable, "-m", "data_scripts.build_with_llm", *given],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "0", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_killed_in_the_middle_no_call_is_made_twice_and_no_token_is_seen(tmp_path, monkeypatch, capsys):
    """Kill -9 while the server holds one answer back: only that one call is made again."""
    author, held = Author(COUNT), 8
    monkeypatch.setenv("MY_TOKEN", SECRET)
    monkeypatch.setattr(build_with_llm, "SHARD_SIZE", 32)  # as in the other process

    def answer(text: str, number: int) -> Reply:
        reply = author(text, number)
        return Reply(reply.text, wait=60) if number == held else reply

    with Loopback(answer) as server:
        options = {**arguments(tmp_path, server.url), "num_workers": 1, "token_variable": "MY_TOKEN"}
        process = start(options)
        while len(server.prompts) <= held:
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        said = [process.communicate()[0]]
        status, *more = command(monkeypatch, capsys, options)
        assert status == 0
        said += more
        repeated = {text: count for text, count in Counter(server.prompts).items() if count > 1}
        assert repeated == {server.prompts[held]: 2}
        assert set(server.authorizations) == {f"Bearer {SECRET}"}
        resumed = files(tmp_path / "rows")
        run(monkeypatch, capsys, {**options, "cache_dir": str(tmp_path / "anew"), "num_workers": 2})
    assert files(tmp_path / "rows") == resumed, "an undisturbed build gives other bytes"
    assert not [text for text in said if SECRET in text]
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]
