"""Rows with retrieved figures as image negatives: whose they are, that they are proven, and that all else stays."""

import json

import pytest
from datasets import load_dataset

from data_scripts import shards
from data_scripts.build_hard_negatives import BuildArguments
from data_scripts.build_hard_negatives import build as build_rows
from data_scripts.diagram import Diagram
from data_scripts.negatives import encoding
from data_scripts.negatives.image import first_false
from data_scripts.retrieve_images import RetrieveImagesArguments, build

from .samples import fake_encoder
from .test_build_hard_negatives import parquet_bytes

OPTIONS = {"num_rows": 7, "num_test_rows": 3, "num_image_negatives": 2, "num_rule_negatives": 2, "num_retrieved": 3}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built") / "rows"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "load_encoder", fake_encoder)
        patch.setattr(shards, "SHARD_SIZE", 4)
        build_rows(BuildArguments(str(folder), **OPTIONS, image_size=96, num_workers=1))
    return folder


def test_image_negatives_are_the_figures_of_the_retrieved_captions(rows, tmp_path):
    report = build(RetrieveImagesArguments(str(rows), str(tmp_path / "out")))
    kept = 0
    for config in ("with_markings", "letters_only"):
        before = load_dataset(str(rows), config, cache_dir=str(tmp_path / "cache"))
        after = load_dataset(str(tmp_path / "out"), config, cache_dir=str(tmp_path / "cache"))
        for split in ("train", "test"):
            assert after[split].features == before[split].features
            by_id = {row["id"]: row for row in before[split]}
            for row in after[split]:
                old = by_id[row["id"]]
                same = [name for name in row if not name.startswith("negative_")]
                assert all(row[name] == old[name] for name in same)
                figure = Diagram.from_json(row["facts"])
                negatives = [by_id[i] for i in row["retrieved_ids"] if by_id[i]["caption"] in row["negative_captions"]]
                assert [n["caption"] for n in negatives] == row["negative_captions"]
                assert [n["image"] for n in negatives] == row["negative_images"]
                assert [n["script"] for n in negatives] == row["negative_scripts"]
                for negative in negatives:
                    other = Diagram.from_json(negative["facts"])
                    assert (
                        first_false(other.facts, figure) is not None and first_false(figure.facts, other) is not None
                    )
                kept += len(negatives)
    counted = [split["kept"]["image negatives"] for splits in report["configs"].values() for split in splits.values()]
    assert kept == sum(counted) > 10
    assert json.loads((tmp_path / "out" / "build_report.json").read_text()) == report
    told = {"dataset": report["arguments"]["dataset"], "num_image_negatives": 10}
    assert report["arguments"] == told and told["dataset"].startswith("rows ("), "a path of this machine"
    assert not (tmp_path / "out" / ".build").exists()
    again = tmp_path / "again"
    build(RetrieveImagesArguments(str(rows), str(again)))
    assert parquet_bytes(again) == parquet_bytes(tmp_path / "out")


def test_limits_and_refusals(rows, tmp_path, monkeypatch):
    build(RetrieveImagesArguments(str(rows), str(tmp_path / "one"), num_image_negatives=1))
    lists = load_dataset(str(tmp_path / "one"), "with_markings", cache_dir=str(tmp_path / "c"))["train"][
        "negative_edits"
    ]
    assert all(edits in ([], ["retrieved"]) for edits in lists)
    monkeypatch.setattr("data_scripts.retrieve_images.first_false", lambda facts, figure: None)
    with pytest.raises(ValueError, match="no row of .* has retrieved captions whose figures are negatives"):
        build(RetrieveImagesArguments(str(rows), str(tmp_path / "none")))
    with pytest.raises(ValueError, match="--num_image_negatives must be at least 1"):
        RetrieveImagesArguments(str(rows), str(tmp_path / "none"), num_image_negatives=0)
    with pytest.raises(ValueError, match="cannot load the data set"):
        build(RetrieveImagesArguments(str(tmp_path / "nothing"), str(tmp_path / "none")))
