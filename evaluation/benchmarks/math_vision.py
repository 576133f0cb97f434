"""MATH-Vision (Wang et al. 2024, arXiv 2402.14804), geometry: the competition questions whose subject names geometry.

These are analytic, combinatorial, descriptive, solid and transformation geometry, and metric geometry of angles,
areas and lengths; other subjects give no item. Splits: `test` (3,040 rows of all subjects), `testmini` (304).
Rows: `id`, `question`, `options`, `image` (a path), `decoded_image` (on the Hub), `answer`, `level` (1 to 5) and
`subject`.

Traps: options are often bare letters, and the choices are drawn in the figure; all images of a question are one file,
its parts named `<image1>`, `<image2>` in the text, also within sentences.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial

from data_scripts.sources.records import OpenedRow, text_of, texts_of

from .item import CHOICE, Benchmark, Item
from .prompts import render, template_text
from .rows import answer_of, images_of, items_of, letter_of, open_kind, question_of, read_rows

SPLITS = {"test": ("test",), "testmini": ("testmini",)}

_ALONE = re.compile(r"(?:^|\n)[ \t]*(?:<image\d*>[ \t]*)+(?=\n|$)|\s*(?:<image\d*>\s*)+\Z")
_WITHIN = re.compile(r"<image(\d*)>")


def without_tokens(question: str) -> str:
    """The question without image tokens; one within a sentence, which names a part of the figure, becomes words."""
    return _WITHIN.sub(lambda token: f"[picture {token[1]}]" if token[1] else "", _ALONE.sub("", question)).strip()


def parse(opened: OpenedRow) -> Item | None:
    """The item of a row; None for other subjects."""
    row = opened.row
    subject = text_of(row, "subject").lower()
    if "geometry" not in subject:
        return None
    choices, answer = texts_of(row.get("options")), answer_of(row)
    return Item(
        id=text_of(row, "id") or str(opened.position),
        question=without_tokens(question_of(row)),
        images=images_of(opened),
        choices=choices or None,
        answer=letter_of(answer, choices) if choices else answer,
        kind=CHOICE if choices else open_kind(answer),
        groups={"subject": subject, "level": text_of(row, "level")},
    )


def read(location: str, split: str, skipped: Counter[str]) -> Iterator[Item]:
    """The geometry items of a split."""
    yield from items_of(read_rows(location, split, SPLITS, hub_rows=tuple(SPLITS)), parse, skipped)


BENCHMARK = Benchmark(
    name="math_vision",
    splits=("test", "testmini"),
    items=read,
    prompt=partial(render, template_text("math_vision")),
    hub_id="MathLLMs/MathVision",
)
