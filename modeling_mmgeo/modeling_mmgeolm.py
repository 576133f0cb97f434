"""MMGeoLM: a LLaVA whose eyes are MMCLIP's vision tower.

The figure's patch features (second-to-last layer) pass a two-layer GELU projector and replace the `<image>` tokens in
the input of a causal language model. Everything is stock transformers; this module builds the towers that its
AutoModel does not know, and puts a trained MMCLIP and a language model together without changing a weight of either.

With the processor's `drop_blank_tokens` the tokens of blank patches never enter the language model. The processor says
by `pixel_attention_mask` which are left; here the others' features are dropped, and positions are counted as if they
were there. Promise: the logits are those of the stock model when no token may attend to the tokens left out.

Source: MMGeoLM (arXiv 2505.20152), after LLaVA-1.5.
"""

import copy
import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import (
    AltCLIPVisionModel,
    AutoModel,
    AutoModelForCausalLM,
    Cache,
    LlavaForConditionalGeneration,
    LlavaModel,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.initialization import no_init_weights
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.models.llava.modeling_llava import (
    LlavaCausalLMOutputWithPast,
    LlavaModelOutputWithPast,
    LlavaMultiModalProjector,
    LlavaPreTrainedModel,
)
from transformers.utils.generic import can_return_tuple

from .blank_patches import choose_patches, encode_patches, mask_over_gaps, positions_of
from .configuration_mmgeolm import MMGeoLMConfig
from .joining import check_language_model, check_same_language, config_of_parts
from .modeling_mmclip import MMCLIPModel

# Vision towers that AutoModel cannot build from their own configuration.
VISION_TOWERS = {"altclip_vision_model": AltCLIPVisionModel}


def build_vision_tower(config: PreTrainedConfig) -> PreTrainedModel:
    """A vision tower with fresh weights."""
    if config.model_type in VISION_TOWERS:
        return VISION_TOWERS[config.model_type]._from_config(config)
    return AutoModel.from_config(config)


@contextmanager
def saved_with_code(model_class: type[PreTrainedModel], auto_class: str) -> Iterator[None]:
    """Have a model take its source files along while it is saved, so that `auto_class` loads it anywhere.

    Registered for good, as other classes are, it would pass for code from the Hub in `generate`, which looks into the
    signature of such a class at every token: one percent of a small model's time.
    """
    before = model_class._auto_class
    model_class._auto_class = auto_class
    try:
        yield
    finally:
        model_class._auto_class = before


def name_of_embeddings(language_model: PreTrainedModel) -> str:
    """Name of the token embeddings inside a language model: `embed_tokens` for most, `wte` for some."""
    embeddings = language_model.get_input_embeddings()
    return next(name for name, module in language_model.named_modules() if module is embeddings)


def present_classes(model: PreTrainedModel) -> set[str]:
    """Of the classes whose modules are kept whole, those that a model has: a vision tower also names those of the text
    tower that it came with, and FSDP ends at a name that it cannot find.
    """
    return {type(module).__name__ for module in model.modules()} & set(model._no_split_modules)


class MMGeoLMModel(LlavaModel):
    """Vision tower, projector and language model without its head; `LlavaModel` with more towers."""

    config: MMGeoLMConfig
    config_class = MMGeoLMConfig

    def __init__(self, config: MMGeoLMConfig) -> None:
        # LLaVA's own constructor would ask AutoModel for the tower.
        LlavaPreTrainedModel.__init__(self, config)
        self.vision_tower = build_vision_tower(config.vision_config)
        self.multi_modal_projector = LlavaMultiModalProjector(config)
        self.language_model = AutoModel.from_config(config.text_config)
        self.post_init()
        self._no_split_modules = present_classes(self)

    def get_image_features(
        self,
        pixel_values: torch.Tensor,
        vision_feature_layer: int | list[int] | None = None,
        vision_feature_select_strategy: str | None = None,
        pixel_attention_mask: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPooling | tuple:
        """As in LLaVA: `pooler_output` is a list of `[image tokens, text hidden size]`, one per image.

        With `config.skip_blank_patches` the tower runs over the inked patches only, its features are zero at the
        others, and so all blank patches of all images give one and the same token. With `pixel_attention_mask`,
        `[images, image tokens]`, only the features where it is True are given, and a tower that skips encodes those.

        Raises:
            ValueError: if the mask has another shape than the images' tokens.
        """
        return_dict = kwargs.pop("return_dict", None)
        selection = {
            "vision_feature_layer": vision_feature_layer,
            "vision_feature_select_strategy": vision_feature_select_strategy,
        }
        if self.config.skip_blank_patches:
            output = self._skip_blank_patches(pixel_values, pixel_attention_mask, **selection, **kwargs)
        else:
            output = super().get_image_features(pixel_values, **selection, return_dict=True, **kwargs)
        if pixel_attention_mask is not None:
            features = torch.stack(list(output.pooler_output))
            if pixel_attention_mask.shape != features.shape[:2]:
                raise ValueError(
                    f"pixel_attention_mask has shape {tuple(pixel_attention_mask.shape)}, but the images give "
                    f"{tuple(features.shape[:2])} tokens: give it as the processor made it, with the same images."
                )
            kept = pixel_attention_mask.bool()
            output.pooler_output = list(features[kept].split(kept.sum(1).tolist()))
        return output.to_tuple() if return_dict is False else output

    def _skip_blank_patches(
        self,
        pixel_values: torch.Tensor,
        kept: torch.Tensor | None,
        vision_feature_layer: int | list[int] | None,
        vision_feature_select_strategy: str | None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPooling:
        """The stock `get_image_features` with a tower that runs over the `kept` or, if None, the inked patches."""
        layers = self.config.vision_feature_layer if vision_feature_layer is None else vision_feature_layer
        strategy = vision_feature_select_strategy or self.config.vision_feature_select_strategy
        kwargs["output_hidden_states"] = kwargs.get("output_hidden_states") or layers
        kept = choose_patches(pixel_values, self.config) if kept is None else kept.bool()
        output = encode_patches(self.vision_tower, pixel_values, kept, self.config.patches_multiple_of, **kwargs)
        layers = [layers] if isinstance(layers, int) else layers
        features = torch.cat([output.hidden_states[layer] for layer in layers], dim=-1)
        features = features[:, 1:] if strategy == "default" else features
        output.pooler_output = list(self.multi_modal_projector(features))
        return output

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        pixel_values: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.LongTensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        vision_feature_layer: int | list[int] | None = None,
        vision_feature_select_strategy: str | None = None,
        image_sizes: torch.Tensor | None = None,
        mm_encoder_outputs: dict[str, BaseModelOutputWithPooling] | None = None,
        pixel_attention_mask: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> LlavaModelOutputWithPast | tuple:
        """As in LLaVA, and with `pixel_attention_mask` on prompts without the tokens of blank patches.

        Args:
            pixel_attention_mask: which tokens of each image are in the prompts, `[images, image tokens]`, as the
                processor gives it; None if all are. Positions are counted by it unless `position_ids` are given, so a
                chat that goes on from `past_key_values` needs it still, of all images and without their pixels.

        Raises:
            ValueError: if the mask does not fit the images or the prompts.
        """
        if pixel_attention_mask is not None:
            if pixel_values is not None:
                images = self.get_image_features(
                    pixel_values, vision_feature_layer, vision_feature_select_strategy, pixel_attention_mask
                )
                pixel_values, mm_encoder_outputs = None, {"image": images}
            if position_ids is None:
                position_ids = positions_of(self.config, input_ids, pixel_attention_mask, attention_mask)
            if attention_mask is None and past_key_values is None:
                attention_mask = torch.ones_like(position_ids)  # else gaps would pass for packed sequences
        elif position_ids is not None and attention_mask is past_key_values is None:
            attention_mask = mask_over_gaps(position_ids)  # likewise, where `generate` works without a cache
        if pixel_values is mm_encoder_outputs is None and inputs_embeds is None and input_ids is not None:
            # Text alone, as at every step of `generate` after the prompt: nothing to put among its embeddings.
            output = self.language_model(
                input_ids=input_ids,
                attention_mask=attention_mask,
                position_ids=position_ids,
                past_key_values=past_key_values,
                return_dict=True,
                **kwargs,
            )
            return LlavaModelOutputWithPast(**output)
        return super().forward(
            input_ids=input_ids,
            pixel_values=pixel_values,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            vision_feature_layer=vision_feature_layer,
            vision_feature_select_strategy=vision_feature_select_strategy,
            image_sizes=image_sizes,
            mm_encoder_outputs=mm_encoder_outputs,
            **kwargs,
        )

    def save_pretrained(
        self, save_directory: str | os.PathLike, *args: Any, save_original_format: bool = False, **kwargs: Any
    ):
        """As in transformers, but the weights keep their names; see `MMCLIPModel.save_pretrained`."""
        return super().save_pretrained(save_directory, *args, save_original_format=save_original_format, **kwargs)


class MMGeoLMForConditionalGeneration(LlavaForConditionalGeneration):
    """The LMM: answers about a figure.

    Example:
        >>> model = MMGeoLMForConditionalGeneration.from_parts(mmclip, llm, image_token_id=processor.image_token_id)
        >>> model.generate(**processor(images=figure, text="<image>\\nFind x."), max_new_tokens=64)
    """

    config: MMGeoLMConfig
    config_class = MMGeoLMConfig

    def __init__(self, config: MMGeoLMConfig) -> None:
        LlavaPreTrainedModel.__init__(self, config)
        self.model = MMGeoLMModel(config)
        self.lm_head = nn.Linear(config.text_config.hidden_size, config.text_config.vocab_size, bias=False)
        embeddings = name_of_embeddings(self.model.language_model)
        self._tied_weights_keys = {"lm_head.weight": f"model.language_model.{embeddings}.weight"}
        self.post_init()
        self._no_split_modules = present_classes(self)

    def forward(
        self, *args: Any, pixel_attention_mask: torch.Tensor | None = None, **kwargs: Any
    ) -> LlavaCausalLMOutputWithPast | tuple:
        """As in LLaVA; `pixel_attention_mask` as in `MMGeoLMModel.forward`."""
        if pixel_attention_mask is not None:
            kwargs["pixel_attention_mask"] = pixel_attention_mask
        return super().forward(*args, **kwargs)

    def get_image_features(self, pixel_values: torch.Tensor, **kwargs: Any) -> BaseModelOutputWithPooling | tuple:
        """As `MMGeoLMModel.get_image_features`."""
        return self.model.get_image_features(pixel_values, **kwargs)

    def _prepare_position_ids_for_generation(
        self, inputs_tensor: torch.Tensor, model_kwargs: dict[str, Any]
    ) -> torch.Tensor:
        """Called by `generate` for the prompt's positions; each further token gets the next one."""
        kept = model_kwargs.get("pixel_attention_mask")
        if kept is None:
            return super()._prepare_position_ids_for_generation(inputs_tensor, model_kwargs)
        input_ids = model_kwargs.get("input_ids", inputs_tensor)
        return positions_of(self.config, input_ids, kept, model_kwargs.get("attention_mask"))

    @classmethod
    def from_parts(
        cls,
        mmclip: str | os.PathLike | PreTrainedModel,
        llm: str | os.PathLike | PreTrainedModel,
        image_token_id: int | None = None,
        dtype: torch.dtype | None = None,
    ) -> "MMGeoLMForConditionalGeneration":
        """Join a vision tower and a language model by a fresh projector. The parts are copied, not changed.

        Args:
            mmclip: an `MMCLIPModel`, a stock dual encoder, or the Hub id or folder of either.
            llm: a causal language model, or its Hub id or folder.
            image_token_id: id of `<image>`; give `MMGeoLMProcessor.image_token_id`. None appends it after the language
                model's vocabulary, which is the processor's id only if the embeddings are not larger than the
                tokenizer. Missing embedding rows are added, with the mean of the others.
            dtype: of the result; None for that of the language model.

        Raises:
            ValueError: if a part is not what it should be: no dual encoder, a tower with a varying number of patches,
                no causal language model, or one whose head LLaVA's plain linear head cannot stand for.
        """
        if not isinstance(mmclip, (str, os.PathLike, PreTrainedModel)):
            raise ValueError(
                f"mmclip must be a model, or its Hub id or folder, got {type(mmclip)}: a config has no weights."
            )
        options = {"dtype": dtype} if dtype is not None and not isinstance(mmclip, PreTrainedModel) else {}
        mmclip = MMCLIPModel.from_backbone(mmclip, **options)
        if isinstance(llm, (str, os.PathLike)):
            llm = AutoModelForCausalLM.from_pretrained(os.fspath(llm), dtype=dtype or "auto")
        check_language_model(llm)
        config = config_of_parts(mmclip, llm.config, image_token_id)
        with no_init_weights():
            model = cls._from_config(config, dtype=dtype or llm.dtype)
        model._init_projector()
        model._copy_parts(mmclip.vision_tower, llm)
        model.generation_config = copy.deepcopy(llm.generation_config)
        check_same_language(model, llm)
        return model

    @torch.no_grad()
    def _init_projector(self) -> None:
        """Draw the projector's weights, the only ones that no part brings."""
        for module in self.model.multi_modal_projector.modules():
            self._init_weights(module)

    @torch.no_grad()
    def _copy_parts(self, tower: PreTrainedModel, llm: PreTrainedModel) -> None:
        """Copy every weight of the parts; new rows of the vocabulary get the mean of the old ones.

        The mean keeps `<image>` from being sampled: its logit is then the average logit.
        """
        self.model.vision_tower.load_state_dict(tower.state_dict())
        language = self.model.language_model
        embeddings = f"{name_of_embeddings(language)}.weight"
        state = {name: value for name, value in llm.base_model.state_dict().items() if name != embeddings}
        absent, unexpected = language.load_state_dict(state, strict=False)
        if set(absent) != {embeddings} or unexpected:
            raise ValueError(
                f"{type(llm).__name__} does not hold a plain {type(language).__name__} (missing {sorted(absent)[:3]}, "
                f"unexpected {unexpected[:3]}): give a text-only causal language model without adapters."
            )
        for new, old in (
            (language.get_input_embeddings().weight, llm.get_input_embeddings().weight),
            (self.lm_head.weight, llm.get_output_embeddings().weight),
        ):
            new[: len(old)] = old
            new[len(old) :] = old.float().mean(0)
        self.tie_weights()

    def save_pretrained(
        self, save_directory: str | os.PathLike, *args: Any, save_original_format: bool = False, **kwargs: Any
    ):
        """As in transformers, but the weights keep their names; see `MMCLIPModel.save_pretrained`."""
        with saved_with_code(type(self), "AutoModelForImageTextToText"):
            return super().save_pretrained(save_directory, *args, save_original_format=save_original_format, **kwargs)


def with_pixel_attention_mask(stock: inspect.Signature) -> inspect.Signature:
    """The signature of a stock forward that takes `pixel_attention_mask` as well."""
    *named, others = stock.parameters.values()
    mask = inspect.Parameter("pixel_attention_mask", inspect.Parameter.KEYWORD_ONLY, default=None)
    return stock.replace(parameters=[*named, mask, others])


# `generate` looks in it for what it may pass, and at every token of a class that came with its weights.
MMGeoLMForConditionalGeneration.forward.__signature__ = with_pixel_attention_mask(
    inspect.signature(LlavaForConditionalGeneration.forward)
)
