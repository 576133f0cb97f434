"""The command from questions to rows, with the real client against a scripted server and scripts in the sandbox."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from data_scripts import build_with_llm
from data_scripts.build_with_llm import FEATURES, main
from data_scripts.cli import run_command
from data_scripts.diagram import Diagram
from data_scripts.diagram.facts import check
from data_scripts.llm.sandbox import Sandbox

from .llm.server import Author, Loopback, Reply, question, step_of, work
from .samples import pixels

ROOT = Path(__file__).parents[2]
SECRET = "sk-never-to-be-seen-4711"
COUNT = 3


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as running:
        yield running


@pytest.fixture(autouse=True)
def here(monkeypatch, sandbox):
    """The client may reach this machine, and the tests share one warm sandbox."""

    class Shared:
        def __init__(self, *_: object, **__: object) -> None:
            self.render = sandbox.render

        def __enter__(self) -> "Shared":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(build_with_llm, "Sandbox", Shared)
    monkeypatch.setattr(build_with_llm, "SHARD_SIZE", 2)


def write_questions(path: Path, count: int = COUNT, *more: str) -> str:
    lines = [json.dumps(question(i)) for i in range(count)]
    path.write_text("\n".join([*lines, *more]) + "\n", encoding="utf-8")
    return str(path)


def arguments(folder: Path, url: str, **options: object) -> dict[str, object]:
    return {
        "questions": write_questions(folder / "questions.jsonl"),
        "model": "scripted",
        "base_url": url,
        "output_dir": str(folder / "rows"),
        "cache_dir": str(folder / "answers"),
        "num_image_negatives": 3,
        "image_size": 96,
        "num_workers": 2,
        **options,
    }


def command(monkeypatch, capsys, options: dict[str, object]) -> tuple[int, str, str]:
    """Run the command in this process: status, what it said, what it complained of."""
    given = [word for k, v in options.items() for word in ([f"--{k}"] if v is True else [f"--{k}", str(v)])]
    monkeypatch.setattr("sys.argv", ["build_with_llm", *given])
    status = 0
    try:
        run_command(main)
    except SystemExit as ended:
        status = ended.code
    said = capsys.readouterr()
    return status, said.out, said.err


def run(monkeypatch, capsys, options: dict[str, object]) -> dict:
    status, _, complaint = command(monkeypatch, capsys, options)
    assert status == 0, complaint
    return json.loads((Path(str(options["output_dir"])) / "build_report.json").read_text(encoding="utf-8"))


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_rows_of_a_perfect_author(tmp_path, monkeypatch, capsys):
    with Loopback(Author(COUNT)) as server:
        report = run(monkeypatch, capsys, arguments(tmp_path, server.url))
    folder = tmp_path / "rows"
    assert {p.name for p in folder.iterdir()} == {
        "with_markings",
        "README.md",
        "contact_sheet.png",
        "build_report.json",
    }
    data = load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert data.features == FEATURES
    assert data["id"][:] == [f"llm/q{i}" for i in range(COUNT)]
    grades: Counter[str] = Counter()
    for i, row in enumerate(data):
        assert row["caption"] == work(i).caption and row["script"].strip() == work(i).script.strip()
        assert 1 <= len(row["negative_images"]) <= 3
        for column in ("captions", "scripts", "edits", "grades"):
            assert len(row[f"negative_{column}"]) == len(row["negative_images"])
        grades.update(row["negative_grades"])
        assert row["image"].size == (96, 96)
        facts = Diagram.from_json(row["facts"])
        assert facts.facts and all(check(fact, facts) is True for fact in facts.facts)
    kept = report["splits"]["train"]["kept"]
    assert kept["rows"] == COUNT and grades == {
        name.removeprefix("grade: "): count for name, count in kept.items() if name.startswith("grade: ")
    }
    assert grades["verified"] > 2 * grades["plausible"], "a perfect author's negatives are mostly proven"
    assert report["answers"]["answers"] == len(server.prompts) and report["answers"]["input"] == 100 * len(
        server.prompts
    )


def test_the_same_bytes_whatever_the_workers_and_a_rerun_asks_nothing(tmp_path, monkeypatch, capsys):
    with Loopback(Author(COUNT)) as server:
        options = arguments(tmp_path, server.url)
        run(monkeypatch, capsys, options)
        first, asked = files(tmp_path / "rows"), len(server.prompts)
        run(monkeypatch, capsys, options)
        assert len(server.prompts) == asked and files(tmp_path / "rows") == first
        run(monkeypatch, capsys, {**options, "num_workers": 1, "cache_dir": str(tmp_path / "anew")})
        assert len(server.prompts) == 2 * asked and files(tmp_path / "rows") == first


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


def test_a_server_that_dies_leaves_finished_rows_and_a_way_on(tmp_path, monkeypatch, capsys):
    author, down, refused = Author(COUNT), [False], []

    def dying(text: str, number: int) -> Reply:
        down[0] |= not refused and step_of(text) == "edited_script" and work(COUNT - 1).caption in text
        if down[0]:
            refused.append(number)
        return Reply(status=500, body="out of memory") if down[0] else author(text, number)

    with Loopback(dying) as server:
        options = {**arguments(tmp_path, server.url), "max_tries": 1, "num_workers": 1}
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
        assert status == 0 and "1 calls got no answer: run the same command again" in said
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


def test_both_markings_share_a_folder_and_ids(tmp_path, monkeypatch, capsys):
    with Loopback(Author(COUNT)) as server:
        options = arguments(tmp_path, server.url)
        run(monkeypatch, capsys, options)
        run(monkeypatch, capsys, {**options, "markings": "letters_only"})
        assert sum("Letters only" in prompt for prompt in server.prompts) == COUNT
    ids = [
        load_dataset(str(tmp_path / "rows"), config, split="train", cache_dir=str(tmp_path / "cache"))["id"][:]
        for config in ("with_markings", "letters_only")
    ]
    assert ids[0] == ids[1] == [f"llm/q{i}" for i in range(COUNT)]


# --- before the work ------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_it_would_cost_and_asks_nothing(tmp_path, monkeypatch, capsys):
    options = {**arguments(tmp_path, "http://127.0.0.1:9"), "dry_run": True, "price_input": 1, "price_output": 4}
    status, said, _ = command(monkeypatch, capsys, options)
    assert status == 0 and not (tmp_path / "rows").exists()
    assert f"{COUNT} questions; tokens counted by 4 characters a token" in said
    # per question: script, caption, list and 3 edits; with a repair each, and 1 caption to spare, 2 + 1 + 1 + 2 * 4
    assert f"calls: {COUNT * 6} to {COUNT * 12}" in said
    assert "cost: about" in said


def test_a_run_that_may_cost_too_much_is_refused(tmp_path, monkeypatch, capsys):
    options = {**arguments(tmp_path, "http://127.0.0.1:9"), "price_input": 1, "price_output": 4, "max_cost": 0.001}
    status, _, complaint = command(monkeypatch, capsys, options)
    assert status == 2 and "more than --max_cost 0.001" in complaint and complaint.count("\n") == 1


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"questions": "nowhere.jsonl"}, "no file at nowhere.jsonl"),
        ({"question_column": "problem"}, "--question_column"),
        ({"markings": "loud"}, "loud"),
        ({"provider": "together"}, "exclude one another"),
        ({"max_cost": 1}, "--max_cost needs"),
        ({"price_input": 1}, "go together"),
        ({"num_workers": 0}, "--num_workers must be at least 1"),
        ({"token_variable": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE is empty"),
    ],
)
def test_what_the_user_can_put_right_is_one_line(changes, line, tmp_path, monkeypatch, capsys):
    status, _, complaint = command(monkeypatch, capsys, {**arguments(tmp_path, "http://127.0.0.1:9"), **changes})
    assert status == 2 and line in complaint.splitlines()[-1]


def test_questions_from_lines_parquet_and_bad_rows(tmp_path, monkeypatch, capsys):
    bad = (
        "{no json",
        '"text"',
        '{"question": "Only a question."}',
        json.dumps(question(0)),
        json.dumps({**question(1), "question": "Other."}),
    )
    lines = write_questions(tmp_path / "q.jsonl", 2, *bad)
    table = pa.table({"problem": ["Figure number 0."], "solution": ["Yes."], "number": [7]})
    pq.write_table(table, tmp_path / "q.parquet")
    with Loopback(Author(2)) as server:
        options = {**arguments(tmp_path, server.url), "num_image_negatives": 1}
        report = run(monkeypatch, capsys, {**options, "questions": lines})["splits"]["train"]
        columns = {"question_column": "problem", "answer_column": "solution", "id_column": "number"}
        run(monkeypatch, capsys, {**options, **columns, "questions": str(tmp_path / "q.parquet")})
    assert report["asked"] == report["kept"]["rows"] == 2
    assert {k: v for k, v in report["dropped"].items() if k.startswith("question")} == {
        "question: a line that is no JSON": 1,
        "question: no JSON object": 1,
        "question: no answer": 1,
        "question: asked before": 1,
        "question: an id that was there before": 1,
    }
    (row,) = load_dataset(str(tmp_path / "rows"), split="train", cache_dir=str(tmp_path / "cache"))
    assert row["id"] == "llm/7"


def test_images_of_negatives_differ_from_the_positive(tmp_path, monkeypatch, capsys):
    with Loopback(Author(1)) as server:
        run(monkeypatch, capsys, {**arguments(tmp_path, server.url), "max_questions": 1})
    (row,) = pq.read_table(next((tmp_path / "rows" / "with_markings").glob("*.parquet"))).to_pylist()
    for image in row["negative_images"]:
        assert (pixels(image) != pixels(row["image"])).sum() > 10
