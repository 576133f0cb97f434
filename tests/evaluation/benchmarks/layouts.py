"""The public benchmarks in the layouts they are published in, made from nothing: own questions, pictures of a line.

Each function writes a folder and returns it. Beside what belongs to the benchmark lies what is found beside it in
public: other splits, other subjects, second copies.
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.data_scripts.sources.layouts import picture


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def write_lines(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_picture(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(number))


def geoqa(folder: Path) -> Path:
    """As G-LLaVA: questions and answers in two files, images in a folder of their own; training rows beside them."""
    text = (
        "\nReason first, then choose, as in Answer: xxx.\n"
        "Question:In triangle ABC, angle A = {n}0.0, so angle B is ()\n"
        "Choices:\nA:40°\nB:.60°\nC:1{n}0°\nD:140°"
    )
    rows = [{"question_id": n, "image": f"test/{n}.png", "text": text.format(n=n)} for n in range(3)]
    write_lines(folder / "test_questions.jsonl", rows)
    write_lines(folder / "test_answers.jsonl", [{"question_id": n, "text": "DBA"[n]} for n in (2, 0, 1)])
    write_json(folder / "qa_tuning.json", [{"image": "geo3k/1.png", "conversations": []}])
    for n in range(3):
        write_picture(folder / "images" / "test" / f"{n}.png", n)
    return folder


def mathvista_row(pid: int, task: str, skills: list[str], **more: object) -> dict:
    row = {
        "question": f"Figure {pid}: how long is AB?",
        "image": f"images/{pid}.jpg",
        "choices": None,
        "unit": None,
        "precision": None,
        "answer": "4",
        "question_type": "free_form",
        "answer_type": "integer",
        "pid": str(pid),
        "metadata": {"split": "testmini", "task": task, "skills": skills, "source": "Own", "grade": "high school"},
    }
    return row | more


def mathvista_rows() -> list[dict]:
    gps, alg = "geometry problem solving", "algebraic reasoning"
    choices = {"choices": ["B", "A", "3 cm", "5 cm"], "answer_type": "text", "question_type": "multi_choice"}
    return [
        mathvista_row(1, gps, ["geometry reasoning", alg], **choices, answer="3 cm"),
        mathvista_row(2, gps, ["geometry reasoning"], **choices, answer="A"),  # a value that is a letter
        mathvista_row(3, "textbook question answering", [alg], answer="1.2", answer_type="float", precision=1.0),
        mathvista_row(4, "figure question answering", ["statistical reasoning"]),
        mathvista_row(5, "figure question answering", [alg], answer="[0, 2]", answer_type="list", unit="cm"),
        mathvista_row(6, gps, [alg], **choices, answer="7 cm"),  # none of the choices
    ]


def mathvista(folder: Path) -> Path:
    """As the repository's data folder: one object of rows by pid, the same once more annotated, other files."""
    rows = {row["pid"]: row for row in mathvista_rows()}
    write_json(folder / "data" / "testmini.json", rows)
    write_json(folder / "data" / "annot_testmini.json", rows)
    write_json(folder / "data" / "query.json", {pid: {"query": "?"} for pid in rows})
    for pid in rows:
        write_picture(folder / "data" / "images" / f"{pid}.jpg", int(pid))
    return folder


def mathvista_hub(folder: Path) -> Path:
    """As a snapshot of the Hub: parquet with pixels in `decoded_image`, and a path that leads nowhere."""
    rows = [row | {"decoded_image": {"bytes": picture(int(row["pid"])), "path": None}} for row in mathvista_rows()]
    rows = [row | {"precision": float(row["precision"] or 0) or None} for row in rows]
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "testmini-00000-of-00001-725687bf7a18d64b.parquet")
    pq.write_table(pa.Table.from_pylist(rows[:1]), folder / "data" / "test-00000-of-00001.parquet")
    return folder


OPTIONS = ("A. 3 cm;B. 2 cm;C. D. 5 cm; D. No correct answer", "A. F;    B. D;    C. B;    D. A; E. No correct answer")


def we_math_rows(number: int, steps: int) -> list[dict]:
    """The rows of one problem: its steps, then the whole."""
    keys = [f"{steps}steps_{step}" for step in (*range(1, steps + 1), "multi")]
    return [
        {
            "ID": f"{steps}steps_{number}",
            "split": "testmini",
            "knowledge concept": "Angles",
            "question": f"Problem {number} of {steps} steps: what is asked in {key}?",
            "option": OPTIONS[index % 2],
            "answer": "ABCD"[(number + index) % 4],
            "image_path": f"{steps}steps/image/{number}-{key.rpartition('_')[2]}.png",
            "key": key,
            "question number": number,
        }
        for index, key in enumerate(keys)
    ]


