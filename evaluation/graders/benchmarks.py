"""Grade the responses to a benchmark: a verdict on each, what they add up to, and the official script's view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from evaluation.benchmarks.item import Item

from .metrics import METRICS, by_group
from .official import OFFICIAL
from .verdicts import RULES, judge

SHOWN_IDS = 10


@dataclass(frozen=True)
class GradingSettings:
    """How responses are graded; part of what a result says."""

    tolerance: float | None = None  # relative difference allowed in open questions; None asks for the same value
    official: bool = False  # reproduce the official script's verdicts beside ours
    seed: int = 0  # draws the bootstrap

    def __post_init__(self) -> None:
        if self.tolerance is not None and not 0 <= self.tolerance < 1:
            raise ValueError(f"--tolerance is a share of the right number, 0.01 for one percent, not {self.tolerance}")


def grade(
    benchmark: str, items: Sequence[Item], responses: Mapping[str, str], settings: GradingSettings | None = None
) -> dict:
    """Grade one response per item.

    Args:
        benchmark: name of the benchmark, a key of `METRICS`.
        items: its questions, images not needed.
        responses: what a model wrote, by the id of the item.

    Returns:
        `metrics` and `groups` (name -> `value`, `interval_95`, `num_rows`), `num_unread` (responses that give no
        answer), `verdicts` on each row, and `official` with the same metrics by the official script if asked for.

    Raises:
        ValueError: if an item has no response, or a response no item.
    """
    settings = settings or GradingSettings()
    check_ids([item.id for item in items], list(responses))
    rule, official_rule = RULES.get(benchmark, judge), OFFICIAL[benchmark]
    verdicts, official = [], []
    for item in tqdm(items, desc="grading", unit="response"):
        verdicts.append(rule(item, responses[item.id], settings.tolerance))
        if settings.official:
            official.append(official_rule(item, responses[item.id]))
    rights = [verdict.right for verdict in verdicts]
    result = {
        "metrics": METRICS[benchmark](items, rights, settings.seed),
        "groups": by_group(benchmark, items, rights, settings.seed),
        "num_rows": len(items),
        "num_unread": sum(verdict.answer is None for verdict in verdicts),
        "tolerance": settings.tolerance,
        "seed": settings.seed,
    }
    rows = [
        {"id": item.id, "gold": item.answer, "answer": verdict.answer, "right": verdict.right}
        for item, verdict in zip(items, verdicts, strict=True)
    ]
    if settings.official:
        theirs = [verdict.right for verdict in official]
        result["official"] = {
            "metrics": METRICS[benchmark](items, theirs, settings.seed),
            "num_right_here_only": sum(ours and not other for ours, other in zip(rights, theirs, strict=True)),
            "num_right_there_only": sum(other and not ours for ours, other in zip(rights, theirs, strict=True)),
            "num_by_model": sum(verdict.by_model for verdict in official),
        }
        for row, verdict in zip(rows, official, strict=True):
            row["official"] = {"answer": verdict.answer, "right": verdict.right, "by_model": verdict.by_model}
    return result | {"verdicts": rows}


def check_ids(asked: Sequence[str], answered: Sequence[str]) -> None:
    """Every question must have one prediction, and every prediction its question: a gap would bend every figure.

    Raises:
        ValueError: naming the first ids that are missing, foreign or there more than once.
    """
    questions, predicted = set(asked), set(answered)
    seen: set[str] = set()
    twice = list(dict.fromkeys(name for name in answered if name in seen or seen.add(name)))
    complaints = [
        (twice, "predicted more than once"),
        ([name for name in dict.fromkeys(answered) if name not in questions], "of no question"),
        ([name for name in asked if name not in predicted], "without a prediction"),
    ]
    if told := "; ".join(_complaint(names, what) for names, what in complaints if names):
        raise ValueError(f"the predictions do not fit the {len(asked)} questions: {told}")


def _complaint(names: Sequence[str], what: str) -> str:
    more = ", ..." if len(names) > SHOWN_IDS else ""
    return f"{len(names)} {what} ({', '.join(names[:SHOWN_IDS])}{more})"
