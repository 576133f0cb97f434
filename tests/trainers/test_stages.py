"""Both stages on every shape of language model and of eyes, quantised, dry, killed and started again."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
import torch
import yaml
from datasets import DatasetDict
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModel
from trl import TrlParser
from trl.chat_template_utils import has_generation_markers, is_chat_template_stop_token_trained

from modeling_mmgeo import MMGeoLMForConditionalGeneration, MMGeoLMProcessor
from tests.pickles import pickles_in
from tests.tiny import (
    LLM_KINDS,
    tiny_clip_config,
    tiny_image_processor,
    tiny_llm,
    tiny_mmclip,
    tiny_mmgeolm,
    tiny_tokenizer,
)
from tests.trainers.rows import hard_negatives, questions
from trainers import mmgeolm_config
from trainers.data_arguments import DataArguments
from trainers.memory import estimate_memory
from trainers.mmgeolm_config import ModelArguments, StageConfig, quantisation
from trainers.mmgeolm_model import freeze, load_model, load_processor, part_of, sketch_model
from trainers.split_names import NAME_LETTER
from trainers.train_mmgeolm import main, make_trainer

RECIPES = Path(__file__).parents[2] / "trainers" / "recipes"
EYES = ("mmclip", "clip", "siglip")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Rows, an MMCLIP and stock dual encoders, language models of every shape, and an MMGeoLM."""
    root = tmp_path_factory.mktemp("stages")
    DatasetDict({"train": questions(12)}).save_to_disk(root / "questions")
    DatasetDict({"train": hard_negatives(8)}).save_to_disk(root / "figures")
    for part in tiny_mmclip("altclip"):
        part.save_pretrained(root / "mmclip")
    for kind in EYES[1:]:
        AutoModel.from_config(tiny_clip_config(kind)).save_pretrained(root / kind)
        tiny_image_processor(kind).save_pretrained(root / kind)
        tiny_tokenizer().save_pretrained(root / kind)
    for kind in LLM_KINDS:
        chatml = kind == "qwen2"
        tokenizer = tiny_tokenizer(chatml=chatml, frame=False)
        tiny_llm(kind, vocab_size=len(tokenizer), tie=kind == "llama").save_pretrained(root / kind)
        tokenizer.save_pretrained(root / kind)
    for part in tiny_mmgeolm():
        part.save_pretrained(root / "mmgeolm")
    return root


def run(stage, rows, output, **options):
    options = {"use_cpu": True, "disable_tqdm": True, "per_device_train_batch_size": 4, "warmup_steps": 0} | options
    options |= {"stage": stage, "dataset_name": rows, "output_dir": output, "report_to": "none"}
    main([f"--{name}={value}" for name, value in options.items()])


def weights(folder):
    return load_file(folder / "model.safetensors")


