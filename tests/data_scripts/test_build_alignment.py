"""The command that builds pairs for the align stage: from public sets and our own rows, resumable, the same again."""

import json
import sys
from pathlib import Path

import pytest
from datasets import load_dataset

from data_scripts import assemble, build_alignment, shards
from data_scripts.build_alignment import INSTRUCTIONS, AlignmentArguments, build, main
from data_scripts.cli import run_command
from data_scripts.rows import FEATURES as HARD_NEGATIVES
from data_scripts.shards import write_parquet
from trainers.answer_collator import as_prompt_completion

from .sources.layouts import align_row, alignment_rows, mavis_row, picture, write_images, write_rows, write_zip


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(shards, "SHARD_SIZE", 4)
    monkeypatch.setattr(assemble, "SHARDS_PER_FILE", 2)


@pytest.fixture
def geo170k(tmp_path) -> Path:
    """Thirty rows, of which every seventh has no image."""
    write_rows(tmp_path / "Geo170K/alignment.json", alignment_rows(30))
    write_images(tmp_path / "Geo170K/images", {f"geo3k/{n}.png": n for n in range(30) if n % 7 != 6})
    return tmp_path / "Geo170K"


def arguments(path: Path, output: Path, **changes: object) -> AlignmentArguments:
    fixed = {"output_dir": str(output), "source": "geo170k", "path": str(path), "num_workers": 1}
    return AlignmentArguments(**fixed | changes)


def counts(report: dict) -> dict:
    return report["configs"]["default"]["train"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.parquet"))}


def test_rows_for_the_align_stage(geo170k, tmp_path):
    report = build(arguments(geo170k, tmp_path / "out", num_rows=18))
    data = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]
    assert len(data) == counts(report)["kept"]["rows"] == 18
    assert data["id"][:7] == [f"geo170k/alignment/{n}" for n in (0, 1, 2, 3, 4, 5, 7)]
    assert [m[0]["content"] for m in data["completion"]][:2] == [
        "Triangle ABC has AB = 0.",
        "Triangle ABC has AB = 1.",
    ]
    asked = {m[0]["content"] for m in data["prompt"]}
    assert asked <= set(INSTRUCTIONS) and len(asked) > 4
    assert all(len(images) == 1 and images[0].size == (24, 24) for images in data["images"])
    assert as_prompt_completion(data[0]) is not None, "the trainer cannot use the row"
    assert counts(report)["dropped"] == {"image: missing": 2}
    assert json.loads((tmp_path / "out/build_report.json").read_text()) == report
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"default", "README.md", "build_report.json"}


def test_a_source_may_hold_fewer(geo170k, tmp_path):
    assert counts(build(arguments(geo170k, tmp_path / "out", num_rows=500)))["kept"]["rows"] == 26


def test_the_same_bytes_again_and_other_wordings_with_another_seed(geo170k, tmp_path):
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        build(arguments(geo170k, tmp_path / name, seed=seed))
    one, two, three = (contents(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two and one != three
    load = [load_dataset(str(tmp_path / n), split="train", cache_dir=str(tmp_path / "c")) for n in ("one", "three")]
    assert load[0]["completion"] == load[1]["completion"] and load[0]["prompt"] != load[1]["prompt"]


def test_building_anew_replaces_the_old_rows(geo170k, tmp_path):
    build(arguments(geo170k, tmp_path / "out", num_rows=20))
    build(arguments(geo170k, tmp_path / "out", num_rows=5))
    assert len(load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))) == 5


def test_a_changed_file_is_read_anew_and_no_path_of_this_machine_is_told(geo170k, tmp_path):
    report = build(arguments(geo170k, tmp_path / "out", num_rows=20, seed=3))
    write_rows(geo170k / "alignment.json", alignment_rows(9))
    assert counts(build(arguments(geo170k, tmp_path / "out", num_rows=20, seed=3)))["kept"]["rows"] == 8
    command = "python -m data_scripts.build_alignment --source geo170k --num_rows 20"
    assert report["command"] == f"{command} --path Geo170K --seed 3"
    assert report["arguments"]["path"].startswith("Geo170K (")
    written = [(tmp_path / "out" / name).read_text() for name in ("build_report.json", "README.md")]
    assert not any(str(tmp_path) in text for text in written)


