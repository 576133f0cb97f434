"""Gradients in mini-batches against plain ones."""

import pytest
import torch

from modeling_mmgeo import MMCLIPModel
from tests.tiny import KINDS, tiny_clip_config, tiny_mmclip
from tests.trainers.making import trainer_for
from tests.trainers.processes import train_in
from tests.trainers.rows import hard_negative_row
from trainers.collators import HardNegativeCollator
from trainers.embedded_batch import BatchLayout
from trainers.gradient_cache import backward_in_mini_batches, mini_batches

# Rows without negatives, and with one kind only
ROWS = [hard_negative_row(0, 0, 0, 0), hard_negative_row(1, 3, 2, 0), hard_negative_row(2, 2, 0, 0)]
ROWS += [hard_negative_row(3, 0, 3, 2), hard_negative_row(4, 1, 1, 1)]


def batch_of(kind, rows=ROWS):
    """Layout and inputs, in float64."""
    layout, inputs = BatchLayout.split(HardNegativeCollator(tiny_mmclip(kind)[1])(rows))
    return layout, {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}


def contrast_with(layout, loss_type="softmax"):
    """The loss as a function of the embeddings, with everything switched on."""
    options = {"in_batch_negatives": True, "share_hard_negatives": True, "loss_type": loss_type}
    return lambda images, texts, scale, bias: layout.embedded(images, texts).loss(scale, bias, **options).loss


def gradients(model):
    """Of every parameter, and none afterwards."""
    found = {name: value.grad for name, value in model.named_parameters() if value.grad is not None}
    model.zero_grad()
    return found


