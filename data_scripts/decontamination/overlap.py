"""Which rows does a test set also hold?

Text is compared by the cosine similarity of sentence embeddings, figures by the distance of their hashes. The rule
says what they must agree on:

- `text`: the questions alone, as the paper does with SimCSE at 0.995 (MMGeoLM, arXiv 2505.20152).
- `image`: the figures alone.
- `either`: one of the two is enough.
- `both`, the default: the question *and* the figure where both rows have both; what one of them lacks is not asked.

Why `both`: questions on figures are short and the same for thousands of figures ("Find ∠ABC in degrees."), and
figures of one shape have nearly one hash whatever is printed on them. Measured on 1,500 of our own questions against
400 others that share no figure with them (MiniLM): text alone drops 279 of them, the image alone 349, either 479 (at
30 bits), both 12, and what these still share is the question, the letters and the shape of the figure. A leak repeats
the question and the figure. Where the test set has no images, or the row has none, the text decides alone, which is
the paper's rule. Against a test set whose questions were re-worded, `either` is the cautious choice and costs more
rows.

Memory is bounded: a block of rows against a block of test items at a time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..negatives.encoding import SentenceEncoder, load_encoder, normalised
from ..shards import fingerprint
from .image_hash import WORDS, distances
from .items import Item

MATCHES = ("both", "text", "image", "either")
BLOCK = 512  # rows, and eight times as many test items, compared at a time
Encode = Callable[[list[str]], np.ndarray]  # texts to L2-normalised vectors, [texts, dim] float32


@lru_cache(maxsize=1)
def _load(encoder: str) -> SentenceEncoder:
    return load_encoder(encoder)


def encode(encoder: str, texts: list[str]) -> np.ndarray:
    """L2-normalised embeddings, `[texts, dim]` float32, by a sentence-transformers model that is loaded once.

    Args:
        encoder: a Hub id, a folder, or `embedded` for the MiniLM that comes in a wheel.

    Raises:
        ValueError: if the model cannot be loaded.
    """
    return normalised(_load(encoder).encode(texts), texts)


@dataclass(frozen=True)
class Rule:
    """When two rows count as the same."""

    match: str = "both"
    text_threshold: float = 0.995  # cosine similarity above which texts agree
    image_threshold: int = 40  # bits of 512 up to which figures agree

    def __post_init__(self) -> None:
        if self.match not in MATCHES:
            raise ValueError(f"unknown --match '{self.match}': expected one of {', '.join(MATCHES)}")

    def agree(self, similarity: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Where the rule holds, bool in the shape of both. What is missing (nan) agrees with nothing."""
        text, image = similarity > self.text_threshold, distance <= self.image_threshold
        if self.match == "both":
            no_text, no_image = np.isnan(similarity), np.isnan(distance)
            return (text | no_text) & (image | no_image) & ~(no_text & no_image)
        return {"text": text, "image": image, "either": text | image}[self.match]

    def why(self, similarity: float, distance: float) -> str:
        """What of a pair agrees: text, image, text and image, or nothing ("")."""
        found = {"text": similarity > self.text_threshold, "image": distance <= self.image_threshold}
        return " and ".join(name for name, holds in found.items() if holds)


