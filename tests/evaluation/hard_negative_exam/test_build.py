"""The exam is what it says: full sets of proven negatives, figures that nothing trains on, the same for ever."""

import json
from collections import Counter
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from data_scripts.diagram import Diagram
from data_scripts.negatives.image import first_false
from data_scripts.rows import CONFIGS, DRAWN_FEATURES
from data_scripts.shards import ShardRows
from data_scripts.sources import procedural
from evaluation.hard_negative_exam import rows as exam_rows
from evaluation.hard_negative_exam.build import ExamArguments, build, check, describe_folder, main
from evaluation.hard_negative_exam.manifest import MANIFEST, differences, read_manifest, row_hashes
from evaluation.hard_negative_exam.rows import (
    EXAM_FEATURES,
    FEWEST_DRAWN,
    NO_CANDIDATES,
    NUM_CANDIDATES,
    ORIGINS,
    exam_shard,
)
from model_cards.folder_check import check_folder
from model_cards.write_card import WriteCardArguments, write_card
from tests.evaluation.conftest import build_small
from tests.evaluation.small_exam import OPTIONS


def read(folder, config, split):
    return [
        row for file in sorted((folder / config).glob(f"{split}-*.parquet")) for row in pq.read_table(file).to_pylist()
    ]


def test_it_loads_as_a_data_set(exam):
    for config in CONFIGS:
        splits = load_dataset(str(exam.folder), config)
        assert {name: len(rows) for name, rows in splits.items()} == {
            "procedural": 4, "procedural_gallery": 16, "geometry3k": 4, "geometry3k_gallery": 12,
        }  # fmt: skip
        assert splits["procedural"].features == EXAM_FEATURES
    assert load_dataset(str(exam.folder), split="procedural")[0]["image"].size == (
        96,
        96,
    )  # the default is with values


def test_every_set_is_full_and_of_the_same_figures_in_both_configurations(exam):
    ids = []
    for config in CONFIGS:
        rows = read(exam.folder, config, "procedural")
        ids.append([row["id"] for row in rows])
        for row in rows:
            sets = ("negative_images", "negative_captions", "rule_captions", "random_captions")
            assert [len(row[name]) for name in sets] == [NUM_CANDIDATES] * 4
            assert len(row["retrieved_ids"]) == len(set(row["retrieved_captions"])) >= NUM_CANDIDATES
            for name in (*sets[1:], "retrieved_captions"):
                assert row["caption"] not in row[name] and len(set(row[name])) == len(row[name])
            drawn = [row[name] for name in DRAWN_FEATURES]
            assert FEWEST_DRAWN <= len(drawn[0]) == len(drawn[1]) == len(drawn[2]) <= NUM_CANDIDATES
            assert len({row["caption"], *row["drawn_captions"]}) == 1 + len(row["drawn_captions"])
    assert ids[0] == ids[1]


@pytest.mark.parametrize("source", list(ORIGINS))
def test_candidates_are_proven_both_ways(exam, source):
    rows = {r["id"]: r for split in (source, f"{source}_gallery") for r in read(exam.folder, CONFIGS[0], split)}
    for row in read(exam.folder, CONFIGS[0], source):
        figure = Diagram.from_json(row["facts"])
        for name in ("retrieved", "random"):
            for id_, caption in zip(row[f"{name}_ids"], row[f"{name}_captions"], strict=True):
                other = Diagram.from_json(rows[id_]["facts"])
                assert caption == rows[id_]["caption"] and id_ != row["id"]
                assert first_false(other.facts, figure) and first_false(figure.facts, other)


def test_figures_come_from_where_nothing_trains(exam):
    ids = [row["id"] for row in read(exam.folder, CONFIGS[0], "procedural")]
    assert all(id_.split("/")[:3] == ["procedural", "20152", "exam"] for id_ in ids)
    gallery = [row["id"] for row in read(exam.folder, CONFIGS[0], "procedural_gallery")]
    assert all(id_.split("/")[2] == "gallery" for id_ in gallery)
    # streams of one seed share no figure: whatever a build draws, it draws from another stream
    drawn = {
        s: {procedural.figure_at(20152, s, i)[1].diagram.to_json() for i in range(12)} for s in procedural.STREAMS
    }
    assert sum(map(len, drawn.values())) == len(set().union(*drawn.values()))
    numbers = [int(row["id"].partition("/")[2]) for row in read(exam.folder, CONFIGS[0], "geometry3k")]
    assert all(2401 <= number <= 3001 for number in numbers)
    numbers = [int(row["id"].partition("/")[2]) for row in read(exam.folder, CONFIGS[0], "geometry3k_gallery")]
    assert all(2101 <= number <= 2400 for number in numbers)


def test_building_again_gives_the_frozen_exam(exam, tmp_path, monkeypatch, capsys):
    build_small(monkeypatch)
    again = replace(exam.arguments, output_dir=str(tmp_path / "again"), logic_forms=None, write_manifest=None)
    assert build(again)["differences"] == []  # a part of it, without real figures
    again_rows = read(tmp_path / "again", CONFIGS[1], "procedural")
    assert again_rows == read(exam.folder, CONFIGS[1], "procedural")

    other = json.loads((exam.folder.parent / "manifest.json").read_text())
    split = other["splits"][CONFIGS[0]]["procedural"]
    name, hashes = next(iter(split["rows"].items()))
    texts, images, candidates = hashes.split()
    split["rows"][name], split["images"] = f"{texts} {'0' * len(images)} {candidates}", "0"
    (tmp_path / "other.json").write_text(json.dumps(other))
    changed = build(replace(again, manifest=str(tmp_path / "other.json")))
    assert changed["differences"] == [f"{CONFIGS[0]}, procedural: other images in 1 of 4 rows"]
    arguments = [f"--{key}={value}" for key, value in OPTIONS.items()]
    monkeypatch.setattr(
        "sys.argv", ["exam", f"--output_dir={tmp_path / 'again'}", *arguments, f"--manifest={tmp_path / 'other.json'}"]
    )
    main()
    assert "THIS IS NOT THE FROZEN EXAM" in capsys.readouterr().err


