"""The second half of an ablation: towers become the eyes of LMMs, what is done stays done, and the table tells it."""

import json

import numpy as np
import pytest
import yaml
from safetensors.torch import load_file

from evaluation import ablation_answers, answer_accuracy
from evaluation.ablation import AblationArguments, ablate, main
from evaluation.ablation_runs import read_conditions
from evaluation.ablation_table import summarise_answers
from tests.evaluation.benchmarks import layouts
from tests.evaluation.rows import HARD_NEGATIVES, SFT, hard_negative_rows, save, sft_rows
from tests.tiny import tiny_llm, tiny_mmclip, tiny_tokenizer
from trainers import train_mmgeolm

TRAINING = {"per_device_train_batch_size": 3, "learning_rate": 1e-2, "use_cpu": True, "max_text_negatives": 0}
QUICK = {"per_device_train_batch_size": 4, "max_steps": 1, "use_cpu": True, "save_strategy": "no"}
CONDITIONS = [{"name": "before", "phases": []}, {"name": "image only"}]
HELD_OUT, BLANKED = "held-out questions", "held-out questions, figure blanked"
TOWER = "model.vision_tower."


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A tiny MMCLIP, a tiny language model, rows, questions and a benchmark."""
    folder = tmp_path_factory.mktemp("parts")
    for part in tiny_mmclip():
        part.save_pretrained(folder / "base")
    for part in (tiny_llm(), tiny_tokenizer(frame=False)):
        part.save_pretrained(folder / "llm")
    save(folder / "rows", HARD_NEGATIVES, train=hard_negative_rows(6), test=hard_negative_rows(6))
    save(folder / "rows-questions", SFT, train=sft_rows(5), test=sft_rows(7))
    layouts.we_math(folder / "we_math")
    return folder


def lmm(parts, **options) -> dict:
    recipe = parts / "align.yaml"
    recipe.write_text(yaml.safe_dump({"stage": "align", "llm": "embedded", "seed": 5, "max_steps": 7}))
    answers = {"max_new_tokens": 2, "max_rows": 6}
    stages = {"align": {"config": str(recipe), **QUICK}, "sft": {**QUICK, "learning_rate": 1e-2}}
    return {
        "questions": "{dataset_name}-questions",
        "llm": str(parts / "llm"),
        **stages,
        "answers": answers,
        **options,
    }


def arguments(parts, folder, block, **options) -> AblationArguments:
    options = {"max_steps": 1, "seeds": [0, 1], "training": TRAINING, "conditions": CONDITIONS, **options}
    base, rows = str(parts / "base"), str(parts / "rows")
    return AblationArguments(base, rows, str(folder), lmm=block, **options)


def sft_folders(folder) -> dict[str, object]:
    found = (path.parent for path in folder.glob("runs/*/seed-*/sft-*/finished.json"))
    return {f"{path.parent.parent.name.rsplit('-', 1)[0]} {path.parent.name}": path for path in found}


def test_every_tower_is_the_eye_of_an_lmm_and_nothing_is_done_twice(parts, tmp_path, monkeypatch):
    begun, measured, train, measure = [], [], train_mmgeolm.main, answer_accuracy.evaluate

    def counted(words):
        begun.append(next(word for word in words if word.startswith("--output_dir")))
        if len(begun) == 4:
            raise KeyboardInterrupt
        train(words)

    def noted(wanted):
        measured.append(wanted.output_dir)
        if len(measured) == 6:
            raise KeyboardInterrupt
        return measure(wanted)

    monkeypatch.setattr(train_mmgeolm, "main", counted)
    monkeypatch.setattr(answer_accuracy, "evaluate", noted)
    args = arguments(parts, tmp_path, lmm(parts, blank_images=True))
    for _ in range(2):  # killed while tuning, then while answering
        with pytest.raises(KeyboardInterrupt):
            ablate(args)
    result = ablate(args)
    assert not result["failed"]
    assert len(begun) == 9 and begun[3] == begun[4] and len(set(begun)) == 8  # two stages, conditions and seeds
    assert len(measured) == 9 and measured[5] == measured[6] and len(set(measured)) == 8
    assert ablate(args) == result and (len(begun), len(measured)) == (9, 9)

    # the eye is the run's own tower, the rest starts alike
    tuned = {name: load_file(path / "model.safetensors") for name, path in sft_folders(tmp_path).items()}
    assert set(tuned) == {f"{name} seed-{seed}" for name in ("before", "image-only") for seed in (0, 1)}
    eyes = {"before seed-1": parts / "base"}
    eyes["image-only seed-1"] = next(tmp_path.glob("runs/image-only-*")) / "seed-1" / "phase-1"
    for name, place in eyes.items():
        weights = {
            key.split("vision_model.")[-1]: value for key, value in load_file(place / "model.safetensors").items()
        }
        seen = {key.removeprefix(TOWER): value for key, value in tuned[name].items() if key.startswith(TOWER)}
        assert seen and all((weights[key.removeprefix("vision_model.")] == value).all() for key, value in seen.items())
    states = [json.loads(next(p.parent.glob("align-*")).joinpath("trainer_state.json").read_text())
              for p in sft_folders(tmp_path).values()]  # fmt: skip
    assert {state["max_steps"] for state in states} == {1}  # beside the recipe, which says 7

    # figures are those of the answers
    answers = result["answers"]
    assert list(answers) == ["before", "image only"] and all(of["seeds"] == [0, 1] for of in answers.values())
    assert result["tests"]["test"]["before"]["seeds"] == [0]  # Hit@1 of one and the same model
    for name, blank in ((HELD_OUT, False), (BLANKED, True)):
        of = answers["image only"]["sets"][name]
        files = sorted(tmp_path.glob("runs/image-only-*/seed-*/answers-*/results.json"))
        theirs = [found for found in map(json.loads, (p.read_text() for p in files)) if found["blank_images"] is blank]
        assert of["by_seed"] == [found["overall"]["accuracy"] for found in theirs]
        assert of["chance"] == theirs[0]["overall"]["baseline"]["accuracy"] and of["num_anchors"] == 6
        assert {"interval_95", "difference", "difference_interval_95"} <= set(of)
    table = (tmp_path / "table.md").read_text()
    assert f"| condition | {HELD_OUT} | {BLANKED} | seeds |" in table and "| without looking |" in table

    # another exam asks the same LMMs; another sft tunes the same aligned ones anew
    more = lmm(parts, benchmarks=[{"benchmark": "we_math", "data_dir": str(parts / "we_math"), "max_new_tokens": 2}])
    result = ablate(arguments(parts, tmp_path, more, seeds=[0], only=["before"]))
    assert len(begun) == 9 and list(result["answers"]["before"]["sets"]) == [HELD_OUT, "we_math"]
    other = lmm(parts, sft={**QUICK, "learning_rate": 2e-2})
    ablate(arguments(parts, tmp_path, other, seeds=[0], only=["image only"]))
    assert len(begun) == 10 and "sft-" in begun[9]


def test_a_failing_stage_is_a_line_and_hit_at_1_stays(parts, tmp_path, command, monkeypatch):
    train, failing = train_mmgeolm.main, [True]

    def sometimes(words):
        if failing[0] and any("image-only" in word for word in words) and "--stage=sft" in words:
            raise RuntimeError("the language model\nis at a loss")
        train(words)

    monkeypatch.setattr(train_mmgeolm, "main", sometimes)
    config, block = tmp_path / "config.yaml", tmp_path / "lmm.yaml"
    config.write_text(yaml.safe_dump({"conditions": CONDITIONS[::-1], "training": TRAINING, "max_steps": 1}))
    block.write_text(yaml.safe_dump(lmm(parts, keep_models=False)))
    options = ["--config", config, "--lmm", block, "--model_name_or_path", parts / "base", "--seeds", 3]
    options += ["--dataset_name", parts / "rows", "--output_dir", tmp_path / "out"]
    status, said, _ = command(main, *options)
    line = "failed: image only, seed 3: sft of the LMM: RuntimeError: the language model is at a loss"
    assert status == 2 and line in said
    result = json.loads((tmp_path / "out" / "results.json").read_text())
    assert list(result["tests"]["test"]) == ["image only", "before"] and list(result["answers"]) == ["before"]
    assert not list((tmp_path / "out").glob("runs/before-*/seed-3/*/*.safetensors"))
    assert len(list((tmp_path / "out").glob("runs/image-only-*/seed-3/align-*/*.safetensors"))) == 1

    failing[0] = False
    status, said, _ = command(main, *options)
    assert status == 0 and "failed" not in said
    assert list(json.loads((tmp_path / "out" / "results.json").read_text())["answers"]) == ["image only", "before"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"questions": "none"}, "lmm: sft: Cannot load the data set none"),
        ({"eyes": 2}, "lmm sets eyes: expected some of"),
        ({"align": {"seed": 3}}, "lmm: align must hold options of trainers.train_mmgeolm other than"),
        ({"align": {"config": "none.yaml"}}, "none.yaml cannot be read"),
        ({"sft": {"config": "trainers/recipes/align_tiny.yaml"}}, "lmm: sft names .* a recipe of stage align"),
        ({"sft": {"steps": 3}}, "lmm: sft sets steps, which trainers.train_mmgeolm does not know"),
        ({"sft": {"freeze_language_model": True, "freeze_projector": True}}, "lmm: sft: All parts are frozen"),
        ({"align": {"dataset_name": "none"}}, "lmm: align: Cannot load the data set none"),
        ({"llm": None}, "lmm: align: Name the model"),
        ({"answers": {"blank_images": True}}, "lmm: answers sets blank_images"),
        ({"answers": {"split": "dev"}}, "no split 'dev'"),
        ({"answers": 3}, "lmm: answers must hold options"),
        ({"benchmarks": [{"data_dir": "here"}]}, "lmm: benchmark number 1: .*'benchmark'"),
        ({"benchmarks": [{"benchmark": "geoqa", "data_dir": "none"}]}, "--data_dir none does not exist"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_first_training(parts, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        ablate(arguments(parts, tmp_path, lmm(parts) | {"align": dict(QUICK)} | options))
    assert not (tmp_path / "runs").exists()


def test_the_same_benchmark_twice_is_refused_and_its_splits_are_told_apart(parts):
    place = {"benchmark": "we_math", "data_dir": str(parts / "we_math")}
    exams = ablation_answers._exams(
        ablation_answers.LMMOptions("q", benchmarks=[place, place | {"split": "testmini"}])
    )
    assert list(exams) == ["we_math", "we_math (testmini)"]  # and no held-out questions unless asked for
    with pytest.raises(ValueError, match="two benchmarks we_math"):
        ablation_answers._exams(ablation_answers.LMMOptions("q", benchmarks=[place, place]))


def test_figures_count_the_questions_that_all_were_asked():
    conditions = read_conditions([{"name": "low"}, {"name": "high"}], {}, 1)
    rng = np.random.default_rng(0)
    hard = rng.random(300)
    runs = {
        (name, seed): {"geoqa": {"hits": {row: bool(hard[row] < share) for row in range(300)}, "chance": None}}
        for name, share in (("low", 0.3), ("high", 0.5))
        for seed in range(2)
    }
    del runs["low", 1]["geoqa"]["hits"][7]
    high = summarise_answers(runs, conditions, "low")["high"]["sets"]["geoqa"]
    others = np.delete(hard, 7)
    assert high["num_anchors"] == 299 and high["accuracy"] == pytest.approx((others < 0.5).mean())
    assert (
        high["difference"] == pytest.approx((others < 0.5).mean() - (others < 0.3).mean()) and high["chance"] is None
    )
    low, up = high["difference_interval_95"]
    assert 0.1 < low < high["difference"] < up < 0.3
    assert summarise_answers({}, conditions, "low") == {}


def test_answers_of_a_benchmark_are_its_verdicts(parts, tmp_path):
    place = {"benchmark": "we_math", "data_dir": str(parts / "we_math")}
    block = lmm(parts, answers=None, benchmarks=[place | {"max_new_tokens": 2}])
    result = ablate(arguments(parts, tmp_path, block, seeds=[0], only=["before"]))
    there = json.loads(next(tmp_path.glob("runs/*/seed-0/answers-*/results.json")).read_text())
    of = result["answers"]["before"]["sets"]["we_math"]
    assert of["accuracy"] == pytest.approx(np.mean([verdict["right"] for verdict in there["verdicts"]]))
    assert of["num_anchors"] == there["num_asked"] and there["measure"] == "benchmark"
