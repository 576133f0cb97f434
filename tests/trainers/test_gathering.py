"""Two processes with half of the rows each learn what one process with all of them learns."""

import json

import pytest
import torch
from accelerate import debug_launcher
from accelerate.state import AcceleratorState, GradientState
from safetensors.torch import load_file, save_file

from tests.tiny import tiny_mmclip
from tests.trainers.rows import draw, hard_negative_row, hard_negatives, truncated
from trainers.hard_negative_config import HardNegativeConfig
from trainers.hard_negative_trainer import HardNegativeTrainer


class Recording(HardNegativeTrainer):
    """Keeps the losses of the steps, before they are divided for gradient accumulation."""

    losses, num_rows = (), ()

    def contrast(self, layout, *args):
        loss = super().contrast(layout, *args)
        self.losses = (*self.losses, loss.item())
        self.num_rows = (*self.num_rows, len(layout.row_ids))
        return loss


def rows_with_gaps(count=16, broken=()):
    """Ragged rows, some with an image that cannot be read."""
    rows = [hard_negative_row(k, k % 3, (k + 1) % 4, (k + 2) % 3) for k in range(count)]
    for k in broken:
        rows[k]["image"] = truncated(draw("line", 0))
    return rows


def train(folder, processes, kind, broken, options):
    """Train in this process, or in one of several, and leave losses and weights in `folder`."""
    AcceleratorState._reset_state(True)  # what a forked process inherited
    GradientState._reset_state()
    model, processor = tiny_mmclip(kind)
    args = HardNegativeConfig(
        output_dir=str(folder),
        per_device_train_batch_size=4 // processes,
        max_steps=2,
        optim="sgd",  # Adam turns rounding of a gradient near zero into a whole step
        learning_rate=0.1,
        lr_scheduler_type="constant",
        warmup_steps=0,
        max_grad_norm=0.0,
        use_cpu=True,
        disable_tqdm=True,
        save_strategy="no",
        report_to="none",
        logging_steps=1,
        **options,
    )
    assert args.world_size == processes
    rows = hard_negatives(rows_with_gaps(broken=broken))
    trainer = Recording(model=model, args=args, train_dataset=rows, processing_class=processor)
    trainer.train()
    if trainer.is_world_process_zero():
        save_file({k: v.clone() for k, v in model.state_dict().items()}, folder / "weights.safetensors")
        logs = [log for log in trainer.state.log_history if "loss" in log]
        (folder / "losses.json").write_text(json.dumps([trainer.losses, logs, trainer.num_rows]))


def train_in(folder, processes, kind="clip", broken=(), **options):
    """Losses, logs, weights and rows per step (of the first process) after a training in so many processes."""
    folder.mkdir()
    debug_launcher(train, args=(folder, processes, kind, broken, options), num_processes=processes)
    losses, logs, num_rows = json.loads((folder / "losses.json").read_text())
    return losses, logs, load_file(folder / "weights.safetensors"), num_rows


def assert_alike(one, other):
    torch.testing.assert_close(torch.tensor(one[0]), torch.tensor(other[0]), rtol=1e-6, atol=1e-6)
    for name, value in one[2].items():
        torch.testing.assert_close(value, other[2][name], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "broken", "options"),
    [
        ("clip", (), {"in_batch_negatives": True}),
        ("clip", (), {"share_hard_negatives": True, "in_batch_negatives": True, "gradient_accumulation_steps": 2}),
        ("siglip", (), {"share_hard_negatives": True, "in_batch_negatives": True, "loss_type": "sigmoid"}),
        # Rows of the first steps, so that one process has none while the other has some.
        ("altclip", (3, 6, 2), {"in_batch_negatives": True, "gradient_accumulation_steps": 2}),
    ],
    ids=["in-batch", "shared", "sigmoid", "broken"],
)
def test_two_processes_with_two_rows_are_one_with_four(tmp_path, kind, broken, options):
    one = train_in(tmp_path / "one", 1, kind, broken, **options)
    two = train_in(tmp_path / "two", 2, kind, broken, **options)
    assert len(one[0]) == 2 * options.get("gradient_accumulation_steps", 1)
    assert_alike(one, two)
    assert (0 in two[3]) == bool(broken)
    initial = tiny_mmclip(kind)[0].state_dict()
    assert any(not torch.equal(value, initial[name]) for name, value in one[2].items())
    for ours, theirs in zip(one[1], two[1], strict=True):
        for name in ("loss", "text_loss", "image_loss", "text_hit_at_1"):
            assert ours[name] == pytest.approx(theirs[name], rel=1e-4)


def test_without_gathering_two_processes_learn_something_else(tmp_path):
    one = train_in(tmp_path / "one", 1, in_batch_negatives=True)
    two = train_in(tmp_path / "two", 2, in_batch_negatives=True, gather_across_devices=False)
    assert abs(one[0][0] - two[0][0]) > 1e-3
