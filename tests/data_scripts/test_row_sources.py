"""Rows out of pictures and captions of others: what they hold, who is held out, and what is refused."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from datasets import load_dataset
from PIL import Image

from data_scripts.build_hard_negatives import BuildArguments, build
from data_scripts.caption_rows import GIVEN, read_stated
from data_scripts.diagram import Fact
from data_scripts.negatives import encoding
from data_scripts.phrases import Stated, parse_caption
from data_scripts.rows import FEATURES

from .samples import fake_encoder, record, write_zip
from .sources.layouts import align_row, picture, said, write_images, write_rows
from .test_build_hard_negatives import parquet_bytes

OPTIONS = {"num_retrieved": 2, "num_workers": 1, "num_rows": 16, "num_test_rows": 8, "num_rule_negatives": 4}


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setattr(encoding, "load_encoder", fake_encoder)


def caption(n: int) -> str:
    return (
        f"The figure shows an isosceles triangle ABC with AB = AC. D is the midpoint of BC, and BC = {n + 4}. "
        f"Angle BAC is {30 + n} degrees. Nobody knows what else is there."
    )


@pytest.fixture(scope="module")
def alignment(tmp_path_factory) -> Path:
    """Thirty captions in the form of Geo170K; every picture stands in two of them."""
    folder = tmp_path_factory.mktemp("sets") / "Geo170K"
    rows = [
        {"image": f"x/{n // 2}.png", "conversations": said("<image>\nDescribe it.", caption(n))} for n in range(30)
    ]
    rows[3]["image"] = "x/missing.png"
    write_rows(folder / "alignment.json", rows)
    write_images(folder / "images", {f"x/{n}.png": n for n in range(15)})
    return folder


@pytest.fixture(scope="module")
def built(alignment, tmp_path_factory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("built") / "rows"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "load_encoder", fake_encoder)
        return folder, build(BuildArguments(str(folder), source="geo170k", path=str(alignment), **OPTIONS))


def test_captions_of_others_give_rows_of_the_same_columns(built, tmp_path):
    data = load_dataset(str(built[0]), "with_markings", cache_dir=str(tmp_path))
    assert data["train"].features == FEATURES and data["train"].num_rows == 16
    for row in data["train"]:
        parsed = parse_caption(row["caption"])
        stated, scene = read_stated(row["facts"])
        assert stated == Stated(parsed.facts).facts and len(scene) == 16
        assert len(row["rule_captions"]) == len(row["rule_edits"]) == 4
        for text in row["rule_captions"]:
            assert text.endswith("Nobody knows what else is there."), "what is not understood is left alone"
            assert any(Stated(parsed.facts).denies(f) for f in parse_caption(text).facts)
        assert row["negative_images"] == [] and row["script"] == "" and row["source"] == "geo170k"


def test_pictures_stay_as_they_are(built, alignment, tmp_path):
    row = load_dataset(str(built[0]), split="train", cache_dir=str(tmp_path))[0]
    number = int(row["id"].rpartition("/")[2])
    np.testing.assert_array_equal(np.asarray(row["image"]), np.asarray(Image.open(io.BytesIO(picture(number // 2)))))


def test_no_scene_is_on_both_sides_and_none_is_its_own_negative(built, tmp_path):
    data = load_dataset(str(built[0]), cache_dir=str(tmp_path))
    scenes = {split: [read_stated(text)[1] for text in data[split]["facts"]] for split in data}
    assert not set(scenes["train"]) & set(scenes["test"])
    scene_of = dict(zip(data["train"]["id"], scenes["train"], strict=True))
    retrieved = 0
    for row in data["train"]:
        retrieved += len(row["retrieved_ids"])
        assert all(scene_of[other] != scene_of[row["id"]] for other in row["retrieved_ids"])
    assert retrieved > 16


def test_what_is_wrong_is_counted_and_the_source_is_named(built):
    folder, report = built
    train = report["configs"]["with_markings"]["train"]
    assert train["dropped"]["image: missing"] == 1 and train["dropped"]["rule: sentence not understood"] >= 16
    assert train["kept"]["source: geo170k"] == 16 and train["caption words"]["shortest"] > 20
    assert report["sources"]["geo170k"]["license"] == "unknown"
    assert "license: unknown" in (folder / "README.md").read_text()
    assert report["shortcuts"] == {"with_markings": {"pairs": 0}}, "nothing was drawn by us"


def test_the_same_bytes_with_two_workers(built, alignment, tmp_path):
    options = {**OPTIONS, "num_workers": 2}
    build(BuildArguments(str(tmp_path / "rows"), source="geo170k", path=str(alignment), **options))
    assert parquet_bytes(tmp_path / "rows") == parquet_bytes(built[0])


def test_negatives_that_come_with_a_source_are_taken(tmp_path):
    write_rows(tmp_path / "align" / "train.parquet", [align_row(n, 3) for n in range(20)])
    options = {**OPTIONS, "num_image_negatives": 2, "num_retrieved": 0, "num_rows": 8, "num_test_rows": 4}
    build(BuildArguments(str(tmp_path / "rows"), source="mm_math_align", path=str(tmp_path / "align"), **options))
    row = load_dataset(str(tmp_path / "rows"), split="train", cache_dir=str(tmp_path))[0]
    assert len(row["negative_images"]) == len(row["negative_captions"]) == len(row["negative_scripts"]) == 2
    assert row["negative_edits"] == [GIVEN] * 2
    assert set(row["rule_edits"]) <= {"value", "order", "order+value"} and row["rule_edits"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"source": "geo170k", "configs": ["letters_only"]}, "cannot be drawn again"),
        ({"source": "geo170k", "sampling": "lucky"}, "unknown sampling 'lucky'"),
        ({"source": "mavis", "image_size": 224}, "--image_size has no effect with --source mavis"),
        ({"source": "procedural", "path": "Geo170K"}, "--path has no effect with --source procedural"),
        ({"source": "procedural", "logic_forms": "x"}, "--logic_forms has no effect .*, only with geometry3k"),
        ({"simans_a": 5.0}, "--simans_a has no effect with --sampling top, only with simans"),
    ],
)
def test_what_makes_no_sense_is_refused(options, line):
    with pytest.raises(ValueError, match=line):
        BuildArguments("rows", **options)


def test_a_missing_place_is_one_line(tmp_path):
    with pytest.raises(ValueError, match="no file or folder at nowhere"):
        build(BuildArguments(str(tmp_path / "rows"), source="mavis", path="nowhere", **OPTIONS))


def test_a_split_for_which_the_source_has_nothing_is_one_line(tmp_path):
    forms = write_zip(tmp_path / "forms.zip", {"7": record()})  # of Geometry3K's train split
    options = {**OPTIONS, "source": "geometry3k", "logic_forms": str(forms)}
    with pytest.raises(ValueError, match="no row of the test split could be made: the source has nothing for it"):
        build(BuildArguments(str(tmp_path / "rows"), **options))


def test_statements_are_read_back_or_refused():
    text = json.dumps({"facts": [["segment", ["B", "A"], ""]], "scene": "s"})
    assert read_stated(text) == (frozenset({Fact("segment", ("A", "B"))}), "s")
    for wrong in ("", "{}", '{"facts": [1]}'):
        with pytest.raises(ValueError, match="does not hold a caption's statements"):
            read_stated(wrong)
