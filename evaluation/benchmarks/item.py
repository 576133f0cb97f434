"""What the rows of every public benchmark become: items, and what a benchmark is.

Promise: an item is a pure function of its row, its id is unique in its benchmark and the same from every place the
benchmark is read from, so predictions made from a folder can be graded against the Hub. Nothing is read before the
first item is asked for.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from data_scripts.sources.answers import LETTERS

# How an answer is to be judged.
CHOICE = "choice"  # `answer` is the letter of one of the `choices`
NUMBER = "number"  # one number, perhaps with a unit
EXPRESSION = "expression"  # whatever school mathematics writes: a formula, several values, an interval
TEXT = "text"  # a word, a name, a list
KINDS = (CHOICE, NUMBER, EXPRESSION, TEXT)


class EncodedImage(TypedDict):
    """An image as `datasets.Image(decode=False)` gives it. Without bytes, `path` only says what could not be read."""

    bytes: bytes | None
    path: str | None


@dataclass(frozen=True)
class Item:
    """One question of a benchmark with its gold answer."""

    id: str  # as predictions name it; for We-Math `ID/key`
    question: str  # without choices, image tokens and instructions
    images: tuple[EncodedImage, ...]  # empty where the question stands alone
    choices: tuple[str, ...] | None  # values in the order of their letters; None for an open question
    answer: str  # gold: the letter where kind is "choice", else the value as the benchmark writes it
    kind: str  # one of KINDS
    groups: Mapping[str, str] = field(default_factory=dict)  # what results are told apart by, `{"difficulty": "easy"}`

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"item {self.id}: unknown kind {self.kind!r}: expected one of {', '.join(KINDS)}")
        if self.kind == CHOICE and self.answer not in LETTERS[: len(self.choices or ())]:
            raise ValueError(f"item {self.id}: {self.answer!r} is the letter of none of its choices")


@dataclass(frozen=True)
class Benchmark:
    """A public benchmark: where it lies, how its rows become items, how a question is put."""

    name: str
    splits: tuple[str, ...]  # the first is the default
    items: Callable[[str | None, str, Counter[str]], Iterator[Item]]  # (location, split, skipped) -> items
    prompt: Callable[[Item], str]  # the text of the user's turn, without images
    hub_id: str | None = None  # where it lies if no place is given
    other_homes: Mapping[str, str] = field(default_factory=dict)  # Hub ids of splits that lie elsewhere

    def home(self, split: str | None = None) -> str | None:
        """The Hub id of a split (None for the first); None if it has none."""
        return self.other_homes.get(split or self.splits[0], self.hub_id)

    def read(
        self, location: str | None = None, split: str | None = None, skipped: Counter[str] | None = None
    ) -> Iterator[Item]:
        """The items of a split, in the order of its rows.

        Args:
            location: folder, file (json, jsonl, parquet, zip) or Hub id; None for the benchmark's own Hub id.
            split: one of `splits`; None for the first.
            skipped: counts rows that give no item, by reason. An unreadable image is no such reason: the item then
                has an image without bytes, and whoever asks the model decides.

        Raises:
            ValueError: if the split is unknown, the place is missing or unreadable, or two rows have one id.
        """
        split = split or self.splits[0]
        if split not in self.splits:
            raise ValueError(f"{self.name} has no split {split!r}: expected one of {', '.join(self.splits)}")
        if (location := location or self.home(split)) is None:
            raise ValueError(f"{self.name} has no home on the Hub: name a folder or file")
        return self._unique(location, split, Counter() if skipped is None else skipped)

    def _unique(self, location: str, split: str, skipped: Counter[str]) -> Iterator[Item]:
        seen: set[str] = set()
        for item in self.items(location, split, skipped):
            if item.id in seen:
                raise ValueError(f"{location} holds two rows with the id {item.id}: is something in it twice?")
            seen.add(item.id)
            yield item
