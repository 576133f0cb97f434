"""The fourth stage: questions of both kinds, rewards logged by function and drawn, resumed as if never interrupted."""

import json

import pytest
import torch
import yaml
from datasets import Dataset, DatasetDict, Features, Image, Value
from PIL import Image as PILImage
from safetensors.torch import load_file
from trl import TrlParser

from data_scripts.diagram import Diagram
from data_scripts.perception import KINDS
from data_scripts.sources.procedural import figure_at
from modeling_mmgeo import MMGeoLMForConditionalGeneration, MMGeoLMModel, MMGeoLMProcessor
from tests.pickles import pickles_in
from tests.tiny import tiny_mmgeolm
from tests.trainers.rows import draw, encoded, question_row, questions, truncated
from tests.trainers.test_stages import RECIPES, moved_parts
from trainers import reinforce_mmgeolm
from trainers.mmgeolm_config import ModelArguments
from trainers.mmgeolm_model import part_of
from trainers.reinforce_mmgeolm import QuestionArguments, ReinforceConfig, load_questions, main
from trainers.reward_curves import curves, draw_curves, running_mean
from trainers.rewards import ANSWER

FIGURES = Features({"id": Value("string"), "image": Image(), "facts": Value("string")})
NUM_FIGURES = 6


def figure_row(index):
    diagram = figure_at(0, "train", index)[1].diagram
    return {"id": str(index), "image": encoded(draw("square", index)), "facts": diagram.to_json()}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("reinforce")
    rows = [question_row(k) for k in range(7)]
    rows[2]["images"] = [truncated(draw("line", 0))]
    DatasetDict({"train": questions(rows)}).save_to_disk(root / "questions")
    figures = [figure_row(k) for k in range(NUM_FIGURES)]
    figures[1]["facts"] = "{}"
    figures[2]["image"] = truncated(draw("line", 0))
    DatasetDict({"train": Dataset.from_list(figures, features=FIGURES)}).save_to_disk(root / "figures")
    for part in tiny_mmgeolm():
        part.save_pretrained(root / "mmgeolm")
    return root


def run(folders, output, **options):
    options = {
        "model_name_or_path": folders / "mmgeolm",
        "dataset_name": folders / "questions",
        "figures": folders / "figures",
        "output_dir": output,
        "use_cpu": True,
        "disable_tqdm": True,
        "report_to": "none",
        "per_device_train_batch_size": 4,
        "num_generations": 4,
        "max_completion_length": 8,
        "logging_steps": 1,
        "warmup_steps": 0,
        "learning_rate": 1e-2,
    } | options
    main([f"--{name}={value}" for name, value in options.items() if value is not None])


def longest_word(completions, **kwargs):
    """A reward that even an untrained model earns more or less of."""
    return [len(max(completion[0]["content"].split(" "), key=len)) / 8 for completion in completions]


def half_the_rows(completions, judged_as, **kwargs):
    return [
        float(len(c[0]["content"]) % 2) if kind == ANSWER else None
        for c, kind in zip(completions, judged_as, strict=True)
    ]


@pytest.fixture
def earned(monkeypatch):
    """Rewards that differ between the completions of an untrained model, so that there is something to learn."""
    monkeypatch.setattr(reinforce_mmgeolm, "REWARDS", (longest_word, half_the_rows, longest_word))


def test_questions_of_both_kinds(folders):
    data = QuestionArguments(str(folders / "questions"), None, str(folders / "figures"), questions_per_figure=3)
    rows = load_questions(data, seed=1)
    asked = [row for row in rows if row["judged_as"] == ANSWER]
    assert [row["answer"] for row in asked] == [question_row(k)["answer"] for k in (0, 1, 3, 4, 5, 6)]
    perceived = [row for row in rows if row["judged_as"] != ANSWER]
    assert NUM_FIGURES - 2 < len(perceived) <= 3 * (NUM_FIGURES - 2)
    assert {row["kind"] for row in perceived} <= set(KINDS)
    assert all(len(row["images"]) == 1 and row["images"][0].size == (32, 32) for row in rows)
    assert all(row["prompt"][0]["role"] == "user" and "boxed" in row["prompt"][0]["content"] for row in perceived)
    assert load_questions(data, seed=1)[:] == rows[:] != load_questions(data, seed=2)[:]
    known = Diagram.from_json(figure_row(0)["facts"]).points
    assert all(set(row["answer"]) & set("yesno0123456789") or set(row["answer"]) & set(known) for row in perceived)


