"""Questions: answers that the coordinates confirm, prompts that give nothing away, and the rows built of them."""

import re

import numpy as np
import pytest
from datasets import load_dataset

from data_scripts import build_sft, shards
from data_scripts.build_sft import FEATURES, SftArguments, build, build_row, main
from data_scripts.cli import run_command
from data_scripts.diagram.facts import angle_at, check, distance
from data_scripts.questions import INSTRUCTION, KINDS, draw_question

SEEDS = range(8)
SMALL = {"num_rows": 9, "num_test_rows": 3, "image_size": 96, "num_workers": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_is_what_the_coordinates_measure(kind):
    for seed in SEEDS:
        question = draw_question(kind, np.random.default_rng(seed))
        d = question.program.diagram
        assert question.kind == kind and all(check(f, d) is True for f in d.facts)
        asked = re.search(r"∠([A-Z]{3})|length of ([A-Z]{2})", question.text)
        if asked is None:
            assert kind == "right_vertex"
            others = [p for p in d.points if p != question.answer]
            assert angle_at(d, others[0], question.answer, others[1]) == pytest.approx(90)
        elif asked[1]:
            assert float(question.answer) == pytest.approx(angle_at(d, *asked[1]), abs=0.01)
        else:
            assert float(question.answer) == pytest.approx(distance(d, *asked[2]), abs=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_the_prompt_gives_no_number_away_and_the_figure_no_answer(kind):
    for seed in SEEDS:
        question = draw_question(kind, np.random.default_rng(seed))
        assert not re.search(r"\d", question.text)
        printed = {
            tuple(sorted((m.points[0], m.points[-1]))) + m.points[1:-1]: m.text for m in question.program.diagram.marks
        }
        asked = re.search(r"∠([A-Z]{3})|length of ([A-Z]{2})", question.text)
        if asked and kind != "read_value":
            part = tuple(asked[1] or asked[2])
            assert not printed.get(tuple(sorted((part[0], part[-1]))) + part[1:-1]), "the answer is printed"


@pytest.mark.parametrize("kind", KINDS)
def test_the_steps_use_the_printed_values_and_end_in_the_answer(kind):
    for seed in SEEDS:
        question = draw_question(kind, np.random.default_rng(seed))
        values = [m.text.rstrip("°") for m in question.program.diagram.marks if m.text]
        if kind not in ("read_value", "right_vertex"):
            assert values and all(re.search(rf"(?<!\d){value}(?!\d)", question.steps) for value in values)
        assert question.steps.rstrip("°.").endswith(question.answer)


def test_the_same_generator_gives_the_same_question():
    for kind in KINDS:
        first, second = (draw_question(kind, np.random.default_rng(4)) for _ in range(2))
        assert first == second


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="unknown question kind 'riddle'"):
        draw_question("riddle", np.random.default_rng(0))


def test_a_row_is_conversational_and_boxed():
    for index in range(10):
        row = build_row(index, "train", list(KINDS), 96, 0)
        assert set(row) == set(FEATURES)
        (asked,), (answered,) = row["prompt"], row["completion"]
        assert asked["role"] == "user" and asked["content"].endswith(INSTRUCTION)
        assert answered["role"] == "assistant"
        assert re.findall(r"\\boxed\{([^{}]*)\}$", answered["content"]) == [row["answer"]]
        assert len(row["images"]) == 1 and row["kind"] in KINDS
        assert row == build_row(index, "train", list(KINDS), 96, 0)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    for module in (shards, build_sft):
        monkeypatch.setattr(module, "SHARD_SIZE", 4)


def test_the_data_set_loads_and_is_the_same_with_two_workers(tmp_path):
    report = build(SftArguments(str(tmp_path / "one"), **SMALL))
    build(SftArguments(str(tmp_path / "two"), **{**SMALL, "num_workers": 2}))
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n / "data").iterdir()} for n in ("one", "two"))
    assert one == two and len(one) == 4
    data = load_dataset(str(tmp_path / "one"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(split) for name, split in data.items()} == {"train": 9, "test": 3}
    assert data["train"].features == FEATURES
    assert not set(data["train"]["id"]) & set(data["test"]["id"])
    assert data["train"][0]["images"][0].size == (96, 96)
    for split in ("train", "test"):
        assert sum(report["splits"][split]["kinds"].values()) == len(data[split]) == report["splits"][split]["asked"]
    assert not (tmp_path / "one" / ".build").exists()


def test_only_the_kinds_asked_for(tmp_path):
    report = build(SftArguments(str(tmp_path / "rows"), **SMALL, kinds=["hypotenuse", "midline"]))
    assert set(report["splits"]["train"]["kinds"]) <= {"hypotenuse", "midline"}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--kinds", "riddle"], "unknown question kinds ['riddle']"),
        (["--num_rows", "0"], "--num_rows must be at least 1, not 0"),
        (["--num_test_rows", "-1"], "--num_test_rows must be at least 1, not -1"),
    ],
)
def test_what_the_user_can_put_right_is_one_line(arguments, line, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["build_sft", "--output_dir", str(tmp_path / "rows"), *arguments])
    with pytest.raises(SystemExit) as ended:
        run_command(main)
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.startswith("error: ") and line in said and said.count("\n") == 1


def test_the_command_reports_what_it_made(tmp_path, monkeypatch, capsys):
    arguments = [f"--{k}={v}" for k, v in {**SMALL, "num_rows": 3, "num_test_rows": 1}.items()]
    monkeypatch.setattr("sys.argv", ["build_sft", "--output_dir", str(tmp_path / "rows"), *arguments])
    run_command(main)
    assert "train: 3 of 3 rows" in capsys.readouterr().out
