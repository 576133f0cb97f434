"""Blank-patch skipping: what is kept, and that it is encoded as the stock tower would with the rest masked."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModel, Siglip2Config

from modeling_mmgeo import MMCLIPConfig, MMCLIPModel, MMGeoLMConfig
from modeling_mmgeo.blank_patches import choose_patches, encode_patches, find_inked_patches, spread_rank
from tests.tiny import (
    IMAGE_SIZE,
    KINDS,
    NUM_PATCHES,
    PATCH_SIZE,
    tiny_clip_config,
    tiny_mmclip,
)

GRID = IMAGE_SIZE // PATCH_SIZE
WHITE = 1.9
OWNER = torch.tensor([0, 0])


def noise(count: int, seed: int = 0) -> torch.Tensor:
    """Images without a blank patch."""
    return torch.randn(count, 3, IMAGE_SIZE, IMAGE_SIZE, generator=torch.Generator().manual_seed(seed))


def figures() -> tuple[torch.Tensor, torch.Tensor]:
    """Images on white paper and which of their patches are inked: 1, 0, 7, all but one corner's, and 3."""
    inked = torch.zeros(5, NUM_PATCHES, dtype=torch.bool)
    inked[0, 9] = True
    inked[2, [1, 2, 5, 6, 8, 11, 14]] = True
    inked[3, 1:] = True
    inked[4, [6, 7, 10]] = True
    pixels = inked.view(-1, 1, GRID, GRID).repeat_interleave(PATCH_SIZE, 2).repeat_interleave(PATCH_SIZE, 3)
    images = torch.where(pixels, noise(5), torch.tensor(WHITE))
    for row, column in ((0, 0), (0, -1), (-1, 0)):  # so that ink at a corner is not taken for the paper
        images[3, :, row, column] = WHITE
    return images, inked


def skipping(kind: str, min_patches: int = 1, **changes: object) -> MMCLIPModel:
    model, _ = tiny_mmclip(kind)
    for name, value in ({"skip_blank_patches": True, "min_patches": min_patches} | changes).items():
        setattr(model.config, name, value)
    return model


def masked_stock(model: MMCLIPModel, images: torch.Tensor, kept: torch.Tensor) -> tuple[tuple, torch.Tensor]:
    """Hidden states and projected embeddings of the stock tower when no token may attend to a patch not kept."""
    tower = model.vision_tower
    mask = torch.nn.functional.pad(kept, (model.config.num_additional_image_tokens, 0), value=True)
    bias = torch.zeros(mask.shape).masked_fill(~mask, torch.finfo().min)[:, None, None]
    output = tower(images, attention_mask=bias, output_hidden_states=True)
    hidden = tuple(state * mask[..., None] for state in (*output.hidden_states, output.last_hidden_state))
    if hasattr(model.backbone, "visual_projection"):
        return hidden, model.backbone.visual_projection(output.pooler_output)
    head, last = tower.head, output.last_hidden_state
    probe = head.probe.repeat(len(images), 1, 1)
    pooled = head.attention(probe, last, last, key_padding_mask=~mask)[0]
    return hidden, (pooled + head.mlp(head.layernorm(pooled)))[:, 0]


# --- Which patches -------------------------------------------------------------------------------------------------


def test_finds_the_inked_patches() -> None:
    images, inked = figures()
    assert torch.equal(find_inked_patches(images, PATCH_SIZE, 0.05), inked)
    for dtype in (torch.bfloat16, torch.float16):
        assert torch.equal(find_inked_patches(images.to(dtype), PATCH_SIZE, 0.05), inked)


