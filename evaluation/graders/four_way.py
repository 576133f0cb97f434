"""The four-way metric of We-Math: what a model knows, told from a problem asked as a whole and step by step.

| | whole problem | its steps |
|---|---|---|
| IK, insufficient knowledge | wrong | one is wrong |
| IG, inadequate generalization | wrong | all right |
| CM, complete mastery | right | all right (strict), at least one right (loose) |
| RM, rote memorization | right | one is wrong (strict), all wrong (loose) |

Score = (CM + IG / 2) / problems; RM rate = RM / (CM + RM). Source: We-Math (arXiv 2407.01284), section 3.3.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.benchmarks.item import Item

from .shares import share

KINDS = ("IK", "IG", "CM", "RM")
MODES = ("strict", "loose")


@dataclass(frozen=True)
class Problem:
    """A problem of several steps: whether each step, and the whole, was answered rightly."""

    steps: tuple[bool, ...]
    whole: bool

    def kind(self, mode: str) -> str:
        """One of KINDS, in one of MODES."""
        if not self.whole:
            return "IG" if all(self.steps) else "IK"
        is_mastered = all(self.steps) if mode == "strict" else any(self.steps)
        return "CM" if is_mastered else "RM"


def problems_of(items: Iterable[Item], rights: Iterable[bool]) -> list[Problem]:
    """The problems of which every row is there, joined on the group `problem`; others are left out."""
    rows: dict[str, dict[str, bool]] = {}
    num_steps: dict[str, int] = {}
    for item, right in zip(items, rights, strict=True):
        problem = item.groups["problem"]
        rows.setdefault(problem, {})[item.groups["key"].rpartition("_")[2]] = right
        num_steps[problem] = int(item.groups["steps"])
    problems = []
    for problem, row in rows.items():
        names = [str(step) for step in range(1, num_steps[problem] + 1)]
        if row.keys() >= {*names, "multi"}:
            problems.append(Problem(tuple(row[name] for name in names), row["multi"]))
    return problems


def four_way(problems: Sequence[Problem], seed: int) -> Mapping[str, dict | None]:
    """`strict_score`, `strict_IK` and so on, and the same for loose. The bootstrap resamples problems."""
    result: dict[str, dict | None] = {}
    for mode in MODES:
        kinds = [problem.kind(mode) for problem in problems]
        result[f"{mode}_score"] = share([{"CM": 1.0, "IG": 0.5}.get(kind, 0.0) for kind in kinds], seed)
        for kind in KINDS:
            result[f"{mode}_{kind}"] = share([float(of == kind) for of in kinds], seed)
        rote, solved = ([float(of in which) for of in kinds] for which in (("RM",), ("CM", "RM")))
        result[f"{mode}_RM_rate"] = share(rote, seed, solved)
    return result
