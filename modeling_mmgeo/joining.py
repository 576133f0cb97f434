"""What joining a vision tower and a language model to an MMGeoLM takes: its configuration, and that the parts fit.

A part that LLaVA's plain shape cannot stand for is refused by name: a tower that gives each image its own number of
patches, a language model whose head has a bias or that changes its logits after the head.
"""

import copy

import torch
from transformers import PreTrainedConfig, PreTrainedModel

from .configuration_mmclip import BLANK_PATCH_FIELDS, forget_folder
from .configuration_mmgeolm import MMGeoLMConfig


def check_language_model(llm: PreTrainedModel) -> None:
    """Refuse what is no causal language model with a plain linear head.

    Raises:
        ValueError: with what is wrong about it.
    """
    head = llm.get_output_embeddings() if isinstance(llm, PreTrainedModel) else None
    if head is None or not llm.can_generate() or llm.config.is_encoder_decoder:
        raise ValueError(
            f"MMGeoLM needs a causal language model, got {type(llm).__name__}: load it with AutoModelForCausalLM, "
            "or give its Hub id or folder."
        )
    if getattr(head, "bias", None) is not None:
        raise ValueError(
            f"The head of {type(llm).__name__} has a bias, which LLaVA's head has not: choose a language model "
            "without one, such as Qwen2, Llama or Mistral."
        )


@torch.no_grad()
def count_image_tokens(tower: PreTrainedModel) -> tuple[int, int]:
    """Number of patches of a vision tower, and of tokens it puts before them, found by encoding a blank image.

    Raises:
        ValueError: if the tower takes more than pixels, as SigLIP 2 with variable resolution does.
    """
    size, patch = (
        (side, side) if isinstance(side, int) else tuple(side)
        for side in (getattr(tower.config, "image_size", 0) or 0, tower.config.patch_size)
    )
    if "siglip2" in tower.config.model_type or not all(size):
        raise ValueError(
            f"MMGeoLM needs a vision tower of fixed resolution, and {type(tower).__name__} gives every image its own "
            "number of patches: choose a fixed-resolution checkpoint, such as google/siglip2-base-patch16-256."
        )
    blank = torch.zeros(1, tower.config.num_channels, *size, device=tower.device, dtype=tower.dtype)
    num_tokens = tower(blank).last_hidden_state.shape[1]
    num_patches = (size[0] // patch[0]) * (size[1] // patch[1])
    return num_patches, num_tokens - num_patches


def config_of_parts(
    mmclip: PreTrainedModel, text_config: PreTrainedConfig, image_token_id: int | None
) -> MMGeoLMConfig:
    """Configuration of the MMGeoLM that these parts make; the weights of the `MMCLIPModel` may be on the meta device.

    Raises:
        ValueError: as `count_image_tokens` and `join_configs` do.
    """
    num_patches, num_additional = count_image_tokens(mmclip.vision_tower)
    config = join_configs(mmclip.vision_tower.config, text_config, image_token_id)
    config.image_seq_length = num_patches
    config.vision_feature_select_strategy = "default" if num_additional else "full"
    if num_additional > 1:  # "default" drops the class token only; registers stay, as the processor counts
        config.image_seq_length += num_additional - 1
    for name in BLANK_PATCH_FIELDS:  # it goes on seeing as it was trained to
        setattr(config, name, getattr(mmclip.config, name))
    return config


def join_configs(
    vision_config: PreTrainedConfig, text_config: PreTrainedConfig, image_token_id: int | None
) -> MMGeoLMConfig:
    """Configuration of the whole, with a vocabulary that holds the image token.

    Raises:
        ValueError: if `image_token_id` is negative.
    """
    vision_config, text_config = copy.deepcopy(vision_config), copy.deepcopy(text_config)
    forget_folder(vision_config)
    forget_folder(text_config)
    if image_token_id is None:
        image_token_id = text_config.vocab_size
    if image_token_id < 0:
        raise ValueError(f"image_token_id must not be negative, got {image_token_id}: give processor.image_token_id.")
    text_config.vocab_size = max(text_config.vocab_size, image_token_id + 1)
    return MMGeoLMConfig(
        vision_config=vision_config,
        text_config=text_config,
        image_token_index=image_token_id,
        tie_word_embeddings=bool(text_config.tie_word_embeddings),
    )


@torch.no_grad()
def check_same_language(model: PreTrainedModel, llm: PreTrainedModel) -> None:
    """Check on a few tokens that, without an image, the LMM says what the language model says.

    Raises:
        ValueError: if the logits differ: the language model does more after its head than LLaVA (capping, scaling).
    """
    vocab_size = llm.get_input_embeddings().weight.shape[0]
    tokens = torch.arange(8)[None] % vocab_size
    was_training = llm.training, model.training
    expected = llm.eval()(input_ids=tokens.to(llm.device)).logits.float().cpu()
    got = model.eval()(input_ids=tokens.to(model.device)).logits.float().cpu()[..., :vocab_size]
    llm.train(was_training[0])
    model.train(was_training[1])
    tolerance = 1e-3 if model.dtype == llm.dtype == torch.float32 else 0.1
    if not torch.allclose(
        got, expected[..., :vocab_size], rtol=tolerance, atol=tolerance * float(expected.abs().max())
    ):
        raise ValueError(
            f"{type(llm).__name__} changes its logits after the head, which LLaVA cannot do, so MMGeoLM would not "
            "speak as it does: choose a language model with a plain head, such as Qwen2, Llama or Mistral."
        )