@pytest.mark.parametrize("size", [1, 2, 4, 100])
@pytest.mark.parametrize(
    ("kind", "loss_type"), [*((kind, "softmax") for kind in KINDS), ("siglip", "sigmoid")], ids=str
)
def test_equals_plain_gradients(kind, loss_type, size):
    model = tiny_mmclip(kind)[0].double().train()
    layout, inputs = batch_of(kind)
    contrast = contrast_with(layout, loss_type)
    outputs = model(**inputs)
    expected = contrast(outputs.image_embeds, outputs.text_embeds, outputs.logit_scale, outputs.logit_bias)
    expected.backward()
    plain = gradients(model)
    loss = backward_in_mini_batches(model, inputs, size, contrast)
    cached = gradients(model)
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-12, atol=1e-12)
    assert set(plain) <= set(cached)  # a softmax leaves the bias out, here it gets zeros
    for name, value in cached.items():
        torch.testing.assert_close(value, plain.get(name, torch.zeros_like(value)), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("checkpointing", [False, True], ids=["", "checkpointing"])
def test_dropout_is_replayed(kind, checkpointing):
    config = tiny_clip_config(kind)
    for tower in (config.text_config, config.vision_config):
        for name in ("attention_dropout", "hidden_dropout_prob", "attention_probs_dropout_prob"):
            if hasattr(tower, name):
                setattr(tower, name, 0.4)
    torch.manual_seed(0)
    model = MMCLIPModel.from_backbone(config).double().train()
    if checkpointing:
        model.gradient_checkpointing_enable()
    layout, inputs = batch_of(kind)
    contrast = contrast_with(layout)
    # One graph over the same mini-batches, drawing from the same seed
    torch.manual_seed(7)
    outputs = [model(**batch) for batch in mini_batches(inputs, 3)]
    images = torch.cat([part.image_embeds for part in outputs if part.image_embeds is not None])
    texts = torch.cat([part.text_embeds for part in outputs if part.text_embeds is not None])
    expected = contrast(images, texts, outputs[-1].logit_scale, outputs[-1].logit_bias)
    expected.backward()
    after, plain = torch.get_rng_state(), gradients(model)
    torch.manual_seed(7)
    loss = backward_in_mini_batches(model, inputs, 3, contrast)
    assert torch.equal(loss, expected.detach())
    assert torch.equal(torch.get_rng_state(), after)  # the second passes leave no trace
    cached = gradients(model)
    for name, value in plain.items():
        torch.testing.assert_close(cached[name], value, rtol=1e-9, atol=1e-12)
    torch.manual_seed(8)
    assert backward_in_mini_batches(model, inputs, 3, contrast) != loss


def test_mini_batches_keep_every_row_and_end_with_both_kinds():
    inputs = {"input_ids": torch.arange(3)[:, None], "attention_mask": torch.arange(3)[:, None] + 10}
    inputs["pixel_values"] = torch.arange(7)[:, None]
    batches = mini_batches(inputs, 2)
    assert [sorted(batch) for batch in batches] == [["pixel_values"]] * 2 + [sorted(inputs)] * 2
    for name, value in inputs.items():
        assert torch.equal(torch.cat([batch[name] for batch in batches if name in batch]), value)


@pytest.mark.parametrize("frozen", ["vision", "text"])
def test_a_frozen_tower_gets_no_gradient(frozen):
    model = tiny_mmclip("clip")[0].double()
    for name, value in model.named_parameters():
        value.requires_grad_(
            f"{frozen}_model" not in name and ("visual" if frozen == "vision" else "text_p") not in name
        )
    layout, inputs = batch_of("clip")
    backward_in_mini_batches(model, inputs, 2, contrast_with(layout))
    found = gradients(model)
    assert set(found) == {name for name, value in model.named_parameters() if value.requires_grad}
    assert len(found) > 10


def test_autocast_is_kept_in_both_passes():
    model = tiny_mmclip("clip")[0]
    layout, inputs = batch_of("clip")
    inputs = {k: v.float() if v.is_floating_point() else v for k, v in inputs.items()}
    seen = []
    model.backbone.visual_projection.register_forward_hook(lambda _module, _args, output: seen.append(output.dtype))

    def autocast(**batch):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return model(**batch)

    backward_in_mini_batches(autocast, inputs, 4, contrast_with(layout))
    found = gradients(model)
    assert set(seen) == {torch.bfloat16} and all(torch.isfinite(value).all() for value in found.values())
    backward_in_mini_batches(model, inputs, 4, contrast_with(layout))
    exact = gradients(model)
    name = "backbone.visual_projection.weight"
    assert torch.nn.functional.cosine_similarity(found[name].flatten(), exact[name].flatten(), dim=0) > 0.99
    assert all(value.abs().sum() > 0 for key, value in found.items() if "layers.0.self_attn.q_proj.weight" in key)


def test_the_trainer_goes_by_mini_batches(tmp_path):
    rows = [hard_negative_row(k, 2, 2, 1) for k in range(4)]  # twelve images
    trainer, seen = trainer_for(tmp_path, rows, mini_batch_size=3), []
    trainer.model.vision_tower.register_forward_pre_hook(
        lambda _, args, inputs: seen.append((len(inputs["pixel_values"]), torch.is_grad_enabled())), with_kwargs=True
    )
    trainer.train()
    assert seen == [(3, False)] * 4 + [(3, True)] * 4


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("clip", {"in_batch_negatives": True, "gradient_accumulation_steps": 2}),
        ("siglip", {"in_batch_negatives": True, "share_hard_negatives": True, "loss_type": "sigmoid"}),
        ("altclip", {"gradient_checkpointing": True}),
    ],
)
def test_training_is_the_same(tmp_path, kind, options, processes):
    plain = train_in(tmp_path / "plain", processes, kind, **options)
    cached = train_in(tmp_path / "cached", processes, kind, mini_batch_size=3, **options)
    torch.testing.assert_close(torch.tensor(plain[0]), torch.tensor(cached[0]), rtol=1e-6, atol=1e-6)
    for name, value in plain[2].items():
        torch.testing.assert_close(value, cached[2][name], rtol=1e-6, atol=1e-6)
