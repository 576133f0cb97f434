"""The prediction file survives an interruption, settings guard it, and the summary adds up."""

import json

import numpy as np
import pytest

from evaluation.predictions import PredictionFile, check_settings, summarise


def line(row, answer="40", correct=True, kind="angle"):
    return {"row": row, "id": f"q-{row}", "kind": kind, "answer": answer, "text": "", "correct": correct}


@pytest.mark.parametrize("cut", range(1, 20, 6))
def test_half_written_last_line_is_dropped(tmp_path, cut):
    path = tmp_path / "new" / "predictions.jsonl"
    with PredictionFile(path) as file:
        file.append(line(0, answer="△"))
        file.append(line(1))
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    with PredictionFile(path) as file:
        assert set(file.done) == {0}
        file.append(line(1))
    assert path.read_bytes() == whole


def test_a_damaged_line_elsewhere_is_an_error(tmp_path):
    path = tmp_path / "predictions.jsonl"
    path.write_text('{"row": 0}\nnonsense\n{"row": 2}\n')
    with pytest.raises(ValueError, match="line 2 .* is damaged"):
        PredictionFile(path)


def test_other_settings_are_refused_by_name(tmp_path):
    check_settings(tmp_path, {"model": "a", "split": "test"})
    check_settings(tmp_path, {"model": "a", "split": "test"})
    with pytest.raises(ValueError, match="model 'a' is now 'b'.*another --output_dir"):
        check_settings(tmp_path, {"model": "b", "split": "test"})
    (tmp_path / "settings.json").write_text("{")
    with pytest.raises(ValueError, match="no JSON"):
        check_settings(tmp_path, {"model": "a"})
    (tmp_path / "settings.json").unlink()
    (tmp_path / "predictions.jsonl").touch()
    with pytest.raises(ValueError, match="no settings.json"):
        check_settings(tmp_path, {"model": "a"})


def test_summary_by_kind_with_baselines_from_train():
    predictions = [
        line(0, "40", True),
        line(1, "50", False),
        line(2, "AB", True, "segment"),
        {"row": 3, "id": "q-3", "kind": "angle", "answer": "40", "skipped": "unreadable image"},
    ]
    train = [("angle", "50")] * 3 + [("angle", "40")] + [("segment", "AB"), ("segment", "CD")]
    result = summarise(predictions, train, np.random.default_rng(0))
    assert result["num_skipped"] == 1 and result["baseline_from"] == "train split"
    assert result["overall"]["num_rows"] == 3 and result["overall"]["accuracy"] == pytest.approx(2 / 3)
    assert result["overall"]["baseline"] == {"answer": "50", "accuracy": pytest.approx(1 / 3)}
    assert result["kinds"]["segment"]["baseline"] == {"answer": "AB", "accuracy": 1.0}  # a tie: the smaller string
    assert result["kinds"]["angle"]["accuracy"] == 0.5
    json.dumps(result)


def test_summary_without_train_split_says_so():
    result = summarise([line(0, "40"), line(1, "40", False), line(2, "50")], None, np.random.default_rng(0))
    assert result["baseline_from"] == "evaluated rows"
    assert result["overall"]["baseline"] == {"answer": "40", "accuracy": pytest.approx(2 / 3)}


def test_a_kind_that_train_lacks_has_no_baseline():
    result = summarise([line(0, kind="new")], [("angle", "40")], np.random.default_rng(0))
    assert result["kinds"]["new"]["baseline"] == {"answer": None, "accuracy": 0.0}


def test_nothing_answered_is_an_error():
    with pytest.raises(ValueError, match="no row could be answered"):
        summarise(
            [{"row": 0, "kind": "a", "answer": "1", "skipped": "unreadable image"}], None, np.random.default_rng(0)
        )


def test_rows_may_be_known_by_id_and_stand_once(tmp_path):
    path = tmp_path / "predictions.jsonl"
    with PredictionFile(path, key="id") as file:
        file.append({"id": "2steps_1/2steps_multi", "prediction": "A"})
    with PredictionFile(path, key="id") as file:
        assert list(file.done) == ["2steps_1/2steps_multi"]
    path.write_text(path.read_text() * 2)
    with pytest.raises(ValueError, match="line 2 .* damaged .*2steps_1/2steps_multi was there before"):
        PredictionFile(path, key="id")
