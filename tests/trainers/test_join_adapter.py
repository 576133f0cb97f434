"""An adapter that is exported and joined with the parts it was trained on answers as the model did in training."""

import copy

import pytest
import torch
from datasets import DatasetDict
from peft import PeftModel
from transformers import AutoModelForCausalLM

from model_cards.export import ExportArguments, export
from modeling_mmgeo import MMGeoLMForConditionalGeneration
from tests.tiny import tiny_llm, tiny_mmclip, tiny_tokenizer
from tests.trainers.rows import questions
from trainers.join_adapter import join
from trainers.mmgeolm_config import ModelArguments
from trainers.mmgeolm_model import load_model, load_processor
from trainers.train_mmgeolm import main


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Tower, language model, what was joined of them, and an adapter trained on that."""
    root = tmp_path_factory.mktemp("parts")
    DatasetDict({"train": questions(8)}).save_to_disk(root / "questions")
    for part in tiny_mmclip():
        part.save_pretrained(root / "mmclip")
    tiny_llm().save_pretrained(root / "llm")
    tiny_tokenizer(frame=False).save_pretrained(root / "llm")
    args = ModelArguments(mmclip=str(root / "mmclip"), llm=str(root / "llm"), drop_blank_tokens=True)
    processor = load_processor(args)
    for part in (load_model(args, processor), processor):
        part.save_pretrained(root / "aligned")
    options = {
        "stage": "sft",
        "model_name_or_path": root / "aligned",
        "dataset_name": root / "questions",
        "output_dir": root / "sft",
        "use_peft": True,
        "learning_rate": 1e-2,
        "max_steps": 3,
        "use_cpu": True,
        "report_to": "none",
    }
    main([f"--{name}={value}" for name, value in options.items()])
    export(ExportArguments(str(root / "sft"), "adapter", str(root / "small"), base_model="org/llm", mmclip="mmclip"))
    return root


def test_the_whole_answers_as_in_training(parts):
    whole, processor = join(str(parts / "small"), llm=str(parts / "llm"))  # the tower is the one recorded
    base = MMGeoLMForConditionalGeneration.from_pretrained(parts / "aligned")
    trained = PeftModel.from_pretrained(base, parts / "sft").merge_and_unload()
    row = next(iter(questions(1)))
    content = [{"type": "image"}, {"type": "text", "text": row["prompt"][0]["content"]}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    inputs = processor(images=row["images"], text=[text], return_tensors="pt")
    with torch.inference_mode():
        got, expected = (model.eval()(**inputs).logits for model in (whole, trained))
        untrained = MMGeoLMForConditionalGeneration.from_pretrained(parts / "aligned").eval()(**inputs).logits
    assert processor.drop_blank_tokens
    torch.testing.assert_close(got, expected, rtol=0.05, atol=0.05 * float(expected.abs().max()))
    assert (got - expected).abs().max() < 0.2 * (untrained - expected).abs().max()  # two bytes are enough to tell


def test_other_parts_are_refused(parts, tmp_path):
    wider = copy.deepcopy(tiny_llm().config)
    wider.hidden_size = 32
    AutoModelForCausalLM.from_config(wider).save_pretrained(tmp_path / "llm")
    tiny_tokenizer(frame=False).save_pretrained(tmp_path / "llm")
    adapter, mmclip = str(parts / "small"), str(parts / "mmclip")
    with pytest.raises(ValueError, match="does not fit"):
        join(adapter, mmclip, str(tmp_path / "llm"))
    with pytest.raises(ValueError, match="Cannot load"):
        join(adapter, mmclip, str(tmp_path / "nothing"))
    with pytest.raises(ValueError, match="records no parts: give --mmclip and --llm"):
        join(str(parts / "sft"), mmclip)
    with pytest.raises(ValueError, match="records no parts"):
        join(str(tmp_path / "nothing"))
    for given in ({}, {"base_model": "org/llm"}, {"mmclip": "mmclip"}):
        with pytest.raises(ValueError, match="--base_model and --mmclip name the parts"):
            export(ExportArguments(str(parts / "sft"), "adapter", str(tmp_path / "out"), **given))
    with pytest.raises(ValueError, match="mmclip '.*' is neither a Hub id"):
        export(ExportArguments(str(parts / "sft"), "adapter", str(tmp_path / "out"), "org/llm", mmclip))
    assert not (tmp_path / "out").exists()
