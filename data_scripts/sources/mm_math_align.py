"""MM-Math-Align (Sun et al. 2025, MMGeoLM, arXiv 2505.20152): 4,021 exam figures, each with its image redrawn by a
script, a caption of that, and ten negative images with ten negative captions. Licence: not stated where we looked.

Its column names are published in no text. They are matched by what they say (see `ROLES`), numbered columns
(`negative_image_1`, ..) included; the reason under which a row is left out lists the columns. Where an `image`
stands beside a redrawn one, it is the original scan.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache

from .conversations import first_exchange, without_image
from .records import BadRow, OpenedRow, text_of
from .source import Source

# role -> names, the surest first; compared in lower case, with `_` for anything that is no letter and no digit
ROLES = {
    "redrawn": (
        *("positive_image", "redrawn_image", "python_image", "script_image", "code_image", "rendered_image"),
        *("synthetic_image", "generated_image", "positive_image_path", "pos_image", "positive", "redrawn"),
        *("python_script_image", "image_positive", "reconstructed_image", "image_python"),
    ),
    "original": (
        *("original_image", "origin_image", "raw_image", "source_image", "original", "origin", "image_original"),
        *("original_image_path", "image_origin"),
    ),
    "image": ("image", "image_path", "img", "images", "file_name"),
    "caption": (
        *("positive_caption", "caption", "pos_caption", "image_caption", "caption_positive", "positive_text"),
        *("description", "text"),
    ),
    "negative images": ("negative_images", "negative_image", "negative_image_path", "negative_image_paths"),
    "negative captions": ("negative_captions", "negative_caption", "negative_texts", "negative_text"),
}
_SHORT = {"neg": "negative", "negs": "negative", "imgs": "images", "img": "image"}


def parse(opened: OpenedRow, split: str) -> dict:
    """The fields of a record: `image` is the redrawn figure, `original_image` the scan where there is one.

    Raises:
        BadRow: for what is wrong with this row; one of JSON may lack a column that the others have.
    """
    row = opened.row
    roles = find_roles(tuple(row))
    caption = text_of(row, *roles["caption"])
    if not caption and row.get("conversations") is not None:
        caption = first_exchange(row["conversations"])[1]
    if not caption:
        raise BadRow("row: no caption")
    images, captions = _several(row, roles["negative images"]), _several(row, roles["negative captions"])
    if images and captions and len(images) != len(captions):
        raise BadRow("row: not one negative caption per negative image")
    pairs = list(zip(images or [None] * len(captions), captions or [None] * len(images), strict=True))
    pairs = [(image, text) for image, text in pairs if (image or not images) and (text or not captions)]
    if not pairs:
        raise BadRow("row: no negatives")
    original = opened.image(row[roles["original"][0]]) if roles["original"] and row[roles["original"][0]] else None
    return {
        "image": opened.image(row[roles["redrawn"][0]]),
        "original_image": original,
        "caption": without_image(caption),
        "negative_images": tuple(opened.image(image) for image, _ in pairs) if images else (),
        "negative_captions": tuple(str(text).strip() for _, text in pairs) if captions else (),
    }


@lru_cache(maxsize=16)
def find_roles(columns: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """The columns of each role: one, none, or several where they are numbered.

    Raises:
        BadRow: listing the columns seen, if image, caption or negatives are among none of them.
    """
    plain = {column: _plain(column) for column in columns}
    roles = {role: _first(plain, names) for role, names in ROLES.items()}
    if not roles["redrawn"]:
        roles["redrawn"] = roles["image"]
    elif not roles["original"]:
        roles["original"] = roles["image"]
    missing = [role for role in ("redrawn",) if not roles[role]]
    missing += [] if roles["caption"] or "conversations" in columns else ["caption"]
    missing += [] if roles["negative images"] or roles["negative captions"] else ["negative images or captions"]
    if missing:
        wanted = ", ".join(role.replace("redrawn", "image") for role in missing)
        raise BadRow(f"row: no column for {wanted}; columns: {', '.join(columns)}")
    return roles


def _plain(column: str) -> str:
    words = re.findall(r"[a-z]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column).lower())
    return "_".join(_SHORT.get(word, word) for word in words)


def _first(plain: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if found := tuple(column for column, p in plain.items() if p == name):
            return found[:1]
        numbered = {}
        for column, p in plain.items():  # negative_image_1 and negative_1_image alike
            if (number := re.search(r"(?:\A|_)(\d+)(?=_|\Z)", p)) and p.replace(number[0], "", 1).strip("_") == name:
                numbered[column] = int(number[1])
        if len(numbered) > 1 and name.startswith("negative"):
            return tuple(sorted(numbered, key=numbered.__getitem__))
    return ()


def _several(row: Mapping, columns: tuple[str, ...]) -> list:
    if len(columns) > 1:
        return [row[column] for column in columns]
    value = row.get(columns[0]) if columns else None
    if isinstance(value, str):  # a list written as JSON
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = [value] if value.strip() else []
    if isinstance(value, Mapping) and "bytes" not in value:  # negatives by number
        value = list(value.values())
    return list(value) if isinstance(value, (list, tuple)) else []


SOURCE = Source(
    name="mm_math_align",
    hub_id="THU-KEG/MM-Math-Align",
    license="unknown",
    splits={"train": ("train",)},
    parse=parse,
    captions="train",
)
