"""Whole exam problems with their real scans go through MMGeoLM to graded predictions."""

import json
import os
from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict, Features, Image, List, Value

from evaluation.answer_accuracy import AnswerAccuracyArguments, evaluate
from tests.tiny import tiny_mmgeolm

SHARED = Path(os.environ.get("MMGEO_SHARED", Path(__file__).parents[2].parent / "shared"))
PROBLEMS = SHARED / "data" / "geometry3k" / "examples"

MESSAGES = List({"role": Value("string"), "content": Value("string")})
FEATURES = Features(
    {name: Value("string") for name in ("id", "kind", "answer")}
    | {"prompt": MESSAGES, "completion": MESSAGES, "images": List(Image())}
)


def problem_row(folder: Path) -> dict:
    """An SFT row of one Geometry3K problem: its scan, its text, and the value of the right choice."""
    problem = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    answer = problem["compact_choices"]["ABCD".index(problem["answer"])]
    return {
        "id": f"geometry3k/{problem['id']}",
        "kind": problem["problem_type_goal"][0],
        "answer": answer,
        "prompt": [{"role": "user", "content": problem["compact_text"]}],
        "completion": [{"role": "assistant", "content": f"\\boxed{{{answer}}}"}],
        "images": [{"bytes": (folder / "img_diagram.png").read_bytes(), "path": None}],
    }


@pytest.mark.skipif(not PROBLEMS.is_dir(), reason=f"needs the ten whole Geometry3K problems in {PROBLEMS}")
def test_ten_scanned_problems_are_answered_and_graded(tmp_path):
    rows = [problem_row(folder) for folder in sorted(PROBLEMS.iterdir())]
    assert len(rows) == 10
    DatasetDict({"test": Dataset.from_list(rows, features=FEATURES)}).save_to_disk(tmp_path / "data")
    model, processor = tiny_mmgeolm()
    model.save_pretrained(tmp_path / "model")
    processor.save_pretrained(tmp_path / "model")
    arguments = AnswerAccuracyArguments(
        model=str(tmp_path / "model"),
        dataset=str(tmp_path / "data"),
        output_dir=str(tmp_path / "answers"),
        batch_size=4,
        max_new_tokens=8,
    )
    result = evaluate(arguments)
    lines = (tmp_path / "answers" / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    predictions = [json.loads(line) for line in lines]
    assert [p["id"] for p in predictions] == [row["id"] for row in rows]
    assert result["num_skipped"] == 0 and result["overall"]["num_rows"] == 10
    assert all(p["text"] is not None and p["correct"] in (True, False) for p in predictions)
