"""The four candidate sets of Hit@1, built from rows without a model: random, retrieval, rule, image.

| set       | anchor  | positive     | negatives                                        |
|-----------|---------|--------------|--------------------------------------------------|
| random    | image   | its caption  | captions of other images, drawn by the generator |
| retrieval | image   | its caption  | the row's `retrieved_captions`                   |
| rule      | image   | its caption  | the row's `rule_captions`                        |
| image     | caption | its image    | the row's `negative_images`                      |

Images and captions are numbered by content (images by their bytes), so whoever encodes them does so once each, in
however many sets they occur. A candidate that is given twice in one row, equals the positive or is the caption of
another row with the same image is no test of a model: it is left out and counted, and never drawn.

Source: MMGeoLM, section 4 and appendix C (arXiv 2505.20152).
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .rows import image_bytes

SET_NAMES = ("random", "retrieval", "rule", "image")
NUM_RANDOM = 10  # captions of other images in the random set, as many as the other sets have negatives
COLUMNS = ("image", "caption", "negative_images", "rule_captions", "rule_edits", "retrieved_captions")


@dataclass(frozen=True)
class Anchor:
    """One question: the numbers of the anchor, its positive and its negatives among the images or the captions."""

    anchor: int
    positive: int
    negatives: tuple[int, ...]
    edits: tuple[tuple[str, ...], ...] = ()  # rule set: the kinds of edit of each negative


@dataclass(frozen=True)
class ImageSource:
    """Where the bytes of an image stand: row, column, and position in the column's list (0 if it holds one image)."""

    row: int
    column: str
    position: int


@dataclass(frozen=True)
class NumberedRow:
    """What a usable row holds, by number."""

    row: int  # its position among all rows
    image: int
    caption: int
    negative_images: tuple[int | None, ...]  # in their order; None where there is no image


@dataclass
class CandidateSets:
    """All questions of a split, and the content they number.

    `sets` holds an entry for each of `SET_NAMES`, empty where no row has such negatives.
    """

    captions: list[str] = field(default_factory=list)
    images: list[ImageSource] = field(default_factory=list)  # in the order of the rows
    sets: dict[str, list[Anchor]] = field(default_factory=lambda: {name: [] for name in SET_NAMES})
    rows: list[NumberedRow] = field(default_factory=list)  # those that are usable
    num_rows: int = 0
    num_unusable_rows: int = 0  # without a caption or an image
    num_dropped_negatives: int = 0  # equal to the positive, as true, repeated, or empty


class _Numbering:
    """Gives equal content equal numbers, in order of first appearance."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def __call__(self, key: Any) -> tuple[int, bool]:
        """Number of `key`, and whether it is new."""
        new = key not in self.numbers
        return self.numbers.setdefault(key, len(self.numbers)), new


def build_candidate_sets(
    rows: Iterable[Mapping[str, Any]], num_random: int = NUM_RANDOM, rng: np.random.Generator | None = None
) -> CandidateSets:
    """Read the rows once and number what they hold.

    Args:
        rows: rows of hard negatives whose images are still encoded (`{"bytes", "path"}`). Columns of negatives may be
            missing.
        num_random: captions of other images per image in the random set; fewer if the split has fewer different ones.
        rng: draws them; from seed 0 if not given.

    Raises:
        ValueError: if `num_random` is negative.
    """
    if num_random < 0:
        raise ValueError(f"the number of random captions cannot be negative, got {num_random}")
    rng = np.random.default_rng(0) if rng is None else rng
    result, number_caption, number_image = CandidateSets(), _Numbering(), _Numbering()
    texts: list[Mapping[str, list]] = []  # other captions of the usable rows
    captions_of: dict[int, set[int]] = defaultdict(set)  # by image

    def number_of_image(encoded: Any, source: ImageSource) -> int | None:
        content = image_bytes(encoded)
        if content is None:
            return None
        number, new = number_image(hashlib.sha256(content).digest())
        if new:
            result.images.append(source)
        return number

    for index, row in enumerate(rows):
        result.num_rows += 1
        image = number_of_image(row["image"], ImageSource(index, "image", 0))
        if image is None or not (row["caption"] or "").strip():
            result.num_unusable_rows += 1
            continue
        caption, _ = number_caption(row["caption"])
        captions_of[image].add(caption)
        texts.append({name: row.get(name) or [] for name in ("rule_captions", "rule_edits", "retrieved_captions")})
        negatives = [
            number_of_image(encoded, ImageSource(index, "negative_images", position))
            for position, encoded in enumerate(row.get("negative_images") or [])
        ]
        result.rows.append(NumberedRow(index, image, caption, tuple(negatives)))
        _add(result, "image", caption, image, negatives, {image})

    num_positive_captions = len(number_caption.numbers)  # random candidates are true captions of some figure
    for numbered, row in zip(result.rows, texts, strict=True):
        image, caption, true = numbered.image, numbered.caption, captions_of[numbered.image]
        _add(result, "random", image, caption, _others(true, num_positive_captions, num_random, rng), true)
        for name, column in (("retrieval", "retrieved_captions"), ("rule", "rule_captions")):
            numbers = [number_caption(text)[0] if text else None for text in row[column]]
            _add(result, name, image, caption, numbers, true, _edits(row) if name == "rule" else None)
    result.captions = list(number_caption.numbers)
    return result


def _others(own: set[int], count: int, wanted: int, rng: np.random.Generator) -> list[int]:
    """Different numbers in [0, count) without those of `own`."""
    left = count - len(own)
    drawn = rng.choice(left, size=min(wanted, left), replace=False) if left else np.empty(0, dtype=int)
    for number in sorted(own):
        drawn = drawn + (drawn >= number)
    return drawn.tolist()


def _edits(row: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Kinds of edit of each rule caption; a caption edited in two ways names both (`order+value`), in any notation.

    A row whose lists differ in length does not say which is which: its captions count, their kinds are left unnamed.
    """
    if len(row["rule_edits"]) != len(row["rule_captions"]):
        return [()] * len(row["rule_captions"])
    return [tuple(sorted(set(re.findall(r"[a-z_]+", (kinds or "").lower())))) for kinds in row["rule_edits"]]


def _add(
    result: CandidateSets,
    name: str,
    anchor: int,
    positive: int,
    negatives: list[int | None],
    true: set[int],
    edits: list[tuple[str, ...]] | None = None,
) -> None:
    """Add a question to a set, without the negatives that are none or `true`. A row left without any is none."""
    kept: dict[int, int] = {}  # number of a negative -> its position in the row
    for position, number in enumerate(negatives):
        if number is None or number in true or number in kept:
            result.num_dropped_negatives += 1
        else:
            kept[number] = position
    if kept:
        kinds = tuple(edits[position] for position in kept.values()) if edits else ()
        result.sets[name].append(Anchor(anchor, positive, tuple(kept), kinds))


def without_images(sets: CandidateSets, unreadable: set[int]) -> dict[str, list[Anchor]]:
    """The questions that are left when some images cannot be read: without those anchors, positives and negatives."""
    left = {name: [a for a in anchors if a.anchor not in unreadable] for name, anchors in sets.sets.items()}
    image_set = []
    for anchor in sets.sets["image"]:
        negatives = tuple(number for number in anchor.negatives if number not in unreadable)
        if anchor.positive not in unreadable and negatives:
            image_set.append(Anchor(anchor.anchor, anchor.positive, negatives))
    return left | {"image": image_set}
