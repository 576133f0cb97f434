"""The command that cleans a data set: planted copies go, everything else stays as it was."""

import io
import json
from pathlib import Path

import pytest
from datasets import Dataset, load_dataset
from PIL import Image

from data_scripts import decontaminate
from data_scripts.build_sft import FEATURES, build_row
from data_scripts.cli import run_command
from data_scripts.decontaminate import DecontaminateArguments, clean, main
from data_scripts.questions import KINDS
from data_scripts.shards import write_parquet

from .samples import fake_encode

OPTIONS = {"kinds": list(KINDS), "multiple_choice": 0.5, "image_size": 224, "seed": 7}
ROWS = 14


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setattr(decontaminate, "encode", lambda encoder, texts: fake_encode(texts))


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return [build_row(index, "train", **OPTIONS) for index in range(ROWS)]


@pytest.fixture
def dataset(rows, tmp_path) -> Path:
    (tmp_path / "sft").mkdir()
    write_parquet(rows[:9], FEATURES, tmp_path / "sft" / "train-0.parquet")
    write_parquet(rows[9:], FEATURES, tmp_path / "sft" / "test-0.parquet")
    return tmp_path / "sft"


def asked(row: dict) -> str:
    return row["prompt"][0]["content"].split("\n(A)")[0].split(" Put the")[0]


def copies(row: dict, folder: Path) -> str:
    """The row's figure at 0.7 of its size as a JPEG file; its name."""
    with Image.open(io.BytesIO(row["images"][0]["bytes"])) as image:
        small = image.convert("RGB").resize((157, 157))
    name = f"{row['id'].replace('/', '-')}.jpg"
    small.save(folder / name, quality=60)
    return name


def exam(path: Path, entries: list[tuple[str, str | None]]) -> Path:
    path.write_text("".join(json.dumps({"problem": text, "image": image}) + "\n" for text, image in entries))
    return path


def cleaned(dataset: Path, against: list[Path], output: Path, **options: object) -> tuple[dict, dict]:
    report = clean(
        DecontaminateArguments(
            dataset=str(dataset), against=[str(p) for p in against], output_dir=str(output), **options
        )
    )
    return report, load_dataset(str(output), cache_dir=str(output.parent / "cache"))


def test_planted_copies_go_and_everything_else_stays(rows, dataset, tmp_path):
    planted = exam(
        tmp_path / "exam.jsonl",
        [
            (asked(rows[2]), copies(rows[2], tmp_path)),  # rescaled and recompressed
            (asked(rows[11]), copies(rows[11], tmp_path)),
            ("Reworded beyond recognition: what could it be?", copies(rows[4], tmp_path)),
            (asked(rows[5]), copies(rows[6], tmp_path)),  # its words about another figure
            ("A question about nothing here", None),
        ],
    )
    report, data = cleaned(dataset, [planted], tmp_path / "clean")
    kept = {split: [row["id"] for row in part] for split, part in data.items()}
    assert kept == {
        "train": [row["id"] for i, row in enumerate(rows[:9]) if i != 2],
        "test": [row["id"] for i, row in enumerate(rows[9:], 9) if i != 11],
    }
    assert data["train"].features == FEATURES
    by_id = {row["id"]: row for row in rows}
    for part in data.values():
        for row in part.with_format("arrow")[:].to_pylist():
            assert {**row, "images": [i["bytes"] for i in row["images"]]} == {
                **by_id[row["id"]], "images": [i["bytes"] for i in by_id[row["id"]]["images"]],
            }  # fmt: skip
    assert [(p["split"], p["id"], p["test_id"]) for p in report["pairs"]] == [
        ("train", rows[2]["id"], "train/0"),
        ("test", rows[11]["id"], "train/1"),
    ]
    assert all(p["why"] == "text and image" and p["similarity"] == 1.0 for p in report["pairs"])
    told = f"exam.jsonl ({planted.stat().st_size} bytes)"
    assert report["splits"]["train"] == {
        "rows": 9, "kept": 8, "dropped": {"same text and image": 1}, "dropped_by_test_set": {told: 1},
        "images_skipped": {},
    }  # fmt: skip
    assert report["arguments"]["against"] == [told] and report["pairs"][0]["test_set"] == told
    written = [tmp_path / "clean" / name for name in ("decontamination_report.json", "README.md")]
    assert json.loads(written[0].read_text()) == report
    assert not any(str(tmp_path) in path.read_text() for path in written), "a path of this machine"