def test_other_options_are_another_exam(exam):
    assert check(replace(exam.arguments, write_manifest=None, seed=1), exam.folder) is None
    assert check(replace(exam.arguments, write_manifest=None), exam.folder) == []


def test_other_figures_and_missing_rows_are_told():
    frozen = {"num_rows": 2, "texts": "a", "images": "b", "candidates": "c", "rows": {"x": "1 2 3", "y": "4 5 6"}}
    assert differences(frozen, frozen) == []
    assert (
        differences(frozen, frozen | {"num_rows": 1, "rows": {"x": "1 2 3"}, "texts": "d"})[0]
        == "1 rows in place of 2"
    )
    found = frozen | {"rows": {"x": "1 2 3", "z": "4 5 6"}, "texts": "d"}
    assert differences(frozen, found) == ["other figures", "other texts in 1 of 2 rows"]


def test_the_committed_manifest_is_of_the_frozen_exam():
    manifest = read_manifest(MANIFEST)
    assert manifest["options"] == ExamArguments("anywhere").options()
    for config in CONFIGS:
        described = manifest["splits"][config]["procedural"]
        assert described["num_rows"] == len(described["rows"]) == 500
        assert Counter(id_.split("/")[2] for id_ in described["rows"]) == {"exam": 500}
        assert manifest["splits"][config]["procedural_gallery"]["num_rows"] == 2000


def test_the_first_frozen_figures_are_drawn_as_ever():
    """The rows that cost most, without their candidates: what a change of drawing or editing would break first."""
    options = ExamArguments("anywhere").row_options["procedural"]
    frozen = read_manifest(MANIFEST)["splits"]
    made = exam_shard([0, 1, 2], source="procedural", seed=20152, options=options)
    for config in CONFIGS:
        known = frozen[config]["procedural"]["rows"]
        for row in made.rows[config]:
            found = row_hashes(row | NO_CANDIDATES)
            assert known[row["id"]].split()[:2] == [found["texts"], found["images"]]


def test_its_card_is_written_and_it_still_loads(exam):
    card = write_card(WriteCardArguments(str(exam.folder), "dataset", repo_id="you/exam")).read_text(encoding="utf-8")
    assert exam.report["command"] in card and "`random_captions`" in card and "Evaluation only" in card
    contents = check_folder(exam.folder)
    assert contents.kind == "dataset" and any(
        name.startswith("letters_only/geometry3k_gallery-") for name in contents.files
    )
    assert set(load_dataset(str(exam.folder), CONFIGS[1])) >= {"procedural", "geometry3k_gallery"}


def test_the_manifest_describes_the_folder(exam):
    assert describe_folder(exam.folder) == json.loads((exam.folder.parent / "manifest.json").read_text())["splits"]


def test_a_broken_manifest_is_named(tmp_path):
    (tmp_path / "m.json").write_text("[]")
    with pytest.raises(ValueError, match="no manifest of the hard-negative exam"):
        read_manifest(tmp_path / "m.json")
    with pytest.raises(ValueError, match="raise --num_gallery"):
        ExamArguments("o", num_rows=2, num_gallery=3)


def test_a_figure_of_ours_with_too_few_drawn_captions_makes_no_row(monkeypatch):
    options = ExamArguments("anywhere", image_size=96).row_options["procedural"]
    monkeypatch.setattr(exam_rows, "FEWEST_DRAWN", NUM_CANDIDATES + 1)
    made = exam_shard([0], source="procedural", seed=20152, options=options)
    assert all(rows == [] for rows in made.rows.values())
    assert made.dropped[CONFIGS[0]][-1][1]["row: too few negatives for the exam"] == 1


@pytest.mark.parametrize(("source", "left"), [("procedural", [FEWEST_DRAWN]), ("geometry3k", [FEWEST_DRAWN, 0])])
def test_a_real_figure_with_too_few_drawn_captions_asks_no_question_of_them(monkeypatch, source, left):
    options = ExamArguments("anywhere").row_options[source]

    def shard(chunk, **_):
        made = ShardRows.of(CONFIGS)
        for config, numbers in zip(CONFIGS, ((FEWEST_DRAWN,) * 2, (FEWEST_DRAWN, FEWEST_DRAWN - 1)), strict=True):
            for number in numbers:
                full = {name: [""] * NUM_CANDIDATES for name in ("negative_captions", "rule_captions")}
                made.add(config, full | {name: [""] * number for name in DRAWN_FEATURES}, Counter())
        return made

    monkeypatch.setattr(exam_rows, "figure_shard", shard)
    made = exam_shard([0, 1], source=source, seed=0, options=options)
    for name in DRAWN_FEATURES:
        assert [len(row[name]) for row in made.rows[CONFIGS[0]]] == [FEWEST_DRAWN] * len(left)
        assert [len(row[name]) for row in made.rows[CONFIGS[1]]] == left
