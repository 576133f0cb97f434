"""What a training step measures besides its loss: sums kept on the device until a log asks for their means.

Reading adds up over all processes, so every number is one of the whole run, and nothing waits for the device in
between.
"""

import time
from typing import Any

import torch

from .collators import TEXT_FAMILIES
from .embedded_batch import EmbeddedBatch
from .losses import HardNegativeLoss, alike_rows
from .ranking import count_hits, similarities

LOSSES = ("image_loss", "text_loss")
HITS = tuple(f"{family}_hit_at_1" for family in ("image", "text", *TEXT_FAMILIES, "in_batch"))
SOLVED = ("image_solved", "text_solved")
MEANS = (*LOSSES, *HITS, *SOLVED)


class Meter:
    """Means since its start, of what occurred.

    - `image_loss`, `text_loss`: the loss per term, over rows.
    - `image_hit_at_1`, `text_hit_at_1`: share of rows whose positive beats all their negative images, or captions;
      `rule_hit_at_1`, `retrieval_hit_at_1`: the latter per family of text negatives.
    - `in_batch_hit_at_1`: share of images whose caption beats those of all rows of this process's batch that
      say and show something else.
    - `image_solved`, `text_solved`: share of hard negatives that their row's positive beats, so what is not left to
      learn.
    """

    def __init__(self, device: torch.device) -> None:
        dtype = torch.float32 if device.type == "mps" else torch.float64  # MPS knows no float64
        self.sums = torch.zeros(2, len(MEANS), device=device, dtype=dtype)
        self.positives = 0
        self.started = time.perf_counter()

    @torch.no_grad()
    def add(self, name: str, total: torch.Tensor, count: torch.Tensor) -> None:
        self.sums[:, MEANS.index(name)] += torch.stack([total.to(self.sums.dtype), count.to(self.sums.dtype)])

    @torch.no_grad()
    def add_step(self, batch: EmbeddedBatch, loss: HardNegativeLoss, text_family: torch.Tensor) -> None:
        """Take in one step of this process.

        Args:
            batch: its own rows.
            loss: of the step.
            text_family: position in `TEXT_FAMILIES` of each negative caption of the batch.
        """
        self.positives += len(batch.image_embeds)
        for name, mean, rows in (
            ("image_loss", loss.image_loss, loss.image_rows),
            ("text_loss", loss.text_loss, loss.text_rows),
        ):
            if mean is not None:
                self.add(name, mean * rows, rows)
        image, text = batch.image_embeds.float(), batch.text_embeds.float()
        if len(owner := batch.negative_image_owner):
            self._add_ranks({"image": True}, text, image, batch.negative_image_embeds, owner)
        if len(owner := batch.negative_text_owner):
            families = {name: text_family == number for number, name in enumerate(TEXT_FAMILIES)}
            self._add_ranks({"text": True, **families}, image, text, batch.negative_text_embeds, owner)
        self._add_in_batch(image, text, ~alike_rows(batch.row_ids, batch.figure_ids))

    def _add_ranks(
        self,
        families: dict[str, torch.Tensor | bool],
        anchor: torch.Tensor,
        positive: torch.Tensor,
        negative: torch.Tensor,
        owner: torch.Tensor,
    ) -> None:
        """Hits against the negatives of each family, and how many of those of the first, which are all, are solved."""
        positive_score, negative_score = similarities(anchor, positive, negative.float(), owner)
        for name, counted in families.items():
            counted = torch.ones_like(owner, dtype=torch.bool) if counted is True else counted
            self.add(f"{name}_hit_at_1", *count_hits(positive_score, negative_score, owner, counted))
        solved = (negative_score < positive_score[owner]).sum()
        self.add(f"{next(iter(families))}_solved", solved, torch.full_like(solved, len(owner)))

    def _add_in_batch(self, image: torch.Tensor, text: torch.Tensor, others: torch.Tensor) -> None:
        scores = image @ text.t()
        judged = others.any(1)
        hardest = scores.masked_fill(~others, -torch.inf).amax(1) if len(scores) else scores.new_empty(0)
        self.add("in_batch_hit_at_1", ((scores.diagonal() > hardest) & judged).sum(), judged.sum())

    def read(self, gather: Any) -> dict[str, float]:
        """Means over everything since the start, of what occurred."""
        totals, counts = gather(self.sums[None]).sum(0).tolist()
        return {name: total / count for name, total, count in zip(MEANS, totals, counts, strict=True) if count}

    def speed(self, num_processes: int) -> float:
        """Positives per second since the start, as this process saw them, times the number of processes."""
        return num_processes * self.positives / max(time.perf_counter() - self.started, 1e-9)
