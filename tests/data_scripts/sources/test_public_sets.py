"""Each public data set becomes records: what is read, in every shape it is known in, and what is refused."""

import json
from collections import Counter
from pathlib import Path

import pytest

from data_scripts.sources import CAPTION_SOURCES, QUESTION_SOURCES, SOURCES
from data_scripts.sources.mm_math import difficulty, grade
from data_scripts.sources.mm_math_align import find_roles
from data_scripts.sources.records import Record

from .layouts import (
    align_row,
    geometry3k_rows,
    mavis_row,
    mm_math_rows,
    picture,
    qa_rows,
    said,
    write_images,
    write_rows,
    write_zip,
)

PICTURE = {"bytes": picture(7), "path": None}


def read(name: str, location: Path, split: str | None = None) -> tuple[list[Record], Counter]:
    source, skipped = SOURCES[name], Counter()
    return list(source.read(str(location), split or next(iter(source.splits)), skipped)), skipped


def one(name: str, tmp_path: Path, row: dict, split: str | None = None) -> Record:
    records, skipped = read(name, write_rows(tmp_path / "rows.parquet", [row]), split)
    assert not skipped
    return records[0]


def refused(name: str, tmp_path: Path, row: object, split: str | None = None) -> str:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([row]))
    records, skipped = read(name, path, split)
    assert not records and sum(skipped.values()) == 1
    return next(iter(skipped))


def test_the_registry():
    assert all(name == source.name for name, source in SOURCES.items())
    assert all(SOURCES[name].captions in SOURCES[name].splits for name in CAPTION_SOURCES)
    assert all(SOURCES[name].questions in SOURCES[name].splits for name in QUESTION_SOURCES)
    assert all(set(source.hub_rows) <= set(source.splits) for source in SOURCES.values())
    with pytest.raises(ValueError, match="no split 'dev': expected one of alignment, qa_tuning, test"):
        SOURCES["geo170k"].rows("x", "dev")
    with pytest.raises(ValueError, match="no home on the Hub"):
        SOURCES["reference"].rows(None, "sft")


def test_reading_twice_gives_the_same(tmp_path):
    path = write_rows(tmp_path / "train.parquet", [align_row(n) for n in range(3)])
    assert read("mm_math_align", path) == read("mm_math_align", path)


def test_rows_of_one_picture_are_one_scene(tmp_path):
    write_images(tmp_path, {"geo3k/1.png": 1, "copy/1.png": 1, "geo3k/2.png": 2})
    names = ("geo3k/1.png", "copy/1.png", "geo3k/2.png")
    write_rows(tmp_path / "alignment.json", [{"image": n, "conversations": said("?", n)} for n in names])
    records, _ = read("geo170k", tmp_path)
    assert records[0].scene == records[1].scene != records[2].scene
    assert Record("a", "s", "train", question="Find x.").scene == Record("b", "t", "test", question="Find x.").scene


# --- Geo170K ---------------------------------------------------------------------------------------------------------


def test_geo170k_questions(tmp_path):
    write_rows(tmp_path / "qa_tuning.json", qa_rows())
    write_images(tmp_path / "images", {f"geoqa_plus/{n}.png": n for n in range(3)})
    records, skipped = read("geo170k", tmp_path, "qa_tuning")
    assert not skipped
    assert [(r.question, r.choices, r.answer) for r in records] == [
        ("Side AB is 0. Find AC.", ("10", "20", "30"), "(A) 10"),
        ("Side AB is 1. Find AC.", ("11", "21", "31"), "(B) 21"),
        ("Side AB is 2. Find AC.", ("12", "22", "32"), "(C) 32"),
    ]
    assert records[0].solution.startswith("AC is twice AB")
    assert records[0].metadata == {"path": "geoqa_plus/0.png"}


def test_geo170k_test_questions(tmp_path):
    row = {"question_id": 3, "image": "test/3.png", "text": "Choose.\nQuestion:Find x.\nChoices:\nA:1\nB:2"}
    write_images(tmp_path, {"images/test/3.png": 3})
    write_rows(tmp_path / "test_question.jsonl", [row])
    write_rows(tmp_path / "test_answers.jsonl", [{"question_id": 3, "text": "B"}])
    records, _ = read("geo170k", tmp_path, "test")
    assert [(r.question, r.choices, r.answer) for r in records] == [("Find x.", ("1", "2"), None)]


