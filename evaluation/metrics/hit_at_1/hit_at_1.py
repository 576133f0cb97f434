"""Hit@1 as a metric of the `evaluate` library: is the true candidate ranked strictly first?

    hit_at_1 = evaluate.load("evaluation/metrics/hit_at_1")
    hit_at_1.compute(predictions=[[0.9, 0.1], [0.2, 0.2, 0.1]], references=[0, 0])

This file travels alone: `evaluate` copies it out of the project, so it imports nothing of it. It promises the figures
of `evaluation.hit_at_1` on the same scores.
"""

import datasets
import evaluate
import numpy as np

_DESCRIPTION = """
Hit@1 over candidate sets: the share of questions whose true candidate scores strictly above every other one. A tie is
a miss, so a constant scorer gets 0, and not 1. Sets may differ in size; `chance` is what a random ranking of the same
sets would get.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: per question the scores of its candidates, a list of floats; lists may differ in length.
    references: per question the position of its true candidate in that list.
    confidence_level: of the bootstrap interval, strictly between 0 and 1 (default 0.95).
    num_resamples: of the bootstrap, which draws whole questions (default 1000); 0 gives no interval.
    seed: of the bootstrap (default 0).

Returns:
    hit_at_1: share of questions whose true candidate ranks first, in [0, 1].
    interval: lower and upper end of its percentile bootstrap interval, in [0, 1].
    chance: mean of 1 / number of candidates.
    num_questions: questions with at least two candidates. Others say nothing and are left out.

Examples:
    >>> hit_at_1 = evaluate.load("evaluation/metrics/hit_at_1")
    >>> result = hit_at_1.compute(predictions=[[0.9, 0.1], [0.2, 0.2, 0.1]], references=[0, 0])
    >>> result["hit_at_1"], round(result["chance"], 3), result["num_questions"]
    (0.5, 0.417, 2)
"""

_CITATION = """
@article{mmgeolm2025,
    title = {Hard Negative Contrastive Learning for Fine-Grained Geometric Understanding in Large Multimodal Models},
    journal = {arXiv preprint arXiv:2505.20152},
    year = {2025}
}
"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS_DESCRIPTION)
class HitAt1(evaluate.Metric):
    """Hit@1 over candidate sets."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features(
                {"predictions": datasets.List(datasets.Value("float64")), "references": datasets.Value("int64")}
            ),
        )

    def _compute(
        self,
        predictions: list[list[float]],
        references: list[int],
        confidence_level: float = 0.95,
        num_resamples: int = 1000,
        seed: int = 0,
    ) -> dict:
        hits, chances = [], []
        for number, (scores, true) in enumerate(zip(predictions, references, strict=True)):
            if not 0 <= true < len(scores):
                raise ValueError(f"question {number} has {len(scores)} candidates, so none at position {true}")
            others = [*scores[:true], *scores[true + 1 :]]
            if others:
                hits.append(float(scores[true] > max(others)))
                chances.append(1 / len(scores))
        if not hits:
            raise ValueError("Hit@1 needs a question with at least two candidates, and there is none")
        result = {"hit_at_1": float(np.mean(hits)), "chance": float(np.mean(chances)), "num_questions": len(hits)}
        if num_resamples:
            result["interval"] = _interval(np.array(hits), confidence_level, num_resamples, seed)
        return result


def _interval(hits: np.ndarray, level: float, resamples: int, seed: int) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean."""
    if not 0 < level < 1:
        raise ValueError(f"confidence_level lies strictly between 0 and 1, not {level}")
    rng = np.random.default_rng(seed)
    means = [hits[rng.integers(len(hits), size=len(hits))].mean() for _ in range(resamples)]
    low, high = np.percentile(means, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)
