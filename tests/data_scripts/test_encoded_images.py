"""Rows whose images stay encoded hold the same, under another fingerprint, and nothing is copied."""

import io

import pytest
from datasets import Dataset, Features, Image, List, Value
from PIL import Image as PILImage

from data_scripts.encoded_images import decoded_features, undecoded
from tests.trainers.rows import hard_negatives
from trainers.rows import decode_image


def test_undecoded_rows_hold_the_same_bytes():
    rows = hard_negatives(6).shuffle(seed=1).select([4, 0, 2])
    raw = undecoded(rows)
    assert raw.features["image"] == Image(decode=False)
    assert raw.features["negative_images"] == List(Image(decode=False))
    assert raw["id"] == rows["id"]
    for one, other in zip(raw, rows, strict=True):
        assert PILImage.open(io.BytesIO(one["image"]["bytes"])).tobytes() == other["image"].tobytes()
        assert len(one["negative_images"]) == len(other["negative_images"])
    stream = undecoded(rows.to_iterable_dataset())
    assert next(iter(stream))["image"]["bytes"] == raw[0]["image"]["bytes"]
    assert decoded_features(raw.features) == rows.features
    assert undecoded({"train": rows})["train"]._fingerprint == raw._fingerprint != rows._fingerprint


def test_lists_keep_their_length_and_the_rest_is_left_alone():
    features = Features({"images": List(Image(), length=1), "text": Value("string")})
    rows = Dataset.from_list([{"images": [PILImage.new("L", (2, 2))], "text": "a"}], features=features)
    for raw in (undecoded(rows), undecoded(rows.to_iterable_dataset())):
        assert raw.features["images"] == List(Image(decode=False), length=1)
        assert next(iter(raw))["text"] == "a"
    assert undecoded(None) is None and undecoded([1]) == [1]


def test_a_transform_is_not_left_out_in_silence():
    rows = hard_negatives(2)
    with pytest.raises(ValueError, match="have a transform"):
        undecoded(rows.with_transform(lambda batch: {**batch, "caption": ["a square"] * len(batch["id"])}))
    assert undecoded(rows.with_format("torch"))["id"] == rows["id"]
    mapped = undecoded(rows.to_iterable_dataset().map(lambda row: {**row, "caption": "a square"}))
    assert [row["caption"] for row in mapped] == ["a square"] * 2
    assert all(decode_image(row["image"]) for row in mapped)
