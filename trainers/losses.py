"""Hard-negative contrastive loss over ragged negatives: features in, scalar out.

For an image I with caption T+ and hard negative captions T1-, ..., TN- (MMGeoLM, Eq. 2; arXiv 2505.20152):

    text loss = -log( e^s(I,T+) / (e^s(I,T+) + sum_i e^s(I,Ti-)) ),    s = logit scale x cosine

The image loss is its mirror: the caption is the anchor, and the negatives are images. With in-batch negatives, the
other rows' captions join the denominators of the text loss and their images those of the image loss; without hard
negatives that is exactly CLIP's loss (Eq. 1). With shared hard negatives, those of the other rows join as well.

The sigmoid form judges every pair by itself (SigLIP, arXiv 2303.15343, Eq. 1; s now with a learned bias):

    text loss = -log sigmoid(s(I,T+)) - sum_i log sigmoid(-s(I,Ti-))

and with in-batch negatives alone it is exactly SigLIP's loss.

Promises: every row may have its own number of negatives, down to none; a row with nothing to compare with counts in no
mean; candidates that say or show what the anchor's own positive does are masked by identity, never by similarity;
nothing overflows, and under autocast everything is computed in float32.
"""

from typing import NamedTuple

import torch
from torch.nn.functional import softplus

LOSS_TYPES = ("softmax", "sigmoid")


class HardNegativeLoss(NamedTuple):
    """The loss and, detached, what it is made of. Absent terms are None and count 0 rows."""

    loss: torch.Tensor  # weighted mean of the terms present, a scalar with gradient
    image_loss: torch.Tensor | None  # captions against negative images, mean over its rows
    text_loss: torch.Tensor | None  # images against negative captions, mean over its rows
    image_rows: torch.Tensor  # rows in the mean of the image loss, a scalar
    text_rows: torch.Tensor


def has_terms(
    batch_size: int,
    num_negative_images: int,
    num_negative_texts: int,
    *,
    in_batch_negatives: bool,
    image_weight: float = 1.0,
    text_weight: float = 1.0,
) -> bool:
    """Whether `hard_negative_loss` has anything to compute from a batch of these sizes."""
    in_batch = in_batch_negatives and batch_size > 1
    return bool(
        (image_weight > 0 and (num_negative_images > 0 or in_batch))
        or (text_weight > 0 and (num_negative_texts > 0 or in_batch))
    )


