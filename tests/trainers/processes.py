"""Trainings in one process and in several, whose losses and weights can be compared."""

import json

from accelerate import debug_launcher
from accelerate.state import AcceleratorState, GradientState
from safetensors.torch import load_file, save_file

from tests.tiny import tiny_mmclip
from tests.trainers.rows import draw, hard_negative_row, hard_negatives, truncated
from trainers.hard_negative_config import HardNegativeConfig
from trainers.hard_negative_trainer import HardNegativeTrainer


class Recording(HardNegativeTrainer):
    """Keeps the losses of the steps, before they are divided for gradient accumulation."""

    losses, num_rows = (), ()  # of training and evaluation

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
    options = dict(options)
    num_rows = options.pop("num_rows", 16)
    options.setdefault("max_steps", 2)
    AcceleratorState._reset_state(True)  # what a forked process inherited
    GradientState._reset_state()
    model, processor = tiny_mmclip(kind)
    model.double()  # float32 rounds otherwise on another CPU, by more than what is compared here
    args = HardNegativeConfig(
        output_dir=str(folder),
        per_device_train_batch_size=4 // processes,
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
        max_unreadable_share=1.0,
        **options,
    )
    assert args.world_size == processes
    rows = hard_negatives(rows_with_gaps(num_rows, broken))
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
