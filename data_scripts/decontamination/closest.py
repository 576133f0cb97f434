"""Which training row is each test item closest to: by its text, by its figure, and by the rule of decontamination?

The other way round as `overlap`, which asks for every row whether it repeats a test item: here every test item gets an
answer, whether or not anything agrees, so that a reader sees how far from the thresholds a test set is.

Memory is bounded: a block of rows against a part of the test items at a time; between blocks only what is closest so
far is kept. A block depends on nothing but its rows, so blocks may be computed once and merged later, in their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .image_hash import distances
from .items import Item
from .overlap import Encode, Rule, nearness, stack_hashes

PART = 1024  # test items that a block of rows is compared with at a time
NONE = -1  # the number of no row


@dataclass(frozen=True)
class Closest:
    """For each test item its closest rows among those seen, all `[tests]`: row numbers (NONE where there is none)."""

    text_row: np.ndarray  # int64, by text
    similarity: np.ndarray  # float32, of the texts; nan where there is none
    image_row: np.ndarray  # int64, by figure
    distance: np.ndarray  # float32, of the figures, in bits; nan where there is none
    same_row: np.ndarray  # int64, of the rows that agree under the rule the nearest
    same_similarity: np.ndarray  # float32, of that row; nan where a text is missing
    same_distance: np.ndarray  # float32, of that row; nan where a figure is missing

    def arrays(self) -> tuple[np.ndarray, ...]:
        """All arrays, in the order of the fields."""
        return tuple(vars(self).values())

    def merged(self, later: "Closest") -> "Closest":
        """The closest of both. Of rows that are equally close the earlier counts."""
        text = _better(later.similarity, self.similarity)
        image = _better(-later.distance, -self.distance)
        mine = np.where(self.same_row == NONE, np.nan, nearness(self.same_similarity, self.same_distance))
        theirs = np.where(later.same_row == NONE, np.nan, nearness(later.same_similarity, later.same_distance))
        same = _better(theirs, mine)
        return Closest(
            np.where(text, later.text_row, self.text_row),
            np.where(text, later.similarity, self.similarity),
            np.where(image, later.image_row, self.image_row),
            np.where(image, later.distance, self.distance),
            np.where(same, later.same_row, self.same_row),
            np.where(same, later.same_similarity, self.same_similarity),
            np.where(same, later.same_distance, self.same_distance),
        )


def _better(new: np.ndarray, old: np.ndarray) -> np.ndarray:
    """Where `new` is larger, or there is no old one; nan is none."""
    return (new > old) | (np.isnan(old) & ~np.isnan(new))


class ClosestRows:
    """Test items, ready to be compared with blocks of rows.

    Args:
        items: the test items.
        rule: when a row and an item count as the same.
        encode: sentence encoder; only called where both sides have texts.
    """

    def __init__(self, items: Sequence[Item], rule: Rule, encode: Encode) -> None:
        self.items, self.rule, self._encode = list(items), rule, encode
        self._hashes, self._has_hash = stack_hashes(self.items)
        self._has_text = np.array([bool(item.text) for item in self.items], dtype=bool)
        self._vectors: np.ndarray | None = None

    def block(self, rows: Sequence[Item], start: int) -> Closest:
        """What is closest among these rows, whose numbers begin at `start`; at least one row."""
        hashes, has_hash = stack_hashes(rows)
        has_text = np.array([bool(row.text) for row in rows], dtype=bool)
        vectors = self._encoded([row.text for row in rows if row.text]) if has_text.any() else None
        parts = []
        for at in range(0, len(self.items), PART):
            part = slice(at, at + PART)
            distance = distances(self._hashes[part], hashes).astype(np.float32)
            distance[~(self._has_hash[part, None] & has_hash[None])] = np.nan
            similarity = np.full(distance.shape, np.nan, np.float32)
            asked = np.flatnonzero(self._has_text[part])
            if vectors is not None and len(asked):
                # float64 and rounded: the order of summation, which differs between machines, decides no tie
                scores = self._test_vectors()[part][asked].astype(np.float64) @ vectors.T
                similarity[np.ix_(asked, np.flatnonzero(has_text))] = scores.round(6)
            parts.append(self._closest(similarity, distance, start))
        return Closest(*(np.concatenate(arrays) for arrays in zip(*(one.arrays() for one in parts), strict=True)))

    def _closest(self, similarity: np.ndarray, distance: np.ndarray, start: int) -> Closest:
        near = np.where(self.rule.agree(similarity, distance), nearness(similarity, distance), np.nan)
        (text, text_row), (image, image_row), (same, same_row) = map(_largest, (similarity, -distance, near))
        index = np.arange(len(similarity))
        none = np.isnan(same)
        return Closest(
            np.where(np.isnan(text), NONE, start + text_row),
            text,
            np.where(np.isnan(image), NONE, start + image_row),
            -image,
            np.where(none, NONE, start + same_row),
            np.where(none, np.float32(np.nan), similarity[index, same_row]),
            np.where(none, np.float32(np.nan), distance[index, same_row]),
        )

    def _encoded(self, texts: list[str]) -> np.ndarray:
        """Embeddings `[texts, dim]` float64; each distinct text is encoded once."""
        number: dict[str, int] = {}
        which = [number.setdefault(text, len(number)) for text in texts]
        return self._encode(list(number))[which].astype(np.float64)

    def _test_vectors(self) -> np.ndarray:
        """Embeddings of the test items, `[tests, dim]` float32, zero where there is no text."""
        if self._vectors is None:
            vectors = self._encoded([item.text for item in self.items if item.text])
            self._vectors = np.zeros((len(self.items), vectors.shape[1]), np.float32)
            self._vectors[self._has_text] = vectors
        return self._vectors


def _largest(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest of each line and its first place; nan and 0 where a line is all nan."""
    place = np.where(np.isnan(scores), -np.inf, scores).argmax(1)
    return scores[np.arange(len(scores)), place], place