def test_it_runs_and_logs_every_reward(folders, tmp_path):
    run(folders, tmp_path / "out", max_steps=3, save_strategy="no", questions_per_figure=4)
    history = json.loads((tmp_path / "out" / "trainer_state.json").read_text())["log_history"]
    steps = [log for log in history if "reward" in log]
    assert len(steps) == 3
    for name in ("answer_reward", "perception_reward", "format_reward"):
        assert all(f"rewards/{name}/mean" in log for log in steps)
    for log in steps:  # a question is of one kind, and the other function has nothing to say
        judged = [log[f"rewards/{name}/mean"] for name in ("answer_reward", "perception_reward")]
        assert judged.count(None) == 1 and log["rewards/format_reward/mean"] == 0.0
    with PILImage.open(tmp_path / "out" / "reward_curves.png") as picture:
        assert picture.size == (840, 480)
    assert type(MMGeoLMForConditionalGeneration.from_pretrained(tmp_path / "out")) is MMGeoLMForConditionalGeneration
    assert pickles_in(tmp_path) == [] and not (tmp_path / "out" / "README.md").exists()


@pytest.mark.parametrize("lora", [False, True])
def test_resumed_it_ends_as_if_never_interrupted(folders, tmp_path, earned, lora):
    options = {"max_steps": 4, "save_steps": 2, "gradient_accumulation_steps": 2}
    options |= {"use_peft": True, "merge_adapter": True} if lora else {}
    run(folders, tmp_path / "straight", **options)
    run(folders, tmp_path / "resumed", resume_from_checkpoint=tmp_path / "straight" / "checkpoint-2", **options)
    before = load_file(folders / "mmgeolm" / "model.safetensors")
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("straight", "resumed"))
    assert moved_parts(before, one) == {"projector", "language_model"}
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_on_quantised_weights(folders, tmp_path, earned):
    pytest.importorskip("bitsandbytes")
    options = {"use_peft": True, "load_in_4bit": True, "max_steps": 2, "save_strategy": "no"}
    run(folders, tmp_path / "out", **options)
    saved = load_file(tmp_path / "out" / "adapter_model.safetensors")
    before = load_file(folders / "mmgeolm" / "model.safetensors")
    projector = [name for name in saved if "multi_modal_projector" in name]
    assert any(not torch.equal(saved[name], before[name.removeprefix("base_model.model.")]) for name in projector)


@pytest.mark.parametrize("lora", [False, True])
def test_what_is_trained_in_half_precision_is_held_in_float32_but_a_whole_language_model(
    folders, tmp_path, earned, lora
):
    options = {"max_steps": 2, "save_strategy": "no", "dtype": "bfloat16", "bf16": True, "use_peft": lora}
    run(folders, tmp_path / "out", **options)
    saved = load_file(tmp_path / "out" / ("adapter_model.safetensors" if lora else "model.safetensors"))
    kept = {part_of(f".{name}"): value.dtype for name, value in saved.items() if "vision" not in name}
    half, whole = torch.bfloat16, torch.float32
    assert kept == {"projector": whole if lora else half, "language_model": whole if lora else half}


def test_without_blank_tokens(folders, tmp_path, earned, monkeypatch):
    """The mask of the tokens that are left reaches generation and loss with its own question, shuffled as they are."""
    seen = []
    forward = MMGeoLMModel.forward

    def watched(self, *args, pixel_attention_mask=None, **kwargs):
        if kwargs.get("pixel_values") is not None:
            image_tokens = (kwargs["input_ids"] == self.config.image_token_id).sum(1)
            assert torch.equal(pixel_attention_mask.sum(1), image_tokens)
            seen.extend(image_tokens.tolist())
        return forward(self, *args, pixel_attention_mask=pixel_attention_mask, **kwargs)

    monkeypatch.setattr(MMGeoLMModel, "forward", watched)
    model, processor = tiny_mmgeolm()
    model.config.min_patches = 1
    for part in (model, processor):
        part.save_pretrained(tmp_path / "start")
    rows = [question_row(k) for k in range(4)]
    for row in rows[::2]:
        row["images"] = [encoded(PILImage.new("L", (32, 32), "white"))]
    DatasetDict({"train": questions(rows)}).save_to_disk(tmp_path / "some_blank")
    options = {"gradient_accumulation_steps": 2, "num_iterations": 2, "figures": None, "drop_blank_tokens": True}
    options |= {"model_name_or_path": tmp_path / "start", "dataset_name": tmp_path / "some_blank", "max_steps": 4}
    run(folders, tmp_path / "out", **options)
    assert min(seen) == 1 < max(seen) < model.config.image_seq_length
    saved = MMGeoLMProcessor.from_pretrained(tmp_path / "out")
    assert (saved.drop_blank_tokens, saved.min_patches) == (True, 1)

    rows[1]["images"] *= 2
    DatasetDict({"train": questions(rows)}).save_to_disk(tmp_path / "pairs")
    with pytest.raises(ValueError, match="only if it has one image"):
        run(folders, tmp_path / "no", **options | {"dataset_name": tmp_path / "pairs"})