def test_paper_is_read_off_the_corners_of_each_image() -> None:
    images = torch.stack([torch.full((3, 16, 16), paper) for paper in (WHITE, -1.7, 0.3)])
    images[:, 1, 7, 9] += 0.2  # one pixel, one channel
    images[1, :, 0, 0] = 5.0  # three corners outvote one
    inked = find_inked_patches(images, PATCH_SIZE, 0.05)
    assert inked.nonzero().tolist() == [[0, 6], [1, 0], [1, 6], [2, 6]]
    assert not find_inked_patches(images[[0, 2]], PATCH_SIZE, 0.25).any()
    images[0, :, :, 8:] = 0.0  # two corners each: the top left one decides
    assert find_inked_patches(images[:1], PATCH_SIZE, 0.05)[0].view(4, 4).tolist() == [[False, False, True, True]] * 4


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    patch_size=st.integers(2, 7),
    sides=st.tuples(st.integers(7, 20), st.integers(7, 20)),
    tolerance=st.sampled_from([0.0, 0.05, 1.0]),
    seed=st.integers(0, 99),
)
def test_finds_what_a_loop_over_patches_finds(
    patch_size: int, sides: tuple[int, int], tolerance: float, seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 2, (3, 1, *sides), generator=random) * (torch.rand(3, 3, *sides, generator=random) > 0.9)
    images = images.float() * 0.5
    rows, columns = (side // patch_size for side in sides)
    found = find_inked_patches(images, patch_size, tolerance).view(3, rows, columns)
    for image, patches in zip(images, found, strict=True):
        seen = image[:, : rows * patch_size, : columns * patch_size]
        corners = [tuple(seen[:, y, x].tolist()) for y in (0, -1) for x in (0, -1)]
        alike = [
            sum(max(abs(p - q) for p, q in zip(a, b, strict=True)) <= tolerance for b in corners) for a in corners
        ]
        paper = torch.tensor(corners[alike.index(max(alike))])[:, None, None]
        for row in range(rows):
            for column in range(columns):
                y, x = row * patch_size, column * patch_size
                patch = seen[:, y : y + patch_size, x : x + patch_size]
                assert patches[row, column] == ((patch - paper).abs() > tolerance).any()


def test_what_is_no_number_is_not_taken_for_paper() -> None:
    images = torch.full((1, 3, 16, 16), WHITE)
    images[0, 0, 5, 5] = torch.nan
    assert find_inked_patches(images, PATCH_SIZE, 0.05).nonzero().tolist() == [[0, 5]]


@pytest.mark.parametrize("side", [4, 14, 16, 27])
def test_filling_lies_evenly(side: int) -> None:
    rank = spread_rank(side, side, torch.device("cpu"))
    assert sorted(rank.tolist()) == list(range(side * side))
    for count in range(8, side * side, 7):
        chosen = (rank < count).view(side, side)
        halves = (chosen[: side // 2], chosen[-(side // 2) :], chosen[:, : side // 2], chosen[:, -(side // 2) :])
        assert all(abs(half.float().mean() - chosen.float().mean()) < 0.15 for half in halves)


@pytest.mark.parametrize("min_patches", [1, 5, NUM_PATCHES, 100])
def test_no_image_keeps_fewer_than_the_floor(min_patches: int) -> None:
    images, inked = figures()
    config = MMCLIPConfig(backbone_config=tiny_clip_config("clip"), min_patches=min_patches)
    kept = choose_patches(images, config)
    assert (kept | ~inked).all()  # every inked patch is kept
    assert kept.sum(1).tolist() == [max(n, min(min_patches, NUM_PATCHES)) for n in inked.sum(1).tolist()]
    assert torch.equal(kept, choose_patches(images.clone(), config))
    assert torch.equal(kept[1], spread_rank(GRID, GRID, torch.device("cpu")) < min_patches)  # nothing drawn


# --- How they are encoded ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_off_is_the_stock_forward(kind: str) -> None:
    images = figures()[0]
    model, _ = tiny_mmclip(kind)
    assert not model.config.skip_blank_patches
    with torch.no_grad():
        expected = model.backbone.get_image_features(images, output_hidden_states=True)
        got = model.get_image_features(images, output_hidden_states=True)
        model.config.skip_blank_patches, model.config.min_patches = True, 1
        skipped = model.get_image_features(images)
        model.config.skip_blank_patches = False
        again = model.get_image_features(images)
    assert torch.equal(got.pooler_output, expected.pooler_output)
    assert torch.equal(got.last_hidden_state, expected.last_hidden_state)
    assert all(map(torch.equal, got.hidden_states, expected.hidden_states))
    assert torch.equal(again.pooler_output, expected.pooler_output)
    assert (skipped.pooler_output - expected.pooler_output).abs().max() > 1e-4  # so that these tests can fail


@pytest.mark.parametrize("kind", KINDS)
def test_without_blank_patches_on_is_off(kind: str) -> None:
    model, images = skipping(kind), noise(3)
    with torch.no_grad():
        got = model.get_image_features(images, output_hidden_states=True)
        expected = model.backbone.get_image_features(images, output_hidden_states=True)
        embeds = model(pixel_values=images).image_embeds
    torch.testing.assert_close(got.pooler_output, expected.pooler_output, rtol=0, atol=1e-6)
    torch.testing.assert_close(got.last_hidden_state, expected.last_hidden_state, rtol=0, atol=1e-6)
    assert len(got.hidden_states) == len(expected.hidden_states) == 3
    for state, other in zip(got.hidden_states, expected.hidden_states, strict=True):
        torch.testing.assert_close(state, other, rtol=0, atol=1e-6)
    torch.testing.assert_close(embeds, model.normalize(expected.pooler_output), rtol=0, atol=1e-6)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_stock_tower_with_blank_patches_masked(kind: str, attention: str) -> None:
    images, _ = figures()
    for changes in ({}, {"min_patches": 5}, {"patches_multiple_of": 6}):
        model = skipping(kind, **changes)
        model.set_attn_implementation(attention)
        assert model.vision_tower.config._attn_implementation == attention
        with torch.no_grad():
            hidden, pooled = masked_stock(model, images, choose_patches(images, model.config))
            got = model.get_image_features(images, output_hidden_states=True)
        torch.testing.assert_close(got.pooler_output, pooled, rtol=0, atol=1e-5)
        for state, expected in zip((*got.hidden_states, got.last_hidden_state), hidden, strict=True):
            torch.testing.assert_close(state, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_does_not_depend_on_its_batch(kind: str) -> None:
    model, (images, inked) = skipping(kind), figures()
    lengths = []
    model.vision_tower.encoder.layers[0].register_forward_hook(lambda _, args, __: lengths.append(args[0].shape[1]))
    with torch.no_grad():
        together = model.get_image_features(images)
        order = [3, 0, 4, 1, 2]
        shuffled = model.get_image_features(images[order])
        alone = [model.get_image_features(image[None]) for image in images]
        changed = torch.where(torch.arange(5)[:, None, None, None] == 3, noise(5, seed=1), images)
        others = model.get_image_features(changed)
    extra = model.config.num_additional_image_tokens
    assert lengths == [15 + extra, 15 + extra, *(max(1, n) + extra for n in inked.sum(1).tolist()), 16 + extra]
    for name in ("pooler_output", "last_hidden_state"):
        torch.testing.assert_close(shuffled[name], together[name][order], rtol=0, atol=1e-6)
        torch.testing.assert_close(torch.cat([x[name] for x in alone]), together[name], rtol=0, atol=1e-6)
        same = [0, 1, 2, 4]
        torch.testing.assert_close(others[name][same], together[name][same], rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_images_in_groups_of_similar_ink_are_the_same(kind: str) -> None:
    model, images = skipping(kind), figures()[0]
    lengths: list[int] = []
    model.vision_tower.encoder.register_forward_pre_hook(
        lambda _module, _args, kwargs: lengths.append(kwargs["inputs_embeds"].shape[1]), with_kwargs=True
    )

    def embed(group_size: int | None) -> tuple[torch.Tensor, torch.Tensor]:
        model.image_group_size = group_size
        lengths.clear()
        embeds = model(pixel_values=images[:3], negative_pixel_values=images[3:], negative_image_owner=OWNER)
        both = torch.cat([embeds.image_embeds, embeds.negative_image_embeds])
        weight = model.vision_tower.embeddings.patch_embedding.weight
        return both, torch.autograd.grad(both[:, 0].square().sum(), weight)[0]

    expected, gradient = embed(None)
    (padded,) = lengths
    for size in (1, 2, 4, 5):
        embeds, one = embed(size)
        torch.testing.assert_close(embeds, expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(one, gradient, rtol=1e-4, atol=1e-5)
        assert len(lengths) == -(-len(images) // size)
        assert max(lengths) == padded and (size == 5 or min(lengths) < padded)


@pytest.mark.parametrize("kind", KINDS)
def test_blank_and_nearly_blank_images(kind: str) -> None:
    model = skipping(kind)
    images = torch.full((3, 3, IMAGE_SIZE, IMAGE_SIZE), WHITE)
    images[1, :, 9, 3] = -1.0  # one pixel
    images[2] = -1.7  # blank as well, on black
    with torch.no_grad():
        output = model.get_image_features(images)
    extra = model.config.num_additional_image_tokens
    assert output.last_hidden_state.shape == (3, NUM_PATCHES + extra, 16)
    assert output.last_hidden_state[:, extra:].any(-1).sum(1).tolist() == [1, 1, 1]
    assert output.last_hidden_state[1, extra + 8].any()  # the patch with the pixel
    assert output.pooler_output.isfinite().all()
    assert len({tuple(row) for row in output.pooler_output.tolist()}) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_what_they_reach_in_the_stock_tower(kind: str) -> None:
    images, _ = figures()
    gradients = []
    for model, checkpointing in ((tiny_mmclip(kind)[0], False), (skipping(kind), False), (skipping(kind), True)):
        model.train()
        if checkpointing:
            model.gradient_checkpointing_enable()
        weights = torch.linspace(-1, 1, 5)[:, None]
        (model.get_image_features(images).pooler_output * weights).pow(2).sum().backward()
        gradients.append({n: p.grad for n, p in model.named_parameters()})
    stock, plain, checkpointed = gradients
    assert {n for n, g in stock.items() if g is not None} == {n for n, g in plain.items() if g is not None}
    assert sum(g is not None for g in plain.values()) > 20
    for name, gradient in plain.items():
        if gradient is not None:
            torch.testing.assert_close(checkpointed[name], gradient, rtol=1e-5, atol=1e-7)
            assert gradient.isfinite().all()
            assert gradient.any() == stock[name].any(), name


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_equal_those_with_blank_patches_masked(kind: str) -> None:
    images, _ = figures()
    model, reference = skipping(kind), skipping(kind)
    model.get_image_features(images).pooler_output.pow(2).sum().backward()
    masked_stock(reference, images, choose_patches(images, reference.config))[1].pow(2).sum().backward()
    for (name, got), expected in zip(model.named_parameters(), reference.parameters(), strict=True):
        assert (got.grad is None) == (expected.grad is None), name
        if got.grad is not None:
            torch.testing.assert_close(got.grad, expected.grad, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", KINDS)
def test_half_precision(kind: str, attention: str) -> None:
    images, _ = figures()
    model = skipping(kind)
    model.set_attn_implementation(attention)
    exact = model.get_image_features(images).pooler_output
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model.get_image_features(images).pooler_output
    mixed.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
    half = model.bfloat16().get_image_features(images.bfloat16()).pooler_output
    assert half.dtype == torch.bfloat16
    for other in (mixed, half):
        assert (other.float() - exact).norm() < 0.03 * exact.norm()


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_another_size(kind: str) -> None:
    model = skipping(kind)
    images = torch.randn(2, 3, 24, 20)
    with torch.no_grad():
        got = model.get_image_features(images, interpolate_pos_encoding=True)
        expected = model.backbone.get_image_features(images, interpolate_pos_encoding=True)
    torch.testing.assert_close(got.pooler_output, expected.pooler_output, rtol=0, atol=1e-6)
    with pytest.raises((ValueError, RuntimeError)):  # as the stock tower
        model.get_image_features(images)


def test_a_tower_without_pooling_head() -> None:
    config = tiny_clip_config("siglip")
    config.vision_config.vision_use_head = False
    tower = AutoModel.from_config(config.vision_config).eval()
    images, inked = figures()
    output = encode_patches(tower, images[2:3], inked[2:3])
    assert output.pooler_output is None and output.last_hidden_state.any(-1).sum() == 7


def test_outputs_as_a_tuple_and_attentions_refused() -> None:
    model, (images, _) = skipping("clip"), figures()
    as_tuple = model.get_image_features(images, return_dict=False)
    assert isinstance(as_tuple, tuple) and torch.equal(as_tuple[1], model.get_image_features(images).pooler_output)
    with pytest.raises(ValueError, match="skip_blank_patches=False"):
        model.get_image_features(images, output_attentions=True)


# --- Configuration -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_patches": 0}, "min_patches must be at least 1"),
        ({"patches_multiple_of": 0}, "patches_multiple_of must be at least 1"),
        ({"blank_tolerance": -0.1}, "blank_tolerance must not be negative"),
        ({"blank_tolerance": float("nan")}, "blank_tolerance must not be negative"),
    ],
)
def test_fields_out_of_range_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MMCLIPConfig(backbone_config=tiny_clip_config("clip"), **changes)
    with pytest.raises(ValueError, match=message):
        MMGeoLMConfig(**changes)
    with pytest.raises(ValueError, match=message):
        skipping("clip", **changes).get_image_features(figures()[0])


def test_other_towers_are_refused() -> None:
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    tower = {**sizes, "num_patches": 16, "patch_size": 4}
    siglip2 = Siglip2Config(text_config={**sizes, "vocab_size": 9, "projection_size": 8}, vision_config=tower)
    assert not MMCLIPConfig(backbone_config=siglip2).skip_blank_patches
    with pytest.raises(ValueError, match="siglip2_vision_model"):
        MMCLIPConfig(backbone_config=siglip2, skip_blank_patches=True)


def test_saved_and_loaded(tmp_path: Path) -> None:
    model, (images, _) = skipping("altclip", min_patches=3, blank_tolerance=0.1, patches_multiple_of=4), figures()
    stock = set(tiny_mmclip("altclip")[0].state_dict())
    model.save_pretrained(tmp_path)
    assert set(model.state_dict()) == stock
    assert (tmp_path / "blank_patches.py").exists()  # the code travels
    loaded = MMCLIPModel.from_pretrained(tmp_path)
    for name in ("skip_blank_patches", "min_patches", "blank_tolerance", "patches_multiple_of"):
        assert getattr(loaded.config, name) == getattr(model.config, name), name
    assert torch.equal(loaded.get_image_features(images)[1], model.get_image_features(images)[1])
    off = MMCLIPModel.from_pretrained(tmp_path, skip_blank_patches=False)
    assert torch.equal(off.get_image_features(images)[1], model.backbone.get_image_features(images)[1])
