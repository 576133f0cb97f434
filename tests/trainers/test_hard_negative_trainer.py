"""The trainer: what changes and what does not, metrics, resuming, saving, and data that cannot be trained on."""

import math
from collections import Counter

import pytest
import torch
from datasets import DatasetDict
from peft import LoraConfig
from transformers import TrainerCallback

from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor
from tests.tiny import KINDS, tiny_clip_config, tiny_mmclip
from tests.trainers.making import trainer_for
from tests.trainers.rows import draw, hard_negative_row, hard_negatives, truncated
from trainers.checks import check_rows
from trainers.hard_negative_config import HardNegativeConfig
from trainers.hard_negative_trainer import HardNegativeTrainer
from trainers.losses import LOSS_TYPES, hard_negative_loss


def changed(before, model):
    """Names of the parameters that a run has moved."""
    return {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flags", [{}, {"freeze_vision": True}, {"freeze_text": True}], ids=["none", "vision", "text"])
def test_every_parameter_moves_except_the_frozen(tmp_path, kind, flags):
    trainer = trainer_for(tmp_path, 12, kind, max_steps=2, **flags)
    before = {name: value.detach().clone() for name, value in trainer.model.named_parameters()}
    trainer.train()
    frozen = {"backbone.logit_bias"} & set(before)
    for flag, parts in (
        ("freeze_vision", ("backbone.vision_model.", "backbone.visual_projection.")),
        ("freeze_text", ("backbone.text_model.", "backbone.text_projection.")),
    ):
        if flag in flags:
            frozen |= {name for name in before if name.startswith(parts)}
    assert changed(before, trainer.model) == set(before) - frozen
    # What is frozen must also say so, or data-parallel training waits for its gradient.
    assert {name for name, value in trainer.model.named_parameters() if not value.requires_grad} == frozen


@pytest.mark.parametrize("loss_type", LOSS_TYPES)
def test_the_bias_is_trained_by_a_sigmoid_and_frozen_in_a_softmax(tmp_path, loss_type):
    trainer = trainer_for(tmp_path, 12, "siglip", loss_type=loss_type)
    before = {name: value.detach().clone() for name, value in trainer.model.named_parameters()}
    trainer.train()
    bias = trainer.model.backbone.logit_bias
    assert ("backbone.logit_bias" in changed(before, trainer.model)) == bias.requires_grad == (loss_type == "sigmoid")
    with pytest.raises(ValueError, match="'clip' has none"):
        trainer_for(tmp_path, 12, "clip", loss_type="sigmoid")


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("loss_type", LOSS_TYPES)
def test_the_loss_is_that_of_the_losses_module(tmp_path, loss_type, share):
    options = {"in_batch_negatives": True, "image_weight": 0.5, "loss_type": loss_type, "share_hard_negatives": share}
    trainer = trainer_for(tmp_path, 6, "siglip", **options)
    rows = [hard_negative_row(k) for k in range(4)]
    batch = trainer.data_collator(rows)
    loss, outputs = trainer.compute_loss(trainer.model, dict(batch), return_outputs=True)
    expected = hard_negative_loss(
        outputs.image_embeds[:4],
        outputs.text_embeds[batch["text_index"]],
        outputs.logit_scale,
        outputs.logit_bias,
        negative_image_embeds=outputs.image_embeds[4:],
        negative_image_owner=batch["negative_image_owner"],
        negative_text_embeds=outputs.text_embeds[batch["negative_text_index"]],
        negative_text_owner=batch["negative_text_owner"],
        row_ids=batch["row_ids"],
        negative_image_ids=batch["negative_image_ids"],
        negative_text_ids=batch["negative_text_ids"],
        figure_ids=batch["figure_ids"],
        negative_figure_ids=batch["negative_figure_ids"],
        **options,
    )
    assert torch.equal(loss, expected.loss)


def test_captions_of_one_image_are_no_negatives_of_each_other(tmp_path):
    rows = [{**hard_negative_row(0, 0, 0, 0), "caption": text} for text in ("a triangle", "a figure with a side AB")]
    trainer = trainer_for(tmp_path, rows, in_batch_negatives=True)
    assert trainer.compute_loss(trainer.model, dict(trainer.data_collator(rows))) == 0


class Recording(HardNegativeTrainer):
    """Keeps the losses of the steps as `compute_loss` gives them."""

    def compute_loss(self, *args, **kwargs):
        loss = super().compute_loss(*args, **kwargs)
        self.__dict__.setdefault("losses", []).append(loss.detach().item())
        return loss


def counted_passes(model):
    """How often each tower encodes; counts on while the model is used."""
    passes = Counter()
    for name, part in (("images", model.vision_tower.encoder), ("texts", model.backbone.text_model)):
        part.register_forward_hook(lambda *_, name=name: passes.update([name]))
    return passes


@pytest.mark.parametrize("kind", ["clip", "altclip"])
def test_savings_change_no_loss(tmp_path, kind):
    rows = [hard_negative_row(k, 2, 2, 1) for k in range(8)]
    losses, passes = [], []
    for options in ({}, {"text_group_size": 2, "share_text_prefixes": True, "image_group_size": 3}):
        model, _ = tiny_mmclip(kind)
        model.config.skip_blank_patches = True
        passes.append(counted_passes(model))
        trainer = trainer_for(tmp_path, rows, model=model, trainer_class=Recording, max_steps=4, **options)
        trainer.train()
        losses.append(torch.tensor(trainer.losses))
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-4, atol=1e-5)
    assert passes[0] == {"images": 4, "texts": 4}
    assert passes[1]["images"] == 4 * 4  # twelve images in groups of three
    # CLIP's trees of beginnings go past the forward pass of the tower itself; AltCLIP has pairs in place of trees
    assert passes[1]["texts"] == (0 if kind == "clip" else 4 * 8)


