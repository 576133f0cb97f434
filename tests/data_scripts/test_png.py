"""PNG files of figures: any reader gives back the pixels, rounded to 16 levels."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from data_scripts.png import encode_png, to_levels

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def read(file: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(file)) as image:
        assert image.format == "PNG" and image.mode == "L"
        return np.asarray(image)


@given(arrays(np.uint8, SHAPES))
def test_pixels_come_back_rounded_to_levels(grey):
    np.testing.assert_array_equal(read(encode_png(grey)), to_levels(grey))
    assert np.abs(to_levels(grey).astype(int) - grey).max() <= 15


@given(arrays(np.uint8, SHAPES))
def test_rounding_twice_is_rounding_once_and_keeps_black_and_white(grey):
    np.testing.assert_array_equal(to_levels(to_levels(grey)), to_levels(grey))
    assert to_levels(np.array([0, 255], np.uint8)).tolist() == [0, 255]
    assert encode_png(grey) == encode_png(to_levels(grey))


def test_a_truncated_file_is_noticed():
    file = encode_png(np.zeros((30, 30), np.uint8))
    with pytest.raises(OSError):
        read(file[:-30])


@pytest.mark.parametrize("wrong", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4))])
def test_other_arrays_are_refused(wrong):
    with pytest.raises(ValueError, match="a grey image is"):
        encode_png(wrong)
