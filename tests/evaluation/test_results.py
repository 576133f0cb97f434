"""Result files are whole, intervals cover, and weights are told apart."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from evaluation.results import bootstrap_interval, library_versions, weights_fingerprint, write_json
from trainers.adapter_parts import AdapterParts, write_parts


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "result.json"
    write_json(path, {"accuracy": 0.5, "name": "△ABC"})
    with pytest.raises(ValueError):
        write_json(path, {"accuracy": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8")) == {"accuracy": 0.5, "name": "△ABC"}
    assert [file.name for file in path.parent.iterdir()] == ["result.json"]


def test_interval_is_seeded_and_close_to_the_normal_one():
    hits = [1.0] * 120 + [0.0] * 280
    low, high = bootstrap_interval(hits, np.random.default_rng(0))
    assert (low, high) == bootstrap_interval(hits, np.random.default_rng(0))
    half = 1.96 * np.sqrt(0.3 * 0.7 / 400)
    assert low == pytest.approx(0.3 - half, abs=0.01) and high == pytest.approx(0.3 + half, abs=0.01)


def test_interval_resamples_anchors_not_pairs():
    """Ten pairs that stand or fall together say no more than one: the interval stays as wide as over anchors."""
    clustered = bootstrap_interval([10.0] * 20 + [0.0] * 20, np.random.default_rng(0), [10.0] * 40)
    anchors = bootstrap_interval([1.0] * 20 + [0.0] * 20, np.random.default_rng(0))
    assert clustered == pytest.approx(anchors)


def test_interval_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_interval([], np.random.default_rng(0))


def test_fingerprint_follows_the_weights_not_the_path(tmp_path):
    for name, value in (("a", 1.0), ("b", 1.0), ("c", 2.0)):
        (tmp_path / name).mkdir()
        save_file({"weight": torch.full((4, 4), value)}, tmp_path / name / "model.safetensors")
    a, b, c = (weights_fingerprint(str(tmp_path / name)) for name in "abc")
    assert a == b != c
    assert weights_fingerprint("org/name") is None


def test_fingerprint_sees_what_is_trained_between_frozen_ends(tmp_path):
    frozen = {"a.embed_tokens": torch.zeros(2**19), "z.vision_tower": torch.zeros(2**19)}  # two mebibytes each
    seen = set()
    for value in (1.0, 2.0):  # into the same folder, as training anew does
        save_file(frozen | {"m.projector": torch.full((4, 4), value)}, tmp_path / "model.safetensors")
        seen.add(weights_fingerprint(str(tmp_path)))
    assert len(seen) == 2


def test_fingerprint_of_an_adapter_covers_the_tower_beside_it(tmp_path):
    adapter, tower = tmp_path / "adapter", tmp_path / "mmclip"
    adapter.mkdir(), tower.mkdir()
    save_file({"lora_A": torch.ones(2, 2)}, adapter / "adapter_model.safetensors")
    write_parts(adapter, AdapterParts("mmclip", "org/llm"))
    seen = {weights_fingerprint(str(adapter))}
    for value in (1.0, 2.0):
        save_file({"weight": torch.full((4, 4), value)}, tower / "model.safetensors")
        seen.add(weights_fingerprint(str(adapter)))
    assert len(seen) == 3


def test_versions_name_torch():
    assert library_versions()["torch"] == torch.__version__