def test_rewards_are_learned_from(folders, tmp_path, monkeypatch):
    """With a reward for long words, words get longer: the gradient points the right way."""
    monkeypatch.setattr(reinforce_mmgeolm, "REWARDS", (longest_word,) * 3)
    options = {"max_steps": 20, "learning_rate": 5e-3, "lr_scheduler_type": "constant", "save_strategy": "no"}
    run(folders, tmp_path, per_device_train_batch_size=16, num_generations=16, figures=None, **options)
    history = json.loads((tmp_path / "trainer_state.json").read_text())["log_history"]
    rewards = [log["rewards/longest_word/mean"] for log in history if "reward" in log]
    assert sum(rewards[-5:]) > 1.1 * sum(rewards[:5])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dataset_name": None, "figures": None}, "Name what to ask"),
        ({"reward_weights": "[1.0]"}, "wants 3 numbers, for answer_reward"),
        ({"questions_per_figure": 0}, "--questions_per_figure must be at least 1"),
        ({"figures": "questions"}, "lacks the columns image, facts"),
        ({"model_name_or_path": None}, "Name the model"),
    ],
)
def test_what_cannot_be_is_one_clear_error(folders, tmp_path, options, said):
    if options.get("figures") == "questions":
        options = {"figures": folders / "questions"}
    if "reward_weights" in options:
        with pytest.raises(ValueError, match=said):
            ReinforceConfig(output_dir=str(tmp_path), use_cpu=True, reward_weights=[1.0])
        return
    with pytest.raises(ValueError, match=said):
        run(folders, tmp_path / "out", **options)


def test_figures_that_cannot_be_used_are_said(tmp_path):
    rows = [{**figure_row(0), "facts": "none"}]
    DatasetDict({"train": Dataset.from_list(rows, features=FIGURES)}).save_to_disk(tmp_path / "figures")
    with pytest.raises(ValueError, match="Not one row of .* has a readable image"):
        load_questions(QuestionArguments(figures=str(tmp_path / "figures")), 0)


def test_the_recipe_is_read_without_rest(tmp_path):
    file = RECIPES / "grpo_tiny.yaml"
    parser = TrlParser((ModelArguments, QuestionArguments, ReinforceConfig))
    extra = ["--config", str(file), "--output_dir", str(tmp_path), "--use_cpu", "true", "--bf16", "false"]
    values = {name: value for part in parser.parse_args_and_config(extra) for name, value in vars(part).items()}
    for name, value in yaml.safe_load(file.read_text()).items():
        assert values[name] == value, name


def test_curves(tmp_path):
    logs = [
        {"step": 1, "reward": 0.1, "rewards/a/mean": 0.0, "rewards/b/mean": None, "rewards/a/std": 9.0, "loss": 3.0},
        {"step": 2, "reward": 0.3, "rewards/a/mean": None, "rewards/b/mean": 1.0},
        {"train_runtime": 3.0, "step": 2},
    ]
    found = {name: (steps.tolist(), values.tolist()) for name, (steps, values) in curves(logs).items()}
    assert found == {"weighted sum": ([1, 2], [0.1, 0.3]), "a": ([1], [0.0]), "b": ([2], [1.0])}
    assert running_mean(torch.arange(5).numpy(), 2).tolist() == [0.0, 0.5, 1.5, 2.5, 3.5]
    assert draw_curves(logs, tmp_path / "c.png") and [path.name for path in tmp_path.iterdir()] == ["c.png"]
    assert not draw_curves(logs[2:], tmp_path / "d.png")
