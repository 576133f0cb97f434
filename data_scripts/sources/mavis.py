"""MAVIS (Zhang et al. 2024, arXiv 2407.08739): synthetic geometry figures with captions, questions and reasoning.

Two forms are read. MAVIS-Geometry (`CaraJ/MAVIS-Geometry`, split `visualization` on the Hub): several drawings of one
problem, `image_text_lite`, `image_vision_dominant`, ..; `text_en` with `diagram_generation`, `caption`, one
`.._question` for each drawing, and `CoT_reasoning`; `choices`, `answer_index`. MAVIS-Caption and MAVIS-Instruct: LLaVA
conversations with `image`, and `question_type`, `subject`.

Traps: a drawing goes with its own question only (one says in words what the other shows); in `.._only` drawings the
question is part of the picture, so they come last; `text_en` may be JSON as text; paths say
`RuleBaseGeo_For_Vision_Dominant/` where the zip says `rule_base_geo_vision_dom/`. The licence was not found on a card.
"""

import json
from collections.abc import Mapping

from . import answers
from .conversations import first_exchange, split_choices, without_image
from .geo170k import asked_and_answered
from .records import BadRow, OpenedRow, text_of, texts_of
from .source import Source

DRAWINGS = (
    "text_lite",
    "vision_dominant",
    "text_dominant",
    "vision_intensive",
)  # those that leave the most to see first
FOLDERS = {"RuleBaseGeo_For_Vision_Dominant": "rule_base_geo_vision_dom"}  # as in the rows -> as in the zip


def parse(opened: OpenedRow, split: str) -> dict:
    """The fields of a record: a caption, a question, or both."""
    row = opened.row
    if row.get("conversations") is not None:
        return _conversation(opened)
    texts = row.get("text_en")
    if isinstance(texts, str):
        try:
            texts = json.loads(texts)
        except (ValueError, RecursionError):
            texts = None
    if not isinstance(texts, Mapping):
        raise BadRow("row: no text_en")
    drawing, image = _drawing(opened, texts)
    fields: dict = {"image": image, "caption": text_of(texts, "caption", "diagram_generation") or None}
    question = without_image(text_of(texts, f"{drawing}_question", "question"))
    choices = _choices(row)
    if question:
        solution = text_of(texts, "CoT_reasoning", "cot_reasoning", "reasoning")
        answer = _answer(row, choices, solution)
        fields |= {"question": question, "choices": choices, "answer": answer, "solution": solution or None}
    if not question and not fields["caption"]:
        raise BadRow("row: neither caption nor question")
    return fields | {"metadata": {"drawing": drawing} if drawing else {}}


def _conversation(opened: OpenedRow) -> dict:
    row = opened.row
    path = text_of(row, "image", "image_path")
    for told, real in FOLDERS.items():
        path = path.replace(told, real)
    image = opened.image(path or row.get("image"))
    metadata = {key: value for key in ("question_type", "subject") if (value := text_of(row, key))}
    asked, answered = first_exchange(row["conversations"])
    if metadata.get("question_type") or "question:" in asked.lower() or "choices:" in asked.lower():
        return {"image": image, **asked_and_answered(row["conversations"]), "metadata": metadata}
    return {"image": image, "caption": answered, "metadata": metadata}


def _drawing(opened: OpenedRow, texts: Mapping) -> tuple[str, bytes]:
    """The first drawing that there is, of those with a question of their own if any: its name and image."""
    names = [key.removeprefix("image_") for key, value in opened.row.items() if key.startswith("image_") and value]
    names.sort(key=lambda n: (f"{n}_question" not in texts, "only" in n, (*DRAWINGS, n).index(n), n))
    if names and names[0] != "path":
        return names[0], opened.image(opened.row[f"image_{names[0]}"])
    return "", opened.image(opened.row.get("image") or opened.row.get("image_path"))


def _choices(row: Mapping) -> tuple[str, ...]:
    choices = row.get("choices")
    return split_choices(choices) if isinstance(choices, str) else texts_of(choices)


def _answer(row: Mapping, choices: tuple[str, ...], solution: str) -> str | None:
    """The answer given, else what the solution states; None if neither is one of the choices (the caption may do)."""
    if (at := answers.choice_at(row.get("answer_index"), choices)) is not None:
        return at
    said = (text_of(row, "answer"), answers.stated_answer(solution))
    return next((found for text in said if text and (found := answers.with_choices(text, choices))), None)


SOURCE = Source(
    name="mavis",
    hub_id="CaraJ/MAVIS-Geometry",
    license="unknown",
    splits={"train": ("train",), "visualization": ("visualization",)},
    parse=parse,
    captions="train",
    questions="train",
    hub_rows=("visualization",),
)
