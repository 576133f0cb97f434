"""MMCLIP: a CLIP-family dual encoder that takes ragged hard negatives in the same forward pass.

A batch is `batch` image and caption pairs, plus any number of negative images and negative captions, flattened, each
with the row it belongs to (its owner). All images go through the vision tower once and all captions through the text
tower once, so data-parallel wrappers see one forward per step. The losses live elsewhere: this module gives
normalised embeddings.

The backbone is a stock model of transformers (CLIP, AltCLIP, SigLIP, SigLIP 2, ...) held as it is, so its checkpoint
loads exactly, and on positives prepared by the processor the outputs are the backbone's own, bit for bit.

Source: MMGeoLM, section on MMCLIP (arXiv 2505.20152).
"""

import copy
import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedConfig, PreTrainedModel
from transformers.initialization import no_init_weights
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.utils import ModelOutput, cached_file

from .blank_patches import choose_patches, encode_patches
from .configuration_mmclip import MMCLIPConfig, check_dual_encoder, forget_folder
from .negative_blocks import check_owner, pad_to, split_blocks
from .shared_prefixes import can_share_prefixes, pool_sharing_prefixes, text_lengths

# What the vision towers of the family take besides pixels; each also exists with the prefix `negative_`.
VISION_INPUTS = ("pixel_attention_mask", "spatial_shapes")


@dataclass
class MMCLIPOutput(ModelOutput):
    """What a forward pass of `MMCLIPModel` gives. All embeddings have length 1.

    Args:
        logits_per_image: scaled (and for SigLIP shifted) similarity of the positives, `[images, texts]`.
        logits_per_text: its transpose, `[texts, images]`.
        image_embeds: `[batch, dim]`.
        text_embeds: `[batch, dim]`.
        negative_image_embeds: `[num_negative_images, dim]`, or None if none were given.
        negative_text_embeds: `[num_negative_texts, dim]`, or None if none were given.
        negative_image_owner: row of each negative image, as given.
        negative_text_owner: row of each negative caption, as given.
        logit_scale: factor on the cosine similarity, already exponentiated, a scalar tensor.
        logit_bias: SigLIP's offset, a scalar tensor; None for the others.
    """

    logits_per_image: torch.FloatTensor | None = None
    logits_per_text: torch.FloatTensor | None = None
    image_embeds: torch.FloatTensor | None = None
    text_embeds: torch.FloatTensor | None = None
    negative_image_embeds: torch.FloatTensor | None = None
    negative_text_embeds: torch.FloatTensor | None = None
    negative_image_owner: torch.LongTensor | None = None
    negative_text_owner: torch.LongTensor | None = None
    logit_scale: torch.FloatTensor | None = None
    logit_bias: torch.FloatTensor | None = None


def load_stock_backbone(name: str, **kwargs: Any) -> tuple[PreTrainedModel, int | None]:
    """Load a stock dual encoder from the Hub or a folder, and the padding id of its tokenizer if it comes with one.

    Raises:
        ValueError: if the checkpoint is no dual encoder; found out before any weights are read.
    """
    hub = {key: kwargs[key] for key in ("revision", "token", "cache_dir", "local_files_only") if key in kwargs}
    config = AutoConfig.from_pretrained(name, **hub)
    check_dual_encoder(config, repr(name))
    backbone = AutoModel.from_pretrained(name, config=config, **kwargs)
    pad_token_id = None
    if cached_file(name, "tokenizer_config.json", _raise_exceptions_for_missing_entries=False, **hub) is not None:
        pad_token_id = AutoTokenizer.from_pretrained(name, **hub).pad_token_id
    return backbone, pad_token_id