def test_either_and_image_drop_more(rows, dataset, tmp_path):
    planted = exam(tmp_path / "exam.jsonl", [("Reworded", copies(rows[4], tmp_path)), (asked(rows[5]), None)])
    for match, gone in (("image", {4}), ("either", {4, 5}), ("both", {5})):
        _, data = cleaned(dataset, [planted], tmp_path / match, match=match)
        lost = {row["id"] for row in rows} - {row["id"] for part in data.values() for row in part}
        assert {rows[i]["id"] for i in gone} <= lost, match
        assert len(lost) == sum(asked(row) == asked(rows[5]) or i in gone for i, row in enumerate(rows)) - (
            0 if 5 in gone else sum(asked(row) == asked(rows[5]) for row in rows)
        )


def test_the_sheet_shows_the_pairs(rows, dataset, tmp_path):
    planted = exam(tmp_path / "exam.jsonl", [(asked(rows[2]), copies(rows[2], tmp_path))])
    cleaned(dataset, [planted], tmp_path / "clean")
    with Image.open(tmp_path / "clean" / "dropped_pairs.png") as sheet:
        assert sheet.format == "PNG" and min(sheet.size) > 200
    clean_exam = exam(tmp_path / "other.jsonl", [("Nothing alike", None)])
    cleaned(dataset, [clean_exam], tmp_path / "clean")
    assert not (tmp_path / "clean" / "dropped_pairs.png").exists(), "the sheet of an earlier run is left"


def test_nothing_is_left_behind_and_a_rerun_replaces(rows, dataset, tmp_path):
    planted = exam(tmp_path / "exam.jsonl", [(asked(rows[2]), copies(rows[2], tmp_path))])
    for _ in range(2):
        cleaned(dataset, [planted], tmp_path / "clean")
        names = {p.name for p in (tmp_path / "clean").iterdir()}
        assert names == {"data", "README.md", "decontamination_report.json", "dropped_pairs.png"}
    assert len(list((tmp_path / "clean" / "data").iterdir())) == 2


def test_files_of_others_are_left_in_the_folder(rows, dataset, tmp_path):
    (tmp_path / "clean" / "data").mkdir(parents=True)
    (tmp_path / "clean" / "data" / "measured.csv").write_text("a user's own")
    _, data = cleaned(dataset, [exam(tmp_path / "exam.jsonl", [("Nothing alike", None)])], tmp_path / "clean")
    assert data["train"].num_rows == 9
    assert (tmp_path / "clean" / "data" / "measured.csv").read_text() == "a user's own"


def test_a_readme_of_others_is_not_replaced(dataset, tmp_path):
    (tmp_path / "README.md").write_text("a user's project")
    with pytest.raises(ValueError, match="README.md would be replaced by the data set's card"):
        cleaned(dataset, [exam(tmp_path / "exam.jsonl", [("Nothing alike", None)])], tmp_path)
    assert (tmp_path / "README.md").read_text() == "a user's project" and not (tmp_path / ".build").exists()


