"""Open the place where a data set lies: a Hub id, a folder, a zip, or one file, and give its rows in order.

Promise: the same rows in the same order from every kind of place; nothing is read or downloaded before the first row
is asked for; one row is held at a time.
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NoReturn

from datasets import load_dataset
from datasets.exceptions import DatasetsError
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

from ..encoded_images import undecoded
from . import images, row_files
from .images import Images, hidden, open_zip
from .records import OpenedRow

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
HUB_FILES = [f"*{suffix}" for suffix in (*row_files.SUFFIXES, ".zip", *images.SUFFIXES)]
# What `datasets` writes beside rows, and Geometry3K beside each problem.
NO_ROWS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "logic_form.json")

Splits = Mapping[str, tuple[str, ...]]


def open_rows(
    location: str, split: str, splits: Splits, hub_rows: tuple[str, ...] = (), start: int = 0
) -> Iterator[OpenedRow]:
    """The rows of a split, wherever they lie.

    Args:
        location: folder, file (json, jsonl, parquet, zip), or Hub id if there is no such folder or file.
        split: which rows.
        splits: each split with the words that tell it in a file's name. Files that name no split belong to the first;
            a lone file holds whatever split is asked for.
        hub_rows: splits that `load_dataset` gives whole; of others the Hub holds files, images among them in zips.
        start: position of the first row given.

    Raises:
        ValueError: if the place is missing or unreadable, or holds no rows of that split.
    """
    path = Path(location)
    if path.is_dir():
        yield from _place_rows(path, None, split, splits, start)
    elif path.is_file():
        yield from _file_rows(path, split, splits, start)
    elif not HUB_ID.fullmatch(location):
        raise ValueError(f"no file or folder at {location}, and it is no Hub id (user/name) either")
    elif split in hub_rows:
        yield from loaded_rows(location, split, start)
    else:
        folder = _download(location)
        yield from _place_rows(folder, folder.parents[1], split, splits, start)


def loaded_rows(name: str, split: str, start: int = 0) -> Iterator[OpenedRow]:
    """Rows as `datasets.load_dataset` streams them, their images left encoded.

    Raises:
        ValueError: if it cannot be loaded or has no such split.
    """
    try:
        rows = load_dataset(name, split=split, streaming=True)
        rows = undecoded(rows).skip(start)
        none = Images(None, [])
        for position, row in enumerate(rows, start):
            yield OpenedRow(row, position, none.bytes_of)
    except (OSError, ValueError, DatasetsError, HfHubHTTPError) as error:
        raise ValueError(f"cannot load split {split} of {name}: {error}") from None


def _download(hub_id: str) -> Path:
    try:
        return Path(snapshot_download(hub_id, repo_type="dataset", allow_patterns=HUB_FILES))
    except (OSError, ValueError, HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"no file or folder at {hub_id}, and the Hub does not give it either: {reason}") from None


def _file_rows(path: Path, split: str, splits: Splits, start: int) -> Iterator[OpenedRow]:
    suffix = path.suffix.lower()
    if suffix == ".zip":
        found = Images(None, [path])
        with open_zip(path) as archive:
            names = [n for n in archive.namelist() if not hidden(n)]
            chosen = _of_split(names, split, splits) or _refuse(names, split, splits, str(path))
            yield from _numbered(((archive.open(name), name) for name in chosen), found, start)
    elif suffix in row_files.SUFFIXES:
        found = Images(path.parent, sorted(path.parent.glob("*.zip")))
        yield from _numbered(((p.open("rb"), p.name) for p in [path]), found, start)
    else:
        raise ValueError(f"{path} is neither of {', '.join(row_files.SUFFIXES)} nor a zip")


def _place_rows(folder: Path, within: Path | None, split: str, splits: Splits, start: int) -> Iterator[OpenedRow]:
    names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    names = [name for name in names if not hidden(name)]
    archives = [folder / name for name in sorted(names, key=_in_order) if name.lower().endswith(".zip")]
    found = Images(folder, archives, within)
    if chosen := _of_split(names, split, splits):
        yield from _numbered((((folder / name).open("rb"), name) for name in chosen), found, start)
        return
    inside = {}  # no such rows beside the zips: they are in them
    for path in archives:
        with open_zip(path) as archive:
            zip_name = path.relative_to(folder).with_suffix("").as_posix()
            inside |= {f"{zip_name}/{n}": (path, n) for n in archive.namelist() if not hidden(n)}
    chosen = _of_split(list(inside), split, splits) or _refuse([*names, *inside], split, splits, str(folder))
    members = ((open_zip(path).open(name), name) for path, name in map(inside.__getitem__, chosen))
    yield from _numbered(members, found, start)


def _of_split(names: list[str], split: str, splits: Splits) -> list[str]:
    """The files of a split in order, of one kind only: many repositories hold the same rows as parquet and as JSON."""
    rows = _row_files(names)
    told = {name: _split_told(name, splits) for name in rows}
    chosen = [name for name in rows if told[name] == split]
    if not chosen and (split == next(iter(splits)) or len(rows) == 1):
        chosen = [name for name in rows if told[name] is None]
    for suffix in row_files.SUFFIXES:
        if of_kind := sorted((n for n in chosen if n.lower().endswith(suffix)), key=_in_order):
            return of_kind
    return []


def _refuse(names: list[str], split: str, splits: Splits, place: str) -> NoReturn:
    seen = ", ".join(sorted(_row_files(names))[:8]) or "none at all"
    words = " or ".join(splits[split])
    raise ValueError(f"{place} holds no file of rows with {words} in its name, for split {split}; it has: {seen}")


def _row_files(names: list[str]) -> list[str]:
    rows = [name for name in names if name.lower().endswith(row_files.SUFFIXES)]
    return [name for name in rows if posixpath.basename(name).lower() not in NO_ROWS]


def _split_told(name: str, splits: Splits) -> str | None:
    """The split a file's name tells, the file itself before the folders it is in."""
    for part in reversed(name.lower().split("/")):
        for split, words in splits.items():
            if any(re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", part) for word in words):
                return split
    return None


def _in_order(name: str) -> list[tuple[int, str]]:
    """Sort key: numbers by value, so that part 2 comes before part 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _numbered(files: Iterator[tuple[io.BufferedIOBase, str]], found: Images, start: int) -> Iterator[OpenedRow]:
    def opened() -> Iterator[tuple[object, str]]:
        name = "the first file"
        try:
            for file, name in files:
                with file:
                    for row in row_files.rows_of(file, name):
                        yield row, posixpath.dirname(name)
        except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"{name} cannot be read to its end ({error}): download it again") from None

    for position, (row, beside) in islice(enumerate(opened()), start, None):
        yield OpenedRow(
            row if isinstance(row, dict) else None,
            position,
            lambda value, beside=beside: found.bytes_of(value, beside),
        )
