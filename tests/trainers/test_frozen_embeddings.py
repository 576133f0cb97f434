"""Embeddings of frozen towers: the same losses as without, each content through the tower once, and nothing stale."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from modeling_mmgeo import MMCLIPModel
from tests.tiny import KINDS, tiny_clip_config, tiny_mmclip
from tests.trainers.making import trainer_for
from tests.trainers.processes import train_in
from tests.trainers.rows import draw, encoded, hard_negative_row, hard_negatives, truncated
from trainers import frozen_embeddings
from trainers.frozen_embeddings import content_key
from trainers.hard_negative_config import HardNegativeConfig

FREEZE = {"image": "freeze_vision", "text": "freeze_text"}
EPOCHS = {"max_steps": -1, "num_train_epochs": 2, "logging_steps": 1, "max_unreadable_share": 0.5}


def rows_with_a_broken_one():
    """More negatives than are used, one without caption, and two figures that cannot be read."""
    rows = [hard_negative_row(k, 4, 4, 2) for k in range(9)]
    rows[3]["negative_captions"][1] = None
    rows[4]["image"] = rows[6]["negative_images"][0] = truncated(draw("line", 3))
    return rows


def losses(trainer):
    return [log["loss"] for log in trainer.state.log_history if "loss" in log]


def count_calls(trainer, kind):
    """How many images or texts go through the tower from now on."""
    seen = []
    tower = trainer.model.backbone.vision_model if kind == "image" else trainer.model.backbone.text_model
    name = "pixel_values" if kind == "image" else "input_ids"
    tower.register_forward_pre_hook(lambda _, args, kwargs: seen.append(len(kwargs[name])), with_kwargs=True)
    return seen


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frozen", FREEZE)
def test_losses_are_the_same_and_the_tower_works_once(tmp_path, monkeypatch, kind, frozen):
    monkeypatch.setattr(frozen_embeddings, "CHUNK", 7)
    monkeypatch.setattr(frozen_embeddings, "ENCODED_AT_ONCE", 3)
    options = {FREEZE[frozen]: True, "max_image_negatives": 2, "max_text_negatives": 3, **EPOCHS}
    options |= {"mini_batch_size": 3} if kind == "clip" else {"in_batch_negatives": True}
    options |= {"optim": "sgd", "learning_rate": 0.1}  # Adam turns rounding of a gradient near zero into a whole step
    rows = rows_with_a_broken_one()
    plain = trainer_for(tmp_path / "plain", rows, kind, eval_rows=rows[:3], **options)
    known = trainer_for(
        tmp_path / "known", rows, kind, eval_rows=rows[:3], precompute_frozen_embeddings=True, **options
    )
    seen = count_calls(known, frozen)
    for trainer in (plain, known):
        trainer.train()
    assert losses(known) == pytest.approx(losses(plain), rel=1e-4) and len(losses(known)) == 6
    for name, value in known.model.named_parameters():
        torch.testing.assert_close(value, plain.model.get_parameter(name), rtol=1e-3, atol=1e-4)
    assert known.data_collator.skipped == plain.data_collator.skipped
    keys = {
        content_key(content)
        for row in rows
        for content in (
            [row["image"], *row["negative_images"]]
            if frozen == "image"
            else [row["caption"], *row["rule_captions"], *row["retrieved_captions"]]
        )
    }
    assert sum(seen) == len(keys) - (frozen == "image")  # one distinct content is broken
    assert known.evaluate()["eval_loss"] == pytest.approx(plain.evaluate()["eval_loss"], rel=1e-4)


def test_files_serve_the_same_weights_and_rows_again_and_no_others(tmp_path):
    options = {
        "freeze_vision": True,
        "precompute_frozen_embeddings": True,
        "frozen_embeddings_dir": str(tmp_path / "e"),
    }
    first = trainer_for(tmp_path / "one", 6, **options)
    first.train()
    (file,) = (tmp_path / "e").iterdir()
    content, written = file.read_bytes(), file.stat().st_mtime_ns
    again = trainer_for(tmp_path / "two", 6, **options)
    seen = count_calls(again, "image")
    again.train()
    assert not seen and file.stat().st_mtime_ns == written
    for name, value in again.model.named_parameters():
        assert torch.equal(value, first.model.get_parameter(name))
    file.unlink()
    trainer_for(tmp_path / "three", 6, **options).train()
    assert file.read_bytes() == content
    other = tiny_mmclip(seed=1)[0]
    trainer_for(tmp_path / "four", 6, model=other, **options).train()
    skipping = tiny_mmclip()[0]
    skipping.config.skip_blank_patches = True
    trainer_for(tmp_path / "five", 6, model=skipping, **options).train()
    trainer_for(tmp_path / "six", 7, **options).train()
    assert len(list((tmp_path / "e").iterdir())) == 4


def test_resuming_ends_with_the_same_weights(tmp_path):
    rows = rows_with_a_broken_one()
    options = {"freeze_vision": True, "precompute_frozen_embeddings": True, "save_strategy": "steps", "save_steps": 4}
    options |= EPOCHS | {"max_image_negatives": 2, "num_train_epochs": 3}
    straight = trainer_for(tmp_path / "straight", rows, **options)
    straight.train()
    resumed = trainer_for(tmp_path / "resumed", rows, **options)  # has no embeddings yet and computes the same
    resumed.train(resume_from_checkpoint=str(tmp_path / "straight" / "checkpoint-4"))
    assert losses(resumed) == losses(straight)
    for name, value in resumed.model.named_parameters():
        assert torch.equal(value, straight.model.get_parameter(name)), name


def test_two_processes_share_the_work(tmp_path):
    options = {"freeze_vision": True, "precompute_frozen_embeddings": True, "in_batch_negatives": True}
    one = train_in(tmp_path / "one", 1, broken=(3, 6), **options)
    two = train_in(tmp_path / "two", 2, broken=(3, 6), **options)
    torch.testing.assert_close(torch.tensor(one[0]), torch.tensor(two[0]), rtol=1e-6, atol=1e-6)
    (file,), (other,) = ((tmp_path / name / "_frozen_embeddings").iterdir() for name in ("one", "two"))
    assert file.name == other.name and file.read_bytes() == other.read_bytes()
    stored = load_file(file)
    assert stored["found"].sum() == len(stored["found"]) - 1 == np.unique(stored["keys"]).size - 1
    assert torch.allclose(stored["embeds"][stored["found"]].norm(dim=1), torch.tensor(1.0), atol=1e-5)


@pytest.mark.parametrize("precompute", [False, True])
def test_a_frozen_tower_has_no_dropout_and_the_other_keeps_its_own(tmp_path, precompute):
    config = tiny_clip_config("clip")
    config.vision_config.attention_dropout = config.text_config.attention_dropout = 0.5
    torch.manual_seed(0)
    model = MMCLIPModel.from_backbone(config)
    trainer = trainer_for(
        tmp_path, 8, model=model, freeze_vision=True, precompute_frozen_embeddings=precompute, max_steps=2
    )
    trainer.train()
    assert not model.backbone.vision_model.training and not model.backbone.visual_projection.training
    assert model.training and model.backbone.text_model.training
    batch = trainer.data_collator([hard_negative_row(k) for k in range(4)])
    losses = [trainer.compute_loss(model, dict(batch)).item() for _ in range(2)]
    assert losses[0] != losses[1]  # by the text tower's dropout
    if not precompute:
        pixels = {"pixel_values": batch["pixel_values"]}
        assert torch.equal(model(**pixels).image_embeds, model(**pixels).image_embeds)


def test_content_is_what_counts(tmp_path):
    image = encoded(draw("square", 1))
    (tmp_path / "a.png").write_bytes(image["bytes"])
    assert content_key(image) == content_key(image["bytes"]) == content_key({"path": str(tmp_path / "a.png")})
    assert content_key(image) != content_key(encoded(draw("square", 2)))
    assert content_key("a") == content_key(b"a") != content_key("b")
    assert content_key(draw("square", 1)) != content_key(draw("square", 2))
    for nothing in (None, {}, {"bytes": None, "path": None}, {"path": str(tmp_path / "absent.png")}, 3):
        assert content_key(nothing) is None


def test_rows_that_were_not_embedded_are_refused(tmp_path):
    trainer = trainer_for(tmp_path, 4, freeze_text=True, precompute_frozen_embeddings=True)
    trainer.train()
    with pytest.raises(ValueError, match="no embedding of .* other rows"):
        trainer.data_collator([{**hard_negative_row(0), "caption": "another text"}])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precompute_frozen_embeddings": True}, "needs a frozen tower"),
        ({"frozen_embeddings_dir": "e", "freeze_text": True}, "no use without"),
        ({"precompute_frozen_embeddings": True, "freeze_text": True, "fsdp": True}, "cannot go with FSDP"),
    ],
)
def test_settings_that_contradict_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        HardNegativeConfig(output_dir=str(tmp_path), use_cpu=True, **options)


def test_a_stream_is_refused(tmp_path):
    stream = hard_negatives(4).to_iterable_dataset()
    with pytest.raises(ValueError, match="these are a stream"):
        trainer_for(tmp_path, stream, freeze_text=True, precompute_frozen_embeddings=True)
