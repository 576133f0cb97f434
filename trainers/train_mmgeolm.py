"""Build and tune an MMGeoLM, in two stages (MMGeoLM, arXiv 2505.20152).

    python -m trainers.train_mmgeolm --stage align --mmclip M --llm L --dataset_name D --output_dir O1
    python -m trainers.train_mmgeolm --stage sft --model_name_or_path O1 --dataset_name D --output_dir O2

`align` trains the projector between the vision tower and the language model on figures and their captions; rows of
hard negatives (`image`, `caption`) will do. `sft` trains projector and language model, whole or by LoRA, on
prompt/completion rows with images; the loss is on the answer alone. `M` is an MMCLIP or any stock dual encoder, `L`
any causal language model, or `embedded` for SmolLM2-135M without a download. Started again, the command goes on from
its last checkpoint.
"""

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoTokenizer, PreTrainedConfig, PreTrainedModel, set_seed
from transformers.processing_utils import ProcessorMixin
from transformers.utils import is_torch_bf16_gpu_available
from trl import SFTConfig, SFTTrainer, TrlParser

from data_scripts.cli import run_command
from modeling_mmgeo import MMCLIPProcessor, MMGeoLMForConditionalGeneration, MMGeoLMProcessor

from .answer_collator import AnswerCollator, as_prompt_completion
from .rows import check_columns, load_split, undecoded
from .run import drop_pickled_arguments, evaluate, train

PROJECTOR = "multi_modal_projector"
LEARNING_RATES = {"align": 1e-3, "sft": 2e-5}  # the paper's
NUM_PROBED_ROWS = 64


def cpu_computes_bf16() -> bool:
    """Whether this machine has no accelerator and a CPU with bfloat16 instructions, which save time."""
    if torch.accelerator.is_available():
        return False
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # older releases of torch do not tell
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


@dataclass
class ModelArguments:
    """Which parts to join, or which MMGeoLM to go on with, and how LoRA is set up."""

    mmclip: str | None = field(
        default=None, metadata={"help": "Hub id or folder of the MMCLIP (or stock dual encoder) whose eyes are used."}
    )
    llm: str | None = field(
        default=None, metadata={"help": "Hub id or folder of a causal language model, or embedded for SmolLM2-135M."}
    )
    model_name_or_path: str | None = field(
        default=None,
        metadata={"help": "Hub id or folder of an MMGeoLM to train further, instead of --mmclip and --llm."},
    )
    dtype: str = field(
        default="float32",
        metadata={"help": "Of the weights held in memory.", "choices": ["auto", "float32", "bfloat16", "float16"]},
    )
    drop_blank_tokens: bool = field(
        default=False,
        metadata={"help": "Give blank patches no token: prompts of line drawings halve. Saved with the processor."},
    )
    use_peft: bool = field(default=False, metadata={"help": "Train the language model by LoRA (stage sft)."})
    lora_r: int = field(default=16, metadata={"help": "Rank of LoRA."})
    lora_alpha: int = field(default=32, metadata={"help": "Scale of LoRA, divided by the rank."})
    lora_dropout: float = field(default=0.05, metadata={"help": "Dropout of LoRA's input."})
    lora_target_modules: str = field(
        default=r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj)",
        metadata={"help": "Regular expression for the full names of the layers that get LoRA."},
    )
    merge_adapter: bool = field(
        default=False,
        metadata={"help": "Merge LoRA into the weights at the end and save the whole model, not the adapter."},
    )


@dataclass
class DataArguments:
    """Which rows to train on."""

    dataset_name: str | None = field(default=None, metadata={"help": "Hub id or folder of the rows (required)."})
    dataset_config: str | None = field(default=None, metadata={"help": "Its configuration, if it has several."})
    train_split: str = field(default="train", metadata={"help": "Split to train on."})
    eval_split: str = field(
        default="test", metadata={"help": "Split to evaluate on, with --do_eval or an --eval_strategy."}
    )
    max_train_rows: int | None = field(default=None, metadata={"help": "Train on the first rows only."})
    max_eval_rows: int | None = field(default=None, metadata={"help": "Evaluate on the first rows only."})


