"""VisOnlyQA (Kamoi et al. 2024, arXiv 2412.00947), geometry: what does the figure show? Nothing is to be calculated.

The split `real` asks about figures of MathVista (triangle, quadrilateral, length, angle, area, diameter or radius),
`synthetic` about drawn ones; questions on chemistry, charts and solids give no item. One file or Hub split per task.
Rows: `image_path`, `decoded_image` (on the Hub), `question`, `answer`, `image_category`, `task_category`,
`question_type`, `response_options`, `source`, `id`, and two prompts that are not used here.

Traps: choices stand in the question as `(a) 1 (b) 0.5` and are asked for in lower case; statements to be judged have
`True` and `False` as choices; the figures are MathVista's, so whoever trains on those has seen them.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from data_scripts.sources.places import HUB_ID, loaded_rows
from data_scripts.sources.records import BadRow, OpenedRow, text_of, texts_of

from .item import CHOICE, Benchmark, Item
from .prompts import render, template_text
from .rows import answer_of, images_of, items_of, letter_of, lettered_choices, question_of, read_rows

SPLITS = {"real": ("geometry",), "synthetic": ("syntheticgeometry",)}
TASKS = {
    "real": ("triangle", "quadrilateral", "length", "angle", "area", "diameter_radius"),
    "synthetic": ("triangle", "quadrilateral", "length", "angle", "area"),
}


def parse(opened: OpenedRow, split: str) -> Item | None:
    """The item of a row; None for what is no geometry, or of the other split."""
    row = opened.row
    if text_of(row, "image_category") not in SPLITS[split]:
        return None
    if text_of(row, "question_type") not in ("", "single_answer"):
        raise BadRow("row: several answers")
    question, options = question_of(row), texts_of(row.get("response_options"))
    choices = tuple(option for option in options if len(option) > 1)  # True, False; a, b, .. stand in the question
    if not choices:
        choices = lettered_choices(question)
        question = question[: question.find("(a)")].strip() if "(a)" in question else question
    if not choices or (options and len(options) != len(choices)):
        raise BadRow("row: no choices")
    return Item(
        id=text_of(row, "id") or f"{text_of(row, 'task_category')}/{opened.position}",
        question=question,
        images=images_of(opened),
        choices=choices,
        answer=letter_of(answer_of(row), choices),
        kind=CHOICE,
        groups={"task": text_of(row, "task_category"), "source": text_of(row, "source")},
    )


def _rows(location: str, split: str) -> Iterator[OpenedRow]:
    if not Path(location).exists() and HUB_ID.fullmatch(location):
        for task in TASKS[split]:
            yield from loaded_rows(location, f"{SPLITS[split][0]}__{task}")
    else:
        yield from read_rows(location, split, SPLITS)


def read(location: str, split: str, skipped: Counter[str]) -> Iterator[Item]:
    """The geometry items of a split, task after task."""
    yield from items_of(_rows(location, split), partial(parse, split=split), skipped)


BENCHMARK = Benchmark(
    name="visonlyqa",
    splits=("real", "synthetic"),
    items=read,
    prompt=partial(render, template_text("visonlyqa")),
    hub_id="ryokamoi/VisOnlyQA_Eval_Real_v1.1",
    other_homes={"synthetic": "ryokamoi/VisOnlyQA_Eval_Synthetic"},
)
