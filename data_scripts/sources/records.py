"""What the rows of every public data set become: records."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


class BadRow(Exception):
    """A row that gives no record; the message is the reason under which it is counted."""


@dataclass(frozen=True)
class Record:
    """A figure with what its source says of it; what a source does not give is None or empty."""

    id: str  # stable: source, split and position, for example "geo170k/alignment/17"
    source: str
    split: str
    image: bytes | None = None  # as stored, PNG or JPEG; None where a question stands alone
    caption: str | None = None
    question: str | None = None  # without choices, image tokens and instructions
    choices: tuple[str, ...] = ()  # values, in the order of their letters
    answer: str | None = None  # a value, or "(C) 40" where there are choices
    solution: str | None = None
    negative_images: tuple[bytes, ...] = ()
    negative_captions: tuple[str, ...] = ()  # one per negative image where there are both
    original_image: bytes | None = None  # the scan that `image` redraws
    metadata: Mapping[str, object] = field(default_factory=dict)  # for example difficulty, grade, knowledge

    @property
    def position(self) -> int:
        """Its place in its split, which the id ends with."""
        return int(self.id.rpartition("/")[2])

    @property
    def scene(self) -> str:
        """The same for all records that show the same picture, whatever their source: captions of one scene are no
        negatives of one another. It is a digest of the image, or of the question where there is none."""
        content = self.original_image or self.image or (self.question or self.id).encode()
        return hashlib.sha256(content).hexdigest()[:16]


@dataclass(frozen=True)
class OpenedRow:
    """A row as it stands in its file, its images not read yet."""

    row: Mapping[str, object] | None  # None: no JSON object could be read here
    position: int  # in its split, counting bad rows, so that it is stable
    image: Callable[[object], bytes]  # the bytes of an image that the row holds or names; raises BadRow


def text_of(row: Mapping[str, object], *names: str) -> str:
    """The first of these columns that holds text, stripped; "" if none does. Numbers are taken as text."""
    for name in names:
        value = row.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def texts_of(value: object) -> tuple[str, ...]:
    """A list of texts as a tuple, entries that are no text as ""."""
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(str(v).strip() if isinstance(v, (str, int, float)) else "" for v in value)
