"""Uploads: pictures come back on white paper, anything else is refused with a sentence."""

import os

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from evaluation.page import uploads
from evaluation.page.uploads import check_drawn, open_upload


def test_a_picture_is_opened_on_white_paper(tmp_path):
    path = tmp_path / "figure.png"
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(path)
    image = open_upload(str(path))
    assert image.mode == "RGB" and np.asarray(image).min() == 255


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"<svg></svg>"])
def test_a_broken_file_is_refused(tmp_path, content):
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read"):
        open_upload(str(path))


def test_a_cut_file_is_refused(tmp_path):
    path = tmp_path / "cut.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(path)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(ValueError, match="cannot be read"):
        open_upload(str(path))


def test_a_picture_with_texts_that_blow_up_is_refused_in_our_words(tmp_path):
    path, texts = tmp_path / "texts.png", PngInfo()
    texts.add_text("note", "a" * 2 * 2**20, zip=True)
    Image.new("L", (8, 8)).save(path, pnginfo=texts)
    with pytest.raises(ValueError, match="cannot be read"):
        open_upload(str(path))


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = tmp_path / "huge.png"
    Image.new("1", (8000, 8000)).save(path)
    with pytest.raises(ValueError, match="8000 x 8000"):
        open_upload(str(path))
    monkeypatch.setattr(uploads, "MAX_BYTES", 10)
    with pytest.raises(ValueError, match="MB"):
        open_upload(str(path))


def test_nothing_is_no_figure():
    with pytest.raises(ValueError, match="no figure"):
        open_upload(None)
    for paper in (None, Image.new("RGBA", (9, 9)), Image.new("RGB", (9, 9), "white")):
        with pytest.raises(ValueError, match="empty"):
            check_drawn(paper)


def test_a_drawing_is_kept():
    drawn = Image.new("RGBA", (9, 9))
    drawn.putpixel((4, 4), (0, 0, 0, 255))
    paper = np.asarray(check_drawn(drawn))
    assert paper.min() == 0 and paper.max() == 255
