"""Exports load with stock libraries alone, compute what the original does, and are fit for the Hub with a card."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GPT2Config, LlavaForConditionalGeneration, PreTrainedModel

from model_cards.export import FORMATS, ExportArguments, export, to_llava
from model_cards.folder_check import check_folder
from model_cards.write_card import WriteCardArguments, write_card
from modeling_mmgeo import MMGeoLMForConditionalGeneration, MMGeoLMProcessor
from tests.model_cards.folders import digest
from tests.tiny import KINDS, VOCAB_SIZE, tiny_llm, tiny_mmclip, tiny_mmgeolm, tiny_tokenizer

SMALL = ("bfloat16", "adapter")  # of an adapter: tests/trainers/test_join_adapter.py
STOCK = {name: source for name, source in FORMATS.items() if name not in SMALL}  # what needs no code of ours
LONG = "triangle ABC is right and " * 12  # longer than the text tower
CAPTIONS = ["a square ABCD with side 3", "the radius of circle O is 5", LONG]
MESSAGES = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Find x"}]}]


def run(folder: Path, kind: str, target: Path) -> str:
    return export(ExportArguments(str(folder), kind, str(target)))


@pytest.fixture(scope="module")
def figure() -> Image.Image:
    image = Image.new("RGB", (40, 30), "white")
    ImageDraw.Draw(image).polygon([(5, 25), (35, 25), (5, 5)], outline="black", width=2)
    return image


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, figure: Image.Image) -> dict[str, Any]:
    """Every export of every family, and what a process without this package made of them."""
    root = tmp_path_factory.mktemp("export")
    figure.save(root / "figure.png")
    saved, folders = {}, {}
    for kind in KINDS:
        mmclip, mmclip_processor = tiny_mmclip(kind)
        # A tokenizer that begins every text, as Llama's does; tied embeddings, as small models have them.
        processor = MMGeoLMProcessor.from_parts(mmclip_processor, tiny_tokenizer(frame=kind == "clip"))
        llm = tiny_llm("qwen2", tie=kind == "siglip")
        mmgeolm = MMGeoLMForConditionalGeneration.from_parts(mmclip, llm, processor.image_token_id).eval()
        parts = {"mmclip": (mmclip, mmclip_processor), "mmgeolm": (mmgeolm, processor)}
        for name, (model, reader) in parts.items():
            model.save_pretrained(root / kind / name)
            reader.save_pretrained(root / kind / name)
            saved[kind, name] = (model, reader)
        for name, source in STOCK.items():
            said = run(root / kind / source, name, root / kind / name)
            assert said.startswith(f"written to {root / kind / name}: ")
            folders[f"{kind}/{name}"] = root / kind / name
    request = {"folders": {name: str(folder) for name, folder in folders.items()}, "captions": CAPTIONS}
    request |= {"messages": MESSAGES, "figure": str(root / "figure.png")}
    request |= {"answer": str(root / "answer.json"), "tensors": str(root / "tensors.safetensors")}
    (root / "request.json").write_text(json.dumps(request))
    (root / "elsewhere").mkdir()
    child = subprocess.run(
        [sys.executable, "-P", str(Path(__file__).with_name("stock_process.py")), str(root / "request.json")],
        cwd=root / "elsewhere",
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"HF_HOME": str(root)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert child.returncode == 0, child.stderr[-4000:]
    answer = json.loads((root / "answer.json").read_text())
    assert answer["modules"] == []
    return {"saved": saved, "folders": folders, "answer": answer, "tensors": load_file(request["tensors"])}


@pytest.mark.parametrize("kind", KINDS)
def test_llava_gives_the_same_logits_and_answers(world: dict[str, Any], figure: Image.Image, kind: str) -> None:
    model, processor = world["saved"][kind, "mmgeolm"]
    answer = world["answer"][f"{kind}/llava"]
    tower = "SiglipVisionModel" if kind == "siglip" else "CLIPVisionModel"
    assert answer["names"] == ["LlavaForConditionalGeneration", "LlavaProcessor", tower] and not answer["missing"]
    text = processor.apply_chat_template(MESSAGES, add_generation_prompt=True)
    inputs = processor(images=figure, text=text, return_tensors="pt")
    # The stock processor begins a text that has begun already once more; its chat template and the pipeline do not.
    extra = int(kind == "clip")
    with torch.no_grad():
        logits = model(**inputs).logits
    if not extra:
        torch.testing.assert_close(world["tensors"][f"{kind}/llava/logits"], logits, rtol=0, atol=1e-6)
        generated = model.generate(**inputs, max_new_tokens=5, do_sample=False)
        assert torch.equal(world["tensors"][f"{kind}/llava/generated"], generated)
    new = model.generate(**inputs, max_new_tokens=5, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    assert answer["written"] == processor.decode(new, skip_special_tokens=True)


@pytest.mark.parametrize("kind", KINDS)
def test_dual_encoder_gives_the_same_embeddings(world: dict[str, Any], figure: Image.Image, kind: str) -> None:
    model, processor = world["saved"][kind, "mmclip"]
    with torch.no_grad():
        output = model(**processor(text=CAPTIONS, images=figure))
    for name in ("dual_encoder", "sentence_transformer"):
        for key, expected in (("texts", output.text_embeds), ("images", output.image_embeds)):
            got = world["tensors"][f"{kind}/{name}/{key}"]
            torch.testing.assert_close(got, expected, rtol=0, atol=1e-6)
    assert world["answer"][f"{kind}/sentence_transformer"]["modalities"] == ["image", "text"]
    answer, family = world["answer"][f"{kind}/dual_encoder"], type(model.backbone).__name__
    assert answer["names"] == [family, family.replace("Model", "Processor")]
    if kind != "siglip":  # its scores are sigmoids there
        torch.testing.assert_close(torch.tensor(answer["scores"]), output.logits_per_image[0, :2].softmax(-1))


def test_exports_hold_no_code_and_no_pickle(world: dict[str, Any]) -> None:
    for folder in world["folders"].values():
        assert not [path for path in folder.rglob("*") if path.suffix in {".py", ".bin", ".pt", ".pth", ".pkl"}]
        for path in folder.rglob("*.json"):
            text = path.read_text()
            assert "auto_map" not in text and "mmg" not in text and "mmclip" not in text.lower(), path
        assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


def test_exports_are_fit_for_the_hub_with_a_card(world: dict[str, Any], pusher, hub) -> None:
    for name in STOCK:
        folder = world["folders"][f"altclip/{name}"]
        with pytest.raises(ValueError, match=f"no card: write it with .* --template {name}"):
            check_folder(folder)
        card = write_card(WriteCardArguments(str(folder), name, base_model="org/original", repo_id=f"org/{name}"))
        assert "exported from `org/original`" in card.read_text() or name == "sentence_transformer"
        assert check_folder(folder).kind == name
        before, ended = digest(folder), pusher.push(folder, f"org/{name}")
        assert ended.status == 0 and f"pushed to {hub.url}/org/{name} ({name}, " in ended.out, ended.err
        assert digest(folder) == before and set(hub.files("model", f"org/{name}")) == {*before, ".gitattributes"}


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_is_the_same_model_with_its_code_at_half_the_size(tmp_path: Path, kind: str) -> None:
    model, processor = tiny_mmclip(kind)
    model.config.skip_blank_patches = True
    model.save_pretrained(tmp_path / "whole")
    processor.save_pretrained(tmp_path / "whole")
    run(tmp_path / "whole", "bfloat16", tmp_path / "half")
    names, weights = (
        ({p.name for p in (tmp_path / name).iterdir()} for name in ("whole", "half")),
        load_file(tmp_path / "half" / "model.safetensors"),
    )
    assert len(set(map(frozenset, names))) == 1
    for name, value in load_file(tmp_path / "whole" / "model.safetensors").items():
        assert torch.equal(weights[name], value.to(torch.bfloat16) if value.is_floating_point() else value)
    assert json.loads((tmp_path / "half" / "config.json").read_text())["skip_blank_patches"] is True


def test_tied_heads_stay_tied_where_llava_can(world: dict[str, Any]) -> None:
    for kind in KINDS:
        weights = load_file(world["folders"][f"{kind}/llava"] / "model.safetensors")
        assert (kind != "siglip") == any("lm_head" in name for name in weights)
    config = GPT2Config(vocab_size=VOCAB_SIZE, n_embd=16, n_layer=1, n_head=2, n_positions=64, bos_token_id=0)
    llm = AutoModelForCausalLM.from_config(config)  # its embeddings have a name of their own
    model = MMGeoLMForConditionalGeneration.from_parts(tiny_mmclip()[0], llm, VOCAB_SIZE).eval()
    stock = to_llava(model)
    assert type(stock) is LlavaForConditionalGeneration and not stock.config.tie_word_embeddings
    ids = torch.arange(20)[None]
    with torch.no_grad():
        assert torch.equal(stock(input_ids=ids).logits, model(input_ids=ids).logits)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """An MMCLIP and an MMGeoLM with their processors."""
    for name, parts in (("mmclip", tiny_mmclip()), ("mmgeolm", tiny_mmgeolm())):
        for part in parts:
            part.save_pretrained(tmp_path / name)
    return tmp_path


def test_what_cannot_be_exported(folders: Path) -> None:
    with pytest.raises(ValueError, match="starts from an mmgeolm, and .* holds 'mmclip'"):
        run(folders / "mmclip", "llava", folders / "out")
    with pytest.raises(ValueError, match="is there already"):
        run(folders / "mmgeolm", "llava", folders / "mmclip")
    (folders / "adapter").mkdir()
    (folders / "adapter" / "adapter_config.json").write_text("{}")
    with pytest.raises(ValueError, match="join it with its base first"):
        run(folders / "adapter", "llava", folders / "out")
    for name, file, kind, key in (
        ("mmgeolm", "config.json", "llava", "skip_blank_patches"),
        ("mmgeolm", "processor_config.json", "llava", "drop_blank_tokens"),
        ("mmclip", "config.json", "dual_encoder", "skip_blank_patches"),
        ("mmclip", "config.json", "sentence_transformer", "skip_blank_patches"),
    ):
        path = folders / name / file
        before = path.read_text()
        path.write_text(json.dumps(json.loads(before) | {key: True}))
        with pytest.raises(ValueError, match=f"{key} is on.*Set it to false in {file}"):
            run(folders / name, kind, folders / "out")
        path.write_text(before)
    assert sorted(path.name for path in folders.iterdir()) == ["adapter", "mmclip", "mmgeolm"]


@pytest.mark.parametrize(("name", "share"), [*((name, 0.01) for name in STOCK), ("bfloat16", 1.0)])
def test_an_export_that_computes_something_else_is_not_kept(
    folders: Path, monkeypatch: pytest.MonkeyPatch, name: str, share: float
) -> None:
    def spoil(self, folder, *args, **kwargs):
        save(self, folder, *args, **kwargs)
        if ".out." in str(folder):  # the export itself, not what it is made from
            path = Path(folder) / "model.safetensors"
            weights = load_file(path)
            for value in weights.values():
                value.add_(value.flatten().roll(1).view_as(value), alpha=share)
            save_file(weights, path, {"format": "pt"})

    save = PreTrainedModel.save_pretrained
    monkeypatch.setattr(PreTrainedModel, "save_pretrained", spoil)
    with pytest.raises(ValueError, match="computes something else"):
        run(folders / FORMATS[name], name, folders / "out")
    assert sorted(path.name for path in folders.iterdir()) == ["mmclip", "mmgeolm"]
