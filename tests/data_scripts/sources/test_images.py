"""Images of rows: found in every layout, never outside, never half."""

import io
import os
import zipfile

import pytest
from PIL import Image

from data_scripts.sources import images
from data_scripts.sources.images import Images
from data_scripts.sources.records import BadRow

from .layouts import picture, write_images, write_zip


@pytest.fixture
def place(tmp_path):
    write_images(tmp_path / "set", {"images/geo3k/1.png": 1, "images/geoqa_plus/1.png": 2, "3.png": 3})
    return tmp_path / "set"


def reason(found: Images, value: object, beside: str = "") -> str:
    with pytest.raises(BadRow) as error:
        found.bytes_of(value, beside)
    return str(error.value)


@pytest.mark.parametrize(
    "value",
    [
        picture(1),
        {"bytes": picture(1), "path": None},
        {"bytes": None, "path": "geo3k/1.png"},
        [{"bytes": picture(1), "path": "x.png"}, None],
        "images/geo3k/1.png",
        "geo3k/1.png",
        "./geo3k/1.png",
        "data/images/geo3k/1.png",
        "images\\geo3k\\1.png",
    ],
)
def test_every_way_to_name_an_image(place, value):
    assert Images(place, []).bytes_of(value) == picture(1)


def test_an_image_missing_from_its_folder_is_no_other_of_that_name(place):
    write_images(place, {"2steps/image/1.png": 4, "3steps/image/1.png": 5, "3steps/image/2.png": 6})
    found = Images(place, [])
    assert found.bytes_of("2steps/image/1.png") == picture(4)
    assert reason(found, "2steps/image/2.png") == "image: missing"


def test_a_pil_image_becomes_png(place):
    content = Images(None, []).bytes_of(Image.open(io.BytesIO(picture(5))))
    assert Image.open(io.BytesIO(content)).tobytes() == Image.open(io.BytesIO(picture(5))).tobytes()


def test_jpeg_bytes_stay_as_they_are():
    assert Images(None, []).bytes_of(picture(5, "JPEG")) == picture(5, "JPEG")


def test_beside_the_rows_first(place):
    write_images(place, {"part/3.png": 33})
    assert Images(place, []).bytes_of("3.png", beside="part") == picture(33)
    assert Images(place, []).bytes_of("3.png") == picture(3)


def test_a_path_that_fits_two_files_is_not_guessed(place):
    assert reason(Images(place, []), "1.png") == "image: path fits several files"


def test_the_folder_of_an_image_is_part_of_its_name(place):
    assert reason(Images(place, []), "other/1.png") == "image: missing"


def test_members_of_zips(tmp_path):
    path = write_zip(tmp_path / "Image.zip", {"images/geo3k/1.png": picture(1), "__MACOSX/geo3k/1.png": b"no"})
    for found in (Images(tmp_path, [path]), Images(None, [path])):
        assert found.bytes_of("geo3k/1.png") == found.bytes_of("images/geo3k/1.png") == picture(1)


def test_unpacked_and_still_zipped_is_no_conflict(place):
    path = write_zip(place / "images.zip", {"images/geo3k/1.png": picture(1)})
    assert Images(place, [path]).bytes_of("geo3k/1.png") == picture(1)


@pytest.mark.parametrize(
    "path",
    [
        "../secret.png",
        "images/../../secret.png",
        "..\\secret.png",
        "/etc/passwd.png",
        "C:\\secret.png",
        "https://example.org/secret.png",
        "file:///secret.png",
        "images/\0.png",
        "link.png",
        "linked/secret.png",
    ],
)
def test_no_path_leads_outside(place, path):
    write_images(place.parent, {"secret.png": 9})
    os.symlink(place.parent / "secret.png", place / "link.png")
    os.symlink(place.parent, place / "linked")
    assert reason(Images(place, []), path) == "image: path leads outside"


def test_an_absolute_path_below_the_place_is_followed(place):
    os.symlink(place, place.parent / "by_another_name")
    for name in (place, place.parent / "by_another_name"):
        assert Images(name, []).bytes_of(str(name / "images" / "geo3k" / "1.png")) == picture(1)


def test_links_within_a_wider_folder_are_followed(tmp_path):
    """The Hub cache keeps contents beside its snapshots."""
    write_images(tmp_path, {"blobs/abc.png": 4})
    (tmp_path / "snapshots" / "rev").mkdir(parents=True)
    os.symlink("../../blobs/abc.png", tmp_path / "snapshots" / "rev" / "1.png")
    snapshot = tmp_path / "snapshots" / "rev"
    assert Images(snapshot, [], within=tmp_path).bytes_of("1.png") == picture(4)
    assert reason(Images(snapshot, []), "1.png") == "image: path leads outside"


@pytest.mark.parametrize("path", ["notes.txt", "geo3k/1", "x" * 300 + ".png", "a/" * 600 + "1.png"])
def test_what_names_no_image(place, path):
    assert reason(Images(place, []), path) == "image: path names no image"


@pytest.mark.parametrize("value", [None, "", " ", [], {}, {"bytes": None, "path": None}, 7, b""])
def test_no_image(place, value):
    assert reason(Images(place, []), value) == "image: none"


@pytest.mark.parametrize("content", [b"nonsense", picture(1)[:-20], b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_unreadable(content):
    assert reason(Images(None, []), content) == "image: unreadable"


def test_too_large(monkeypatch, tmp_path, place):
    path = write_zip(tmp_path / "x.zip", {"big.png": picture(1, size=60)})
    monkeypatch.setattr(images, "MAX_BYTES", 100)
    write_images(place, {"noise.png": 1})
    (place / "noise.png").write_bytes(b"x" * 200)
    assert reason(Images(place, []), "noise.png") == "image: too large"
    assert reason(Images(None, [path]), "big.png") == "image: too large"
    assert reason(Images(None, []), b"x" * 200) == "image: too large"
    monkeypatch.setattr(images, "MAX_BYTES", 10_000)
    monkeypatch.setattr(images, "MAX_PIXELS", 100)
    assert reason(Images(None, []), picture(1)) == "image: too large"


def test_a_damaged_member_is_unreadable(tmp_path):
    path = write_zip(tmp_path / "x.zip", {"1.png": picture(1)})
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 6] ^= 0xFF  # the checksum of the member no longer fits
    path.write_bytes(content)
    assert zipfile.is_zipfile(path)
    assert reason(Images(None, [path]), "1.png") == "image: unreadable"
