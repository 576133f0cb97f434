"""Arguments of MMGeoLM's stages: which model, which rows, what trains.

One word for one thing on every command line: `train_mmgeolm` (align, sft) and `reinforce_mmgeolm` share the model and
the freeze flags of this module.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from peft import LoraConfig
from transformers import BitsAndBytesConfig, TrainingArguments
from transformers.utils import is_bitsandbytes_available
from trl import SFTConfig

from .lora import LoraArguments, check_merging
from .precision import choose_bf16

PROJECTOR = "multi_modal_projector"
LANGUAGE_LAYERS = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj)"  # that get LoRA
LEARNING_RATES = {"align": 1e-3, "sft": 2e-5}  # the paper's
# Never quantised: the projector is trained in full, the tower is small and frozen, the head decides every token.
KEPT_WHOLE = [f"model.{PROJECTOR}", "model.vision_tower", "lm_head"]


@dataclass
class ModelArguments(LoraArguments):
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
        metadata={
            "help": "Type of the weights held in memory.",
            "choices": ["auto", "float32", "bfloat16", "float16"],
        },
    )
    drop_blank_tokens: bool = field(
        default=False,
        metadata={"help": "Give blank patches no token: prompts of line drawings halve. Saved with the processor."},
    )
    split_names: bool = field(
        default=False,
        metadata={
            "help": "Read names of points letter by letter, as figures print them: AB as A and B, where many a "
            "tokenizer has a token for AB. For parts that are joined; saved with the tokenizer."
        },
    )
    load_in_4bit: bool = field(
        default=False,
        metadata={"help": "QLoRA: hold the language model's frozen weights in 4 bits (needs bitsandbytes)."},
    )
    load_in_8bit: bool = field(default=False, metadata={"help": "The same in 8 bits."})
    bnb_4bit_quant_type: str = field(
        default="nf4", metadata={"help": "Number format of the 4 bits.", "choices": ["nf4", "fp4"]}
    )
    use_bnb_nested_quant: bool = field(
        default=True, metadata={"help": "Quantise the scales of the 4 bits, too: 0.4 bits less per weight."}
    )

    @property
    def quantised(self) -> bool:
        """Whether the language model is held in 4 or 8 bits."""
        return self.load_in_4bit or self.load_in_8bit

    @property
    def weight_bits(self) -> int | None:
        """4 or 8 where it is, else None."""
        return (4 if self.load_in_4bit else 8) if self.quantised else None


@dataclass
class FreezeArguments:
    """Which parts keep their weights. By default the vision tower does, and what the stage says."""

    freeze_vision: bool = field(
        default=True, metadata={"help": "Keep the vision tower as it is (always so with LoRA)."}
    )
    freeze_projector: bool = field(default=False, metadata={"help": "Keep the projector as it is."})
    freeze_language_model: bool | None = field(
        default=None,
        metadata={"help": "Keep the language model as it is; by default so in stage align and not in the others."},
    )

    @property
    def frozen(self) -> dict[str, bool]:
        """By part, whether it keeps its weights."""
        return {
            "vision": self.freeze_vision,
            "projector": self.freeze_projector,
            "language_model": bool(self.freeze_language_model),
        }


@dataclass
class StageConfig(FreezeArguments, SFTConfig):
    """TRL's `SFTConfig` with a stage and the defaults that suit figures."""

    stage: Literal["align", "sft"] = field(
        default="sft", metadata={"help": "align: the projector alone; sft: projector and language model."}
    )
    output_dir: str | None = field(default="runs/mmgeolm", metadata={"help": "Where everything this run makes goes."})
    learning_rate: float | None = field(
        default=None, metadata={"help": "Peak learning rate; by default the paper's, 1e-3 for align and 2e-5 for sft."}
    )
    projector_learning_rate: float | None = field(
        default=None,
        metadata={
            "help": "Peak learning rate of the projector, where it is to keep more of what it knows than "
            "--learning_rate would leave of it; by default the same."
        },
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
    activation_checkpointing: bool | None = field(
        default=None, metadata={"help": "Save memory by computing activations twice; worth it for large models."}
    )
    gradient_checkpointing: bool | None = field(default=None, metadata={"help": "Older name of the same."})
    bf16: bool | None = field(
        default=None,
        metadata={"help": "Compute in bfloat16; by default where the hardware has it, unless --use_cpu is given."},
    )
    remove_unused_columns: bool = field(default=False, metadata={"help": "Stays off: the collator picks the columns."})
    dry_run: bool = field(
        default=False, metadata={"help": "Print the estimate of the memory this run takes and stop before it."}
    )

    def __post_init__(self) -> None:
        if self.remove_unused_columns:
            raise ValueError("remove_unused_columns must be off: it would drop the captions of the align stage.")
        if self.learning_rate is None:
            self.learning_rate = LEARNING_RATES[self.stage]
        if self.freeze_language_model is None:
            self.freeze_language_model = self.stage == "align"
        if self.projector_learning_rate is not None and (self.freeze_projector or self.projector_learning_rate <= 0):
            raise ValueError(
                f"projector_learning_rate is {self.projector_learning_rate}, and it has to be above 0 and the "
                "projector not frozen: leave it out, or --freeze_projector."
            )
        choose_bf16(self)
        super().__post_init__()
        self.dataloader_pin_memory &= self.device.type != "cpu"


def check_model(model: ModelArguments, args: FreezeArguments) -> None:
    """Refuse contradictory options about the model before anything is loaded.

    Raises:
        ValueError: with the one to change.
    """
    parts = model.mmclip is not None or model.llm is not None
    if parts == (model.model_name_or_path is not None) or (model.mmclip is None) != (model.llm is None):
        raise ValueError("Name the model either by --mmclip and --llm, or by --model_name_or_path.")
    if model.split_names and not parts:
        raise ValueError(
            f"{model.model_name_or_path} has learned with its tokenizer as it is: --split_names is for parts that are "
            "joined by --mmclip and --llm."
        )
    if all(args.frozen.values()):
        raise ValueError(
            "All parts are frozen, so nothing would be learned: drop one of --freeze_vision, --freeze_projector and "
            "--freeze_language_model."
        )
    if not model.use_peft:
        if model.quantised:
            raise ValueError(
                "Quantised weights cannot be trained: add --use_peft to --load_in_4bit or --load_in_8bit."
            )
        return
    check_merging(model, args)
    if args.freeze_language_model:
        raise ValueError(
            "--use_peft trains the language model, which stays frozen here: it is for the stages after align, without "
            "--freeze_language_model."
        )
    if not args.freeze_vision:
        raise ValueError(
            "LoRA leaves the vision tower as it is: drop --use_peft to train it, or keep --freeze_vision."
        )
    if parts and model.quantised:
        raise ValueError(
            "Quantised weights are read from a saved MMGeoLM: run --stage align first and give its folder as "
            "--model_name_or_path."
        )
    if parts and not model.merge_adapter:
        raise ValueError(
            "An adapter is of no use without the model it was trained on, and one joined from --mmclip and --llm is "
            "saved nowhere: add --merge_adapter, or run --stage align first and give its folder as "
            "--model_name_or_path."
        )


def compute_type(args: TrainingArguments) -> torch.dtype:
    """What layers compute in."""
    return torch.bfloat16 if args.bf16 else torch.float16 if args.fp16 else torch.float32


def lora_config(model: ModelArguments, args: FreezeArguments) -> LoraConfig | None:
    """LoRA as the options set it up, or None without --use_peft."""
    if not model.use_peft:
        return None
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=model.lora_r,
        lora_alpha=model.lora_alpha,
        lora_dropout=model.lora_dropout,
        target_modules=model.lora_target_modules or LANGUAGE_LAYERS,
        # trained in full, and without this a resume would lose it
        modules_to_save=None if args.freeze_projector else [PROJECTOR],
    )


