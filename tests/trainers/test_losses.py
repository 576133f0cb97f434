"""The hard-negative loss against a textbook loop in float64, against transformers' CLIP loss, and in its corners."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers.models.clip.modeling_clip import image_text_contrastive_loss

from trainers.losses import count_hits, hard_negative_loss


def textbook(image, text, scale, negative_images, negative_texts, in_batch, image_weight, text_weight, row_ids):
    """Eq. 2 and its mirror, row by row; negatives are lists of lists of vectors. None if there is no term."""
    terms = []
    for weight, anchors, partners, negatives in (
        (image_weight, text, image, negative_images),
        (text_weight, image, text, negative_texts),
    ):
        losses = []
        for row, anchor in enumerate(anchors):
            candidates = list(negatives[row])
            if in_batch:
                candidates += [partners[other] for other in range(len(anchors)) if row_ids[other] != row_ids[row]]
            if candidates:
                true = torch.exp(scale * anchor @ partners[row])
                losses.append(-torch.log(true / (true + sum(torch.exp(scale * anchor @ c) for c in candidates))))
        if losses:
            terms.append((weight, sum(losses) / len(losses)))
    total = sum(weight for weight, _ in terms)
    return sum(weight * loss for weight, loss in terms) / total if total else None


def unit(rows, dim=5, generator=None):
    x = torch.randn(rows, dim, dtype=torch.float64, generator=generator)
    return torch.nn.functional.normalize(x, dim=-1)


def flatten(counts):
    return torch.tensor([row for row, count in enumerate(counts) for _ in range(count)], dtype=torch.long)


ragged = st.integers(1, 5).flatmap(
    lambda rows: st.tuples(*(st.lists(st.integers(0, 3), min_size=rows, max_size=rows) for _ in range(3)))
)


@settings(max_examples=60, deadline=None)
@example(([0, 0], [1, 2], [4, 4]), True, (1.0, 1.0), 0)  # no image negative but a duplicate
@given(ragged, st.booleans(), st.sampled_from([(1.0, 1.0), (0.3, 2.0), (0.0, 1.0)]), st.integers(0, 10**6))
def test_equals_the_textbook_loop_with_gradients(counts, in_batch, weights, seed):
    image_counts, text_counts, ids = counts
    generator = torch.Generator().manual_seed(seed)
    owners = flatten(image_counts), flatten(text_counts)
    # A shuffled block: negatives need not come sorted by row.
    owners = tuple(owner[torch.randperm(len(owner), generator=generator)] for owner in owners)
    leaves = [unit(len(n), generator=generator) for n in (ids, ids, *owners)] + [
        torch.tensor(3.0, dtype=torch.float64)
    ]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    image, text, negative_images, negative_texts, scale = leaves

    grouped = [
        [[block[k] for k in range(len(owner)) if owner[k] == row] for row in range(len(ids))]
        for block, owner in zip((negative_images, negative_texts), owners, strict=True)
    ]
    expected = textbook(image, text, scale, *grouped, in_batch, *weights, ids)
    arguments = {
        "negative_image_embeds": negative_images if len(negative_images) else None,
        "negative_image_owner": owners[0] if len(negative_images) else None,
        "negative_text_embeds": negative_texts,
        "negative_text_owner": owners[1],
        "in_batch_negatives": in_batch,
        "image_weight": weights[0],
        "text_weight": weights[1],
        "row_ids": torch.tensor(ids),
    }
    if expected is None:
        # Several rows that all say the same leave an empty term, which is zero; nothing at all is an error.
        if in_batch and len(ids) > 1:
            assert hard_negative_loss(image, text, scale, **arguments).loss == 0
        else:
            with pytest.raises(ValueError, match="Nothing to contrast with"):
                hard_negative_loss(image, text, scale, **arguments)
        return
    result = hard_negative_loss(image, text, scale, **arguments)
    torch.testing.assert_close(result.loss, expected, rtol=1e-10, atol=1e-12)
    # float32 rounding of nothing: the loss keeps float64, so gradients agree to its precision.
    got = torch.autograd.grad(result.loss, leaves, allow_unused=True, materialize_grads=True)
    want = torch.autograd.grad(expected, leaves, allow_unused=True, materialize_grads=True)
    for one, other in zip(got, want, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_without_hard_negatives_it_is_clips_loss():
    image, text, scale = unit(6), unit(6), torch.tensor(14.0, dtype=torch.float64)
    result = hard_negative_loss(image, text, scale, in_batch_negatives=True)
    torch.testing.assert_close(result.loss, image_text_contrastive_loss(scale * text @ image.t()))


def test_duplicates_are_no_negatives_of_each_other():
    image, text, scale = unit(3), unit(3), torch.tensor(5.0, dtype=torch.float64)
    image[1], text[1] = image[0], text[0]
    masked = hard_negative_loss(image, text, scale, in_batch_negatives=True, row_ids=torch.tensor([7, 7, 8]))
    unmasked = hard_negative_loss(image, text, scale, in_batch_negatives=True)
    assert masked.loss < unmasked.loss
    keep = [0, 2]
    pair = hard_negative_loss(image[keep], text[keep], scale, in_batch_negatives=True)
    # Row 2 sees its only distinct mate twice; rows 0 and 1 are the same as row 0 of the pair.
    positive = (scale * (image * text).sum(-1))[0]
    row0 = torch.logaddexp(positive, scale * image[0] @ text[2]) - positive
    text_losses = [row0, row0]
    positive = (scale * (image * text).sum(-1))[2]
    mates = scale * image[2] @ text[:2].t()
    text_losses.append(torch.logsumexp(torch.cat([positive[None], mates]), 0) - positive)
    torch.testing.assert_close(masked.text_loss, torch.stack(text_losses).mean())
    assert pair.text_rows == 2 and masked.text_rows == 3


def test_gradcheck():
    owner = torch.tensor([0, 2, 2, 0])

    def loss(image, text, negative_images, negative_texts, scale):
        return hard_negative_loss(
            image,
            text,
            scale,
            negative_image_embeds=negative_images,
            negative_image_owner=owner,
            negative_text_embeds=negative_texts,
            negative_text_owner=owner.flip(0),
            in_batch_negatives=True,
            text_weight=0.5,
        ).loss

    leaves = [unit(3), unit(3), unit(4), unit(4), torch.tensor(2.0, dtype=torch.float64)]
    assert torch.autograd.gradcheck(loss, [leaf.requires_grad_() for leaf in leaves])


def test_a_large_scale_neither_overflows_nor_loses_the_gradient():
    anchor = torch.tensor([[1.0, 0.0]], requires_grad=True)
    far = torch.tensor([[-1.0, 0.0]])
    options = {"negative_text_embeds": anchor.detach().clone(), "negative_text_owner": torch.tensor([0])}
    result = hard_negative_loss(anchor, far, torch.tensor(1000.0), in_batch_negatives=False, **options)
    assert result.loss == 2000.0
    result.loss.backward()
    assert anchor.grad.abs().sum() > 0 and torch.isfinite(anchor.grad).all()


def test_autocast_computes_in_float32():
    image, text = unit(4).float(), unit(4).float()
    expected = hard_negative_loss(image, text, torch.tensor(100.0), in_batch_negatives=True).loss
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = hard_negative_loss(image, text, torch.tensor(100.0), in_batch_negatives=True).loss
    assert result.dtype == torch.float32
    assert torch.equal(result, expected)


def test_absent_terms_are_none_and_terms_carry_no_gradient():
    image, text = unit(2).requires_grad_(), unit(2)
    options = {"negative_text_embeds": unit(1), "negative_text_owner": torch.tensor([1])}
    result = hard_negative_loss(image, text, torch.tensor(1.0), in_batch_negatives=False, **options)
    assert result.image_loss is None and result.image_rows == 0
    assert result.text_rows == 1 and not result.text_loss.requires_grad and result.loss.requires_grad
    assert torch.autograd.grad(result.loss, image)[0][0].abs().sum() == 0  # row 0 has no negative


def test_what_does_not_fit_is_refused():
    image, scale = unit(2), torch.tensor(1.0)
    with pytest.raises(ValueError, match="come in pairs"):
        hard_negative_loss(image, unit(3), scale, in_batch_negatives=True)
    with pytest.raises(ValueError, match="negative text needs the row"):
        hard_negative_loss(image, image, scale, in_batch_negatives=True, negative_text_embeds=unit(1))
    with pytest.raises(ValueError, match="Nothing to contrast with"):
        hard_negative_loss(image[:1], image[:1], scale, in_batch_negatives=True)


def test_a_tie_is_no_hit():
    axes = torch.eye(3)
    negatives = torch.stack([axes[0], axes[2], axes[0]])
    hits, judged = count_hits(axes, axes, negatives, torch.tensor([0, 1, 1]))
    assert (hits.item(), judged.item()) == (1, 2)  # row 0 ties, row 1 wins, row 2 has none