def we_math(folder: Path, problems: int = 2) -> Path:
    """As the repository's data folder: testmini.json beside 2steps/image and 3steps/image."""
    rows = [row for steps in (2, 3) for number in range(1, problems + 1) for row in we_math_rows(number, steps)]
    write_json(folder / "testmini.json", rows)
    write_json(folder / "json" / "Two-steps.json", [{"ID": 1, "question": "?"}])
    for index, row in enumerate(rows):
        write_picture(folder / row["image_path"], index)
    return folder


def we_math_hub(folder: Path) -> Path:
    """As on the Hub: parquet whose `image_path` holds the picture."""
    rows = [row for steps in (2, 3) for number in (1, 2) for row in we_math_rows(number, steps)]
    rows = [row | {"image_path": {"bytes": picture(i), "path": row["image_path"]}} for i, row in enumerate(rows)]
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "testmini-00000-of-00001.parquet")
    return folder


def mm_math(folder: Path) -> Path:
    """As on the Hub: one file of lines and a folder (or zip) of images; difficulty in Chinese or English."""
    rows = [
        {
            "question": f"In figure {n}, find AB and BC." if n == 2 else f"In figure {n}, find AB.",
            "file_name": f"{n}.png",
            "solution": solution,
            "year": "八年级",
            "difficult": level,
            "knowledge": {"1": "triangles"},
        }
        for n, (level, solution) in enumerate(
            [
                ("容易", "AB is twice CD, so \\boxed{6}"),
                ("普通", "By Pythagoras \\boxed{2\\sqrt{3}}"),
                ("困难", "First \\boxed{3}, then \\boxed{4}."),
                ("hard", "It goes on and states nothing."),
            ]
        )
    ]
    rows[1]["file_name"] = None  # a question without a figure
    write_lines(folder / "MM_Math" / "MM_Math.jsonl", rows)
    for n in range(4):
        write_picture(folder / "MM_Math" / "Image" / f"{n}.png", n)
    return folder


def visonlyqa_row(n: int, category: str, task: str, question: str, options: list[str], answer: str) -> dict:
    return {
        "image_path": f"images/Own/{n}.png",
        "question": question,
        "answer": answer,
        "prompt_reasoning": question + "\n\nExplain.",
        "prompt_no_reasoning": question,
        "image_category": category,
        "task_category": task,
        "question_type": "single_answer",
        "response_options": options,
        "source": "Own",
        "id": f"visonlyqa_{n}",
    }


def visonlyqa(folder: Path) -> Path:
    """As the repository: one file per task, images beside the folders of tasks."""
    estimate = "Estimate the angle OAB. (a) 90 degrees (b) 10 degrees (c) 135 degrees "
    true_or_false = "There is no triangle ADP in the figure. True or False?\n\nA triangle has three edges."
    real, synthetic = folder / "real", folder / "synthetic"
    letters = ["a", "b", "c"]
    write_lines(real / "geometry__angle.jsonl", [visonlyqa_row(0, "geometry", "angle", estimate, letters, "b")])
    told = visonlyqa_row(1, "geometry", "triangle", true_or_false, ["True", "False"], "False")
    write_lines(real / "geometry__triangle.jsonl", [told])
    write_lines(real / "charts__extraction.jsonl", [visonlyqa_row(2, "charts", "extraction", estimate, letters, "a")])
    drawn = visonlyqa_row(3, "syntheticgeometry", "angle", estimate, letters, "c")
    write_lines(synthetic / "syntheticgeometry__angle.jsonl", [drawn])
    for n in range(4):
        write_picture(folder / "images" / "Own" / f"{n}.png", n)
    return folder


def math_vision(folder: Path) -> Path:
    """As the repository: data/test.jsonl and data/testmini.jsonl, images at the root, others' outputs beside them."""
    letters = ["A", "B", "C", "D", "E"]
    rows = [
        ("1", "Which number is missing?\n<image1>", [], "60", "arithmetic"),
        ("2", "Which kite has the longest string?\n<image1>", letters, "C", "metric geometry - length"),
        ("3", "The ant <image1> walks home <image2>. How far?\n<image6>\n<image7>", [], "7", "analytic geometry"),
        ("4", "What is the area? <image1>", ["$2+4$", "$2 \\cdot 4$"], "B", "metric geometry - area"),
    ]
    rows = [
        {"id": i, "question": q, "options": o, "answer": a, "solution": None, "level": 2, "subject": s}
        | {"image": f"images/{i}.jpg"}
        for i, q, o, a, s in rows
    ]
    write_lines(folder / "data" / "test.jsonl", rows)
    write_lines(folder / "data" / "testmini.jsonl", rows[:2])
    write_lines(folder / "outputs" / "model.jsonl", [{"id": "1", "response": "A"}])
    for row in rows:
        write_picture(folder / row["image"], int(row["id"]))
    return folder
