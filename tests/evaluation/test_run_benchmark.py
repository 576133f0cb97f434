"""A benchmark runs with any model, ours or stock, and no row is lost or doubled, whatever interrupts it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evaluation import grade
from evaluation.benchmarks import BENCHMARKS
from evaluation.generation import Answerer
from evaluation.run_benchmark import main
from tests.data_scripts.samples import SHARED
from tests.tiny import tiny_llava, tiny_mmclip, tiny_mmgeolm

from .benchmarks import layouts

WE_MATH_SAMPLE = SHARED / "data" / "we_math_sample"
LAYOUTS = {name: getattr(layouts, name) for name in BENCHMARKS}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    made = {"mmgeolm": tiny_mmgeolm(), "llava": tiny_llava(), "other": tiny_llava(seed=1), "mmclip": tiny_mmclip()}
    for name, (model, processor) in made.items():
        model.save_pretrained(folder / name)
        processor.save_pretrained(folder / name)
    return folder


@pytest.fixture
def data(tmp_path):
    return layouts.we_math(tmp_path / "we_math")


def arguments(models, data, output, *more, model="llava", benchmark="we_math"):
    place = ("--benchmark", benchmark, "--data_dir", data, "--output_dir", output)
    return *place, "--model", models / model, "--max_new_tokens", 3, "--batch_size", 4, *more


def lines(folder):
    return [json.loads(line) for line in (folder / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]


def results(folder):
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("model", ["mmgeolm", "llava"])
@pytest.mark.parametrize("benchmark", sorted(BENCHMARKS))
def test_every_benchmark_runs_with_ours_and_with_a_stock_model(command, models, tmp_path, benchmark, model):
    place = LAYOUTS[benchmark](tmp_path / "data")
    status, out, err = command(main, *arguments(models, place, tmp_path / "run", model=model, benchmark=benchmark))
    assert status == 0, err
    ids = [item.id for item in BENCHMARKS[benchmark].read(str(place))]
    predictions, result = lines(tmp_path / "run"), results(tmp_path / "run")
    assert [line["id"] for line in predictions] == ids and all(
        set(line) == {"id", "prediction"} for line in predictions
    )
    assert any(line["prediction"] for line in predictions)
    assert (result["num_questions"], result["num_asked"], result["num_failed"]) == (len(ids), len(ids), 0)
    assert result["generation"] == {"decoding": "greedy", "max_new_tokens": 3}
    assert result["prompt_example"] and result["versions"]["transformers"]
    assert [verdict["id"] for verdict in result["verdicts"]] == ids
    assert all(f"{name:<24}" in out for name in result["metrics"])


@pytest.mark.parametrize("benchmark", sorted(BENCHMARKS))
def test_who_answers_as_the_benchmark_does_is_right(command, models, tmp_path, benchmark, monkeypatch):
    place = LAYOUTS[benchmark](tmp_path / "data")
    gold = [item.answer for item in BENCHMARKS[benchmark].read(str(place))]
    monkeypatch.setattr(
        Answerer, "__call__", lambda self, asked: [f"So it is \\boxed{{{gold[q.row]}}}." for q in asked]
    )
    more = ("--official",)
    status, _, err = command(main, *arguments(models, place, tmp_path / "run", *more, benchmark=benchmark))
    assert status == 0, err
    result = results(tmp_path / "run")
    assert all(verdict["right"] for verdict in result["verdicts"]) and result["num_unread"] == 0
    assert "official" in result


@pytest.mark.skipif(not WE_MATH_SAMPLE.is_dir(), reason=f"needs the 20 rows of We-Math in {WE_MATH_SAMPLE}")
def test_the_real_rows_of_we_math_run_with_their_images(command, models, tmp_path):
    status, _, err = command(main, *arguments(models, WE_MATH_SAMPLE, tmp_path / "run"))
    assert status == 0, err
    assert len(lines(tmp_path / "run")) == 20 and results(tmp_path / "run")["num_failed"] == 0


def test_a_killed_run_goes_on_without_a_repeated_or_missing_row(command, models, tmp_path):
    data = layouts.we_math(tmp_path / "data", problems=12)  # 84 questions
    more = ("--batch_size", 2, "--max_new_tokens", 12)
    assert command(main, *arguments(models, data, tmp_path / "whole", *more))[0] == 0
    whole, cut = (tmp_path / "whole" / "predictions.jsonl").read_bytes(), tmp_path / "cut" / "predictions.jsonl"

    parts = map(str, arguments(models, data, tmp_path / "cut", *more))
    process = subprocess.Popen(
        [sys.executable, "-m", "evaluation.run_benchmark", *parts],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"HF_DATASETS_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 300  # most of it to start, on a busy machine
    while not (cut.exists() and cut.read_bytes().count(b"\n") >= 5):
        assert process.poll() is None and time.monotonic() < until, process.communicate()[1].decode()
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    written = cut.read_bytes()
    assert process.returncode == -signal.SIGKILL and 5 <= written.count(b"\n") < 84
    assert not (tmp_path / "cut" / "results.json").exists()
    cut.write_bytes(written + b'{"id": "2steps_9/2st')  # and a line that was being written

    assert command(main, *arguments(models, data, tmp_path / "cut", *more))[0] == 0
    assert cut.read_bytes() == whole
    resumed, undisturbed = results(tmp_path / "cut"), results(tmp_path / "whole")
    assert resumed.pop("predictions") == str(cut) and undisturbed.pop("predictions") != str(cut)
    assert resumed == undisturbed


def test_more_rows_go_on_and_a_finished_run_needs_no_model(command, models, data, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    assert command(main, *arguments(models, data, folder, "--max_rows", 5))[0] == 0
    assert (results(folder)["num_questions"], results(folder)["num_asked"]) == (14, 5)
    first = lines(folder)
    assert command(main, *arguments(models, data, folder))[0] == 0
    assert lines(folder)[:5] == first and len(lines(folder)) == 14
    monkeypatch.setattr("evaluation.run_benchmark.load_model", None)
    assert command(main, *arguments(models, data, folder))[0] == 0


@pytest.mark.parametrize(
    ("more", "model", "name"),
    [
        (("--max_new_tokens", 4), "llava", "generation"),
        (("--temperature", 0.7), "llava", "generation"),
        (("--blank_images",), "llava", "blank_images"),
        ((), "other", "model"),
    ],
)
def test_another_run_is_refused(command, models, data, tmp_path, more, model, name):
    folder = tmp_path / "run"
    assert command(main, *arguments(models, data, folder, "--max_rows", 1))[0] == 0
    before = lines(folder)
    status, _, err = command(main, *arguments(models, data, folder, "--max_rows", 1, *more, model=model))
    assert status == 2 and f"{name} " in err and "--output_dir" in err
    assert lines(folder) == before


def test_another_version_of_the_questions_is_refused(command, models, data, tmp_path):
    assert command(main, *arguments(models, data, tmp_path / "run", "--max_rows", 1))[0] == 0
    rows = json.loads((data / "testmini.json").read_text(encoding="utf-8"))
    rows[3]["question"] += " Say why."
    layouts.write_json(data / "testmini.json", rows)
    status, _, err = command(main, *arguments(models, data, tmp_path / "run", "--max_rows", 1))
    assert status == 2 and "questions_fingerprint" in err


def test_what_cannot_be_asked_is_told_and_counts_as_wrong(command, models, data, tmp_path):
    (data / "2steps/image/1-1.png").write_bytes(b"no picture")
    (data / "3steps/image/2-multi.png").unlink()
    rows = json.loads((data / "testmini.json").read_text(encoding="utf-8"))
    layouts.write_json(data / "testmini.json", [*rows, {"ID": "2steps_9", "question": "?"}])
    status, _, err = command(main, *arguments(models, data, tmp_path / "run"))
    assert status == 0, err
    failed = {line["id"]: line for line in lines(tmp_path / "run") if "failed" in line}
    assert failed == {
        name: {"id": name, "prediction": "", "failed": "unreadable image"}
        for name in ("2steps_1/2steps_1", "3steps_2/3steps_multi")
    }
    result = results(tmp_path / "run")
    assert (result["num_failed"], result["failed"]) == (2, {"unreadable image": 2})
    assert result["rows_left_out"] == {"row: no key of a step": 1}
    assert result["num_rows"] == 14 and not any(v["right"] for v in result["verdicts"] if v["id"] in failed)


def test_grade_says_the_same_of_the_predictions(command, models, data, tmp_path):
    (data / "2steps/image/1-1.png").unlink()
    assert command(main, *arguments(models, data, tmp_path / "run"))[0] == 0
    place = ("--benchmark", "we_math", "--data_dir", data, "--output", tmp_path / "grades.json")
    status, _, err = command(grade.main, *place, "--predictions", tmp_path / "run" / "predictions.jsonl")
    assert status == 0, err
    graded, result = json.loads((tmp_path / "grades.json").read_text(encoding="utf-8")), results(tmp_path / "run")
    for name in ("metrics", "verdicts", "num_unread", "predictions", "data", "split"):
        assert graded[name] == result[name]


def test_a_template_of_ones_own_words_the_questions(command, models, data, tmp_path, monkeypatch):
    template, seen, original = tmp_path / "own.jinja", [], Answerer.__call__
    template.write_text("{{ question }} [{{ choices | join(' / ') }}] {{ groups.key }}")

    def spy(self, questions):
        seen.extend(question.prompt[0]["content"] for question in questions)
        return original(self, questions)

    monkeypatch.setattr(Answerer, "__call__", spy)
    more = ("--prompt_template", template, "--max_rows", 1)
    assert command(main, *arguments(models, data, tmp_path / "run", *more))[0] == 0
    question = "Problem 1 of 2 steps: what is asked in 2steps_1?"
    assert seen == [f"{question} [3 cm / 2 cm / D. 5 cm / No correct answer] 2steps_1"]
    template.write_text("{{ question }} {{ nothing }}")
    status, _, err = command(main, *arguments(models, data, tmp_path / "other", *more))
    assert status == 2 and "does not fit item 2steps_1/2steps_1: 'nothing' is undefined" in err
    template.write_text("{{ ''.__class__.__mro__ }}")
    status, _, err = command(main, *arguments(models, data, tmp_path / "third", *more))
    assert status == 2 and "unsafe" in err


def test_blank_images_hide_the_figure_and_keep_its_size(command, models, data, tmp_path, monkeypatch):
    seen, original = [], Answerer.__call__

    def spy(self, questions):
        seen.extend(figure for question in questions for figure in question.images)
        return original(self, questions)

    monkeypatch.setattr(Answerer, "__call__", spy)
    assert command(main, *arguments(models, data, tmp_path / "run", "--blank_images"))[0] == 0
    assert len(seen) == 14 and {(f.size, f.getcolors()[0]) for f in seen} == {((24, 24), (576, (255, 255, 255)))}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--data_id", "We-Math/We-Math"), "not both"),
        (("--split", "train"), "no split 'train'"),
        (("--temperature", -1), "--temperature"),
        (("--batch_size", 0), "--batch_size must be at least 1"),
        (("--tolerance", 2), "--tolerance"),
        (("--prompt_template", "nowhere.jinja"), "cannot be read"),
    ],
)
def test_arguments_that_cannot_be(command, models, data, tmp_path, more, said):
    status, _, err = command(main, *arguments(models, data, tmp_path / "run", *more))
    assert status == 2 and said in err.strip().splitlines()[-1]


def test_places_and_models_that_are_none(command, models, data, tmp_path):
    status, _, err = command(main, *arguments(models, tmp_path / "nowhere", tmp_path / "run"))
    assert status == 2 and "does not exist" in err
    status, _, err = command(main, *arguments(models, data, tmp_path / "run", model="mmclip"))
    assert status == 2 and "AutoModelForImageTextToText" in err.strip().splitlines()[-1]
    layouts.write_json(data / "testmini.json", [{"ID": 1}])
    status, _, err = command(main, *arguments(models, data, tmp_path / "run"))
    assert status == 2 and "holds no question of we_math: 1 x row: no key of a step" in err
