"""Embeddings stand where their content stands, whatever order and batch they were encoded in."""

import pytest
import torch

from evaluation.encoding import DualEncoder, encode_captions, encode_images
from tests.evaluation.rows import encoded, picture
from tests.tiny import IMAGE_SIZE, KINDS, tiny_mmclip
from trainers.candidate_sets import ImageSource
from trainers.rows import decode_image


@pytest.fixture(params=KINDS)
def encoder(request):
    return DualEncoder(*tiny_mmclip(request.param), request.param)


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_captions_keep_their_order(encoder, batch_size):
    captions = ["triangle ABC is isosceles", "circle", "angle A is 40 degrees and AB is 5", "line AB", "B"]
    expected = torch.cat([encoder.captions([caption]) for caption in captions])
    torch.testing.assert_close(encode_captions(encoder, captions, batch_size), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_images_keep_their_order_around_a_broken_one(encoder, batch_size):
    rows = [
        {"image": encoded(picture(1)), "negative_images": [encoded(picture(2)), encoded(b"broken")]},
        {"image": encoded(picture(3)), "negative_images": [encoded(picture(4))]},
    ]
    sources = [
        ImageSource(0, "image", 0),
        ImageSource(0, "negative_images", 0),
        ImageSource(0, "negative_images", 1),
        ImageSource(1, "image", 0),
        ImageSource(1, "negative_images", 0),
    ]
    found, unreadable = encode_images(encoder, rows, sources, batch_size)
    assert unreadable == {2} and not found[2].any()
    expected = torch.cat([encoder.images([decode_image(picture(seed))]) for seed in (1, 2, 3, 4)])
    torch.testing.assert_close(found[[0, 1, 3, 4]], expected, rtol=1e-4, atol=1e-5)


def test_half_a_processor_is_refused():
    model, processor = tiny_mmclip()
    with pytest.raises(ValueError, match="without tokenizer"):
        DualEncoder(model, processor.image_processor, "half")


def test_the_size_of_what_the_tower_sees_is_known(encoder):
    assert encoder.image_size == IMAGE_SIZE