def test_savings_that_save_nothing_are_refused(tmp_path):
    with pytest.raises(ValueError, match="causal text tower"):
        trainer_for(tmp_path, 4, "altclip", share_text_prefixes=True)
    config = tiny_clip_config("clip")
    config.text_config.attention_dropout = 0.1
    with pytest.raises(ValueError, match="attention_dropout 0.1: set that to 0"):
        trainer_for(tmp_path, 4, model=MMCLIPModel.from_backbone(config), share_text_prefixes=True)
    trainer_for(tmp_path, 4, model=MMCLIPModel.from_backbone(config), share_text_prefixes=True, freeze_text=True)
    with pytest.raises(ValueError, match="encodes all patches"):
        trainer_for(tmp_path, 4, image_group_size=2)


def test_training_learns_and_logs(tmp_path):
    rows = [hard_negative_row(k, 2, 2, 1) for k in range(8)]
    trainer = trainer_for(tmp_path, rows, max_steps=30, logging_steps=10, learning_rate=5e-3)
    heard = []

    class Logger(TrainerCallback):
        """As the loggers of report_to are called."""

        def on_log(self, args, state, control, logs=None, **kwargs):
            heard.append(dict(logs))

    trainer.add_callback(Logger())
    trainer.train()
    logs = [log for log in heard if "loss" in log]
    assert len(logs) == 3
    assert all(isinstance(value, (int, float)) for log in logs for value in log.values())  # others are not drawn
    for log in logs:
        assert {"image_loss", "text_loss", "image_hit_at_1", "text_hit_at_1", "logit_scale"} <= set(log)
        assert log["loss"] == pytest.approx((log["image_loss"] + log["text_loss"]) / 2, rel=1e-4)
        assert 0 <= log["image_hit_at_1"] <= log["image_solved"] <= 1
        families = [log[f"{family}_hit_at_1"] for family in ("rule", "retrieval")]
        assert log["text_hit_at_1"] <= min(families) and 0 <= log["in_batch_hit_at_1"] <= 1
        assert log["positives_per_second"] > 0 and "logit_bias" not in log
    assert logs[-1]["loss"] < 0.7 * logs[0]["loss"]
    assert logs[-1]["text_hit_at_1"] > logs[0]["text_hit_at_1"]


