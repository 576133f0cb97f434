"""Texts and images of rows, read from whatever holds them: Hub ids, folders, parquet, json and jsonl files.

The columns are found by the names that public sets use; both can be given. Texts may be plain or conversations, whose
first user turn is the question; images may be encoded, lists of images, or paths beside the file.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import DatasetDict, IterableDataset, IterableDatasetDict, load_dataset, load_from_disk
from datasets.exceptions import DatasetsError

from ..encoded_images import undecoded
from ..instructions import CHOICE_INSTRUCTION, INSTRUCTION
from ..sources.conversations import question_and_choices
from .image_hash import hash_bytes

TEXT_COLUMNS = (
    "question",
    "problem",
    "prompt",
    "query",
    "problem_text",
    "conversations",
    "messages",
    "text",
    "caption",
)
IMAGE_COLUMNS = (
    "image",
    "images",
    "decoded_image",
    "img",
    "figure",
    "diagram",
    "image_path",
    "img_path",
    "image_file",
)
ID_COLUMNS = ("id", "question_id", "problem_id", "pid", "index", "file_name")
FILES = {".jsonl": "json", ".json": "json", ".parquet": "parquet"}

_IMAGE_TOKEN = re.compile(r"<image>|<ImageHere>|<\|image\|>")
_CHOICE_LINE = re.compile(r"^\s*(?:choices:?|\(?[A-H]\s*[).:].*)\s*$", re.I)
_INSTRUCTION = re.compile("|".join(map(re.escape, (INSTRUCTION, CHOICE_INSTRUCTION))))


@dataclass(frozen=True)
class Item:
    """What of a row is compared: its text without choices, and the hash of its first image."""

    place: str  # the data set it is of
    id: str
    text: str  # "" where there is none
    hash: np.ndarray | None  # [WORDS] uint64


@dataclass(frozen=True)
class Columns:
    """Which columns of a data set are compared; None where it has no such column."""

    text: str | None
    image: str | None
    id: str | None

    @classmethod
    def of(cls, names: Sequence[str], text: str | None, image: str | None, place: str) -> "Columns":
        """Find the columns by name, unless they are given.

        Raises:
            ValueError: if a given one is not there, or neither text nor image is found.
        """
        for given in (text, image):
            if given is not None and given not in names:
                raise ValueError(f"{place} has no column '{given}': it has {', '.join(names)}")
        found = cls(
            text or _first(TEXT_COLUMNS, names), image or _first(IMAGE_COLUMNS, names), _first(ID_COLUMNS, names)
        )
        if found.text is None and found.image is None:
            raise ValueError(
                f"{place} has no column that is known to hold a question or an image (it has {', '.join(names)}): "
                "name them with --text_column and --image_column"
            )
        return found


def _first(known: Sequence[str], names: Sequence[str]) -> str | None:
    return next((name for name in known if name in names), None)


def question_text(value: object) -> str:
    """The question in a column's value, without image tokens, choices and the instructions before and after it.

    A conversation gives its first user turn, a list of parts its texts; what holds no text gives "".
    """
    if isinstance(value, Mapping):
        return question_text(value.get("content", value.get("value", value.get("text"))))
    if isinstance(value, (list, tuple)):
        turns = [v for v in value if isinstance(v, Mapping)]
        asked = [v for v in turns if v.get("role", v.get("from")) in ("user", "human")]
        if asked:
            return question_text(asked[0])
        return " ".join(filter(None, (question_text(v) for v in value)))
    if not isinstance(value, str):
        return ""
    text = _INSTRUCTION.sub(" ", _IMAGE_TOKEN.sub(" ", value))
    text = question_and_choices(text)[0]  # as the public sets are read: a copy of one has lost what stood around
    lines = [line for line in text.splitlines() if not _CHOICE_LINE.match(line)]
    return " ".join(" ".join(lines).split())


def first_image(value: object, folder: Path | None) -> bytes | None:
    """The encoded first image of a column's value: bytes, `{"bytes", "path"}`, a path beside `folder`, or a list.

    Raises:
        OSError: if it is named and cannot be read.
    """
    if isinstance(value, (list, tuple)):
        return first_image(value[0], folder) if value else None
    if isinstance(value, Mapping):
        return value.get("bytes") or first_image(value.get("path"), folder)
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str) or not value:
        return None
    path = Path(value)
    return (path if folder is None or path.is_absolute() else folder / path).read_bytes()


def item_of(row: Mapping, columns: Columns, place: str, name: str, folder: Path | None, skipped: Counter[str]) -> Item:
    """What of a row is compared; `name` is its id where it has none. Images that cannot be read are left out and
    counted in `skipped`."""
    content, code = None, None
    if columns.image:
        try:
            content = first_image(row[columns.image], folder)
            code = None if content is None else hash_bytes(content)
        except OSError:
            skipped["image: cannot be read"] += 1
        else:
            skipped.update({"image: blank": 1} if content is not None and code is None else {})
    named = row[columns.id] if columns.id else None
    text = question_text(row[columns.text]) if columns.text else ""
    return Item(place, name if named is None else str(named), text, code)


def open_splits(
    place: str, streaming: bool, config: str | None = None
) -> tuple[DatasetDict | IterableDatasetDict, Path | None]:
    """All splits of a data set, its images left encoded, and the folder that relative image paths start from.

    Args:
        place: Hub id, folder (also one of `save_to_disk`), or a jsonl, json or parquet file.
        streaming: whether the rows are only read once.
        config: of a data set that has several; its default if not given.

    Raises:
        ValueError: if nothing can be loaded from there.
    """
    path = Path(place)
    try:
        if path.is_file():
            if path.suffix.lower() not in FILES:
                raise ValueError(f"a file must be one of {', '.join(FILES)}")
            builder = FILES[path.suffix.lower()]
            splits = load_dataset(builder, data_files={"train": str(path)}, streaming=streaming)
        elif (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
            splits = load_from_disk(place)
            splits = splits if isinstance(splits, DatasetDict) else DatasetDict(train=splits)
        else:
            splits = load_dataset(place, config, streaming=streaming)
    except StopIteration as error:  # of a file without a byte, as `datasets` reads JSON
        raise ValueError(f"cannot load the data set {place}: it is empty") from error
    except (OSError, ValueError, IndexError, DatasetsError) as error:
        raise ValueError(f"cannot load the data set {place}: {str(error).rstrip('.')}") from error
    for name, rows in splits.items():
        splits[name] = undecoded(rows)
    return splits, path.parent if path.is_file() else path if path.is_dir() else None


def _read(rows: IterableDataset, place: str) -> Iterator[Mapping]:
    """The rows of a stream, which meets what is wrong with its files only here."""
    try:
        yield from rows
    except (OSError, ValueError, DatasetsError) as error:
        raise ValueError(f"cannot load the data set {place}: {error}") from error


def read_items(place: str, text: str | None, image: str | None, skipped: Counter[str]) -> Iterator[Item]:
    """The items of all splits of a data set, one after the other.

    Args:
        place: as for `open_splits`.
        text: column of the question; None to find it by name.
        image: column of the image; None to find it by name.
        skipped: counts images that cannot be read, by reason.

    Raises:
        ValueError: if the data set cannot be loaded, or has none of the columns.
    """
    splits, folder = open_splits(place, streaming=True)
    for split, rows in splits.items():
        columns = None
        for number, row in enumerate(_read(rows, place)):
            columns = columns or Columns.of(list(row), text, image, place)
            yield item_of(row, columns, place, f"{split}/{number}", folder, skipped)
