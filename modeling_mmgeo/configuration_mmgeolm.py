"""Configuration of MMGeoLM: LLaVA's, with its own type and the map that lets its code travel with the weights."""

from typing import Any

from transformers import LlavaConfig

AUTO_MAP = {
    "AutoConfig": "configuration_mmgeolm.MMGeoLMConfig",
    "AutoModel": "modeling_mmgeolm.MMGeoLMModel",
    "AutoModelForImageTextToText": "modeling_mmgeolm.MMGeoLMForConditionalGeneration",
    "AutoProcessor": "processing_mmgeolm.MMGeoLMProcessor",
}


class MMGeoLMConfig(LlavaConfig):
    """Stock `vision_config` and `text_config`, joined as in LLaVA.

    Beyond the fields of `LlavaConfig`, nothing is added: `vision_feature_layer` is -2 (features of the second-to-last
    layer), `projector_hidden_act` is GELU, and `vision_feature_select_strategy` is "default" for towers with a class
    token and "full" for those without (SigLIP).

    Source: MMGeoLM (arXiv 2505.20152), after LLaVA-1.5.
    """

    model_type = "mmgeolm"

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)
        # Saving writes only the saved class into the map, and users need every entry.
        self.auto_map = dict(AUTO_MAP)