def test_gradient_accumulation_averages_the_loss(tmp_path):
    rows = [hard_negative_row(k, 2, 2, 1) for k in range(8)]
    options = {"max_steps": 1, "logging_steps": 1, "max_grad_norm": 1e9, "seed": 3}
    whole = trainer_for(tmp_path, rows, per_device_train_batch_size=8, **options)
    parts = trainer_for(tmp_path, rows, per_device_train_batch_size=4, gradient_accumulation_steps=2, **options)
    for trainer in (whole, parts):
        trainer.train()
    # Every row has as many negatives, so the mean of two halves is the mean of the whole, and so are the gradients.
    norms, losses = ([t.state.log_history[0][key] for t in (whole, parts)] for key in ("grad_norm", "loss"))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert norms[0] == pytest.approx(norms[1], rel=1e-3)


def test_the_logit_scale_is_held(tmp_path):
    trainer = trainer_for(tmp_path, 8, max_steps=1, max_logit_scale=5.0)
    assert trainer.model.backbone.logit_scale.exp() > 14
    trainer.train()
    assert trainer.model.backbone.logit_scale.item() == pytest.approx(math.log(5.0))


@pytest.mark.parametrize("in_batch", [False, True])
def test_evaluation_is_exact_whatever_the_batch_size(tmp_path, in_batch):
    rows = [hard_negative_row(k, k % 3, 0, (k + 1) % 2) for k in range(7)]
    model = tiny_mmclip()[0]
    results = []
    for batch_size in (1, 3, 7):
        trainer = trainer_for(tmp_path, 4, model=model, eval_rows=rows, per_device_eval_batch_size=batch_size)
        trainer.args.in_batch_negatives = in_batch
        metrics = trainer.evaluate()
        names = (
            "loss",
            "text_loss",
            "image_solved",
            *(f"{name}_hit_at_1" for name in ("random", "retrieval", "image")),
        )
        results.append({name: metrics[f"eval_{name}"] for name in names})
        assert "eval_rule_hit_at_1" not in metrics  # there are none
        assert trainer.state.log_history[-1]["eval_loss"] == metrics["eval_loss"]
    for result in results[1:]:
        assert result == pytest.approx(results[0], rel=1e-4)


def test_evaluation_draws_the_same_negatives_in_every_epoch(tmp_path):
    rows = [hard_negative_row(k, 9, 6, 0) for k in range(4)]
    trainer = trainer_for(tmp_path, 4, eval_rows=rows, max_image_negatives=2, max_text_negatives=2)
    first = trainer.evaluate()["eval_loss"]
    trainer.data_collator.set_epoch(5)
    assert trainer.evaluate()["eval_loss"] == first


def test_resuming_ends_with_the_same_weights(tmp_path):
    # More negatives than are used, so that their choice depends on the epoch; stopped late in the second of three
    # epochs.
    rows = [hard_negative_row(k, 6, 6, 3) for k in range(10)]
    rows[4]["image"] = truncated(draw("line", 3))
    options = {
        "max_steps": -1,
        "num_train_epochs": 3,
        "save_strategy": "steps",
        "save_steps": 5,
        "max_image_negatives": 2,
        "max_text_negatives": 3,
        "lr_scheduler_type": "cosine",
    }
    straight = trainer_for(tmp_path / "straight", rows, **options)
    straight.train()
    resumed = trainer_for(tmp_path / "resumed", rows, **options)
    resumed.train(resume_from_checkpoint=str(tmp_path / "straight" / "checkpoint-5"))
    assert int(straight.data_collator._epoch) == int(resumed.data_collator._epoch) == 2
    assert resumed.state.global_step == straight.state.global_step == 9
    expected = straight.model.state_dict()
    for name, value in resumed.model.state_dict().items():
        assert torch.equal(value, expected[name]), name


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_loads_with_its_processor(tmp_path, kind):
    trainer = trainer_for(tmp_path, 8, kind, save_strategy="steps", save_steps=1)
    trainer.train()
    folder = tmp_path / "checkpoint-1"
    loaded, processor = MMCLIPModel.from_pretrained(folder), MMCLIPProcessor.from_pretrained(folder)
    pairs = {"text": ["a square at C", "circle"], "images": [draw("square", 2), draw("circle", 1)]}
    with torch.no_grad():
        batch, expected = processor(**pairs), trainer.model.eval()(**trainer.processing_class(**pairs))
        assert torch.equal(loaded.eval()(**batch).logits_per_image, expected.logits_per_image)


