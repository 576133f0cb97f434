"""In-batch negatives first, then hard ones, in one run."""

import pytest
import torch

from tests.trainers.making import trainer_for
from tests.trainers.processes import Recording, train_in
from tests.trainers.rows import hard_negative_row
from trainers.hard_negative_config import HardNegativeConfig

ROWS = [hard_negative_row(k, 5, 5, 2) for k in range(10)]
OPTIONS = {
    "max_steps": -1,
    "num_train_epochs": 3,
    "in_batch_epochs": 2,
    "max_image_negatives": 2,
    "max_text_negatives": 3,
    "logging_steps": 1,
}


class Watching(Recording):
    """Keeps how many hard negatives each step has, and whether the other rows are negatives."""

    seen = ()

    def contrast(self, layout, *args):
        counts = (len(layout.negative_image_owner), len(layout.negative_text_owner))
        self.seen = (*self.seen, (*counts, self.in_first_phase, self.model.training))
        return super().contrast(layout, *args)


@pytest.mark.parametrize("workers", [0, 1])
def test_hard_negatives_come_in_after_the_first_epochs(tmp_path, workers):
    extra = {"dataloader_num_workers": workers, "dataloader_persistent_workers": bool(workers)}
    trainer = trainer_for(tmp_path, ROWS, trainer_class=Watching, **OPTIONS, **extra)
    trainer.train()
    assert [seen[2] for seen in trainer.seen] == [True] * 6 + [False] * 3
    assert all(seen[:2] == (0, 0) for seen in trainer.seen[:6])
    assert [seen[:2] for seen in trainer.seen[6:]] == [(8, 12), (8, 12), (4, 6)]  # capped: 2 images, 3 captions a row
    logs = [log for log in trainer.state.log_history if "loss" in log]
    assert ["image_hit_at_1" in log for log in logs] == [False] * 6 + [True] * 3  # which is of hard negatives
    assert all(loss > 0 for loss in trainer.losses)


def test_the_first_phase_is_in_batch_training(tmp_path):
    both = trainer_for(tmp_path, ROWS, trainer_class=Watching, **OPTIONS | {"lr_scheduler_type": "constant"})
    both.train()
    pairs = {"in_batch_epochs": 0, "in_batch_negatives": True, "max_image_negatives": 0, "max_text_negatives": 0}
    plain = trainer_for(tmp_path, ROWS, trainer_class=Watching, **OPTIONS | pairs | {"num_train_epochs": 2})
    plain.train()
    assert both.losses[:6] == plain.losses


def test_evaluation_is_of_hard_negatives_in_both_phases(tmp_path):
    both, hard = (
        trainer_for(tmp_path, ROWS, eval_rows=ROWS[:4], **OPTIONS | {"in_batch_epochs": epochs}).evaluate()
        for epochs in (2, 0)
    )
    assert both["eval_loss"] == hard["eval_loss"] > 0
    assert both["eval_image_hit_at_1"] == hard["eval_image_hit_at_1"]


@pytest.mark.parametrize("checkpoint", [4, 6, 7], ids=["within the first", "between", "within the second"])
def test_resuming_across_the_boundary(tmp_path, checkpoint):
    options = OPTIONS | {"save_strategy": "steps", "save_steps": 1, "lr_scheduler_type": "cosine"}
    straight = trainer_for(tmp_path / "straight", ROWS, trainer_class=Watching, **options)
    straight.train()
    resumed = trainer_for(tmp_path / "resumed", ROWS, trainer_class=Watching, **options | {"save_strategy": "no"})
    resumed.train(resume_from_checkpoint=str(tmp_path / "straight" / f"checkpoint-{checkpoint}"))
    assert resumed.losses == straight.losses[checkpoint:] and resumed.seen == straight.seen[checkpoint:]
    for name, value in resumed.model.named_parameters():
        assert torch.equal(value, straight.model.get_parameter(name)), name


def test_two_processes_gather_in_the_first_phase_only(tmp_path):
    options = {"in_batch_epochs": 1, "num_rows": 4, "max_steps": 2}
    one = train_in(tmp_path / "one", 1, **options)
    two = train_in(tmp_path / "two", 2, **options)
    assert one[0][0] == pytest.approx(two[0][0], rel=1e-6)  # of all rows
    assert one[0][1] != pytest.approx(two[0][1], rel=1e-3)  # of the rows of one process


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"in_batch_epochs": -1}, "0 or more"),
        ({"in_batch_epochs": 2, "num_train_epochs": 2}, "leave none for hard negatives"),
        ({"in_batch_epochs": 1, "num_train_epochs": 2, "per_device_train_batch_size": 1}, "needs another row"),
        (
            {"in_batch_epochs": 1, "num_train_epochs": 2, "max_image_negatives": 0, "text_families": []},
            "none are allo",
        ),
    ],
)
def test_schedules_that_contradict_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        HardNegativeConfig(output_dir=str(tmp_path), use_cpu=True, **options)
