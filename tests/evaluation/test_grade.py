"""The command grades each benchmark's predictions to figures worked by hand, and refuses files that do not fit."""

import json

import pytest

from evaluation.grade import main, read_predictions
from tests.data_scripts.samples import SHARED

WE_MATH_SAMPLE = SHARED / "data" / "we_math_sample"


def write_rows(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def geoqa(folder):
    """Three questions: right by letter, right by value, wrong."""
    text = "Question:How large is the angle?\nChoices:\nA:30°\nB:45°\nC:60°\nD:90°"
    write_rows(folder / "test_questions.jsonl", [{"question_id": n, "image": "x.png", "text": text} for n in range(3)])
    write_rows(folder / "test_answers.jsonl", [{"question_id": n, "text": letter} for n, letter in enumerate("CBA")])
    return {0: "Answer:C", 1: "The angle is 45°.", 2: "(A) 45°"}


def mathvista(folder):
    """GPS: rows 1, 2 (both also ALG) and 3; ALG: rows 1, 2 and 4; row 5 belongs to neither."""
    gps, alg = "geometry problem solving", "algebraic reasoning"

    def row(pid, task, skills, **more):
        return {
            "pid": pid,
            "question": "How long is AB?",
            "image": "x.png",
            "choices": None,
            "unit": None,
            "precision": None,
            "answer": "4",
            "answer_type": "integer",
            "metadata": {"task": task, "skills": skills},
        } | more

    rows = [
        row("1", gps, [alg], choices=["3 cm", "4 cm"], answer="4 cm", answer_type="text"),
        row("2", gps, [alg, "geometry reasoning"]),
        row("3", gps, ["geometry reasoning"], answer="1.2", answer_type="float", precision=1.0),
        row("4", "textbook question answering", [alg], unit="cm"),
        row("5", "figure question answering", ["statistical reasoning"]),
    ]
    folder.mkdir(parents=True)
    (folder / "testmini.json").write_text(json.dumps({one["pid"]: one for one in rows}), encoding="utf-8")
    return {"1": "(B)", "2": "The answer is 4.9", "3": r"\boxed{\frac{37}{30}}", "4": "4 m"}


def we_math(folder):
    """Eight problems, whole and step by step: R is answered rightly, W wrongly; the last letter is the whole."""
    patterns = ["RRR", "RWR", "RRW", "WWW", "WWR", "RRRR", "RWWR", "RRWW"]
    rows, predictions = [], {}
    for number, pattern in enumerate(patterns):
        steps = len(pattern) - 1
        for name, outcome in zip([*range(1, steps + 1), "multi"], pattern, strict=True):
            key = f"{steps}steps_{name}"
            option = "A. 1 cm;B. 2 cm;C. 3 cm; D. No correct answer"
            rows.append({"ID": f"{steps}steps_{number}", "key": key, "question": "?", "option": option, "answer": "B"})
            predictions[f"{steps}steps_{number}/{key}"] = "Answer: B" if outcome == "R" else "Answer: (C) 3 cm"
    folder.mkdir(parents=True)
    (folder / "testmini.json").write_text(json.dumps(rows), encoding="utf-8")
    return predictions


def mm_math(folder):
    """Two easy questions, one right; one medium, right; one hard, wrong."""
    rows = [
        ("容易", r"so \boxed{40}"),
        ("easy", r"\boxed{2\sqrt{3}}"),
        ("普通", r"\boxed{30} and \boxed{150}"),
        ("困难", r"\boxed{7}"),
    ]
    write_rows(
        folder / "MM_Math.jsonl",
        [
            {"question": "How large?", "file_name": "", "solution": solution, "year": "八年级", "difficult": level}
            for level, solution in rows
        ],
    )
    return {0: r"\boxed{40^\circ}", 1: r"\boxed{3.46}", 2: r"\boxed{150} or \boxed{30}", 3: ""}


def visonlyqa(folder):
    """Two on triangles, one right; one on angles, right."""
    row = {
        "image_category": "geometry",
        "question_type": "single_answer",
        "source": "mathvista",
        "image_path": "x.png",
    }
    letters = {"question": "How large is it? (a) 30 (b) 45 (c) 60", "response_options": ["a", "b", "c"], "answer": "b"}
    statement = {"question": "ABC is a triangle.", "response_options": ["True", "False"], "answer": "True"}
    rows = [
        row | statement | {"id": "t1", "task_category": "triangle"},
        row | statement | {"id": "t2", "task_category": "triangle"},
        row | letters | {"id": "a1", "task_category": "angle"},
    ]
    write_rows(folder / "geometry.jsonl", rows)
    return {"t1": "True", "t2": "(B) False", "a1": "(b)"}


def math_vision(folder):
    """Four of geometry, of which an open one and one of two with choices are right; one of another subject."""
    rows = [
        {
            "id": "1",
            "subject": "solid geometry",
            "level": 1,
            "options": ["A", "B", "C"],
            "answer": "B",
            "question": "?",
        },
        {"id": "2", "subject": "solid geometry", "level": 5, "options": ["2", "3"], "answer": "B", "question": "?"},
        {
            "id": "3",
            "subject": "metric geometry - area",
            "level": 5,
            "options": [],
            "answer": r"6\pi",
            "question": "?",
        },
        {"id": "4", "subject": "metric geometry - area", "level": 5, "options": [], "answer": "12", "question": "?"},
        {"id": "5", "subject": "algebra", "level": 5, "options": [], "answer": "12", "question": "?"},
    ]
    write_rows(folder / "test.jsonl", rows)
    return {"1": "C", "2": "x = 3", "3": "6π", "4": "The answer is 18.85"}


# figure -> numerator, denominator, and official numerator
BY_HAND = {
    geoqa: {"accuracy": (2, 3, 1)},
    mathvista: {"GPS": (2, 3, 2), "ALG": (1, 3, 2)},
    we_math: {
        "S1": (11, 19, 11),
        "S2": (3, 5, 3),
        "S3": (2, 3, 2),
        "strict_score": (2.5, 8, 2.5),
        "strict_IK": (2, 8, 2),
        "strict_IG": (1, 8, 1),
        "strict_CM": (2, 8, 2),
        "strict_RM": (3, 8, 3),
        "strict_RM_rate": (3, 5, 3),
        "loose_score": (4.5, 8, 4.5),
        "loose_IK": (2, 8, 2),
        "loose_IG": (1, 8, 1),
        "loose_CM": (4, 8, 4),
        "loose_RM": (1, 8, 1),
        "loose_RM_rate": (1, 5, 1),
    },
    mm_math: {"easy": (1, 2, 2), "medium": (1, 1, 1), "hard": (0, 1, 0), "average": (2, 4, 3)},
    visonlyqa: {"accuracy": (2, 3, 2)},
    math_vision: {"accuracy": (2, 4, 1)},
}


def graded(command, tmp_path, benchmark, *more):
    predictions = benchmark(tmp_path / "data")
    write_rows(tmp_path / "p.jsonl", [{"id": name, "prediction": text} for name, text in predictions.items()])
    places = ("--data_dir", tmp_path / "data", "--predictions", tmp_path / "p.jsonl", "--output", tmp_path / "r.json")
    status, out, err = command(main, "--benchmark", benchmark.__name__, *places, *more)
    assert status == 0, err
    return json.loads((tmp_path / "r.json").read_text(encoding="utf-8")), out


@pytest.mark.parametrize("benchmark", BY_HAND, ids=lambda benchmark: benchmark.__name__)
def test_figures_worked_by_hand(command, tmp_path, benchmark):
    result, out = graded(command, tmp_path, benchmark, "--official")
    assert result["metrics"].keys() == BY_HAND[benchmark].keys() == result["official"]["metrics"].keys()
    for name, (numerator, denominator, official) in BY_HAND[benchmark].items():
        entry = result["metrics"][name]
        assert entry["value"] == numerator / denominator and entry["num_rows"] == denominator, name
        assert entry["interval_95"][0] <= entry["value"] <= entry["interval_95"][1]
        assert result["official"]["metrics"][name]["value"] == official / denominator, name
        assert name in out
    assert len(result["verdicts"]) == result["num_rows"]


def test_accuracies_within_groups_and_chance(command, tmp_path):
    result, out = graded(command, tmp_path, visonlyqa)
    assert {name: entry["value"] for name, entry in result["groups"]["task"].items()} == {
        "angle": 1.0,
        "triangle": 0.5,
    }
    assert result["metrics"]["accuracy"]["chance"] == pytest.approx((1 / 2 + 1 / 2 + 1 / 3) / 3)
    assert "official" not in result and "task triangle" in out


def test_a_verdict_on_every_row_says_what_was_read(command, tmp_path):
    result, _ = graded(command, tmp_path, geoqa, "--official")
    assert result["verdicts"][1] == {
        "id": "1",
        "gold": "B",
        "answer": "B",
        "right": True,
        "official": {"answer": None, "right": False, "by_model": False},
    }
    assert result["num_unread"] == 1  # (A) 45° settles on nothing
    assert result["official"]["num_right_here_only"] == 1 and result["official"]["num_right_there_only"] == 0


def test_the_same_predictions_give_the_same_file(command, tmp_path):
    first, _ = graded(command, tmp_path, mm_math)
    second, _ = graded(command, tmp_path, mm_math)
    assert first == second
    other, _ = graded(command, tmp_path, mm_math, "--seed", 1)
    assert other["metrics"]["average"]["value"] == first["metrics"]["average"]["value"]


def test_a_tolerance_is_asked_for_and_told(command, tmp_path):
    result, _ = graded(command, tmp_path, mm_math, "--tolerance", 0.01)
    assert result["metrics"]["easy"]["value"] == 1.0 and result["tolerance"] == 0.01


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: rows[:-1], "1 without a prediction (2)"),
        (lambda rows: [*rows, rows[0]], "1 predicted more than once (0)"),
        (lambda rows: [*rows, {"id": "nobody", "prediction": "C"}], "1 of no question (nobody)"),
        (lambda rows: [], "3 without a prediction (0, 1, 2)"),
        (
            lambda rows: [*rows, *({"id": f"x{n}", "prediction": ""} for n in range(12))],
            "12 of no question (x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, ...)",
        ),
    ],
)
def test_files_that_do_not_fit_are_refused_by_their_ids(command, tmp_path, change, told):
    rows = [{"id": name, "prediction": text} for name, text in geoqa(tmp_path / "data").items()]
    write_rows(tmp_path / "p.jsonl", change(rows))
    places = ("--data_dir", tmp_path / "data", "--predictions", tmp_path / "p.jsonl", "--output", tmp_path / "r.json")
    status, _, err = command(main, "--benchmark", "geoqa", *places)
    assert status == 2 and told in err
    assert not (tmp_path / "r.json").exists()


