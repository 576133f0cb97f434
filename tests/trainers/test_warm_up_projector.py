"""The projector learns to spell what is printed, from what the drawing knows, and nothing else changes."""

import json
import sys

import numpy as np
import pytest
import torch

from modeling_mmgeo import MMGeoLMForConditionalGeneration
from tests.tiny import tiny_llm, tiny_tokenizer
from trainers import warm_up_projector
from trainers.scratch import ScratchConfig, scratch_mmclip
from trainers.warm_up_figures import WarmUpFigures, wordings
from trainers.warm_up_projector import SpellingArguments, Spellings

SMALL = ScratchConfig(
    image_size=96,
    vision_hidden_size=48,
    vision_layers=2,
    vision_intermediate_size=96,
    text_hidden_size=48,
    text_layers=1,
)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    root = tmp_path_factory.mktemp("parts")
    for part in scratch_mmclip(wordings(), SMALL, seed=0):
        part.save_pretrained(root / "mmclip")
    tiny_llm().save_pretrained(root / "llm")
    tiny_tokenizer(frame=False).save_pretrained(root / "llm")
    return root


def run(parts, output, monkeypatch, figures):
    options = {
        "mmclip": parts / "mmclip",
        "llm": parts / "llm",
        "num_figures": figures,
        "output_dir": output,
        "per_device_train_batch_size": 4,
        "learning_rate": 1e-2,
        "logging_steps": 1,
        "report_to": "none",
        "use_cpu": "true",
    }
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    monkeypatch.setattr(sys, "argv", ["warm_up_projector", *arguments])
    warm_up_projector.main()
    return MMGeoLMForConditionalGeneration.from_pretrained(output)


def test_the_projector_alone_learns(parts, tmp_path, monkeypatch):
    before = run(parts, tmp_path / "short", monkeypatch, 4).state_dict()
    after = run(parts, tmp_path / "long", monkeypatch, 120).state_dict()
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert moved and all("multi_modal_projector" in name for name in moved)
    log = json.loads((tmp_path / "long" / "trainer_state.json").read_text())["log_history"]
    losses = [entry["loss"] for entry in log if "loss" in entry]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_figures_are_no_others_and_always_the_same():
    figures = WarmUpFigures(4, 96, 16, seed=0)
    first, second = (Spellings(figures)[1] for _ in range(2))
    assert torch.equal(first["spelling"], second["spelling"]) and first["image"] == second["image"]
    assert not np.array_equal(np.asarray(first["image"]), figures[1]["image"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model_name_or_path": "lmm"}, "parts to join"),
        ({"mmclip": "m"}, "parts to join"),
        ({"mmclip": "m", "llm": "l", "use_peft": True}, "takes no part"),
        ({"mmclip": "m", "llm": "l", "num_figures": 0}, "num_figures"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SpellingArguments(**options)
