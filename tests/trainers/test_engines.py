"""Ways to train faster or in less memory, whose losses are those of plain training: bf16, checkpointing, compiling."""

import pytest
import torch

from tests.tiny import KINDS, tiny_mmclip
from tests.trainers.making import trainer_for
from tests.trainers.processes import Recording
from tests.trainers.rows import hard_negative_row

# Ragged, and long enough that the shapes of the batches differ
ROWS = [hard_negative_row(k, k % 4, (k * 3) % 5, k % 3) for k in range(13)]
OPTIONS = {"max_steps": 4, "optim": "sgd", "learning_rate": 0.05, "max_grad_norm": 0.0, "in_batch_negatives": True}


def train(folder, kind="clip", **options):
    """A finished training with the losses of its steps, from the same start and over the same rows."""
    model = tiny_mmclip(kind)[0]
    model.config.skip_blank_patches = options.pop("skip_blank_patches", False)
    trainer = trainer_for(folder, ROWS, kind, model=model, trainer_class=Recording, **OPTIONS | options)
    trainer.train()
    return trainer


def assert_alike(one, other, **tolerance):
    assert one.losses == pytest.approx(other.losses, **tolerance)
    for name, value in one.model.named_parameters():
        torch.testing.assert_close(value, other.model.get_parameter(name), rtol=0, atol=tolerance["rel"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mini_batch_size", [None, 3])
def test_bf16_is_finite_and_close_to_float32(tmp_path, kind, mini_batch_size):
    plain = train(tmp_path, kind)
    half = train(tmp_path, kind, bf16=True, mini_batch_size=mini_batch_size)
    assert half.losses != plain.losses  # it is on
    assert_alike(half, plain, rel=2e-2)
    assert all(value.dtype == torch.float32 and value.isfinite().all() for value in half.model.parameters())


@pytest.mark.parametrize(("kind", "skip"), [*((kind, False) for kind in KINDS), ("clip", True)])
def test_gradient_checkpointing_changes_nothing(tmp_path, kind, skip):
    plain = train(tmp_path, kind, skip_blank_patches=skip)
    calls = []
    model = tiny_mmclip(kind)[0]
    model.config.skip_blank_patches = skip
    model.vision_tower.encoder.layers[0].self_attn.register_forward_pre_hook(lambda *_: calls.append(1))
    options = OPTIONS | {"gradient_checkpointing": True}
    saving = trainer_for(tmp_path, ROWS, kind, model=model, trainer_class=Recording, **options)
    saving.train()
    assert len(calls) == 2 * OPTIONS["max_steps"]  # once more on the way back
    assert_alike(saving, plain, rel=1e-6)


def test_a_compiled_model_has_the_same_losses_on_ragged_batches(tmp_path):
    torch._dynamo.reset()
    options = {"max_steps": 3}
    plain = train(tmp_path, **options)
    compiled = train(tmp_path, torch_compile=True, torch_compile_backend="aot_eager", **options)
    frames = torch._dynamo.utils.counters["frames"]
    assert 0 < frames["ok"] == frames["total"] <= 3  # whole graphs; after the second batch their shapes are symbols
    assert_alike(compiled, plain, rel=1e-5)
    torch._dynamo.reset()