class MMCLIPModel(PreTrainedModel):
    """A stock dual encoder behind one `forward` for positives and ragged hard negatives.

    Args:
        config: configuration of the model.
        backbone: the dual encoder itself; built from the configuration with fresh weights if not given.

    Attributes:
        text_group_size: captions are encoded in groups of this many of similar length, each padded to its own longest
            only; None, the default, encodes them all at once as stock models do. The embeddings are the same up to
            rounding. SigLIP, whose captions all have one length, is left alone.
        share_text_prefixes: whether beginnings that captions have in common are encoded once (`shared_prefixes`), if
            the text tower is causal, as CLIP's is; there it replaces `text_group_size`.
        image_group_size: with `config.skip_blank_patches`, images are encoded in groups of this many with similarly
            many inked patches, each padded to its own fullest only; None, the default, encodes them all at once.

    Example:
        >>> model = MMCLIPModel.from_backbone("BAAI/AltCLIP")
        >>> output = model(**positives, negative_pixel_values=images, negative_image_owner=torch.tensor([0, 0, 2]))
    """

    config: MMCLIPConfig
    config_class = MMCLIPConfig
    input_modalities = ("image", "text")
    supports_gradient_checkpointing = True
    accepts_loss_kwargs = False  # the loss is the trainer's
    _supports_flash_attn = True
    _supports_sdpa = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    text_group_size: int | None = None
    share_text_prefixes: bool = False
    image_group_size: int | None = None

    def __init__(self, config: MMCLIPConfig, backbone: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        self.backbone = AutoModel.from_config(config.backbone_config) if backbone is None else backbone
        self.post_init()

    @classmethod
    def from_backbone(
        cls, backbone: str | os.PathLike | PreTrainedConfig | PreTrainedModel, **kwargs: Any
    ) -> "MMCLIPModel":
        """Build MMCLIP on a stock dual encoder, or pass an MMCLIP through.

        Args:
            backbone: a Hub id or folder of a stock dual encoder or of an MMCLIP; a configuration (fresh weights); or a
                model, which is held, not copied.
            kwargs: for a Hub id or folder, what `from_pretrained` takes (`dtype`, `revision`, `attn_implementation`,
                ...).

        Raises:
            ValueError: if the backbone is no CLIP-family dual encoder.
        """
        if isinstance(backbone, (str, os.PathLike)):
            name = os.fspath(backbone)
            hub = {key: kwargs[key] for key in ("revision", "token", "cache_dir", "local_files_only") if key in kwargs}
            if PreTrainedConfig.get_config_dict(name, **hub)[0].get("model_type") == MMCLIPConfig.model_type:
                return cls.from_pretrained(name, **kwargs)
            model, pad_token_id = load_stock_backbone(name, **kwargs)
            return cls._wrap(model, name, pad_token_id)
        # Compared by type name: a class loaded as remote code is not the class of this module.
        if getattr(backbone, "model_type", None) == MMCLIPConfig.model_type:
            return cls(backbone)
        if isinstance(backbone, PreTrainedConfig):
            check_dual_encoder(backbone, "the given config")
            return cls(MMCLIPConfig(backbone_config=backbone))
        if not isinstance(backbone, PreTrainedModel):
            raise ValueError(
                f"The backbone must be a Hub id, a folder, a config or a model of transformers, got {type(backbone)}."
            )
        return (
            backbone
            if backbone.config.model_type == MMCLIPConfig.model_type
            else cls._wrap(backbone, "the given model")
        )

    @classmethod
    def _wrap(cls, backbone: PreTrainedModel, where: str, pad_token_id: int | None = None) -> "MMCLIPModel":
        """Hold a stock model without touching its weights."""
        check_dual_encoder(backbone.config, where)
        needed = ("get_text_features", "get_image_features", "vision_model", "logit_scale")
        if missing := [name for name in needed if not hasattr(backbone, name)]:
            raise ValueError(
                f"The backbone of MMCLIP must be a CLIP-family dual encoder, but {where} ({type(backbone).__name__}) "
                f"lacks {', '.join(missing)}. Give the full dual encoder, loaded with AutoModel."
            )
        # A new configuration resets the choice of attention in its parts, so the model's own goes in afterwards.
        forget_folder(backbone.config)
        own = copy.deepcopy(backbone.config)
        config = MMCLIPConfig(backbone_config=own, pad_token_id=pad_token_id, dtype=backbone.dtype)
        config.backbone_config = backbone.config
        with no_init_weights():
            return cls(config, backbone)

    @property
    def vision_tower(self) -> PreTrainedModel:
        """The backbone's vision model, as MMGeoLM takes it over."""
        return self.backbone.vision_model

    @property
    def can_share_text_prefixes(self) -> bool:
        """Whether `share_text_prefixes` has any effect: the text tower is causal and its attention takes a mask."""
        return can_share_prefixes(self.backbone.text_model)

    def get_input_embeddings(self) -> nn.Module:
        return self.backbone.text_model.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.backbone.text_model.set_input_embeddings(value)

    def get_image_features(self, pixel_values: torch.Tensor, **kwargs: Any) -> BaseModelOutputWithPooling:
        """Encode images; `pooler_output` is the projected embedding, `[images, dim]`, not normalised.

        With `config.skip_blank_patches` over the inked patches only; the hidden states are zero at the others.
        """
        if not self.config.skip_blank_patches:
            return self.backbone.get_image_features(pixel_values=pixel_values, **kwargs)
        return_dict = kwargs.pop("return_dict", None)
        kept = choose_patches(pixel_values, self.config)
        output = encode_patches(self.vision_tower, pixel_values, kept, self.config.patches_multiple_of, **kwargs)
        if hasattr(self.backbone, "visual_projection"):  # SigLIP has none
            output.pooler_output = self.backbone.visual_projection(output.pooler_output)
        return output.to_tuple() if return_dict is False else output

    def get_text_features(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **kwargs: Any
    ) -> BaseModelOutputWithPooling:
        """Encode captions; `pooler_output` is the projected embedding, `[texts, dim]`, not normalised.

        SigLIP reads its last position and was trained without a mask: its captions are filled up to the trained length
        and the mask is left out, so that a caption's embedding does not depend on who padded it.
        """
        if self.config.fixed_length_text:
            input_ids = pad_to(input_ids, self.config.text_max_length, self.config.pad_token_id)
            attention_mask = None
        return self.backbone.get_text_features(input_ids=input_ids, attention_mask=attention_mask, **kwargs)

    def normalize(self, features: torch.Tensor) -> torch.Tensor:
        """Scale rows to length 1, by the backbone's own formula so that the last bit agrees with it."""
        if self.config.fixed_length_text:
            return features / features.norm(p=2, dim=-1, keepdim=True)
        return features / features.pow(2).sum(dim=-1, keepdim=True).pow(0.5)

    def _merge_texts(self, positives: tuple, negatives: tuple) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Stack two `(input_ids, attention_mask)` pairs, padding the shorter one."""
        parts = [(ids, mask) for ids, mask in (positives, negatives) if ids is not None]
        lengths = [ids.shape[1] for ids, _ in parts]
        if len(set(lengths)) > 1 or any(mask is not None for _, mask in parts):
            parts = [(ids, torch.ones_like(ids) if mask is None else mask) for ids, mask in parts]
            attention_mask = torch.cat([pad_to(mask, max(lengths), 0) for _, mask in parts])
        else:
            attention_mask = None
        return torch.cat([pad_to(ids, max(lengths), self.config.pad_token_id) for ids, _ in parts]), attention_mask

    def _encode_images(
        self, positives: dict, negatives: dict, **options: Any
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Encode positives and negatives in one pass: two blocks of normalised rows, None for a block not given."""
        blocks = [block for block in (positives, negatives) if block["pixel_values"] is not None]
        if not blocks:
            return None, None
        names = [name for name, value in blocks[0].items() if value is not None]
        if any(block[name] is None for block in blocks for name in names):
            raise ValueError(
                f"Positive and negative images need the same inputs ({', '.join(names)}): one block lacks some."
            )
        merged = {name: torch.cat([block[name] for block in blocks]) for name in names}
        embeds = self.normalize(self._image_features(merged, **options))
        return split_blocks(embeds, positives["pixel_values"], negatives["pixel_values"])

    def _image_features(self, inputs: dict[str, torch.Tensor], **options: Any) -> torch.Tensor:
        """Encode images, in groups with similarly many inked patches if `image_group_size` says so."""
        size, pixel_values = self.image_group_size, inputs["pixel_values"]
        if size is None or not self.config.skip_blank_patches or len(pixel_values) <= size:
            return self.get_image_features(**inputs, **options).pooler_output
        order = choose_patches(pixel_values, self.config).sum(dim=1).argsort(stable=True)
        features = [
            self.get_image_features(**{name: value[group] for name, value in inputs.items()}, **options)
            for group in order.split(size)
        ]
        return torch.cat([group.pooler_output for group in features])[order.argsort()]

    def _encode_texts(self, positives: tuple, negatives: tuple) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """The same for captions."""
        if positives[0] is None and negatives[0] is None:
            return None, None
        embeds = self.normalize(self._text_features(*self._merge_texts(positives, negatives)))
        return split_blocks(embeds, positives[0], negatives[0])

    def _text_features(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None) -> torch.Tensor:
        """Encode captions: by their tree of beginnings, or in groups of similar length, if so told and possible."""
        if self.share_text_prefixes and self.can_share_text_prefixes:
            lengths = text_lengths(self.backbone.text_model, input_ids, attention_mask)
            if lengths is not None:
                pooled = pool_sharing_prefixes(self.backbone.text_model, input_ids, lengths)
                return self.backbone.text_projection(pooled)
        size, rows = self.text_group_size, len(input_ids)
        if size is None or attention_mask is None or self.config.fixed_length_text:
            return self.get_text_features(input_ids, attention_mask).pooler_output
        # The last position that is attended to, so that padding on the left is trimmed by nothing.
        positions = torch.arange(1, input_ids.shape[1] + 1, device=input_ids.device)
        lengths, order = (attention_mask.bool() * positions).amax(dim=1).sort(stable=True)
        longest = lengths[[*range(size - 1, rows - 1, size), rows - 1]].clamp(min=1).tolist()
        features = [
            self.get_text_features(input_ids[group, :length], attention_mask[group, :length]).pooler_output
            for group, length in zip(order.split(size), longest, strict=True)
        ]
        return torch.cat(features)[order.argsort()]

    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        pixel_values: torch.FloatTensor | None = None,
        negative_pixel_values: torch.FloatTensor | None = None,
        negative_image_owner: torch.LongTensor | None = None,
        negative_input_ids: torch.LongTensor | None = None,
        negative_attention_mask: torch.Tensor | None = None,
        negative_text_owner: torch.LongTensor | None = None,
        interpolate_pos_encoding: bool = False,
        return_dict: bool | None = None,
        **kwargs: Any,
    ) -> MMCLIPOutput | tuple:
        """Embed a batch and its hard negatives.

        Args:
            input_ids: captions, `[batch, length]`; None to embed images only.
            attention_mask: 1 for tokens, 0 for padding, `[batch, length]`.
            pixel_values: images, `[batch, 3, height, width]`; None to embed captions only.
            negative_pixel_values: all negative images one after the other, `[num_negative_images, 3, height, width]`;
                may be empty.
            negative_image_owner: row of the caption that each negative image is false of, `[num_negative_images]`.
            negative_input_ids: all negative captions, `[num_negative_texts, length]`, of any padded length.
            negative_attention_mask: their mask.
            negative_text_owner: row of the image that each negative caption is false of, `[num_negative_texts]`.
            interpolate_pos_encoding: whether to take images of another size than the tower's, as stock models do.
            return_dict: False for a tuple.
            kwargs: `pixel_attention_mask` and `spatial_shapes` (SigLIP 2 with variable resolution), and both with the
                prefix `negative_`. Other arguments of the stock models are ignored.

        Raises:
            ValueError: if there is nothing to embed, or negatives and owners do not match the batch.
        """
        image_extras = {name: kwargs.pop(name, None) for name in VISION_INPUTS}
        negative_extras = {name: kwargs.pop(f"negative_{name}", None) for name in VISION_INPUTS}
        if unknown := sorted(name for name in kwargs if name.startswith("negative_")):
            raise ValueError(f"MMCLIP knows no argument {', '.join(unknown)}: see MMCLIPModel.forward for the names.")
        if input_ids is None and pixel_values is None:
            raise ValueError("MMCLIP got neither input_ids nor pixel_values: give captions, images or both.")
        # A negative image is judged against its row's caption, a negative caption against its row's image.
        rows_of_texts = len(input_ids if input_ids is not None else pixel_values)
        rows_of_images = len(pixel_values if pixel_values is not None else input_ids)
        for owner, block, rows, kind in (
            (negative_image_owner, negative_pixel_values, rows_of_texts, "image"),
            (negative_text_owner, negative_input_ids, rows_of_images, "text"),
        ):
            check_owner(owner, None if block is None else len(block), rows, kind)

        image_embeds, negative_image_embeds = self._encode_images(
            {"pixel_values": pixel_values, **image_extras},
            {"pixel_values": negative_pixel_values, **negative_extras},
            **({"interpolate_pos_encoding": True} if interpolate_pos_encoding else {}),  # not every tower knows it
        )
        text_embeds, negative_text_embeds = self._encode_texts(
            (input_ids, attention_mask), (negative_input_ids, negative_attention_mask)
        )
        logit_scale = self.backbone.logit_scale.exp().reshape(())
        logit_bias = getattr(self.backbone, "logit_bias", None)
        logit_bias = None if logit_bias is None else logit_bias.reshape(())
        logits_per_text = None
        if image_embeds is not None and text_embeds is not None:
            logits_per_text = text_embeds @ image_embeds.t() * logit_scale
            logits_per_text = logits_per_text if logit_bias is None else logits_per_text + logit_bias
        output = MMCLIPOutput(
            logits_per_image=None if logits_per_text is None else logits_per_text.t(),
            logits_per_text=logits_per_text,
            image_embeds=image_embeds,
            text_embeds=text_embeds,
            negative_image_embeds=negative_image_embeds,
            negative_text_embeds=negative_text_embeds,
            negative_image_owner=negative_image_owner,
            negative_text_owner=negative_text_owner,
            logit_scale=logit_scale,
            logit_bias=logit_bias,
        )
        return output.to_tuple() if return_dict is False else output

    def save_pretrained(
        self, save_directory: str | os.PathLike, *args: Any, save_original_format: bool = False, **kwargs: Any
    ):
        """As in transformers, but the weights keep their names.

        The stock default renames some keys back to an older layout on saving, and `Trainer` reads a checkpoint
        without the way back: resuming would drop the text tower of AltCLIP with no more than a warning.
        """
        return super().save_pretrained(save_directory, *args, save_original_format=save_original_format, **kwargs)
