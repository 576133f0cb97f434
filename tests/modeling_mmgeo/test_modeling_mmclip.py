"""MMCLIP: exactly its backbone on positives, the same rows with ragged negatives, and safe to save."""

import hashlib
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModel, BertConfig, BertModel, Siglip2Config, ViTConfig, ViTModel

from modeling_mmgeo import MMCLIPConfig, MMCLIPModel
from tests.tiny import IMAGE_SIZE, KINDS, PATCH_SIZE, VOCAB_SIZE, tiny_clip_config, tiny_mmclip, tiny_tokenizer

CAPTIONS = ["triangle ABC is right", "a square ABCD", "the radius of circle O is 5"]
NEGATIVE_CAPTIONS = [
    "triangle ABC is isosceles",
    "a rectangle ABCD with side AB equal to 12 and BC equal to 5",
    "line",
]


def draw(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 3, IMAGE_SIZE, IMAGE_SIZE, generator=torch.Generator().manual_seed(seed))


tiny_mmclip_once = cache(tiny_mmclip)


def sha256(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.safetensors")}


@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_stock_model_bit_for_bit(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    stock = AutoModel.from_config(tiny_clip_config(kind)).eval()
    stock.save_pretrained(tmp_path)
    _, processor = tiny_mmclip(kind)
    batch = processor(text=CAPTIONS) | {"pixel_values": draw(2)}
    model = MMCLIPModel.from_backbone(tmp_path).eval()
    with torch.no_grad():
        expected, got = stock(**batch), model(**batch)
        features = model.get_text_features(batch["input_ids"], batch["attention_mask"]).pooler_output
    assert got.logits_per_image.shape == (2, 3)
    for name in ("image_embeds", "text_embeds", "logits_per_image", "logits_per_text"):
        assert torch.equal(expected[name], got[name]), name
    assert torch.equal(got.logit_scale, stock.logit_scale.exp().reshape(()))
    assert (got.logit_bias is None) == (kind != "siglip")
    assert torch.equal(model.normalize(features), got.text_embeds)
    assert not torch.allclose(features.norm(dim=-1), torch.ones(3))  # the stock method's scale is kept
    torch.testing.assert_close(got.image_embeds.norm(dim=-1), torch.ones(2))


@pytest.mark.parametrize("kind", KINDS)
def test_ragged_negatives_equal_a_loop_one_by_one(kind: str) -> None:
    model, processor = tiny_mmclip(kind)
    positives, negatives = processor(text=CAPTIONS), processor(text=NEGATIVE_CAPTIONS)
    images, negative_images = draw(3), draw(4, seed=1)
    image_owner, text_owner = torch.tensor([0, 2, 2, 0]), torch.tensor([1, 1, 0])
    calls = {"image": 0, "text": 0}
    model.backbone.vision_model.register_forward_hook(lambda *_: calls.update(image=calls["image"] + 1))
    model.backbone.text_model.register_forward_hook(lambda *_: calls.update(text=calls["text"] + 1))
    with torch.no_grad():
        output = model(
            **positives,
            pixel_values=images,
            negative_pixel_values=negative_images,
            negative_image_owner=image_owner,
            negative_input_ids=negatives["input_ids"],
            negative_attention_mask=negatives["attention_mask"],
            negative_text_owner=text_owner,
        )
        assert calls == {"image": 1, "text": 1}
        for row, caption in enumerate(CAPTIONS + NEGATIVE_CAPTIONS):  # each alone, so without padding
            alone = model(**processor(text=caption)).text_embeds[0]
            found = torch.cat([output.text_embeds, output.negative_text_embeds])[row]
            torch.testing.assert_close(found, alone, rtol=1e-5, atol=1e-6)
        for row, image in enumerate(torch.cat([images, negative_images])):
            alone = model(pixel_values=image[None]).image_embeds[0]
            found = torch.cat([output.image_embeds, output.negative_image_embeds])[row]
            torch.testing.assert_close(found, alone, rtol=1e-5, atol=1e-6)
    assert output.negative_image_owner is image_owner and output.negative_text_owner is text_owner
    assert output.logits_per_image.shape == (3, 3)


@given(st.lists(st.integers(0, 2), max_size=4), st.lists(st.integers(0, 2), max_size=4), st.integers(1, 12))
@settings(max_examples=10, deadline=None)
def test_positives_do_not_depend_on_their_negatives(images: list[int], texts: list[int], length: int) -> None:
    model, processor = tiny_mmclip_once("altclip")
    batch = processor(text=CAPTIONS) | {"pixel_values": draw(3)}
    with torch.no_grad():
        plain = model(**batch)
        ragged = model(
            **batch,
            negative_pixel_values=draw(len(images), seed=2),
            negative_image_owner=torch.tensor(images, dtype=torch.long),
            negative_input_ids=torch.full((len(texts), length), 5),
            negative_text_owner=torch.tensor(texts, dtype=torch.long),
        )
    torch.testing.assert_close(ragged.logits_per_image, plain.logits_per_image, rtol=1e-4, atol=1e-5)
    assert ragged.negative_image_embeds.shape == (len(images), 12)
    assert ragged.negative_text_embeds.shape == (len(texts), 12)


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_another_size_as_the_backbone_takes_them(kind: str) -> None:
    model, processor = tiny_mmclip(kind)
    batch = {**processor(text=CAPTIONS), "pixel_values": torch.randn(3, 3, 24, 24), "interpolate_pos_encoding": True}
    with torch.no_grad():
        expected = model.backbone(**batch).logits_per_image
        assert torch.equal(model(**batch).logits_per_image, expected)
        model.config.skip_blank_patches, model.image_group_size = True, 1  # noise has no blank patch
        owner = {"negative_image_owner": torch.tensor([0])}
        output = model(**batch, negative_pixel_values=batch["pixel_values"][:1], **owner)
    torch.testing.assert_close(output.logits_per_image, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(output.negative_image_embeds[0], output.image_embeds[0], rtol=1e-4, atol=1e-5)


def test_siglip_does_not_depend_on_who_padded_the_caption() -> None:
    model, processor = tiny_mmclip("siglip")
    filled, short = processor(text=CAPTIONS), processor(text=CAPTIONS, padding=True)
    assert short["input_ids"].shape[1] < filled["input_ids"].shape[1] == processor.max_length
    with torch.no_grad():
        embeds = model(**filled).text_embeds
        assert torch.equal(embeds, model(**short).text_embeds)
        # A plain tokenizer, as in the zero-shot pipeline, masks the padding, which the tower was not trained with.
        masked = processor.tokenizer(CAPTIONS, padding=True, return_tensors="pt", return_token_type_ids=False)
        assert not masked["attention_mask"].all()
        assert torch.equal(embeds, model(**masked).text_embeds)


def test_padding_id_is_the_tokenizers(tmp_path: Path) -> None:
    config = tiny_clip_config("siglip")
    AutoModel.from_config(config).save_pretrained(tmp_path)
    assert MMCLIPModel.from_backbone(tmp_path).config.pad_token_id == config.text_config.pad_token_id == 1
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.save_pretrained(tmp_path)
    assert MMCLIPModel.from_backbone(tmp_path).config.pad_token_id == tokenizer.eos_token_id == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"negative_image_owner": None}, "negative_image_owner"),
        ({"negative_text_owner": None}, "negative_text_owner"),
        ({"negative_pixel_values": None}, "negative images"),
        ({"negative_image_owner": torch.tensor([0, 3])}, r"\[0, 3\)"),
        ({"negative_image_owner": torch.tensor([0, -1])}, "spans"),
        ({"negative_image_owner": torch.tensor([0])}, "vector of 2"),
        ({"negative_text_owner": torch.tensor([0.0])}, "integers"),
        ({"negative_text_owner": torch.tensor([[0]])}, "vector of 1"),
        ({"negative_owner": torch.tensor([0])}, "negative_owner"),
        ({"input_ids": None, "pixel_values": None}, "neither"),
    ],
)
def test_wrong_negatives_are_refused(changes: dict, message: str) -> None:
    model, processor = tiny_mmclip()
    good = processor(text=CAPTIONS) | {
        "pixel_values": draw(3),
        "negative_pixel_values": draw(2),
        "negative_image_owner": torch.tensor([0, 2]),
        "negative_input_ids": torch.tensor([[0, 5, 3]]),
        "negative_text_owner": torch.tensor([1]),
    }
    model(**good)
    with pytest.raises(ValueError, match=message):
        model(**good | changes)


