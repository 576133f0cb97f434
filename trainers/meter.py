"""What a training step measures besides its loss: sums kept on the device until a log asks for their means.

Reading adds up over all processes, so every number is one of the whole run, and nothing waits for the device in
between.
"""

import time
from typing import Any

import torch

from .embedded_batch import EmbeddedBatch
from .losses import HardNegativeLoss, count_hits, count_solved

MEANS = ("image_loss", "text_loss", "image_hit_at_1", "text_hit_at_1", "image_solved", "text_solved")


class Meter:
    """Means since its start: `{image,text}_loss` and `_hit_at_1` over rows, `_solved` over hard negatives.

    Hit@1 is the share of rows whose positive beats all their hard negatives; solved is the share of hard negatives
    that their row's positive beats, so it says how much there is left to learn.
    """

    def __init__(self, device: torch.device) -> None:
        dtype = torch.float32 if device.type == "mps" else torch.float64  # MPS knows no float64
        self.sums = torch.zeros(2, len(MEANS), device=device, dtype=dtype)
        self.positives = 0
        self.started = time.perf_counter()

    @torch.no_grad()
    def add(self, name: str, total: torch.Tensor, count: torch.Tensor) -> None:
        self.sums[:, MEANS.index(name)] += torch.stack([total.to(self.sums.dtype), count.to(self.sums.dtype)])

    def add_step(self, batch: EmbeddedBatch, loss: HardNegativeLoss) -> None:
        """Take in one step of this process."""
        self.positives += len(batch.image_embeds)
        for name, mean, rows in (
            ("image_loss", loss.image_loss, loss.image_rows),
            ("text_loss", loss.text_loss, loss.text_rows),
        ):
            if mean is not None:
                self.add(name, mean * rows, rows)
        image, text = batch.image_embeds, batch.text_embeds
        for family, anchor, positive, negative, owner in (
            ("image", text, image, batch.negative_image_embeds, batch.negative_image_owner),
            ("text", image, text, batch.negative_text_embeds, batch.negative_text_owner),
        ):
            if len(owner):
                self.add(f"{family}_hit_at_1", *count_hits(anchor, positive, negative, owner))
                self.add(f"{family}_solved", *count_solved(anchor, positive, negative, owner))

    def read(self, gather: Any) -> dict[str, float]:
        """Means over everything since the start, of what occurred."""
        totals, counts = gather(self.sums[None]).sum(0).tolist()
        return {name: total / count for name, total, count in zip(MEANS, totals, counts, strict=True) if count}

    def speed(self, num_processes: int) -> float:
        """Positives per second since the start, as this process saw them, times the number of processes."""
        return num_processes * self.positives / max(time.perf_counter() - self.started, 1e-9)
