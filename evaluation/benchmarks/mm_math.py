"""MM-Math (Sun et al. 2024, arXiv 2404.05091): open questions of Chinese middle-school exams, easy, medium and hard.

Rows and traps are those of the training source, `data_scripts.sources.mm_math`: the gold answer is what the solution
boxes, several boxes are one answer of several parts, difficulty is told in Chinese or English, some questions have no
figure. A row is known by its `id` if it has one, else by its position in the file.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from data_scripts.sources import answers
from data_scripts.sources.conversations import without_image
from data_scripts.sources.mm_math import SOURCE, difficulty, grade
from data_scripts.sources.records import BadRow, OpenedRow, text_of

from .item import Benchmark, Item
from .prompts import render, template_text
from .rows import images_of, items_of, open_kind, question_of, read_rows

SPLITS = {"test": ("test", "mm_math", "train")}  # published as one file, which nothing is trained on here


def parse(opened: OpenedRow) -> Item:
    """The item of a row."""
    row = opened.row
    answer = answers.stated_answer(text_of(row, "solution", "answer")) or text_of(row, "answer")
    if not answer:
        raise BadRow("row: no answer stated")
    level, year = difficulty(text_of(row, "difficult", "difficulty")), grade(text_of(row, "year", "grade"))
    groups = {"difficulty": level, "grade": year}
    return Item(
        id=text_of(row, "id", "ID", "question_id") or str(opened.position),
        question=without_image(question_of(row, "question", "problem")),
        images=images_of(opened),
        choices=None,
        answer=answer,
        kind=open_kind(answer),
        groups={name: str(value) for name, value in groups.items() if value is not None},
    )


def read(location: str, split: str, skipped: Counter[str]) -> Iterator[Item]:
    """All items, of every difficulty."""
    yield from items_of(read_rows(location, split, SPLITS), parse, skipped)


BENCHMARK = Benchmark(
    name="mm_math",
    splits=("test",),
    items=read,
    prompt=partial(render, template_text("mm_math")),
    hub_id=SOURCE.hub_id,
)
