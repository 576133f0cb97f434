"""The manifest freezes the exam: its options, the ids of its rows, and hashes of all they hold.

Rows are hashed by what they show and say, not by the bytes of their files: images by their pixels, so another version
of a compression library changes nothing. A row has three hashes, of its texts, its images and its candidates (the
retrieved and random ones), so a difference says where it lies: candidates depend on a sentence encoder's arithmetic,
images on the version of matplotlib, texts on neither.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from evaluation.results import write_json

MANIFEST = Path(__file__).with_name("manifest.json")
PARTS = {
    "texts": (
        *("id", "caption", "negative_captions", "negative_edits", "rule_captions", "rule_edits"),
        *("drawn_captions", "drawn_edits"),
    ),
    "images": ("image", "negative_images", "drawn_images"),
    "candidates": ("retrieved_ids", "retrieved_captions", "random_ids", "random_captions"),
}
DIGITS = 12  # of a row's hash


def row_hashes(row: Mapping[str, Any]) -> dict[str, str]:
    """Hashes of the parts of a row whose images are still encoded."""
    return {part: _digest([_plain(row[column]) for column in columns])[:DIGITS] for part, columns in PARTS.items()}


def _plain(value: Any) -> Any:
    """A cell with pixels in place of image files."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        with Image.open(io.BytesIO(value["bytes"])) as image:
            pixels = np.asarray(image.convert("L"))
        return [*pixels.shape, hashlib.sha256(pixels.tobytes()).hexdigest()]
    return value


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def describe(rows: Iterable[Mapping[str, Any]], one_by_one: bool) -> dict[str, Any]:
    """What the manifest says of a split.

    Args:
        rows: its rows, images still encoded.
        one_by_one: name every row with its hashes; else only their number and one digest of all.
    """
    hashes = {row["id"]: row_hashes(row) for row in rows}
    whole = {"num_rows": len(hashes)}
    whole |= {part: _digest([[id_, of[part]] for id_, of in hashes.items()])[:DIGITS] for part in PARTS}
    return whole | ({"rows": {id_: " ".join(of.values()) for id_, of in hashes.items()}} if one_by_one else {})


def differences(frozen: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """What differs between two descriptions of one split, in words; empty where they are the same."""
    told = []
    if frozen["num_rows"] != found["num_rows"]:
        told.append(f"{found['num_rows']} rows in place of {frozen['num_rows']}")
    elif list(frozen.get("rows", {})) != list(found.get("rows", {})):
        told.append("other figures")
    for place, part in enumerate(PARTS):
        if frozen[part] == found[part]:
            continue
        pairs = [(of, found.get("rows", {}).get(id_, "")) for id_, of in frozen.get("rows", {}).items()]
        count = sum(a.split()[place : place + 1] != b.split()[place : place + 1] for a, b in pairs)
        told.append(f"other {part}" + (f" in {count} of {len(pairs)} rows" if pairs else ""))
    return told


def verify(frozen: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Differences of an exam from a manifest, each with configuration and split; splits not built are passed over."""
    return [
        f"{config}, {split}: {what}"
        for config, splits in found["splits"].items()
        for split, description in splits.items()
        for what in _against(frozen, config, split, description)
    ]


def _against(frozen: Mapping[str, Any], config: str, split: str, description: Mapping[str, Any]) -> list[str]:
    known = frozen["splits"].get(config, {}).get(split)
    return differences(known, description) if known else ["not in the manifest"]


def read_manifest(path: Path) -> dict[str, Any]:
    """Raises ValueError if the file is missing or no manifest."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["options"], manifest["splits"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no manifest of the hard-negative exam ({error!r})") from None
    return manifest


def write_manifest(path: Path, options: Mapping[str, Any], splits: Mapping[str, Any]) -> None:
    """Freeze an exam."""
    write_json(path, {"options": dict(options), "splits": splits})