def nearness(similarity: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """One number by which pairs are ranked, in the shape of both: what is missing (nan) neither helps nor harms."""
    return np.nan_to_num(similarity, nan=0.0) - np.nan_to_num(distance, nan=0.0) / (64 * WORDS)


@dataclass(frozen=True)
class Overlap:
    """A row and the test item that it repeats."""

    row: int
    test: int
    similarity: float | None  # of the texts; None where one of them has none
    distance: int | None  # of the figures, in bits; None where one of them has none
    why: str  # text, image, or text and image


class TestSet:
    """Test items, ready to be compared with.

    Args:
        items: what must not be trained on.
        rule: when rows count as the same.
        encode: sentence encoder; only called if texts are compared.
    """

    __test__ = False  # no test of pytest's

    def __init__(self, items: Sequence[Item], rule: Rule, encode: Encode) -> None:
        self.items, self.rule, self._encode = list(items), rule, encode
        self._hashes, self._has_hash = stack_hashes(self.items)
        self._texts: np.ndarray | None = None
        self._has_text = np.array([bool(item.text) for item in self.items], dtype=bool)

    def digest(self) -> str:
        """The same for the same items under the same rule: part of the name of what is decided with them."""
        told = [
            repr(self.rule),
            *(f"{i.text}\0{'' if i.hash is None else i.hash.tobytes().hex()}" for i in self.items),
        ]
        return fingerprint({"decided by": told})

    def overlaps(self, rows: Sequence[Item]) -> list[Overlap]:
        """The rows that repeat a test item, in order, each with the item it is nearest to."""
        found: list[Overlap] = []
        for start in range(0, len(rows), BLOCK):
            found += self._block(rows[start : start + BLOCK], start)
        return found

    def _block(self, rows: Sequence[Item], start: int) -> list[Overlap]:
        hashes, has_hash = stack_hashes(rows)
        vectors: dict[str, np.ndarray] = {}
        best: dict[int, tuple[float, Overlap]] = {}
        for at in range(0, len(self.items), 8 * BLOCK):
            part = slice(at, at + 8 * BLOCK)
            distance = distances(hashes, self._hashes[part]).astype(np.float32)
            distance[~(has_hash[:, None] & self._has_hash[None, part])] = np.nan
            similarity = self._similarity(rows, distance, part, vectors)
            for row, test in np.argwhere(self.rule.agree(similarity, distance)).tolist():
                s, d = similarity[row, test], distance[row, test]
                near = float(nearness(s, d))
                if row not in best or near > best[row][0]:
                    best[row] = near, self._overlap(start + row, at + test, s, d)
        return [best[row][1] for row in sorted(best)]

    def _overlap(self, row: int, test: int, similarity: float, distance: float) -> Overlap:
        measured = None if np.isnan(similarity) else round(float(similarity), 4)
        bits = None if np.isnan(distance) else int(distance)
        return Overlap(row, test, measured, bits, self.rule.why(similarity, distance))

    def _similarity(
        self, rows: Sequence[Item], distance: np.ndarray, part: slice, vectors: dict[str, np.ndarray]
    ) -> np.ndarray:
        """Cosine similarities `[rows, tests]` where the rule asks for them, nan elsewhere.

        Texts are encoded once, into `vectors`; not at all where the figures of a row have decided already.
        """
        similarity = np.full(distance.shape, np.nan, np.float32)
        if self.rule.match == "image":
            return similarity
        asked = np.array([bool(row.text) for row in rows], dtype=bool)
        if self.rule.match == "both":
            asked &= ~(distance > self.rule.image_threshold).all(1)
        tests = np.flatnonzero(self._has_text[part])
        asking = np.flatnonzero(asked)
        if len(asking) and len(tests):
            new = list(dict.fromkeys(rows[i].text for i in asking if rows[i].text not in vectors))
            vectors.update(zip(new, self._encode(new), strict=True) if new else ())
            mine = np.stack([vectors[rows[i].text] for i in asking])
            similarity[np.ix_(asking, tests)] = mine @ self._test_vectors()[part][tests].T
        return similarity

    def _test_vectors(self) -> np.ndarray:
        if self._texts is None:
            number: dict[str, int] = {}  # each distinct text is encoded once
            which = [number.setdefault(item.text, len(number)) for item in self.items if item.text]
            vectors = self._encode(list(number))
            self._texts = np.zeros((len(self.items), vectors.shape[1]), np.float32)
            self._texts[self._has_text] = vectors[which]
        return self._texts


def stack_hashes(items: Sequence[Item]) -> tuple[np.ndarray, np.ndarray]:
    """Hashes `[items, WORDS]`, zero where there is none, and which items have one, `[items]` bool."""
    has = np.array([item.hash is not None for item in items], dtype=bool)
    hashes = np.zeros((len(items), WORDS), np.uint64)
    for i in np.flatnonzero(has):
        hashes[i] = items[i].hash
    return hashes, has
