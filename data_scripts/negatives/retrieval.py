"""Retrieval negatives: the most similar captions of other figures that are proven false of this one.

A sentence encoder ranks the captions by cosine similarity (MMGeoLM section 3.2 uses dense retrieval; any
sentence-transformers model serves). A similar caption may well be true of the figure, so its statements are checked on
the figure's coordinates and it is kept only if one of them is visibly false. Similarities are computed in blocks:
memory grows with rows, not with their square.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..diagram import Diagram
from .image import first_false

BLOCK = 1024  # captions ranked at a time


def encode(captions: Sequence[str], retriever: str) -> np.ndarray:
    """L2-normalised sentence embeddings, `[captions, dim]` float32, by a sentence-transformers model (Hub id or
    folder).

    Raises:
        ValueError: if the model cannot be loaded.
    """
    from sentence_transformers import SentenceTransformer  # seconds to import, and builds may go without retrieval

    try:
        model = SentenceTransformer(retriever)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"no sentence encoder at '{retriever}' ({error}): give --retriever a Hub id or a folder"
        ) from None
    return model.encode(list(captions), normalize_embeddings=True, show_progress_bar=True, convert_to_numpy=True)


def retrieve(
    embeddings: np.ndarray, diagrams: Sequence[Diagram], count: int, top_k: int, dropped: Counter[str]
) -> list[list[int]]:
    """For each row the numbers of up to `count` other rows, most similar first, whose captions are proven false of it.

    Args:
        embeddings: L2-normalised caption embeddings, `[rows, dim]`.
        diagrams: the figures of the same rows; their facts are what the captions state.
        count: negatives wanted per row.
        top_k: how many of the most similar captions are looked at.
        dropped: counts candidates that may be true of the figure.

    Raises:
        ValueError: if embeddings and diagrams differ in number.
    """
    if len(embeddings) != len(diagrams):
        raise ValueError(f"{len(embeddings)} embeddings for {len(diagrams)} figures: one of each per row is needed")
    found: list[list[int]] = []
    top_k = min(top_k, len(diagrams) - 1)
    for start in range(0, len(diagrams), BLOCK):
        similarity = embeddings[start : start + BLOCK] @ embeddings.T
        similarity[np.arange(len(similarity)), start + np.arange(len(similarity))] = -np.inf
        for row, scores in enumerate(similarity, start):
            nearest = np.argsort(-scores, kind="stable")[:top_k]
            found.append(_proven(row, nearest, diagrams, count, dropped))
    return found


def _proven(
    row: int, nearest: np.ndarray, diagrams: Sequence[Diagram], count: int, dropped: Counter[str]
) -> list[int]:
    kept: list[int] = []
    for other in nearest.tolist():
        if len(kept) == count:
            break
        if first_false(diagrams[other].facts, diagrams[row]) is None:
            dropped["retrieval: may be true of the figure"] += 1
        else:
            kept.append(other)
    return kept
