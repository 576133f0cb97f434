"""Build and tune an MMGeoLM, in two stages (MMGeoLM, arXiv 2505.20152).

    python -m trainers.train_mmgeolm --stage align --mmclip M --llm L --dataset_name D --output_dir O1
    python -m trainers.train_mmgeolm --stage sft --model_name_or_path O1 --dataset_name D --output_dir O2

`align` trains the projector between the vision tower and the language model on figures and their captions; rows of
hard negatives (`image`, `caption`) will do. `sft` trains projector and language model, whole or by LoRA (on weights
of 4 or 8 bits, if asked for), on prompt/completion rows with images; the loss is on the answer alone. `M` is an MMCLIP
or any stock dual encoder, `L` any causal language model, or `embedded` for SmolLM2-135M without a download.

The memory it takes is estimated first, and with `--dry_run` that is all. Started again, the command goes on from its
last checkpoint. With `--push_to_hub` every checkpoint goes to the Hub. A third stage is `trainers.reinforce_mmgeolm`.
"""

from itertools import islice
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import PreTrainedModel, set_seed
from transformers.processing_utils import ProcessorMixin
from transformers.utils import logging
from trl import SFTTrainer, TrlParser, prepare_multimodal_messages

from data_scripts.cli import run_command
from data_scripts.encoded_images import undecoded

from .answer_collator import AnswerCollator, as_prompt_completion
from .checks import NUM_PROBED_ROWS
from .data_arguments import DataArguments, named_rows
from .hub import HubReady
from .labelled_tokens import LabelledTokens
from .lora import save_trained
from .memory import MemoryEstimate, estimate_memory, with_lora
from .mmgeolm_config import ModelArguments, StageConfig, check_model, compute_type, lora_config
from .mmgeolm_model import (
    freeze,
    hold_in_float32,
    load_model,
    load_processor,
    match_computation,
    part_of,
    reader_of_base,
    sketch_model,
)
from .precision import choose_attention
from .rows import check_columns
from .run import evaluate, train

logger = logging.get_logger(__name__)


def load_rows(data: DataArguments, do_eval: bool) -> tuple[Dataset, Dataset | None]:
    """Training rows and, if asked for, evaluation rows, with their images not yet decoded.

    Raises:
        ValueError: if they are missing, empty, lack columns, or none of the first has a readable image.
    """
    rows = [undecoded(part) for part in named_rows(data, do_eval)]
    for part in rows:
        answers = ("prompt", "completion") if "prompt" in part.column_names else ("caption",)
        images = "images" if "images" in part.column_names else "image"
        check_columns(part, (*answers, images), f"The data set {data.dataset_name}")
        first = part.select(range(min(NUM_PROBED_ROWS, len(part))))
        if all(as_prompt_completion(row) is None for row in first):
            raise ValueError(
                f"None of the first {len(first)} rows of {data.dataset_name} has a readable image: check its image "
                "column."
            )
    return rows[0], rows[1] if do_eval else None


class StageTrainer(HubReady, LabelledTokens, SFTTrainer):
    """TRL's trainer with a rate for the projector, whose folders and pushes hold what the Hub takes and no pickle."""

    def create_optimizer(self, *args: Any, **kwargs: Any) -> torch.optim.Optimizer:
        """The stock optimizer; the projector's weights in groups of their own where they have a rate of their own."""
        rate = self.args.projector_learning_rate if self.optimizer is None else None  # split once
        optimizer = super().create_optimizer(*args, **kwargs)
        if rate is not None:
            ours = {id(weight) for name, weight in self.model.named_parameters() if part_of(name) == "projector"}
            for group in list(optimizer.param_groups):
                own = [weight for weight in group["params"] if id(weight) in ours]
                group["params"] = [weight for weight in group["params"] if id(weight) not in ours]
                if own:
                    optimizer.add_param_group({**group, "params": own, "lr": rate})
            optimizer.param_groups = [group for group in optimizer.param_groups if group["params"]]
        return optimizer


def make_trainer(
    model: PreTrainedModel,
    processor: ProcessorMixin,
    args: StageConfig,
    train_rows: Dataset,
    eval_rows: Dataset | None = None,
    lora: LoraConfig | None = None,
) -> SFTTrainer:
    """A trainer for one stage, whose collator skips bad images and refuses masked batches."""
    freeze(model, args.frozen)
    hold_in_float32(model, args, lora is not None)
    trainer = StageTrainer(
        model=model,
        args=args,
        train_dataset=train_rows,
        eval_dataset=eval_rows,
        processing_class=processor,
        peft_config=lora,
    )
    match_computation(trainer)
    trainer.data_collator = AnswerCollator(trainer.data_collator)
    # Collated once before training: what is wrong with every row shows now and not after the model is on its devices.
    AnswerCollator(trainer.data_collator.collate)(list(islice(train_rows, args.per_device_train_batch_size)))
    return trainer


def report_memory(model: ModelArguments, args: StageConfig, processor: ProcessorMixin, rows: Dataset) -> None:
    """Print how much memory the run takes, by the longest of the first rows.

    Raises:
        ValueError: in a dry run, if the model's code cannot run without values; any other run only goes without.
    """
    try:
        print(estimate(model, args, processor, rows).describe())
    except (ArithmeticError, AttributeError, NotImplementedError, RuntimeError, TypeError) as error:
        told = f"The memory of this model cannot be estimated ({' '.join(str(error).split())[:200]})."
        if args.dry_run:
            raise ValueError(told) from error
        logger.warning(told)


def estimate(model: ModelArguments, args: StageConfig, processor: ProcessorMixin, rows: Dataset) -> MemoryEstimate:
    """The memory of one step on the longest of the first rows, as the processor makes them; see `estimate_memory`."""
    sketch = sketch_model(model, processor)
    freeze(sketch, args.frozen)
    lengths, images = [], []
    for example in map(as_prompt_completion, rows.select(range(min(NUM_PROBED_ROWS, len(rows))))):
        if example is not None:
            images.append(len(example["images"]))
            messages = prepare_multimodal_messages([*example["prompt"], *example["completion"]], example["images"])
            text = processor.apply_chat_template(messages)
            lengths.append(len(processor(images=example["images"], text=[text])["input_ids"][0]))
    size, length = args.per_device_train_batch_size, min(max(lengths), args.max_length or max(lengths))
    lora = lora_config(model, args)
    hold_in_float32(sketch, args, lora is not None)
    sketch = with_lora(sketch, lora)
    return estimate_memory(sketch, args, (size, length), size * max(images), model.weight_bits)


def main(arguments: list[str] | None = None) -> None:
    """Run the command; `arguments` default to those of the command line."""
    model_arguments, data, args = TrlParser((ModelArguments, DataArguments, StageConfig)).parse_args_and_config(
        arguments
    )
    check_model(model_arguments, args)
    train_rows, eval_rows = load_rows(data, args.do_eval)
    processor = load_processor(model_arguments)
    if args.process_index == 0:
        report_memory(model_arguments, args, processor, train_rows)
    if args.dry_run:
        return
    set_seed(args.seed)  # the projector's weights are drawn while loading
    model = load_model(model_arguments, processor, compute_type(args))
    choose_attention(model, args)
    trainer = make_trainer(model, processor, args, train_rows, eval_rows, lora_config(model_arguments, args))
    train(trainer, trainer.data_collator.report)
    evaluate(trainer)  # before merging, which takes the adapter apart
    save_trained(trainer, model_arguments, reader_of_base(model_arguments, processor))


if __name__ == "__main__":
    run_command(main)