@pytest.mark.parametrize(
    "conversations, reason",
    [
        (said("Find x.", "It can be found."), "row: no answer stated"),
        (said("Find x.\nChoices:\nA: 1\nB: 2", "Answer: 3"), "row: the answer is none of the choices"),
        (said("<image>", "Answer: 3"), "row: no question"),
        ("none", "row: no conversation"),
    ],
)
def test_geo170k_refuses(tmp_path, conversations, reason):
    write_images(tmp_path, {"geo3k/1.png": 1})
    assert (
        refused("geo170k", tmp_path, {"image": "geo3k/1.png", "conversations": conversations}, "qa_tuning") == reason
    )


def test_broken_rows_among_good_ones(tmp_path):
    write_images(tmp_path, {"geo3k/0.png": 0, "geo3k/2.png": 2})
    (tmp_path / "geo3k/3.png").write_bytes(b"no picture")
    good = [{"image": f"geo3k/{n}.png", "conversations": said("?", f"{n}.")} for n in (0, 1, 2, 3)]
    lines = [*map(json.dumps, good), "[]", "{", json.dumps({"image": "../x.png", "conversations": said("?", "!")})]
    (tmp_path / "alignment.jsonl").write_text("\n".join(lines))
    records, skipped = read("geo170k", tmp_path)
    assert [(r.id, r.caption) for r in records] == [("geo170k/alignment/0", "0."), ("geo170k/alignment/2", "2.")]
    assert skipped == {
        "image: missing": 1,
        "image: unreadable": 1,
        "row: no JSON object": 2,
        "image: path leads outside": 1,
    }


# --- MAVIS -----------------------------------------------------------------------------------------------------------


def test_mavis_geometry(tmp_path):
    record = one("mavis", tmp_path, mavis_row(3, PICTURE))
    assert record.image == picture(7)
    assert record.caption == "Square ABCD has side 3."
    assert (record.question, record.choices) == ("What is the area of ABCD?", ("9", "10", "11", "12"))
    assert record.answer == "(A) 9" and "9" in record.solution
    assert record.metadata == {"drawing": "text_lite"}


def test_mavis_takes_a_drawing_with_its_own_question(tmp_path):
    row = mavis_row(3, PICTURE)
    row["image_vision_dominant"] = {"bytes": picture(8), "path": None}
    row["text_en"] = {"vision_dominant_question": "How large is it?", "caption": "A square."}
    record = one("mavis", tmp_path, row)
    assert (record.image, record.question) == (picture(8), "How large is it?")


def test_mavis_text_as_json_and_choices_as_text(tmp_path):
    row = mavis_row(3, PICTURE)
    row |= {"text_en": json.dumps(row["text_en"]), "choices": "A. 9 B. 12", "answer_index": "1"}
    assert one("mavis", tmp_path, row).answer == "(B) 12"


@pytest.mark.parametrize(
    "stated, answer",
    [
        ("The answer is 12.", "(D) 12"),
        ("Answer: A", "(A) 9"),
        ("The answer is 13.", None),
        ("It is so.", None),
    ],
)
def test_mavis_answers_that_only_the_solution_states(tmp_path, stated, answer):
    row = mavis_row(3, PICTURE)
    row["text_en"]["CoT_reasoning"] = stated
    record = one("mavis", tmp_path, {key: value for key, value in row.items() if key != "answer_index"})
    assert (record.answer, record.caption) == (answer, "Square ABCD has side 3.")


def test_mavis_conversations_and_their_paths(tmp_path):
    inside = "rule_base_geo_vision_dom/depth1/1.jpg"
    write_zip(tmp_path / "DataEngine_Geometry.zip", {inside: picture(1)})
    rows = [
        {
            "image": "RuleBaseGeo_For_Vision_Dominant/depth1/1.jpg",
            "question_type": "open-ended",
            "subject": "geometry",
            "conversations": said("<image>\nQuestion: AB = 11. Find CD.", "CD = AB.\nThe answer is 11.0"),
        },
        {"image": inside, "conversations": said("<image>\nDescribe.", "A square ABCD.")},
    ]
    write_rows(tmp_path / "train.json", rows)
    (first, second), skipped = read("mavis", tmp_path)
    assert not skipped
    assert (first.image, first.question, first.answer) == (picture(1), "AB = 11. Find CD.", "11.0")
    assert first.metadata == {"question_type": "open-ended", "subject": "geometry"}
    assert (second.caption, second.question) == ("A square ABCD.", None)


