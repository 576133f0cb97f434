"""What is saved runs elsewhere: loaded with trust_remote_code in a process that does not have this package.

One child process serves all tests here, because importing transformers takes longer than everything else in it.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForImageTextToText,
    AutoModelForZeroShotImageClassification,
    AutoProcessor,
    pipeline,
)

import modeling_mmgeo
from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor, MMGeoLMForConditionalGeneration, MMGeoLMProcessor
from tests.tiny import tiny_llm, tiny_mmclip, tiny_tokenizer

CAPTIONS = ["triangle ABC is right", "a square ABCD", "the radius of circle O is 5"]
MESSAGES = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Find x"}]}]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Both models as saved here, and what the child process made of them."""
    folder = tmp_path_factory.mktemp("remote")
    mmclip, mmclip_processor = tiny_mmclip("altclip")
    processor = MMGeoLMProcessor.from_parts(mmclip_processor, tiny_tokenizer(frame=False))
    mmgeolm = MMGeoLMForConditionalGeneration.from_parts(mmclip, tiny_llm("qwen2", tie=True), processor.image_token_id)
    parts = {"mmclip": (mmclip.eval(), mmclip_processor), "mmgeolm": (mmgeolm.eval(), processor)}
    for name, saved in parts.items():
        for part in saved:
            part.save_pretrained(folder / name)
    for name, (model, part) in list(parts.items()):  # the same models with blank patches left out
        model.config.skip_blank_patches, model.config.min_patches = True, 2
        model.save_pretrained(folder / f"{name}_skipping")
        part.save_pretrained(folder / f"{name}_skipping")
        model.config.skip_blank_patches = False
    figure = Image.new("RGB", (40, 40), "white")
    ImageDraw.Draw(figure).polygon([(5, 35), (35, 35), (5, 5)], outline="black", width=2)
    figure.save(folder / "figure.png")
    request = {f"{name}{way}": str(folder / f"{name}{way}") for name in parts for way in ("", "_again", "_skipping")}
    request |= {"figure": str(folder / "figure.png"), "captions": CAPTIONS, "messages": MESSAGES}
    request |= {"answer": str(folder / "answer.json"), "tensors": str(folder / "tensors.safetensors")}
    (folder / "request.json").write_text(json.dumps(request))
    (folder / "elsewhere").mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"HF_HOME": str(folder / "hf"), "HF_MODULES_CACHE": str(folder / "modules"), "OMP_NUM_THREADS": "1"}
    child = subprocess.run(
        [sys.executable, "-P", str(Path(__file__).with_name("fresh_process.py")), str(folder / "request.json")],
        cwd=folder / "elsewhere",
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert child.returncode == 0, child.stderr[-4000:]
    answer = json.loads((folder / "answer.json").read_text())
    return {"folder": folder, "figure": figure, "answer": answer, "tensors": load_file(request["tensors"]), **parts}


def test_the_child_had_no_package(world: dict[str, Any]) -> None:
    assert world["answer"]["modules"] == []
    assert world["answer"]["mmclip"]["names"] == ["MMCLIPConfig", "MMCLIPProcessor", "MMCLIPModel", "MMCLIPModel"]
    assert world["answer"]["mmgeolm"]["names"] == [
        "MMGeoLMConfig",
        "MMGeoLMProcessor",
        "MMGeoLMForConditionalGeneration",
        "MMGeoLMModel",
    ]


def test_mmclip_computes_the_same_elsewhere(world: dict[str, Any]) -> None:
    model, processor = world["mmclip"]
    with torch.no_grad():
        logits = model(**processor(text=CAPTIONS, images=[world["figure"]])).logits_per_image
    for name in ("mmclip", "mmclip_again", "mmclip_zero_shot", "mmclip_zero_shot_again"):
        torch.testing.assert_close(world["tensors"][name], logits, rtol=1e-5, atol=1e-5)
    scores = torch.tensor(world["answer"]["mmclip"]["scores"])
    torch.testing.assert_close(scores, logits.softmax(-1)[0], rtol=1e-4, atol=1e-4)


def test_blank_patches_are_left_out_elsewhere(world: dict[str, Any]) -> None:
    (mmclip, mmclip_processor), (mmgeolm, processor) = world["mmclip"], world["mmgeolm"]
    text = processor.apply_chat_template(MESSAGES, add_generation_prompt=True)
    for name, model, inputs in (
        ("mmclip", mmclip, mmclip_processor(text=CAPTIONS, images=[world["figure"]])),
        ("mmgeolm", mmgeolm, processor(images=world["figure"], text=text, return_tensors="pt")),
    ):
        model.config.skip_blank_patches, model.config.min_patches = True, 2
        with torch.no_grad():
            output = model(**inputs)
        model.config.skip_blank_patches = False
        logits = output.logits_per_image if name == "mmclip" else output.logits
        torch.testing.assert_close(world["tensors"][f"{name}_skipping"], logits, rtol=1e-5, atol=1e-5)
        assert (logits - world["tensors"][name]).abs().max() > 1e-4


def test_mmgeolm_computes_the_same_elsewhere(world: dict[str, Any]) -> None:
    model, processor = world["mmgeolm"]
    text = processor.apply_chat_template(MESSAGES, add_generation_prompt=True)
    inputs = processor(images=world["figure"], text=text, return_tensors="pt")
    with torch.no_grad():
        logits, hidden = model(**inputs).logits, model.model(**inputs).last_hidden_state
    generated = model.generate(**inputs, max_new_tokens=5, do_sample=False)
    for suffix in ("", "_again"):
        torch.testing.assert_close(world["tensors"][f"mmgeolm{suffix}"], logits, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(world["tensors"][f"hidden{suffix}"], hidden, rtol=1e-5, atol=1e-5)
        assert torch.equal(world["tensors"][f"generated{suffix}"], generated)
    new = generated[0, inputs["input_ids"].shape[1] :]
    assert world["answer"]["mmgeolm"]["written"] == processor.decode(new, skip_special_tokens=True)
    assert world["answer"]["mmgeolm"]["tied"]


@pytest.mark.parametrize("name", ["mmclip", "mmgeolm"])
def test_resaved_elsewhere_is_bit_identical_and_complete(world: dict[str, Any], name: str) -> None:
    first, second = world["folder"] / name, world["folder"] / f"{name}_again"
    assert {path.name for path in first.iterdir()} == {path.name for path in second.iterdir()}
    for path in first.iterdir():
        if path.suffix in {".safetensors", ".py", ".jinja"}:
            other = second / path.name
            assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest(), path.name
    for config in ("config.json", "processor_config.json"):
        maps = [json.loads((folder / config).read_text())["auto_map"] for folder in (first, second)]
        assert maps[0] == maps[1] and "AutoProcessor" in maps[0]
    assert not [path for path in world["folder"].rglob("*") if path.suffix in {".bin", ".pt", ".pth", ".pkl"}]


def test_loads_here_without_trusting_remote_code(world: dict[str, Any]) -> None:
    mmclip, mmgeolm = str(world["folder"] / "mmclip"), str(world["folder"] / "mmgeolm")
    assert type(AutoConfig.from_pretrained(mmgeolm)) is modeling_mmgeo.MMGeoLMConfig
    assert type(AutoModel.from_pretrained(mmclip)) is MMCLIPModel
    assert type(AutoModelForZeroShotImageClassification.from_pretrained(mmclip)) is MMCLIPModel
    assert type(AutoProcessor.from_pretrained(mmclip)) is MMCLIPProcessor
    assert type(AutoModel.from_pretrained(mmgeolm)) is modeling_mmgeo.MMGeoLMModel
    assert type(AutoModelForImageTextToText.from_pretrained(mmgeolm)) is MMGeoLMForConditionalGeneration
    assert type(AutoProcessor.from_pretrained(mmgeolm)) is MMGeoLMProcessor
    classify = pipeline("zero-shot-image-classification", model=mmclip)
    assert len(classify(world["figure"], candidate_labels=CAPTIONS)) == 3


def test_travelling_files_import_nothing_else() -> None:
    allowed = {"transformers", "torch", "PIL", "numpy", *sys.stdlib_module_names}
    files = [path for path in Path(modeling_mmgeo.__file__).parent.glob("*.py") if path.name != "__init__.py"]
    assert len(files) == 10
    for path in files:
        text = path.read_text(encoding="utf-8")
        for module in re.findall(r"^\s*(?:from|import)\s+([\w.]+)", text, flags=re.MULTILINE):
            siblings = {f".{other.stem}" for other in files}
            assert module in siblings or module.split(".")[0] in allowed, f"{path.name} imports {module}"
        assert ".register(" not in text and "register_for_auto_class(" not in text
