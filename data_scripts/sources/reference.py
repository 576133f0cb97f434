"""The JSON layouts of the reference implementation (THU-KEG/MMGeoLM), read and written.

Hard negatives: a list of `{"positive_image_path", "negative_image_path": [..] or "negative_captions": [..],
"conversations": [{"from", "value"}, ..]}`, the positive caption being what `gpt` says. SFT: LLaVA's `{"id", "image",
"conversations"}`. Paths are relative to the JSON file; absolute ones are followed only if they lead below its folder.
Written rows carry `id` beside the keys that the reference reads.

The reference takes negative images or negative captions, so a row with both becomes two rows, in two files:
image_negatives.json and text_negatives.json, which are also the names of the splits; questions are in sft.json.
"""

from collections.abc import Mapping

from ..instructions import DESCRIBE, INSTRUCTION
from .conversations import first_exchange
from .geo170k import asked_and_answered
from .records import BadRow, OpenedRow, text_of, texts_of
from .source import Source


def parse(opened: OpenedRow, split: str) -> dict:
    """The fields of a record, from either layout."""
    row = opened.row
    metadata = {"id": given} if (given := text_of(row, "id")) else {}
    if "positive_image_path" not in row:
        picture = row.get("image")
        image = opened.image(picture) if picture else None
        fields = asked_and_answered(row.get("conversations"))
        fields["question"] = fields["question"].removesuffix(INSTRUCTION).rstrip()
        return {"image": image, **fields, "metadata": metadata}
    paths = row.get("negative_image_path") or ()
    paths = (paths,) if isinstance(paths, str) else paths
    captions = texts_of(row.get("negative_captions"))
    if not paths and not captions:
        raise BadRow("row: no negatives")
    return {
        "image": opened.image(row["positive_image_path"]),
        "caption": first_exchange(row.get("conversations"))[1],
        "negative_images": tuple(opened.image(path) for path in paths),
        "negative_captions": tuple(text for text in captions if text),
        "metadata": metadata,
    }


def conversation(asked: str, answered: str) -> list[dict]:
    """The two turns, the image before the question."""
    return [{"from": "human", "value": f"<image>\n{asked}"}, {"from": "gpt", "value": answered}]


def image_negatives_row(row: Mapping, positive: str, negatives: list[str]) -> dict:
    """A row of hard negatives with its negative images, by the paths under which they were written.

    `negative_captions` says what each negative image shows; the reference does not look at it here.
    """
    return {
        "id": row["id"],
        "positive_image_path": positive,
        "negative_image_path": negatives,
        "negative_captions": list(row["negative_captions"]),
        "conversations": conversation(DESCRIBE, row["caption"]),
    }


def text_negatives_row(row: Mapping, positive: str, captions: list[str]) -> dict:
    """A row of hard negatives with negative captions."""
    return {
        "id": row["id"],
        "positive_image_path": positive,
        "negative_captions": captions,
        "conversations": conversation(DESCRIBE, row["caption"]),
    }


def sft_row(row: Mapping, image: str | None) -> dict:
    """A prompt/completion row as a conversation.

    Raises:
        BadRow: if it is more than one question and one answer.
    """
    if len(row["prompt"]) != 1 or len(row["completion"]) != 1:
        raise BadRow("row: several turns, which the layout cannot say")
    turns = conversation(row["prompt"][0]["content"], row["completion"][0]["content"])
    if image is None:
        turns[0]["value"] = row["prompt"][0]["content"]
        return {"id": row["id"], "conversations": turns}
    return {"id": row["id"], "image": image, "conversations": turns}


SOURCE = Source(
    name="reference",
    hub_id=None,
    license="unknown",
    splits={name: (name,) for name in ("image_negatives", "text_negatives", "sft")},
    parse=parse,
    captions="image_negatives",
    questions="sft",
)
