"""Questions of public data sets as rows for TRL's SFTTrainer, with completions that end in the boxed answer."""

from collections import Counter

from ..instructions import CHOICE_INSTRUCTION, INSTRUCTION
from .answers import LETTERS, MAX_ANSWER, without_statement
from .records import Record


def sft_row(record: Record, skipped: Counter[str]) -> dict | None:
    """The row of a record with a question, or None, counted in `skipped` by reason.

    Questions are put as our own are: with choices as `(A) 30`, one a line, of which the letter is asked, or openly.
    The completion is the solution without its boxes and without a line that only states the answer, then the answer in
    the one box (the paper's format, section 4); where a source has no solution, the answer stands alone.

    Returns:
        `id`, `kind` (the source), `prompt` and `completion` (conversational), `images` (undecoded, one or none),
        `answer` (what stands in the box), `value`, `choices` and an empty `script`: nothing says how to draw the
        figure.
    """
    if not record.question or not record.answer:
        skipped["question: none" if not record.question else "question: no answer"] += 1
        return None
    answer = " ".join(record.answer.split())
    if len(answer) > MAX_ANSWER or not _balanced(answer):
        skipped["question: its answer cannot be boxed"] += 1
        return None
    steps, value = without_statement(record.solution or ""), answer
    if record.choices:
        answer, value = answer[1], answer[3:].strip()  # of `(C) 40`
        listed = [f"({letter}) {value}" for letter, value in zip(LETTERS, record.choices, strict=False)]
        prompt = "\n".join([record.question, *listed, CHOICE_INSTRUCTION])
        steps = f"{steps} This is choice ({answer}).".lstrip()
    else:
        prompt = f"{record.question} {INSTRUCTION}"
    return {
        "id": record.id,
        "kind": record.source,
        "prompt": [{"role": "user", "content": prompt}],
        "completion": [{"role": "assistant", "content": f"{steps} \\boxed{{{answer}}}".lstrip()}],
        "images": [{"bytes": record.image, "path": None}] if record.image else [],
        "answer": answer,
        "value": value,
        "choices": list(record.choices),
        "script": "",
    }


def _balanced(text: str) -> bool:
    depth = 0
    for character in text.replace("\\{", "").replace("\\}", ""):
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0
