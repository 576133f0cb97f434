"""Geo170K (Gao et al. 2023, G-LLaVA, arXiv 2312.11370): LLaVA conversations over the figures of Geometry3K and GeoQA+.

Rows: `image`, a path such as `geo3k/12.png`, and `conversations`. `alignment` (60,252) asks for a description,
`qa_tuning` (117,205) asks a question, mostly with choices, and answers with reasoning and `Answer: C`.
`test_question.jsonl` holds the GeoQA test (754): `question_id`, `image`, `text`.

Traps: the Hub's parquet holds paths only, the images are in images.zip; parquet and JSON hold the same rows; the zip
may or may not have a folder `images/`; many rows share one image; figures are those of Geometry3K, GeoQA+ and
MathVista GPS, so decontaminate by image and by text. The Hub card states no licence.
"""

from . import answers
from .conversations import first_exchange, question_and_choices
from .records import BadRow, OpenedRow, text_of
from .source import Source


def parse(opened: OpenedRow, split: str) -> dict:
    """The fields of a record."""
    row = opened.row
    image = opened.image(row.get("image") or row.get("images") or row.get("image_path"))
    metadata = {"path": path} if (path := text_of(row, "image", "image_path")) else {}
    if split == "alignment":
        asked, caption = first_exchange(row.get("conversations"))
        return {"image": image, "caption": caption, "metadata": metadata}
    if text := text_of(row, "text", "question"):  # the test questions
        question, choices = question_and_choices(text)
        gold = text_of(row, "answer", "label", "ground_truth")
        answer = answers.with_choices(gold, choices) if gold else None
        fields = {"question": question, "choices": choices, "answer": answer}
        return {"image": image, **fields, "metadata": metadata}
    return {"image": image, **asked_and_answered(row.get("conversations")), "metadata": metadata}


def asked_and_answered(conversations: object) -> dict:
    """Question, choices, answer and solution of a conversation; also for other sets in this form.

    Raises:
        BadRow: if no answer is stated, or it is none of the choices.
    """
    asked, solution = first_exchange(conversations)
    question, choices = question_and_choices(asked)
    stated = answers.stated_answer(solution)
    if not question or stated is None:
        raise BadRow("row: no question" if not question else "row: no answer stated")
    answer = answers.with_choices(stated, choices)
    if answer is None:
        raise BadRow("row: the answer is none of the choices")
    return {"question": question, "choices": choices, "answer": answer, "solution": solution}


SOURCE = Source(
    name="geo170k",
    hub_id="Luckyjhg/Geo170K",
    license="unknown",
    splits={
        "alignment": ("alignment", "align"),
        "qa_tuning": ("qa_tuning", "qa"),
        "test": ("test_question", "test_questions"),
    },
    parse=parse,
    captions="alignment",
    questions="qa_tuning",
)
