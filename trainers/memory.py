"""How much memory a training takes, estimated before it starts and without loading a weight.

The model is a sketch on the meta device. Weights, gradients and optimizer states follow from its parameters; the
activations are counted while the sketch runs forward: every tensor that autograd keeps for the backward pass, each
storage once. Nothing else is guessed but the slack of the allocator, which is left out.

Promises: per device, for plain and data parallel training; what FSDP and DeepSpeed ZeRO shard is divided by them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch.autograd.graph import saved_tensors_hooks
from transformers import AttentionInterface, PreTrainedModel, TrainingArguments

from .mmgeolm_config import KEPT_WHOLE

MIB, GIB = 1024**2, 1024**3
# Bytes of optimizer state per trained weight, as multiples of that weight's own size or in bytes; AdamW keeps two
# moments of the weight's type.
STATES_LIKE_WEIGHTS = {"sgd": 0, "adagrad": 1, "rmsprop": 1}
STATE_BYTES = {"adafactor": 0, "8bit": 2}
BLOCK = 64  # weights that share a scale in 4 bits; nested, 256 scales share one


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes on one device."""

    weights: int  # as held, quantised ones included
    optimizer: int
    gradients: int
    activations: int  # with the bfloat16 copies of trained float32 weights that autocast makes
    accumulates: bool = False  # gradients of earlier batches are there while the next goes forward

    @property
    def total(self) -> int:
        """At the worst moment: the backward pass gives up activations as fast as it makes gradients."""
        rest = (self.activations, self.gradients)
        return self.weights + self.optimizer + (sum(rest) if self.accumulates else max(rest))

    def describe(self) -> str:
        """One line, the most at one time last."""
        parts = ("weights", "optimizer", "gradients", "activations")
        told = ", ".join(f"{part} {readable(getattr(self, part))}" for part in parts)
        return f"Memory estimate per device: {told}; at most {readable(self.total)} at one time"


def readable(size: int) -> str:
    """Bytes as people read them: 1.2 GiB, 340.5 MiB."""
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / MIB:.1f} MiB"


def estimate_memory(
    model: PreTrainedModel | PeftModel,
    args: TrainingArguments,
    batch: tuple[int, int],
    images: int,
    weight_bits: int | None = None,
) -> MemoryEstimate:
    """Memory of one training step.

    Args:
        model: an MMGeoLM on the meta device, frozen and with its LoRA as it will be trained.
        args: for precision, optimizer and activation checkpointing.
        batch: rows on a device, and tokens of the longest of them.
        images: images on a device.
        weight_bits: 4 or 8 where the language model is quantised.
    """
    quantised = quantised_weights(model) if weight_bits else {}
    weights = copies = gradients = optimizer = 0
    for name, parameter in model.named_parameters():
        if name in quantised:
            weights += quantised_bytes(parameter, weight_bits)
            continue
        size = 2 if weight_bits and parameter.requires_grad else parameter.element_size()  # TRL trains those in bf16
        weights += parameter.numel() * size
        if parameter.requires_grad:
            gradients += parameter.numel() * size
            optimizer += parameter.numel() * state_bytes(args.optim, size)
            copies += 2 * parameter.numel() if (args.bf16 or args.fp16) and size == 4 else 0
    compute = torch.bfloat16 if args.bf16 or args.fp16 else torch.float32
    activations = activation_bytes(model.to(compute), batch, images, bool(args.activation_checkpointing))
    return MemoryEstimate(
        weights, int(optimizer), gradients, activations + copies, args.gradient_accumulation_steps > 1
    )


def state_bytes(optim: str, weight_size: int) -> float:
    """Bytes an optimizer keeps per trained weight of so many bytes."""
    name = str(getattr(optim, "value", optim))
    for part, size in STATE_BYTES.items():
        if part in name:
            return size
    return next((n for part, n in STATES_LIKE_WEIGHTS.items() if name.startswith(part)), 2) * weight_size


def quantised_weights(model: PreTrainedModel | PeftModel) -> set[str]:
    """Names of the weights that bitsandbytes would hold in few bits: those of linear layers of the language model."""
    return {
        f"{name}.weight"
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and not any(kept in name for kept in KEPT_WHOLE) and "lora_" not in name
    }


