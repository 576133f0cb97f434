"""An MMCLIP grows: it knows what it knew, sees larger images, and its new layers learn."""

import sys

import pytest
import torch

from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor
from tests.tiny import tiny_mmclip
from tests.trainers.rows import draw
from trainers import grow_mmclip
from trainers.grow_mmclip import GrowArguments, grow
from trainers.scratch import ScratchConfig, place_embeddings, scratch_mmclip

SMALL = ScratchConfig(
    image_size=32,
    patch_size=8,
    vision_hidden_size=24,
    vision_layers=2,
    vision_intermediate_size=48,
    text_hidden_size=24,
    text_layers=1,
    text_intermediate_size=48,
    projection_size=16,
    max_text_length=40,
)


@pytest.fixture(scope="module")
def parts():
    """An MMCLIP all of whose weights are random, as trained ones are, and its processor."""
    model, processor = scratch_mmclip(["a square ABCD"], SMALL)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    return model.eval(), processor


@pytest.fixture(scope="module")
def pixels():
    return torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_more_layers_change_nothing_until_they_learn(parts, pixels):
    model, _ = parts
    grown = grow(model, vision_layers=5).eval()
    assert len(grown.vision_tower.encoder.layers) == 5 and len(model.vision_tower.encoder.layers) == 2
    old, new = (m.get_image_features(pixels, output_hidden_states=True) for m in (model, grown))
    assert torch.equal(old.pooler_output, new.pooler_output)
    assert torch.equal(old.hidden_states[-2], new.hidden_states[-2])  # what a language model sees
    ids = torch.tensor([[1, 5, 9, 2]])
    assert torch.equal(model.get_text_features(ids).pooler_output, grown.get_text_features(ids).pooler_output)


def test_new_layers_learn(parts, pixels):
    grown = grow(parts[0], vision_layers=4)
    optimizer = torch.optim.SGD(grown.parameters(), lr=0.1)
    for _ in range(2):  # first what they write into the sum, then what they make it of
        optimizer.zero_grad()
        grown.get_image_features(pixels).pooler_output.square().sum().backward()
        optimizer.step()
    added = grown.vision_tower.encoder.layers[1:3]
    assert all(weight.grad.abs().sum() > 0 for weight in added.parameters() if weight.ndim > 1)


@torch.no_grad()
def test_larger_images_have_places_between_those_known(parts):
    model, _ = parts
    grown = grow(model, image_size=64)
    old, new = (m.vision_tower.embeddings.position_embedding.weight for m in (model, grown))
    assert new.shape == (1 + 64, 24) and torch.equal(old[0], new[0])
    assert grown.get_image_features(torch.zeros(1, 3, 64, 64)).pooler_output.shape == (1, 16)
    # A place is the mean of the four that come of it, but for what interpolation smooths: slow waves stay.
    model = scratch_mmclip(["a square"], SMALL)[0]
    between = grow(model, image_size=64).vision_tower.embeddings.position_embedding.weight[1:].view(8, 8, 24)
    found = between[2:6, 2:6].reshape(2, 2, 2, 2, 24).mean((1, 3))
    slow = [3, 4, 5, 9, 10, 11, 15, 16, 17, 21, 22, 23]  # of sines and cosines, over rows and columns
    expected = place_embeddings(4, 24).view(4, 4, 24)[1:3, 1:3]
    torch.testing.assert_close(found[..., slow], expected[..., slow], rtol=0, atol=0.05)


def test_the_old_model_and_the_random_state_stay(parts):
    model, _ = parts
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.random.get_rng_state()
    first, second = (grow(model, 40, 3, seed=7).state_dict() for _ in range(2))
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    other = grow(model, 40, 3, seed=8).state_dict()
    assert any(not torch.equal(value, other[name]) for name, value in first.items())


def test_the_command_leaves_a_model_and_a_processor_of_one_size(parts, tmp_path, monkeypatch):
    for part in parts:
        part.save_pretrained(tmp_path / "small")
    options = ["--image_size", "48", "--vision_layers", "3", "--output_dir", str(tmp_path / "grown")]
    monkeypatch.setattr(sys, "argv", ["grow_mmclip", "--model", str(tmp_path / "small"), *options])
    grow_mmclip.main()
    model = MMCLIPModel.from_pretrained(tmp_path / "grown").eval()
    batch = MMCLIPProcessor.from_pretrained(tmp_path / "grown")(images=[draw("square", 3)], text=["a square"])
    assert batch["pixel_values"].shape == (1, 3, 48, 48)
    assert model(**batch).logits_per_image.isfinite().all() and model.vision_tower.config.num_hidden_layers == 3


@pytest.mark.parametrize(("size", "layers"), [(36, None), (24, None), (0, None), (None, 1), (None, 0)])
def test_what_cannot_be_grown_is_refused(parts, size, layers):
    with pytest.raises(ValueError, match="at least 32 and 2.*multiple of 8"):
        grow(parts[0], size, layers)


def test_other_families_are_refused():
    with pytest.raises(ValueError, match="siglip: only a CLIP"):
        grow(tiny_mmclip("siglip")[0])
    with pytest.raises(ValueError, match="seed"):
        GrowArguments("m", "o", seed=-1)
