"""Texts and images out of rows, whatever columns and layouts hold them."""

from collections import Counter

import pytest
from datasets import Dataset, Features, Image, List, Value
from PIL import Image as PILImage

from data_scripts.decontamination.items import Columns, question_text, read_items
from data_scripts.png import encode_picture
from data_scripts.questions import INSTRUCTION
from data_scripts.questions.choices import CHOICE_INSTRUCTION


def picture(x: int = 5) -> PILImage.Image:
    image = PILImage.new("L", (40, 40), 255)
    for y in range(8, 30):
        image.putpixel((x + y // 3, y), 0)
    return image


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Find x.", "Find x."),
        (f"Find x. {INSTRUCTION}", "Find x."),
        (f"Find x.\n(A) 3\n(B) 4\n{CHOICE_INSTRUCTION}", "Find x."),
        ("<image>\nFind  x.\nChoices:\nA. 3\nB: 4", "Find x."),
        ("<image>\nReason first, then answer as in Answer: xxx.\nQuestion: Find x.\nChoices: A: 3 B: 4", "Find x."),
        ([{"role": "user", "content": "Find x."}], "Find x."),
        ([{"from": "human", "value": "<image>\nFind x."}, {"from": "gpt", "value": "3"}], "Find x."),
        (
            [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Find x."}]},
            ],
            "Find x.",
        ),
        ({"content": "Find x."}, "Find x."),
        (None, ""),
        (5, ""),
        ([], ""),
    ],
)
def test_question_text(value, text):
    assert question_text(value) == text


def test_columns_are_found_by_name_or_given():
    assert Columns.of(["id", "image", "problem"], None, None, "here") == Columns("problem", "image", "id")
    assert Columns.of(["a", "b"], "a", "b", "here") == Columns("a", "b", None)
    with pytest.raises(ValueError, match="here has no column 'question': it has a, b"):
        Columns.of(["a", "b"], "question", None, "here")
    with pytest.raises(ValueError, match="name them with --text_column and --image_column"):
        Columns.of(["a", "b"], None, None, "here")


def read(place, skipped=None, **columns):
    return list(
        read_items(str(place), columns.get("text"), columns.get("image"), Counter() if skipped is None else skipped)
    )


def test_parquet_with_images_and_lists_of_images(tmp_path):
    cells = [{"bytes": encode_picture(picture(x)), "path": None} for x in (3, 9)]
    features = Features({"id": Value("string"), "question": Value("string"), "images": List(Image())})
    rows = {"id": ["p", "q"], "question": ["One?", "Two?"], "images": [[cells[0]], []]}
    Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "exam.parquet")
    for place in (tmp_path / "exam.parquet", tmp_path):
        one, two = read(place)
        assert (one.id, one.text, two.text, two.hash) == ("p", "One?", "Two?", None)
        assert one.hash is not None and one.place == str(place)


def test_a_folder_of_save_to_disk(tmp_path):
    Dataset.from_dict({"problem": ["One?", "Two?"]}).save_to_disk(tmp_path / "exam")
    assert [item.text for item in read(tmp_path / "exam")] == ["One?", "Two?"]


def test_jsonl_with_paths_beside_it_and_bad_images(tmp_path):
    (tmp_path / "good.png").write_bytes(encode_picture(picture()))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "blank.png").write_bytes(encode_picture(PILImage.new("L", (9, 9), 255)))
    Dataset.from_dict(
        {"question": ["a", "b", "c", "d"], "image": ["good.png", "bad.png", "blank.png", "gone.png"]}
    ).to_json(tmp_path / "exam.jsonl")
    skipped = Counter()
    items = read(tmp_path / "exam.jsonl", skipped)
    assert [item.hash is not None for item in items] == [True, False, False, False]
    assert [item.text for item in items] == ["a", "b", "c", "d"]
    assert skipped == {"image: cannot be read": 2, "image: blank": 1}


def test_what_cannot_be_loaded_says_so(tmp_path):
    (tmp_path / "exam.txt").write_text("Find x.")
    (tmp_path / "exam.json").write_text("{ no json")
    (tmp_path / "empty.jsonl").touch()
    for place in (tmp_path / n for n in ("exam.txt", "exam.json", "empty.jsonl", "gone", "gone.jsonl")):
        with pytest.raises(ValueError, match="cannot load the data set"):
            read(place)