def test_predictions_for_other_parts_of_a_data_set_are_left_out_if_asked(command, tmp_path):
    rows = [{"id": name, "prediction": text} for name, text in mathvista(tmp_path / "data").items()]
    write_rows(tmp_path / "p.jsonl", [*rows, {"id": "5", "prediction": "4"}])
    places = ("--data_dir", tmp_path / "data", "--predictions", tmp_path / "p.jsonl", "--output", tmp_path / "r.json")
    status, _, err = command(main, "--benchmark", "mathvista", *places)
    assert status == 2 and "1 of no question (5)" in err
    status, out, err = command(main, "--benchmark", "mathvista", *places, "--ignore_foreign")
    assert status == 0 and "left out: 1" in out, err
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["metrics"]["GPS"]["value"] == 2 / 3


@pytest.mark.parametrize(
    "line", ["nonsense", "[1]", '{"id": 1}', '{"id": null, "prediction": "C"}', '{"id": 1, "prediction": ["C"]}']
)
def test_a_damaged_line_is_told_by_its_number(tmp_path, line):
    (tmp_path / "p.jsonl").write_text(f'{{"id": 0, "prediction": "C"}}\n\n{line}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="line 3 of .*p.jsonl is not of the form"):
        read_predictions(tmp_path / "p.jsonl")


def test_ids_and_answers_may_be_numbers(tmp_path):
    write_rows(tmp_path / "p.jsonl", [{"id": 7, "prediction": 40, "model": "x"}, {"id": "8", "prediction": 0.5}])
    assert read_predictions(tmp_path / "p.jsonl") == [("7", "40"), ("8", "0.5")]


@pytest.mark.parametrize("more", [("--tolerance", 2), ("--data_id", "a/b"), ("--data_dir", "nowhere")])
def test_arguments_that_cannot_be_are_refused(command, tmp_path, more):
    geoqa(tmp_path / "data")
    places = ("--data_dir", tmp_path / "data", "--predictions", tmp_path / "p.jsonl", "--output", tmp_path / "r.json")
    status, _, err = command(main, "--benchmark", "geoqa", *places, *more)
    assert status == 2 and more[0].removeprefix("--") in err


@pytest.mark.skipif(
    not WE_MATH_SAMPLE.exists(), reason=f"no We-Math rows at {WE_MATH_SAMPLE}: set MMGEO_SHARED to run this"
)
def test_real_rows_of_we_math_answered_as_models_do(command, tmp_path):
    """Every whole is right and one step of each problem is wrong, so all is rote, or loosely mastered."""
    rows = json.loads((WE_MATH_SAMPLE / "testmini.json").read_text(encoding="utf-8"))
    forms = ["**{}**", r"Therefore \boxed{{{}}}", "The correct option is ({}).", "<Answer>: <<{}>>"]
    predictions = []
    for number, row in enumerate(rows):
        right = not row["key"].endswith("_1")
        wrong = "A" if row["answer"] != "A" else "B"
        text = forms[number % 4].format(row["answer"] if right else wrong)
        predictions.append({"id": f"{row['ID']}/{row['key']}", "prediction": text})
    write_rows(tmp_path / "p.jsonl", predictions)
    places = ("--data_dir", WE_MATH_SAMPLE, "--predictions", tmp_path / "p.jsonl", "--output", tmp_path / "r.json")
    status, _, err = command(main, "--benchmark", "we_math", *places)
    assert status == 0, err
    metrics = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["metrics"]
    told = {name: (entry["value"], entry["num_rows"]) for name, entry in metrics.items()}
    assert told["S1"] == (8 / 14, 14) and told["S2"] == (1.0, 4) and told["S3"] == (1.0, 2)
    assert told["strict_RM"] == (1.0, 6) and told["strict_score"] == (0.0, 6)
    assert told["loose_CM"] == (1.0, 6) and told["loose_score"] == (1.0, 6)
