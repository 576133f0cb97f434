"""Statistics of a data set as tables of its card: what `build_report.json` beside it says, and nothing else.

The report is read with tolerance: it may lack any part, and a part of another shape is left out of the card. Its
layout, as far as the card uses it:

    {"command": "python -m ...",
     "intended_use": "Evaluation only.",
     "sources": {"geometry3k": {"license": "mit", "name": "Geometry3K (Lu et al. 2021)", "url": "https://..."}},
     "configs": {"with_markings": {"train": {
        "asked": 500,
        "kept": {"rows": 500, "image negatives": 5000, "image edit: order": 1200},
        "dropped": {"image: not provably different": 90},
        "caption words": {"mean": 31.5}}}},
     "shortcuts": {"with_markings": {"pairs": 500, "ink": {"auc": 0.503, "paired": 0.497}}}}
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet as pq

from evaluation.result_tables import ResultTable, table_cell

REPORT = "build_report.json"
LICENCE_ID = re.compile(r"[a-z0-9][a-z0-9.-]*")  # such as mit or cc-by-nc-4.0
COLUMNS = {
    "id": "stable across rebuilds",
    "source": "where the figure came from, see below",
    "image": "the figure (the positive)",
    "caption": "true of the image",
    "script": "a matplotlib script that draws the image",
    "negative_images": "edited figures, each proven to differ from the positive",
    "negative_captions": "one per negative image: true of it and false of the positive",
    "negative_scripts": "one per negative image: draws it",
    "negative_edits": "one per negative image: the kinds of edit that led to it, joined by `+`",
    "rule_captions": "edits of the caption alone, false of the image",
    "rule_edits": "one per rule caption: the kinds of edit",
    "drawn_captions": "edits of the caption alone that can be drawn, false of the image",
    "drawn_images": "one per drawn caption: a figure of which it is true, and the caption false",
    "drawn_edits": "one per drawn caption: the kinds of edit",
    "retrieved_captions": "the most similar captions of other figures that are false of this one: on its "
    "coordinates or, where it has none, by what its own caption states",
    "retrieved_ids": "one per retrieved caption: whose it is",
    "random_captions": "captions of other figures at random that are false of this one",
    "random_ids": "one per random caption: whose it is",
    "facts": "the figure's facts and coordinates as JSON, to check all of this again",
    "kind": "kind of question",
    "prompt": "the question, as chat messages",
    "completion": "the worked solution, as a chat message",
    "images": "the figures of the question",
    "answer": "the answer alone",
}
NEGATIVES = ("negative_", "rule_", "drawn_", "retrieved_", "random_")  # how the columns of negatives begin


@dataclass(frozen=True)
class ConfigStatistics:
    """The tables of one configuration."""

    name: str
    tables: list[ResultTable]


def read_build_report(folder: Path) -> dict[str, Any]:
    """The build's report, or an empty one where the folder has none.

    Raises:
        ValueError: if it is there and cannot be read.
    """
    path = folder / REPORT
    if not path.is_file():
        return {}
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(report, dict):
        raise ValueError(f"{path} is no build report: it holds no JSON object")
    return report


def _part(parent: Any, name: str) -> dict[str, Any]:
    """A part of the report that should be an object; empty if it is missing or anything else."""
    found = parent.get(name) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Any) -> str:
    """A count with commas, a mean with one decimal; empty for what is no number."""
    if not _is_number(value):
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _is_main(name: str) -> bool:
    return name == "rows" or name.endswith(" negatives")


def _is_edit(name: str) -> bool:
    return " edit: " in name


def config_statistics(report: dict[str, Any]) -> list[ConfigStatistics]:
    """Per configuration: rows and negatives, kinds of edit, other counts, captions, and what was dropped and why."""
    found = []
    for config, splits in _part(report, "configs").items():
        splits = {name: split for name, split in _dict(splits).items() if isinstance(split, dict)}
        asked = {name: {"rows asked for": split.get("asked")} for name, split in splits.items()}
        kept = {name: _part(split, "kept") for name, split in splits.items()}
        tables = [
            _by_split("Rows and negatives", {name: asked[name] | _only(kept[name], _is_main) for name in splits}),
            _by_split("Kinds of edit", {name: _only(kept[name], _is_edit) for name in splits}),
            _by_split(
                "Other counts",
                {name: _only(kept[name], lambda key: not _is_main(key) and not _is_edit(key)) for name in splits},
            ),
            _by_split("Words per caption", {name: _part(split, "caption words") for name, split in splits.items()}),
            _by_split("Dropped, and why", {name: _part(split, "dropped") for name, split in splits.items()}),
        ]
        if tables := [table for table in tables if table is not None]:
            found.append(ConfigStatistics(config, tables))
    return found


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _only(counts: dict[str, Any], wanted: Callable[[str], bool]) -> dict[str, Any]:
    return {name: count for name, count in counts.items() if wanted(name)}


def _by_split(title: str, splits: dict[str, dict[str, Any]]) -> ResultTable | None:
    """A line per name and a column per split; None if no split has a number."""
    names = dict.fromkeys(name for counts in splits.values() for name, count in counts.items() if _is_number(count))
    if not names:
        return None
    rows = [(table_cell(name), *(_number(counts.get(name)) for counts in splits.values())) for name in names]
    return ResultTable(title, ("", *map(table_cell, splits)), rows)


def shortcut_table(report: dict[str, Any]) -> ResultTable | None:
    """How well one crude feature alone tells positives from negatives, per configuration; None if not measured."""
    rows = []
    for config, measured in _part(report, "shortcuts").items():
        for feature, scores in _dict(measured).items():
            shares = [_dict(scores).get(name) for name in ("auc", "paired")]
            if any(map(_is_number, shares)):
                shown = [f"{share:.3f}" if _is_number(share) else "" for share in shares]
                rows.append((table_cell(config), table_cell(feature), *shown, _number(_dict(measured).get("pairs"))))
    return ResultTable("Shortcuts", ("Config", "Feature", "AUC", "Pair by pair", "Pairs"), rows) if rows else None


def source_table(report: dict[str, Any]) -> ResultTable | None:
    """Sources with their licences; None if the report names none."""
    rows = [
        (table_cell(name), *(table_cell(str(_dict(source).get(key) or "")) for key in ("name", "license", "url")))
        for name, source in _part(report, "sources").items()
    ]
    return ResultTable("Sources", ("`source`", "What it is", "Licence", "Address"), rows) if rows else None


def licence_metadata(report: dict[str, Any]) -> dict[str, str]:
    """The card's licence by those of the sources: theirs if they agree, else `other`; empty if none is named."""
    sources = _part(report, "sources")
    licences = {str(_dict(source).get("license") or "unknown") for source in sources.values()}
    if not licences:
        return {}
    if len(licences) > 1:
        return {"license": "other", "license_name": "several-see-the-table-of-sources"}
    licence = licences.pop()
    if LICENCE_ID.fullmatch(licence):
        return {"license": licence}
    return {"license": "other", "license_name": re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-") or "unnamed"}


def column_names(folder: Path) -> list[str]:
    """The columns of the first parquet file.

    Raises:
        ValueError: if that file is broken.
    """
    path = min(folder.rglob("*.parquet"))
    try:
        return pq.read_schema(path).names
    except (OSError, pyarrow.ArrowException) as error:
        raise ValueError(f"{path} is no whole parquet file: build it again ({error})") from error


def hold_negatives(names: Sequence[str]) -> bool:
    """Whether such rows have negatives of any kind."""
    return any(name.startswith(NEGATIVES) for name in names)


def column_table(names: Sequence[str]) -> ResultTable | None:
    """The columns whose meaning is known; None if there is none."""
    rows = [(f"`{name}`", COLUMNS[name]) for name in names if name in COLUMNS]
    return ResultTable("Columns", ("Column", "Meaning"), rows) if rows else None


def contact_sheets(folder: Path) -> list[str]:
    """Pictures of the first rows that the build left beside them."""
    return sorted(path.name for path in folder.glob("contact_sheet*.png"))