def test_an_interrupted_run_goes_on(rows, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(decontaminate, "BLOCK", 2)
    planted = exam(tmp_path / "exam.jsonl", [(asked(rows[2]), copies(rows[2], tmp_path))])
    decided, overlaps = [], decontaminate.TestSet.overlaps

    def interrupted(self, items):
        if len(decided) == 3:
            raise KeyboardInterrupt
        decided.append(items[0].id)
        return overlaps(self, items)

    monkeypatch.setattr(decontaminate.TestSet, "overlaps", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cleaned(dataset, [planted], tmp_path / "clean")
    monkeypatch.setattr(
        decontaminate.TestSet, "overlaps", lambda self, items: (decided.append(items[0].id), overlaps(self, items))[1]
    )
    report, data = cleaned(dataset, [planted], tmp_path / "clean")
    assert len(decided) == len(set(decided)) == 8, "a finished block was decided again"
    assert report["splits"]["train"]["kept"] == len(data["train"]) == 8


def test_bad_images_are_skipped_and_counted(rows, tmp_path):
    bad = [dict(row) for row in rows[:4]]
    bad[1] = {**bad[1], "images": [{"bytes": b"no picture", "path": None}]}
    (tmp_path / "sft").mkdir()
    write_parquet(bad, FEATURES, tmp_path / "sft" / "train-0.parquet")
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8 torn")
    planted = exam(tmp_path / "exam.jsonl", [(asked(rows[2]), copies(rows[2], tmp_path)), ("Lost", "torn.jpg")])
    report = clean(
        DecontaminateArguments(
            dataset=str(tmp_path / "sft"), against=[str(planted)], output_dir=str(tmp_path / "clean")
        )
    )
    assert report["test_images_skipped"] == {"image: cannot be read": 1}
    assert report["splits"]["train"]["images_skipped"] == {"image: cannot be read": 1}
    assert report["splits"]["train"]["kept"] == 3


def test_text_only_data_of_any_columns(tmp_path):
    Dataset.from_dict({"riddle": ["Find x.", "Find y."], "level": [1, 2]}).to_json(tmp_path / "d.jsonl")
    Dataset.from_dict({"text": ["Find x."]}).to_json(tmp_path / "t.jsonl")
    _, data = cleaned(tmp_path / "d.jsonl", [tmp_path / "t.jsonl"], tmp_path / "clean", text_column="riddle")
    assert data["train"].to_list() == [{"riddle": "Find y.", "level": 2}]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--dataset", "{d}", "--against", "{t}", "--match", "neither"], "invalid choice: 'neither'"),
        (["--dataset", "{d}", "--against", "{t}", "--text_threshold", "2"], "--text_threshold must be above 0"),
        (["--dataset", "{d}", "--against", "{t}", "--text_column", "riddle"], "has no column 'riddle'"),
        (["--dataset", "{d}", "--against", "no/where/at all"], "cannot load the data set no/where/at all"),
        (["--dataset", "no/where/at all", "--against", "{t}"], "cannot load the data set no/where/at all"),
        (["--dataset", "{d}", "--against", "{d}", "--match", "text"], "no row of"),
        (["--dataset", "{d}"], "--against"),
    ],
)
def test_what_the_user_can_put_right_is_one_line(arguments, line, tmp_path, monkeypatch, capsys):
    Dataset.from_dict({"question": ["Find x."]}).to_json(tmp_path / "d.jsonl")
    Dataset.from_dict({"question": ["Find y."]}).to_json(tmp_path / "t.jsonl")
    named = [a.format(d=tmp_path / "d.jsonl", t=tmp_path / "t.jsonl") for a in arguments]
    monkeypatch.setattr("sys.argv", ["decontaminate", *named, "--output_dir", str(tmp_path / "clean")])
    with pytest.raises(SystemExit) as ended:
        run_command(main)
    assert ended.value.code == 2
    assert line in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "clean" / "data").exists()


def test_the_command_says_what_it_dropped(rows, dataset, tmp_path, monkeypatch, capsys):
    planted = exam(tmp_path / "exam.jsonl", [(asked(rows[2]), copies(rows[2], tmp_path))])
    named = ["--dataset", str(dataset), "--against", str(planted), "--output_dir", str(tmp_path / "clean")]
    monkeypatch.setattr("sys.argv", ["decontaminate", *named])
    run_command(main)
    assert "train: 8 of 9 rows kept; dropped: 1 same text and image" in capsys.readouterr().out
