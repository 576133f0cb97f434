"""A step of tuning an MMGeoLM by LoRA, the head on labelled tokens alone (`trainers.labelled_tokens`), beside TRL's.

    python -m tests.benchmarks.labelled_tokens

Both take the same questions on the same model, forward and back, in turn; reported is the median over the rounds of
their ratio in seconds of processor time. Losses are compared as well. On a machine with an accelerator there is no
difference to measure.
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from datasets import Dataset
from trl import SFTTrainer, TrlParser

from data_scripts.build_sft import build_row
from data_scripts.cli import require_at_least, run_command
from data_scripts.shards import write_text
from tests.benchmarks.modeling import alternate, build, ratio, spread
from trainers.answer_collator import IGNORED
from trainers.labelled_tokens import LabelledTokens
from trainers.mmgeolm_config import ModelArguments, StageConfig, lora_config
from trainers.train_mmgeolm import make_trainer


@dataclass
class BenchmarkArguments:
    """What to measure, and how often."""

    size: str = field(
        default="smollm2", metadata={"help": "The embedded SmolLM2-135M, or tiny.", "choices": ["smollm2", "tiny"]}
    )
    rounds: int = field(default=3, metadata={"help": "Times that both take turns, after one to warm up."})
    batch_size: int = field(default=8, metadata={"help": "Questions in a step."})
    output: str = field(default="runs/benchmarks/labelled_tokens.json", metadata={"help": "Where the figures go."})

    def __post_init__(self) -> None:
        require_at_least(self, rounds=1, batch_size=1)


def question(number: int) -> dict:
    """A row as `data_scripts.build_sft` makes it."""
    kinds = ["read_length", "right_vertex", "whole_side", "read_angle"]
    return build_row(number, split="train", kinds=kinds, multiple_choice=0.0, image_size=224, seed=0)


def step(trainer: SFTTrainer, batch: dict, compute_loss: Callable) -> float:
    """Loss of a batch, after its gradients."""
    trainer.model.zero_grad()
    with trainer.compute_loss_context_manager():
        loss = compute_loss(trainer.model, dict(batch))
    loss.backward()
    return loss.item()


def measure(args: BenchmarkArguments) -> dict:
    """Ratio and losses, and the share of tokens that have a label."""
    model, processor = build(args.size)
    rows = Dataset.from_list([question(number) for number in range(args.batch_size)])
    with tempfile.TemporaryDirectory() as folder:
        config = StageConfig(output_dir=folder, per_device_train_batch_size=args.batch_size, report_to="none")
        lora = lora_config(ModelArguments(use_peft=True, lora_dropout=0.0), config)
        trainer = make_trainer(model, processor, config, rows, lora=lora)
    batch = trainer.data_collator(list(rows))
    ways = {"labelled": trainer.compute_loss, "trl": super(LabelledTokens, trainer).compute_loss}
    losses = {name: step(trainer, batch, way) for name, way in ways.items()}
    calls = {name: lambda way=way: step(trainer, batch, way) for name, way in ways.items()}
    taken = alternate(calls, args.rounds, "steps")
    return {
        "speedup": ratio(taken["trl"], taken["labelled"]),
        "spread": spread(taken["trl"], taken["labelled"]),
        "seconds": taken,
        "losses": losses,
        "labelled_share": (batch["labels"] != IGNORED).float().mean().item(),
    }


def main() -> None:
    (args,) = TrlParser(BenchmarkArguments).parse_args_and_config()
    Path(args.output).parent.mkdir(parents=True, exist_ok=True)  # before what takes minutes
    figures = measure(args)
    write_text(json.dumps(figures, indent=1), Path(args.output))
    (low, high), losses = figures["spread"], figures["losses"]
    print(
        f"{figures['speedup']:.2f} times as fast as TRL's step [{low:.2f}, {high:.2f}], with "
        f"{figures['labelled_share']:.0%} of all tokens labelled; losses {losses['labelled']:.6f}, {losses['trl']:.6f}"
    )


if __name__ == "__main__":
    run_command(main)
