"""Rows in the reference's layouts and back again: nothing lost, nothing outside the folder, safe to interrupt."""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from data_scripts import export_reference
from data_scripts.build_sft import FEATURES as QUESTIONS
from data_scripts.cli import run_command
from data_scripts.export_reference import ExportArguments, export, main
from data_scripts.rows import FEATURES as HARD_NEGATIVES
from data_scripts.shards import write_parquet
from data_scripts.sources import SOURCES
from data_scripts.sources.sft import sft_row

from .sources.layouts import mm_math_rows, picture, qa_rows, write_images, write_rows


def undecoded(number: int, kind: str = "PNG") -> dict:
    return {"bytes": picture(number, kind), "path": None}


def hard_negative(n: int, negatives: int, rules: int) -> dict:
    filled = {name: [] if name.endswith("s") and name != "facts" else "" for name in HARD_NEGATIVES}
    return filled | {
        "id": f"procedural/{n}",
        "image": undecoded(n),
        "caption": f"∠ABC = {n}°.",
        "negative_images": [undecoded(100 * n + i) for i in range(1, negatives + 1)],
        "negative_captions": [f"∠ABC = {n + i}°." for i in range(1, negatives + 1)],
        "negative_scripts": [""] * negatives,
        "negative_edits": ["value"] * negatives,
        "rule_captions": [f"∠ACB = {n + i}°." for i in range(rules)],
        "rule_edits": ["order"] * rules,
        "retrieved_captions": ["BC = 3."] if n == 1 else [],
        "retrieved_ids": ["x"] if n == 1 else [],
    }


def question(n: int, images: int = 1, turns: int = 1) -> dict:
    return {
        "id": f"sft/{n}",
        "kind": "third_angle",
        "prompt": [{"role": "user", "content": f"Find ∠BAC of figure {n}."}] * turns,
        "completion": [{"role": "assistant", "content": f"It is {n}.\n\\boxed{{{n}}}"}] * turns,
        "images": [undecoded(n, "JPEG")] * images,
        "answer": str(n),
    }


@pytest.fixture
def rows(tmp_path) -> Path:
    (tmp_path / "rows/with_markings").mkdir(parents=True)
    made = [hard_negative(1, 2, 1), hard_negative(2, 0, 2), hard_negative(3, 3, 0)]
    write_parquet(made, HARD_NEGATIVES, tmp_path / "rows/with_markings/train-0.parquet")
    write_parquet(made[:1], HARD_NEGATIVES, tmp_path / "rows/with_markings/test-0.parquet")
    return tmp_path / "rows"


@pytest.fixture
def questions(tmp_path) -> Path:
    (tmp_path / "questions/data").mkdir(parents=True)
    made = [question(1), question(2, images=0), question(3, images=2), question(4, turns=2)]
    write_parquet(made, QUESTIONS, tmp_path / "questions/data/train-0.parquet")
    return tmp_path / "questions"


def read(folder: Path, split: str) -> list:
    skipped = Counter()
    records = list(SOURCES["reference"].read(str(folder), split, skipped))
    assert not skipped
    return records


def test_hard_negatives_and_back(rows, tmp_path):
    out = tmp_path / "out"
    assert export(ExportArguments(str(rows), str(out))) == {"image_negatives": 2, "text_negatives": 2}
    first, third = read(out, "image_negatives")
    assert (first.image, first.caption) == (picture(1), "∠ABC = 1°.")
    assert first.negative_images == (picture(101), picture(102))
    assert first.negative_captions == ("∠ABC = 2°.", "∠ABC = 3°.")
    assert first.metadata == {"id": "procedural/1"}
    assert third.negative_images == (picture(301), picture(302), picture(303))
    first, second = read(out, "text_negatives")
    assert first.negative_captions == ("∠ACB = 1°.", "BC = 3.")
    assert (second.image, second.negative_captions) == (picture(2), ("∠ACB = 2°.", "∠ACB = 3°."))


def test_the_layout_is_the_reference_s(rows, tmp_path):
    export(ExportArguments(str(rows), str(tmp_path / "out")))
    row = json.loads((tmp_path / "out/image_negatives.json").read_text(encoding="utf-8"))[0]
    assert [turn["from"] for turn in row["conversations"]] == ["human", "gpt"]
    assert row["conversations"][1]["value"] == "∠ABC = 1°."
    for path in (row["positive_image_path"], *row["negative_image_path"]):
        assert path.endswith(".png") and (tmp_path / "out" / path).is_file()


