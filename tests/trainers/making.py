"""Trainers of tiny models."""

from datasets import IterableDataset

from tests.tiny import tiny_mmclip
from tests.trainers.rows import hard_negatives
from trainers.hard_negative_config import HardNegativeConfig
from trainers.hard_negative_trainer import HardNegativeTrainer


def trainer_for(
    folder,
    rows,
    kind="clip",
    model=None,
    eval_rows=None,
    trainer_class=HardNegativeTrainer,
    peft_config=None,
    **options,
):
    """A trainer of a tiny model on the CPU, with a learning rate that shows."""
    fresh, processor = tiny_mmclip(kind)
    options = {
        "per_device_train_batch_size": 4,
        "learning_rate": 1e-3,
        "use_cpu": True,
        "disable_tqdm": True,
        "save_strategy": "no",
        "lr_scheduler_type": "constant",
        "warmup_steps": 0,
        "max_steps": 1,
        **options,
    }
    return trainer_class(
        model=fresh if model is None else model,
        args=HardNegativeConfig(output_dir=str(folder), **options),
        train_dataset=rows if isinstance(rows, IterableDataset) else hard_negatives(rows),
        eval_dataset=None if eval_rows is None else hard_negatives(eval_rows),
        processing_class=processor,
        peft_config=peft_config,
    )