def moved_parts(before, after):
    return {part_of(name) for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize(("llm", "eyes"), zip(LLM_KINDS, EYES, strict=True))
def test_any_language_model_sees_with_any_eyes(folders, tmp_path, llm, eyes):
    quick = {"max_steps": 2, "save_strategy": "no"}
    run("align", folders / "figures", tmp_path / "align", mmclip=folders / eyes, llm=folders / llm, **quick)
    run(
        "sft",
        folders / "questions",
        tmp_path / "sft",
        model_name_or_path=tmp_path / "align",
        learning_rate=1e-3,
        **quick,
    )
    aligned, tuned = weights(tmp_path / "align"), weights(tmp_path / "sft")
    assert moved_parts(aligned, tuned) == {"projector", "language_model"}
    stock = weights(folders / llm)
    kept = {f"model.language_model.{name.removeprefix('model.')}": value for name, value in stock.items()}
    kept = {name: value for name, value in kept.items() if name in aligned and "embed_tokens" not in name}
    assert len(kept) > 10 and all(torch.equal(aligned[name], value) for name, value in kept.items())
    model = MMGeoLMForConditionalGeneration.from_pretrained(tmp_path / "sft")
    assert model.config.text_config.model_type == llm
    assert pickles_in(tmp_path) == []
    processor = MMGeoLMProcessor.from_pretrained(tmp_path / "sft")
    assert has_generation_markers(processor.chat_template) and is_chat_template_stop_token_trained(processor)


PARTS = ("vision", "projector", "language_model")


@pytest.mark.parametrize("eyes", ["clip", "siglip"])
@pytest.mark.parametrize("trained", [{"vision"}, {"projector"}, {"language_model"}, {"vision", "language_model"}])
def test_flags_freeze_parameter_by_parameter(tmp_path, eyes, trained):
    model, processor = tiny_mmgeolm(eyes)
    flags = {f"freeze_{part}": part not in trained for part in PARTS}
    quick = {"max_steps": 1, "save_strategy": "no", "use_cpu": True, "disable_tqdm": True, "warmup_steps": 0}
    args = StageConfig(output_dir=str(tmp_path), learning_rate=1e-2, report_to="none", **quick, **flags)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    make_trainer(model, processor, args, questions(8)).train()
    behind = ("encoder.layers.1.", "post_layernorm", ".head.")  # the features come from the first of two layers
    for name, value in model.named_parameters():
        moves = part_of(name) in trained and not (part_of(name) == "vision" and any(part in name for part in behind))
        assert value.requires_grad == moves, name
        assert torch.equal(value, before[name]) != moves, name


def test_by_default_a_stage_freezes_what_it_says(tmp_path):
    by_stage = {stage: StageConfig(output_dir=str(tmp_path), stage=stage, use_cpu=True) for stage in ("align", "sft")}
    assert by_stage["align"].frozen == {"vision": True, "projector": False, "language_model": True}
    assert by_stage["sft"].frozen == {"vision": True, "projector": False, "language_model": False}
    assert [args.learning_rate for args in by_stage.values()] == [1e-3, 2e-5]


@pytest.mark.parametrize("rate", [None, 1e-5])
def test_the_projector_may_have_a_rate_of_its_own(tmp_path, rate):
    model, processor = tiny_mmgeolm()
    quick = {"max_steps": 1, "save_strategy": "no", "use_cpu": True, "disable_tqdm": True, "warmup_steps": 0}
    args = StageConfig(
        output_dir=str(tmp_path), learning_rate=1e-3, projector_learning_rate=rate, report_to="none", **quick
    )
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    trainer = make_trainer(model, processor, args, questions(8))
    trainer.train()
    # The first step of Adam moves a weight by the rate.
    steps = dict.fromkeys(PARTS, 0.0)
    for name, value in model.named_parameters():
        steps[part_of(name)] = max(steps[part_of(name)], (value - before[name]).abs().max().item())
    assert steps["vision"] == 0 and steps["language_model"] == pytest.approx(1e-3, rel=0.05)
    assert steps["projector"] == pytest.approx(rate or 1e-3, rel=0.05)
    held = [id(weight) for group in trainer.optimizer.param_groups for weight in group["params"]]
    assert sorted(held) == sorted(id(weight) for weight in model.parameters() if weight.requires_grad)


def test_half_precision_keeps_the_projector_whole(folders, tmp_path):
    """In bfloat16 a step of 1e-3 of the projector would mostly be lost."""
    arguments = ModelArguments(model_name_or_path=str(folders / "mmgeolm"), dtype="bfloat16")
    processor = load_processor(arguments)
    model = load_model(arguments, processor)
    args = StageConfig(
        output_dir=str(tmp_path), stage="align", bf16=True, use_cpu=True, max_steps=1, save_strategy="no"
    )
    make_trainer(model, processor, args, questions(4)).train()
    assert {part_of(n): p.dtype for n, p in model.named_parameters()} == {
        "vision": torch.bfloat16,
        "projector": torch.float32,
        "language_model": torch.bfloat16,
    }


@pytest.mark.parametrize("bits", [4, 8])
def test_quantised_lora_trains_and_saves_the_projector(folders, tmp_path, bits):
    pytest.importorskip("bitsandbytes")
    options = {"use_peft": True, f"load_in_{bits}bit": True, "learning_rate": 1e-2, "max_steps": 3}
    start = {"model_name_or_path": folders / "mmgeolm", **options}
    run("sft", folders / "questions", tmp_path / "adapter", **start)
    saved = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    before = weights(folders / "mmgeolm")
    projector = [name for name in saved if part_of(name) == "projector"]
    assert len(projector) == 4 and len(saved) == 4 + 2 * 8  # and A and B for four matrices of two layers
    for name in projector:
        assert not torch.equal(saved[name].float(), before[name.removeprefix("base_model.model.")])
    base = MMGeoLMForConditionalGeneration.from_pretrained(folders / "mmgeolm")
    adapted = PeftModel.from_pretrained(base, tmp_path / "adapter").merge_and_unload().state_dict()
    assert moved_parts(before, adapted) == {"projector", "language_model"}
    assert not (tmp_path / "adapter" / "README.md").exists() and pickles_in(tmp_path) == []

    run("sft", folders / "questions", tmp_path / "merged", merge_adapter=True, save_strategy="no", **start)
    merged = weights(tmp_path / "merged")
    assert all(torch.equal(merged[name], adapted[name]) for name in merged)


def test_only_the_language_model_is_quantised(folders):
    pytest.importorskip("bitsandbytes")
    arguments = ModelArguments(model_name_or_path=str(folders / "mmgeolm"), load_in_4bit=True)
    model = load_model(arguments, load_processor(arguments))
    few = {name for name, value in model.named_parameters() if not value.is_floating_point()}
    assert few and all(".language_model.layers." in name for name in few)
    assert len(few) == 2 * 7  # the matrices of two layers
    sketch = sketch_model(arguments, load_processor(arguments))
    freeze(sketch, dict.fromkeys(PARTS, True))
    args = StageConfig(output_dir=str(folders), use_cpu=True, bf16=False)
    estimate = estimate_memory(sketch, args, (1, 20), 1, weight_bits=4)
    assert estimate.weights == pytest.approx(model.get_memory_footprint(), rel=0.1)
    freeze(model, dict.fromkeys(PARTS, False))  # what is quantised cannot be trained and is left out
    assert not any(value.requires_grad for name, value in model.named_parameters() if name in few)


def test_quantising_is_refused_where_it_cannot_work(monkeypatch):
    wanted = ModelArguments(load_in_4bit=True)
    monkeypatch.setattr(mmgeolm_config, "is_bitsandbytes_available", lambda: False)
    with pytest.raises(ValueError, match="need the package bitsandbytes: pip install"):
        quantisation(wanted, torch.float32)
    monkeypatch.setattr(mmgeolm_config, "is_bitsandbytes_available", lambda: True)

    def unfit(raise_exception):
        raise RuntimeError("None of the available devices are supported")

    monkeypatch.setattr("transformers.integrations.bitsandbytes.validate_bnb_backend_availability", unfit)
    with pytest.raises(ValueError, match="cannot work on this machine.*drop --load_in_4bit"):
        quantisation(wanted, torch.float32)
    with pytest.raises(ValueError, match="exclude each other"):
        quantisation(ModelArguments(load_in_4bit=True, load_in_8bit=True), torch.float32)
    assert quantisation(ModelArguments(), torch.float32) is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"load_in_4bit": True}, "add --use_peft to --load_in_4bit"),
        ({"use_peft": True, "freeze_language_model": True}, "stays frozen here"),
        ({"freeze_projector": True, "freeze_language_model": True}, "nothing would be learned"),
        ({"freeze_projector": True, "projector_learning_rate": 1e-4}, "leave it out"),
        ({"projector_learning_rate": 0}, "has to be above 0"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_loaded(tmp_path, options, said):
    with pytest.raises(ValueError, match=said):
        run("sft", tmp_path, tmp_path / "out", model_name_or_path=tmp_path, **options)
    if "load_in_4bit" in options:
        with pytest.raises(ValueError, match="run --stage align first"):
            run("sft", tmp_path, tmp_path / "out", mmclip="a", llm="b", use_peft=True, merge_adapter=True, **options)


@pytest.mark.parametrize("start", ["parts", "whole"])
def test_a_dry_run_estimates_and_trains_nothing(folders, tmp_path, capsys, monkeypatch, start):
    names = {"parts": {"mmclip": folders / "siglip", "llm": folders / "qwen2"}, "whole": {}}[start]
    names = names or {"model_name_or_path": folders / "mmgeolm"}
    monkeypatch.setattr("trainers.train_mmgeolm.load_model", None)  # no weight is read
    run("align", folders / "questions", tmp_path / "out", dry_run=True, **names)
    told = capsys.readouterr().out
    assert told.startswith("Memory estimate per device: weights ") and "at one time" in told
    assert not (tmp_path / "out").exists()


def test_without_an_estimate_a_training_goes_on(folders, tmp_path, monkeypatch):
    def unfit(*args):
        raise NotImplementedError("no such operation on the meta device")

    monkeypatch.setattr("trainers.train_mmgeolm.estimate_memory", unfit)
    start = {"model_name_or_path": folders / "mmgeolm", "max_steps": 1, "save_strategy": "no"}
    with pytest.raises(ValueError, match="cannot be estimated"):
        run("align", folders / "figures", tmp_path / "dry", dry_run=True, **start)
    run("align", folders / "figures", tmp_path / "out", **start)
    assert (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.parametrize("start", ["parts", "whole"])
def test_the_sketch_has_the_shapes_of_the_model(folders, start):
    parts, whole = (
        {"mmclip": folders / "mmclip", "llm": folders / "mistral"},
        {"model_name_or_path": folders / "mmgeolm"},
    )
    named = parts if start == "parts" else whole
    arguments = ModelArguments(**{name: str(folder) for name, folder in named.items()})
    processor = load_processor(arguments)
    sketch, model = sketch_model(arguments, processor), load_model(arguments, processor)
    shapes = [{name: (p.shape, p.dtype) for name, p in part.named_parameters()} for part in (sketch, model)]
    assert shapes[0] == shapes[1] and all(p.is_meta for p in sketch.parameters())
    assert sketch.config.image_seq_length == model.config.image_seq_length


def test_parts_are_joined_with_a_tokenizer_that_reads_names_by_letter(folders):
    parts = {"mmclip": str(folders / "mmclip"), "llm": str(folders / "mistral")}
    rules = [
        load_processor(ModelArguments(**parts, split_names=on)).tokenizer.backend_tokenizer.pre_tokenizer
        for on in (False, True)
    ]
    assert [NAME_LETTER in str(rule) for rule in rules] == [False, True]


def interrupted(folder, arguments):
    """Train in a process of its own and kill it, without warning, once it has saved and gone on."""
    process = multiprocessing.get_context("fork").Process(target=main, args=(arguments,))
    process.start()
    until = time.monotonic() + 120
    while not list(folder.glob("checkpoint-*/trainer_state.json")):
        assert process.is_alive() and time.monotonic() < until
        time.sleep(0.005)
    time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return process.exitcode


@pytest.mark.parametrize("lora", [False, True])
def test_killed_and_started_again_it_ends_as_if_nothing_had_been(folders, tmp_path, lora):
    options = {"dataset_name": folders / "questions", "model_name_or_path": folders / "mmgeolm", "stage": "sft"}
    options |= {"use_cpu": True, "disable_tqdm": True, "report_to": "none", "logging_steps": 1, "save_steps": 3}
    options |= {
        "max_train_rows": 8,
        "per_device_train_batch_size": 1,
        "num_train_epochs": 2,
        "learning_rate": 1e-3,
        "save_strategy": "steps",
    }
    if lora:
        options |= {"use_peft": True, "lora_dropout": 0.1, "merge_adapter": True, "projector_learning_rate": 1e-4}

    def arguments(name):
        return [f"--{key}={value}" for key, value in {**options, "output_dir": tmp_path / name}.items()]

    (tmp_path / "killed").mkdir()
    assert interrupted(tmp_path / "killed", arguments("killed")) == -signal.SIGKILL
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    main(arguments("killed"))
    main(arguments("straight"))
    one, other = weights(tmp_path / "straight"), weights(tmp_path / "killed")
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    told = [json.loads((tmp_path / name / "trainer_state.json").read_text()) for name in ("straight", "killed")]
    losses = [[(log["step"], log["loss"]) for log in state["log_history"] if "loss" in log] for state in told]
    assert losses[0] == losses[1] and len(losses[0]) == 16


@pytest.mark.parametrize(
    "recipe", sorted(path.stem for path in RECIPES.glob("*_*.yaml") if "qwen" in path.stem or "mammoth" in path.stem)
)
def test_recipes_of_the_paper(tmp_path, recipe):
    file = RECIPES / f"{recipe}.yaml"
    extra = ["--config", str(file), "--output_dir", str(tmp_path), "--use_cpu", "true"]
    parsed = TrlParser((ModelArguments, DataArguments, StageConfig)).parse_args_and_config(extra)
    values = {name: value for part in parsed for name, value in vars(part).items()}
    for name, value in yaml.safe_load(file.read_text()).items():
        assert values[name] == value, name
    stage = recipe.split("_")[0]
    paper = {
        "align": {"learning_rate": 1e-3, "per_device_train_batch_size": 24, "num_train_epochs": 1},
        "sft": {"learning_rate": 2e-5, "per_device_train_batch_size": 2, "num_train_epochs": 3, "max_length": 2048},
    }[stage]
    assert {name: values[name] for name in paper} == paper
    assert values["lr_scheduler_type"] == "cosine" and values["warmup_steps"] == 0.03 and values["weight_decay"] == 0
    if stage == "align":
        assert values["llm"] in ("Qwen/Qwen2.5-7B-Instruct", "TIGER-Lab/MAmmoTH2-7B")
