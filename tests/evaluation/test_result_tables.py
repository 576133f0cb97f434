"""Every kind of result becomes a table and, where it is a metric of a data set, an entry of the model-index."""

import json

import pytest

from evaluation.result_tables import NEEDED, eval_results, read_results, result_tables

ENTRY = {"accuracy": 0.25, "interval_95": [0.2, 0.3], "chance": 1 / 11, "mean_candidates": 11.0, "num_anchors": 500}
EXAM = {
    "measure": "hard_negative_exam", "model": "you/mmclip", "exam": "you/exam", "frozen": True,
    "entries": [
        {"source": "procedural", "config": "letters_only", "set": "image", "direction": "caption_to_images", **ENTRY},
        {"source": "procedural", "config": "letters_only", "set": "rule", "direction": "image_to_captions", **ENTRY,
         "kinds": {"order": {"beaten": 0.6, **ENTRY, "chance": 0.5, "mean_candidates": 2.0}}},
    ],
}  # fmt: skip
CHANGE = {"accuracy": 0.2, "clean": 0.25, "difference": -0.05, "interval_95": [-0.08, 0.01], "num_anchors": 90}
ROBUSTNESS = {
    "measure": "robustness", "model": "you/mmclip", "dataset": "you/rows", "split": "test",
    "perturbations": {"font": {"title": "another font", "sets": {"image": CHANGE, "retrieval": None}}},
}  # fmt: skip
VALUE = {"value": 0.5, "interval_95": [0.45, 0.55], "num_rows": 754}
BENCHMARK = {
    "measure": "benchmark", "benchmark": "we_math", "split": "testmini", "data": "We-Math/We-Math", "model": "you/lmm",
    "metrics": {"S2": VALUE, "S3": None},
}  # fmt: skip


def test_the_exam_as_a_table():
    (table,) = result_tables([EXAM])
    assert table.rows[0] == (
        *("you/mmclip", "you/exam: procedural, letters_only", "image, caption to images"),
        *("25.0%", "20.0% to 30.0%", "9.1%", "11.0", "500"),
    )
    assert table.rows[2][2:4] == ("rule, image to captions, order (pairs won)", "60.0%")
    (other,) = result_tables([EXAM | {"frozen": False}])
    assert "not the frozen one" in other.rows[0][1]


def test_robustness_and_benchmarks_as_tables():
    robustness, benchmark = result_tables([BENCHMARK, ROBUSTNESS])
    assert robustness.rows == [
        (
            "you/mmclip",
            "you/rows (test)",
            "another font",
            "Hit@1, image",
            "25.0%",
            "20.0%",
            "-5.0",
            "-8.0 to +1.0",
            "90",
        )
    ]
    assert benchmark.rows == [("you/lmm", "we_math (testmini)", "S2", "50.0%", "45.0% to 55.0%", "", "754")]
    blank = result_tables([BENCHMARK | {"blank_images": True, "model": None, "predictions": "/home/me/p.jsonl"}])
    assert blank[0].rows[0][:2] == ("p.jsonl", "we_math (testmini, blank images)")  # no place on a disk is told


def test_model_index():
    entries = eval_results([EXAM, ROBUSTNESS, BENCHMARK, BENCHMARK | {"blank_images": True}], "other")
    assert [(e.dataset_name, e.dataset_config, e.dataset_split, e.metric_name, e.metric_value) for e in entries] == [
        ("you/exam", "letters_only", "procedural", "Hit@1 (image set, caption to images)", 0.25),
        ("you/exam", "letters_only", "procedural", "Hit@1 (rule set, image to captions)", 0.25),
        ("We-Math/We-Math", None, "testmini", "S2", 0.5),
    ]


def test_what_is_no_result_is_refused(tmp_path):
    path = tmp_path / "r.json"
    for measure, needed in NEEDED.items():
        path.write_text(json.dumps({"measure": measure, **dict.fromkeys(needed)}))
        assert read_results([path])[0]["measure"] == measure
        path.write_text(json.dumps({"measure": measure}))
        with pytest.raises(ValueError, match="no result file of"):
            read_results([path])
