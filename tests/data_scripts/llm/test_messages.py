"""Messages from a script's process are taken for hostile: anything is either a picture or a failure."""

import io
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data_scripts.llm.sandbox import ScriptFailed, _encode
from data_scripts.llm.sandbox_worker.messages import HEAD, PICTURE, REASON_LENGTH, SIZE, one_line, send, send_reason


def read_all(write) -> bytes:
    """What `write(descriptor)` puts into a pipe."""
    reading, writing = os.pipe()

    def run() -> None:
        write(writing)
        os.close(writing)

    writer = threading.Thread(target=run)
    writer.start()
    with os.fdopen(reading, "rb") as pipe:
        content = pipe.read()
    writer.join()
    return content


@given(st.binary(max_size=1000))
def test_reason_is_one_printable_line(content):
    line = one_line(content)
    assert line.isprintable() and len(line) <= REASON_LENGTH


@given(st.text(max_size=1000))
def test_reason_says_its_length(text):
    message = read_all(lambda pipe: send_reason(pipe, text))
    assert HEAD.unpack_from(message)[1] == len(message) - HEAD.size <= REASON_LENGTH


def test_long_content_arrives_whole():
    parts = bytes(range(256)) * 1000, memoryview(bytes(300_000)).cast("B", (100, 3000))
    message = read_all(lambda pipe: send(pipe, PICTURE, *parts))
    assert message == HEAD.pack(PICTURE, 556_000) + parts[0] + bytes(300_000)


@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_honest_pixels_become_a_picture_on_white(width, height, data):
    pixels = data.draw(st.binary(min_size=4 * width * height, max_size=4 * width * height))
    picture = Image.open(io.BytesIO(_encode(SIZE.pack(width, height) + pixels, 30 * 30)))
    assert (picture.size, picture.mode) == ((width, height), "RGB")
    if pixels[3] == 255:
        assert picture.getpixel((0, 0)) == tuple(pixels[:3])
    if pixels[3] == 0:
        assert picture.getpixel((0, 0)) == (255, 255, 255)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.binary(max_size=100))
def test_other_pixels_are_refused(width, height, pixels):
    if len(pixels) != 4 * width * height or not pixels:
        with pytest.raises(ScriptFailed):
            _encode(SIZE.pack(width, height) + pixels, 4096 * 4096)


@given(st.binary(max_size=SIZE.size - 1))
def test_half_a_header_is_refused(content):
    with pytest.raises(ScriptFailed):
        _encode(content, 100)
