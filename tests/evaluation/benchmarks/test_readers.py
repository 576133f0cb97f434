"""Every benchmark is read from the layouts it is published in, and its traps are known."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks import BENCHMARKS, Item
from evaluation.benchmarks.math_vision import without_tokens
from evaluation.benchmarks.rows import letter_of, letter_of_value, lettered_choices, open_kind
from tests.data_scripts.samples import SHARED
from tests.data_scripts.sources.layouts import picture

from . import layouts

WE_MATH_SAMPLE = SHARED / "data" / "we_math_sample"


def read(name: str, location: Path, split: str | None = None) -> tuple[dict[str, Item], Counter]:
    skipped = Counter()
    items = {item.id: item for item in BENCHMARKS[name].read(str(location), split, skipped)}
    return items, skipped


def told(item: Item) -> tuple:
    return item.question, item.choices, item.answer, item.kind, dict(item.groups)


def test_geoqa_joins_answers_by_id(tmp_path):
    items, skipped = read("geoqa", layouts.geoqa(tmp_path))
    assert list(items) == ["0", "1", "2"] and not skipped
    question = "In triangle ABC, angle A = 10.0, so angle B is ()"
    assert told(items["1"]) == (question, ("40°", "60°", "110°", "140°"), "B", "choice", {})
    assert [items[i].answer for i in "012"] == ["D", "B", "A"]
    assert items["2"].images[0]["bytes"] == picture(2)


def test_geoqa_without_its_answers_is_refused_and_rows_may_carry_them(tmp_path):
    folder = layouts.geoqa(tmp_path)
    (folder / "test_answers.jsonl").unlink()
    with pytest.raises(ValueError, match="test_answers.jsonl is not beside"):
        read("geoqa", folder)
    row = {
        "image_path": "./Geo170K/images/test/1.png",
        "question": "AB?\nChoices:\nA:40°\nB:50°",
        "ground_truth": "50°",
    }
    layouts.write_lines(folder / "test_questions.jsonl", [row])
    items, _ = read("geoqa", folder)
    assert told(items["0"])[:3] == ("AB?", ("40°", "50°"), "B") and items["0"].images[0]["bytes"] == picture(1)


@pytest.mark.parametrize("layout", [layouts.mathvista, layouts.mathvista_hub])
def test_mathvista_gives_the_task_gps_and_the_skill_alg(tmp_path, layout):
    items, skipped = read("mathvista", layout(tmp_path))
    assert list(items) == ["1", "2", "3", "5"]
    assert skipped == {"row: the answer is none of the choices": 1}
    assert (items["1"].kind, items["1"].answer) == ("choice", "C")
    assert (items["2"].choices[1], items["2"].answer) == ("A", "B")  # the value A stands at the letter B
    assert items["1"].groups["task"] == "geometry problem solving"
    assert items["1"].groups["skills"] == "geometry reasoning,algebraic reasoning"
    assert (items["3"].kind, items["3"].answer, items["3"].groups["precision"]) == ("number", "1.2", "1")
    assert (items["5"].kind, items["5"].groups["unit"]) == ("expression", "cm")
    assert all(item.images[0]["bytes"] == picture(int(pid)) for pid, item in items.items())


@pytest.mark.parametrize("layout", [layouts.we_math, layouts.we_math_hub])
def test_we_math_wholes_and_steps(tmp_path, layout):
    items, skipped = read("we_math", layout(tmp_path))
    assert len(items) == 14 and not skipped
    whole, step = items["3steps_2/3steps_multi"], items["2steps_1/2steps_2"]
    assert dict(whole.groups) == {"key": "3steps_multi", "steps": "3", "problem": "3steps_2", "knowledge": "Angles"}
    assert step.choices == ("F", "D", "B", "A", "No correct answer") and step.answer == "C"
    assert items["2steps_1/2steps_1"].choices == ("3 cm", "2 cm", "D. 5 cm", "No correct answer")
    assert [item.images[0]["bytes"] for item in items.values()] == [picture(i) for i in range(14)]


def test_we_math_numbers_that_count_within_their_steps(tmp_path):
    rows = [row | {"ID": 1} for steps in (2, 3) for row in layouts.we_math_rows(1, steps)]
    rows[0]["question"] = "Question: What is asked?"
    layouts.write_json(tmp_path / "testmini.json", rows)
    items, _ = read("we_math", tmp_path)
    assert {item.groups["problem"] for item in items.values()} == {"2steps_1", "3steps_1"}
    assert items["1/2steps_1"].question == "What is asked?"


def test_mm_math_levels(tmp_path):
    items, skipped = read("mm_math", layouts.mm_math(tmp_path))
    assert [dict(item.groups) for item in items.values()] == [
        {"difficulty": level, "grade": "8"} for level in ("easy", "medium", "hard")
    ]
    assert skipped == {"row: no answer stated": 1}
    assert [item.answer for item in items.values()] == ["6", "2\\sqrt{3}", "3, 4"]
    assert [item.kind for item in items.values()] == ["number", "expression", "expression"]
    assert items["1"].images == () and items["2"].images[0]["bytes"] == picture(2)


def test_mm_math_images_in_a_zip(tmp_path):
    folder = layouts.mm_math(tmp_path / "unpacked")
    shutil.make_archive(str(tmp_path / "data" / "Image"), "zip", folder / "MM_Math", "Image")
    shutil.copy(folder / "MM_Math" / "MM_Math.jsonl", tmp_path / "data")
    items, _ = read("mm_math", tmp_path / "data")
    assert items["0"].images[0]["bytes"] == picture(0)


def test_visonlyqa_geometry_of_each_split(tmp_path):
    items, skipped = read("visonlyqa", layouts.visonlyqa(tmp_path))
    assert not skipped and list(items) == ["visonlyqa_0", "visonlyqa_1"]
    angle, triangle = items.values()
    degrees = ("90 degrees", "10 degrees", "135 degrees")
    assert told(angle) == ("Estimate the angle OAB.", degrees, "B", "choice", {"task": "angle", "source": "Own"})
    assert (triangle.choices, triangle.answer) == (("True", "False"), "B")
    assert "three edges" in triangle.question and triangle.images[0]["bytes"] == picture(1)
    assert list(read("visonlyqa", tmp_path, "synthetic")[0]) == ["visonlyqa_3"]


def test_math_vision_geometry(tmp_path):
    items, skipped = read("math_vision", layouts.math_vision(tmp_path))
    assert not skipped and list(items) == ["2", "3", "4"]
    assert (items["2"].choices, items["2"].answer, items["2"].kind) == (("A", "B", "C", "D", "E"), "C", "choice")
    assert items["3"].question == "The ant [picture 1] walks home [picture 2]. How far?"
    assert (items["3"].kind, items["4"].answer) == ("number", "B")
    assert dict(items["4"].groups) == {"subject": "metric geometry - area", "level": "2"}
    assert items["4"].images[0]["bytes"] == picture(4)
    assert list(read("math_vision", tmp_path, "testmini")[0]) == ["2"]


@pytest.mark.skipif(not WE_MATH_SAMPLE.is_dir(), reason=f"needs the 20 rows of We-Math in {WE_MATH_SAMPLE}")
def test_the_real_rows_of_we_math():
    items, skipped = read("we_math", WE_MATH_SAMPLE)
    assert len(items) == 20 and not skipped
    assert all(item.images[0]["bytes"] for item in items.values())
    assert all("" not in item.choices and item.choices[-1] == "No correct answer" for item in items.values())
    assert Counter(item.groups["problem"] for item in items.values()) == dict.fromkeys(
        ["2steps_3", "2steps_57", "2steps_120", "2steps_211"], 3
    ) | dict.fromkeys(["3steps_7", "3steps_80"], 4)
    assert items["2steps_3/2steps_1"].choices[:2] == ("Cylinder ①", "Cylinder ②")


def test_an_unreadable_image_is_kept_by_name(tmp_path):
    folder = layouts.we_math(tmp_path)
    (folder / "2steps/image/1-1.png").write_bytes(b"no picture")
    (folder / "2steps/image/1-2.png").unlink()
    items, skipped = read("we_math", folder)
    assert len(items) == 14 and not skipped
    for number in (1, 2):
        (image,) = items[f"2steps_1/2steps_{number}"].images
        assert image == {"bytes": None, "path": f"2steps/image/1-{number}.png"}


def test_rows_that_are_none_are_counted(tmp_path):
    rows = layouts.we_math_rows(1, 2)
    rows[0]["answer"], rows[1]["option"], rows[2]["key"] = "H", "no choices", "multi"
    layouts.write_json(tmp_path / "testmini.json", [*rows, 7, *layouts.we_math_rows(2, 2)])
    items, skipped = read("we_math", tmp_path)
    assert len(items) == 3
    assert skipped == {
        "row: the answer is none of the choices": 1,
        "row: no choices": 1,
        "row: no key of a step": 1,
        "row: no JSON object": 1,
    }


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(ValueError, match="no split 'train': expected one of testmini"):
        read("we_math", tmp_path, "train")
    with pytest.raises(ValueError, match="holds no file of rows"):
        read("mathvista", tmp_path)
    with pytest.raises(ValueError, match="no home on the Hub"):
        BENCHMARKS["geoqa"].read()
    layouts.write_json(tmp_path / "testmini.json", layouts.we_math_rows(1, 2) * 2)
    with pytest.raises(ValueError, match="two rows with the id 2steps_1/2steps_1"):
        read("we_math", tmp_path)


def test_homes():
    homes = {name: benchmark.home() for name, benchmark in BENCHMARKS.items()}
    assert homes.pop("geoqa") is None and all(home.count("/") == 1 for home in homes.values())
    assert homes["visonlyqa"] != BENCHMARKS["visonlyqa"].home("synthetic") != BENCHMARKS["visonlyqa"].home("real")


def test_an_item_contradicts_nothing():
    with pytest.raises(ValueError, match="unknown kind 'guess'"):
        Item("1", "?", (), None, "4", "guess")
    with pytest.raises(ValueError, match="'C' is the letter of none"):
        Item("1", "?", (), ("4", "5"), "C", "choice")


VALUES = st.lists(
    st.one_of(st.sampled_from("ABCDEFGH"), st.text("ABCD .(:0123456789°πxy", min_size=1).map(str.strip).filter(bool)),
    min_size=2,
    max_size=6,
)


@given(VALUES)
def test_choices_behind_semicolons_come_back_whatever_they_are(values):
    marks = "ABCDEFGH"
    text = ";".join(f"{mark}. {value}" for mark, value in zip(marks, values, strict=False))
    assert lettered_choices(text) == tuple(values)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A. 300, 400;;B. 400, 300;;C. 3000; E", ("300, 400", "400, 300", "3000; E")),
        ("A. 3 cm B. 2 cm C. 1 cm", ("3 cm", "2 cm", "1 cm")),
        ("(a) 1 (b) 0.5 (c) 2 ", ("1", "0.5", "2")),
        ("A. 1; B. see C. or D.", ("1", "see C. or D.")),
        ("A. 9 a. m.\nB. 9 p. m.", ("9 a. m.", "9 p. m.")),
        ("A. only one", ()),
        ("none at all", ()),
        ("", ()),
    ],
)
def test_other_ways_to_write_choices(text, values):
    assert lettered_choices(text) == values


def test_letters_and_values():
    assert letter_of("b", ("4", "5")) == "B" and letter_of("5", ("4", "5")) == "B"
    assert letter_of("B", ("F", "D", "B")) == "B" and letter_of_value("B", ("F", "D", "B")) == "C"


@pytest.mark.parametrize("answer", ["6", "-6.5", "1,000", "45°", "$45^\\circ$", "3 cm", "2cm²", ".5"])
def test_numbers(answer):
    assert open_kind(answer) == "number"


@pytest.mark.parametrize("answer", ["2\\sqrt{3}", "3, 4", "(1, 2)", "x > 2", "AB", "\\frac{1}{2}", "3:4"])
def test_expressions(answer):
    assert open_kind(answer) == "expression"


def test_image_tokens_of_math_vision():
    assert without_tokens("What?\n<image1>") == "What?"
    assert without_tokens("<image1>\nWhat?\n<image2>\n<image3>\nOr?") == "What?\nOr?"
    assert without_tokens("See <image>here <image1>") == "See here"
