"""MathVista (Lu et al. 2023, arXiv 2310.02255), testmini: the task "geometry problem solving" (GPS, 208 rows) and the
skill "algebraic reasoning" (ALG, 281 rows), which overlap. The other tasks of the 1,000 rows give no item.

Rows: `pid`, `question`, `image` (a path), `decoded_image` (pixels, on the Hub), `choices`, `unit`, `precision`,
`answer`, `question_type`, `answer_type`, `metadata` with `task`, `skills`, `source` and others. The repository's
testmini.json is one object of rows by `pid`.

Traps: the answer to a question with choices is a value, not a letter; the answers of the split `test` are not public;
annot_testmini.json and query.json hold the same rows once more; `image` on the Hub is a path into images.zip.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial

from data_scripts.sources.records import OpenedRow, text_of, texts_of

from .item import CHOICE, EXPRESSION, NUMBER, TEXT, Benchmark, Item
from .prompts import render, template_text
from .rows import answer_of, images_of, items_of, letter_of_value, open_kind, question_of, read_rows

GPS = "geometry problem solving"
ALG = "algebraic reasoning"
SPLITS = {"testmini": ("testmini",)}
KIND_OF_TYPE = {"integer": NUMBER, "float": NUMBER, "list": EXPRESSION, "text": TEXT}


def parse(opened: OpenedRow) -> Item | None:
    """The item of a row; None for other tasks and skills."""
    row = opened.row
    metadata = row.get("metadata") if isinstance(row.get("metadata"), Mapping) else {}
    skills = texts_of(metadata.get("skills"))
    if text_of(metadata, "task") != GPS and ALG not in skills:
        return None
    choices, answer = texts_of(row.get("choices")), answer_of(row)
    answer_type = text_of(row, "answer_type")
    groups = {name: text_of(metadata, name) for name in ("task", "source", "context", "grade", "language")}
    groups |= {"skills": ",".join(skills), "answer_type": answer_type, "unit": text_of(row, "unit")}
    groups["precision"] = text_of(row, "precision").removesuffix(".0")
    return Item(
        id=text_of(row, "pid", "id") or str(opened.position),
        question=question_of(row),
        images=images_of(opened),
        choices=choices or None,
        answer=letter_of_value(answer, choices) if choices else answer,
        kind=CHOICE if choices else KIND_OF_TYPE.get(answer_type) or open_kind(answer),
        groups={name: value for name, value in groups.items() if value},
    )


def read(location: str, split: str, skipped: Counter[str]) -> Iterator[Item]:
    """The GPS and ALG items of testmini."""
    yield from items_of(read_rows(location, split, SPLITS, ("testmini.json",), ("testmini",)), parse, skipped)


BENCHMARK = Benchmark(
    name="mathvista",
    splits=("testmini",),
    items=read,
    prompt=partial(render, template_text("mathvista")),
    hub_id="AI4Math/MathVista",
)
