"""The hard-negative loss against a textbook loop in float64, against transformers' CLIP loss, and in its corners."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers.models.clip.modeling_clip import image_text_contrastive_loss

from trainers.losses import LOSS_TYPES, hard_negative_loss


def textbook(image, text, scale, bias, negative_images, negative_texts, options, ids):
    """Eq. 2 and its mirror, or SigLIP's Eq. 1, row by row. None if there is no term.

    `negative_images` and `negative_texts` are lists of (vector, row, identity); `ids` the identities of the rows.
    """
    terms = []
    for weight, anchors, partners, negatives in (
        (options["image_weight"], text, image, negative_images),
        (options["text_weight"], image, text, negative_texts),
    ):
        losses = []
        for row, anchor in enumerate(anchors):
            candidates = [vector for vector, owner, _ in negatives if owner == row]
            if options["share_hard_negatives"]:
                candidates += [vector for vector, owner, same in negatives if owner != row and same != ids[row]]
            if options["in_batch_negatives"]:
                candidates += [partners[other] for other in range(len(anchors)) if ids[other] != ids[row]]
            if not candidates:
                continue
            true, false = scale * anchor @ partners[row] + bias, [scale * anchor @ c + bias for c in candidates]
            if options["loss_type"] == "softmax":
                losses.append(-torch.log(torch.exp(true) / (torch.exp(true) + sum(torch.exp(f) for f in false))))
            else:
                losses.append(-torch.log(torch.sigmoid(true)) - sum(torch.log(torch.sigmoid(-f)) for f in false))
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


switches = st.fixed_dictionaries(
    {
        "in_batch_negatives": st.booleans(),
        "share_hard_negatives": st.booleans(),
        "loss_type": st.sampled_from(LOSS_TYPES),
    }
)
ALL_ON = {"in_batch_negatives": True, "share_hard_negatives": True, "loss_type": "softmax"}


@settings(max_examples=120, deadline=None)
@example(([0, 0], [1, 2], [4, 4]), ALL_ON, (1.0, 1.0), 0)  # no image negative but a duplicate
@example(([2, 0, 1], [0, 0, 0], [1, 2, 3]), {**ALL_ON, "loss_type": "sigmoid"}, (1.0, 1.0), 0)
@given(ragged, switches, st.sampled_from([(1.0, 1.0), (0.3, 2.0), (0.0, 1.0)]), st.integers(0, 10**6))
def test_equals_the_textbook_loop_with_gradients(counts, switches, weights, seed):
    image_counts, text_counts, ids = counts
    generator = torch.Generator().manual_seed(seed)
    owners = flatten(image_counts), flatten(text_counts)
    # A shuffled block: negatives need not come sorted by row.
    owners = tuple(owner[torch.randperm(len(owner), generator=generator)] for owner in owners)
    # Some identities are those of rows: a negative of one row that says what another row says.
    identities = tuple(torch.randint(0, 6, (len(owner),), generator=generator) for owner in owners)
    leaves = [unit(len(n), generator=generator) for n in (ids, ids, *owners)]
    leaves += [torch.tensor(3.0, dtype=torch.float64), torch.tensor(-1.5, dtype=torch.float64)]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    image, text, negative_images, negative_texts, scale, bias = leaves
    options = {**switches, "image_weight": weights[0], "text_weight": weights[1]}

    listed = [
        list(zip(block, owner.tolist(), same.tolist(), strict=True))
        for block, owner, same in zip((negative_images, negative_texts), owners, identities, strict=True)
    ]
    expected = textbook(image, text, scale, bias, *listed, options, ids)
    some_images = len(negative_images) > 0
    arguments = {
        "negative_image_embeds": negative_images if some_images else None,
        "negative_image_owner": owners[0] if some_images else None,
        "negative_image_ids": identities[0] if some_images else None,
        "negative_text_embeds": negative_texts,
        "negative_text_owner": owners[1],
        "negative_text_ids": identities[1],
        "row_ids": torch.tensor(ids),
        **options,
    }
    if expected is None:
        # Several rows that all say the same leave an empty term, which is zero; nothing at all is an error.
        if options["in_batch_negatives"] and len(ids) > 1:
            assert hard_negative_loss(image, text, scale, bias, **arguments).loss == 0
        else:
            with pytest.raises(ValueError, match="Nothing to contrast with"):
                hard_negative_loss(image, text, scale, bias, **arguments)
        return
    result = hard_negative_loss(image, text, scale, bias, **arguments)
    torch.testing.assert_close(result.loss, expected, rtol=1e-10, atol=1e-12)
    # float32 rounding of nothing: the loss keeps float64, so gradients agree to its precision.
    got = torch.autograd.grad(result.loss, leaves, allow_unused=True, materialize_grads=True)
    want = torch.autograd.grad(expected, leaves, allow_unused=True, materialize_grads=True)
    for one, other in zip(got, want, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_sigmoid_without_hard_negatives_is_siglips_loss():
    image, text = unit(6), unit(6)
    scale, bias = torch.tensor(10.0, dtype=torch.float64), torch.tensor(-10.0, dtype=torch.float64)
    result = hard_negative_loss(image, text, scale, bias, in_batch_negatives=True, loss_type="sigmoid")
    # As transformers' SiglipModel computes it
    logits = text @ image.t() * scale + bias
    signs = 2 * torch.eye(6, dtype=torch.float64) - 1
    torch.testing.assert_close(result.loss, -torch.nn.functional.logsigmoid(signs * logits).sum(-1).mean())


def test_a_softmax_does_not_depend_on_the_bias():
    image, text, scale = unit(4), unit(4), torch.tensor(7.0)
    with_bias = hard_negative_loss(image, text, scale, torch.tensor(-10.0), in_batch_negatives=True)
    assert torch.equal(with_bias.loss, hard_negative_loss(image, text, scale, in_batch_negatives=True).loss)


def test_shared_without_identities_spares_the_rows_that_are_like_the_owner():
    image, text, scale = unit(3), unit(3), torch.tensor(2.0, dtype=torch.float64)
    hard = {"negative_text_embeds": unit(1), "negative_text_owner": torch.tensor([0])}
    options = {"in_batch_negatives": False, "share_hard_negatives": True}
    result = hard_negative_loss(image, text, scale, row_ids=torch.tensor([5, 5, 6]), **hard, **options)
    assert result.text_rows == 2  # its own row and row 2, but not row 1, which says the same as row 0


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


def test_rows_alike_in_either_identity_are_no_negatives_of_each_other():
    image, text, scale = unit(4), unit(4), torch.tensor(5.0, dtype=torch.float64)
    says, shows = torch.tensor([1, 2, 3, 1]), torch.tensor([1, 1, 3, 4])  # row 0 shows what 1 does, says what 3 does
    result = hard_negative_loss(image, text, scale, in_batch_negatives=True, row_ids=says, figure_ids=shows)
    others = [[2], [2, 3], [0, 1, 3], [1, 2]]
    rows = [torch.logsumexp(scale * image[r] @ text[[r, *other]].t(), 0) for r, other in enumerate(others)]
    torch.testing.assert_close(result.text_loss, (torch.stack(rows) - scale * (image * text).sum(-1)).mean())


def test_a_shared_negative_is_none_of_rows_like_those_that_it_agrees_with():
    image, text, scale = unit(4), unit(4), torch.tensor(2.0, dtype=torch.float64)
    rows = {"row_ids": torch.arange(4), "figure_ids": torch.tensor([10, 11, 11, 13])}
    options = {"in_batch_negatives": False, "share_hard_negatives": True}
    owned = {"negative_text_embeds": unit(1), "negative_text_owner": torch.tensor([0])}
    says = hard_negative_loss(image, text, scale, **rows, **owned, negative_text_ids=torch.tensor([1]), **options)
    assert says.text_rows == 2  # what row 1 says is true of row 2's figure
    owned = {"negative_image_embeds": unit(1), "negative_image_owner": torch.tensor([0])}
    for said, shown, judged in ((1, 9, 2), (9, 11, 2), (9, 13, 3), (9, 9, 4)):
        ids = {"negative_image_ids": torch.tensor([said]), "negative_figure_ids": torch.tensor([shown])}
        assert hard_negative_loss(image, text, scale, **rows, **owned, **ids, **options).image_rows == judged


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


@pytest.mark.parametrize("loss_type", LOSS_TYPES)
def test_embeddings_in_bfloat16_are_compared_in_float32(loss_type):
    embeds = [unit(rows).bfloat16() for rows in (4, 4, 3, 3)]
    scalars, owner = (torch.tensor(100.0), torch.tensor(-10.0)), torch.tensor([0, 2, 2])
    results = []
    for image, text, *hard in (embeds, [block.float() for block in embeds]):
        owned = {"negative_image_embeds": hard[0], "negative_image_owner": owner}
        owned |= {"negative_text_embeds": hard[1], "negative_text_owner": owner}
        results.append(hard_negative_loss(image, text, *scalars, **owned, **{**ALL_ON, "loss_type": loss_type}).loss)
    assert results[0].dtype == torch.float32
    assert torch.equal(*results)


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
    with pytest.raises(ValueError, match="no loss_type 'hinge'"):
        hard_negative_loss(image, image, scale, in_batch_negatives=True, loss_type="hinge")
    with pytest.raises(ValueError, match="needs a logit_bias"):
        hard_negative_loss(image, image, scale, in_batch_negatives=True, loss_type="sigmoid")
    owned = {"negative_text_embeds": unit(1), "negative_text_owner": torch.tensor([0])}
    with pytest.raises(ValueError, match="2 negative_text_ids for 1 negatives"):
        hard_negative_loss(image, image, scale, in_batch_negatives=True, **owned, negative_text_ids=torch.arange(2))