def test_batches_without_negatives_count_for_nothing(tmp_path):
    rows = [hard_negative_row(k, 0, 0, 0) for k in range(7)] + [hard_negative_row(7)]
    trainer = trainer_for(
        tmp_path, rows, max_steps=8, per_device_train_batch_size=1, trainer_class=Recording, weight_decay=0.0
    )
    trainer.train()
    assert sorted(loss == 0 for loss in trainer.losses) == [False] + [True] * 7
    assert trainer.num_empty_batches == 7
    assert all(torch.isfinite(value).all() for value in trainer.model.parameters())


def test_a_batch_of_broken_rows_does_not_end_the_run(tmp_path):
    rows = [hard_negative_row(k) for k in range(4)]
    rows[2]["image"] = truncated(draw("line", 0))
    for in_batch in (False, True):
        trainer = trainer_for(tmp_path, rows, max_steps=4, per_device_train_batch_size=1, in_batch_negatives=in_batch)
        trainer.train()
        assert trainer.data_collator.skipped == {"rows": 1, "negative images": 0}


@pytest.mark.parametrize("mini_batch_size", [None, 2])
def test_a_loss_that_is_not_finite_names_the_rows_and_leaves_the_weights(tmp_path, mini_batch_size):
    trainer = trainer_for(tmp_path, 4, max_steps=1, mini_batch_size=mini_batch_size)
    with torch.no_grad():
        trainer.model.backbone.visual_projection.weight[0, 0] = torch.nan
    before = trainer.model.backbone.text_projection.weight.detach().clone()
    with pytest.raises(ValueError, match=r"loss is nan in step 1, .* row-\d, row-\d"):
        trainer.train()
    assert torch.equal(trainer.model.backbone.text_projection.weight, before)


def test_too_many_unreadable_rows_end_the_run(tmp_path):
    rows = [hard_negative_row(k, 2, 2, 1) for k in range(12)]
    for k in (1, 5, 8):
        rows[k]["image"] = truncated(draw("line", 0))
    options = {"max_steps": -1, "num_train_epochs": 2, "in_batch_negatives": True}
    with pytest.raises(ValueError, match=r"[23] rows of this epoch could not be read, more than"):
        trainer_for(tmp_path, rows, **options).train()
    trainer = trainer_for(tmp_path, rows, max_unreadable_share=0.25, **options)
    trainer.train()  # three of twelve, and again in the second epoch
    assert trainer.data_collator.skipped["rows"] == 6


def test_rows_fewer_than_a_batch_and_none_at_all(tmp_path):
    trainer = trainer_for(tmp_path, 3, max_steps=2, in_batch_negatives=True)
    trainer.train()
    assert trainer.state.global_step == 2
    with pytest.raises(ValueError, match="3 rows for a batch of 4"):
        trainer_for(tmp_path, 3, dataloader_drop_last=True)
    with pytest.raises(ValueError, match="is empty"):
        check_rows(hard_negatives(1).select([]), trainer.data_collator, in_batch_negatives=True)


