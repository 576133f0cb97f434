"""The letter tokenizer and the dual encoder from nothing."""

import pytest
import torch

from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor
from tests.trainers.rows import caption, draw
from trainers.scratch import BOS, EOS, UNK, ScratchConfig, letter_tokenizer, scratch_mmclip

CAPTIONS = ["In △ABC, AB ⊥ BC and ∠ABC = 90°.", "The circle ⊙O has radius 12.5.", caption("square", 2)]
SMALL = ScratchConfig(
    image_size=32,
    patch_size=8,
    vision_hidden_size=24,
    vision_layers=2,
    vision_intermediate_size=48,
    text_hidden_size=24,
    text_layers=2,
    text_intermediate_size=48,
    projection_size=16,
    max_text_length=40,
)


@pytest.fixture(scope="module")
def tokenizer():
    return letter_tokenizer(CAPTIONS, 40)


def test_letters_digits_and_symbols_stand_alone_and_words_are_whole(tokenizer):
    pieces = tokenizer.tokenize("In △ABC, AB ⊥ BC and ∠ABC = 90°.")
    assert pieces == [
        *["In", "△", "A", "B", "C", ",", "A", "B", "⊥", "B", "C", "and", "∠", "A", "B", "C", "=", "9", "0", "°", "."]
    ]
    # Names, numbers and symbols that no caption had; an unknown word.
    assert tokenizer.tokenize("△XYZ ∥ 347, W₁ parallelepiped") == [*"△XYZ∥347,W", UNK, UNK]
    assert len(tokenizer("△ABC ∥ D")["input_ids"]) == len(tokenizer("△ZQX ∥ K")["input_ids"])


def test_begin_end_and_padding_are_clips(tokenizer):
    batch = tokenizer(["radius 5", "the △ABC"], padding=True, return_tensors="pt")
    begin, end = tokenizer.convert_tokens_to_ids([BOS, EOS])
    assert (batch["input_ids"][:, 0] == begin).all()
    assert tokenizer.pad_token_id == tokenizer.eos_token_id == end == len(tokenizer) - 1 and end != 2
    assert batch["attention_mask"].sum(1).tolist() == [4, 7]
    cut = tokenizer(" ".join(["A"] * 99), truncation=True, max_length=10)["input_ids"]
    assert len(cut) == 10 and cut[-1] == end


def test_the_tokenizer_does_not_depend_on_the_order_of_captions():
    assert letter_tokenizer(CAPTIONS, 40).get_vocab() == letter_tokenizer(CAPTIONS[::-1], 40).get_vocab()
    few = letter_tokenizer([*CAPTIONS, "and and"], 40, max_words=1)
    assert few.tokenize("and radius") == ["and", UNK]
    with pytest.raises(ValueError, match="needs captions"):
        letter_tokenizer([], 40)


def test_the_text_tower_pools_at_the_first_end_token():
    model, processor = scratch_mmclip(CAPTIONS, SMALL)
    batch = processor(text=["a square at C", CAPTIONS[0]])
    with torch.no_grad():
        output = model.eval().backbone.text_model(**batch)
    ends = batch["attention_mask"].sum(1) - 1
    assert torch.equal(output.pooler_output, output.last_hidden_state[torch.arange(2), ends])
    with torch.no_grad():  # and so the padding does not matter
        alone = model(**processor(text=["a square at C"])).text_embeds
        torch.testing.assert_close(model(**batch).text_embeds[:1], alone)


def test_the_whole_figure_is_seen_in_grey_levels():
    processor = scratch_mmclip(CAPTIONS, SMALL)[1]
    image = draw("line", 0).resize((64, 96))
    image.paste(0, (0, 0, 64, 6))  # ink at the upper rim, which a crop to a square would lose
    pixels = processor(images=[image])["pixel_values"]
    assert pixels.shape == (1, 3, 32, 32)
    assert pixels[0, :, 0].max() < -2 and pixels.max() == 0.0 and pixels.min() >= -4.0
    assert torch.equal(pixels[0, 0], pixels[0, 2])


def test_the_seed_alone_decides_the_weights():
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    one, same, other = (scratch_mmclip(CAPTIONS, SMALL, seed)[0].state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["backbone.text_projection.weight"], other["backbone.text_projection.weight"])


def test_it_survives_saving(tmp_path):
    model, processor = scratch_mmclip(CAPTIONS, SMALL)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    loaded, reader = MMCLIPModel.from_pretrained(tmp_path), MMCLIPProcessor.from_pretrained(tmp_path)
    pairs = {"text": CAPTIONS, "images": [draw("circle", k) for k in range(3)]}
    one, other = processor(**pairs), reader(**pairs)
    assert all(torch.equal(one[name], other[name]) for name in one)
    with torch.no_grad():
        assert torch.equal(model.eval()(**one).logits_per_image, loaded.eval()(**other).logits_per_image)
    assert reader.max_length == 40


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="no multiple of patch_size"):
        ScratchConfig(image_size=100)
    with pytest.raises(ValueError, match="vision_hidden_size 100 is no multiple of vision_heads 3"):
        ScratchConfig(vision_hidden_size=100)
