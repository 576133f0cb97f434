"""Collators: rows in, the tensors of one training step out.

Promises: negatives stay ragged (flat blocks with an owner index, nothing padded but text); which negatives a row
brings depends on the seed, the epoch and the row alone, not on the number of workers, the batch or a resume; an image
that cannot be read costs its row, a negative image that cannot be read only itself, and both are counted.
"""

import copy
import hashlib
import random
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import torch
from PIL import Image
from transformers import BatchFeature, ProcessorMixin

from .rows import SkipCounter, decode_image

# Column of each family of text negatives.
TEXT_FAMILIES = {"rule": "rule_captions", "retrieved": "retrieved_captions"}


def stable_hash(*parts: Any) -> int:
    """64-bit signed integer of some strings or numbers, the same in every process."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def caption_id(caption: str) -> int:
    """Identity of what a caption says: equal for captions that differ in white space only."""
    return stable_hash(" ".join(caption.split()))


def image_id(figure: Image.Image, caption: str | None) -> int:
    """Identity of what an image shows: that of its caption where it has one, else a hash of its pixels."""
    if caption and caption.strip():
        return caption_id(caption)
    return stable_hash(figure.size, hashlib.sha256(figure.tobytes()).hexdigest())


def unique(items: Sequence[str | None], besides: str) -> list[str]:
    """The distinct, non-empty strings of a list in order, without `besides`."""
    return [item for item in dict.fromkeys(items) if item and item.strip() and item != besides]


class HardNegativeCollator:
    """Turns rows of hard negatives into the arguments of `MMCLIPModel.forward`, plus identities.

    `row_ids` (`[batch]`, a hash of the caption) lets the loss recognise rows that say the same, `negative_image_ids`
    and `negative_text_ids` a negative of one row that is true of another. Blocks of negatives are absent where no row
    has any.

    Args:
        processor: an `MMCLIPProcessor`.
        max_image_negatives: most negative images per row; 0 for none.
        max_text_negatives: most negative captions per row, over all families; 0 for none.
        text_families: which captions serve as text negatives, of "rule" and "retrieved".
        seed: seed of the choice among more negatives than the maximum.
        blank_if_empty: what to do with a batch of which no row is left: raise, or, if True, give one blank image with
            an empty caption and no negatives, from which no loss follows. Trainers need the latter, where all
            processes must go on.

    Raises:
        ValueError: if a maximum is negative or a family unknown.
    """

    def __init__(
        self,
        processor: ProcessorMixin,
        max_image_negatives: int = 10,
        max_text_negatives: int = 10,
        text_families: Sequence[str] = tuple(TEXT_FAMILIES),
        seed: int = 0,
        blank_if_empty: bool = False,
    ) -> None:
        if unknown := sorted(set(text_families) - set(TEXT_FAMILIES)):
            raise ValueError(f"Unknown text families {', '.join(unknown)}: choose of {', '.join(TEXT_FAMILIES)}.")
        if min(max_image_negatives, max_text_negatives) < 0:
            raise ValueError(
                f"The most negatives per row must be 0 or more, got {max_image_negatives} images and "
                f"{max_text_negatives} captions."
            )
        self.processor = processor
        self.max_image_negatives = max_image_negatives
        self.max_text_negatives = max_text_negatives
        self.text_families = tuple(text_families)
        self.seed = seed
        self.blank_if_empty = blank_if_empty
        self._skipped = SkipCounter("rows", "negative images")
        # In shared memory, so that workers that outlive an epoch hear of the next one.
        self._epoch = torch.zeros((), dtype=torch.long).share_memory_()

    @property
    def skipped(self) -> dict[str, int]:
        """How many rows and negative images could not be used so far, workers included."""
        return self._skipped.totals()

    def report(self) -> str:
        """The same in words; empty if everything could be used."""
        return self._skipped.report()

    def set_epoch(self, epoch: int) -> None:
        """From now on, draw the negatives of this epoch."""
        self._epoch.fill_(epoch)

    def for_evaluation(self) -> "HardNegativeCollator":
        """A copy that draws the negatives of epoch 0 whatever happens here, so that evaluations compare."""
        other = copy.copy(self)
        other._skipped = SkipCounter(*self._skipped.kinds)
        other._epoch = torch.zeros((), dtype=torch.long).share_memory_()
        return other

    def text_negatives(self, row: dict[str, Any]) -> list[str]:
        """All negative captions of a row that its families offer; copies of the caption itself are none."""
        captions = [text for family in self.text_families for text in row.get(TEXT_FAMILIES[family]) or ()]
        return unique(captions, row["caption"])

    def has_negatives(self, row: dict[str, Any]) -> bool:
        """Whether this collator finds any negative in a row."""
        return bool(
            (self.max_image_negatives and row.get("negative_images"))
            or (self.max_text_negatives and self.text_negatives(row))
        )

    def _choose(self, items: list, most: int, row: dict[str, Any], kind: str) -> list:
        """At most `most` of the items, in their order."""
        if len(items) <= most:
            return items
        name = row.get("id") or row["caption"]
        draw = random.Random(stable_hash(self.seed, int(self._epoch), kind, name))
        return [items[index] for index in sorted(draw.sample(range(len(items)), most))]

    def _read(self, row: dict[str, Any]) -> tuple[Image.Image, str] | None:
        """A row's figure and caption; None, and counted, if either is not there."""
        caption = row.get("caption")
        figure = decode_image(row.get("image")) if caption and caption.strip() else None
        if figure is None:
            self._skipped.add("rows")
            return None
        return figure, caption

    def _negative_figures(self, row: dict[str, Any]) -> list[tuple[Image.Image, int]]:
        """The chosen negative images of a row that can be read, each with its identity."""
        pairs = list(zip_longest(row.get("negative_images") or (), row.get("negative_captions") or ()))
        pairs = pairs[: len(row.get("negative_images") or ())]
        chosen = self._choose(pairs, self.max_image_negatives, row, "image")
        decoded = [(decode_image(image), caption) for image, caption in chosen]
        figures = [(figure, image_id(figure, caption)) for figure, caption in decoded if figure is not None]
        if len(figures) < len(chosen):
            self._skipped.add("negative images", len(chosen) - len(figures))
        return figures

    def __call__(self, rows: Sequence[dict[str, Any]]) -> BatchFeature:
        """Collate rows.

        Returns:
            `input_ids` and `attention_mask` `[batch, length]`, `pixel_values` `[batch, 3, height, width]`, `row_ids`
            `[batch]`; where there are any, `negative_pixel_values` with `negative_image_owner` and
            `negative_image_ids`, and `negative_input_ids` and `negative_attention_mask` with `negative_text_owner` and
            `negative_text_ids`.

        Raises:
            ValueError: if no row of the batch can be used, unless `blank_if_empty`.
        """
        captions, figures = [], []
        negative_figures, figure_owner, figure_ids, negative_captions, caption_owner = [], [], [], [], []
        for row in rows:
            if (read := self._read(row)) is None:
                continue
            owner = len(figures)
            figures.append(read[0])
            captions.append(read[1])
            wrong_figures = self._negative_figures(row)
            negative_figures += [figure for figure, _ in wrong_figures]
            figure_ids += [identity for _, identity in wrong_figures]
            figure_owner += [owner] * len(wrong_figures)
            wrong_captions = self._choose(self.text_negatives(row), self.max_text_negatives, row, "text")
            negative_captions += wrong_captions
            caption_owner += [owner] * len(wrong_captions)
        if not figures:
            if not self.blank_if_empty:
                names = ", ".join(str(row.get("id", "?")) for row in rows[:5])
                raise ValueError(
                    f"None of the {len(rows)} rows of this batch has a readable image and a caption (ids {names}): "
                    "check the data set's image column, or build it again."
                )
            figures, captions = [Image.new("RGB", (32, 32), "white")], [""]

        batch = self.processor(images=figures, text=captions)
        batch["row_ids"] = torch.tensor([caption_id(caption) for caption in captions])
        if negative_figures:
            # The processor's names, so that inputs of other vision towers than `pixel_values` come along.
            for name, value in self.processor(images=negative_figures).items():
                batch[f"negative_{name}"] = value
            batch["negative_image_owner"] = torch.tensor(figure_owner)
            batch["negative_image_ids"] = torch.tensor(figure_ids)
        if negative_captions:
            for name, value in self.processor(text=negative_captions).items():
                batch[f"negative_{name}"] = value
            batch["negative_text_owner"] = torch.tensor(caption_owner)
            batch["negative_text_ids"] = torch.tensor([caption_id(caption) for caption in negative_captions])
        return batch