def test_mavis_refuses(tmp_path):
    assert refused("mavis", tmp_path, {"image": "1.png"}) == "row: no text_en"
    write_images(tmp_path, {"1.png": 1})
    assert refused("mavis", tmp_path, {"image": "1.png", "text_en": {}}) == "row: neither caption nor question"


# --- MM_Math ---------------------------------------------------------------------------------------------------------


def test_mm_math(tmp_path):
    write_rows(tmp_path / "MM_Math/MM_Math.jsonl", mm_math_rows())
    write_zip(tmp_path / "MM_Math/MM_Math.zip", {f"MM_Math/{n}.png": picture(n) for n in range(3)})
    records, skipped = read("mm_math", tmp_path)
    assert not skipped
    assert [r.image for r in records] == [picture(n) for n in range(3)]
    assert [r.answer for r in records] == [r"\frac{0}{1}", r"\frac{2}{1}", r"\frac{4}{1}"]
    assert [r.metadata["difficulty"] for r in records] == ["easy", "medium", "hard"]
    assert [r.metadata["grade"] for r in records] == [7, 8, 9]
    assert records[0].metadata["knowledge"] == "Geometry / Triangles"


def test_mm_math_without_a_picture(tmp_path):
    assert one("mm_math", tmp_path, mm_math_rows(1)[0] | {"file_name": ""}).image is None


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"question": ""}, "row: no question"),
        ({"solution": None}, "row: no solution"),
        ({"solution": "It follows."}, "row: no answer stated"),
        ({"file_name": "9.png"}, "image: missing"),
        ({"file_name": "../9.png"}, "image: path leads outside"),
    ],
)
def test_mm_math_refuses(tmp_path, change, reason):
    assert refused("mm_math", tmp_path, mm_math_rows(1)[0] | change) == reason


def test_difficulty_and_grade_in_both_languages():
    assert [difficulty(v) for v in ("容易", "普通", "困难", " Easy ", "medium", "hard")] == [
        "easy",
        "medium",
        "hard",
    ] * 2
    assert [grade(v) for v in ("七年级", "八", "初三", "seven", "grade 8", "9")] == [7, 8, 9] * 2
    assert difficulty("unheard of") is None and grade("university") is None and grade("") is None


# --- MM-Math-Align ---------------------------------------------------------------------------------------------------


def test_mm_math_align(tmp_path):
    record = one("mm_math_align", tmp_path, align_row(1))
    assert (record.image, record.original_image) == (picture(201), picture(101))
    assert record.caption == "AB = 1."
    assert record.negative_images == (picture(310), picture(311), picture(312))
    assert record.negative_captions == ("AB = 2.", "AB = 3.", "AB = 4.")


def test_mm_math_align_numbered_columns_out_of_order(tmp_path):
    row = {"image": PICTURE, "python_image": PICTURE, "positive_caption": "AB = 1."}
    for n in (10, 9, 1):
        row[f"neg_image_{n}"] = {"bytes": picture(n), "path": None}
        row[f"neg_caption_{n}"] = f"AB = {n + 1}."
    record = one("mm_math_align", tmp_path, row)
    assert record.negative_images == (picture(1), picture(9), picture(10))
    assert record.negative_captions == ("AB = 2.", "AB = 10.", "AB = 11.")
    assert record.original_image == picture(7)


def test_mm_math_align_from_the_training_json(tmp_path):
    write_images(tmp_path, {"p/1.png": 1, "n/1.png": 2, "n/2.png": 3})
    row = {
        "positive_image_path": "p/1.png",
        "negative_image_path": ["n/1.png", "n/2.png"],
        "conversations": [{"from": "humam", "value": "describe the image"}, {"from": "gpt", "value": "AB = 1."}],
    }
    write_rows(tmp_path / "train.json", [row])
    for name in ("mm_math_align", "reference"):
        (record,), skipped = read(name, tmp_path / "train.json")
        assert not skipped
        assert record.caption == "AB = 1." and record.negative_images == (picture(2), picture(3))


