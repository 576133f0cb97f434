"""A gallery of failures on the hard-negative exam: the question, what the model chose, and why that is wrong.

Why is read off, not written: the chosen caption's statements are checked on the figure's coordinates, and the false
ones are named. Of an edited figure only its caption is known: there it is the statements that the two captions do not
share.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset

from data_scripts.contact_sheet import difference
from data_scripts.diagram import Diagram
from data_scripts.diagram.caption import clause
from data_scripts.diagram.facts import KINDS, check
from data_scripts.encoded_images import undecoded
from data_scripts.phrases import parse_caption
from data_scripts.phrases.kinds import normal
from evaluation.hard_negative_exam.questions import TO_CAPTIONS
from evaluation.hard_negative_exam.rows import EXAM, GALLERY, split_name
from evaluation.report.plots import embed
from evaluation.report.results_files import ResultFile
from evaluation.result_tables import public_name
from trainers.rows import image_bytes, load_splits

PER_SERIES = 2  # failures shown of each set and direction
SETS = {  # columns of the candidates: captions with their edits, images with theirs
    "random": (("random_captions", None), ("random_ids", None)),
    "retrieval": (("retrieved_captions", None), ("retrieved_ids", None)),
    "rule": (("rule_captions", "rule_edits"), ("drawn_images", "drawn_edits")),
    "image": (("negative_captions", "negative_edits"), ("negative_images", "negative_edits")),
}
MOST_FACTS = 3  # false statements named


@dataclass
class Candidate:
    """A caption or a picture, and its part in the failure."""

    caption: str | None = None
    image: str | None = None
    true: bool = False
    chosen: bool = False


@dataclass
class Failure:
    """One question that a model got wrong."""

    model: str
    data: str
    series: str
    candidates: list[Candidate]
    image: str | None = None  # the question, where captions are to choose from
    caption: str | None = None  # the question, where images are
    edits: str | None = None
    why: str = ""


class _Section:
    """The rows of one source and configuration of the exam, found by their ids."""

    def __init__(self, exam: str, source: str, config: str) -> None:
        splits = load_splits(exam, config)
        self.parts: list[Dataset] = [undecoded(splits[split_name(source, part)]) for part in (EXAM, GALLERY)]
        self.places = {id_: (part, n) for part in (1, 0) for n, id_ in enumerate(self.parts[part]["id"])}

    def row(self, id_: str) -> Mapping[str, Any]:
        part, number = self.places[id_]
        return self.parts[part][number]


def false_statements(caption: str, figure: Diagram) -> list[str]:
    """What a caption says that is visibly false of a figure, in words."""
    facts = (normal(fact) for fact in parse_caption(caption).facts)
    return [clause(f, 0) for f in facts if f.kind in KINDS and check(f, figure) is False][:MOST_FACTS]


def gallery(file: ResultFile, not_shown: list[tuple[str, str]]) -> list[Failure]:
    """Failures of one model on the exam; reasons why there are none to show are added to `not_shown`."""
    path = file.folder / "predictions.jsonl"
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        wrong = _chosen([line for line in lines if not line["hit"] and line["set"] in SETS])
        sections: dict[tuple[str, str], _Section] = {}
        shown = []
        for line in wrong:
            key = (line["source"], line["config"])
            if key not in sections:
                sections[key] = _Section(file.result["exam"], *key)
            shown.append(_failure(line, sections[key], public_name(file.result["model"])))
        return shown
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        not_shown.append((str(path.name), f"failures on the exam cannot be shown: {error}"[:300]))
        return []


def _chosen(lines: list[dict]) -> list[dict]:
    """Some failures of each series in the configuration that comes first, drawn the same every time."""
    series: dict[tuple, list[dict]] = {}
    first: dict[str, str] = {}
    for line in lines:
        if first.setdefault(line["source"], line["config"]) == line["config"]:
            series.setdefault((line["source"], line["set"], line["direction"]), []).append(line)
    rng = np.random.default_rng(0)
    return [of[i] for of in series.values() for i in rng.permutation(len(of))[:PER_SERIES]]


def _failure(line: dict, section: _Section, model: str) -> Failure:
    row, to_captions, chosen = section.row(line["id"]), line["direction"] == TO_CAPTIONS, line["chosen"]
    column, edits = SETS[line["set"]][0 if to_captions else 1]
    count = 10 if line["set"] == "retrieval" else None
    if to_captions:
        candidates = [Candidate(caption=text) for text in [row["caption"], *row[column][:count]]]
        why = false_statements(candidates[chosen].caption, Diagram.from_json(row["facts"]))
        why = why or [difference(row["caption"], candidates[chosen].caption)]
        verdict = "false of the figure"
    else:
        pictures = [row["image"], *_pictures(row, column, section, count)]
        candidates = [Candidate(image=_address(encoded)) for encoded in pictures]
        why = _why_not_the_picture(row, column, chosen - 1, section)
        verdict = "not so in the chosen figure"
    candidates[0].true, candidates[chosen].chosen = True, True
    return Failure(
        model=model,
        data=f"{line['source']}, {line['config']}, {line['id']}",
        series=f"{line['set']}, {line['direction'].replace('_', ' ')}",
        candidates=candidates,
        image=_address(row["image"]) if to_captions else None,
        caption=None if to_captions else row["caption"],
        edits=row[edits][chosen - 1] if edits else None,
        why=f"{verdict}: {'; '.join(why)}",
    )


def _pictures(row: Mapping[str, Any], column: str, section: _Section, count: int | None) -> list[Any]:
    if column.endswith("_images"):
        return row[column]
    return [section.row(id_)["image"] for id_ in row[column][:count]]


def _why_not_the_picture(row: Mapping[str, Any], column: str, number: int, section: _Section) -> list[str]:
    """What the question's caption says that is false of the candidate of that number."""
    if column.endswith("_images"):
        return [difference(row[column.replace("_images", "_captions")][number], row["caption"])]
    other = section.row(row[column][number])
    found = false_statements(row["caption"], Diagram.from_json(other["facts"]))
    return found or [difference(other["caption"], row["caption"])]


def _address(encoded: Any) -> str | None:
    content = image_bytes(encoded)
    return embed(content) if content else None
