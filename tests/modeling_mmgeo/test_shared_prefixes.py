"""Shared beginnings change how captions are encoded, and nothing else."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modeling_mmgeo.shared_prefixes import can_share_prefixes, lay_out
from tests.tiny import BOS, EOS, PAD, VOCAB_SIZE, tiny_mmclip

texts = st.lists(st.lists(st.integers(10, 12), max_size=8), min_size=1, max_size=12)


def padded(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids with begin and end, and their mask."""
    rows = [[BOS, *row, EOS] for row in rows]
    longest = max(map(len, rows))
    ids = torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask


def embed(model, ids: torch.Tensor, mask: torch.Tensor, share: bool) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Text embeddings, and the gradients of a number made of them by the text tower's weights."""
    model.share_text_prefixes = share
    embeds = model(input_ids=ids, attention_mask=mask).text_embeds
    weights = torch.linspace(-1, 1, embeds.numel(), dtype=embeds.dtype).view_as(embeds)
    return embeds, torch.autograd.grad((embeds * weights).sum(), list(model.backbone.text_model.parameters()))


def softmax_in_double(scores: torch.Tensor, dim: int, dtype: torch.dtype) -> torch.Tensor:
    """Eager attention's softmax without its float32, whose rounding would hide what is looked for."""
    return scores.softmax(dim)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@settings(max_examples=10, deadline=None)
@example(rows=[[10, 10, 11], [11, 10, 10, 11, 12, 10], [], [], [10, 11]])
@given(rows=texts)
def test_embeddings_and_gradients_are_the_stock_ones(attention: str, rows: list[list[int]]) -> None:
    model = tiny_mmclip()[0].double()
    model.set_attn_implementation(attention)
    ids, mask = padded(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.functional, "softmax", softmax_in_double)
        expected, gradients = embed(model, ids, mask, share=False)
        embeds, ours = embed(model, ids, mask, share=True)
    torch.testing.assert_close(embeds, expected, rtol=1e-8, atol=1e-9)
    for gradient, other in zip(gradients, ours, strict=True):
        torch.testing.assert_close(other, gradient, rtol=1e-8, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(rows=texts)
def test_a_tree_holds_each_beginning_once_and_every_text_in_full(rows: list[list[int]]) -> None:
    ids, mask = padded(rows)
    trees = lay_out(ids, mask.sum(1))
    assert len(trees.input_ids) == 1  # so few tokens fit one block
    beginnings = {tuple(row[:n]) for row, size in zip(ids.tolist(), mask.sum(1), strict=True) for n in range(1, size)}
    assert trees.input_ids.shape[1] == len(beginnings) + len(rows)  # and each text has an end of its own
    for row, size, block, node in zip(ids, mask.sum(1), trees.block, trees.node, strict=True):
        path = trees.mask[block, node].nonzero().squeeze(1)
        assert trees.input_ids[block, path].tolist() == row[:size].tolist()
        assert trees.position_ids[block, path].tolist() == list(range(size))


def test_many_texts_fill_several_blocks_and_stay_whole() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(10, VOCAB_SIZE, (60, 40), generator=generator).tolist()
    rows = [rows[i // 3][:20] + rows[i][: i % 20] for i in range(60)]
    model = tiny_mmclip()[0].double()
    ids, mask = padded(rows)
    assert len(lay_out(ids, mask.sum(1)).input_ids) > 2
    with torch.no_grad():
        expected = model(input_ids=ids, attention_mask=mask).text_embeds
        model.share_text_prefixes = True
        torch.testing.assert_close(model(input_ids=ids, attention_mask=mask).text_embeds, expected)


def test_the_oldest_configurations_pool_the_highest_id() -> None:
    model = tiny_mmclip()[0].double()
    ids, mask = padded([[5, 6], [5, 6, 7], [8]])
    ids[mask.bool() & (ids == EOS)] = VOCAB_SIZE - 1
    model.backbone.text_model.eos_token_id = model.backbone.text_model.config.eos_token_id = 2
    expected, _ = embed(model, ids, mask, share=False)
    torch.testing.assert_close(embed(model, ids, mask, share=True)[0], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["altclip", "siglip"])
def test_towers_that_are_not_causal_are_left_alone(kind: str) -> None:
    model, processor = tiny_mmclip(kind)
    assert not can_share_prefixes(model.backbone.text_model)
    batch = processor(text=["a point A", "a point A is on BC"])
    expected = model(**batch).text_embeds
    model.share_text_prefixes = True
    assert torch.equal(model(**batch).text_embeds, expected)


def test_texts_padded_on_the_left_are_left_alone() -> None:
    model, processor = tiny_mmclip()
    batch = processor(text=["a point A", "a point A is on BC"], padding_side="left")
    expected = model(**batch).text_embeds
    model.share_text_prefixes = True
    assert torch.equal(model(**batch).text_embeds, expected)


def test_dropout_is_not_shared() -> None:
    model, _ = tiny_mmclip()
    model.backbone.text_model.config.attention_dropout = 0.1
    assert can_share_prefixes(model.eval().backbone.text_model)
    assert not can_share_prefixes(model.train().backbone.text_model)
