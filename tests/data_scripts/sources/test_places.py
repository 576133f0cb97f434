"""The same rows from a file, a folder, a zip and the Hub; the right files of a split; nothing read early."""

import zipfile
from collections import Counter
from pathlib import Path

import pytest
from datasets import load_dataset

from data_scripts.sources import SOURCES, places
from data_scripts.sources.places import loaded_rows, open_rows

from .layouts import alignment_rows, geometry3k_rows, picture, qa_rows, write_images, write_rows, write_zip

SPLITS = {"train": ("train",), "test": ("test", "dev")}


def numbers(location: Path, split: str = "train", **options: object) -> list:
    return [opened.row["n"] for opened in open_rows(str(location), split, SPLITS, **options)]


def rows(*values: int) -> list[dict]:
    return [{"n": n} for n in values]


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet"])
def test_a_lone_file_holds_any_split(tmp_path, suffix):
    path = write_rows(tmp_path / f"whatever{suffix}", rows(1, 2))
    assert numbers(path) == numbers(path, "test") == [1, 2]


def test_files_of_a_split_in_order_of_their_numbers(tmp_path):
    for n in (10, 2, 1):
        write_rows(tmp_path / f"data/train-{n}.parquet", rows(n))
    write_rows(tmp_path / "data/dev.json", rows(7))
    assert numbers(tmp_path) == [1, 2, 10]
    assert numbers(tmp_path, "test") == [7]


def test_the_folder_tells_the_split_where_the_file_does_not(tmp_path):
    write_rows(tmp_path / "train/part.jsonl", rows(1))
    write_rows(tmp_path / "test/part.jsonl", rows(2))
    assert numbers(tmp_path) == [1] and numbers(tmp_path, "test") == [2]


def test_the_same_rows_twice_are_read_once(tmp_path):
    write_rows(tmp_path / "train.json", rows(1))
    write_rows(tmp_path / "data/train-0.parquet", rows(1))
    assert numbers(tmp_path) == [1]


def test_files_that_tell_no_split_are_the_first_one(tmp_path):
    write_rows(tmp_path / "a.json", rows(1))
    write_rows(tmp_path / "b.json", rows(2))
    write_rows(tmp_path / "dataset_info.json", [{"no": "row"}])
    assert numbers(tmp_path) == [1, 2]
    with pytest.raises(ValueError, match=r"no file of rows with test or dev in its name.*a\.json, b\.json"):
        numbers(tmp_path, "test")


def test_zips(tmp_path):
    inside = write_rows(tmp_path / "made/train.jsonl", rows(1, 2)).read_text()
    lone = write_zip(tmp_path / "lone/set.zip", {"set/train.jsonl": inside, "__MACOSX/set/train.jsonl": b"\0"})
    assert numbers(lone) == numbers(lone.parent) == [1, 2]
    parquet = write_rows(tmp_path / "made/train.parquet", rows(3)).read_bytes()
    assert numbers(write_zip(tmp_path / "p/set.zip", {"train.parquet": parquet})) == [3]


def test_rows_in_zips_beside_rows_of_another_split(tmp_path):
    """As on the Hub page of MAVIS: the viewer's parquet beside the zips of the whole."""
    write_rows(tmp_path / "data/test-0.parquet", rows(1))
    for n in (10, 2):
        write_zip(tmp_path / f"part{n}.zip", {f"part{n}/rows.json": f'[{{"n": {n}}}]', f"part{n}/1.png": picture(n)})
    assert numbers(tmp_path, "test") == [1]
    assert numbers(tmp_path) == [2, 10]
    assert [o.image("1.png") for o in open_rows(str(tmp_path), "train", SPLITS)] == [picture(2), picture(10)]


