"""What is pushed arrives: loaded by a fresh process that has the Hub's libraries and not this package."""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file

from model_cards.folder_check import check_folder
from tests.model_cards.folders import CONFIGS, SPLITS, config_rows, digest, model_folders, row_ids, rows_folder

CAPTIONS = ["triangle ABC is right", "a square ABCD", "the radius of circle O is 5"]
MESSAGES = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Find x"}]}]
SHARPER = 0.5  # by which the newer version of a model differs
MODELS = ("mmclip", "mmclip-later", "mmgeolm", "adapter", "processor")


def model_repositories(folder: Path) -> dict[str, Any]:
    """The tiny models, and mmclip twice more with later code, the second time with other weights, too."""
    saved = model_folders(folder)
    for name in ("mmclip-later", "mmclip-newer"):
        shutil.copytree(folder / "mmclip", folder / name)
        code = folder / name / "modeling_mmclip.py"
        code.write_text(code.read_text(encoding="utf-8") + "\nCODE_VERSION = 2\n", encoding="utf-8")
    newer = folder / "mmclip-newer" / "model.safetensors"
    weights = load_file(newer)
    (scale,) = (name for name in weights if name.endswith("logit_scale"))
    save_file(weights | {scale: weights[scale] - SHARPER}, newer, metadata={"format": "pt"})
    return saved


@pytest.fixture(scope="module")
def world(pusher, hub, fresh_environment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Everything pushed, the data set in two versions, and what the user's process made of it."""
    folder = tmp_path_factory.mktemp("world")
    saved = model_repositories(folder)
    folders = {f"org/{name}": folder / name for name in MODELS}
    older, newer = rows_folder(folder / "rows-1", version=1), rows_folder(folder / "rows-2", version=2)
    before = digest(folder)
    ended = {name: pusher.push(path, name) for name, path in folders.items()}
    ended["older"] = pusher.push(older, "org/rows")
    revision = hub.repositories["dataset", "org/rows"].branches["main"]
    ended["newer"] = pusher.push(newer, "org/rows")
    ended["branch"] = pusher.push(older, "org/rows", "--revision", "next")
    ended["model"] = pusher.push(folder / "mmclip", "org/versions")
    older_model = hub.repositories["model", "org/versions"].branches["main"]
    ended["newer model"] = pusher.push(folder / "mmclip-newer", "org/versions")
    ended["datasets"] = pusher.send(folder=str(newer), repo_id="org/by-datasets", configs=list(CONFIGS))
    assert {name: one.err for name, one in ended.items() if one.status} == {}
    assert digest(folder) == before

    figure = Image.new("RGB", (40, 40), "white")
    ImageDraw.Draw(figure).polygon([(5, 35), (35, 35), (5, 5)], outline="black", width=2)
    figure.save(folder / "figure.png")
    request = {
        "revision": revision,
        "model_revision": older_model,
        "configs": CONFIGS,
        "captions": CAPTIONS,
        "messages": MESSAGES,
    }
    request |= {name: str(folder / name) for name in ("answer", "tensors")} | {"figure": str(folder / "figure.png")}
    (folder / "request.json").write_text(json.dumps(request))
    (folder / "elsewhere").mkdir()
    child = subprocess.run(
        [sys.executable, "-P", str(Path(__file__).with_name("loading_process.py")), str(folder / "request.json")],
        cwd=folder / "elsewhere",
        env=fresh_environment("user"),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert child.returncode == 0, child.stderr[-4000:]
    found = {"answer": json.loads((folder / "answer").read_text()), "tensors": load_file(folder / "tensors")}
    return {"saved": saved, "figure": figure, "folders": folders, "ended": ended, **found}


def test_the_user_had_no_package(world: dict[str, Any]) -> None:
    assert world["answer"]["modules"] == []
    models = world["answer"]["models"]
    names = ["MMCLIPProcessor", "MMCLIPModel", "MMGeoLMProcessor", "MMGeoLMForConditionalGeneration"]
    assert (models["classes"], models["labels"], models["said"]) == (names, 3, True)


def test_repositories_hold_the_folders(world: dict[str, Any], hub) -> None:
    for name, folder in world["folders"].items():
        files = check_folder(folder).files
        pushed = hub.files("model", name)
        assert set(pushed) == {*files, ".gitattributes"}
        assert all(pushed[file] == (folder / file).read_bytes() for file in files)
        assert f"pushed to {hub.url}/{name} (" in world["ended"][name].out
        assert hub.repositories["model", name].branches["main"] in world["ended"][name].out


def test_mmclip_computes_the_same(world: dict[str, Any]) -> None:
    model, processor = world["saved"]["mmclip"]
    with torch.no_grad():
        logits = model(**processor(text=CAPTIONS, images=[world["figure"]])).logits_per_image
    for name in ("mmclip", "alone", "later", "pinned"):
        torch.testing.assert_close(world["tensors"][name], logits, rtol=1e-5, atol=1e-5)
    newer = logits * math.exp(-SHARPER)
    torch.testing.assert_close(world["tensors"]["newest"], newer, rtol=1e-5, atol=1e-5)
    assert world["answer"]["models"]["code"] == [1, 2, 1, 2]  # each repository and revision runs its own code


def test_mmgeolm_and_its_adapter_compute_the_same(world: dict[str, Any]) -> None:
    model, processor = world["saved"]["mmgeolm"]
    (adapted,) = world["saved"]["adapter"]
    text = processor.apply_chat_template(MESSAGES, add_generation_prompt=True)
    inputs = processor(images=world["figure"], text=text, return_tensors="pt")
    with torch.no_grad():
        logits, changed = model(**inputs).logits, adapted(**inputs).logits
    torch.testing.assert_close(world["tensors"]["mmgeolm"], logits, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(world["tensors"]["adapter"], changed, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(logits, changed)


def expected_rows(config: str, split: str, version: int) -> dict[str, Any]:
    rows = config_rows(config, split, version)
    return {
        "ids": row_ids(split, version),
        "captions": rows["caption"],
        "sizes": [[24, 24]] * SPLITS[split],
        "negatives": [len(images) for images in rows["negative_images"]],
    }


@pytest.mark.parametrize("name", ["org/rows", "org/by-datasets"])
def test_rows_arrive_plain_and_streamed(world: dict[str, Any], name: str) -> None:
    rows = world["answer"]["rows"]
    for config in CONFIGS:
        assert rows[f"{name} {config}"] == {split: expected_rows(config, split, 2) for split in SPLITS}
        assert rows[f"{name} {config} streamed"] == expected_rows(config, "train", 2)
    assert rows[f"{name} default"] == expected_rows(CONFIGS[0], "train", 2)


def test_an_older_version_stays_reachable(world: dict[str, Any], hub) -> None:
    older = expected_rows("letters_only", "train", 1)
    assert world["answer"]["rows"]["pinned"] == older
    assert world["answer"]["rows"]["branch"] == older
    parquet = [file for file in hub.files("dataset", "org/rows") if file.endswith(".parquet")]
    assert len(parquet) == len(CONFIGS) * len(SPLITS)  # those of the older version are gone from the branch
    assert "4 of an older version removed" in world["ended"]["newer"].out
    assert hub.repositories["dataset", "org/rows"].messages == ["initial commit", *["Push dataset"] * 3]


def test_nothing_pickled_was_pushed(world: dict[str, Any], hub) -> None:
    weights = {Path(file).suffix for name in world["folders"] for file in hub.files("model", name)}
    assert ".safetensors" in weights and not weights & {".bin", ".pt", ".pth", ".pkl"}
