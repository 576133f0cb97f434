"""The hash of line drawings: the same after rescaling, recompression and shifting, another for another figure."""

import contextlib
import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from data_scripts.decontamination.image_hash import WORDS, distances, hash_bytes, image_hash
from data_scripts.decontamination.overlap import Rule
from data_scripts.diagram.drawing import NoRoom, Style, lay_out, rasterise

from ..samples import figure, programs

LIMIT = Rule().image_threshold


@pytest.fixture(scope="module")
def figures() -> list[Image.Image]:
    found = []
    for program in programs(40):
        with contextlib.suppress(NoRoom):  # a crowded figure is drawn anew by those who build rows
            found.append(rasterise(lay_out(program.diagram, Style(rotation=20.0))))
    return found[:24]


def recompressed(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


COPIES = {
    "half the size": lambda im: im.resize((168, 168)),
    "double size": lambda im: im.resize((672, 672)),
    "JPEG 30": lambda im: recompressed(im, 30),
    "shifted": lambda im: ImageOps.expand(im, (40, 7, 0, 90), fill=255),
    "cropped to the ink": lambda im: im.crop(ImageOps.invert(im).getbbox()),
    "white on black": ImageOps.invert,
    "grey paper": lambda im: im.point(lambda v: 60 + v * 150 // 255),
    "transparent": lambda im: Image.merge("LA", (Image.new("L", im.size), ImageOps.invert(im))),
    "all of it": lambda im: recompressed(ImageOps.expand(im.resize((201, 201)), (9, 30, 55, 0), fill=255), 40),
}


@pytest.mark.parametrize("name", COPIES)
def test_copies_are_near(figures, name):
    hashes = np.stack([image_hash(im) for im in figures])
    copies = np.stack([image_hash(COPIES[name](im)) for im in figures])
    apart = np.diag(distances(hashes, copies))
    assert (apart <= LIMIT).mean() >= 0.95, sorted(apart)


def test_other_figures_are_far(figures):
    hashes = np.stack([image_hash(im) for im in figures])
    apart = distances(hashes, hashes)
    pairs = apart[np.triu_indices(len(figures), 1)]
    assert (pairs <= LIMIT).mean() < 0.02 and np.median(pairs) > 4 * LIMIT
    assert not np.diag(apart).any() and (apart == apart.T).all()


def test_a_mirror_image_and_a_quarter_turn_are_other_figures():
    scalene = figure("A 1 5 B 0 0 C 9 0 D 6 0", "AB BC CA AD")
    drawn = rasterise(lay_out(scalene, Style()))
    one, *others = (image_hash(f)[None] for f in (drawn, ImageOps.mirror(drawn), drawn.rotate(90)))
    assert all(distances(one, other).item() > 2 * LIMIT for other in others)


def test_a_blank_picture_has_no_hash():
    assert image_hash(Image.new("L", (50, 40), 255)) is None
    assert image_hash(Image.new("RGBA", (50, 40), (0, 0, 0, 0))) is None
    noise = np.random.default_rng(0).integers(245, 256, (50, 40)).astype(np.uint8)
    assert image_hash(Image.fromarray(noise)) is None


@pytest.mark.parametrize("size", [(1, 30), (30, 1), (3, 500)])
def test_thin_pictures_have_one(size):
    picture = Image.new("L", size, 255)
    picture.putpixel((0, 0), 0)
    assert image_hash(picture).shape == (WORDS,)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(30)])
def test_what_is_no_picture_is_an_os_error(content):
    with pytest.raises(OSError):
        hash_bytes(content)
