"""Blank-patch skipping in MMGeoLM: as many image tokens as without, one and the same for all blank patches."""

from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw

from modeling_mmgeo import MMGeoLMForConditionalGeneration
from modeling_mmgeo.blank_patches import choose_patches, encode_patches
from tests.tiny import KINDS, NUM_PATCHES, VOCAB_SIZE, tiny_llm, tiny_mmgeolm

from .test_blank_patches import figures, noise, skipping


@pytest.mark.parametrize("kind", KINDS)
def test_mmgeolm_encodes_inked_patches_only(kind: str) -> None:
    model, _ = tiny_mmgeolm(kind)
    images, _ = figures()
    model.config.skip_blank_patches, model.config.min_patches = True, 1
    tower, lengths = model.model.vision_tower, []
    tower.encoder.layers[0].register_forward_hook(lambda _, args, __: lengths.append(args[0].shape[1]))
    kept = choose_patches(images, model.config)
    with torch.no_grad():
        features = model.get_image_features(images).pooler_output
        hidden = encode_patches(tower, images, kept, output_hidden_states=True).hidden_states[-2][:, -NUM_PATCHES:]
        blank = model.model.multi_modal_projector(torch.zeros(16))
    assert lengths == [15 + (kind != "siglip")] * 2
    for row in range(5):
        assert features[row].shape == (NUM_PATCHES, model.config.text_config.hidden_size)
        torch.testing.assert_close(features[row], model.model.multi_modal_projector(hidden[row]))
        torch.testing.assert_close(features[row][~kept[row]], blank.expand(int((~kept[row]).sum()), -1))
        assert not torch.isclose(features[row][kept[row]], blank).all(-1).any()


@pytest.mark.parametrize("kind", KINDS)
def test_mmgeolm_answers_and_learns(kind: str) -> None:
    model, processor = tiny_mmgeolm(kind)
    model.config.skip_blank_patches, model.config.min_patches = True, 1
    figure = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(figure).line([(5, 5), (40, 12)], fill="black", width=3)
    inputs = processor(images=figure, text="<image>\nFind x", return_tensors="pt")
    assert 1 < choose_patches(inputs["pixel_values"], model.config).sum() < NUM_PATCHES / 2
    assert (inputs["input_ids"] == model.config.image_token_id).sum() == NUM_PATCHES  # as many tokens as without
    generated = model.generate(**inputs, max_new_tokens=3, do_sample=False)
    with torch.no_grad():
        on = model(**inputs).logits
        model.config.skip_blank_patches = False
        off = model(**inputs).logits
    assert generated[0, inputs["input_ids"].shape[1]] == on[0, -1].argmax()
    assert (on - off).abs().max() > 1e-6
    model.config.skip_blank_patches = True
    for checkpointing in (False, True):
        if checkpointing:
            model.gradient_checkpointing_enable()
        model.train().zero_grad()
        loss = model(**inputs, labels=inputs["input_ids"], use_cache=False).loss
        loss.backward()
        assert loss.isfinite() and model.model.vision_tower.embeddings.patch_embedding.weight.grad.any()


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_mmgeolm_without_blank_patches_is_off(kind: str) -> None:
    model, _ = tiny_mmgeolm(kind)
    images = noise(2)
    with torch.no_grad():
        for layers in (-2, [-2, -1]):
            if isinstance(layers, list):  # the projector has one width, so look at what it is given
                model.model.multi_modal_projector = torch.nn.Identity()
            model.config.skip_blank_patches = False
            expected = model.get_image_features(images, vision_feature_layer=layers).pooler_output
            model.config.skip_blank_patches = True
            got = model.get_image_features(images, vision_feature_layer=layers).pooler_output
            for a, b in zip(got, expected, strict=True):
                torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


def test_mmgeolm_sees_as_its_mmclip_did(tmp_path: Path) -> None:
    model = MMGeoLMForConditionalGeneration.from_parts(
        skipping("clip", min_patches=3, blank_tolerance=0.2), tiny_llm()
    )
    model.save_pretrained(tmp_path)
    loaded = MMGeoLMForConditionalGeneration.from_pretrained(tmp_path)
    for config in (model.config, loaded.config, loaded.model.config):
        assert (config.skip_blank_patches, config.min_patches, config.blank_tolerance) == (True, 3, 0.2)
    assert model.config.text_config.vocab_size == VOCAB_SIZE + 1
    assert not tiny_mmgeolm("clip")[0].config.skip_blank_patches
