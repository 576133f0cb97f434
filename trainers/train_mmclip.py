"""Train an MMCLIP on hard negatives.

    python -m trainers.train_mmclip --config trainers/recipes/tiny.yaml --dataset_name D --output_dir O
    accelerate launch -m trainers.train_mmclip --config trainers/recipes/paper_altclip.yaml --dataset_name D
    --output_dir O

`D` is a Hub id or folder of rows as `data_scripts` writes them. `O` receives model and processor, loadable by
`from_pretrained`, the logs and the checkpoints; started again, the command goes on from the last one. With
`--model_name_or_path` an MMCLIP or a stock dual encoder is trained further, without it a small one from nothing. With
`--use_peft` it is trained by LoRA; `O` then receives the adapter, for `PeftModel.from_pretrained(model, O)` on an
`MMCLIPModel.from_backbone` of the same checkpoint, or with `--merge_adapter` the whole model as above.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from datasets import Dataset
from transformers import TrainerCallback, set_seed
from trl import TrlParser

from data_scripts.cli import run_command
from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor
from modeling_mmgeo.configuration_mmclip import check_blank_patches

from .collators import TEXT_FAMILIES
from .data_arguments import DataArguments, named_rows
from .hard_negative_config import HardNegativeConfig
from .hard_negative_trainer import HardNegativeTrainer
from .lora import LoraArguments, check_merging, mmclip_lora, save_trained
from .precision import choose_attention
from .rows import check_columns
from .run import evaluate, train
from .scratch import ScratchConfig, scratch_mmclip


@dataclass
class ModelArguments(LoraArguments):
    """Which model to start from, and how LoRA is set up."""

    model_name_or_path: str | None = field(
        default=None,
        metadata={
            "help": "Hub id or folder of an MMCLIP or of a stock dual encoder (CLIP, AltCLIP, SigLIP, ...). Without "
            "it, a small CLIP is trained from nothing; the image_size, vision_* and text_* options give its sizes."
        },
    )
    model_revision: str | None = field(default=None, metadata={"help": "Branch, tag or commit of the Hub model."})
    attn_implementation: str | None = field(
        default=None,
        metadata={"help": "sdpa, flash_attention_2, eager, ... (default: the model's; eager on a CPU in bf16)."},
    )
    skip_blank_patches: bool | None = field(
        default=None,
        metadata={
            "help": "Encode inked patches only, which is faster on line drawings; saved with the model. Default: as "
            "the model has it, off for a stock one."
        },
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.model_name_or_path is not None:
            return
        for name in ("model_revision", "attn_implementation", "use_peft"):
            if getattr(self, name):
                raise ValueError(f"--{name} is for a trained model: name one by --model_name_or_path, or drop it.")


def load_rows(data: DataArguments, do_eval: bool) -> tuple[Dataset, Dataset | None]:
    """Training rows and, if asked for, evaluation rows.

    Raises:
        ValueError: if no data set is named, or it is missing, empty or lacks columns.
    """
    rows = named_rows(data, do_eval)
    for part in rows:
        check_columns(part, ("image", "caption"), f"The data set {data.dataset_name}")
    return rows[0], rows[1] if do_eval else None


def all_captions(rows: Dataset) -> Iterable[str]:
    """Every caption of the rows, negatives included: a tokenizer from scratch must know their words, too."""
    columns = [name for name in ("caption", "negative_captions", *TEXT_FAMILIES.values()) if name in rows.column_names]
    for batch in rows.select_columns(columns).iter(batch_size=1000):
        for name in columns:
            for value in batch[name]:
                yield from filter(None, [value] if name == "caption" else value or ())


def load_model(
    model: ModelArguments, scratch: ScratchConfig, rows: Dataset, seed: int
) -> tuple[MMCLIPModel, MMCLIPProcessor]:
    """The model to start from, and its processor.

    Raises:
        ValueError: if the checkpoint cannot be found or is no dual encoder, or cannot skip blank patches and should.
    """
    network, processor = (
        scratch_mmclip(all_captions(rows), scratch, seed) if model.model_name_or_path is None else read_model(model)
    )
    if model.skip_blank_patches is not None:
        network.config.skip_blank_patches = model.skip_blank_patches
        check_blank_patches(network.config)
    return network, processor


def read_model(model: ModelArguments) -> tuple[MMCLIPModel, MMCLIPProcessor]:
    """The checkpoint to start from, and its processor.

    Raises:
        ValueError: if it cannot be found or is no dual encoder.
    """
    hub = {} if model.model_revision is None else {"revision": model.model_revision}
    options = {} if model.attn_implementation is None else {"attn_implementation": model.attn_implementation}
    try:
        # float32 weights whatever the checkpoint has: bf16 ones would swallow the small steps; --bf16 computes in
        # bf16.
        network = MMCLIPModel.from_backbone(model.model_name_or_path, dtype=torch.float32, **hub, **options)
        return network, MMCLIPProcessor.from_backbone(model.model_name_or_path, **hub)
    except OSError as error:
        raise ValueError(f"Cannot load the model {model.model_name_or_path}: {error}") from error


def main(arguments: list[str] | None = None, callbacks: list[TrainerCallback] | None = None) -> None:
    """Run the command; `arguments` default to those of the command line, `callbacks` follow its training."""
    parser = TrlParser((ModelArguments, DataArguments, ScratchConfig, HardNegativeConfig))
    model_arguments, data, scratch, args = parser.parse_args_and_config(arguments)
    check_merging(model_arguments, args)
    set_seed(args.seed)
    train_rows, eval_rows = load_rows(data, args.do_eval)
    model, processor = load_model(model_arguments, scratch, train_rows, args.seed)
    if model_arguments.attn_implementation is None:
        choose_attention(model, args)
    trainer = HardNegativeTrainer(
        model=model,
        args=args,
        train_dataset=train_rows,
        eval_dataset=eval_rows,
        processing_class=processor,
        callbacks=callbacks,
        peft_config=(
            mmclip_lora(
                model_arguments, model, args.freeze_vision, args.freeze_text, model_arguments.model_name_or_path
            )
            if model_arguments.use_peft
            else None
        ),
    )
    train(trainer, trainer.data_collator.report)
    save_trained(trainer, model_arguments)
    evaluate(trainer)


if __name__ == "__main__":
    run_command(main)
