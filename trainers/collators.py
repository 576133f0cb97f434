"""Collators: rows in, the tensors of one training step out.

Promises: negatives stay ragged (flat blocks with an owner index, nothing padded but text); a text is in the batch
once, however many rows say it or have it as a negative; which negatives a row brings depends on the seed, the epoch
and the row alone, not on the number of workers, the batch or a resume; an image that cannot be read costs its row, a
negative image that cannot be read, or shows what the row says, only itself, and all are counted. Where the embeddings
of images or texts are known beforehand, they take the place of pixels or tokens, and all else stays.
"""

import copy
import hashlib
import random
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from PIL import Image
from transformers import ProcessorMixin
from transformers.utils import logging

from .frozen_embeddings import FrozenEmbeddings, content_key
from .rows import SkipCounter, decode_image

# Column of each family of text negatives.
TEXT_FAMILIES = {"rule": "rule_captions", "retrieval": "retrieved_captions"}

MAX_REPORTS = 5  # unreadable rows that are named, per process

logger = logging.get_logger(__name__)


def row_name(row: dict[str, Any]) -> str:
    """What a row is called in messages."""
    return str(row.get("id") or row.get("caption") or "without id")


def stable_hash(*parts: Any) -> int:
    """64-bit signed integer of some strings or numbers, the same in every process."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def caption_id(caption: str) -> int:
    """Identity of what a caption says: equal for captions that differ in white space only."""
    return stable_hash(" ".join(caption.split()))


def image_id(image: Any, caption: str | None) -> int:
    """Identity of what a readable image shows: that of its caption where it has one, else a hash of its pixels."""
    if caption and caption.strip():
        return caption_id(caption)
    figure = decode_image(image)
    return stable_hash(figure.size, hashlib.sha256(figure.tobytes()).hexdigest())


def as_stored(image: Any) -> Any:
    """The bytes or, without them, the path of an encoded image; any other as it is."""
    return image.get("bytes") or image.get("path") if isinstance(image, dict) else image


def figure_id(image: Any) -> int:
    """Identity of a readable image by its content, as it is stored."""
    key = content_key(image)
    return image_id(image, None) if key is None else key


def as_index(numbers: Iterable[int]) -> torch.Tensor:
    """Integers as a tensor that may be empty."""
    return torch.tensor(list(numbers), dtype=torch.long)


class HardNegativeCollator:
    """Turns rows of hard negatives into one block of images, one table of texts and their `BatchLayout`.

    Identities are hashes: `row_ids` of the caption and `figure_ids` of the image, so that the loss recognises rows
    that say or show the same; `negative_image_ids`, `negative_text_ids` and `negative_figure_ids` likewise, so that it
    knows a negative of one row that is true of another.

    Args:
        processor: an `MMCLIPProcessor`.
        max_image_negatives: most negative images per row; 0 for none.
        max_text_negatives: most negative captions per row, over all families; 0 for none.
        text_families: which captions serve as text negatives, of "rule" and "retrieval".
        seed: seed of the choice among more negatives than the maximum.
        blank_if_empty: what to do with a batch of which no row is left: raise, or, if True, give a batch without
            rows: one blank image and one empty text, from which no loss follows. Trainers need the latter, where all
            processes must go on.
        in_batch_epochs: epochs at the beginning in which no hard negatives are drawn, only pairs.

    Attributes:
        known: embeddings of all images ("image") or texts ("text") of the rows that are collated, see
            `frozen_embeddings`. Of these a batch has `image_embeds` `[images, dim]` instead of `pixel_values`, or
            `text_embeds` `[texts, dim]` instead of `input_ids` and `attention_mask`.

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
        in_batch_epochs: int = 0,
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
        self.in_batch_epochs = in_batch_epochs
        self.known: dict[str, FrozenEmbeddings] = {}
        self._skipped = SkipCounter("rows", "negative images")
        self._num_reports = 0
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
        """A copy that draws the hard negatives of epoch 0 whatever happens here, so that evaluations compare."""
        other = copy.copy(self)
        other.in_batch_epochs = 0
        other.known = {}
        other._skipped = SkipCounter(*self._skipped.kinds)
        other._epoch = torch.zeros((), dtype=torch.long).share_memory_()
        return other

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Columns that images and texts are taken from."""
        families = [TEXT_FAMILIES[family] for family in self.text_families] if self.max_text_negatives else []
        images = ["negative_images"] if self.max_image_negatives else []
        return {"image": ("image", *images), "text": ("caption", *families)}

    def text_negatives(self, row: dict[str, Any]) -> dict[str, str]:
        """All negative captions of a row, and of which family each is; what says the same as the caption is none."""
        negatives: dict[str, str] = {}
        own = caption_id(row["caption"] or "")
        for family in self.text_families:
            for text in row.get(TEXT_FAMILIES[family]) or ():
                if text and text.strip() and caption_id(text) != own:
                    negatives.setdefault(text, family)
        return negatives

    def image_negatives(self, row: dict[str, Any]) -> dict[int, str | None]:
        """Positions of a row's negative images and their captions, where they have one.

        An image is none that shows what the row's own does, or whose caption says the same as the row's.
        """
        captions = list(row.get("negative_captions") or ())
        said, shown = caption_id(row["caption"] or ""), as_stored(row.get("image"))
        negatives: dict[int, str | None] = {}
        for position, image in enumerate(row.get("negative_images") or ()):
            caption = captions[position] if position < len(captions) else None
            if as_stored(image) != shown and caption_id(caption or "") != said:
                negatives[position] = caption
        return negatives

    def has_negatives(self, row: dict[str, Any]) -> bool:
        """Whether this collator finds any negative in a row."""
        return bool(
            (self.max_image_negatives and self.image_negatives(row))
            or (self.max_text_negatives and self.text_negatives(row))
        )

    def _choose(self, items: list, most: int, row: dict[str, Any], kind: str) -> list:
        """At most `most` of the items, in their order."""
        if len(items) <= most:
            return items
        name = row.get("id") or row["caption"]
        draw = random.Random(stable_hash(self.seed, int(self._epoch), kind, name))
        return [items[index] for index in sorted(draw.sample(range(len(items)), most))]

    def _figure(self, image: Any) -> Image.Image | int | None:
        """An image decoded, or the place of its embedding where that is known; None if it cannot be read."""
        return self.known["image"].find(image) if "image" in self.known else decode_image(image)

    def _read(self, row: dict[str, Any]) -> tuple[Image.Image | int, str] | None:
        """A row's figure and caption; None, counted and at first reported, if either is not there."""
        caption = row.get("caption")
        figure = self._figure(row.get("image")) if caption and caption.strip() else None
        if figure is None:
            self._skipped.add("rows")
            self._num_reports += 1
            if self._num_reports <= MAX_REPORTS:
                logger.warning(f"Row {row_name(row)} has no readable image or no caption and is left out.")
            return None
        return figure, caption

    def choose_images(self, row: dict[str, Any]) -> list[tuple[int, str | None]]:
        """Which negative images of a row are used: their positions and their captions, where they have one."""
        return self._choose(list(self.image_negatives(row).items()), self.max_image_negatives, row, "image")

    def choose_texts(self, row: dict[str, Any]) -> dict[str, str]:
        """Which negative captions of a row are used, and of which family each is."""
        offered = self.text_negatives(row)
        return {text: offered[text] for text in self._choose(list(offered), self.max_text_negatives, row, "text")}

    def _negative_figures(self, row: dict[str, Any]) -> list[tuple[Image.Image | int, int, int]]:
        """The chosen negative images of a row that can be read, each with its two identities."""
        chosen = [(row["negative_images"][position], caption) for position, caption in self.choose_images(row)]
        figures = [
            (figure, figure_id(image), image_id(image, caption))
            for image, caption in chosen
            if (figure := self._figure(image)) is not None
        ]
        true = len(row.get("negative_images") or ()) - len(self.image_negatives(row))
        if unused := true * bool(self.max_image_negatives) + len(chosen) - len(figures):
            self._skipped.add("negative images", unused)
        return figures

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Collate rows.

        Returns:
            What `BatchLayout.split` takes apart: `pixel_values` `[images, 3, height, width]`, the rows' images and
            then their negatives; `input_ids` and `attention_mask` `[texts, length]`, each distinct text once; for
            what is `known` embeddings instead; and the fields of `BatchLayout`.

        Raises:
            ValueError: if no row of the batch can be used, unless `blank_if_empty`.
        """
        names, captions, figures, shown, families = [], [], [], [], []
        negatives = {"image": [], "text": []}  # (image with its identity by content, or caption; identity; owner)
        for row in rows:
            if (read := self._read(row)) is None:
                continue
            owner = len(figures)
            figures.append(read[0])
            shown.append(figure_id(row["image"]))
            captions.append(read[1])
            names.append(row_name(row))
            if int(self._epoch) < self.in_batch_epochs:
                continue
            negatives["image"] += [(*figure, owner) for figure in self._negative_figures(row)]
            chosen = self.choose_texts(row)
            negatives["text"] += [(caption, caption_id(caption), owner) for caption in chosen]
            families += [list(TEXT_FAMILIES).index(family) for family in chosen.values()]
        if not figures and not self.blank_if_empty:
            unread = ", ".join(row_name(row) for row in rows[:5])
            raise ValueError(
                f"None of the {len(rows)} rows of this batch has a readable image and a caption (ids {unread}): "
                "check the data set's image column, or build it again."
            )

        batch = {"row_ids": as_index(map(caption_id, captions)), "figure_ids": as_index(shown), "row_names": names}
        batch["negative_figure_ids"] = as_index(figure for _, figure, *_ in negatives["image"])
        table: dict[str, int] = {}
        batch["text_index"] = as_index(table.setdefault(caption, len(table)) for caption in captions)
        batch["negative_text_index"] = as_index(table.setdefault(text, len(table)) for text, *_ in negatives["text"])
        batch["negative_text_family"] = as_index(families)
        for kind, items in negatives.items():
            batch[f"negative_{kind}_ids"] = as_index(identity for *_, identity, _ in items)
            batch[f"negative_{kind}_owner"] = as_index(owner for *_, owner in items)
        images = figures + [figure for figure, *_ in negatives["image"]]
        return batch | self._encoded(images, list(table))

    def _encoded(self, images: list[Image.Image | int], texts: list[str]) -> dict[str, torch.Tensor]:
        """Pixels and tokens, or the embeddings that are known."""
        encoded, inputs = {}, {}
        if (known := self.known.get("image")) is not None:
            encoded["image_embeds"] = known.take(images)
        else:
            inputs["images"] = images or [Image.new("RGB", (32, 32), "white")]
        if (known := self.known.get("text")) is not None:
            encoded["text_embeds"] = known.take(map(known.place, texts))
        else:
            inputs["text"] = texts or [""]
        return encoded | dict(self.processor(**inputs))
