"""Ablations: conditions become trainings, results resume run by run, intervals equal the bootstrap, tables say it."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.torch import load_file

from evaluation import ablation_runs
from evaluation.ablation import AblationArguments, ablate, main
from evaluation.ablation_runs import arguments_of, check_runs, plan, read_conditions
from evaluation.ablation_table import MEAN, summarise
from tests.evaluation.rows import HARD_NEGATIVES, hard_negative_rows, save
from tests.tiny import tiny_mmclip
from trainers.candidate_sets import SET_NAMES
from trainers.train_mmclip import main as train_mmclip

CONFIGS = sorted((Path(__file__).parents[2] / "evaluation" / "ablations").glob("*.yaml"))
TRAINING = {
    "per_device_train_batch_size": 3,
    "learning_rate": 1e-2,
    "use_cpu": True,
    "save_strategy": "steps",
    "save_steps": 2,
    "max_text_negatives": 0,
}
CONDITIONS = [
    {"name": "before", "phases": []},
    {"name": "image only"},
    {
        "name": "in-batch, then rule",
        "max_image_negatives": 0,
        "phases": [
            {"share": 0.4, "in_batch_negatives": True},
            {"share": 0.6, "max_text_negatives": 2, "text_families": ["rule"]},
        ],
    },
]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("base")
    model, processor = tiny_mmclip()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> str:
    parts = {"train": hard_negative_rows(8), "test": hard_negative_rows(6)}
    return str(save(tmp_path_factory.mktemp("rows"), HARD_NEGATIVES, **parts))


def arguments(base, rows, folder, **options) -> AblationArguments:
    options = {"max_steps": 3, "seeds": [0, 1], "training": TRAINING, "conditions": CONDITIONS, **options}
    return AblationArguments(model_name_or_path=base, dataset_name=rows, output_dir=str(folder), **options)


def test_runs_are_the_commands_trainings_and_resume(base, rows, tmp_path, monkeypatch, capsys):
    begun = []

    def counted(words, callbacks=None):
        begun.append(next(word for word in words if word.startswith("--output_dir")))
        if len(begun) == 3:
            raise KeyboardInterrupt
        train_mmclip(words, callbacks)

    monkeypatch.setattr(ablation_runs, "train_mmclip", counted)
    args = arguments(base, rows, tmp_path, seeds=[1])
    with pytest.raises(KeyboardInterrupt):
        ablate(args)
    there = json.loads((tmp_path / "results.json").read_text())["tests"]["test"]
    assert list(there) == ["before", "image only"]  # what was finished is written
    result = ablate(args)
    assert len(begun) == 4 and begun[2] == begun[3] and not result["failed"]  # only what was cut off is begun again
    assert ablate(args) == result and len(begun) == 4

    of_test = result["tests"]["test"]
    assert list(of_test) == ["before", "image only", "in-batch, then rule"]
    assert set(of_test["before"]["sets"]) == {*SET_NAMES, MEAN}
    assert "difference" in of_test["image only"]["sets"]["image"] and result["baseline"] == "before"
    steps = [[phase["steps"] for phase in condition["phases"]] for condition in result["conditions"]]
    assert steps == [[], [3], [1, 2]]

    # The model is that of the command by hand.
    run = next((tmp_path / "runs").glob("in-batch-then-rule-*")) / "seed-1"
    hand = [f"--{k}={v}" for k, v in (TRAINING | {"dataset_name": rows, "seed": 1, "max_image_negatives": 0}).items()]
    hand += ["--report_to=none", "--disable_tqdm=true"]
    first, second = tmp_path / "hand-1", tmp_path / "hand-2"
    to_first = [f"--model_name_or_path={base}", f"--output_dir={first}"]
    train_mmclip([*hand, "--in_batch_negatives=true", "--max_steps=1", *to_first])
    to_second = [f"--model_name_or_path={first}", f"--output_dir={second}"]
    train_mmclip([*hand, "--max_text_negatives=2", "--text_families", "rule", "--max_steps=2", *to_second])
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (run / "phase-2", second))
    assert all((ours[name] == value).all() for name, value in theirs.items())

    # What people look at.
    table = (tmp_path / "table.md").read_text()
    assert "| image only |" in table and "| chance |" in table and "3 steps each" in table
    picture = np.asarray(Image.open(tmp_path / "plot.png").convert("L"))
    assert picture.shape[1] > 800 and (picture < 128).mean() > 0.001
    assert "train_runtime" in (run / "log.txt").read_text()  # trainings talk into their log
    assert "failed" not in capsys.readouterr().out


def test_a_run_that_fails_is_a_line_and_the_others_go_on(base, rows, tmp_path, command):
    conditions = [
        {"name": "fine"},
        {"name": "hopeless", "max_image_negatives": 0, "max_text_negatives": 3, "text_families": ["retrieval"]},
    ]
    parts = {"train": hard_negative_rows(4), "test": hard_negative_rows(4)}
    for row in parts["train"]:
        row["retrieved_captions"] = []
    data = save(tmp_path / "rows", HARD_NEGATIVES, **parts)
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"conditions": conditions, "training": TRAINING, "max_steps": 1, "seeds": [0]}))
    options = ["--config", config, "--model_name_or_path", base, "--dataset_name", data]
    options += ["--output_dir", tmp_path / "out", "--baseline", "hopeless"]
    status, said, errors = command(main, *options)
    assert status == 2 and "1 runs failed" in errors
    assert "failed: hopeless, seed 0: None of the 4 rows has a negative" in said
    result = json.loads((tmp_path / "out" / "results.json").read_text())
    assert list(result["tests"]["test"]) == ["fine"]
    assert [entry["condition"] for entry in result["failed"]] == ["hopeless"]
    status, said, _ = command(main, *options, "--only", "fine")
    assert status == 0 and "| fine |" in said and "failed" not in said


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ([], "there are no conditions"),
        ([{"max_steps": 3}], "number 1 has no name"),
        ([{"name": "a"}, {"name": "A"}], "two conditions 'A'"),
        ([{"name": "a", "seed": 3}], "'a' sets seed, which the ablation itself gives"),
        ([{"name": "a", "negatives": 3}], "'a' sets negatives, which trainers.train_mmclip does not know"),
        ([{"name": "a", "phases": [{"share": 0.5}]}], "shares of condition 'a' must add up to 1"),
        ([{"name": "a", "phases": [{"share": 0.01}, {"share": 0.99}]}], "phase of condition 'a' has no step"),
        ([{"name": "a", "freeze_vision": True, "freeze_text": True}], "'a': freeze_vision and freeze_text together"),
        ([{"name": "a", "text_families": ["guessed"]}], "'a': text_families knows no guessed"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_first_training(base, rows, tmp_path, conditions, message):
    with pytest.raises(ValueError, match=message):
        ablate(arguments(base, rows, tmp_path, conditions=conditions))
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": [1, 1]}, "--seeds must be different"),
        ({"max_steps": 0}, "--max_steps must be at least 1"),
        ({"baseline": "none"}, "--baseline 'none' is none of the conditions"),
        ({"only": ["none"]}, "--only names no condition none"),
        ({"test_split": "dev"}, "no split 'dev'"),
        ({"model_name_or_path": None}, "--model_name_or_path is missing"),
    ],
)
def test_wrong_arguments_are_refused(base, rows, tmp_path, options, message):
    given = {"model_name_or_path": base, "dataset_name": rows, "output_dir": str(tmp_path), "conditions": CONDITIONS}
    with pytest.raises(ValueError, match=message):
        ablate(AblationArguments(**given | options))


def test_other_options_or_other_rows_are_other_runs(base, rows, tmp_path):
    def folders(steps=5, data=rows, **common):
        conditions = read_conditions(CONDITIONS, {"dataset_name": data, **common}, steps)
        return [run.folder for run in plan(conditions, [0, 1], base, tmp_path)]

    first = folders()
    assert len(first) == len(set(first)) == 5 and first == folders()
    other = save(tmp_path / "rows", HARD_NEGATIVES, train=hard_negative_rows(5))
    for changed in (folders(6), folders(learning_rate=1.0), folders(data=str(other))):
        assert set(changed) & set(first) == {first[0]}  # nothing is trained before training


def test_options_reach_the_command_in_its_words():
    condition = read_conditions(
        [{"name": "a", "text_families": ["rule", "retrieval"], "in_batch_negatives": True, "eval_steps": None}], {}, 3
    )[0]
    words = arguments_of(condition.phases[0], 7, "model", Path("out"))
    assert words[:4] == ["--text_families", "rule", "retrieval", "--in_batch_negatives=True"]
    assert words[4:] == ["--model_name_or_path=model", "--output_dir=out", "--max_steps=3", "--seed=7"]


def sets_of(hits: dict[str, list[int]]) -> dict:
    return {name: {"hits": hits[name], "chance": 0.25} if name in hits else None for name in SET_NAMES}


def test_intervals_cover_seeds_and_anchors():
    rng = np.random.default_rng(0)
    conditions = read_conditions([{"name": "low"}, {"name": "high"}], {}, 1)
    accuracy = {"low": 0.3, "high": 0.6}
    hard = rng.random(400)  # the same figures are hard for both
    runs = {
        (name, seed): sets_of({"rule": (hard < share + 0.02 * seed).astype(int).tolist(), "image": [1, 0, 1, 1]})
        for name, share in accuracy.items()
        for seed in range(3)
    }
    summary = summarise(runs, conditions, "low")
    rule = summary["high"]["sets"]["rule"]
    assert set(summary["high"]["sets"]) == {"rule", "image", MEAN}
    assert rule["accuracy"] == pytest.approx(np.mean([runs["high", s]["rule"]["hits"] for s in range(3)]))
    assert rule["by_seed"] == pytest.approx([np.mean(runs["high", s]["rule"]["hits"]) for s in range(3)])
    assert summary["high"]["sets"][MEAN]["accuracy"] == pytest.approx((rule["accuracy"] + 0.75) / 2)
    low, high = rule["interval_95"]
    assert low < rule["accuracy"] < high and 0.06 < high - low < 0.16  # about 4 x sqrt(0.6 x 0.4 / 400), and seeds
    assert rule["difference"] == pytest.approx(0.3, abs=0.03)
    below, above = rule["difference_interval_95"]
    assert 0 < below < rule["difference"] < above
    assert above - below < high - low + 0.02  # the same anchors on both sides
    assert "difference" not in summary["low"]["sets"]["rule"] and summary["low"]["sets"]["rule"]["chance"] == 0.25
    level = summary["high"]["sets"]["image"]
    assert level["difference"] == 0 and level["difference_interval_95"] == [0.0, 0.0]


def test_every_model_is_measured_on_changed_figures(base, rows, tmp_path, monkeypatch):
    options = {"conditions": CONDITIONS[:2], "perturbations": ["rotation", "line_width"], "max_steps": 2}
    result = ablate(arguments(base, rows, tmp_path, **options))
    assert not result["failed"]
    for condition, seeds in (("before", [0]), ("image only", [0, 1])):
        turned = result["robustness"]["test"][condition]["rotation"]
        assert turned["seeds"] == seeds and set(turned["sets"]) == {*SET_NAMES, MEAN}
        assert result["robustness"]["test"][condition]["line_width"]["sets"] == {}  # these rows have no scripts
        for name in SET_NAMES:
            figures, clean = turned["sets"][name], result["tests"]["test"][condition]["sets"][name]
            assert figures["difference"] == pytest.approx(figures["accuracy"] - clean["accuracy"])
            low, high = figures["difference_interval_95"]
            assert low <= figures["difference"] <= high
    table = (tmp_path / "table.md").read_text()
    assert "| image only | turned by 30° |" in table and "against the same model on the same figures" in table
    monkeypatch.setattr(ablation_runs, "evaluate_robustness", None)  # what is measured is not measured again
    assert ablate(arguments(base, rows, tmp_path, **options)) == result


def test_a_missing_baseline_leaves_differences_out():
    conditions = read_conditions([{"name": "a"}, {"name": "b"}], {}, 1)
    summary = summarise({("b", 0): sets_of({"rule": [1, 0]})}, conditions, "a")
    assert list(summary) == ["b"] and "difference" not in summary["b"]["sets"]["rule"]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_the_tables_of_the_project_can_be_run(config, base, tmp_path):
    options = yaml.safe_load(config.read_text())
    args = AblationArguments(model_name_or_path=base, dataset_name="rows", output_dir=str(tmp_path), **options)
    conditions = args.read_conditions()
    assert len(args.seeds) == 3 and args.title != AblationArguments.title
    check_runs(plan(conditions, args.seeds, base, tmp_path), base)
    assert all(sum(p.steps for p in c.phases) == args.max_steps for c in conditions if c.phases)
    if config.stem == "robustness":
        assert {"rotation", "downscale"} <= set(args.perturbations)
    if config.stem == "image_negatives":
        assert [c.phases[0].options["dataset_name"] for c in conditions] == ["rows", "rows-retrieved"]
    if config.stem == "negative_types":
        names = {"in-batch only", "image only", "rule only", "retrieval only", "all", "in-batch, then all"}
        assert names <= {condition.name for condition in conditions}
