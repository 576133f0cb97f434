"""The mean of models is the mean of their weights, whatever their order, and of models of one shape alone."""

import sys

import pytest
import torch

from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor
from tests.tiny import tiny_mmclip
from trainers import average_mmclip
from trainers.average_mmclip import AverageArguments, average


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Three MMCLIPs of one shape and other weights, and one of another shape."""
    folders = [tmp_path_factory.mktemp("models") / str(i) for i in range(4)]
    parts = [tiny_mmclip(seed=seed) for seed in range(3)] + [tiny_mmclip("siglip")]
    for (model, processor), folder in zip(parts, folders, strict=True):
        for part in (model, processor):
            part.save_pretrained(folder)
    return [str(folder) for folder in folders]


def test_every_weight_is_the_mean(models, tmp_path, monkeypatch):
    monkeypatch.setattr(
        sys, "argv", ["average_mmclip", "--models", *models[:3], "--output_dir", str(tmp_path / "mean")]
    )
    average_mmclip.main()
    mean = MMCLIPModel.from_pretrained(tmp_path / "mean").state_dict()
    states = [MMCLIPModel.from_pretrained(folder).state_dict() for folder in models[:3]]
    assert mean.keys() == states[0].keys()
    for name, value in mean.items():
        expected = torch.stack([state[name] for state in states]).double().mean(0)
        torch.testing.assert_close(value.double(), expected, rtol=1e-6, atol=1e-6)
    assert any(not torch.equal(value, states[0][name]) for name, value in mean.items())
    assert len(MMCLIPProcessor.from_pretrained(tmp_path / "mean")(text=["triangle ABC"])["input_ids"]) == 1


def test_order_does_not_matter(models):
    once, again = average(models[:3]).state_dict(), average(models[2::-1]).state_dict()
    for name, value in once.items():
        torch.testing.assert_close(value, again[name], rtol=1e-6, atol=1e-6)


def test_models_of_other_shapes_are_refused(models):
    with pytest.raises(ValueError, match="3 has other weights than .*0, such as "):
        average([models[0], models[3]])


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", "b", "a"], []])
def test_models_are_two_or_more_and_differ(names):
    with pytest.raises(ValueError, match="two or more"):
        AverageArguments(names, "out")
