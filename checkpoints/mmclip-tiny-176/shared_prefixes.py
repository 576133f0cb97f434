"""Captions that begin alike: a causal text tower encodes a shared beginning once.

Hard negatives of a caption are edits of it, and captions of similar figures open with the same words. In a causal
tower the state of a token depends on the tokens before it only, so where texts begin alike their states are equal.
Here the texts of a batch are sorted and laid out as trees: a text adds nodes from where it departs from the one before
it, and a node attends to itself and to those on its way to the root. What follows the pooled token is left out.

Promises: embeddings and gradients are the stock ones up to rounding; nothing is added to a checkpoint; towers that are
not causal, and texts padded on the left, are not touched (`can_share_prefixes`, `text_lengths`).

Source: the attention mask over a tree is that of Miao et al., SpecInfer (arXiv 2305.09781), who share the prefix of
guesses at a continuation.
"""

from typing import NamedTuple

import numpy as np
import torch
from transformers import PreTrainedModel

BLOCK_SIZES = range(256, 513, 32)  # nodes of a block that are tried: larger ones share more and attend in vain more
LEGACY_EOS = 2  # CLIP's oldest configurations name this one and mean the highest id of the text


class PrefixTrees(NamedTuple):
    """Texts as blocks of nodes, padded to the largest block."""

    input_ids: torch.Tensor  # [blocks, nodes]
    position_ids: torch.Tensor  # [blocks, nodes]
    mask: torch.Tensor  # [blocks, nodes, nodes], True where a node attends; padding attends to itself
    block: torch.Tensor  # [texts], where each text ends
    node: torch.Tensor  # [texts]


def can_share_prefixes(text_model: PreTrainedModel) -> bool:
    """Whether a text tower is CLIP's causal one, with an attention that takes any mask, and draws no dropout."""
    config = text_model.config
    return (
        config.model_type == "clip_text_model"
        and config._attn_implementation in ("eager", "sdpa")
        and not (text_model.training and config.attention_dropout)
    )


def text_lengths(
    text_model: PreTrainedModel, input_ids: torch.Tensor, attention_mask: torch.Tensor | None
) -> torch.Tensor | None:
    """Tokens of each text up to the one that the tower pools, `[texts]`; None if any of them is masked."""
    if text_model.config.eos_token_id == LEGACY_EOS:
        lengths = input_ids.int().argmax(dim=1) + 1
    else:
        lengths = (input_ids == text_model.config.eos_token_id).int().argmax(dim=1) + 1
    if attention_mask is not None:
        needed = torch.arange(input_ids.shape[1], device=input_ids.device) < lengths[:, None]
        if not (attention_mask.bool() | ~needed).all():
            return None
    return lengths


def split_into_blocks(own: np.ndarray, whole: np.ndarray) -> list[int]:
    """First text of each block, so that the blocks, padded to the largest, have few nodes in all.

    Args:
        own: nodes that each text adds to those of the text before it, `[texts]`.
        whole: nodes that it has where it opens a block, `[texts]`.
    """
    best: tuple[int, list[int]] | None = None
    for size in BLOCK_SIZES:
        starts, filled, largest = [0], int(whole[0]), 0
        for text in range(1, len(own)):
            if filled + own[text] > size:
                starts.append(text)
                largest, filled = max(largest, filled), int(whole[text])
            else:
                filled += int(own[text])
        cost = len(starts) * max(largest, filled)
        if best is None or cost < best[0]:
            best = cost, starts
    return best[1]


def lay_out(input_ids: torch.Tensor, lengths: torch.Tensor) -> PrefixTrees:
    """Texts as trees.

    Args:
        input_ids: `[texts, length]`.
        lengths: tokens of each text that count, from the first on, `[texts]`, at least 1.
    """
    device, ids, sizes = input_ids.device, input_ids.cpu().numpy(), lengths.cpu().numpy()
    ids = np.where(np.arange(ids.shape[1]) < sizes[:, None], ids, -1)
    order = np.lexsort(ids.T[::-1])
    ids, sizes = ids[order], sizes[order]
    # A text equal to the one before it still has a node of its own to end with.
    alike = (ids[1:] == ids[:-1]).cumprod(axis=1).sum(axis=1)
    shared = np.concatenate([[0], np.minimum(alike, np.minimum(sizes[1:], sizes[:-1]) - 1)])
    starts = split_into_blocks(sizes - shared, sizes)
    shared[starts] = 0

    number = np.searchsorted(starts, np.arange(len(ids)), side="right") - 1
    filled = np.bincount(number, sizes - shared).astype(int)
    nodes = np.zeros((2, len(starts), filled.max()), dtype=np.int64)
    mask = np.repeat(np.eye(filled.max(), dtype=bool)[None], len(starts), axis=0)
    ends, path = np.zeros(len(ids), dtype=np.int64), np.zeros(ids.shape[1], dtype=np.int64)  # root to end of a text
    for text, (block, size, first) in enumerate(zip(number, sizes, shared, strict=True)):
        begin = 0 if text == starts[block] else ends[text - 1] + 1
        path[first:size] = np.arange(begin, begin + size - first)
        nodes[:, block, path[first:size]] = ids[text, first:size], np.arange(first, size)
        mask[block, path[first:size, None], path[None, :size]] = np.tri(size, dtype=bool)[first:]
        ends[text] = path[size - 1]
    back = np.argsort(order)
    arrays = (*nodes, mask, number[back], ends[back])
    return PrefixTrees(*(torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays))


def pool_sharing_prefixes(text_model: PreTrainedModel, input_ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """What the tower's `pooler_output` is, `[texts, dim]`.

    Args:
        text_model: a tower of which `can_share_prefixes` holds.
        input_ids: `[texts, length]`.
        lengths: what `text_lengths` says of them.
    """
    trees = lay_out(input_ids, lengths)
    tables = text_model.embeddings
    embeddings = tables.token_embedding(trees.input_ids) + tables.position_embedding(trees.position_ids)
    mask = trees.mask[:, None]
    if text_model.config._attn_implementation == "eager":  # adds its mask
        mask = torch.zeros_like(mask, dtype=embeddings.dtype).masked_fill(~mask, torch.finfo(embeddings.dtype).min)
    hidden = text_model.encoder(inputs_embeds=embeddings, attention_mask=mask, is_causal=False).last_hidden_state
    return text_model.final_layer_norm(hidden[trees.block, trees.node])
