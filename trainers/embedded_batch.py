"""A batch between collator and loss: which embeddings belong to which row, and what they are.

The collator gives one block of images and one table of distinct texts, so that each is encoded once however often it
occurs, and index tensors that say where the rows' positives and negatives lie in them. `BatchLayout` holds these
indices; with the embeddings of block and table it makes an `EmbeddedBatch`, which is what the loss compares.
"""

from dataclasses import dataclass, fields
from typing import Any

import torch

from .losses import HardNegativeLoss, hard_negative_loss, has_terms


@dataclass(frozen=True)
class EmbeddedBatch:
    """Embeddings of rows and their hard negatives, all of length 1, with owners and identities."""

    image_embeds: torch.Tensor  # [batch, dim]
    text_embeds: torch.Tensor  # [batch, dim]
    negative_image_embeds: torch.Tensor  # [num_negative_images, dim]
    negative_text_embeds: torch.Tensor  # [num_negative_texts, dim]
    negative_image_owner: torch.Tensor  # [num_negative_images], values in [0, batch)
    negative_text_owner: torch.Tensor  # [num_negative_texts]
    row_ids: torch.Tensor  # [batch], what each row says
    negative_image_ids: torch.Tensor  # [num_negative_images], what each shows, as its caption says it
    negative_text_ids: torch.Tensor  # [num_negative_texts]
    figure_ids: torch.Tensor  # [batch], what each row shows, by content
    negative_figure_ids: torch.Tensor  # [num_negative_images]

    def has_terms(self, in_batch_negatives: bool, image_weight: float, text_weight: float) -> bool:
        """Whether there is anything to contrast."""
        return has_terms(
            len(self.image_embeds),
            len(self.negative_image_embeds),
            len(self.negative_text_embeds),
            in_batch_negatives=in_batch_negatives,
            image_weight=image_weight,
            text_weight=text_weight,
        )

    def loss(self, logit_scale: torch.Tensor, logit_bias: torch.Tensor | None, **options: Any) -> HardNegativeLoss:
        """`hard_negative_loss` of this batch; `options` are its switches and weights."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return hard_negative_loss(
            parts.pop("image_embeds"), parts.pop("text_embeds"), logit_scale, logit_bias, **parts, **options
        )


@dataclass(frozen=True)
class BatchLayout:
    """Where a batch's rows and negatives lie in its block of images and its table of texts.

    The block holds the rows' images, then the negative images, both in the order of the rows. A batch of which no row
    could be read holds one blank image and one empty text that belong to nothing.
    """

    row_ids: torch.Tensor  # [batch]
    figure_ids: torch.Tensor  # [batch]
    row_names: list[str]  # [batch], for messages
    text_index: torch.Tensor  # [batch], each row's caption in the table
    negative_image_owner: torch.Tensor  # [num_negative_images]
    negative_image_ids: torch.Tensor
    negative_figure_ids: torch.Tensor
    negative_text_index: torch.Tensor  # [num_negative_texts], each negative caption in the table
    negative_text_owner: torch.Tensor
    negative_text_ids: torch.Tensor
    negative_text_family: torch.Tensor  # of which of `collators.TEXT_FAMILIES` each is, by position
    image_embeds: torch.Tensor | None = None  # those of the block, if they are known without the model
    text_embeds: torch.Tensor | None = None  # those of the table

    @classmethod
    def split(cls, inputs: dict[str, Any]) -> tuple["BatchLayout", dict[str, torch.Tensor]]:
        """Take what the collator gives apart: the layout, and what `MMCLIPModel.forward` takes."""
        names = [field.name for field in fields(cls)]
        rest = {name: value for name, value in inputs.items() if name not in names}
        return cls(**{name: inputs[name] for name in names if name in inputs}), rest

    def embedded(self, images: torch.Tensor | None, texts: torch.Tensor | None) -> EmbeddedBatch:
        """Put the embeddings where they belong.

        Args:
            images: embeddings of the block of images, `[images, dim]`; None for those that are known.
            texts: embeddings of the table of texts, `[texts, dim]`; None for those that are known.
        """
        images = self.image_embeds if images is None else images
        texts = self.text_embeds if texts is None else texts
        rows, negatives = len(self.text_index), len(self.negative_image_owner)
        return EmbeddedBatch(
            image_embeds=images[:rows],
            text_embeds=texts[self.text_index],
            negative_image_embeds=images[rows : rows + negatives],
            negative_text_embeds=texts[self.negative_text_index],
            negative_image_owner=self.negative_image_owner,
            negative_text_owner=self.negative_text_owner,
            row_ids=self.row_ids,
            negative_image_ids=self.negative_image_ids,
            negative_text_ids=self.negative_text_ids,
            figure_ids=self.figure_ids,
            negative_figure_ids=self.negative_figure_ids,
        )
