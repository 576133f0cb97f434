"""The report shows what the run holds, and nothing else."""

import json
import re

import pytest

from data_scripts.build_hard_negatives import BuildArguments, build
from data_scripts.build_sft import SftArguments
from data_scripts.build_sft import build as build_sft
from evaluation.report import write_report

ENTRY = {"accuracy": 0.4321, "interval_95": [0.4, 0.5], "chance": 0.0909, "mean_candidates": 11.0, "num_anchors": 57}


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    build(
        BuildArguments(
            str(folder / "rows"), num_rows=6, num_test_rows=2, num_retrieved=0, image_size=96, num_workers=1
        )
    )
    build_sft(SftArguments(str(folder / "questions"), num_rows=2, num_test_rows=3, image_size=96, num_workers=1))
    hits = {"measure": "hit_at_1", "sets": {"random": ENTRY, "retrieval": None, "rule": ENTRY, "image": ENTRY}}
    (folder / "hit_at_1-mmclip.json").write_text(json.dumps(hits))
    (folder / "mmclip").mkdir()
    history = {"log_history": [{"step": 5, "loss": 2.0}, {"step": 10, "loss": 1.0}]}
    (folder / "mmclip" / "trainer_state.json").write_text(json.dumps(history))
    answers = folder / "answers"
    answers.mkdir()
    settings = {"dataset": str(folder / "questions"), "dataset_config": None, "split": "test"}
    (answers / "settings.json").write_text(json.dumps(settings))
    line = {"row": 1, "kind": "k", "answer": "7", "text": "So \\boxed{7} <b>", "correct": True}
    (answers / "predictions.jsonl").write_text(json.dumps(line) + "\n")
    return folder


def test_the_page_holds_what_was_measured(run, tmp_path):
    output = tmp_path / "page" / "report.html"
    write_report(run, output)
    page = output.read_text(encoding="utf-8")
    assert "43.2%" in page and "9.1%" in page and ">57<" in page and "absent" in page
    assert page.count("data:image/png;base64,") == 4  # contact sheet, curves, bars, one answered figure
    assert "So \\boxed{7} &lt;b&gt;" in page  # what a model says is text, never markup
    assert not re.search(r'src="(?!data:)', page)
    assert "Loaded back" not in page


def test_an_empty_run_gives_an_empty_page(tmp_path):
    (tmp_path / "run").mkdir()
    write_report(tmp_path / "run", tmp_path / "report.html")
    assert "%" not in (tmp_path / "report.html").read_text(encoding="utf-8").split("</style>")[1]


def test_no_run_and_a_damaged_file_are_named(run, tmp_path):
    with pytest.raises(ValueError, match="no run at"):
        write_report(tmp_path / "nowhere", tmp_path / "report.html")
    (run / "hit_at_1-mmclip.json").write_text("{")
    with pytest.raises(ValueError, match=r"hit_at_1-mmclip\.json cannot be read"):
        write_report(run, tmp_path / "report.html")
