"""Evaluation during training: Hit@1 on the four candidate sets and the loss, from one encoding of what the rows hold.

Every image and every distinct text of the evaluation rows is encoded once, in batches; from their embeddings follow
the figures that `evaluation.hit_at_1` measures with its defaults, and the training loss.

Promises: memory holds one batch of pixels, and the embeddings; the figures do not depend on the batch size or the
number of processes; the loss is that of training batches, in the order of the rows, with the negatives of epoch 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from PIL import Image
from tqdm.auto import tqdm
from transformers import ProcessorMixin
from transformers.utils import logging

from data_scripts.encoded_images import undecoded

from .candidate_sets import COLUMNS, build_candidate_sets, without_images
from .checks import check_evaluation_rows
from .collators import TEXT_FAMILIES, HardNegativeCollator, as_index, caption_id, stable_hash
from .embedded_batch import EmbeddedBatch
from .losses import HardNegativeLoss
from .meter import LOSSES, SOLVED, Meter
from .ranking import rank_set
from .rows import decode_image

logger = logging.get_logger(__name__)

IMAGE, TEXT, UNREADABLE = range(3)  # kinds of items; the last is an image, too


@dataclass(frozen=True)
class LossRow:
    """What the loss compares in a row: numbers among the images or the captions, each with an identity."""

    row_id: int
    image: int
    caption: int
    negative_images: tuple[tuple[int, int], ...]
    negative_texts: tuple[tuple[int, int], ...]
    families: tuple[int, ...]  # of the negative texts, by position in `TEXT_FAMILIES`


class EvaluationContents(torch.utils.data.Dataset):
    """Every image and every distinct text of evaluation rows, each once, to be encoded.

    Item number i is an image, in the order of the rows, or a text, from short to long, so that texts of like length
    share a batch.

    Args:
        rows: rows of hard negatives.
        collator: chooses the negatives that the loss compares.
        quiet: show no progress.

    Raises:
        ValueError: if no row has an image and a caption, or the rows are no `Dataset`.
    """

    def __init__(self, rows: Dataset, collator: HardNegativeCollator, quiet: bool = True) -> None:
        check_evaluation_rows(rows)
        wanted = (*COLUMNS, "id", "negative_captions")
        self.rows = undecoded(rows.select_columns([name for name in wanted if name in rows.column_names]))
        self.collator = collator.for_evaluation()
        choices = []  # per row, what the loss compares

        def seen():
            for row in tqdm(self.rows, desc="Reading evaluation rows", disable=quiet):
                choices.append((self.collator.choose_images(row), self.collator.choose_texts(row)))
                yield row

        self.sets = build_candidate_sets(seen())
        if not self.sets.rows:
            raise ValueError(
                f"None of the {len(rows)} evaluation rows has an image and a caption: build them again, or choose "
                "another split."
            )
        captions = self.sets.captions
        self.text_order = sorted(range(len(captions)), key=lambda number: (len(captions[number]), number))
        number_of = {caption: number for number, caption in enumerate(captions)}
        self.loss_rows = [
            LossRow(
                caption_id(captions[row.caption]),
                row.image,
                row.caption,
                tuple(
                    (number, caption_id(caption) if caption and caption.strip() else stable_hash("image", number))
                    for position, caption in choices[row.row][0]
                    if (number := row.negative_images[position]) is not None
                ),
                tuple((number_of[text], caption_id(text)) for text in choices[row.row][1]),
                tuple(list(TEXT_FAMILIES).index(family) for family in choices[row.row][1].values()),
            )
            for row in self.sets.rows
        ]
        self._at: tuple[int, dict] = (-1, {})  # the row read last: its images follow each other

    def __len__(self) -> int:
        return len(self.sets.images) + len(self.sets.captions)

    def __getitem__(self, index: int) -> tuple[int, Image.Image | str | None]:
        """An image or a text, and its number among those; an image that cannot be read is None."""
        if index >= len(self.sets.images):
            number = self.text_order[index - len(self.sets.images)]
            return number, self.sets.captions[number]
        source = self.sets.images[index]
        if source.row != self._at[0]:
            self._at = (source.row, self.rows[source.row])
        cell = self._at[1][source.column]
        return index, decode_image(cell[source.position] if isinstance(cell, list) else cell)


class ContentCollator:
    """Batches of `EvaluationContents`: what the model takes, and `items` `[items, 2]`, each one's kind and number.

    Every batch has an image and a text, blank ones if need be: layers that are spread over processes wait for each
    other in both towers.
    """

    def __init__(self, processor: ProcessorMixin) -> None:
        self.processor = processor

    def __call__(self, items: Sequence[tuple[int, Image.Image | str | None]]) -> dict[str, torch.Tensor]:
        blank = Image.new("RGB", (32, 32), "white")
        kinds = [TEXT if isinstance(item, str) else UNREADABLE if item is None else IMAGE for _, item in items]
        images = [item or blank for _, item in items if not isinstance(item, str)]
        texts = [item for _, item in items if isinstance(item, str)]
        numbered = torch.tensor([(kind, number) for kind, (number, _) in zip(kinds, items, strict=True)])
        return {"items": numbered} | dict(self.processor(images=images or [blank], text=texts or [""]))


def item_embeddings(items: torch.Tensor, outputs: Any) -> torch.Tensor:
    """Embeddings of a batch's items in their order, `[items, dim]`, float32.

    The order matters: of the last batch, several processes see items again, and those are cut off at its end.
    """
    is_text = items[:, 0] == TEXT
    texts = int(is_text.sum())
    embeddings = outputs.image_embeds.new_empty(len(items), outputs.image_embeds.shape[1], dtype=torch.float32)
    embeddings[~is_text] = outputs.image_embeds[: len(items) - texts].float()
    embeddings[is_text] = outputs.text_embeds[:texts].float()
    return embeddings


def measure(
    contents: EvaluationContents,
    items: torch.Tensor,
    embeddings: torch.Tensor,
    batch_size: int,
    loss_of: Callable[[EmbeddedBatch], HardNegativeLoss | None],
) -> dict[str, float]:
    """Hit@1 on the sets that have anchors (`random_hit_at_1`, ...), their mean `hit_at_1`, losses and shares solved.

    Args:
        contents: what was encoded.
        items: as `ContentCollator` gives them, `[items, 2]`, in any order, some perhaps twice.
        embeddings: of the items, `[items, dim]`.
        batch_size: rows of a batch, for the loss.
        loss_of: the loss of a batch, None where there is nothing to contrast.
    """
    kinds, numbers = items.T
    images = embeddings.new_zeros(len(contents.sets.images), embeddings.shape[1])
    captions = embeddings.new_zeros(len(contents.sets.captions), embeddings.shape[1])
    images[numbers[kinds == IMAGE]] = embeddings[kinds == IMAGE]
    captions[numbers[kinds == TEXT]] = embeddings[kinds == TEXT]
    unreadable = set(numbers[kinds == UNREADABLE].tolist())
    if unreadable:
        logger.warning(f"{len(unreadable)} images of the evaluation rows cannot be read and are left out.")

    measured = {}
    for name, questions in without_images(contents.sets, unreadable).items():
        if questions:
            sides = (captions, images) if name == "image" else (images, captions)
            hits, _ = rank_set(questions, *sides)
            measured[f"{name}_hit_at_1"] = sum(hits) / len(hits)
    if measured:
        measured["hit_at_1"] = sum(measured.values()) / len(measured)

    meter = Meter(embeddings.device)
    rows = [row for row in contents.loss_rows if row.image not in unreadable]
    for start in range(0, len(rows), batch_size):
        batch, families = _batch(rows[start : start + batch_size], images, captions, unreadable)
        if (loss := loss_of(batch)) is not None:
            meter.add_step(batch, loss, families)
    read = meter.read(lambda sums: sums)
    return measured | {name: read[name] for name in (*LOSSES, *SOLVED) if name in read}


def _batch(
    rows: Sequence[LossRow], images: torch.Tensor, captions: torch.Tensor, unreadable: set[int]
) -> tuple[EmbeddedBatch, torch.Tensor]:
    """The embeddings of some rows as the loss takes them, and the families of their negative texts."""
    shown = [(n, i, owner) for owner, row in enumerate(rows) for n, i in row.negative_images if n not in unreadable]
    said = [(n, i, owner) for owner, row in enumerate(rows) for n, i in row.negative_texts]
    image_numbers, image_ids, image_owners = map(as_index, zip(*shown, strict=True) if shown else ((), (), ()))
    text_numbers, text_ids, text_owners = map(as_index, zip(*said, strict=True) if said else ((), (), ()))
    batch = EmbeddedBatch(
        image_embeds=images[[row.image for row in rows]],
        text_embeds=captions[[row.caption for row in rows]],
        negative_image_embeds=images[image_numbers],
        negative_text_embeds=captions[text_numbers],
        negative_image_owner=image_owners,
        negative_text_owner=text_owners,
        row_ids=as_index(row.row_id for row in rows),
        negative_image_ids=image_ids,
        negative_text_ids=text_ids,
        figure_ids=as_index(row.image for row in rows),  # images are numbered by content
        negative_figure_ids=image_numbers,
    )
    return batch, as_index(family for row in rows for family in row.families)
