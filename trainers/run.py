"""What the training commands share: where to resume, and what to leave behind.

Promises: a command that is started again goes on from its last complete checkpoint and ends as if it had not been
interrupted; the output folder holds what the Hub takes, without pickled files.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

from accelerate import DistributedType
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import TrainOutput, sort_checkpoints
from transformers.utils import logging

logger = logging.get_logger(__name__)

STATE = "trainer_state.json"  # of a checkpoint, written last
START_ANEW = ("no", "false", "none")


def fully_sharded(args: TrainingArguments) -> bool:
    """Whether FSDP spreads a model's layers over processes, by the arguments or by `accelerate launch`."""
    return bool(args.fsdp or args.distributed_state.distributed_type == DistributedType.FSDP)


def sharded(args: TrainingArguments) -> bool:
    """Whether FSDP or DeepSpeed does."""
    if fully_sharded(args):
        return True
    return bool(args.deepspeed or args.distributed_state.distributed_type == DistributedType.DEEPSPEED)


def is_complete(checkpoint: str | os.PathLike) -> bool:
    """Whether a checkpoint was written to its end: its state is there and whole."""
    try:
        return "global_step" in json.loads(Path(checkpoint, STATE).read_text())
    except (OSError, ValueError):
        return False


def checkpoint_to_resume(args: TrainingArguments) -> str | None:
    """Checkpoint that `--resume_from_checkpoint` means, or None to start anew.

    Without the flag it is the last complete checkpoint of the output folder, if there is one; "no" starts anew
    whatever is there; anything else is the folder of a checkpoint.

    Raises:
        ValueError: if the folder named is no complete checkpoint.
    """
    wanted = args.resume_from_checkpoint
    if wanted is not None and str(wanted).lower() in START_ANEW:
        return None
    if wanted is not None and str(wanted).lower() not in ("true", "yes"):
        if not is_complete(wanted):
            raise ValueError(
                f"--resume_from_checkpoint {wanted} has no whole {STATE}, so it is no complete checkpoint: name a "
                "checkpoint-* folder, or leave the flag out to resume from the last one."
            )
        return str(wanted)
    if not os.path.isdir(args.output_dir):
        return None
    complete = [folder for folder in sort_checkpoints(args.output_dir) if is_complete(folder)]
    if complete:
        logger.warning(f"Resuming from {complete[-1]}; --resume_from_checkpoint no starts anew.")
    return complete[-1] if complete else None


def train(trainer: Trainer, report_skipped: Callable[[], str]) -> TrainOutput:
    """Train, resuming where that is due, and write the logs: `train_results.json` and `trainer_state.json`.

    Args:
        trainer: ready to train.
        report_skipped: what was left out so far, in words; asked after training.
    """
    checkpoint = checkpoint_to_resume(trainer.args)
    first_step = 0
    if checkpoint is not None:
        first_step = json.loads(Path(checkpoint, STATE).read_text())["global_step"]
    result = trainer.train(resume_from_checkpoint=checkpoint)
    if trainer.state.global_step > first_step:  # else it was finished before, and the figures of that run stand
        trainer.log_metrics("train", result.metrics)
        trainer.save_metrics("train", result.metrics)
    trainer.save_state()
    if skipped := report_skipped():
        logger.warning(f"Left out, each time it was read: {skipped}.")
    return result


def evaluate(trainer: Trainer) -> None:
    """Evaluate on the evaluation rows, if there are any, and write `eval_results.json`."""
    if trainer.eval_dataset is not None:
        metrics = trainer.evaluate()
        trainer.log_metrics("eval", metrics)
        trainer.save_metrics("eval", metrics)


def drop_pickled_arguments(folder: str) -> None:
    """Remove the pickled arguments that `Trainer.save_model` writes: who loads a model should read no pickle."""
    Path(folder, "training_args.bin").unlink(missing_ok=True)