def test_questions_and_back(questions, tmp_path):
    counts = export(ExportArguments(str(questions), str(tmp_path / "out")))
    assert counts == {
        "sft": 2,
        "skipped: row: several images, which the layout cannot say": 1,
        "skipped: row: several turns, which the layout cannot say": 1,
    }
    first, second = read(tmp_path / "out", "sft")
    assert (first.image, first.question, first.answer) == (picture(1, "JPEG"), "Find ∠BAC of figure 1.", "1")
    assert first.solution == "It is 1.\n\\boxed{1}"
    assert (second.image, second.answer) == (None, "2")
    row = json.loads((tmp_path / "out/sft.json").read_text())[0]
    assert row["image"].endswith(".jpg") and row["conversations"][0]["value"].startswith("<image>\n")


def test_sft_rows_of_public_sets_come_back_as_they_were(tmp_path):
    write_images(tmp_path / "set/images", {f"geoqa_plus/{n}.png": n for n in range(3)})
    write_rows(tmp_path / "set/qa_tuning.json", qa_rows())
    write_images(tmp_path / "mm", {f"{n}.png": n for n in range(3)})
    write_rows(tmp_path / "mm/train.jsonl", mm_math_rows())
    places = (("geo170k", "set", "qa_tuning"), ("mm_math", "mm", "train"))
    skipped: Counter[str] = Counter()
    records = [r for name, place, split in places for r in SOURCES[name].read(str(tmp_path / place), split, skipped)]
    made = [sft_row(record, skipped) for record in records]
    (tmp_path / "rows").mkdir()
    write_parquet(made, QUESTIONS, tmp_path / "rows/train.parquet")
    export(ExportArguments(str(tmp_path / "rows"), str(tmp_path / "out")))
    back = [sft_row(record, skipped) for record in read(tmp_path / "out", "sft")]
    assert len(back) == 6 and not skipped
    for row, other in zip(made, back, strict=True):
        assert {**other, "id": row["id"], "kind": row["kind"]} == row


def test_an_interrupted_export_goes_on(rows, tmp_path, monkeypatch):
    out, written = tmp_path / "out", []
    replace = export_reference.os.replace

    def failing(source, target):
        if len(written) == 3:
            raise OSError("the disk is full")
        written.append(str(target))
        replace(source, target)

    monkeypatch.setattr(export_reference.os, "replace", failing)
    with pytest.raises(OSError, match="the disk is full"):
        export(ExportArguments(str(rows), str(out)))
    assert not list(out.glob("*.json*")), "half a list has a name"
    monkeypatch.setattr(export_reference.os, "replace", lambda s, t: written.append(str(t)) or replace(s, t))
    export(ExportArguments(str(rows), str(out)))
    assert len(written) == len(set(written)), "a finished image was written again"
    export(ExportArguments(str(rows), str(tmp_path / "whole")))
    files = [
        {str(p.relative_to(f)): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in (out, tmp_path / "whole")
    ]
    assert files[0] == files[1]


def test_another_split(rows, tmp_path):
    assert export(ExportArguments(str(rows), str(tmp_path / "out"), split="test"))["image_negatives"] == 1


def test_a_broken_image_is_one_row_less(tmp_path):
    broken = hard_negative(1, 1, 1) | {"negative_images": [{"bytes": b"x", "path": None}]}
    (tmp_path / "rows").mkdir()
    write_parquet([broken, hard_negative(2, 1, 1)], HARD_NEGATIVES, tmp_path / "rows/train.parquet")
    counts = export(ExportArguments(str(tmp_path / "rows"), str(tmp_path / "out")))
    assert counts == {"image_negatives": 1, "text_negatives": 1, "skipped: image: unreadable": 1}


def test_the_command(rows, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["x", "--dataset", str(rows), "--output_dir", str(tmp_path / "out")])
    main()
    assert "image_negatives: 2; text_negatives: 2" in capsys.readouterr().out


@pytest.mark.parametrize("dataset, message", [("/nowhere", "no file or folder"), ("other", "its columns: a")])
def test_refusals_are_one_line(dataset, message, tmp_path, monkeypatch, capsys):
    write_rows(tmp_path / "other/train.json", [{"a": 1}])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["x", "--dataset", dataset, "--output_dir", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        run_command(main)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1]
