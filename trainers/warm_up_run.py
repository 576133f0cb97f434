"""What the warm-ups of both towers share: which figures they speak of, how they train, what they leave.

Promise: a run that is started again goes on as if it had not been interrupted; its folder holds a plain MMCLIP.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import torch
from transformers import TrainingArguments, set_seed

from data_scripts.cli import require_at_least
from data_scripts.diagram import Diagram
from data_scripts.sources import procedural
from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor

from .fact_codes import SCALE
from .muon import MuonArguments, MuonTrainer
from .precision import choose_attention, choose_bf16
from .rows import check_columns, load_split
from .run import train
from .scratch import ScratchConfig, scratch_mmclip
from .train_mmclip import ModelArguments, read_model
from .warm_up_figures import load_diagrams, wordings


@dataclass
class FigureArguments(ScratchConfig):
    """Which figures are drawn or spoken of, beside the sizes of the dual encoder (`ScratchConfig`)."""

    model_name_or_path: str | None = field(
        default=None,
        metadata={"help": "Folder or Hub id of an MMCLIP to go on from (default: one of fresh weights)."},
    )
    dataset_name: str | None = field(
        default=None,
        metadata={
            "help": "Folder or Hub id of hard-negative rows: take their figures too, with new letters and looks."
        },
    )
    families: list[str] | None = field(
        default=None,
        metadata={"help": "Procedural families to draw from, such as triangle rectangle (default: all)."},
    )
    num_edits: int = field(
        default=4,
        metadata={
            "help": "Times that one fact of every figure is made false, to tell its code from the true one. 0: the "
            "only negatives are the codes of other figures."
        },
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, num_edits=0)
        procedural.choose_families(self.families)


@dataclass
class WarmUpConfig(MuonArguments, TrainingArguments):
    """`TrainingArguments`, with Muon, and bf16 where the hardware computes in it."""

    remove_unused_columns: bool = field(
        default=False, metadata={"help": "Must stay off: the collator makes the columns that the model takes."}
    )
    bf16: bool | None = field(
        default=None, metadata={"help": "Compute in bf16 (default: where the hardware does, CPUs included)."}
    )

    def __post_init__(self) -> None:
        choose_bf16(self)
        super().__post_init__()
        self.check_muon(self)


class WarmUpTrainer(MuonTrainer):
    """Logs each task's loss and accuracy, averaged since the last log.

    Args:
        tasks: names; the model's outputs are `loss`, and `{task}_loss` and `{task}_accuracy` of each.
    """

    def __init__(self, tasks: Sequence[str], **kwargs) -> None:
        super().__init__(**kwargs)
        names = [f"{task}_{what}" for task in tasks for what in ("loss", "accuracy")]
        self._measured: dict[str, list[torch.Tensor]] = {name: [] for name in names}

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        outputs = model(**inputs)
        for name, values in self._measured.items():
            values.append(outputs[name].detach())
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            for name, values in self._measured.items():
                mean = torch.stack(values).nanmean()  # without edits there is nothing to tell apart
                if not mean.isnan():
                    logs[name] = round(mean.item(), 4)
                values.clear()
        super().log(logs, start_time)


def start(args: FigureArguments, seed: int) -> tuple[MMCLIPModel, MMCLIPProcessor, list[Diagram]]:
    """The model to train, a saved one or one of fresh weights, its processor, and the figures of the rows named.

    The tokenizer of a fresh one knows every wording of ours and the captions of the rows.

    Raises:
        ValueError: if the saved one cannot be loaded or sees figures of another size, or the rows have no figures.
    """
    set_seed(seed)
    captions, diagrams = wordings(), []
    if args.dataset_name is not None:
        rows = load_split(args.dataset_name, "train")
        check_columns(rows, ("facts", "caption"), f"The data set {args.dataset_name}")
        captions, diagrams = [*captions, *rows["caption"]], load_diagrams(rows)
    if args.model_name_or_path is None:
        sizes = ScratchConfig(**{f.name: getattr(args, f.name) for f in fields(ScratchConfig)})
        return (*scratch_mmclip(captions, sizes, seed=seed), diagrams)
    mmclip, processor = read_model(ModelArguments(model_name_or_path=args.model_name_or_path))
    seen = mmclip.vision_tower.config
    if (seen.image_size, seen.patch_size) != (args.image_size, args.patch_size):
        raise ValueError(
            f"{args.model_name_or_path} sees figures of {seen.image_size} pixels in patches of {seen.patch_size}: set "
            "image_size and patch_size to that."
        )
    return mmclip, processor, diagrams


def train_and_save(trainer: WarmUpTrainer, mmclip: MMCLIPModel, processor: MMCLIPProcessor) -> None:
    """Train, and save the MMCLIP with its processor, and none of the trainer's heads, in its `output_dir`.

    Its temperature becomes the one at which codes were told apart: a contrast that follows finds it in place.
    """
    choose_attention(mmclip, trainer.args)
    train(trainer, lambda: "")  # figures are drawn, none can be unreadable
    with torch.no_grad():
        mmclip.backbone.logit_scale.fill_(math.log(SCALE))
    mmclip.save_pretrained(trainer.args.output_dir)
    processor.save_pretrained(trainer.args.output_dir)
