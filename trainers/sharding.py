"""What training a model needs to know of FSDP, which puts parts of parameters in their place."""

import torch
from accelerate import FullyShardedDataParallelPlugin
from torch import nn
from torch.distributed.tensor import DTensor


def value_of(scalar: torch.Tensor) -> float:
    """The one number in a tensor; where that is sharded, to be called by all processes."""
    return (scalar.full_tensor() if isinstance(scalar, DTensor) else scalar).item()


def shard_by_layers(plugin: FullyShardedDataParallelPlugin, model: nn.Module) -> None:
    """Have FSDP shard an MMCLIP by its layers, unless the user names others.

    A tower's embeddings are kept whole, too, as a rule. Not so those of texts: accelerate shards their table by
    itself, and a table within a part that is sharded would be so twice.
    """
    table = model.get_input_embeddings()
    around = {type(part).__name__ for part in model.modules() if any(inner is table for inner in part.modules())}
    if plugin.transformer_cls_names_to_wrap is None:
        plugin.transformer_cls_names_to_wrap = sorted(set(model._no_split_modules) - around)
