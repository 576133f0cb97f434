"""Answers on changed figures are paired with those on clean ones; what is answered is not asked again."""

import json

import numpy as np
import pytest
from datasets import Value
from PIL import Image

from evaluation import answer_accuracy, run_benchmark
from evaluation.generation import Answerer
from evaluation.report import write_report
from evaluation.robustness import main
from evaluation.robustness_answers import compare_answers
from tests.data_scripts.samples import row_of
from tests.evaluation.rows import SFT, encoded, save, sft_rows
from tests.tiny import tiny_llava, tiny_mmclip, tiny_mmgeolm

from .benchmarks import layouts


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, (model, processor) in {
        "mmgeolm": tiny_mmgeolm(),
        "llava": tiny_llava(),
        "mmclip": tiny_mmclip(),
    }.items():
        model.save_pretrained(folder / name)
        processor.save_pretrained(folder / name)
    return folder


@pytest.fixture
def asked(monkeypatch):
    """A model that reads the answer off how wide the figure is: right as long as that stays; what it was asked."""
    seen = []

    def answer(self, questions):
        seen.extend(questions)
        return [f"\\boxed{{{40 + q.row % 2 if q.images[0].size == (32, 32) else 0}}}" for q in questions]

    monkeypatch.setattr(Answerer, "__call__", answer)
    return seen


def arguments(models, output, *more, model="llava"):
    return ("--model", models / model, "--output_dir", output, "--max_new_tokens", 3, *more)


def results(folder):
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def test_differences_worked_by_hand():
    clean = {i: {"row": i, "correct": i < 3} for i in range(5)}  # 3 of 5
    changed = {i: {"row": i, "correct": i in (0, 4)} for i in range(5)}  # loses two, wins one
    entry = compare_answers(clean, changed, seed=0)
    assert (entry["clean"], entry["accuracy"], entry["num_anchors"]) == (0.6, 0.4, 5)
    assert entry["difference"] == pytest.approx(-0.2)
    low, high = entry["interval_95"]
    assert -1 <= low < -0.2 < high <= 0.6
    same = compare_answers(clean, clean, seed=0)
    assert same["difference"] == 0 and same["interval_95"] == (0.0, 0.0)  # paired: no spread where nothing changes
    clean[1] = {"row": 1, "skipped": "unreadable image"}
    assert compare_answers(clean, changed, seed=0)["num_anchors"] == 4
    assert compare_answers(clean, {}, seed=0) is None


def test_questions_are_paired_and_an_interrupted_run_goes_on(command, models, asked, tmp_path, monkeypatch):
    rows = sft_rows(6)
    rows[4]["images"] = [encoded(b"no picture")]
    data = save(tmp_path / "data", SFT, test=rows)
    more = ("--dataset", data, "--batch_size", 2, "--perturbations", "rotation", "noise", "font")
    broken, calls = Answerer.__call__, []

    def interrupted(self, questions):
        calls.append(len(questions))
        if len(calls) == 5:  # in the middle of the first perturbation
            raise KeyboardInterrupt
        return broken(self, questions)

    monkeypatch.setattr(Answerer, "__call__", interrupted)
    assert command(main, *arguments(models, tmp_path / "out", *more))[0] == 130
    assert not (tmp_path / "out" / "results.json").exists()
    monkeypatch.setattr(Answerer, "__call__", broken)
    status, out, err = command(main, *arguments(models, tmp_path / "out", *more))
    assert status == 0, err
    assert len(asked) == 5 * 3  # clean, rotation, noise: once each, whatever came between
    result = results(tmp_path / "out")
    assert (result["measure"], result["metric"], result["num_rows"]) == ("robustness", "answer_accuracy", 6)
    turned, grain, font = (result["perturbations"][name] for name in ("rotation", "noise", "font"))
    assert turned["sets"]["answers"] == {
        "accuracy": 0.0, "clean": 1.0, "difference": -1.0, "interval_95": [-1.0, -1.0], "num_anchors": 5,
    }  # fmt: skip
    assert grain["sets"]["answers"]["difference"] == 0 and grain["num_questions_left_out"] == 1
    assert font["sets"]["answers"] is None and font["num_questions_left_out"] == 6  # no row says how to draw it
    assert "Answer accuracy of" in out and "-100.0" in out and "questions left out of both sides: 6" in out
    for name in ("robustness.png", "contact_sheet.png"):
        assert Image.open(tmp_path / "out" / name).width > 300

    monkeypatch.setattr("evaluation.robustness_answers.load_model", None)  # a finished run needs no model
    assert command(main, *arguments(models, tmp_path / "out", *more))[0] == 0
    assert results(tmp_path / "out") == result
    write_report(tmp_path, tmp_path / "r.html")
    tables = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert "| llava | data (test) | turned by 30° | answer accuracy | 100.0% | 0.0% | -100.0 |" in tables
    assert (
        "| rotation, change of answer accuracy | llava on data | -100.0 | -100.0 to -100.0 | text-trained -0.9"
        in tables
    )