def test_what_is_no_dual_encoder_is_refused(tmp_path: Path) -> None:
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    bert = BertConfig(vocab_size=9, **sizes)
    vit = ViTModel(ViTConfig(image_size=8, patch_size=4, **sizes))
    vit.save_pretrained(tmp_path / "vit")
    for backbone in (bert, BertModel(bert), vit, tmp_path / "vit"):
        with pytest.raises(ValueError, match="CLIP-family dual encoder.*BAAI/AltCLIP"):
            MMCLIPModel.from_backbone(backbone)
    with pytest.raises(ValueError, match="dual encoder"):
        MMCLIPConfig(backbone_config=bert.to_dict())
    with pytest.raises(ValueError, match="model_type 'clipp'"):
        MMCLIPConfig(backbone_config={"model_type": "clipp"})
    with pytest.raises(ValueError, match="Hub id, a folder"):
        MMCLIPModel.from_backbone(3)


@pytest.mark.parametrize("kind", KINDS)
def test_save_load_save_is_bit_identical(kind: str, tmp_path: Path) -> None:
    model, processor = tiny_mmclip(kind)
    model.save_pretrained(tmp_path / "first")
    loaded = MMCLIPModel.from_pretrained(tmp_path / "first")
    loaded.save_pretrained(tmp_path / "second")
    MMCLIPModel.from_backbone(tmp_path / "second").save_pretrained(tmp_path / "third")  # an MMCLIP passes through
    assert sha256(tmp_path / "first") == sha256(tmp_path / "second") == sha256(tmp_path / "third") != {}
    # The first lacks the dtype of its parts, which loading fills in.
    second, third = ((tmp_path / name / "config.json").read_text() for name in ("second", "third"))
    assert second == third
    assert not [path for path in tmp_path.rglob("*") if path.suffix in {".bin", ".pt", ".pth", ".pkl"}]
    for source in ("configuration_mmclip.py", "modeling_mmclip.py"):
        assert (tmp_path / "third" / source).is_file()
    batch = processor(text=CAPTIONS) | {"pixel_values": draw(2)}
    with torch.no_grad():
        assert torch.equal(loaded.eval()(**batch).logits_per_image, model(**batch).logits_per_image)


