"""Blank-patch skipping: a ViT of the CLIP family encodes the inked patches of a figure and leaves the background out.

About two thirds of the patches of a line drawing are plain paper. They cost as much as the others and say nothing, so
the transformer layers run over the rest only: each patch keeps the position embedding of its place, the class token is
always there, the images of a batch are padded to the one with the most patches, and padding is masked wherever tokens
look at each other. Modules and weights are the stock ones, and nothing is added to a checkpoint.

Promise: a kept token is what the stock tower gives when no token may attend to the patches that are left out, whatever
else is in the batch. Outputs have the stock shapes, with zeros where nothing was encoded. An image without a blank
patch gives the stock outputs.

A patch is blank if no pixel of it differs from the background by more than a tolerance. The background is the colour
that most of the image's four corner pixels have; if they tie, the first, counted from top left by rows. It is read off
the image because a tower is not told how its pixels were normalised, and paper is not always white.

Source: encoding only some patches, with their positions, is the idea of He et al., Masked Autoencoders (arXiv
2111.06377); there they are drawn at random, here they are chosen by content.

The same choice serves the language model of MMGeoLM: `keep_positions` numbers the tokens of a prompt that has only
inked patches in it as if the blank ones stood between them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.masking_utils import create_bidirectional_mask
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.utils.output_capturing import capture_outputs

from .configuration_mmclip import as_int, check_blank_patches

# The R2 sequence of M. Roberts ("The unreasonable effectiveness of quasirandom sequences", 2018) in units of 1/65536:
# the patches with the lowest (row * a + column * b) mod 65536 lie evenly over the grid, however many are taken.
SPREAD = (49471, 37345)


def find_inked_patches(pixel_values: torch.Tensor, patch_size: int, tolerance: float) -> torch.Tensor:
    """Which patches show anything but background.

    Pixels are rounded to bfloat16 first, so that the same patches are found at any precision.

    Args:
        pixel_values: normalised images, `[images, channels, height, width]`. Pixels beyond the last whole patch are
            ignored, as the tower ignores them.
        patch_size: side of a patch, in pixels.
        tolerance: largest difference of a background pixel in any channel, in units of the normalised values.

    Returns:
        Booleans, `[images, patches]`, patches by rows. A patch with a pixel that is not a number counts as inked.
    """
    height, width = (side // patch_size * patch_size for side in pixel_values.shape[-2:])
    pixels = pixel_values.detach()[:, :, :height, :width].bfloat16().float()
    corners = pixels[:, :, [0, 0, -1, -1], [0, -1, 0, -1]].transpose(1, 2)  # [images, 4, channels]
    alike = (corners[:, :, None] - corners[:, None]).abs().amax(-1) <= tolerance
    most_frequent = alike.sum(-1).argmax(-1)  # the first of those that tie
    background = corners[torch.arange(len(corners), device=corners.device), most_frequent]
    difference = (pixels - background[:, :, None, None]).abs().amax(1, keepdim=True)
    # Pooling is the fastest way to a maximum per patch: less than half the time of comparing first.
    return ~(nn.functional.max_pool2d(difference, patch_size) <= tolerance).flatten(1)


def spread_rank(rows: int, columns: int, device: torch.device) -> torch.Tensor:
    """A permutation of the patches of a grid, `[rows * columns]`: those ranked below any n lie evenly."""
    row, column = torch.meshgrid(
        torch.arange(rows, device=device), torch.arange(columns, device=device), indexing="ij"
    )
    place = (row * SPREAD[0] + column * SPREAD[1]).flatten() % 65536
    return place.argsort(stable=True).argsort()


def select_patches(
    pixel_values: torch.Tensor, patch_size: int, min_patches: int, blank_tolerance: float
) -> torch.Tensor:
    """Patches to keep: the inked ones, and in emptier images blank ones up to `min_patches`, evenly spread.

    Args:
        pixel_values: normalised images, `[images, channels, height, width]`.
        patch_size: side of a patch, in pixels.
        min_patches: patches to keep at least.
        blank_tolerance: as in `find_inked_patches`.

    Returns:
        Booleans, `[images, patches]`, at least one True per image.
    """
    inked = find_inked_patches(pixel_values, patch_size, blank_tolerance)
    rows, columns = (side // patch_size for side in pixel_values.shape[-2:])
    order = spread_rank(rows, columns, inked.device) + ~inked * inked.shape[1]  # inked patches come first
    count = inked.sum(1, keepdim=True).clamp(min=min_patches)
    return order.argsort(1).argsort(1) < count


def choose_patches(pixel_values: torch.Tensor, config: PreTrainedConfig) -> torch.Tensor:
    """`select_patches` as an `MMCLIPConfig` or `MMGeoLMConfig` says.

    Raises:
        ValueError: if its fields make no sense, or the vision tower is of another family.
    """
    check_blank_patches(config)
    patch_size = as_int(config.vision_config.patch_size)
    return select_patches(pixel_values, patch_size, config.min_patches, config.blank_tolerance)


def keep_positions(
    is_image: torch.Tensor, kept: torch.Tensor, attention_mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Positions of the tokens of prompts as they were before blank tokens of their images were left out.

    So the distance of two patches means the same in every figure, and text follows an image at the same distance.

    Args:
        is_image: which tokens stand for a patch, `[rows, tokens]`; those of one image follow each other.
        kept: which tokens of each image are there, `[images, image tokens]`, images in the order of the rows.
        attention_mask: 0 at padding, `[rows, tokens]`, which takes no position.

    Returns:
        Integers, `[rows, tokens]`, from 0; 0 at padding on the left.

    Raises:
        ValueError: if the prompts do not have as many image tokens as were kept.
    """
    images, places = kept.nonzero(as_tuple=True)
    if len(images) != int(is_image.sum()):
        raise ValueError(
            f"The prompts have {int(is_image.sum())} image tokens and pixel_attention_mask keeps {len(images)}: give "
            "both as the processor made them."
        )
    first = torch.ones_like(images, dtype=torch.bool)
    first[1:] = images[1:] != images[:-1]
    steps = torch.ones_like(is_image, dtype=torch.long).flatten()
    at = is_image.flatten().nonzero().squeeze(1)
    steps[at] = places - torch.where(first, -1, places.roll(1))
    # What an image leaves out after its last token is made up for by the next token of the row, if there is one.
    last = first.roll(-1)
    after, left = at[last] + 1, kept.shape[1] - 1 - places[last]
    inside = after % is_image.shape[1] != 0
    steps.index_add_(0, after[inside], left[inside])
    steps = steps.view(is_image.shape)
    if attention_mask is not None:
        steps = steps * attention_mask
    return (steps.cumsum(-1) - 1).clamp(min=0)


