"""The command that builds and tunes an MMGeoLM: what trains in each stage, LoRA, resuming, and what is refused."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from datasets import DatasetDict
from trl import TrlParser

from modeling_mmgeo import MMGeoLMForConditionalGeneration, MMGeoLMProcessor
from tests.tiny import KINDS, tiny_llm, tiny_mmclip, tiny_mmgeolm, tiny_tokenizer
from tests.trainers.rows import draw, hard_negative_row, hard_negatives, question_row, questions, truncated
from trainers.data_arguments import DataArguments
from trainers.mmgeolm_config import ModelArguments, StageConfig
from trainers.mmgeolm_model import load_processor
from trainers.run import checkpoint_to_resume
from trainers.train_mmgeolm import estimate, main, make_trainer

RECIPES = Path(__file__).parents[2] / "trainers" / "recipes"
QUICK = {
    "use_cpu": True,
    "disable_tqdm": True,
    "logging_steps": 1,
    "per_device_train_batch_size": 4,
    "warmup_steps": 0,
}
PROJECTOR = "model.multi_modal_projector."
TOWER = "model.vision_tower."


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of rows and of models that the tests read from."""
    root = tmp_path_factory.mktemp("parts")
    DatasetDict({"train": questions(12), "test": questions(5)}).save_to_disk(root / "questions")
    DatasetDict({"train": hard_negatives(8)}).save_to_disk(root / "figures")
    for part in tiny_mmclip():
        part.save_pretrained(root / "mmclip")
    tiny_llm().save_pretrained(root / "llm")
    tiny_tokenizer(frame=False).save_pretrained(root / "llm")
    for part in tiny_mmgeolm():
        part.save_pretrained(root / "mmgeolm")
    return root


def run(stage, rows, output, *extra):
    arguments = ["--stage", stage, "--dataset_name", str(rows), "--output_dir", str(output)]
    arguments += [f"--{name}={value}" for name, value in QUICK.items()]
    main([*arguments, *map(str, extra)])


def weights(folder):
    return MMGeoLMForConditionalGeneration.from_pretrained(folder).state_dict()


