"""Geometry3K (Lu et al. 2021, Inter-GPS) as questions: 2,101 / 300 / 601 rows. Licence: MIT.

Rows of `hiyouga/geometry3k`: `images`, `problem` (with an image token), `answer`; in later versions also `id`,
`choices` and `ground_truth`. Rows of the original release, one data.json per problem: `problem_text` (or
`compact_text`), `choices`, `answer` (a letter), `id`, and img_diagram.png beside it.

Traps: `answer` is a value in one and a letter in the other; numbers come with spaced LaTeX (`2 \\sqrt { 3 }`). There
are no worked solutions. The figures as logic forms are read by `geometry3k`.
"""

from . import answers
from .conversations import question_and_choices
from .records import BadRow, OpenedRow, text_of, texts_of
from .source import Source

DRAWING = "img_diagram.png"  # of the original release; img_diagram_point.png shows named points on top


def parse(opened: OpenedRow, split: str) -> dict:
    """The fields of a record."""
    row = opened.row
    image = opened.image(row.get("images") or row.get("image") or DRAWING)
    question, choices = question_and_choices(
        text_of(row, "problem", "annotat_text", "compact_text", "problem_text", "question")
    )
    choices = texts_of(row.get("choices")) or choices
    if not question:
        raise BadRow("row: no question")
    given = [text_of(row, name) for name in ("answer", "ground_truth")]
    found = [answer for value in given if value and (answer := answers.with_choices(value, choices))]
    if not found:
        raise BadRow("row: the answer is none of the choices" if any(given) else "row: no answer stated")
    return {"image": image, "question": question, "choices": choices, "answer": found[0]}


SOURCE = Source(
    name="geometry3k_qa",
    hub_id="hiyouga/geometry3k",
    license="mit",
    splits={"train": ("train",), "validation": ("validation", "val", "dev"), "test": ("test",)},
    parse=parse,
    questions="train",
    hub_rows=("train", "validation", "test"),
)
