"""Questions of public data sets as rows for SFT."""

from collections import Counter

import pytest

from data_scripts.sources import SOURCES
from data_scripts.sources.records import Record
from data_scripts.sources.sft import sft_row
from evaluation.graders import is_correct

from .layouts import geometry3k_rows, mavis_row, mm_math_rows, picture, qa_rows, write_images, write_rows


def test_sft_row_of_a_question_with_choices():
    record = Record(
        "geo170k/qa_tuning/1", "geo170k", "qa_tuning", picture(1),
        question="Find AC.", choices=("10", "20"), answer="(B) 20", solution="AC is \\boxed{20}.\nAnswer:B",
    )  # fmt: skip
    assert sft_row(record, Counter()) == {
        "id": "geo170k/qa_tuning/1",
        "kind": "geo170k",
        "prompt": [
            {"role": "user", "content": "Find AC.\n(A) 10\n(B) 20\nPut the letter of the right choice in \\boxed{}."}
        ],
        "completion": [{"role": "assistant", "content": "AC is 20. This is choice (B). \\boxed{B}"}],
        "images": [{"bytes": picture(1), "path": None}],
        "answer": "B",
        "value": "20",
        "choices": ["10", "20"],
        "script": "",
    }


def test_sft_row_without_solution_or_picture():
    row = sft_row(Record("a", "s", "train", question="Find x.", answer="\\sqrt{2}"), Counter())
    assert row["prompt"][0]["content"] == "Find x. Put the final answer in \\boxed{}."
    assert row["completion"][0]["content"] == "\\boxed{\\sqrt{2}}" and row["images"] == []


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"question": None}, "question: none"),
        ({"answer": None}, "question: no answer"),
        ({"answer": "}{"}, "question: its answer cannot be boxed"),
        ({"answer": "x" * 300}, "question: its answer cannot be boxed"),
    ],
)
def test_no_sft_row(change, reason):
    skipped = Counter()
    assert sft_row(Record("a", "s", "train", **({"question": "Find x.", "answer": "3"} | change)), skipped) is None
    assert skipped == {reason: 1}


def test_the_grader_finds_the_answer_in_every_completion(tmp_path):
    """What a model learns to write is judged right against the row's own answer."""
    places = {
        "geo170k": ("qa_tuning", qa_rows()),
        "mm_math": ("train", mm_math_rows()),
        "mavis": ("train", [mavis_row(n, {"bytes": picture(n), "path": None}) for n in range(3)]),
        "geometry3k_qa": ("train", geometry3k_rows()),
    }
    write_images(tmp_path / "geo170k", {f"geoqa_plus/{n}.png": n for n in range(3)})
    write_images(tmp_path / "mm_math", {f"{n}.png": n for n in range(3)})
    for name, (split, rows) in places.items():
        suffix = "parquet" if name in ("mavis", "geometry3k_qa") else "json"
        path = write_rows(tmp_path / name / f"rows.{suffix}", rows)
        records = list(SOURCES[name].read(str(path), split, Counter()))
        assert len(records) == 3
        for record in records:
            row = sft_row(record, Counter())
            assert row["completion"][0]["content"].endswith(f"\\boxed{{{row['answer']}}}")
            assert is_correct(row["completion"][0]["content"], row["answer"])