def ranking_loss(
    positive: torch.Tensor, negative: torch.Tensor, owner: torch.Tensor, loss_type: str = "softmax"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss of each row's positive against the row's own candidates, averaged over the rows that have any.

    Args:
        positive: scores of the positives, `[batch]`.
        negative: scores of all negatives, `[num_negatives]`, in any order.
        owner: row that each negative is judged against, `[num_negatives]`.
        loss_type: "softmax" (cross-entropy of the positive) or "sigmoid" (each pair by itself).

    Returns:
        The mean, and the number of rows in it. Without negatives both are zero.
    """
    judged = torch.bincount(owner, minlength=len(positive)) > 0
    if loss_type == "sigmoid":
        per_row = softplus(-positive).scatter_add(0, owner, softplus(negative)) * judged
    else:
        margin = negative - positive[owner]
        # log(1 + sum e^margin), shifted by each row's largest exponent (0, the positive's own, included).
        shift = torch.zeros_like(positive).scatter_reduce(0, owner, margin.detach(), "amax")
        total = torch.exp(-shift).scatter_add(0, owner, torch.exp(margin - shift[owner]))
        per_row = shift + torch.log(total)  # exactly 0 for a row without negatives
    rows = judged.sum()
    return per_row.sum() / rows.clamp(min=1), rows


def alike(ids: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Which of some identities are equal, `[ids, others]`."""
    return ids[:, None] == others[None, :]


def alike_rows(row_ids: torch.Tensor, figure_ids: torch.Tensor) -> torch.Tensor:
    """Which rows say or show the same, `[batch, batch]`: they are no negatives of each other."""
    return alike(row_ids, row_ids) | alike(figure_ids, figure_ids)


def hard_pairs(
    same: torch.Tensor, owner: torch.Tensor, agree: torch.Tensor | None, share: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs (row, hard negative): each with its own row and, if shared, with all other rows that it is false of.

    Args:
        same: what `alike_rows` gives, `[batch, batch]`.
        owner: row of each negative, `[num_negatives]`.
        agree: which rows a negative has an identity of, `[batch, num_negatives]`. It is none of these rows, nor of any
            that are like them. None: of no row that is like its own.
        share: whether they are shared.
    """
    own = torch.arange(len(owner), device=owner.device)
    if not share:
        return owner, own
    foreign = ~same[:, owner] if agree is None else same.float() @ agree.float() == 0
    foreign[owner, own] = True  # its own row, of which it was proven false
    return torch.nonzero(foreign, as_tuple=True)


def check_positives(
    image_embeds: torch.Tensor, text_embeds: torch.Tensor, logit_bias: torch.Tensor | None, loss_type: str
) -> None:
    """Raise ValueError unless images and captions come in pairs, and this form of the loss can judge them."""
    if len(text_embeds) != len(image_embeds):
        raise ValueError(
            f"Images and captions come in pairs, got {len(image_embeds)} images and {len(text_embeds)} captions."
        )
    if loss_type not in LOSS_TYPES:
        raise ValueError(f"There is no loss_type {loss_type!r}: choose one of {', '.join(LOSS_TYPES)}.")
    if loss_type == "sigmoid" and logit_bias is None:
        raise ValueError(
            "The sigmoid loss needs a logit_bias: without one all pairs start as positives. Train a SigLIP backbone, "
            "or choose loss_type softmax."
        )


def check_negatives(
    embeds: torch.Tensor | None, owner: torch.Tensor | None, ids: torch.Tensor | None, kind: str
) -> None:
    """Raise ValueError unless negatives and owners, and identities if given, come together, one each."""
    if (embeds is None) != (owner is None) or (embeds is not None and len(embeds) != len(owner)):
        sizes = ["none" if x is None else len(x) for x in (embeds, owner)]
        raise ValueError(
            f"Every negative {kind} needs the row it belongs to, but there are {sizes[0]} embeddings and {sizes[1]} "
            f"owners: pass negative_{kind}_embeds and negative_{kind}_owner from the same batch."
        )
    if ids is not None and (owner is None or len(ids) != len(owner)):
        raise ValueError(
            f"There are {len(ids)} negative_{kind}_ids for {0 if owner is None else len(owner)} negatives: pass one "
            "identity per negative, or none at all."
        )


def hard_negative_loss(
    image_embeds: torch.Tensor,
    text_embeds: torch.Tensor,
    logit_scale: torch.Tensor,
    logit_bias: torch.Tensor | None = None,
    *,
    negative_image_embeds: torch.Tensor | None = None,
    negative_image_owner: torch.Tensor | None = None,
    negative_text_embeds: torch.Tensor | None = None,
    negative_text_owner: torch.Tensor | None = None,
    in_batch_negatives: bool,
    share_hard_negatives: bool = False,
    loss_type: str = "softmax",
    image_weight: float = 1.0,
    text_weight: float = 1.0,
    row_ids: torch.Tensor | None = None,
    figure_ids: torch.Tensor | None = None,
    negative_image_ids: torch.Tensor | None = None,
    negative_figure_ids: torch.Tensor | None = None,
    negative_text_ids: torch.Tensor | None = None,
) -> HardNegativeLoss:
    """Weighted mean of the image and the text loss, as far as the batch has negatives for them.

    Args:
        image_embeds: images, `[batch, dim]`, of length 1.
        text_embeds: their captions, `[batch, dim]`, of length 1.
        logit_scale: factor on the cosine similarity (not its logarithm), a scalar tensor.
        logit_bias: offset of the scores for the sigmoid form, a scalar tensor; a softmax does not depend on it.
        negative_image_embeds: hard negative images of all rows, `[num_negative_images, dim]`.
        negative_image_owner: row of each, `[num_negative_images]`, values in `[0, batch)`.
        negative_text_embeds: hard negative captions of all rows, `[num_negative_texts, dim]`.
        negative_text_owner: row of each, `[num_negative_texts]`.
        in_batch_negatives: whether other rows' captions and images are negatives, too.
        share_hard_negatives: whether the hard negatives of other rows are negatives, too.
        loss_type: "softmax" or "sigmoid".
        image_weight: weight of the image loss.
        text_weight: weight of the text loss.
        row_ids: `[batch]` integers; rows with the same one say the same, and are no negatives of each other.
        figure_ids: `[batch]` integers; rows with the same one show the same, with the same effect.
        negative_image_ids: `[num_negative_images]` integers, of the kind of `row_ids`; a shared negative with a row's
            own id is no negative of that row. Without them, a negative is shared with all rows that differ from its
            own.
        negative_figure_ids: the same, of the kind of `figure_ids`; only with `negative_image_ids`.
        negative_text_ids: as `negative_image_ids`, for negative captions, `[num_negative_texts]`.

    Raises:
        ValueError: if negatives and owners do not match, the sigmoid form has no bias, or if there is nothing to
            contrast with at all.
    """
    batch_size, device = len(image_embeds), image_embeds.device
    check_positives(image_embeds, text_embeds, logit_bias, loss_type)
    check_negatives(negative_image_embeds, negative_image_owner, negative_image_ids, "image")
    check_negatives(negative_text_embeds, negative_text_owner, negative_text_ids, "text")
    counts = [0 if x is None else len(x) for x in (negative_image_embeds, negative_text_embeds)]
    if not has_terms(
        batch_size, *counts, in_batch_negatives=in_batch_negatives, image_weight=image_weight, text_weight=text_weight
    ):
        raise ValueError(
            f"Nothing to contrast with: a batch of {batch_size} has {counts[0]} negative images (weight "
            f"{image_weight}) and {counts[1]} negative captions (weight {text_weight}). Give hard negatives, or set "
            "in_batch_negatives with a batch of two or more."
        )

    dtype = torch.promote_types(image_embeds.dtype, torch.float32)
    row_ids, figure_ids = (
        torch.arange(batch_size, device=device) if ids is None else ids.to(device) for ids in (row_ids, figure_ids)
    )
    same = alike_rows(row_ids, figure_ids)
    agree = {
        "image": None if negative_image_ids is None else alike(row_ids, negative_image_ids.to(device)),
        "text": None if negative_text_ids is None else alike(row_ids, negative_text_ids.to(device)),
    }
    if negative_figure_ids is not None:
        agree["image"] = agree["image"] | alike(figure_ids, negative_figure_ids.to(device))
    with torch.autocast(device.type, enabled=False):
        image, text, scale = image_embeds.to(dtype), text_embeds.to(dtype), logit_scale.to(dtype)
        bias = logit_bias.to(dtype) if loss_type == "sigmoid" else torch.zeros((), dtype=dtype, device=device)
        positive = scale * (image * text).sum(-1) + bias
        in_batch = torch.nonzero(~same, as_tuple=True) if in_batch_negatives and batch_size > 1 else None

        def term(
            anchor: torch.Tensor,
            partner: torch.Tensor,
            hard: torch.Tensor | None,
            owner: torch.Tensor | None,
            agree: torch.Tensor | None,
        ) -> tuple[torch.Tensor, torch.Tensor] | None:
            scores, owners = [], []
            if hard is not None and len(hard):
                rows, negatives = hard_pairs(same, owner, agree, share_hard_negatives)
                scores.append(_scores_of(anchor, hard.to(dtype), rows, negatives, share_hard_negatives))
                owners.append(rows)
            if in_batch is not None:
                scores.append((anchor @ partner.t())[in_batch])
                owners.append(in_batch[0])
            if not scores:
                return None
            return ranking_loss(positive, scale * torch.cat(scores) + bias, torch.cat(owners), loss_type)

        image_term = term(text, image, negative_image_embeds, negative_image_owner, agree["image"])
        text_term = term(image, text, negative_text_embeds, negative_text_owner, agree["text"])
        present = [(w, t) for w, t in ((image_weight, image_term), (text_weight, text_term)) if t is not None]
        loss = _weighted_mean(present)

    none = torch.zeros((), dtype=torch.long, device=device)
    return HardNegativeLoss(
        loss,
        None if image_term is None else image_term[0].detach(),
        None if text_term is None else text_term[0].detach(),
        none if image_term is None else image_term[1],
        none if text_term is None else text_term[1],
    )


def _scores_of(
    anchor: torch.Tensor, hard: torch.Tensor, rows: torch.Tensor, negatives: torch.Tensor, all_rows: bool
) -> torch.Tensor:
    """Cosines of these pairs, `[pairs]`: from the whole matrix where nearly all of it is needed, else one by one."""
    if all_rows:
        return (anchor @ hard.t())[rows, negatives]
    return (anchor[rows] * hard).sum(-1)


def _weighted_mean(terms: list[tuple[float, tuple[torch.Tensor, torch.Tensor]]]) -> torch.Tensor:
    """Mean of the terms that have rows, a scalar, from the weight, the value and the number of rows of each."""
    values = torch.stack([value for _, (value, _) in terms])
    # A term may turn out to have no rows: all of them say the same. Known on the device only, hence no `if`.
    weights = torch.stack([weight * (rows > 0).to(values.dtype) for weight, (_, rows) in terms])
    total = weights.sum()
    return (weights * values).sum() / torch.where(total > 0, total, 1)
