"""MM_Math (Sun et al. 2024, arXiv 2404.05091): 5,929 open questions of Chinese middle-school exams with worked
solutions.

Rows: MM_Math.jsonl with `question`, `file_name`, `solution` (the answer in `\\boxed{}`), `year` (grade), `difficult`,
`knowledge`; the images are in a zip beside it. Licence: MIT.

Traps: `load_dataset` finds the loose images only, so the Hub is read as files; values are Chinese in one version and
English in another (容易 / easy, 八年级 / eight); a solution of several parts has several boxes; `knowledge` may be an
object of levels; a question may have no image.
"""

import re
from collections.abc import Mapping

from . import answers
from .conversations import without_image
from .records import BadRow, OpenedRow, text_of
from .source import Source

DIFFICULTY = {
    **dict.fromkeys(("容易", "简单", "较易", "easy", "simple"), "easy"),
    **dict.fromkeys(("普通", "一般", "中等", "适中", "medium", "normal", "moderate", "ordinary"), "medium"),
    **dict.fromkeys(("困难", "较难", "难", "hard", "difficult"), "hard"),
}
GRADES = {
    **dict.fromkeys(("七", "初一", "7", "seven", "seventh"), 7),
    **dict.fromkeys(("八", "初二", "8", "eight", "eighth"), 8),
    **dict.fromkeys(("九", "初三", "9", "nine", "ninth"), 9),
}


def difficulty(value: str) -> str | None:
    """easy, medium or hard from the Chinese or English value; None if it is neither."""
    return DIFFICULTY.get(value.strip().lower())


def grade(value: str) -> int | None:
    """The school year, 7 to 9; None if it is not told."""
    words = re.findall(r"初?[一二三七八九]|[789]|[a-z]+", value.lower())
    return next((GRADES[word] for word in words if word in GRADES), None)


def parse(opened: OpenedRow, split: str) -> dict:
    """The fields of a record."""
    row = opened.row
    question = without_image(text_of(row, "question", "problem"))
    solution = text_of(row, "solution", "answer")
    if not question or not solution:
        raise BadRow("row: no question" if not question else "row: no solution")
    answer = answers.stated_answer(solution)
    if answer is None:
        raise BadRow("row: no answer stated")
    picture = row.get("image") or row.get("file_name")
    knowledge = row.get("knowledge")
    if isinstance(knowledge, Mapping):
        knowledge = " / ".join(str(v) for _, v in sorted(knowledge.items()) if v)
    elif isinstance(knowledge, list):
        knowledge = " / ".join(map(str, knowledge))
    metadata = {
        "difficulty": difficulty(text_of(row, "difficult", "difficulty")),
        "grade": grade(text_of(row, "year", "grade")),
        "knowledge": knowledge or None,
    }
    return {
        "image": opened.image(picture) if picture else None,
        "question": question,
        "answer": answer,
        "solution": solution,
        "metadata": {key: value for key, value in metadata.items() if value is not None},
    }


SOURCE = Source(
    name="mm_math",
    hub_id="THU-KEG/MM_Math",
    license="mit",
    splits={"train": ("train", "mm_math")},
    parse=parse,
    questions="train",
)