def test_figures_are_drawn_anew_where_a_row_has_a_script(command, models, asked, tmp_path):
    row = row_of(1, image_size=96)
    rows = [question | {"script": ""} for question in sft_rows(3)]
    rows[1] |= {"images": [row["image"]], "script": row["script"]}
    rows[2] |= {"images": [row["image"]] * 2, "script": row["script"]}  # of which figure?
    features = SFT.copy()
    features["script"] = Value("string")
    data = save(tmp_path / "data", features, test=rows)
    more = ("--dataset", data, "--perturbations", "line_width")
    status, _, err = command(main, *arguments(models, tmp_path / "out", *more))
    assert status == 0, err
    entry = results(tmp_path / "out")["perturbations"]["line_width"]
    assert (entry["sets"]["answers"]["num_anchors"], entry["num_questions_left_out"]) == (1, 2)
    assert [question.row for question in asked] == [0, 1, 2, 1]
    thin, thick = (np.asarray(asked[place].images[0].convert("L")) < 128 for place in (1, 3))
    assert thick.sum() > 1.3 * thin.sum() and (thick & thin).sum() > 0.95 * thin.sum()


def test_clean_answers_are_those_of_the_other_commands(command, models, tmp_path):
    data = save(tmp_path / "data", SFT, test=sft_rows(4))
    exam = layouts.we_math(tmp_path / "we_math")
    for model, place, other in (
        ("mmgeolm", ("--dataset", data), answer_accuracy.main),
        ("llava", ("--benchmark", "we_math", "--data_dir", exam), run_benchmark.main),
    ):
        out, plain = tmp_path / model, tmp_path / f"{model}-plain"
        status, _, err = command(main, *arguments(models, out, *place, "--perturbations", "downscale", model=model))
        assert status == 0, err
        status, _, err = command(other, *arguments(models, plain, *place, model=model))
        assert status == 0, err
        ours, theirs = (
            [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            for path in (out / "predictions" / "clean.jsonl", plain / "predictions.jsonl")
        )
        assert [line["text"] for line in ours] == [line.get("text", line["prediction"]) for line in theirs]
        assert [line["id"] for line in ours] == [line["id"] for line in theirs]
        found = results(out)["perturbations"]["downscale"]["sets"]["answers"]
        assert found["num_anchors"] == len(theirs)
    assert results(tmp_path / "llava")["benchmark"] == "we_math"
    verdicts = json.loads((tmp_path / "llava-plain" / "results.json").read_text())["verdicts"]
    assert [line["correct"] for line in ours] == [verdict["right"] for verdict in verdicts]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--dataset", "d", "--benchmark", "we_math"), "either --dataset or --benchmark"),
        ((), "either --dataset or --benchmark"),
        (("--benchmark", "we_math", "--data_dir", "nowhere"), "does not exist"),
    ],
)
def test_what_is_wrong_is_one_line(command, models, tmp_path, more, said):
    status, _, err = command(main, *arguments(models, tmp_path / "out", *more))
    assert status == 2 and said in err.strip().splitlines()[-1]


def test_a_dual_encoder_answers_no_questions(command, models, tmp_path):
    data = save(tmp_path / "data", SFT, test=sft_rows(2))
    status, _, err = command(main, *arguments(models, tmp_path / "out", "--dataset", data, model="mmclip"))
    assert status == 2 and "AutoModelForImageTextToText" in err.strip().splitlines()[-1]
