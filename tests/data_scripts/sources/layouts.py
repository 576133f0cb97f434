"""Small data sets in the shape of the public ones, made from nothing: rows of our own wording, pictures of a line."""

import io
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw


def picture(number: int, kind: str = "PNG", size: int = 24) -> bytes:
    """A picture that differs for each number."""
    image = Image.new("RGB", (size, size), "white")
    ImageDraw.Draw(image).line((1, 1 + number % (size - 2), size - 2, 2 + number // (size - 2)), fill="black")
    buffer = io.BytesIO()
    image.save(buffer, format=kind)
    return buffer.getvalue()


def said(asked: str, answered: str) -> list[dict]:
    return [{"from": "human", "value": asked}, {"from": "gpt", "value": answered}]


def alignment_rows(count: int = 3) -> list[dict]:
    return [
        {
            "image": f"geo3k/{n}.png",
            "conversations": said("<image>\nSay what is drawn.", f"Triangle ABC has AB = {n}."),
        }
        for n in range(count)
    ]


def qa_rows(count: int = 3) -> list[dict]:
    asked = (
        "<image>\nReason first, then choose, as in Answer: xxx.\nQuestion: Side AB is {n}. Find AC.\n"
        "Choices:\nA: 1{n}\nB: 2{n}\nC: 3{n}"
    )
    return [
        {
            "image": f"geoqa_plus/{n}.png",
            "conversations": said(asked.format(n=n), f"AC is twice AB and more.\nAnswer:{'ABC'[n % 3]}"),
        }
        for n in range(count)
    ]


def mavis_row(n: int, image: object) -> dict:
    return {
        "image_text_lite": image,
        "image_vision_only": image,
        "text_en": {
            "diagram_generation": f"Draw a square of side {n}.",
            "caption": f"Square ABCD has side {n}.",
            "text_lite_question": "What is the area of ABCD?",
            "vision_only_question": "",
            "CoT_reasoning": f"The area is the side squared, {n * n}.",
        },
        "choices": [str(n * n + i) for i in range(4)],
        "answer_index": 0,
    }


def mm_math_rows(count: int = 3) -> list[dict]:
    return [
        {
            "question": f"In the figure AB = {n}. What is AC?",
            "file_name": f"{n}.png",
            "solution": f"Since AC is twice AB, AC = \\boxed{{\\frac{{{2 * n}}}{{1}}}}.",
            "year": ["七年级", "八年级", "nine"][n % 3],
            "difficult": ["容易", "普通", "hard"][n % 3],
            "knowledge": {"level_1": "Geometry", "level_2": "Triangles"},
        }
        for n in range(count)
    ]


def align_row(n: int, negatives: int = 3) -> dict:
    """A row of MM-Math-Align with the image bytes inside, as a parquet of the Hub would hold it."""
    return {
        "original_image": {"bytes": picture(100 + n), "path": None},
        "positive_image": {"bytes": picture(200 + n), "path": None},
        "caption": f"AB = {n}.",
        "negative_images": [{"bytes": picture(300 + 10 * n + i), "path": None} for i in range(negatives)],
        "negative_captions": [f"AB = {n + i + 1}." for i in range(negatives)],
    }


def geometry3k_rows(count: int = 3) -> list[dict]:
    return [
        {
            "images": [{"bytes": picture(n), "path": None}],
            "problem": "<image>Find x.",
            "answer": str(10 + n),
            "choices": [str(9 + n), str(10 + n), str(11 + n), str(12 + n)],
            "ground_truth": "B",
            "id": n,
        }
        for n in range(count)
    ]


def write_images(folder: Path, names: dict[str, int]) -> None:
    for name, number in names.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(number))


def write_zip(path: Path, members: dict[str, bytes | str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_rows(path: Path, rows: list) -> Path:
    """Rows in the form that the file's suffix tells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    else:
        path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return path
