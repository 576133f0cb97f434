"""The command answers every row once, also across interruptions, and refuses to mix runs."""

import json

import pytest

from evaluation.answer_accuracy import main
from evaluation.generation import Answerer
from tests.evaluation.rows import SFT, encoded, save, sft_rows
from tests.tiny import tiny_mmclip, tiny_mmgeolm


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, seed in (("mmgeolm", 0), ("other", 1)):
        model, processor = tiny_mmgeolm(seed=seed)
        model.save_pretrained(folder / name)
        processor.save_pretrained(folder / name)
    mmclip, processor = tiny_mmclip()
    mmclip.save_pretrained(folder / "mmclip")
    processor.save_pretrained(folder / "mmclip")
    return folder


@pytest.fixture
def data(tmp_path):
    return save(tmp_path / "data", SFT, train=sft_rows(4), test=sft_rows(7))


def arguments(models, data, output, *more, model="mmgeolm"):
    common = ("--model", models / model, "--dataset", data, "--output_dir", output, "--max_new_tokens", 3)
    return *common, "--batch_size", 2, *more


def lines(folder):
    return [json.loads(line) for line in (folder / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def whole(command, models, data, tmp_path):
    """Predictions of a run that nothing interrupted."""
    status, out, err = command(main, *arguments(models, data, tmp_path / "whole"))
    assert status == 0, err
    return lines(tmp_path / "whole"), out


def test_every_row_is_answered_and_graded(whole, tmp_path):
    predictions, out = whole
    assert [line["id"] for line in predictions] == [f"q-{i}" for i in range(7)]
    result = json.loads((tmp_path / "whole" / "results.json").read_text(encoding="utf-8"))
    assert result["overall"]["num_rows"] == 7 and set(result["kinds"]) == {"angle", "length"}
    assert result["overall"]["accuracy"] == sum(line["correct"] for line in predictions) / 7
    assert result["baseline_from"] == "train split" and result["overall"]["baseline"]["answer"] == "40"
    assert "baseline: always the most frequent answer of the train split" in out


def test_an_interrupted_run_goes_on_where_it_stopped(command, models, data, tmp_path, whole, monkeypatch):
    folder, calls, original = tmp_path / "cut", [], Answerer.__call__

    def interrupted(self, questions):
        calls.append(len(questions))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(self, questions)

    monkeypatch.setattr(Answerer, "__call__", interrupted)
    status, _, err = command(main, *arguments(models, data, folder))
    assert status == 130 and "finished parts are kept" in err and len(lines(folder)) == 4
    with (folder / "predictions.jsonl").open("a") as file:
        file.write('{"row": 4, "id": "q-')  # the power went off here
    status, _, err = command(main, *arguments(models, data, folder))
    assert status == 0, err
    assert lines(folder) == whole[0]
    assert calls == [2, 2, 2, 2, 1]


def test_more_rows_go_on_and_a_finished_run_needs_no_model(command, models, data, tmp_path, whole, monkeypatch):
    folder = tmp_path / "grown"
    assert command(main, *arguments(models, data, folder, "--max_rows", 3))[0] == 0
    assert len(lines(folder)) == 3
    assert json.loads((folder / "results.json").read_text())["overall"]["num_rows"] == 3
    assert command(main, *arguments(models, data, folder))[0] == 0
    assert [line["id"] for line in lines(folder)] == [line["id"] for line in whole[0]]
    monkeypatch.setattr("evaluation.answer_accuracy.load_model", None)
    assert command(main, *arguments(models, data, folder))[0] == 0


@pytest.mark.parametrize(
    ("model", "more", "name"),
    [("other", (), "model"), ("mmgeolm", ("--blank_images",), "blank_images")],
)
def test_another_run_is_refused(command, models, data, tmp_path, model, more, name):
    folder = tmp_path / "run"
    assert command(main, *arguments(models, data, folder, "--max_rows", 1))[0] == 0
    before = lines(folder)
    status, _, err = command(main, *arguments(models, data, folder, *more, model=model))
    assert status == 2 and f"{name} " in err and "--output_dir" in err
    assert lines(folder) == before


@pytest.mark.parametrize("what", ["answer", "images"])
def test_a_rebuilt_data_set_is_refused(command, models, data, tmp_path, what):
    folder = tmp_path / "run"
    assert command(main, *arguments(models, data, folder, "--max_rows", 1))[0] == 0
    rows = sft_rows(7)
    rows[5][what] = {"answer": "99", "images": sft_rows(8)[7]["images"]}[what]
    save(data, SFT, test=rows)
    status, _, err = command(main, *arguments(models, data, folder))
    assert status == 2 and "dataset_fingerprint" in err


def test_unreadable_images_are_skipped_and_counted(command, models, tmp_path):
    rows = sft_rows(4)
    rows[1]["images"] = [encoded(b"not an image")]
    rows[2]["images"] = []
    data = save(tmp_path / "broken", SFT, test=rows)
    status, out, err = command(main, *arguments(models, data, tmp_path / "run"))
    assert status == 0, err
    assert [line["row"] for line in lines(tmp_path / "run")] == [0, 1, 2, 3]
    assert "skipped for unreadable images: 2" in out and "of the evaluated rows" in out


def test_blank_images_hide_the_figure_and_keep_its_size(command, models, data, tmp_path, monkeypatch):
    seen = []
    original = Answerer.__call__

    def spy(self, questions):
        seen.extend(figure for question in questions for figure in question.images)
        return original(self, questions)

    monkeypatch.setattr(Answerer, "__call__", spy)
    assert command(main, *arguments(models, data, tmp_path / "blank", "--blank_images"))[0] == 0
    assert len(seen) == 7
    assert {(figure.size, figure.getcolors()[0]) for figure in seen} == {((32, 32), (1024, (255, 255, 255)))}


def test_a_model_that_answers_nothing_is_refused(command, models, data, tmp_path):
    status, _, err = command(main, *arguments(models, data, tmp_path / "run", model="mmclip"))
    assert status == 2 and "AutoModelForImageTextToText" in err.strip().splitlines()[-1]