def test_saved_keys_are_the_models_own(tmp_path: Path) -> None:
    # Trainer resumes by names: a renamed key is a weight silently lost.
    from safetensors import safe_open

    model, _ = tiny_mmclip("altclip")
    model.save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as saved:
        assert set(saved.keys()) == set(model.state_dict())


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_learns(kind: str) -> None:
    model, processor = tiny_mmclip(kind)
    model.train()
    model.gradient_checkpointing_enable()
    output = model(
        **processor(text=CAPTIONS),
        pixel_values=draw(3),
        negative_pixel_values=draw(2, seed=1),
        negative_image_owner=torch.tensor([0, 1]),
    )
    (output.logits_per_image.square().mean() + output.negative_image_embeds[:, 0].sum()).backward()
    # CLIP's text tower has no parameter that a caption does not reach, nor has any tower a spare one.
    assert [name for name, value in model.named_parameters() if value.grad is None] == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", ["right", "left"])
def test_texts_in_groups_of_similar_length_are_the_same(kind: str, side: str) -> None:
    model, processor = tiny_mmclip(kind)
    captions = [" ".join(["a point A"] * count) for count in (7, 1, 3, 9, 1, 2, 12)]
    batch = processor(text=captions, padding_side=side)
    lengths = []
    model.backbone.text_model.register_forward_pre_hook(
        lambda _module, _args, kwargs: lengths.append(kwargs["input_ids"].shape[1]), with_kwargs=True
    )

    def embed(group_size: int | None) -> tuple[torch.Tensor, torch.Tensor]:
        model.text_group_size = group_size
        lengths.clear()
        embeds = model(**batch).text_embeds
        weight = model.get_input_embeddings().weight
        return embeds, torch.autograd.grad(embeds[:, 0].square().sum(), weight)[0]

    expected, gradient = embed(None)
    assert len(lengths) == 1
    for size in (1, 2, 3, 6, 7, 100):
        embeds, one = embed(size)
        torch.testing.assert_close(embeds, expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(one, gradient, rtol=1e-4, atol=1e-5)
        grouped = kind != "siglip" and size < len(captions)
        assert len(lengths) == (-(-len(captions) // size) if grouped else 1)
        assert (len(set(lengths)) > 1) == (grouped and side == "right")


def test_gradient_checkpointing_changes_nothing() -> None:
    gradients = []
    for checkpointing in (False, True):
        model, processor = tiny_mmclip("altclip")
        model.train()
        if checkpointing:
            model.gradient_checkpointing_enable()
            assert model.is_gradient_checkpointing
        model(**processor(text=CAPTIONS), pixel_values=draw(3)).logits_per_image.square().mean().backward()
        gradients.append([value.grad for value in model.parameters()])
    for plain, checkpointed in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, checkpointed)
    assert model._no_split_modules >= set(model.backbone._no_split_modules)


def test_loads_in_bfloat16(tmp_path: Path) -> None:
    model, processor = tiny_mmclip("siglip")
    model.save_pretrained(tmp_path)
    half = MMCLIPModel.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert {value.dtype for value in half.parameters()} == {torch.bfloat16}
    output = half(**processor(text=CAPTIONS), pixel_values=draw(3).bfloat16())
    assert output.image_embeds.dtype == torch.bfloat16 and output.image_embeds.isfinite().all()


def test_wrapping_a_model_holds_its_weights_and_its_attention() -> None:
    stock = AutoModel.from_config(tiny_clip_config("clip"), attn_implementation="eager")
    before = {name: value.clone() for name, value in stock.state_dict().items()}
    model = MMCLIPModel.from_backbone(stock)
    assert model.backbone is stock and model.vision_tower is stock.vision_model
    assert all(torch.equal(value, before[name]) for name, value in stock.state_dict().items())
    assert MMCLIPModel.from_backbone(model) is model
    assert model.config.backbone_config is stock.config
    for config in (stock.config, stock.config.text_config, stock.text_model.config, stock.vision_model.config):
        assert config._attn_implementation == "eager"
    fresh = MMCLIPModel.from_backbone(tiny_clip_config("clip"))
    assert fresh.vision_tower.config._attn_implementation == "sdpa"


def test_siglip2_with_variable_resolution() -> None:
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = Siglip2Config(
        text_config={**tower, "vocab_size": VOCAB_SIZE, "max_position_embeddings": 16, "projection_size": 16},
        vision_config={**tower, "num_patches": 16, "patch_size": PATCH_SIZE},
    )
    model = MMCLIPModel.from_backbone(config).eval()
    patches, shapes = torch.randn(3, 16, 3 * PATCH_SIZE**2), torch.tensor([[4, 4], [2, 8], [4, 3]])
    mask = (torch.arange(16) < shapes.prod(1, keepdim=True)).long()
    texts = {"input_ids": torch.randint(0, VOCAB_SIZE, (2, 16))}
    positives = {"pixel_values": patches[:2], "pixel_attention_mask": mask[:2], "spatial_shapes": shapes[:2]}
    negatives = {"pixel_values": patches[2:], "pixel_attention_mask": mask[2:], "spatial_shapes": shapes[2:]}
    negatives = {f"negative_{name}": value for name, value in negatives.items()}
    with torch.no_grad():
        output = model(**texts, **positives, **negatives, negative_image_owner=torch.tensor([1]))
        assert torch.equal(model(**texts, **positives).logits_per_image, model.backbone(**texts, **positives)[0])
    assert output.negative_image_embeds.shape == (1, 16)
    with pytest.raises(ValueError, match="same inputs"):
        model(**texts, **positives, negative_pixel_values=patches[2:], negative_image_owner=torch.tensor([1]))
