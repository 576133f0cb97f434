"""Two towers that were warmed up apart become one MMCLIP, which sees as the one and reads as the other."""

import sys

import pytest
import torch

from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor
from tests.tiny import tiny_mmclip
from tests.trainers.rows import draw
from trainers import join_towers
from trainers.join_towers import join
from trainers.scratch import ScratchConfig, scratch_mmclip

SIZES = {
    "patch_size": 8,
    "vision_hidden_size": 24,
    "vision_layers": 1,
    "vision_intermediate_size": 48,
    "text_hidden_size": 24,
    "text_intermediate_size": 48,
    "max_text_length": 40,
}


def made(seed: int, captions: tuple[str, ...] = ("a square ABCD",), image_size: int = 32, **sizes: int):
    sizes = {"text_layers": 1, "projection_size": 16, **sizes}
    return scratch_mmclip(list(captions), ScratchConfig(image_size=image_size, **SIZES, **sizes), seed=seed)


@torch.no_grad()
def test_images_are_seen_by_the_one_and_captions_read_by_the_other(tmp_path, monkeypatch):
    eye, reader = made(0, image_size=48), made(1, ("a kite", "the angle ABC is 35°"), text_layers=2)
    eye[0].config.skip_blank_patches = True
    eye[0].backbone.logit_scale.fill_(2.5)
    for name, parts in (("eye", eye), ("reader", reader)):
        for part in parts:
            part.save_pretrained(tmp_path / name)
    options = [
        "--vision",
        str(tmp_path / "eye"),
        "--text",
        str(tmp_path / "reader"),
        "--output_dir",
        str(tmp_path / "m"),
    ]
    monkeypatch.setattr(sys, "argv", ["join_towers", *options])
    join_towers.main()
    model = MMCLIPModel.from_pretrained(tmp_path / "m").eval()
    batch = MMCLIPProcessor.from_pretrained(tmp_path / "m")(
        images=[draw("square", 3)], text=["the angle ABC is 35°"], return_tensors="pt"
    )
    assert batch["pixel_values"].shape == (1, 3, 48, 48)
    pixels = {"pixel_values": batch["pixel_values"]}
    caption = {name: batch[name] for name in ("input_ids", "attention_mask")}
    own = reader[1](text=["the angle ABC is 35°"], return_tensors="pt")
    assert torch.equal(own["input_ids"], caption["input_ids"])
    seen, read = model.get_image_features(**pixels).pooler_output, model.get_text_features(**caption).pooler_output
    torch.testing.assert_close(seen, eye[0].eval().get_image_features(**pixels).pooler_output)
    torch.testing.assert_close(read, reader[0].eval().get_text_features(**caption).pooler_output)
    for name, weight in model.backbone.state_dict().items():
        owner = reader if name.startswith("text_") else eye
        assert torch.equal(weight, owner[0].backbone.state_dict()[name]), name
    assert model.config.skip_blank_patches and model.backbone.logit_scale.item() == 2.5
    assert model(**batch).logits_per_image.shape == (1, 1)


def test_the_towers_given_stay_as_they_are():
    (eye, _), (reader, _) = made(0), made(1)
    joined = join(eye, reader)
    with torch.no_grad():
        for weight in joined.parameters():
            weight.zero_()
    assert eye.backbone.visual_projection.weight.any() and reader.backbone.text_projection.weight.any()


def test_towers_of_different_codes_are_refused():
    eye, _ = made(0)
    with pytest.raises(ValueError, match="projection_dim 16, the text tower of a clip with 12"):
        join(eye, made(1, projection_size=12)[0])
    with pytest.raises(ValueError, match="of a siglip"):
        join(eye, tiny_mmclip("siglip")[0])
    siglip = tiny_mmclip("siglip")[0]
    with pytest.raises(ValueError, match="with projection_dim None"):
        join(siglip, siglip)
