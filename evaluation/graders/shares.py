"""A share of rows with its 95% bootstrap interval: the form in which every figure of a benchmark is told."""

from collections.abc import Sequence

import numpy as np

from evaluation.benchmarks.item import Item
from evaluation.results import bootstrap_interval


def share(hits: Sequence[float], seed: int, weights: Sequence[float] | None = None) -> dict | None:
    """`value`, `interval_95` and `num_rows` of `sum(hits) / sum(weights)`; None if there is nothing to divide by.

    Args:
        hits: what each row adds to the numerator, `[n]`.
        seed: draws the bootstrap, which resamples rows.
        weights: what each row adds to the denominator, `[n]`; ones if None.
    """
    total = float(np.sum(weights)) if weights is not None else float(len(hits))
    if total <= 0:
        return None
    interval = bootstrap_interval(hits, np.random.default_rng(seed), weights)
    return {"value": float(np.sum(hits)) / total, "interval_95": interval, "num_rows": int(total)}


def accuracy(items: Sequence[Item], rights: Sequence[bool], seed: int) -> dict | None:
    """The share of right answers, and `chance`: what guessing a letter gives (nothing where there are no choices)."""
    entry = share([float(right) for right in rights], seed)
    if entry is None:
        return None
    return entry | {"chance": float(np.mean([1 / len(item.choices) if item.choices else 0.0 for item in items]))}