def test_an_interrupted_build_goes_on(geo170k, tmp_path, monkeypatch):
    build(arguments(geo170k, tmp_path / "whole"))
    read = []
    make = build_alignment.alignment_row

    def failing(record, seed):
        read.append(record.position)
        if len(read) == 10:
            raise OSError("the disk is full")
        return make(record, seed)

    monkeypatch.setattr(build_alignment, "alignment_row", failing)
    with pytest.raises(OSError, match="the disk is full"):
        build(arguments(geo170k, tmp_path / "out"))
    build(arguments(geo170k, tmp_path / "out"))
    assert read[10:] == [n for n in range(8, 30) if n % 7 != 6], "a finished shard was made again"
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    reports = [json.loads((tmp_path / n / "build_report.json").read_text()) for n in ("out", "whole")]
    assert counts(reports[0]) == counts(reports[1])


def test_the_same_bytes_with_two_workers(geo170k, tmp_path):
    reports = [build(arguments(geo170k, tmp_path / str(n), num_workers=n)) for n in (1, 2)]
    assert contents(tmp_path / "1") == contents(tmp_path / "2") and reports[0] == reports[1]


def hard_negative_rows(count: int) -> list[dict]:
    text = dict.fromkeys(("script", "facts"), "") | {"source": "procedural"}
    lists = {name: [] for name, feature in HARD_NEGATIVES.items() if name.endswith("s") and name != "facts"}
    return [
        {**text, **lists, "id": f"p/{n}", "image": {"bytes": picture(n), "path": None}, "caption": f"AB = {n}."}
        for n in range(count)
    ]


def place_of(source: str, tmp_path: Path) -> Path:
    folder = tmp_path / source
    if source == "hard_negatives":
        for config in ("letters_only", "with_markings"):
            (folder / config).mkdir(parents=True)
        write_parquet(hard_negative_rows(3), HARD_NEGATIVES, folder / "with_markings/train-0.parquet")
        write_parquet(hard_negative_rows(2), HARD_NEGATIVES, folder / "with_markings/test-0.parquet")
        write_parquet(hard_negative_rows(1), HARD_NEGATIVES, folder / "letters_only/train-0.parquet")
    elif source == "mavis":
        rows = json.dumps([mavis_row(n, f"img/{n}.png") for n in range(3)])
        return write_zip(tmp_path / "mavis.zip", {"x.json": rows} | {f"img/{n}.png": picture(n) for n in range(3)})
    else:
        write_rows(folder / "train.parquet", [align_row(n) for n in range(3)])
    return folder


@pytest.mark.parametrize("source", ["hard_negatives", "mavis", "mm_math_align"])
def test_other_sources(source, tmp_path):
    report = build(arguments(place_of(source, tmp_path), tmp_path / "out", source=source))
    data = load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert counts(report)["kept"]["rows"] == len(data) == 3
    ours = source == "hard_negatives"
    assert set(data["source"]) == {"procedural" if ours else source}
    assert data["id"][2] == ("p/2" if ours else f"{source}/train/2")
    assert f"license: {'apache-2.0' if ours else 'unknown'}\n" in (tmp_path / "out/README.md").read_text()


def test_the_command(geo170k, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    words = ["--source", "geo170k", "--path", str(geo170k), "--num_rows", "7", "--output_dir", str(out)]
    monkeypatch.setattr(sys, "argv", ["build_alignment", *words])
    main()
    assert "7 of 7 rows; 1 rows of the source dropped" in capsys.readouterr().out


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"--source": "mm_math"}, "mm_math"),
        ({"--split": "dev"}, "no split 'dev'"),
        ({"--path": "/nowhere"}, "no file or folder at /nowhere"),
        ({"--num_rows": "0"}, "--num_rows must be at least 1"),
        ({"--split": "test"}, "no file of rows with test_question"),
    ],
)
def test_refusals_are_one_line(changes, message, geo170k, tmp_path, monkeypatch, capsys):
    fixed = {"--source": "geo170k", "--path": str(geo170k), "--output_dir": str(tmp_path / "out")}
    words = fixed | {"--num_workers": "1"} | changes
    write_rows(geo170k / "qa_tuning.json", [])
    monkeypatch.setattr(sys, "argv", ["build_alignment", *(word for pair in words.items() for word in pair)])
    with pytest.raises(SystemExit) as ended:
        run_command(main)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1]


def test_nothing_usable_is_an_error(tmp_path):
    write_rows(tmp_path / "set/alignment.json", alignment_rows(2))
    with pytest.raises(ValueError, match="no pair could be read .*image: missing"):
        build(arguments(tmp_path / "set", tmp_path / "out"))


@pytest.mark.parametrize("count", [3, 4, 5, 8])
def test_a_source_is_read_to_its_end(count, tmp_path):
    path = write_rows(tmp_path / "alignment.json", alignment_rows(count))
    write_images(tmp_path, {f"geo3k/{n}.png": n for n in range(count)})
    report = build(arguments(path, tmp_path / "out"))
    assert counts(report)["kept"]["rows"] == count and not counts(report)["dropped"]
