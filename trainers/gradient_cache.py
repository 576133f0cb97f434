"""Gradients of a large batch in the memory of a small one, exactly (gradient caching, arXiv 2101.06983).

A contrastive loss sees all embeddings of a batch at once, but each embedding depends on its own image or text only.
So: embed all mini-batches without a graph; compute the loss and its gradient by the embeddings; embed each mini-batch
once more, now with a graph, and send that gradient back through it.

Promises: gradients equal those of one pass over the whole batch; dropout draws the same in both passes over a
mini-batch; images and texts have their own mini-batches, which need not divide; data-parallel training synchronises
once, in the last mini-batch, which goes through both towers.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

TEXT_INPUTS = ("input_ids", "attention_mask")


class RandomState:
    """The states of the random generators of CPU and device at one moment, to be replayed."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.cpu_state = torch.get_rng_state()
        self.module = None if device.type == "cpu" else getattr(torch, device.type)
        self.device_state = None if self.module is None else self.module.get_rng_state(device)

    @contextmanager
    def replayed(self) -> Iterator[None]:
        """Within, the generators draw what they drew from that moment on; afterwards they are as before."""
        devices = [] if self.module is None else [self.device]
        with torch.random.fork_rng(devices, device_type="cuda" if self.module is None else self.device.type):
            torch.set_rng_state(self.cpu_state)
            if self.module is not None:
                self.module.set_rng_state(self.device_state, self.device)
            yield


def mini_batches(inputs: dict[str, torch.Tensor], size: int) -> list[dict[str, torch.Tensor]]:
    """Cut images and texts, each on its own, into mini-batches of at most `size`.

    If there are more of one kind, the first mini-batches hold that kind only, and the last holds both.
    """
    kinds = [
        {name: value for name, value in inputs.items() if (name in TEXT_INPUTS) == texts} for texts in (False, True)
    ]
    parts = [
        [dict(zip(kind, piece, strict=True)) for piece in zip(*(v.split(size) for v in kind.values()), strict=True)]
        for kind in kinds
    ]
    number = max(map(len, parts))
    images, texts = ([{}] * (number - len(pieces)) + pieces for pieces in parts)
    return [image | text for image, text in zip(images, texts, strict=True)]


def backward_in_mini_batches(
    model: nn.Module,
    inputs: dict[str, torch.Tensor],
    size: int,
    contrast: Callable[[torch.Tensor | None, torch.Tensor | None, torch.Tensor, torch.Tensor | None], torch.Tensor],
    backward: Callable[[torch.Tensor], Any] = torch.Tensor.backward,
    no_sync: Callable[[], AbstractContextManager] = nullcontext,
) -> torch.Tensor:
    """Add the gradient of a contrastive loss to the parameters, holding the graph of one mini-batch at a time.

    Args:
        model: an `MMCLIPModel`, possibly wrapped for data-parallel training.
        inputs: its images and texts, or one of both.
        size: most images and most texts of a mini-batch.
        contrast: loss of all image embeddings, all text embeddings (None for what is not in `inputs`), the logit scale
            and the logit bias.
        backward: does the backward pass of a scalar, once per mini-batch.
        no_sync: context in which no gradients are exchanged between processes.

    Returns:
        The loss, without graph.
    """
    batches = mini_batches(inputs, size)
    states, images, texts = [], [], []
    with torch.no_grad():
        for batch in batches:
            states.append(RandomState(next(iter(batch.values())).device))
            outputs = model(**batch)
            images += [] if outputs.image_embeds is None else [outputs.image_embeds]
            texts += [] if outputs.text_embeds is None else [outputs.text_embeds]
    whole = [torch.cat(parts) if parts else None for parts in (images, texts)]
    leaves = [
        None if value is None else value.detach().requires_grad_()
        for value in (*whole, outputs.logit_scale, outputs.logit_bias)
    ]
    with torch.enable_grad():
        loss = contrast(*leaves)
    gradients = iter(
        torch.autograd.grad(loss, [x for x in leaves if x is not None], allow_unused=True, materialize_grads=True)
    )
    image_gradient, text_gradient, *scalar_gradients = (None if x is None else next(gradients) for x in leaves)

    image_row, text_row = 0, 0
    for number, (batch, state) in enumerate(zip(batches, states, strict=True), 1):
        last = number == len(batches)
        with nullcontext() if last else no_sync():
            with state.replayed():
                outputs = model(**batch)
            pairs = []
            if (embeds := outputs.image_embeds) is not None:
                pairs.append((embeds, image_gradient[image_row : image_row + len(embeds)]))
                image_row += len(embeds)
            if (embeds := outputs.text_embeds) is not None:
                pairs.append((embeds, text_gradient[text_row : text_row + len(embeds)]))
                text_row += len(embeds)
            if last:
                pairs += zip((outputs.logit_scale, outputs.logit_bias), scalar_gradients, strict=True)
            # A scalar with the gradient that the loss has; its own value means nothing.
            surrogate = sum((value * gradient).sum() for value, gradient in pairs if value is not None)
            if surrogate.requires_grad:  # a frozen tower alone gives none
                backward(surrogate)
    return loss.detach()
