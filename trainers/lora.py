"""LoRA (arXiv 2106.09685) for the training commands: its options, how an MMCLIP gets it, and what is saved at the end.

In an MMCLIP, the attention of both towers gets low-rank adapters, and what projects their outputs into the common
space is trained in full. The logit scale and bias stay as they are: PEFT saves adapters and modules, no lone
parameters, and an adapter must be whole when `PeftModel.from_pretrained` puts it on its base.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field

from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model
from torch import nn
from transformers import PreTrainedModel, Trainer, TrainingArguments

from modeling_mmgeo import MMCLIPModel

from .frozen_towers import TOWERS
from .hub import HubReady
from .run import sharded

# The attention layers of CLIP, AltCLIP (whose text tower is an XLM-R) and SigLIP, but not SigLIP's pooling head, whose
# attention has one weight for three projections.
MMCLIP_LAYERS = (
    r".*\.encoder\.layers?\.\d+\."
    r"(self_attn\.(q_proj|k_proj|v_proj|out_proj)|attention\.(self\.(query|key|value)|output\.dense))"
)
# Of either family as far as it has them. AltCLIP has two on the way from text to embedding.
PROJECTIONS = {
    "image": ("backbone.visual_projection",),
    "text": ("backbone.text_projection", "text_model.transformation", "text_model.head"),
}
ADAPTER = ("adapter_config.json", "adapter_model.safetensors")  # its files, as PEFT names them


@dataclass
class LoraArguments:
    """How LoRA is set up."""

    use_peft: bool = field(default=False, metadata={"help": "Train by LoRA: small adapters on frozen weights."})
    lora_r: int = field(default=16, metadata={"help": "Rank of LoRA."})
    lora_alpha: int = field(default=32, metadata={"help": "Scale of LoRA, divided by the rank."})
    lora_dropout: float = field(default=0.05, metadata={"help": "Dropout of LoRA's input."})
    lora_target_modules: str | None = field(
        default=None,
        metadata={
            "help": "Regular expression for the full names of the layers that get LoRA. Default: the attention layers "
            "of what is trained."
        },
    )
    merge_adapter: bool = field(
        default=False,
        metadata={"help": "Merge LoRA into the weights at the end and save the whole model, not the adapter."},
    )

    def __post_init__(self) -> None:
        if self.merge_adapter and not self.use_peft:
            raise ValueError("--merge_adapter has nothing to merge without --use_peft.")


def mmclip_lora(
    options: LoraArguments, model: MMCLIPModel, freeze_vision: bool, freeze_text: bool, name: str | None = None
) -> LoraConfig:
    """LoRA for the towers of an MMCLIP that are not frozen; `name` is where the model is read from."""
    frozen = dict(zip(TOWERS, (freeze_vision, freeze_text), strict=True))
    modules = [name for name, _ in model.named_modules()]
    projections = [
        name
        for kind, endings in PROJECTIONS.items()
        for name in modules
        if name.endswith(endings) and not frozen[kind]
    ]
    held = [part for kind, parts in TOWERS.items() for part in parts if frozen[kind]]
    return LoraConfig(
        r=options.lora_r,
        lora_alpha=options.lora_alpha,
        lora_dropout=options.lora_dropout,
        target_modules=options.lora_target_modules or MMCLIP_LAYERS,
        base_model_name_or_path=name,
        exclude_modules=rf"backbone\.({'|'.join(held)})\..*" if held else None,
        modules_to_save=projections or None,
    )


def add_adapter(model: MMCLIPModel, config: PeftConfig, frozen: dict[str, list[nn.Module]]) -> PeftModel:
    """Wrap a model for training by adapters; its own weights are frozen, and none of them are copied.

    Args:
        model: changed in place.
        config: of the adapters.
        frozen: modules that may have none, as `freeze` gives them.

    Raises:
        ValueError: if one would be put there, or nowhere.
    """
    name, config.base_model_name_or_path = config.base_model_name_or_path or model.name_or_path, None
    wrapped = get_peft_model(model, config)
    config.base_model_name_or_path = name  # which PEFT takes from the model, and one around a stock backbone has none
    if any(weight.requires_grad for parts in frozen.values() for part in parts for weight in part.parameters()):
        raise ValueError(
            f"The adapter would train the frozen {' and '.join(frozen)} tower: exclude its modules in the peft_config "
            "(lora.mmclip_lora does), or do not freeze it."
        )
    return wrapped


def check_merging(options: LoraArguments, args: TrainingArguments) -> None:
    """Raises ValueError if LoRA is to be merged into weights of which no process holds the whole."""
    if options.merge_adapter and sharded(args):
        raise ValueError(
            "--merge_adapter needs the whole weights, and FSDP and DeepSpeed shard them: train without it, and merge "
            "afterwards with PeftModel.from_pretrained(base, folder).merge_and_unload()."
        )


def save_trained(
    trainer: HubReady, options: LoraArguments, read_base: Callable[[], PreTrainedModel] | None = None
) -> None:
    """Save the model or its adapter and the processor to the output folder, and push them if that is asked for.

    Args:
        trainer: after training.
        options: whether LoRA is merged into the weights, so that the whole model is saved.
        read_base: reads the model that the adapter was put on, where it was quantised: LoRA goes into whole weights.
    """
    folder, push = trainer.args.output_dir, trainer.args.push_to_hub
    if not options.merge_adapter:
        trainer.push_to_hub() if push else trainer.save_model(folder)
    elif trainer.is_world_process_zero():
        merged(trainer, read_base).save_pretrained(folder)
        trainer.processing_class.save_pretrained(folder)
        if push:
            trainer.push_folder(folder, "End of training", replaced=ADAPTER)


def merged(trainer: Trainer, read_base: Callable[[], PreTrainedModel] | None = None) -> PreTrainedModel:
    """The trained model with its adapter in its weights; `read_base` as in `save_trained`."""
    adapted = trainer.accelerator.unwrap_model(trainer.model)
    if read_base is None:
        return adapted.merge_and_unload()
    with tempfile.TemporaryDirectory(dir=trainer.args.output_dir, prefix="tmp-") as folder:
        adapted.save_pretrained(folder)
        return PeftModel.from_pretrained(read_base(), folder).merge_and_unload()
