"""The result files of a folder, by what they measure; what is none is listed, never a reason to stop."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation import result_tables

# What a result of each measure must hold to be shown.
NEEDED = result_tables.NEEDED | {
    "ablation": ("title", "tests", "baseline"),
    "contamination": ("benchmark", "num_questions", "num_same"),
    "load_back": (),
}
BESIDE = ("settings.json", "build_report.json", "trainer_state.json", "manifest.json")  # parts of a run, no results
PARTS = ("sections", "perturbations", "runs")  # what a measurement keeps of its parts, beside settings or results
LARGEST = 2**28  # bytes of a result file


@dataclass(frozen=True)
class ResultFile:
    """A result and where it lies."""

    path: Path
    result: dict[str, Any]

    @property
    def folder(self) -> Path:
        return self.path.parent


@dataclass
class Results:
    """All results of a folder by measure, in the order of their paths, and the files that are not shown."""

    by_measure: dict[str, list[ResultFile]] = field(default_factory=dict)
    not_shown: list[tuple[str, str]] = field(default_factory=list)  # path within the folder, reason

    def of(self, measure: str) -> list[ResultFile]:
        return self.by_measure.get(measure, [])

    @property
    def all(self) -> list[ResultFile]:
        return [file for files in self.by_measure.values() for file in files]


def find_results(folder: Path) -> Results:
    """Read every JSON file of a folder that is no part of a model, a data set or unfinished work."""
    found = Results()
    for path in _json_files(folder):
        reason = None
        try:
            result = json.loads(path.read_text(encoding="utf-8")) if path.stat().st_size <= LARGEST else None
        except (OSError, ValueError, RecursionError) as error:
            result, reason = None, f"cannot be read: {error}"
        measure = result.get("measure") if isinstance(result, dict) else None
        if reason is None and (not isinstance(measure, str) or measure not in NEEDED):
            reason = f"measures nothing that is known here ({str(measure)[:80]})"
        elif reason is None and (missing := [name for name in NEEDED[measure] if name not in result]):
            reason = f"a result of {measure} that lacks {', '.join(missing)}"
        if reason is None:
            found.by_measure.setdefault(measure, []).append(ResultFile(path, result))
        else:
            found.not_shown.append((str(path.relative_to(folder)), " ".join(reason.split())[:300]))
    return found


def _json_files(folder: Path) -> Iterator[Path]:
    """JSON files in order; not those of models and data sets, which have many of their own."""
    inside = sorted(folder.iterdir())
    names = {path.name for path in inside}
    if (
        "config.json" in names
        or "adapter_config.json" in names
        or any(path.suffix == ".safetensors" for path in inside)
    ):
        return
    parts = PARTS if names & {"settings.json", "results.json"} else ()
    for path in inside:
        if path.is_dir() and not path.name.startswith(".") and path.name not in parts:
            yield from _json_files(path)
        elif path.suffix == ".json" and path.name not in BESIDE and not path.name.startswith("."):
            yield path