def quantisation(model: ModelArguments, compute: torch.dtype) -> BitsAndBytesConfig | None:
    """How the language model is quantised, or None where it is not.

    Args:
        compute: what the quantised layers compute in.

    Raises:
        ValueError: if bitsandbytes is not there, or cannot work on this machine.
    """
    if not model.quantised:
        return None
    if model.load_in_4bit and model.load_in_8bit:
        raise ValueError("--load_in_4bit and --load_in_8bit exclude each other: drop one.")
    if not is_bitsandbytes_available():
        raise ValueError("Quantised weights need the package bitsandbytes: pip install 'mmgeo[qlora]'.")
    from transformers.integrations.bitsandbytes import validate_bnb_backend_availability  # only now: it is slow

    try:
        validate_bnb_backend_availability(raise_exception=True)
    except (ImportError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"bitsandbytes cannot work on this machine ({' '.join(str(error).split())}): drop --load_in_4bit and "
            "--load_in_8bit, or use a device it supports."
        ) from error
    return BitsAndBytesConfig(
        load_in_4bit=model.load_in_4bit,
        load_in_8bit=model.load_in_8bit,
        bnb_4bit_quant_type=model.bnb_4bit_quant_type,
        bnb_4bit_use_double_quant=model.use_bnb_nested_quant,
        bnb_4bit_compute_dtype=compute,
        llm_int8_skip_modules=list(KEPT_WHOLE),
    )
