"""Positives and negatives as two blocks of one batch: whose each negative is, one width for both, and apart again."""

import torch
from torch import nn


def check_owner(owner: torch.Tensor | None, count: int | None, rows: int, kind: str) -> None:
    """Check that each of `count` negatives names a row of the batch.

    Raises:
        ValueError: if negatives come without owners or owners without negatives, or an owner is out of `[0, rows)`.
    """
    name = f"negative_{kind}_owner"
    if (owner is None) != (count is None):
        given, absent = (name, f"negative {kind}s") if count is None else (f"negative {kind}s", name)
        raise ValueError(f"{given} came without {absent}: give both, one owner per negative {kind}, or neither.")
    if owner is None:
        return
    if owner.is_floating_point() or owner.dim() != 1 or len(owner) != count:
        raise ValueError(
            f"{name} must be a vector of {count} integers, one per negative {kind}, "
            f"got {tuple(owner.shape)} of {owner.dtype}: build it together with the negatives in the collator."
        )
    if count and not torch.compiler.is_compiling() and not 0 <= int(owner.min()) <= int(owner.max()) < rows:
        span = f"[{int(owner.min())}, {int(owner.max())}]"
        raise ValueError(
            f"{name} must lie in [0, {rows}), the rows of this batch, but spans {span}: "
            "count rows within the batch, not within the data set."
        )


def pad_to(ids: torch.Tensor, length: int, value: int) -> torch.Tensor:
    """Append `value` on the right of `[rows, tokens]` up to `length` tokens; longer rows are left alone."""
    return nn.functional.pad(ids, (0, max(0, length - ids.shape[1])), value=value)


def split_blocks(
    embeds: torch.Tensor, positives: torch.Tensor | None, negatives: torch.Tensor | None
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Undo the stacking of positives and negatives."""
    count = 0 if positives is None else len(positives)
    return (None if positives is None else embeds[:count]), (None if negatives is None else embeds[count:])
