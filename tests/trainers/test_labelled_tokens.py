"""Leaving unlabelled tokens out before the head: the same loss, gradients and metrics as TRL's, for fewer tokens."""

import pytest
import torch
from peft import LoraConfig

from tests.tiny import tiny_mmgeolm
from tests.trainers.rows import questions
from trainers.answer_collator import IGNORED
from trainers.labelled_tokens import LabelledTokens
from trainers.mmgeolm_config import LANGUAGE_LAYERS, StageConfig
from trainers.train_mmgeolm import make_trainer


def trainer_for(folder, lora=False, **options):
    model, processor = tiny_mmgeolm()
    args = StageConfig(output_dir=str(folder), use_cpu=True, report_to="none", **options)
    adapter = LoraConfig(task_type="CAUSAL_LM", target_modules=LANGUAGE_LAYERS) if lora else None
    return make_trainer(model, processor, args, questions(6), lora=adapter)


def batch_of(trainer):
    return trainer.data_collator(list(trainer.train_dataset))


def compute(trainer, compute_loss, batch, count=None):
    """Loss, gradients and metrics of one way of computing them, and the shapes of what was scored."""
    scored = []

    def model(**inputs):
        outputs = trainer.model(**inputs)
        scored.append(tuple(outputs.log_probs.shape))
        return outputs

    trainer.model.train().zero_grad()
    loss = compute_loss(model, dict(batch), num_items_in_batch=count)
    loss.backward()
    metrics = {name: values[-1] for name, values in trainer._metrics["train"].items() if name != "num_tokens"}
    gradients = {n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.grad is not None}
    return loss.detach(), gradients, metrics, scored


@pytest.mark.parametrize("lora", [False, True])
@pytest.mark.parametrize("options", [{}, {"loss_type": "dft"}, {"gradient_checkpointing": True}])
@pytest.mark.parametrize("count", [None, 1000])
def test_loss_gradients_and_metrics_are_those_of_trl(tmp_path, lora, options, count):
    trainer = trainer_for(tmp_path, lora, **options)
    trainer.model.double()
    batch = batch_of(trainer)
    batch["pixel_values"] = batch["pixel_values"].double()
    ours = compute(trainer, trainer.compute_loss, batch, count)
    theirs = compute(trainer, super(LabelledTokens, trainer).compute_loss, batch, count)
    assert torch.isclose(ours[0], theirs[0], rtol=1e-6)  # TRL scores in float32
    assert ours[1].keys() == theirs[1].keys() and any(g.abs().max() > 1e-5 for g in ours[1].values())
    for name, gradient in ours[1].items():
        assert torch.allclose(gradient, theirs[1][name], rtol=1e-4, atol=1e-7), name
    assert ours[2] == pytest.approx(theirs[2], rel=1e-6)
    labelled = int((batch["labels"][:, 1:] != IGNORED).sum())
    assert ours[3] == [(1, labelled)] and theirs[3] == [tuple(batch["labels"][:, 1:].shape)]


def test_a_batch_without_labels_is_a_loss_of_zero(tmp_path):
    trainer = trainer_for(tmp_path)
    batch = batch_of(trainer)
    batch["labels"] = torch.full_like(batch["labels"], IGNORED)
    loss, gradients, metrics, _ = compute(trainer, trainer.compute_loss, batch)
    assert loss == 0 and all((g == 0).all() for g in gradients.values())
    assert metrics == {"entropy": 0.0, "mean_token_accuracy": 0.0}


def test_nothing_is_left_on_the_model(tmp_path):
    trainer = trainer_for(tmp_path)
    batch = batch_of(trainer)
    compute(trainer, trainer.compute_loss, batch)
    with pytest.raises(RuntimeError, match="on purpose"):
        trainer.compute_loss(lambda **_: (_ for _ in ()).throw(RuntimeError("on purpose")), dict(batch))
    assert not trainer.model.base_model._forward_hooks
    with torch.no_grad():
        assert trainer.model(**batch).logits.shape[:2] == batch["labels"].shape


def test_where_all_logits_are_needed_trl_goes_its_own_way(tmp_path):
    smoothed = trainer_for(tmp_path / "smoothed", label_smoothing_factor=0.1)
    assert torch.isfinite(smoothed.compute_loss(smoothed.model, batch_of(smoothed)))
    plain = trainer_for(tmp_path / "plain")
    batch = batch_of(plain)
    with pytest.warns(FutureWarning, match="return_outputs"):
        _, outputs = plain.compute_loss(plain.model, batch, return_outputs=True)
    assert outputs.logits.shape[:2] == batch["input_ids"].shape
