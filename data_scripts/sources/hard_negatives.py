"""Our own rows of hard negatives as a source, so that whatever eats records also eats them.

Rows as `build_hard_negatives` writes them. Of a folder with several configurations `with_markings` is read; name one
itself (`rows/letters_only`) to read that.
"""

from .records import BadRow, OpenedRow, text_of, texts_of
from .source import Source

TRAIN_AND_TEST = {"train": ("train",), "test": ("test",)}


def parse(opened: OpenedRow, split: str) -> dict:
    """The fields of a record: the negatives are the edited figures with their captions."""
    row = opened.row
    caption = text_of(row, "caption")
    if not caption:
        raise BadRow("row: no caption")
    return {
        "image": opened.image(row.get("image")),
        "caption": caption,
        "negative_images": tuple(opened.image(image) for image in row.get("negative_images") or ()),
        "negative_captions": texts_of(row.get("negative_captions")),
        "metadata": {"id": text_of(row, "id"), "source": text_of(row, "source")},
    }


SOURCE = Source(
    name="hard_negatives",
    hub_id=None,
    license="unknown",
    splits=TRAIN_AND_TEST,
    parse=parse,
    captions="train",
    hub_rows=("train", "test"),
    folder="with_markings",
)