@pytest.mark.parametrize(
    "columns, redrawn, original",
    [
        (("image", "caption", "negative_images"), "image", None),
        (("originalImage", "positiveImage", "posCaption", "negImages"), "positiveImage", "originalImage"),
        (("original_image", "image", "caption", "negative captions"), "image", "original_image"),
        (("image", "redrawn image", "Caption", "Negative-Image-1", "Negative-Image-2"), "redrawn image", "image"),
    ],
)
def test_roles_of_columns(columns, redrawn, original):
    roles = find_roles(columns)
    assert roles["redrawn"] == (redrawn,)
    assert roles["original"] == ((original,) if original else ())


@pytest.mark.parametrize(
    "columns, missing",
    [
        (("caption", "negative_images"), "image"),
        (("image", "negative_images"), "caption"),
        (("image", "caption"), "negative images or captions"),
    ],
)
def test_a_role_that_cannot_be_found(tmp_path, columns, missing):
    good = {"image": "1.png", "caption": "AB = 1.", "negative_captions": ["AB = 2."]}
    write_images(tmp_path, {"1.png": 1})
    path = write_rows(tmp_path / "rows.json", [dict.fromkeys(columns, "x"), good])
    records, skipped = read("mm_math_align", path)
    assert [r.caption for r in records] == ["AB = 1."]
    assert skipped == {f"row: no column for {missing}; columns: {', '.join(columns)}": 1}


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"caption": ""}, "row: no caption"),
        ({"negative_captions": ["one"]}, "row: not one negative caption per negative image"),
        ({"negative_captions": [], "negative_images": []}, "row: no negatives"),
        ({"positive_image": None}, "image: none"),
        ({"negative_images": [{"bytes": b"x", "path": None}] * 3}, "image: unreadable"),
    ],
)
def test_mm_math_align_refuses(tmp_path, change, reason):
    path = write_rows(tmp_path / "rows.parquet", [align_row(1), align_row(1) | change])
    records, skipped = read("mm_math_align", path)
    assert len(records) == 1 and skipped == {reason: 1}


def test_a_hole_among_the_negatives_takes_its_caption_along(tmp_path):
    row = align_row(1)
    row["negative_images"][1] = None
    record = one("mm_math_align", tmp_path, row)
    assert record.negative_images == (picture(310), picture(312))
    assert record.negative_captions == ("AB = 2.", "AB = 4.")


# --- Geometry3K as questions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, answer",
    [
        ({}, "(B) 10"),
        ({"answer": "B"}, "(B) 10"),
        ({"answer": None}, "(B) 10"),
        ({"choices": None, "ground_truth": None}, "10"),
        ({"choices": ["2 \\sqrt { 3 }", "3"], "answer": "2 \\sqrt{3}"}, "(A) 2 \\sqrt { 3 }"),
    ],
)
def test_hiyouga_geometry3k(tmp_path, change, answer):
    record = one("geometry3k_qa", tmp_path, geometry3k_rows(1)[0] | change)
    assert (record.image, record.question, record.answer) == (picture(0), "Find x.", answer)


def test_hiyouga_geometry3k_refuses(tmp_path):
    wrong = geometry3k_rows(1)[0] | {"answer": "99", "ground_truth": ""}
    path = write_rows(tmp_path / "rows.parquet", [*geometry3k_rows(1), wrong])
    _, skipped = read("geometry3k_qa", path)
    assert skipped == {"row: the answer is none of the choices": 1}


def test_the_original_release_of_geometry3k(tmp_path):
    data = {"problem_text": "Find x.", "choices": ["30", "40"], "answer": "B", "id": 2402}
    for folder, n in (("train/3", 3), ("test/2402", 4), ("test/2410", 5)):
        write_images(tmp_path, {f"{folder}/img_diagram.png": n, f"{folder}/img_diagram_point.png": 9})
        (tmp_path / folder / "data.json").write_text(json.dumps(data))
        (tmp_path / folder / "logic_form.json").write_text("{}")
    records, skipped = read("geometry3k_qa", tmp_path, "test")
    assert not skipped
    assert [(r.image, r.answer) for r in records] == [(picture(4), "(B) 40"), (picture(5), "(B) 40")]