def test_rows_that_teach_nothing_fail_before_training(tmp_path):
    bare = [hard_negative_row(k, 0, 0, 0) for k in range(70)]
    with pytest.raises(ValueError, match="None of the 70 rows has a negative"):
        trainer_for(tmp_path, bare)
    trainer_for(tmp_path, bare, in_batch_negatives=True)
    with pytest.raises(ValueError, match="no other row of a batch is one"):
        trainer_for(tmp_path, bare, in_batch_negatives=True, per_device_train_batch_size=1)
    trainer_for(tmp_path, [*bare, hard_negative_row(70)])  # found behind the rows that are probed first
    rules = [hard_negative_row(k, 0, 2, 0) for k in range(3)]
    with pytest.raises(ValueError, match="of retrieval are used"):
        trainer_for(tmp_path, rules, text_families=["retrieval"])
    broken = [{**hard_negative_row(k), "image": truncated(draw("line", 0))} for k in range(3)]
    with pytest.raises(ValueError, match="None of the first 3 rows has a readable image"):
        trainer_for(tmp_path, broken)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text_families": ["guessed"]}, "knows no guessed"),
        ({"max_image_negatives": -1}, "0 or more"),
        ({"image_weight": 0.0, "text_weight": 0.0}, "not both 0"),
        ({"max_logit_scale": 0.0}, "above 0"),
        ({"freeze_vision": True, "freeze_text": True}, "nothing to train"),
        ({"loss_type": "hinge"}, "no loss_type 'hinge'"),
        ({"share_hard_negatives": True, "max_image_negatives": 0, "text_families": []}, "nothing to share"),
        ({"share_hard_negatives": True, "per_device_train_batch_size": 1}, "another row"),
        ({"gather_across_devices": True}, "nothing to compare across rows"),
        ({"mini_batch_size": 0}, "1 or more"),
        ({"mini_batch_size": 4, "fsdp": True}, "cannot go with FSDP"),
        ({"max_unreadable_share": 1.5}, "between 0 and 1"),
        ({"text_group_size": 0}, "1 or more"),
        ({"image_group_size": 0}, "1 or more"),
        ({"image_group_size": 4, "fsdp": True}, "cannot go with FSDP"),
        ({"remove_unused_columns": True}, "must be off"),
        ({"accelerator_config": {"split_batches": True}}, "ragged"),
    ],
)
def test_settings_that_contradict_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        HardNegativeConfig(output_dir=str(tmp_path), use_cpu=True, **options)


def test_training_half_precision_weights_is_warned_of(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("trainers.checks.logger.warning", said.append)
    trainer_for(tmp_path, 4, model=tiny_mmclip()[0])
    assert not said
    trainer_for(tmp_path, 4, model=tiny_mmclip()[0].bfloat16())
    assert len(said) == 1 and "bfloat16 are trained" in said[0] and "0.001" in said[0]
    trainer_for(tmp_path, 4, model=tiny_mmclip()[0].bfloat16(), peft_config=LoraConfig(target_modules=["q_proj"]))
    assert len(said) == 1  # adapters are float32


def test_rows_without_a_processor_are_refused(tmp_path):
    args = HardNegativeConfig(output_dir=str(tmp_path), use_cpu=True)
    with pytest.raises(ValueError, match="give processing_class"):
        HardNegativeTrainer(tiny_mmclip()[0], args, hard_negatives(4))


@pytest.mark.parametrize("build", [lambda: tiny_mmclip()[0].backbone, lambda: "checkpoints/mmclip-tiny"])
def test_only_an_mmclip_is_trained(tmp_path, build):
    with pytest.raises(ValueError, match="trains an MMCLIPModel"):
        trainer_for(tmp_path, 4, model=build())


def test_what_would_be_left_out_is_refused_before_training(tmp_path):
    rows, (model, processor) = hard_negatives(4), tiny_mmclip()
    args = HardNegativeConfig(output_dir=str(tmp_path), use_cpu=True, report_to="none")
    for message, options in (
        ("never call compute_metrics", {"compute_metrics": lambda prediction: {}}),
        ("never call model_init", {"model_init": lambda: model}),
        ("come as splits, train, test", {"train_dataset": DatasetDict(train=rows, test=rows)}),
        ("a stream cannot be", {"eval_dataset": rows.to_iterable_dataset()}),
        ("Got list", {"eval_dataset": {"a": rows, "b": list(rows)}}),
        ("evaluation rows are empty", {"eval_dataset": rows.select([])}),
    ):
        with pytest.raises(ValueError, match=message):
            HardNegativeTrainer(model, args, **{"train_dataset": rows, "processing_class": processor, **options})
