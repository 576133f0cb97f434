"""The contamination report finds what was put in, the same in blocks of any size and after an interruption."""

import io
import json

import pytest
from datasets import Features, Image, Value
from PIL import Image as PILImage

from data_scripts.decontaminate import DecontaminateArguments, clean
from evaluation import contamination
from evaluation.benchmarks import BENCHMARKS
from evaluation.contamination import main
from tests.data_scripts.samples import fake_encode
from tests.evaluation.rows import encoded, save

from .benchmarks import layouts

FEATURES = Features({"question": Value("string"), "image": Image(), "id": Value("string")})


@pytest.fixture(autouse=True)
def plain_encoder(monkeypatch):
    for module in ("evaluation.contamination", "data_scripts.decontaminate"):
        monkeypatch.setattr(f"{module}.encode", lambda name, texts: fake_encode(texts))


@pytest.fixture
def exam(tmp_path):
    return layouts.we_math(tmp_path / "exam")


def items(exam):
    return list(BENCHMARKS["we_math"].read(str(exam)))


@pytest.fixture
def train(tmp_path, exam):
    """40 rows, of which 17 is a question with its figure, 25 a question of another figure, 31 a figure alone."""
    questions = items(exam)
    rows = [
        {"question": f"Work out number {n} of this book.", "image": encoded(stroke(n)), "id": f"row-{n}"}
        for n in range(40)
    ]
    rows[17] |= {"question": questions[2].question, "image": questions[2].images[0]}
    rows[25] |= {"question": questions[5].question}
    rows[31] |= {"image": questions[8].images[0]}
    rows[39]["image"] = encoded(b"no picture")
    return save(tmp_path / "train", FEATURES, train=rows, test=rows[:1])


def stroke(n: int) -> bytes:
    """A picture that is far from those of the exam: a broad frame with a corner cut out."""
    image = PILImage.new("L", (40, 40), 255)
    for x in range(40):
        for y in range(40):
            if (x * 7 + y * (n % 5 + 3)) % 23 < 9 and (x > n % 17 or y > 20):
                image.putpixel((x, y), 0)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def arguments(exam, train, output, *more):
    place = ("--benchmark", "we_math", "--data_dir", exam, "--train", train)
    # the exam's pictures and words are all alike: only the very same count
    return *place, "--output_dir", output, "--image_threshold", 0, "--text_threshold", 0.99999, *more


def read(folder):
    lines = [json.loads(line) for line in (folder / "nearest.jsonl").read_text(encoding="utf-8").splitlines()]
    return json.loads((folder / "contamination.json").read_text(encoding="utf-8")), {
        line["id"]: line for line in lines
    }


def test_what_was_put_in_is_found(command, exam, train, tmp_path):
    status, out, err = command(main, *arguments(exam, train, tmp_path / "report"))
    assert status == 0, err
    result, lines = read(tmp_path / "report")
    questions = items(exam)
    assert list(lines) == [item.id for item in questions]
    assert (result["num_questions"], result["num_train_rows"], result["num_same"]) == (14, 40, 1)
    assert (result["num_same_text"], result["train_left_out"]) == (2, {"image: cannot be read": 1})
    leaked = lines[questions[2].id]
    assert leaked["same"] == {
        **{"train": str(train), "train_id": "row-17", "row": 17},
        **{"similarity": pytest.approx(1.0), "distance": 0, "why": "text and image"},
    }
    assert lines[questions[5].id]["text"]["train_id"] == "row-25" and not lines[questions[5].id]["same"]
    assert (lines[questions[8].id]["image"]["train_id"], lines[questions[8].id]["image"]["distance"]) == ("row-31", 0)
    page = (tmp_path / "report" / "contamination.md").read_text(encoding="utf-8")
    assert "1 of 14 questions (7.1%)" in page and f"| {questions[2].id} | row-17 (1.000, 0 bits) |" in page
    assert "1 of 14 questions" in out and str(tmp_path / "report") in out
    for name in ("histogram.png", "pairs.png"):
        with PILImage.open(tmp_path / "report" / name) as picture:
            assert picture.width > 500
    assert not (tmp_path / "report" / ".build").exists()


@pytest.mark.parametrize(("match", "count"), [("text", 2), ("image", 2), ("either", 3)])
def test_other_rules(command, exam, train, tmp_path, match, count):
    assert command(main, *arguments(exam, train, tmp_path / "report", "--match", match))[0] == 0
    result, lines = read(tmp_path / "report")
    assert result["num_same"] == count == sum(line["same"] is not None for line in lines.values())


def test_nothing_is_left_after_decontamination(command, exam, train, tmp_path):
    rows = [{"question": i.question, "image": i.images[0], "id": i.id} for i in items(exam)]
    save(tmp_path / "exam_rows", FEATURES, test=rows)
    cleaning = {"dataset": str(train), "against": [str(tmp_path / "exam_rows")], "output_dir": str(tmp_path / "clean")}
    assert clean(DecontaminateArguments(**cleaning, image_threshold=0))["splits"]["train"]["kept"] == 39
    assert command(main, *arguments(exam, tmp_path / "clean", tmp_path / "report"))[0] == 0
    assert read(tmp_path / "report")[0]["num_same"] == 0


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".jsonl", ".md", ".png")}


def test_the_same_in_blocks_of_any_size_and_after_an_interruption(command, exam, train, tmp_path, monkeypatch):
    assert command(main, *arguments(exam, train, tmp_path / "report"))[0] == 0
    whole, calls, original = files(tmp_path / "report"), [], contamination.ClosestRows.block

    def interrupted(self, rows, start):
        calls.append(start)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(self, rows, start)

    monkeypatch.setattr(contamination, "BLOCK", 8)
    monkeypatch.setattr(contamination.ClosestRows, "block", interrupted)
    assert command(main, *arguments(exam, train, tmp_path / "report"))[0] == 130
    assert command(main, *arguments(exam, train, tmp_path / "report"))[0] == 0
    assert calls == [0, 8, 16, 16, 24, 32]
    assert files(tmp_path / "report") == whole


def test_several_training_sets(command, exam, train, tmp_path):
    other = save(tmp_path / "other", FEATURES, train=[{"question": "Else?", "image": None, "id": None}] * 3)
    assert command(main, *arguments(exam, other, tmp_path / "report", train))[0] == 2  # not an argument of its own
    command_line = arguments(exam, other, tmp_path / "report")
    at = command_line.index(other) + 1
    assert command(main, *command_line[:at], train, *command_line[at:])[0] == 0
    result, lines = read(tmp_path / "report")
    assert (result["num_train_rows"], result["num_same"]) == (43, 1)
    same = lines[items(exam)[2].id]["same"]
    assert (same["train"], same["train_id"], same["row"]) == (str(train), "row-17", 17)


def test_what_cannot_be_compared_is_said(command, exam, train, tmp_path):
    status, _, err = command(main, *arguments(exam, train, tmp_path / "report", "--train_split", "dev"))
    assert status == 2 and "has no split 'dev', only train, test" in err
    status, _, err = command(main, *arguments(exam, tmp_path / "nowhere", tmp_path / "report"))
    assert status == 2 and "cannot load the data set" in err
    status, _, err = command(main, *arguments(exam, train, tmp_path / "report", "--text_threshold", 2))
    assert status == 2 and "--text_threshold" in err
