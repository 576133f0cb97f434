"""What cannot be loaded is said in one sentence; images stay encoded."""

import shutil

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForImageTextToText

from evaluation.loading import load_model, load_processor, load_rows
from tests.checkpoints import stand_ins
from tests.evaluation.rows import HARD_NEGATIVES, hard_negative_rows, picture, save
from tests.tiny import tiny_mmclip
from trainers.rows import image_bytes


def test_images_stay_encoded_also_in_lists(tmp_path):
    folder = save(tmp_path / "data", HARD_NEGATIVES, test=hard_negative_rows(3))
    rows = load_rows(str(folder), "test", ("image", "negative_images"))
    assert image_bytes(rows[2]["image"]) == picture(2)
    assert image_bytes(rows[2]["negative_images"][1]) == picture(107)


@pytest.mark.parametrize(
    ("split", "columns", "config", "message"),
    [
        ("dev", ("image",), None, "no split 'dev', only test"),
        ("test", ("image", "answer"), None, "lacks the column answer"),
        ("test", ("image",), "bare", "configuration bare"),
    ],
)
def test_what_is_missing_is_named(tmp_path, split, columns, config, message):
    folder = save(tmp_path / "data", HARD_NEGATIVES, test=hard_negative_rows(3))
    with pytest.raises(ValueError, match=message):
        load_rows(str(folder), split, columns, config)


def test_missing_data_set(tmp_path):
    with pytest.raises(ValueError, match="Cannot load the data set"):
        load_rows(str(tmp_path / "nothing"), "test", ("image",))


def test_weights_that_are_missing_are_not_drawn_at_random(tmp_path):
    tiny_mmclip()[0].save_pretrained(tmp_path)
    assert isinstance(load_model(AutoModel, str(tmp_path), False), torch.nn.Module)
    weights = load_file(tmp_path / "model.safetensors")
    lost = next(name for name in weights if "vision" in name and name.endswith("weight"))
    del weights[lost]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="lacks 1 weights of a MMCLIPModel, among them"):
        load_model(AutoModel, str(tmp_path), False)


def test_an_adapter_is_joined_with_the_parts_it_records(tmp_path):
    expected = stand_ins(tmp_path)
    folder = str(tmp_path / "checkpoints" / "mmgeolm-tiny")
    model, processor = load_model(AutoModelForImageTextToText, folder, False), load_processor(folder, False)
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Find x"}]}]
    text = processor.apply_chat_template(messages, add_generation_prompt=True)
    inputs = processor(images=Image.new("RGB", (32, 32), "red"), text=text, return_tensors="pt")
    with torch.inference_mode():
        got, wanted = model(**inputs).logits, expected(**inputs).logits
    torch.testing.assert_close(got, wanted, rtol=0.05, atol=0.05 * float(wanted.abs().max()))
    assert not model.training
    shutil.rmtree(tmp_path / "checkpoints" / "mmclip-tiny")
    with pytest.raises(ValueError, match="Cannot load the model of .*mmclip-tiny"):
        load_model(AutoModelForImageTextToText, folder, False)
