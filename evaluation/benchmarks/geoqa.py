"""GeoQA (Chen et al. 2021, arXiv 2105.14517), the 754 test questions as G-LLaVA gives them: four choices, one figure.

Rows: `test_questions.jsonl` (`question_id`, `image`, `text` with instruction, question and choices) and, beside it,
`test_answers.jsonl` (`question_id`, `text`: the letter). Rows that carry their own answer, by letter or by value, are
read as well.

Traps: the questions say nothing of the answers, so both files are needed; choices such as `C:.40°` keep a full stop
of the original (`C. 40°`), which is no decimal point; the original release is pickles, which are not read.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from data_scripts.sources.conversations import question_and_choices
from data_scripts.sources.records import BadRow, OpenedRow, text_of

from .item import CHOICE, Benchmark, Item
from .prompts import render, template_text
from .rows import images_of, items_of, letter_of, open_kind, question_of, read_rows

SPLITS = {
    "train": ("qa_tuning", "alignment", "train"),  # lies beside them
    "answers": ("test_answer", "test_answers"),  # told before "test", which their name holds, too
    "test": ("test_question", "test_questions", "test_prompts", "geoqa_test", "geoqa", "test"),
}


def parse(opened: OpenedRow, answers: dict[str, str]) -> Item:
    """The item of a row; `answers` holds those that rows lack, by id."""
    row = opened.row
    question, choices = question_and_choices(question_of(row, "text", "question", "problem"))
    choices = tuple(choice.lstrip(".").strip() for choice in choices)
    name = text_of(row, "question_id", "id") or str(opened.position)
    answer = text_of(row, "answer", "label", "ground_truth") or answers.get(name, "")
    if not answer:
        raise BadRow("row: no answer")
    kind = CHOICE if choices else open_kind(answer)
    return Item(
        id=name,
        question=question,
        images=images_of(opened),
        choices=choices or None,
        answer=letter_of(answer, choices) if choices else answer,
        kind=kind,
    )


def read(location: str, split: str, skipped: Counter[str]) -> Iterator[Item]:
    """The items of the test set, their answers joined by id."""
    found = list(read_rows(location, split, SPLITS))
    answers: dict[str, str] = {}
    if not any(text_of(opened.row or {}, "answer", "label", "ground_truth") for opened in found):
        answers = _answers(location)
    yield from items_of(found, partial(parse, answers=answers), skipped)


def _answers(location: str) -> dict[str, str]:
    try:
        rows = [opened.row or {} for opened in read_rows(location, "answers", SPLITS)]
    except ValueError as error:
        raise ValueError(
            f"the rows of {location} have no answers, and test_answers.jsonl is not beside them ({error})"
        ) from None
    return {text_of(row, "question_id", "id"): text_of(row, "text", "answer", "label") for row in rows}


BENCHMARK = Benchmark(
    name="geoqa",
    splits=("test",),
    items=read,
    prompt=partial(render, template_text("geoqa")),
)
