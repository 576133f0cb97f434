"""The rows of all processes in one batch, so that in-batch and shared negatives come from all of them.

Promise: if every process computes the same loss of the gathered batch, and their parameter gradients are then averaged
(as DDP, FSDP and DeepSpeed do), the result is the gradient of one process that holds all rows. Processes may have any
number of rows and negatives, down to none.
"""

from itertools import accumulate

import torch
from torch import distributed

from .embedded_batch import EmbeddedBatch


class GatherRows(torch.autograd.Function):
    """Tensors of all processes one after the other, with the gradient of this process's own.

    All processes compute the same loss, so each holds the whole gradient of its own rows and nothing needs to be sent
    back. Averaging over processes would divide it by their number; hence the factor.
    """

    @staticmethod
    def forward(ctx, rows: torch.Tensor, sizes: list[int]) -> torch.Tensor:
        """Gather `rows`, of which process i has `sizes[i]`."""
        rank = distributed.get_rank()
        ctx.start, ctx.size, ctx.num_processes = sum(sizes[:rank]), sizes[rank], len(sizes)
        padded = rows.new_zeros(max(sizes), *rows.shape[1:])
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in sizes]
        distributed.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradient[ctx.start : ctx.start + ctx.size] * ctx.num_processes, None


def gather_batch(batch: EmbeddedBatch) -> EmbeddedBatch:
    """The batches of all processes as one, in the order of the processes; must be called by all of them.

    Owners count through the whole; identities are hashes of content and so the same everywhere.
    """
    counts = [len(batch.image_embeds), len(batch.negative_image_embeds), len(batch.negative_text_embeds)]
    own = torch.tensor(counts, device=batch.image_embeds.device)
    everyones = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
    distributed.all_gather(everyones, own)
    sizes = torch.stack(everyones).tolist()  # [[rows, negative images, negative texts], ...]

    # One exchange of embeddings and one of integers, taken apart again afterwards.
    embeds = [batch.image_embeds, batch.text_embeds, batch.negative_image_embeds, batch.negative_text_embeds]
    numbers = [
        batch.row_ids,
        batch.negative_image_owner,
        batch.negative_image_ids,
        batch.negative_text_owner,
        batch.negative_text_ids,
        batch.figure_ids,
        batch.negative_figure_ids,
    ]
    embeds = _exchange(embeds, [(rows, rows, images, texts) for rows, images, texts in sizes])
    lengths = [(rows, images, images, texts, texts, rows, images) for rows, images, texts in sizes]
    numbers = _exchange(numbers, lengths)
    first_rows = list(accumulate((rows for rows, _, _ in sizes[:-1]), initial=0))
    image, text, negative_image, negative_text = map(torch.cat, embeds)
    row_ids, image_owner, image_ids, text_owner, text_ids, figure_ids, negative_figure_ids = numbers
    return EmbeddedBatch(
        image_embeds=image,
        text_embeds=text,
        negative_image_embeds=negative_image,
        negative_text_embeds=negative_text,
        negative_image_owner=torch.cat([owner + row for owner, row in zip(image_owner, first_rows, strict=True)]),
        negative_text_owner=torch.cat([owner + row for owner, row in zip(text_owner, first_rows, strict=True)]),
        row_ids=torch.cat(row_ids),
        negative_image_ids=torch.cat(image_ids),
        negative_text_ids=torch.cat(text_ids),
        figure_ids=torch.cat(figure_ids),
        negative_figure_ids=torch.cat(negative_figure_ids),
    )


def _exchange(tensors: list[torch.Tensor], sizes: list[tuple[int, ...]]) -> list[list[torch.Tensor]]:
    """Each tensor's parts of all processes; `sizes[i]` are the lengths of the tensors of process i."""
    gathered = GatherRows.apply(torch.cat(tensors), [sum(lengths) for lengths in sizes])
    parts = gathered.split([length for lengths in sizes for length in lengths])
    return [list(parts[kind :: len(tensors)]) for kind in range(len(tensors))]