def expected_to_move(name, stage, freeze_vision):
    """By the stage's definition; the tiny tower has two layers, of which the features come from the first."""
    if name.startswith(PROJECTOR):
        return True
    if stage == "align":
        return False
    behind = ("encoder.layers.1.", "post_layernorm", ".head.")
    return not name.startswith(TOWER) or not (freeze_vision or any(part in name for part in behind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("stage", "freeze_vision"), [("align", True), ("sft", True), ("sft", False)])
def test_what_a_stage_trains(tmp_path, kind, stage, freeze_vision):
    model, processor = tiny_mmgeolm(kind)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    args = StageConfig(
        output_dir=str(tmp_path),
        stage=stage,
        freeze_vision=freeze_vision,
        learning_rate=1e-3,
        max_steps=2,
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
        warmup_steps=0,
    )
    trainer = make_trainer(model, processor, args, questions(8))
    trainer.train()
    for name, value in model.named_parameters():
        moves = expected_to_move(name, stage, freeze_vision)
        assert torch.equal(value, before[name]) != moves and value.requires_grad == moves, name


def test_blank_tokens_left_out_of_a_training_stay_out(folders, tmp_path):
    model, processor = tiny_mmgeolm()
    model.config.min_patches = 1
    for part in (model, processor):
        part.save_pretrained(tmp_path / "start")
    start = ("--model_name_or_path", tmp_path / "start", "--max_steps", 2)
    run("sft", folders / "questions", tmp_path / "off", *start)
    run("sft", folders / "questions", tmp_path / "on", *start, "--drop_blank_tokens")
    losses = [
        json.loads((tmp_path / name / "trainer_state.json").read_text())["log_history"][0]["loss"]
        for name in ("off", "on")
    ]
    assert losses[0] != losses[1]
    off, on = (MMGeoLMProcessor.from_pretrained(tmp_path / name) for name in ("off", "on"))
    assert (on.drop_blank_tokens, on.min_patches) == (True, 1) and not off.drop_blank_tokens
    lengths = [len(p(images=draw("square", 2), text="<image>")["input_ids"][0]) for p in (off, on)]
    assert lengths[1] < lengths[0]
    args, told = StageConfig(output_dir=str(tmp_path), use_cpu=True), []
    for drop in (False, True):  # known before the model is
        options = ModelArguments(model_name_or_path=str(tmp_path / "start"), drop_blank_tokens=drop)
        told.append(estimate(options, args, load_processor(options), questions(8)).activations)
    assert told[1] < told[0]


def test_both_stages_from_parts_to_answers(folders, tmp_path):
    parts = ("--mmclip", folders / "mmclip", "--llm", folders / "llm")
    run("align", folders / "figures", tmp_path / "align", *parts)
    rate = json.loads((tmp_path / "align" / "trainer_state.json").read_text())["log_history"][0]["learning_rate"]
    assert rate == 1e-3
    aligned, language = weights(tmp_path / "align"), tiny_llm().state_dict()
    assert torch.equal(aligned["model.language_model.norm.weight"], language["model.norm.weight"])
    tower = tiny_mmclip()[0].vision_tower.state_dict()
    assert all(torch.equal(aligned[TOWER + name], value) for name, value in tower.items())

    start = ("--model_name_or_path", tmp_path / "align", "--do_eval", "true")
    run("sft", folders / "questions", tmp_path / "sft", *start)
    tuned = weights(tmp_path / "sft")
    assert all(torch.equal(tuned[name], aligned[name]) for name in tuned if name.startswith(TOWER))
    assert not torch.equal(tuned["lm_head.weight"], aligned["lm_head.weight"])
    assert json.loads((tmp_path / "sft" / "eval_results.json").read_text())["eval_loss"] > 0

    model = MMGeoLMForConditionalGeneration.from_pretrained(tmp_path / "sft").eval()
    processor = MMGeoLMProcessor.from_pretrained(tmp_path / "sft")
    prompt = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Find the angle."}]}]
    text = processor.apply_chat_template(prompt, add_generation_prompt=True)
    inputs = processor(images=[draw("square", 2)], text=text, return_tensors="pt")
    assert model.generate(**inputs, max_new_tokens=3, do_sample=False).shape[1] > inputs["input_ids"].shape[1]
    assert not (tmp_path / "sft" / "README.md").exists()
    assert not [path for path in (tmp_path / "sft").iterdir() if path.suffix in (".bin", ".pt", ".pkl")]


def test_lora_trains_its_layers_and_the_projector_and_merges(folders, tmp_path):
    start = ("--model_name_or_path", folders / "mmgeolm", "--use_peft", "true", "--learning_rate", "1e-2")
    run("sft", folders / "questions", tmp_path / "merged", *start, "--merge_adapter", "true")
    run("sft", folders / "questions", tmp_path / "adapter", *start)
    before, merged = weights(folders / "mmgeolm"), weights(tmp_path / "merged")
    moved = {name for name in before if not torch.equal(before[name], merged[name])}
    adapted = ("q_proj", "k_proj", "v_proj", "o_proj")
    assert moved == {
        name
        for name in before
        if name.startswith(PROJECTOR) or (".language_model." in name and name.split(".")[-2] in adapted)
    }
    # The adapter on its base is the merged model.
    from peft import PeftModel

    base = MMGeoLMForConditionalGeneration.from_pretrained(folders / "mmgeolm")
    adapter = PeftModel.from_pretrained(base, tmp_path / "adapter").merge_and_unload().state_dict()
    assert set(adapter) == set(merged)
    for name, value in adapter.items():
        torch.testing.assert_close(value, merged[name], rtol=1e-4, atol=1e-6)
    assert (tmp_path / "adapter" / "adapter_model.safetensors").exists()


@pytest.mark.parametrize("lora", [False, True])
def test_started_again_it_goes_on(folders, tmp_path, lora):
    start = ["--model_name_or_path", folders / "mmgeolm", "--save_steps", "1", "--num_train_epochs", "2"]
    start += ["--use_peft", "true", "--merge_adapter", "true"] if lora else []
    run("sft", folders / "questions", tmp_path / "straight", *start)
    run(
        "sft",
        folders / "questions",
        tmp_path / "resumed",
        *start,
        "--resume_from_checkpoint",
        tmp_path / "straight/checkpoint-2",
    )
    one, other = weights(tmp_path / "straight"), weights(tmp_path / "resumed")
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not (tmp_path / "resumed" / "checkpoint-2").exists()
    args = StageConfig(output_dir=str(tmp_path / "straight"), use_cpu=True)
    assert checkpoint_to_resume(args) == str(tmp_path / "straight" / "checkpoint-6")


def test_a_broken_image_does_not_end_the_run(folders, tmp_path):
    rows = [question_row(k) for k in range(6)]
    for row in rows[1:3]:
        row["images"] = [truncated(draw("line", 0))]
    DatasetDict({"train": questions(rows)}).save_to_disk(tmp_path / "rows")
    batches = ("--per_device_train_batch_size", "1", "--save_strategy", "no")
    run("sft", tmp_path / "rows", tmp_path / "out", "--model_name_or_path", folders / "mmgeolm", *batches)
    history = json.loads((tmp_path / "out" / "trainer_state.json").read_text())["log_history"]
    losses = [log["loss"] for log in history if "loss" in log]
    assert losses.count(0.0) == 2 and len(losses) == 6
    broken = [{**row, "images": [truncated(draw("line", 0))]} for row in rows]
    DatasetDict({"train": questions(broken)}).save_to_disk(tmp_path / "broken")
    with pytest.raises(ValueError, match="None of the first 6 rows"):
        run("sft", tmp_path / "broken", tmp_path / "none", "--model_name_or_path", folders / "mmgeolm")


def test_masked_labels_fail_before_training(folders, tmp_path):
    start = ("--model_name_or_path", folders / "mmgeolm", "--max_length", "20")
    with pytest.raises(ValueError, match="All labels of a batch are masked"):
        run("sft", folders / "questions", tmp_path / "out", *start)


@pytest.mark.parametrize(
    ("stage", "extra", "message"),
    [
        ("sft", [], "either by --mmclip and --llm, or by --model_name_or_path"),
        ("sft", ["--mmclip", "a"], "either by"),
        ("sft", ["--mmclip", "a", "--llm", "b", "--model_name_or_path", "c"], "either by"),
        ("align", ["--model_name_or_path", "a", "--use_peft", "true"], "which stays frozen here"),
        ("sft", ["--model_name_or_path", "a", "--split_names", "true"], "is for parts that are joined"),
        ("sft", ["--model_name_or_path", "a", "--merge_adapter", "true"], "nothing to merge"),
        ("sft", ["--mmclip", "a", "--llm", "b", "--use_peft", "true"], "add --merge_adapter"),
        ("sft", ["--model_name_or_path", "a", "--use_peft", "true", "--freeze_vision", "false"], "drop --use_peft"),
    ],
)
def test_options_that_contradict_are_refused(tmp_path, stage, extra, message):
    with pytest.raises(ValueError, match=message):
        run(stage, tmp_path, tmp_path / "out", *extra)


def test_what_cannot_be_trained_is_one_clear_error(folders, tmp_path):
    start = ("--model_name_or_path", folders / "mmgeolm")
    with pytest.raises(ValueError, match="is of type 'llama' and no MMGeoLM"):
        run("sft", folders / "questions", tmp_path / "out", "--model_name_or_path", folders / "llm")
    with pytest.raises(ValueError, match="Cannot load the model"):
        run("sft", folders / "questions", tmp_path / "out", "--model_name_or_path", tmp_path / "absent")
    rows = hard_negatives([hard_negative_row(0)]).remove_columns(["image"])
    DatasetDict({"train": rows}).save_to_disk(tmp_path / "no_image")
    with pytest.raises(ValueError, match="lacks the column image"):
        run("align", tmp_path / "no_image", tmp_path / "out", *start)


@pytest.mark.parametrize("recipe", ["align_tiny", "sft_tiny"])
def test_recipes_are_read_without_rest(tmp_path, recipe):
    file = RECIPES / f"{recipe}.yaml"
    parser = TrlParser((ModelArguments, DataArguments, StageConfig))
    parsed = parser.parse_args_and_config(["--config", str(file), "--output_dir", str(tmp_path), "--use_cpu", "true"])
    values = {name: value for part in parsed for name, value in vars(part).items()}
    for name, value in yaml.safe_load(file.read_text()).items():
        assert values[name] == value, name