@dataclass
class StageConfig(SFTConfig):
    """TRL's `SFTConfig` with a stage and the defaults that suit figures."""

    stage: Literal["align", "sft"] = field(
        default="sft", metadata={"help": "align: the projector alone; sft: projector and language model."}
    )
    freeze_vision: bool = field(
        default=True, metadata={"help": "Keep the vision tower as it is (always so in stage align and with LoRA)."}
    )
    output_dir: str | None = field(default="runs/mmgeolm", metadata={"help": "Where everything this run makes goes."})
    learning_rate: float | None = field(
        default=None, metadata={"help": "Peak learning rate; by default the paper's, 1e-3 for align and 2e-5 for sft."}
    )
    lr_scheduler_type: str = field(default="cosine", metadata={"help": "Shape of the learning rate's decay."})
    warmup_steps: float = field(
        default=0.03, metadata={"help": "Steps of linear warm-up; below 1, their share of all steps."}
    )
    num_train_epochs: float = field(default=1.0, metadata={"help": "Passes over the training rows."})
    max_length: int | None = field(
        default=None, metadata={"help": "Longest sequence. None, as cutting would lose image tokens or answers."}
    )
    completion_only_loss: bool | None = field(default=True, metadata={"help": "Learn from the answers alone."})
    gradient_checkpointing: bool = field(
        default=False, metadata={"help": "Save memory by computing activations twice; worth it for large models."}
    )
    bf16: bool | None = field(
        default=None,
        metadata={"help": "Compute in bfloat16; by default where the hardware has it, unless --use_cpu is given."},
    )
    remove_unused_columns: bool = field(default=False, metadata={"help": "Stays off: the collator picks the columns."})

    def __post_init__(self) -> None:
        if self.remove_unused_columns:
            raise ValueError("remove_unused_columns must be off: it would drop the captions of the align stage.")
        if self.learning_rate is None:
            self.learning_rate = LEARNING_RATES[self.stage]
        if self.bf16 is None:
            self.bf16 = bool(is_torch_bf16_gpu_available()) and not (self.fp16 or self.use_cpu)
            if not (self.bf16 or self.fp16 or self.use_cpu) and cpu_computes_bf16():
                self.bf16 = self.use_cpu = True  # transformers takes bf16 on a CPU only with use_cpu
        super().__post_init__()
        self.dataloader_pin_memory &= self.device.type != "cpu"


def check_arguments(model: ModelArguments, data: DataArguments, args: StageConfig) -> None:
    """Refuse contradictory options before anything is loaded.

    Raises:
        ValueError: with the one to change.
    """
    parts = model.mmclip is not None or model.llm is not None
    if parts == (model.model_name_or_path is not None) or (model.mmclip is None) != (model.llm is None):
        raise ValueError("Name the model either by --mmclip and --llm, or by --model_name_or_path.")
    if data.dataset_name is None:
        raise ValueError("Name the rows to train on: --dataset_name, a Hub id or a folder as data_scripts writes it.")
    if model.merge_adapter and not model.use_peft:
        raise ValueError("--merge_adapter has nothing to merge without --use_peft.")
    if not model.use_peft:
        return
    if args.stage == "align":
        raise ValueError("--use_peft is for --stage sft: the align stage trains the projector alone.")
    if not args.freeze_vision:
        raise ValueError(
            "LoRA leaves the vision tower as it is: drop --use_peft to train it, or keep --freeze_vision."
        )
    if parts and not model.merge_adapter:
        raise ValueError(
            "An adapter is of no use without the model it was trained on, and one joined from --mmclip and --llm is "
            "saved nowhere: add --merge_adapter, or run --stage align first and give its folder as "
            "--model_name_or_path."
        )


def load_model(model: ModelArguments) -> tuple[MMGeoLMForConditionalGeneration, ProcessorMixin]:
    """The MMGeoLM to train, read or joined from its parts, and its processor.

    Raises:
        ValueError: if a checkpoint cannot be found or is of the wrong kind.
    """
    name = model.model_name_or_path
    try:
        if name is not None:
            kind = PreTrainedConfig.get_config_dict(name)[0].get("model_type")
            if kind != "mmgeolm":
                raise ValueError(
                    f"{name} is of type {kind!r} and no MMGeoLM: run --stage align with --mmclip and --llm."
                )
            network = MMGeoLMForConditionalGeneration.from_pretrained(name, dtype=model.dtype)
            return network, MMGeoLMProcessor.from_pretrained(name)
        if (llm := model.llm) == "embedded":
            from data_scripts.embedded import smollm2_folder  # only now: it unpacks a model on first use

            llm = smollm2_folder()
        processor = MMGeoLMProcessor.from_parts(
            MMCLIPProcessor.from_backbone(model.mmclip), AutoTokenizer.from_pretrained(llm)
        )
        network = MMGeoLMForConditionalGeneration.from_parts(model.mmclip, llm, processor.image_token_id)
        return (network if model.dtype == "auto" else network.to(getattr(torch, model.dtype))), processor
    except OSError as error:
        raise ValueError(f"Cannot load the model: {error}") from error


