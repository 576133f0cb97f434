"""The command from questions to rows: what it writes, that it is the same again, and how it refuses."""

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from data_scripts import build_with_llm
from data_scripts.contact_sheet import write_contact_sheet
from data_scripts.diagram import Diagram
from data_scripts.diagram.facts import check
from data_scripts.llm.problems import Columns, read_problems
from data_scripts.rows import FEATURES

from ..samples import pixels
from .command import COUNT, arguments, command, files, run, write_questions
from .server import Author, Loopback, question, work

pytestmark = pytest.mark.usefixtures("here")


def test_rows_of_a_perfect_author(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(build_with_llm, "write_contact_sheet", write_contact_sheet)
    with Loopback(Author(COUNT)) as server:
        report = run(monkeypatch, capsys, arguments(tmp_path, server.url))
    folder = tmp_path / "rows"
    assert {p.name for p in folder.iterdir()} == {
        "with_markings",
        "README.md",
        "contact_sheet.png",
        "build_report.json",
    }
    assert (folder / "contact_sheet.png").read_bytes().startswith(b"\x89PNG")
    data = load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert data.features == FEATURES
    assert data["id"][:] == [f"llm/q{i}" for i in range(COUNT)]
    grades: Counter[str] = Counter()
    for i, row in enumerate(data):
        assert row["caption"] == work(i).caption and row["script"].strip() == work(i).script.strip()
        assert 1 <= len(row["negative_images"]) <= 2
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
    # per question: script, caption, list and 2 edits; with a repair each and 1 caption to spare, 2 + 1 + 1 + 2 * 3
    assert f"calls: {COUNT * 5} to {COUNT * 10}" in said
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


def test_a_readme_of_something_else_is_kept(tmp_path, monkeypatch, capsys):
    options = arguments(tmp_path, "http://localhost:1/v1")
    readme = Path(str(options["output_dir"])) / "README.md"
    readme.parent.mkdir()
    readme.write_text("# A project")
    status, _, complaint = command(monkeypatch, capsys, options)
    assert status == 2 and "would be replaced by the data set's card" in complaint.splitlines()[-1]
    assert readme.read_text() == "# A project" and [*readme.parent.iterdir()] == [readme]


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


def test_questions_from_a_folder(tmp_path):
    folder = tmp_path / "exams"
    folder.mkdir()
    for split, indices in (("train", (0, 1)), ("test", (2,))):
        (folder / f"{split}.jsonl").write_text("\n".join(json.dumps(question(i)) for i in indices), encoding="utf-8")
    dropped: Counter[str] = Counter()
    for split, ids in (("train", ["q0", "q1"]), ("test", ["q2"])):
        assert [p.id for p in read_problems(str(folder), Columns(), split, dropped)] == ids
    with pytest.raises(ValueError, match="cannot be loaded"):
        read_problems(str(folder), Columns(), "validation", dropped)
    assert not dropped


def test_images_of_negatives_differ_from_the_positive(tmp_path, monkeypatch, capsys):
    with Loopback(Author(1)) as server:
        run(monkeypatch, capsys, {**arguments(tmp_path, server.url), "max_questions": 1})
    (row,) = pq.read_table(next((tmp_path / "rows" / "with_markings").glob("*.parquet"))).to_pylist()
    for image in row["negative_images"]:
        assert (pixels(image) != pixels(row["image"])).sum() > 10
