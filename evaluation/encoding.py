"""Embeddings of images and captions by any CLIP-family model, each encoded once.

Stock models are fed through the processor of MMCLIP, which cuts and pads captions the way each family was trained, so
that ours and theirs are compared on the same input.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import datasets
import torch
from PIL import Image
from tqdm import tqdm

from evaluation.loading import autocast
from modeling_mmgeo import MMCLIPConfig, MMCLIPProcessor
from trainers.candidate_sets import ImageSource
from trainers.rows import decode_image

Change = Callable[[int, Image.Image, Mapping[str, Any], ImageSource], Image.Image | None]


def check_embeds_both(model: Any, name: str) -> None:
    """Raises ValueError unless the model embeds images and captions alike."""
    for method in ("get_image_features", "get_text_features"):
        if not callable(getattr(model, method, None)):
            raise ValueError(
                f"{name!r} is a {type(model).__name__} without {method}, so no dual encoder: give a CLIP-family model"
            )


class DualEncoder:
    """A dual encoder and its processor behind two methods.

    Args:
        model: ours, a stock CLIP-family model, or one with remote code that has `get_image_features` and
            `get_text_features`.
        processor: as `AutoProcessor` gives it.
        name: for error messages.

    Raises:
        ValueError: if the model has only one tower or its processor only one half.
    """

    def __init__(self, model: Any, processor: Any, name: str) -> None:
        check_embeds_both(model, name)
        for half in ("tokenizer", "image_processor"):
            if getattr(processor, half, None) is None:
                raise ValueError(
                    f"the processor of {name!r} is a {type(processor).__name__} without {half}: "
                    "save the whole processor next to the weights"
                )
        self.model, self.device = model, model.device
        self.processor, self.num_captions_cut = _family_processor(model, processor), 0

    @property
    def image_size(self) -> int | None:
        """Side in pixels of the images that the vision tower sees; None where its configuration does not say."""
        config = getattr(self.model.config, "backbone_config", self.model.config)
        return getattr(getattr(config, "vision_config", None), "image_size", None)

    @torch.inference_mode()
    def images(self, images: list[Image.Image]) -> torch.Tensor:
        """Embeddings of RGB images, `[images, dim]`, float32 on the CPU, any scale."""
        return self._embed(self.model.get_image_features, self.processor(images=images, return_tensors="pt"))

    @torch.inference_mode()
    def captions(self, captions: list[str]) -> torch.Tensor:
        """Embeddings of captions, `[captions, dim]`, float32 on the CPU, any scale."""
        options = {} if isinstance(self.processor, MMCLIPProcessor) else {"padding": True, "truncation": True}
        inputs = self.processor(text=captions, return_tensors="pt", **options)
        lengths = (len(ids) for ids in self.processor.tokenizer(captions, verbose=False)["input_ids"])
        self.num_captions_cut += sum(length > inputs["input_ids"].shape[1] for length in lengths)
        return self._embed(self.model.get_text_features, inputs)

    def _embed(self, encode: Any, inputs: Any) -> torch.Tensor:
        with autocast(self.device):
            features = encode(**inputs.to(self.device))
        features = features if isinstance(features, torch.Tensor) else features.pooler_output
        return features.float().cpu()


def _family_processor(model: Any, processor: Any) -> Any:
    """MMCLIP's processor for the model's family, or the given one if only the model itself knows its family."""
    if isinstance(processor, MMCLIPProcessor) or model.config.model_type == MMCLIPConfig.model_type:
        return processor
    try:
        # A copy: putting a live configuration into another one makes the model forget its attention implementation.
        config = copy.deepcopy(model.config)
        return MMCLIPProcessor.from_parts(processor.image_processor, processor.tokenizer, config)
    except (ValueError, AttributeError):  # remote code
        return processor


def encode_captions(encoder: DualEncoder, captions: Sequence[str], batch_size: int) -> torch.Tensor:
    """Embeddings of all captions, `[captions, dim]`, in their order. Captions of like length share a batch."""
    order = sorted(range(len(captions)), key=lambda number: len(captions[number]))
    embeddings: list[torch.Tensor] = []
    for start in tqdm(range(0, len(order), batch_size), desc="captions", unit="batch"):
        embeddings.append(encoder.captions([captions[number] for number in order[start : start + batch_size]]))
    if not embeddings:
        return torch.empty(0, 0)
    return torch.cat(embeddings)[torch.tensor(order).argsort()]


def encode_images(
    encoder: DualEncoder,
    rows: datasets.Dataset,
    sources: Sequence[ImageSource],
    batch_size: int,
    change: Change | None = None,
) -> tuple[torch.Tensor, set[int]]:
    """Embeddings of all images, `[images, dim]`, in their order, and the numbers of those that cannot be read.

    Holds one batch of pixels at a time. What cannot be read has an embedding of zeros, which no question may use.

    Args:
        rows: where the sources point, images still encoded.
        change: gives the picture to encode in place of image `number` at `source` in `row`, or None where there is
            none, which counts as one that cannot be read.
    """
    embeddings: list[torch.Tensor] = []
    batch: list[tuple[int, Image.Image]] = []
    numbers: list[int] = []
    unreadable: set[int] = set()

    def flush() -> None:
        if batch:
            embeddings.append(encoder.images([image for _, image in batch]))
            numbers.extend(number for number, _ in batch)
            batch.clear()

    at, row = -1, {}
    for number, source in enumerate(tqdm(sources, desc="images", unit="image")):
        if source.row != at:
            at, row = source.row, rows[source.row]
        cell = row[source.column]
        image = decode_image(cell[source.position] if isinstance(cell, list) else cell)
        if image is not None and change is not None:
            image = change(number, image, row, source)
        if image is None:
            unreadable.add(number)
            continue
        batch.append((number, image))
        if len(batch) == batch_size:
            flush()
    flush()
    if not embeddings:
        return torch.empty(len(sources), 0), unreadable
    found = torch.cat(embeddings)
    result = found.new_zeros(len(sources), found.shape[1])
    result[torch.tensor(numbers)] = found
    return result, unreadable