def positions_of(
    config: PreTrainedConfig, input_ids: torch.Tensor | None, kept: torch.Tensor, attention_mask: torch.Tensor | None
) -> torch.Tensor:
    """`keep_positions` of prompts given as token ids; `config` is an `MMGeoLMConfig`.

    Raises:
        ValueError: if there are no ids, or not as many image tokens among them as were kept.
    """
    if input_ids is None or input_ids.shape[1] == 0:  # `generate` makes none from inputs_embeds
        raise ValueError("With pixel_attention_mask MMGeoLM needs input_ids, or position_ids beside inputs_embeds.")
    return keep_positions(input_ids == config.image_token_id, kept.bool(), attention_mask)


def mask_over_gaps(position_ids: torch.Tensor) -> torch.Tensor | None:
    """A mask of ones if positions leave gaps, else None.

    Without a mask transformers takes every jump for the border of two packed sequences. Borders jump back, though, and
    only tokens left out jump ahead.
    """
    return torch.ones_like(position_ids) if (position_ids.diff(dim=-1) > 1).any() else None


def gather_tokens(tokens: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Tokens `[images, kept, dim]` of `[images, all, dim]` at `index`, `[images, kept]`."""
    return tokens.gather(1, index[..., None].expand(-1, -1, tokens.shape[-1]))


def scatter_tokens(tokens: torch.Tensor, index: torch.Tensor, mask: torch.Tensor, length: int) -> torch.Tensor:
    """The way back, to `[images, length, dim]`: zeros where there was no token, and where `mask` is False."""
    blank = tokens.new_zeros(len(tokens), length, tokens.shape[-1])
    return blank.scatter(1, index[..., None].expand_as(tokens), tokens.masked_fill(~mask[..., None], 0))


@contextmanager
def masked_keys(attention: nn.MultiheadAttention, mask: torch.Tensor) -> Iterator[None]:
    """Have an attention ignore the keys where `mask`, `[images, tokens]`, is False.

    For SigLIP's pooling head, which takes no mask: a hook leaves its own forward in place, on which FSDP and DeepSpeed
    rely to gather its weights.
    """
    handle = attention.register_forward_pre_hook(
        lambda _, args, kwargs: (args, {**kwargs, "key_padding_mask": ~mask}), with_kwargs=True
    )
    try:
        yield
    finally:
        handle.remove()


@capture_outputs(tie_last_hidden_states=False)
def run_tower(
    tower: PreTrainedModel, embeddings: torch.Tensor, mask: torch.Tensor | None, **kwargs: Any
) -> BaseModelOutputWithPooling:
    """The stock forward of a tower from its embeddings on, with a mask over padding; None if there is no padding."""
    if hasattr(tower, "pre_layrnorm"):
        embeddings = tower.pre_layrnorm(embeddings)
    attention_mask = create_bidirectional_mask(config=tower.config, inputs_embeds=embeddings, attention_mask=mask)
    hidden = tower.encoder(inputs_embeds=embeddings, attention_mask=attention_mask, **kwargs).last_hidden_state
    if hasattr(tower, "pre_layrnorm"):  # CLIP and AltCLIP pool the class token
        return BaseModelOutputWithPooling(last_hidden_state=hidden, pooler_output=tower.post_layernorm(hidden[:, 0]))
    hidden, pooled = tower.post_layernorm(hidden), None
    if tower.use_head and mask is None:
        pooled = tower.head(hidden)
    elif tower.use_head:
        with masked_keys(tower.head.attention, mask):
            pooled = tower.head(hidden)
    return BaseModelOutputWithPooling(last_hidden_state=hidden, pooler_output=pooled)


def encode_patches(
    tower: PreTrainedModel,
    pixel_values: torch.Tensor,
    kept: torch.Tensor,
    multiple_of: int = 1,
    interpolate_pos_encoding: bool = False,
    **kwargs: Any,
) -> BaseModelOutputWithPooling:
    """Run a vision tower over some patches of each image, and over its class token if it has one.

    All patches pass the convolution that embeds them, and the kept ones are picked afterwards. To embed only those
    would save 1.5% of the time of a ViT-S/16, and would need the weights outside of the module that owns them.

    Args:
        tower: a stock vision tower of CLIP, AltCLIP or SigLIP.
        pixel_values: normalised images, `[images, channels, height, width]`.
        kept: patches to encode, booleans, `[images, patches]`, at least one True per image.
        multiple_of: round the padded number of patches up to a multiple of this, for fewer shapes.
        interpolate_pos_encoding: as in the stock tower, for images of another size.
        kwargs: what the stock forward takes, `output_hidden_states` for one.

    Returns:
        As the stock tower; `last_hidden_state` and `hidden_states` are zero at the patches not kept.

    Raises:
        ValueError: if attention weights are asked for.
    """
    if kwargs.get("output_attentions", getattr(tower.config, "output_attentions", False)):
        raise ValueError(
            "Attention weights come for every patch only: set skip_blank_patches=False in the config to look at them."
        )
    embeddings = tower.embeddings(pixel_values, interpolate_pos_encoding=interpolate_pos_encoding)
    length = embeddings.shape[1]
    # The class token stands before the patches and is always kept.
    kept = nn.functional.pad(kept, (length - kept.shape[1], 0), value=True)
    count = kept.sum(1)
    fewest, most = torch.stack(count.aminmax()).tolist()
    most = min(-(-most // multiple_of) * multiple_of, length)
    index = kept.byte().argsort(dim=1, descending=True, stable=True)[:, :most]  # in order, then others as padding
    mask = torch.arange(most, device=kept.device) < count[:, None]
    output = run_tower(tower, gather_tokens(embeddings, index), None if fewest == most else mask, **kwargs)
    output.last_hidden_state = scatter_tokens(output.last_hidden_state, index, mask, length)
    if output.hidden_states is not None:
        output.hidden_states = tuple(
            None if hidden is None else scatter_tokens(hidden, index, mask, length) for hidden in output.hidden_states
        )
    return output
