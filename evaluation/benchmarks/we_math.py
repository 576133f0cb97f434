"""We-Math (Qiao et al. 2024, arXiv 2407.01284), testmini: 360 problems of two steps and 165 of three, 1,740 rows.

Each problem is asked as a whole (`2steps_multi`) and step by step (`2steps_1`, `2steps_2`); the four-way metric joins
these rows on `ID`. Rows: `ID`, `key`, `question`, `option` (all choices in one text), `answer` (a letter),
`image_path`, `knowledge concept` and others. In the repository testmini.json lies beside 2steps/image and
3steps/image; on the Hub `image_path` holds the picture.

Traps: `A. 3 cm;B. 2 cm` with and without spaces; choices that are letters themselves (`A. F; B. D`); an `ID` counts
within its number of steps. A row is known by `ID/key`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial

from data_scripts.sources.records import BadRow, OpenedRow, text_of

from .item import CHOICE, Benchmark, Item
from .prompts import render, template_text
from .rows import answer_of, images_of, items_of, letter_of, lettered_choices, question_of, read_rows

SPLITS = {"testmini": ("testmini",)}

_KEY = re.compile(r"([23])steps_(?:[123]|multi)")
_PREFIX = re.compile(r"\Aquestion\s*[:：]\s*", re.I)


def parse(opened: OpenedRow) -> Item:
    """The item of a row; its group `problem` is the same for a whole and its steps, `steps` says of how many."""
    row = opened.row
    number, key = text_of(row, "ID", "id"), text_of(row, "key")
    if not number or not (found := _KEY.fullmatch(key)):
        raise BadRow("row: no ID" if not number else "row: no key of a step")
    choices = lettered_choices(text_of(row, "option", "options"))
    if not choices:
        raise BadRow("row: no choices")
    told = f"{found[1]}steps"
    groups = {"key": key, "steps": found[1], "problem": number if number.startswith(told) else f"{told}_{number}"}
    groups["knowledge"] = text_of(row, "knowledge concept", "knowledge_concept")
    return Item(
        id=f"{number}/{key}",
        question=_PREFIX.sub("", question_of(row)),
        images=images_of(opened),
        choices=choices,
        answer=letter_of(answer_of(row), choices),
        kind=CHOICE,
        groups={name: value for name, value in groups.items() if value},
    )


def read(location: str, split: str, skipped: Counter[str]) -> Iterator[Item]:
    """The items of testmini, wholes and steps."""
    yield from items_of(read_rows(location, split, SPLITS, ("testmini.json",), ("testmini",)), parse, skipped)


BENCHMARK = Benchmark(
    name="we_math",
    splits=("testmini",),
    items=read,
    prompt=partial(render, template_text("we_math")),
    hub_id="We-Math/We-Math",
)
