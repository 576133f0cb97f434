"""What is refused before an MMCLIP's training takes a step: what nothing can be learned from, or be saved by."""

from itertools import islice
from typing import Any

import torch
from datasets import Dataset
from torch import nn
from tqdm.auto import tqdm
from transformers.utils import logging

from modeling_mmgeo import MMCLIPModel

from .collators import TEXT_FAMILIES, HardNegativeCollator
from .hard_negative_config import HardNegativeConfig
from .rows import Rows, check_columns, decode_image
from .run import fully_sharded

logger = logging.get_logger(__name__)

NEGATIVES = ("negative_images", "negative_captions", *TEXT_FAMILIES.values())
UNCALLED = ("compute_metrics", "compute_loss_func", "preprocess_logits_for_metrics", "model_init")
NUM_PROBED_ROWS = 64  # rows tried for a readable image before training starts


def check_rows(rows: Rows, collator: HardNegativeCollator, in_batch_negatives: bool) -> None:
    """Refuse rows that cannot be trained on, before a step is taken.

    Args:
        rows: with undecoded images.
        collator: finds their negatives.
        in_batch_negatives: whether a batch has other rows, and these are negatives, too.

    Raises:
        ValueError: if `image` or `caption` is no column, if none of the first rows has a readable image, or if there
            is no negative in any row and `in_batch_negatives` is off.
    """
    check_columns(rows, ("image", "caption"), "The data set of hard negatives")
    first = list(islice(iter(rows), NUM_PROBED_ROWS))
    if not first:
        raise ValueError("The data set of hard negatives is empty: build it again, or name another split.")
    if all(decode_image(row["image"]) is None for row in first):
        raise ValueError(
            f"None of the first {len(first)} rows has a readable image: check the image column, or build the data "
            "set again."
        )
    if in_batch_negatives or any(map(collator.has_negatives, first)):
        return
    if not hasattr(rows, "__len__"):
        logger.warning(
            f"The first {len(first)} rows of the stream have no negatives; nothing is learned from such rows."
        )
        return
    columns = [name for name in ("caption", *NEGATIVES) if name in rows.column_names]
    if not any(map(collator.has_negatives, tqdm(rows.select_columns(columns), desc="Looking for negatives"))):
        raise ValueError(
            f"None of the {len(rows)} rows has a negative (at most {collator.max_image_negatives} images and "
            f"{collator.max_text_negatives} captions of {', '.join(collator.text_families) or 'no family'} are "
            "used), and no other row of a batch is one: there is nothing to learn. Build rows with negatives, raise "
            "the limits, or set --in_batch_negatives with --per_device_train_batch_size 2 or more."
        )


def check_one_split(rows: Any) -> None:
    """Raise ValueError if there are several splits where one is trained on."""
    if isinstance(rows, dict):
        raise ValueError(
            f"The training rows come as splits, {', '.join(map(str, rows))}: give one of them, as in rows['train']."
        )


def check_evaluation_rows(rows: Any) -> None:
    """Raise ValueError if rows, or those of a dict of them, cannot be evaluated, as is known before they are read."""
    for part in rows.values() if isinstance(rows, dict) else (rows,):
        if not isinstance(part, Dataset):
            raise ValueError(
                "Evaluation reads its rows more than once, and a stream cannot be: load them without streaming, or "
                f"pass Dataset.from_list(list(rows)). Got {type(part).__name__}."
            )
        if len(part) == 0:
            raise ValueError("The evaluation rows are empty: build them again, or choose another split.")


def check_functions(options: dict[str, Any]) -> None:
    """Raise ValueError if among the options of `transformers.Trainer` is a function that would never be called."""
    if given := [name for name in UNCALLED if options.get(name) is not None]:
        raise ValueError(
            f"HardNegativeTrainer would never call {', '.join(given)}: model, loss and figures are its own. Leave it "
            "out; figures of your own can be added in the on_evaluate of a callback, or by a subclass."
        )


def check_batch_size(rows: Any, args: HardNegativeConfig) -> None:
    """Raise ValueError if dropping the last batch would drop all there is."""
    needed = args.per_device_train_batch_size * args.world_size
    if args.dataloader_drop_last and hasattr(rows, "__len__") and len(rows) < needed:
        raise ValueError(
            f"There are {len(rows)} rows for a batch of {needed} (per_device_train_batch_size x processes), and "
            "dataloader_drop_last drops smaller ones: nothing is left. Drop that option, or take smaller batches."
        )


def check_stream(rows: Any, args: HardNegativeConfig) -> None:
    """Raise ValueError if an option needs to know the rows beforehand and they are a stream."""
    if rows is None or hasattr(rows, "__len__"):
        return
    for name in ("in_batch_epochs", "precompute_frozen_embeddings"):
        if getattr(args, name):
            raise ValueError(
                f"{name} needs rows of a known number, and these are a stream: drop it, or load them whole."
            )


def check_savings(model: MMCLIPModel, args: HardNegativeConfig) -> None:
    """Raise ValueError if an option that is to save time would save none with this model."""
    if args.share_text_prefixes and args.text_group_size is None:
        dropout = getattr(model.backbone.text_model.config, "attention_dropout", 0.0)
        if dropout and not args.freeze_text:
            raise ValueError(
                "share_text_prefixes cannot go with dropout, since texts that begin alike would share its draw, and "
                f"the text tower has attention_dropout {dropout:g}: set that to 0 in its config, or set "
                "text_group_size instead."
            )
        if not model.can_share_text_prefixes:
            raise ValueError(
                f"share_text_prefixes needs a causal text tower with eager or sdpa attention, and that of this "
                f"{model.backbone.config.model_type!r} backbone is none: set text_group_size instead."
            )
    if args.image_group_size is not None and not model.config.skip_blank_patches:
        raise ValueError(
            "image_group_size groups images by their inked patches, and this model encodes all patches: set "
            "skip_blank_patches in its config, or drop it."
        )


def check_sharding(model: MMCLIPModel, args: HardNegativeConfig) -> None:
    """Raise ValueError if FSDP cannot shard the model: it takes no scalar parameters."""
    if fully_sharded(args) and model.backbone.logit_scale.dim() == 0:
        raise ValueError(
            f"FSDP shards no scalar, and the logit_scale of a {model.backbone.config.model_type!r} backbone is one: "
            "train with plain DDP or DeepSpeed, or train a SigLIP backbone."
        )


def warn_of_half_precision(model: nn.Module, learning_rate: float) -> None:
    """Say so if weights in half precision are trained, as `from_pretrained` gives them where they are saved so."""
    trained = {weight.dtype for weight in model.parameters() if weight.requires_grad}
    for dtype in trained & {torch.bfloat16, torch.float16}:
        logger.warning(
            f"Weights in {dtype} are trained, which round most steps of learning rate {learning_rate:g} away: load "
            "the model with dtype=torch.float32, and set bf16=True to compute in half precision."
        )
