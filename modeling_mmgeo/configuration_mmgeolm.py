"""Configuration of MMGeoLM: LLaVA's, with its own type and the map that lets its code travel with the weights."""

from typing import Any

from transformers import LlavaConfig

from .configuration_mmclip import check_blank_patches

AUTO_MAP = {
    "AutoConfig": "configuration_mmgeolm.MMGeoLMConfig",
    "AutoModel": "modeling_mmgeolm.MMGeoLMModel",
    "AutoModelForImageTextToText": "modeling_mmgeolm.MMGeoLMForConditionalGeneration",
    "AutoProcessor": "processing_mmgeolm.MMGeoLMProcessor",
}


class MMGeoLMConfig(LlavaConfig):
    """Stock `vision_config` and `text_config`, joined as in LLaVA.

    Of the fields of `LlavaConfig`, `vision_feature_layer` is -2 (features of the second-to-last layer),
    `projector_hidden_act` is GELU, and `vision_feature_select_strategy` is "default" for towers with a class token and
    "full" for those without (SigLIP).

    Args:
        skip_blank_patches, min_patches, blank_tolerance, patches_multiple_of: as in `MMCLIPConfig`. An image takes as
            many tokens as without: the tokens of blank patches are all the same, what the projector makes of zeros.

    Raises:
        ValueError: if a field of blank-patch skipping is out of range.

    Source: MMGeoLM (arXiv 2505.20152), after LLaVA-1.5.
    """

    model_type = "mmgeolm"

    skip_blank_patches: bool = False
    min_patches: int = 16
    blank_tolerance: float = 0.05
    patches_multiple_of: int = 1

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)
        check_blank_patches(self)
        # Saving writes only the saved class into the map, and users need every entry.
        self.auto_map = dict(AUTO_MAP)