def test_positions_count_bad_rows_and_start_skips(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text('{"n": 0}\nnonsense\n[3]\n{"n": 3}\n')
    opened = list(open_rows(str(path), "train", SPLITS))
    assert [(o.position, o.row) for o in opened] == [(0, {"n": 0}), (1, None), (2, None), (3, {"n": 3})]
    assert [o.position for o in open_rows(str(path), "train", SPLITS, start=2)] == [2, 3]


@pytest.mark.parametrize(
    "location, message",
    [
        ("/nowhere/at/all", "no file or folder at /nowhere/at/all"),
        ("nowhere", "it is no Hub id"),
        ("user/unheard-of", "the Hub does not give it either"),
    ],
)
def test_no_such_place(location, message):
    with pytest.raises(ValueError, match=message):
        list(open_rows(location, "train", SPLITS))


def test_no_rows_and_no_data(tmp_path):
    (tmp_path / "readme.txt").write_text("nothing")
    with pytest.raises(ValueError, match="it has: none at all"):
        numbers(tmp_path)
    with pytest.raises(ValueError, match="neither of .parquet, .jsonl, .json nor a zip"):
        numbers(tmp_path / "readme.txt")
    (tmp_path / "x.zip").write_bytes(b"PK nonsense")
    with pytest.raises(ValueError, match=r"x\.zip cannot be read as a zip"):
        numbers(tmp_path / "x.zip")


def test_damaged_zips_are_told(tmp_path):
    content = "".join(f'{{"n": {n}}}\n' for n in range(3000))
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.jsonl", content)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"train\.jsonl cannot be read to its end"):
        list(open_rows(str(path), "train", SPLITS))
    folder = tmp_path / "Geo170K"
    write_rows(folder / "alignment.json", alignment_rows())
    (folder / "images.zip").write_bytes(b"PK nonsense")
    with pytest.raises(ValueError, match=r"images\.zip cannot be read as a zip"):
        list(SOURCES["geo170k"].read(str(folder), "alignment", Counter()))


@pytest.fixture(params=["file", "folder", "unpacked", "zip", "parquet"])
def geo170k_place(request, tmp_path) -> str:
    """Geo170K as its parts may lie about."""
    names = {f"geo3k/{n}.png": picture(n) for n in range(3)}
    if request.param == "zip":
        content = write_rows(tmp_path / "made/alignment.json", alignment_rows()).read_text()
        return str(write_zip(tmp_path / "all.zip", {"alignment.json": content, **names}))
    folder = tmp_path / "Geo170K"
    path = write_rows(
        folder / ("data/alignment-0.parquet" if request.param == "parquet" else "alignment.json"), alignment_rows()
    )
    write_rows(folder / "qa_tuning.json", qa_rows())
    if request.param == "unpacked":
        write_images(folder / "images", {name: n for n, name in enumerate(names)})
    else:
        write_zip(folder / "images.zip", {f"images/{name}": content for name, content in names.items()})
    return str(path if request.param == "file" else folder)


def test_the_same_records_from_every_place(geo170k_place):
    skipped = Counter()
    records = list(SOURCES["geo170k"].read(geo170k_place, "alignment", skipped))
    assert not skipped
    assert [r.id for r in records] == [f"geo170k/alignment/{n}" for n in range(3)]
    assert [r.image for r in records] == [picture(n) for n in range(3)]
    assert [r.caption for r in records] == [f"Triangle ABC has AB = {n}." for n in range(3)]


def test_load_dataset_gives_the_same_rows(tmp_path, monkeypatch):
    """The way of a Hub id whose parquet holds the images, on a folder in its place."""
    folder = tmp_path / "hiyouga"
    write_rows(folder / "data/train-00000-of-00001.parquet", geometry3k_rows())
    write_rows(folder / "data/test-00000-of-00001.parquet", geometry3k_rows(1))
    plain = [o.row for o in open_rows(str(folder), "train", {"train": ("train",), "test": ("test",)})]
    loaded = list(loaded_rows(str(folder), "train"))
    assert [o.row for o in loaded] == plain
    assert [o.image(o.row["images"]) for o in loaded] == [picture(n) for n in range(3)]
    assert [o.position for o in loaded_rows(str(folder), "train", start=2)] == [2]
    with pytest.raises(ValueError, match="cannot load split validation"):
        list(loaded_rows(str(folder), "validation"))

    asked = []

    def instead(name: str, **options: object):
        asked.append((name, options))
        return load_dataset(str(folder), **options)

    monkeypatch.setattr(places, "load_dataset", instead)
    records = list(SOURCES["geometry3k_qa"].read(None, "train", Counter()))
    assert [r.answer for r in records] == ["(B) 10", "(B) 11", "(B) 12"]
    assert asked == [("hiyouga/geometry3k", {"split": "train", "streaming": True})]


def test_other_hub_ids_come_as_files(tmp_path, monkeypatch):
    """A snapshot whose files are links into the blobs of the cache."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    write_rows(blobs / "1.json", alignment_rows(2))
    write_zip(blobs / "2.zip", {f"images/geo3k/{n}.png": picture(n) for n in range(2)})
    snapshot.mkdir(parents=True)
    (snapshot / "alignment.json").symlink_to("../../blobs/1.json")
    (snapshot / "images.zip").symlink_to("../../blobs/2.zip")
    monkeypatch.setattr(places, "snapshot_download", lambda hub_id, **options: str(snapshot))
    records = list(SOURCES["geo170k"].read("Luckyjhg/Geo170K", "alignment", Counter()))
    assert [r.image for r in records] == [picture(0), picture(1)]


def test_nothing_is_read_before_it_is_asked_for(tmp_path, monkeypatch):
    folder = tmp_path / "set"
    write_rows(folder / "alignment.jsonl", alignment_rows(200))
    write_images(folder, {f"geo3k/{n}.png": n for n in range(200)})
    opened = []
    read_bytes, open_ = Path.read_bytes, Path.open
    monkeypatch.setattr(Path, "read_bytes", lambda self: opened.append(self.name) or read_bytes(self))
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: opened.append(self.name) or open_(self, *a, **k))
    monkeypatch.setattr(places, "snapshot_download", lambda *a, **k: opened.append("downloaded"))
    records = SOURCES["geo170k"].read(str(folder), "alignment", Counter())
    SOURCES["geo170k"].read("Luckyjhg/Geo170K", "alignment", Counter())
    assert opened == []
    next(records)
    assert set(opened) == {"alignment.jsonl", "0.png"}
