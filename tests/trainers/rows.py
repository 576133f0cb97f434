"""Small data sets of hard negatives and of questions, drawn on the spot.

A figure shows one shape at one place; its caption says which and where, and each negative differs in one of the two.
"""

import io
from typing import Any

from datasets import Dataset, Features, Image, List, Value
from PIL import Image as PILImage
from PIL import ImageDraw

SHAPES = ("triangle", "square", "circle", "line")
SIZE = 32

HARD_NEGATIVES = Features(
    {
        "id": Value("string"),
        "image": Image(),
        "caption": Value("string"),
        "negative_images": List(Image()),
        "negative_captions": List(Value("string")),
        "rule_captions": List(Value("string")),
        "retrieved_captions": List(Value("string")),
    }
)


def draw(shape: str, place: int) -> PILImage.Image:
    """One of `SHAPES` at one of nine places."""
    image = PILImage.new("L", (SIZE, SIZE), "white")
    pen = ImageDraw.Draw(image)
    x, y = 2 + 10 * (place % 3), 2 + 10 * (place // 3)
    if shape == "triangle":
        pen.polygon([(x, y + 8), (x + 8, y + 8), (x + 4, y)], outline="black")
    elif shape == "square":
        pen.rectangle([x, y, x + 8, y + 8], outline="black")
    elif shape == "circle":
        pen.ellipse([x, y, x + 8, y + 8], outline="black")
    else:
        pen.line([x, y, x + 8, y + 8], fill="black")
    return image


def caption(shape: str, place: int) -> str:
    return f"In the figure, a {shape} is at {'ABCDEFGHI'[place]}"


def encoded(image: PILImage.Image) -> dict[str, Any]:
    """An image as a row stores it."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


def truncated(image: PILImage.Image) -> dict[str, Any]:
    """The first bytes of an image: enough to open, too few to decode."""
    return {"bytes": encoded(image)["bytes"][:60], "path": None}


def hard_negative_row(index: int, num_images: int = 2, num_rules: int = 2, num_retrieved: int = 1) -> dict[str, Any]:
    """Row number `index` with as many negatives of each family."""
    shape, place = SHAPES[index % 4], index % 9
    others = [(SHAPES[(index + 1 + k) % 4], place) if k % 4 != 3 else (shape, (place + k) % 9) for k in range(20)]
    return {
        "id": f"row-{index}",
        "image": encoded(draw(shape, place)),
        "caption": caption(shape, place),
        "negative_images": [encoded(draw(*other)) for other in others[:num_images]],
        "negative_captions": [caption(*other) for other in others[:num_images]],
        "rule_captions": [f"{caption(*others[k % 3])}, {k} degrees" for k in range(num_rules)],
        "retrieved_captions": [caption(shape, (place + 1 + k) % 9) for k in range(num_retrieved)],
    }


def hard_negatives(rows: list[dict[str, Any]] | int) -> Dataset:
    """A data set of the given rows, or of so many with 0 to 3 negatives of each family."""
    if isinstance(rows, int):
        rows = [hard_negative_row(k, k % 3, (k + 1) % 4, (k + 2) % 3) for k in range(rows)]
    return Dataset.from_list(rows, features=HARD_NEGATIVES)


QUESTIONS = Features(
    {
        "id": Value("string"),
        "images": List(Image()),
        "prompt": [{"role": Value("string"), "content": Value("string")}],
        "completion": [{"role": Value("string"), "content": Value("string")}],
        "answer": Value("string"),
    }
)


def question_row(index: int) -> dict[str, Any]:
    """A question about a figure, in the layout of SFT rows."""
    shape, place = SHAPES[index % 4], index % 9
    return {
        "id": f"question-{index}",
        "images": [encoded(draw(shape, place))],
        "prompt": [{"role": "user", "content": f"Find the angle of the {shape} at {'ABCDEFGHI'[place]}."}],
        "completion": [{"role": "assistant", "content": f"The angle is \\boxed{{{place}0}}"}],
        "answer": f"{place}0",
    }


def questions(rows: list[dict[str, Any]] | int) -> Dataset:
    """A data set of the given rows, or of so many."""
    rows = [question_row(k) for k in range(rows)] if isinstance(rows, int) else rows
    return Dataset.from_list(rows, features=QUESTIONS)
