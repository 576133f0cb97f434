"""MMCLIP's processor: lengths, one warning about cut captions, and transparent figures on white."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPProcessor

from modeling_mmgeo import MMCLIPProcessor, processing_mmclip
from modeling_mmgeo.processing_mmclip import lay_on_white
from tests.tiny import (
    EOS,
    IMAGE_SIZE,
    KINDS,
    MAX_LENGTH,
    PATCH_SIZE,
    tiny_clip_config,
    tiny_image_processor,
    tiny_mmclip,
    tiny_tokenizer,
)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_limits(kind: str) -> None:
    _, processor = tiny_mmclip(kind)
    image = Image.new("L", (40, 30), 200)
    batch = processor(text=["a square", "triangle ABC is right"], images=[image, image])
    assert set(batch) == {"input_ids", "attention_mask", "pixel_values"}
    assert batch["pixel_values"].shape == (2, 3, IMAGE_SIZE, IMAGE_SIZE)
    assert processor.max_length == MAX_LENGTH and processor.patch_size == PATCH_SIZE
    if kind == "siglip":
        assert batch["input_ids"].shape == (2, MAX_LENGTH)
        assert batch["attention_mask"].all()  # trained without a mask
    else:
        assert batch["input_ids"].shape[1] < MAX_LENGTH
        assert batch["attention_mask"].sum(1).tolist() == [5, batch["input_ids"].shape[1]]


def test_long_captions_are_cut_with_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    _, processor = tiny_mmclip("clip")
    warnings = []
    monkeypatch.setattr(processing_mmclip.logger, "warning", warnings.append)
    processor(text=["a square " * 10])
    assert warnings == []
    batch = processor(text=["a square", "A" * (MAX_LENGTH - 2), "AB" * MAX_LENGTH])
    processor(text=["AB" * MAX_LENGTH])
    assert batch["input_ids"].shape == (3, MAX_LENGTH)
    assert batch["input_ids"][1:, -1].tolist() == [EOS, EOS]
    assert len(warnings) == 1 and "1 of 3 captions" in warnings[0] and str(2 * MAX_LENGTH + 2) in warnings[0]


def test_transparent_figures_are_laid_on_white() -> None:
    _, processor = tiny_mmclip("siglip")
    processor.image_processor.do_convert_rgb = None  # as its checkpoints have it
    drawn = Image.new("RGBA", (IMAGE_SIZE, IMAGE_SIZE), (0, 0, 0, 0))
    drawn.putpixel((3, 3), (0, 0, 0, 255))
    expected = Image.new("RGB", drawn.size, "white")
    expected.putpixel((3, 3), (0, 0, 0))
    pixels = processor(images=[drawn])["pixel_values"]
    assert torch.equal(pixels, processor(images=expected)["pixel_values"])
    grey = drawn.convert("LA")
    assert torch.equal(pixels, processor(images=grey)["pixel_values"])
    array = np.asarray(expected)
    assert torch.equal(pixels, processor(images=[array])["pixel_values"])


def test_transparent_figures_are_laid_on_white_wherever_they_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, processor = tiny_mmclip()
    drawn = Image.new("RGBA", (2 * IMAGE_SIZE, IMAGE_SIZE), (0, 0, 0, 0))
    drawn.putpixel((3, 3), (0, 0, 0, 255))
    path = tmp_path / "f.png"
    drawn.save(path)
    content = path.read_bytes()
    monkeypatch.setattr(processing_mmclip, "urlopen", lambda address, timeout: io.BytesIO(content))
    text = base64.b64encode(content).decode()
    pixels = processor(images=drawn)["pixel_values"]
    for source in (path, str(path), "https://figures.org/f.png", text, f"data:image/png;base64,{text}"):
        assert torch.equal(pixels, processor(images=[source])["pixel_values"])
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    drawn.convert("RGB").save(tmp_path / "f.jpg", exif=exif)
    assert lay_on_white(tmp_path / "f.jpg").size == (IMAGE_SIZE, 2 * IMAGE_SIZE)
    with pytest.raises(ValueError, match="no image at 'absent.png'"):
        processor(images="absent.png")


def test_damaged_and_huge_files_are_refused_in_words(tmp_path: Path) -> None:
    _, processor = tiny_mmclip()
    Image.new("1", (20_000, 20_000)).save(tmp_path / "huge.png")
    Image.effect_noise((64, 64), 50).save(tmp_path / "cut.png")
    content = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    for name, why in (("huge.png", "exceeds limit"), ("cut.png", "truncated")):
        with pytest.raises(ValueError, match=f"There is no image at '.*{name}' .*{why}"):
            processor(images=tmp_path / name)


def test_16_bits_are_scaled(tmp_path: Path) -> None:
    deep = Image.fromarray(np.array([[0, 20000, 65535]], dtype=np.uint16))
    deep.save(tmp_path / "deep.png")
    deep.save(tmp_path / "clear.png", transparency=0)

    def greys(image: Image.Image | Path) -> list[int]:
        return np.asarray(lay_on_white(image))[0, :, 0].tolist()

    assert greys(deep) == greys(deep.convert("I")) == greys(tmp_path / "deep.png") == [0, 78, 255]
    assert greys(tmp_path / "clear.png") == [255, 78, 255]
    assert greys(Image.fromarray(np.array([[-1, 78, 255]], dtype=np.int32))) == [0, 78, 255]  # 8 bits already


@pytest.mark.parametrize("kind", KINDS)
def test_from_backbone_and_save(kind: str, tmp_path: Path) -> None:
    config = tiny_clip_config(kind)
    config.save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    tiny_image_processor(kind).save_pretrained(tmp_path)
    processor = MMCLIPProcessor.from_backbone(tmp_path)
    model, _ = tiny_mmclip(kind)
    model.save_pretrained(tmp_path / "mmclip")
    processor.save_pretrained(tmp_path / "mmclip")
    assert (tmp_path / "mmclip" / "processing_mmclip.py").is_file()
    again = MMCLIPProcessor.from_backbone(tmp_path / "mmclip")
    image = Image.new("RGB", (20, 20), "red")
    for name, value in processor(text="triangle ABC", images=image).items():
        assert torch.equal(value, again(text="triangle ABC", images=image)[name]), name
    for name in ("max_length", "fixed_length_text", "patch_size", "num_additional_image_tokens"):
        assert getattr(again, name) == getattr(processor, name)


def test_options_are_taken_as_stock_processors_take_them() -> None:
    _, processor = tiny_mmclip()
    stock = CLIPProcessor(tiny_image_processor(), tiny_tokenizer())
    image = Image.new("RGB", (20, 20), "red")
    for options in (
        {"padding": True, "return_special_tokens_mask": True},
        {"padding": True, "return_attention_mask": False, "do_normalize": False},
        {"text_kwargs": {"padding": "max_length", "max_length": 9}, "images_kwargs": {"do_normalize": False}},
    ):
        got = processor(text=["a circle", "AB"], images=image, **options)
        expected = stock(text=["a circle", "AB"], images=image, return_tensors="pt", **options)
        assert got.keys() == expected.keys() and all(torch.equal(got[name], expected[name]) for name in got)
        assert processor(text="AB", **options).keys() | {"pixel_values"} == expected.keys()


def test_errors() -> None:
    model, processor = tiny_mmclip()
    with pytest.raises(ValueError, match="neither text nor images"):
        processor()
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = None
    with pytest.raises(ValueError, match="padding token"):
        MMCLIPProcessor.from_parts(tiny_image_processor(), tokenizer, model.config)
    with pytest.raises(ValueError, match="dual encoder"):
        MMCLIPProcessor.from_parts(tiny_image_processor(), tiny_tokenizer(), model.config.vision_config)


def test_joining_a_processor_leaves_a_live_model_as_it_was():
    model, processor = tiny_mmclip("clip")
    stock = model.backbone
    before = stock.config._attn_implementation, stock.config.text_config._attn_implementation
    MMCLIPProcessor.from_parts(processor.image_processor, processor.tokenizer, stock.config)
    assert (stock.config._attn_implementation, stock.config.text_config._attn_implementation) == before