def drop_blank_tokens(processor: ProcessorMixin, config: PreTrainedConfig) -> None:
    """Have the processor leave the tokens of blank patches out, blank by the model's own measure."""
    processor.drop_blank_tokens = True
    processor.min_patches, processor.blank_tolerance = config.min_patches, config.blank_tolerance


def load_rows(data: DataArguments, do_eval: bool) -> tuple[Dataset, Dataset | None]:
    """Training rows and, if asked for, evaluation rows, with their images not yet decoded.

    Raises:
        ValueError: if they are missing, empty, lack columns, or none of the first has a readable image.
    """
    rows = [load_split(data.dataset_name, data.train_split, data.dataset_config, data.max_train_rows)]
    if do_eval:
        rows.append(load_split(data.dataset_name, data.eval_split, data.dataset_config, data.max_eval_rows))
    rows = [undecoded(part) for part in rows]
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


def freeze(model: PreTrainedModel, stage: str, freeze_vision: bool) -> None:
    """Leave to training what the stage is for: the projector, and in `sft` the language model and maybe the eyes.

    Of the eyes, what lies behind the layer whose features are used gets no gradient and stays frozen.
    """
    tower = model.model.vision_tower
    used = model.config.vision_feature_layer
    used = max(
        n if n >= 0 else tower.config.num_hidden_layers + 1 + n for n in ([used] if isinstance(used, int) else used)
    )
    for name, parameter in model.named_parameters():
        if PROJECTOR in name:
            parameter.requires_grad_(True)
        elif ".vision_tower." in name:
            layer = re.search(r"\.layers\.(\d+)\.", name)
            seen = int(layer[1]) < used if layer else not re.search(r"post_layernorm|\.head\.", name)
            parameter.requires_grad_(stage == "sft" and not freeze_vision and seen)
        else:
            parameter.requires_grad_(stage == "sft")


class StageTrainer(SFTTrainer):
    """TRL's trainer without its model card, which describes a text model of no name; `model_cards` writes ours."""

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        pass


def make_trainer(
    model: PreTrainedModel,
    processor: ProcessorMixin,
    args: StageConfig,
    train_rows: Dataset,
    eval_rows: Dataset | None = None,
    lora: LoraConfig | None = None,
) -> SFTTrainer:
    """A trainer for one stage, whose collator skips bad images and refuses masked batches."""
    freeze(model, args.stage, args.freeze_vision)
    trainer = StageTrainer(
        model=model,
        args=args,
        train_dataset=train_rows,
        eval_dataset=eval_rows,
        processing_class=processor,
        peft_config=lora,
    )
    trainer.data_collator = AnswerCollator(trainer.data_collator)
    # Collated once before training: what is wrong with every row shows now and not after the model is on its devices.
    AnswerCollator(trainer.data_collator.collate)(list(islice(train_rows, args.per_device_train_batch_size)))
    return trainer


def save(trainer: SFTTrainer, merge_adapter: bool) -> None:
    """Save the model (or its adapter) and the processor to the output folder."""
    folder = trainer.args.output_dir
    if not merge_adapter:
        trainer.save_model(folder)
    elif trainer.is_world_process_zero():
        trainer.accelerator.unwrap_model(trainer.model).merge_and_unload().save_pretrained(folder)
        trainer.processing_class.save_pretrained(folder)
    if trainer.is_world_process_zero():
        drop_pickled_arguments(folder)


def main(arguments: list[str] | None = None) -> None:
    """Run the command; `arguments` default to those of the command line."""
    model_arguments, data, args = TrlParser((ModelArguments, DataArguments, StageConfig)).parse_args_and_config(
        arguments
    )
    check_arguments(model_arguments, data, args)
    set_seed(args.seed)  # the projector's weights are drawn while loading
    train_rows, eval_rows = load_rows(data, args.do_eval)
    model, processor = load_model(model_arguments)
    if model_arguments.drop_blank_tokens:
        drop_blank_tokens(processor, model.config)
    lora = None
    if model_arguments.use_peft:
        lora = LoraConfig(
            task_type="CAUSAL_LM",
            r=model_arguments.lora_r,
            lora_alpha=model_arguments.lora_alpha,
            lora_dropout=model_arguments.lora_dropout,
            target_modules=model_arguments.lora_target_modules,
            modules_to_save=[PROJECTOR],  # trained in full, and without this a resume would lose it
        )
    trainer = make_trainer(model, processor, args, train_rows, eval_rows, lora)
    train(trainer, trainer.data_collator.report)
    evaluate(trainer)  # before merging, which takes the adapter apart
    save(trainer, model_arguments.merge_adapter)


if __name__ == "__main__":
    run_command(main)
