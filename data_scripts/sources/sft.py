"""Questions of public data sets as rows for TRL's SFTTrainer, with completions that end in the boxed answer."""

from collections import Counter

from ..questions import INSTRUCTION
from . import answers
from .answers import LETTERS, MAX_ANSWER
from .records import Record


def sft_row(record: Record, skipped: Counter[str]) -> dict | None:
    """The row of a record with a question, or None, counted in `skipped` by reason.

    The prompt is the question, its choices as `(A) 30`, one a line, and the instruction of our own questions. The
    completion is the solution without its boxes and without a line that only states the answer, then the answer in the
    one box (the paper's format, section 4); where a source has no solution, the box stands alone.

    Returns:
        `id`, `kind` (the source), `prompt` and `completion` (conversational), `images` (undecoded, one or none), and
        `answer`: what stands in the box.
    """
    if not record.question or not record.answer:
        skipped["question: none" if not record.question else "question: no answer"] += 1
        return None
    answer = " ".join(record.answer.split())
    if len(answer) > MAX_ANSWER or not _balanced(answer):
        skipped["question: its answer cannot be boxed"] += 1
        return None
    choices = [f"({letter}) {value}" for letter, value in zip(LETTERS, record.choices, strict=False)]
    steps = answers.without_statement(record.solution or "")
    return {
        "id": record.id,
        "kind": record.source,
        "prompt": [{"role": "user", "content": "\n".join([record.question, *choices, INSTRUCTION])}],
        "completion": [{"role": "assistant", "content": f"{steps}\n\\boxed{{{answer}}}".lstrip()}],
        "images": [{"bytes": record.image, "path": None}] if record.image else [],
        "answer": answer,
    }


def _balanced(text: str) -> bool:
    depth = 0
    for character in text.replace("\\{", "").replace("\\}", ""):
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0
