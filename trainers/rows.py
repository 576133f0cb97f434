"""Rows on their way into training: a split is loaded, its images are decoded one by one, what is damaged is counted.

Rows keep their images encoded (`data_scripts.encoded_images`) until the collator decodes them; what cannot be decoded
is skipped and counted.
"""

import io
import os
from typing import Any

import torch
from datasets import Dataset, DatasetDict, IterableDataset, load_dataset, load_from_disk
from datasets.exceptions import DatasetsError
from PIL import Image as PILImage
from PIL import ImageOps

from modeling_mmgeo.processing_mmclip import UNREADABLE, lay_on_white

Rows = Dataset | IterableDataset


def load_splits(name: str, config: str | None = None) -> DatasetDict:
    """All splits of a data set.

    Args:
        name: Hub id, folder of parquet files, or folder written by `save_to_disk` (a lone split is then its `train`).
        config: configuration, for example "with_markings"; None for the only or default one.

    Raises:
        ValueError: if the data set or its configuration is not there.
    """
    try:
        if os.path.isfile(os.path.join(name, "dataset_dict.json")):
            return load_from_disk(name)
        if os.path.isfile(os.path.join(name, "state.json")):
            return DatasetDict(train=load_from_disk(name))
        return load_dataset(name, config)
    except (OSError, ValueError, IndexError, DatasetsError) as error:  # IndexError: saved without a row
        where = name if config is None else f"{name} (configuration {config})"
        raise ValueError(
            f"Cannot load the data set {where}: {str(error).rstrip('.!')}. Name a Hub id or a folder with parquet "
            "files, and one of its configurations as --dataset_config."
        ) from error


def load_split(name: str, split: str, config: str | None = None, max_rows: int | None = None) -> Dataset:
    """Load one split of a data set.

    Args:
        name: as for `load_splits`.
        split: for example "train".
        config: as for `load_splits`.
        max_rows: keep the first rows only.

    Raises:
        ValueError: if the data set, its configuration or the split is not there, or the split is empty.
    """
    dataset = load_splits(name, config)
    if split not in dataset:
        raise ValueError(f"The data set {name} has no split {split!r}, only {', '.join(map(str, dataset))}.")
    rows = dataset[split]
    if max_rows is not None:
        rows = rows.select(range(min(max_rows, len(rows))))
    if len(rows) == 0:
        raise ValueError(f"Split {split!r} of the data set {name} is empty: build it again, or choose another split.")
    return rows


def decode_image(image: Any) -> PILImage.Image | None:
    """Upright RGB image from a PIL image, a path, bytes, or a dict of the last two; None if it cannot be read."""
    try:
        if isinstance(image, dict):
            image = image.get("bytes") or image.get("path")
        if isinstance(image, bytes):
            image = io.BytesIO(image)
        if isinstance(image, (str, os.PathLike, io.BytesIO)):
            image = PILImage.open(image)
        if not isinstance(image, PILImage.Image):
            return None
        image.load()  # PIL reads the pixels only now
        return lay_on_white(ImageOps.exif_transpose(image))
    except UNREADABLE:
        return None


def image_bytes(image: Any) -> bytes | None:
    """The file behind an image that is still encoded (bytes, a path, or a dict of both), or None if there is none."""
    if isinstance(image, dict):
        image = image.get("bytes") or image.get("path")
    if isinstance(image, bytes):
        return image or None
    try:
        with open(image or "", "rb") as file:
            return file.read()
    except OSError:
        return None


class SkipCounter:
    """Counts what was left out, across the processes that load data.

    The numbers lie in shared memory, one slot per worker, so that workers need no lock and the main process sees the
    sum. A row is counted each time it is read, thus once per epoch.
    """

    SLOTS = 257  # the main process and up to 256 workers

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds
        self._counts = torch.zeros(self.SLOTS, len(kinds), dtype=torch.long).share_memory_()

    def add(self, kind: str, count: int = 1) -> None:
        worker = torch.utils.data.get_worker_info()
        slot = 0 if worker is None else 1 + worker.id % (self.SLOTS - 1)
        self._counts[slot, self.kinds.index(kind)] += count

    def totals(self) -> dict[str, int]:
        """How many of each kind so far."""
        return dict(zip(self.kinds, self._counts.sum(0).tolist(), strict=True))

    def report(self) -> str:
        """For example "2 rows, 1 images"; empty if nothing was left out."""
        return ", ".join(f"{count} {kind}" for kind, count in self.totals().items() if count)


def check_columns(rows: Rows, needed: tuple[str, ...], what: str) -> None:
    """Raise ValueError unless the rows have the columns `needed`."""
    names = rows.column_names
    if names is None:  # a stream that does not know its columns yet
        names = list(next(iter(rows), {}))
    if missing := [name for name in needed if name not in names]:
        raise ValueError(
            f"{what} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; it has "
            f"{', '.join(names)}. Give rows as data_scripts writes them, or rename the columns."
        )
