"""What the verdicts on a benchmark add up to: the figures it is reported by, and accuracies within its groups.

| benchmark | figures |
|---|---|
| geoqa, visonlyqa, math_vision | accuracy |
| mathvista | GPS (the task "geometry problem solving") and ALG (the skill "algebraic reasoning"), which overlap |
| we_math | S1, S2, S3: accuracy on single steps, and on problems of two and three; the four-way metric |
| mm_math | easy, medium, hard, and average, the accuracy on all rows |
"""

from collections.abc import Callable, Sequence

from evaluation.benchmarks.item import Item
from evaluation.benchmarks.mathvista import ALG, GPS

from .four_way import four_way, problems_of
from .shares import accuracy

Metrics = dict[str, dict | None]
"""Name -> `value`, `interval_95`, `num_rows` (and `chance`); None where the benchmark holds no such row."""

GROUPS = {  # groups of items with an accuracy for each value, beside the figures above
    "mathvista": ("task", "skills", "answer_type", "context", "grade", "source"),
    "mm_math": ("grade",),
    "visonlyqa": ("task",),
    "math_vision": ("subject", "level"),
}
SPLIT_GROUPS = ("skills",)  # several values in one, told apart by commas


def _accuracy_where(
    items: Sequence[Item], rights: Sequence[bool], seed: int, belongs: Callable[[Item], bool]
) -> dict | None:
    chosen = [(item, right) for item, right in zip(items, rights, strict=True) if belongs(item)]
    return accuracy([item for item, _ in chosen], [right for _, right in chosen], seed)


def overall(items: Sequence[Item], rights: Sequence[bool], seed: int) -> Metrics:
    """Accuracy on all rows."""
    return {"accuracy": accuracy(items, rights, seed)}


def mathvista(items: Sequence[Item], rights: Sequence[bool], seed: int) -> Metrics:
    """GPS and ALG."""
    return {
        "GPS": _accuracy_where(items, rights, seed, lambda item: item.groups.get("task") == GPS),
        "ALG": _accuracy_where(items, rights, seed, lambda item: ALG in item.groups.get("skills", "").split(",")),
    }


def we_math(items: Sequence[Item], rights: Sequence[bool], seed: int) -> Metrics:
    """S1, S2, S3 and the four-way metric."""
    result = {
        "S1": _accuracy_where(items, rights, seed, lambda item: not item.groups["key"].endswith("multi")),
        "S2": _accuracy_where(items, rights, seed, lambda item: item.groups["key"] == "2steps_multi"),
        "S3": _accuracy_where(items, rights, seed, lambda item: item.groups["key"] == "3steps_multi"),
    }
    return result | dict(four_way(problems_of(items, rights), seed))


def mm_math(items: Sequence[Item], rights: Sequence[bool], seed: int) -> Metrics:
    """By difficulty, and on all rows."""
    result: Metrics = {
        level: _accuracy_where(items, rights, seed, lambda item, level=level: item.groups.get("difficulty") == level)
        for level in ("easy", "medium", "hard")
    }
    return result | {"average": accuracy(items, rights, seed)}


def by_group(benchmark: str, items: Sequence[Item], rights: Sequence[bool], seed: int) -> dict[str, Metrics]:
    """Accuracy for each value of each of the benchmark's groups."""
    members: dict[str, dict[str, list[int]]] = {name: {} for name in GROUPS.get(benchmark, ())}
    for row, item in enumerate(items):
        for name, values in members.items():
            value = item.groups.get(name, "")
            for one in value.split(",") if name in SPLIT_GROUPS else [value]:
                values.setdefault(one or "unnamed", []).append(row)
    return {
        name: {
            value: accuracy([items[row] for row in rows], [rights[row] for row in rows], seed)
            for value, rows in sorted(values.items())
        }
        for name, values in members.items()
    }


METRICS: dict[str, Callable[[Sequence[Item], Sequence[bool], int], Metrics]] = {
    "geoqa": overall,
    "mathvista": mathvista,
    "we_math": we_math,
    "mm_math": mm_math,
    "visonlyqa": overall,
    "math_vision": overall,
}