def quantised_bytes(weight: torch.Tensor, bits: int) -> int:
    """Bytes of a quantised matrix with its scales, those of 4 bits nested."""
    if bits == 8:
        return weight.numel() + 4 * weight.shape[0]
    blocks = weight.numel() / BLOCK
    return int(weight.numel() / 2 + blocks + 4 * blocks / 256)


def fused_attention(
    module: torch.nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *args: Any, **kwargs: Any
) -> tuple[torch.Tensor, None]:
    """Attention that keeps what fused kernels keep on every device: no scores; the meta device would keep them all."""
    groups = query.shape[1] // key.shape[1]
    key, value = (part.repeat_interleave(groups, dim=1) if groups > 1 else part for part in (key, value))
    output, _ = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(query, key, value)
    return output.transpose(1, 2).contiguous(), None


# No mask is made for an attention that transformers does not know, and none is wanted: its making looks at values.
AttentionInterface.register("mmgeo_sketch", fused_attention)


@contextmanager
def counting(kept: dict[Any, int]) -> Iterator[None]:
    """Collect the size of every storage that autograd keeps meanwhile, but for parameters."""

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if not isinstance(tensor, torch.nn.Parameter) and not (tensor.is_leaf and tensor.requires_grad):
            storage = tensor.untyped_storage()
            kept[storage._cdata] = storage.nbytes()
            alive.append(storage)  # an address may be used again once its storage is gone
        return tensor

    alive: list[torch.UntypedStorage] = []
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        yield


def saved_bytes(run: Callable[[], Any], parameters: set[int]) -> int:
    """Bytes that autograd keeps of a forward pass, the storages of the parameters left out."""
    kept: dict[Any, int] = {}
    with counting(kept):
        run()
    return sum(size for storage, size in kept.items() if storage not in parameters)


def activation_bytes(
    model: PreTrainedModel | PeftModel, batch: tuple[int, int], images: int, checkpointing: bool
) -> int:
    """What a forward pass leaves for the backward pass, measured on the meta device.

    With activation checkpointing each layer of the language model keeps its input alone, and one layer at a time is
    computed again. The loss is left out: TRL computes it in tiles, without the logits of the vocabulary.
    """
    rows, length = batch
    base = (model.get_base_model() if isinstance(model, PeftModel) else model).model.train()
    language, tower = base.language_model, base.vision_tower
    for part in (language, tower):
        part.set_attn_implementation("mmgeo_sketch")
    side = base.config.vision_config.image_size
    side = (side, side) if isinstance(side, int) else tuple(side)
    like = {"device": "meta", "dtype": base.dtype}
    parameters = {p.untyped_storage()._cdata for p in model.parameters()}
    pixels = torch.empty(images, base.config.vision_config.num_channels, *side, **like)
    seen: list[torch.Tensor] = []

    def see() -> None:
        layers = base.config.vision_feature_layer
        hidden = tower(pixels, output_hidden_states=True).hidden_states
        hidden = torch.cat([hidden[n] for n in ([layers] if isinstance(layers, int) else layers)], dim=-1)
        seen.append(base.multi_modal_projector(hidden))

    def speak() -> None:
        embedded = torch.empty(rows, length, base.config.text_config.hidden_size, **like)
        # As where the projector's output is put in: the sequence takes a gradient if that does.
        embedded = embedded + seen[0].sum() if seen[0].requires_grad else embedded
        language(inputs_embeds=embedded, use_cache=False)

    seeing = saved_bytes(see, parameters)
    speaking = saved_bytes(speak, parameters)
    if not checkpointing:
        return seeing + speaking
    hidden = rows * length * base.config.text_config.hidden_size * torch.finfo(base.dtype).bits // 8
    layers = base.config.text_config.num_hidden_layers
    return seeing + hidden * layers + speaking // layers


def with_lora(model: PreTrainedModel, lora: LoraConfig | None) -> PreTrainedModel | PeftModel:
    """The sketch with its adapter, which takes no memory either."""
    if lora is None:
        return model
    with torch.device("meta"):
        return get_peft_model(model, lora)
