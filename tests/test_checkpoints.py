"""The committed checkpoints load as a user loads them, carry this package's code, and say only what was measured."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file
from transformers import AutoModel, AutoProcessor

from data_scripts.diagram.caption import caption
from data_scripts.diagram.drawing import Style, lay_out, rasterise
from data_scripts.sources import procedural
from evaluation.results import weights_fingerprint
from model_cards.folder_check import check_folder

ROOT = Path(__file__).parents[1]
TINY = ROOT / "checkpoints" / "mmclip-tiny"
MOST = 12 * 2**20  # bytes

FRESH = """
import sys
from transformers import AutoModel, AutoProcessor
model = AutoModel.from_pretrained(sys.argv[1], trust_remote_code=True)
processor = AutoProcessor.from_pretrained(sys.argv[1], trust_remote_code=True)
assert "modeling_mmgeo" not in sys.modules, "the checkpoint brings its own code"
inputs = processor(text=["triangle ABC"], return_tensors="pt")
print(model.get_text_features(**inputs).pooler_output.shape[-1])
"""


def test_the_folder_is_small_whole_and_in_bfloat16():
    files = [p for p in TINY.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) <= MOST
    check_folder(TINY)
    weights = load_file(TINY / "model.safetensors")
    assert {value.dtype for value in weights.values() if value.is_floating_point()} == {torch.bfloat16}


def test_its_code_is_this_packages_code():
    for path in TINY.glob("*.py"):
        own = ROOT / "modeling_mmgeo" / path.name
        assert path.read_bytes() == own.read_bytes(), f"copy {own} to {path}: they must not part"


def test_it_loads_without_the_package(tmp_path):
    child = subprocess.run(
        [sys.executable, "-P", "-c", FRESH, str(TINY)],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert child.returncode == 0, child.stderr[-2000:]
    size = json.loads((TINY / "config.json").read_text())["backbone_config"]["projection_dim"]
    assert int(child.stdout.split()[-1]) == size


def test_its_card_states_its_own_measured_figures():
    results = json.loads((TINY / "exam.json").read_text())
    assert results["model_fingerprint"] == weights_fingerprint(TINY)
    card = ModelCard.load(TINY / "README.md")
    stated = {round(result.metric_value, 4) for result in card.data.eval_results}
    measured = {round(entry["accuracy"] * scale, 4) for entry in results["entries"] for scale in (1, 100)}
    assert stated and stated <= measured


@torch.inference_mode()
def test_it_tells_a_figure_from_other_figures():
    rng = np.random.default_rng(99)
    model, processor = AutoModel.from_pretrained(TINY).float(), AutoProcessor.from_pretrained(TINY)
    images, captions = [], []
    for family in list(procedural.FAMILIES)[:12]:
        diagram = procedural.draw_program(family, rng).diagram
        images.append(rasterise(lay_out(diagram, Style.draw(rng, 112))).convert("RGB"))
        captions.append(caption(diagram.facts, seed=0))
    inputs = processor(text=captions, images=images, return_tensors="pt", padding=True, truncation=True)
    right = model(**inputs).logits_per_image.argmax(1) == torch.arange(12)
    assert right.float().mean() > 4 / 12  # chance is one in twelve
