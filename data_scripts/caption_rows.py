"""Rows of hard negatives from records: figures of others, of which the picture and the caption are all that is known.

Pictures stay as they are. Text negatives come from what the caption states, image negatives from the source where it
has some, such as MM-Math-Align. In place of a diagram the `facts` column holds the statements that were read in the
caption, and the scene that the picture shows: captions of one scene are no negatives of one another.

Promise: a row is a pure function of the record, the seed and the options.
"""

import json
from collections import Counter

import numpy as np

from .diagram import Fact
from .negatives.rules import caption_negatives
from .phrases import parse_caption
from .phrases.kinds import normal
from .rows import PLAUSIBLE, RowOptions
from .sources.records import Record

GIVEN = "given"  # the kind of edit of a negative that came with its source


def caption_row(record: Record, seed: int, options: RowOptions, dropped: Counter[str]) -> dict | None:
    """The row of a record without its retrieved captions, or None, counted in `dropped`, where picture or caption is
    missing.

    Args:
        record: of a source with captions.
        seed: with the record's position it draws the edits.
        options: counts; the size of pictures stays what it is.
        dropped: counts by reason what was not kept.
    """
    if record.image is None or not record.caption:
        dropped["row: no caption" if record.image else "row: no image"] += 1
        return None
    rng = np.random.default_rng([seed, record.position])
    rules = caption_negatives(record.caption, options.num_rule_negatives, rng, dropped)
    count = options.num_image_negatives
    images = record.negative_images[:count]
    captions = record.negative_captions[: count if record.negative_images else None]
    extra = () if images else captions  # false captions without a picture are text negatives
    return {
        "id": str(record.metadata.get("id") or record.id),
        "source": str(record.metadata.get("source") or record.source),
        "image": {"bytes": record.image, "path": None},
        "caption": record.caption,
        "script": "",
        "negative_images": [{"bytes": image, "path": None} for image in images],
        "negative_captions": list(captions) if images else [],
        "negative_scripts": [""] * len(images),
        "negative_edits": [GIVEN] * len(images),
        "negative_grades": [PLAUSIBLE] * len(images),
        "rule_captions": [*extra, *(r.caption for r in rules)],
        "rule_edits": [*[GIVEN] * len(extra), *(r.edits for r in rules)],
        "retrieved_captions": [],
        "retrieved_ids": [],
        "facts": _stated(record),
    }


def _stated(record: Record) -> str:
    facts = [[fact.kind, list(fact.points), fact.value] for fact in parse_caption(record.caption).facts]
    return json.dumps({"facts": facts, "scene": record.scene}, ensure_ascii=False)


def read_stated(text: str) -> tuple[frozenset[Fact], str]:
    """Statements and scene of a row's `facts` column, as `caption_row` wrote it.

    Raises:
        ValueError: if the text is no such JSON object.
    """
    try:
        row = json.loads(text)
        stated = frozenset(normal(Fact(kind, tuple(points), value)) for kind, points, value in row["facts"])
        return stated, str(row["scene"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the facts column does not hold a caption's statements ({error!r}): {text[:80]}") from None
