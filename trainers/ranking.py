"""Ranking by cosine similarity: who stands first among an anchor's candidates.

A positive stands first where it lies strictly above all its negatives: a tie is a miss, so a constant encoder never
ranks anything first.
"""

from collections.abc import Sequence

import torch

from .candidate_sets import Anchor

BLOCK = 1024  # anchors ranked at once


def similarities(
    anchors: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor, owner: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine of each anchor with its positive, `[batch]`, and of each negative with its anchor, `[num_negatives]`."""
    anchors, positives, negatives = (torch.nn.functional.normalize(x, dim=-1) for x in (anchors, positives, negatives))
    return (anchors * positives).sum(-1), (anchors[owner] * negatives).sum(-1)


def ranked_first(positive_score: torch.Tensor, negative_score: torch.Tensor, owner: torch.Tensor) -> torch.Tensor:
    """Whether each positive lies strictly above all its negatives, `[batch]`."""
    hardest = torch.full_like(positive_score, -torch.inf).scatter_reduce(0, owner, negative_score, "amax")
    return positive_score > hardest


def count_hits(
    positive_score: torch.Tensor, negative_score: torch.Tensor, owner: torch.Tensor, counted: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Anchors whose positive stands first, and anchors judged: those with at least one negative that counts.

    Args:
        positive_score: `[batch]`.
        negative_score: `[num_negatives]`.
        owner: row of the anchor each negative belongs to, `[num_negatives]`.
        counted: whether each negative counts, `[num_negatives]`. Nothing is selected by it, so nothing waits for the
            device.
    """
    judged = torch.zeros_like(positive_score).index_add(0, owner, counted.to(positive_score.dtype)) > 0
    first = ranked_first(positive_score, negative_score.masked_fill(~counted, -torch.inf), owner)
    return (first & judged).sum(), judged.sum()


def rank_set(
    questions: Sequence[Anchor], anchors: torch.Tensor, candidates: torch.Tensor
) -> tuple[list[bool], list[bool]]:
    """Whether each question's positive stands first, and whether it beats each single negative, one after the other.

    Args:
        questions: each with its negatives.
        anchors: embeddings that the anchors' numbers point into, `[number, dim]`, any scale.
        candidates: embeddings that the numbers of positives and negatives point into, `[number, dim]`.
    """
    hits, beaten = [], []
    for start in range(0, len(questions), BLOCK):
        block = questions[start : start + BLOCK]
        owner = torch.tensor([row for row, question in enumerate(block) for _ in question.negatives])
        positive, negative = similarities(
            anchors[[question.anchor for question in block]],
            candidates[[question.positive for question in block]],
            candidates[[number for question in block for number in question.negatives]],
            owner,
        )
        hits += ranked_first(positive, negative, owner).tolist()
        beaten += (positive[owner] > negative).tolist()
    return hits, beaten


def choices(questions: Sequence[Anchor], anchors: torch.Tensor, candidates: torch.Tensor) -> list[int]:
    """Which candidate stands first for each question: 0 its positive, n its n-th negative; arguments as `rank_set`.

    Where the positive ties with negatives, the first of them is chosen, since a tie is a miss.
    """
    chosen = []
    for question in questions:
        owner = torch.zeros(len(question.negatives), dtype=torch.long)
        positive, negative = similarities(
            anchors[[question.anchor]], candidates[[question.positive]], candidates[list(question.negatives)], owner
        )
        best = int(negative.argmax())
        chosen.append(0 if positive[0] > negative[best] else 1 + best)
    return chosen
