"""LoRA on the towers of an MMCLIP: what moves, what is saved, and that an adapter on its base is the merged model."""

import json
from types import SimpleNamespace

import pytest
import torch
from datasets import DatasetDict
from peft import LoraConfig, PeftModel
from safetensors.torch import load_file

from modeling_mmgeo import MMCLIPModel
from tests.tiny import KINDS, tiny_image_processor, tiny_mmclip, tiny_tokenizer
from tests.trainers.making import trainer_for
from tests.trainers.rows import hard_negatives
from trainers.lora import LoraArguments, check_merging, mmclip_lora
from trainers.train_mmclip import ModelArguments, main

ATTENTION = ("q_proj", "k_proj", "v_proj", "out_proj", "query", "key", "value", "attention.output.dense")
PROJECTIONS = ("visual_projection", "text_projection", "text_model.transformation", "text_model.head")
QUICK = {"use_cpu": True, "disable_tqdm": True, "logging_steps": 1, "per_device_train_batch_size": 4}
QUICK |= {"warmup_steps": 0, "learning_rate": 1e-2, "report_to": "none"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Rows, and stock backbones as the Hub has them."""
    root = tmp_path_factory.mktemp("lora")
    DatasetDict({"train": hard_negatives(12), "test": hard_negatives(5)}).save_to_disk(root / "rows")
    for kind in KINDS:
        tiny_mmclip(kind)[0].backbone.save_pretrained(root / kind)
        tiny_tokenizer().save_pretrained(root / kind)
        tiny_image_processor(kind).save_pretrained(root / kind)
    return root


def run(folders, output, kind, *extra):
    arguments = ["--dataset_name", str(folders / "rows"), "--model_name_or_path", str(folders / kind)]
    arguments += ["--output_dir", str(output), "--use_peft", "true"]
    main([*arguments, *(f"--{name}={value}" for name, value in QUICK.items()), *extra])


def expected_to_move(name, frozen=()):
    """By their names: weights of attention layers within the encoders, and the projections."""
    if any(tower in name for tower in frozen) or "vision_model.head" in name:
        return False
    adapted = ".encoder." in name and name.removesuffix(".weight").endswith(ATTENTION)
    return adapted or any(part in name for part in PROJECTIONS)


def assert_moved(before, after, frozen=()):
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {name for name in before if expected_to_move(name, frozen)}


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapter_on_its_base_is_the_merged_model(folders, tmp_path, kind):
    run(folders, tmp_path / "merged", kind, "--merge_adapter", "true", "--do_eval", "true")
    run(folders, tmp_path / "adapter", kind, "--do_eval", "true")
    base = MMCLIPModel.from_backbone(folders / kind)
    before = {name: value.clone() for name, value in base.state_dict().items()}
    merged = MMCLIPModel.from_pretrained(tmp_path / "merged").state_dict()
    assert_moved(before, merged)
    adapter = PeftModel.from_pretrained(base, tmp_path / "adapter").merge_and_unload().state_dict()
    assert set(adapter) == set(merged)
    for name, value in adapter.items():
        torch.testing.assert_close(value, merged[name], rtol=1e-4, atol=1e-6)
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(folders / kind)
    assert not (tmp_path / "adapter" / "model.safetensors").exists()
    evaluated = [
        json.loads((tmp_path / name / "eval_results.json").read_text())["eval_loss"] for name in ("merged", "adapter")
    ]
    assert evaluated[0] == pytest.approx(evaluated[1], rel=1e-4)


def test_a_frozen_tower_gets_no_adapter(folders, tmp_path):
    run(folders, tmp_path / "out", "altclip", "--merge_adapter", "true", "--freeze_text", "true")
    before = MMCLIPModel.from_backbone(folders / "altclip").state_dict()
    after = MMCLIPModel.from_pretrained(tmp_path / "out").state_dict()
    assert_moved(before, after, frozen=("text_model", "text_projection"))
    with pytest.raises(ValueError, match="would train the frozen text tower"):
        trainer_for(tmp_path, 4, freeze_text=True, peft_config=LoraConfig(target_modules=["q_proj"]))


def test_resuming_ends_with_the_same_adapter(tmp_path):
    def trainer(folder):
        model = tiny_mmclip("siglip")[0]
        options = {"max_steps": 4, "save_strategy": "steps", "save_steps": 2, "loss_type": "sigmoid"}
        options |= {"gradient_checkpointing": True, "mini_batch_size": 3}
        lora = mmclip_lora(LoraArguments(use_peft=True, lora_dropout=0.3), model, False, False)
        return trainer_for(tmp_path / folder, 12, "siglip", model=model, peft_config=lora, **options)

    trainer("straight").train()
    resumed = trainer("resumed")
    resumed.train(resume_from_checkpoint=str(tmp_path / "straight" / "checkpoint-2"))
    adapters = [
        load_file(tmp_path / name / "checkpoint-4/adapter_model.safetensors") for name in ("straight", "resumed")
    ]
    first = load_file(tmp_path / "straight" / "checkpoint-2" / "adapter_model.safetensors")
    assert all(torch.equal(value, adapters[1][name]) for name, value in adapters[0].items())
    assert any(not torch.equal(value, first[name]) for name, value in adapters[0].items())


def test_options_that_contradict_are_refused(tmp_path):
    with pytest.raises(ValueError, match="drop one of both"):
        trainer_for(tmp_path, 4, peft_config=LoraConfig(target_modules=["q_proj"]), muon_learning_rate=0.02)
    with pytest.raises(ValueError, match="nothing to merge"):
        ModelArguments(model_name_or_path="a", merge_adapter=True)
    with pytest.raises(ValueError, match="FSDP and DeepSpeed shard them"):
        check_merging(LoraArguments(use_peft=True, merge_adapter=True), SimpleNamespace(fsdp="full_shard"))
    for name, value in (("use_peft", True), ("model_revision", "main"), ("attn_implementation", "eager")):
        with pytest.raises(ValueError, match=f"--{name} is for a trained model"):
            ModelArguments(**{name: value})
