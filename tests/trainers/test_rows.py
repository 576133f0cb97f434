"""Loading, decoding and counting rows."""

import io

import pytest
from datasets import Dataset, DatasetDict, Image
from PIL import Image as PILImage

from data_scripts.encoded_images import undecoded
from tests.trainers.rows import draw, encoded, hard_negatives, truncated
from trainers.rows import SkipCounter, check_columns, decode_image, image_bytes, load_split


def test_bytes_from_a_path(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(draw("square", 3))["bytes"])
    assert image_bytes({"bytes": None, "path": str(tmp_path / "a.png")}) == encoded(draw("square", 3))["bytes"]
    assert image_bytes({"bytes": None, "path": str(tmp_path / "b.png")}) is None
    assert image_bytes({"bytes": b"", "path": None}) is None
    assert image_bytes(str(tmp_path / "a.png")) == image_bytes((tmp_path / "a.png").read_bytes())
    assert image_bytes(None) is image_bytes(b"") is image_bytes(str(tmp_path / "b.png")) is None


def test_a_truncated_image_does_not_break_reading_rows():
    rows = hard_negatives(2)
    bad = rows.to_list()
    bad[1]["image"] = truncated(draw("square", 0))
    raw = undecoded(hard_negatives(bad))
    assert decode_image(raw[0]["image"]) is not None
    assert decode_image(raw[1]["image"]) is None


@pytest.mark.parametrize("image", [None, {}, {"bytes": b"", "path": None}, b"nonsense", "/no/such/file.png", 3])
def test_what_is_no_image_decodes_to_none(image):
    assert decode_image(image) is None


def test_images_become_rgb_on_white(tmp_path):
    clear = PILImage.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert decode_image(clear).getpixel((0, 0)) == (255, 255, 255)
    assert decode_image(draw("line", 0)).mode == "RGB"
    clear.save(tmp_path / "clear.png")
    file = io.BytesIO((tmp_path / "clear.png").read_bytes())
    for same in (str(tmp_path / "clear.png"), file.getvalue(), encoded(clear)):
        assert decode_image(same).getpixel((0, 0)) == (255, 255, 255)


def test_images_are_turned_upright():
    exif = PILImage.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    file = io.BytesIO()
    PILImage.new("RGB", (8, 4), "white").save(file, "JPEG", exif=exif)
    assert decode_image(file.getvalue()).size == Image().decode_example({"bytes": file.getvalue(), "path": None}).size
    assert decode_image(file.getvalue()).size == (4, 8)


def test_counter_adds_up_and_reports():
    counter = SkipCounter("rows", "negative images")
    assert counter.report() == ""
    counter.add("rows")
    counter.add("negative images", 3)
    assert counter.totals() == {"rows": 1, "negative images": 3}
    assert counter.report() == "1 rows, 3 negative images"


def test_splits_load_from_every_kind_of_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    rows = Dataset.from_dict({"image": ["a", "b"], "caption": ["x", "y"]})
    DatasetDict({"train": rows}).save_to_disk(tmp_path / "dict")
    rows.save_to_disk(tmp_path / "one")
    (tmp_path / "parquet").mkdir()
    rows.to_parquet(tmp_path / "parquet" / "train-00000.parquet")
    for folder in ("dict", "one", "parquet"):
        assert load_split(str(tmp_path / folder), "train", max_rows=1)["caption"] == ["x"]
    with pytest.raises(ValueError, match="no split 'exam', only train"):
        load_split(str(tmp_path / "dict"), "exam")
    (tmp_path / "empty").mkdir()
    rows.select([]).to_parquet(tmp_path / "empty" / "train-00000.parquet")
    with pytest.raises(ValueError, match="Cannot load the data set .*empty.* no data"):
        load_split(str(tmp_path / "empty"), "train")
    with pytest.raises(ValueError, match="is empty"):
        load_split(str(tmp_path / "one"), "train", max_rows=0)
    with pytest.raises(ValueError, match="Cannot load the data set .*absent"):
        load_split(str(tmp_path / "absent"), "train")


def test_missing_columns_are_named():
    with pytest.raises(ValueError, match="lacks the columns image, caption; it has text"):
        check_columns(Dataset.from_dict({"text": ["a"]}), ("image", "caption"), "The data set")
