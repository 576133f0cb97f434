"""The models of mmgeo and how they travel: MMCLIP (dual encoder) and MMGeoLM (LMM).

Importing this package registers both with the Auto classes of transformers. The registration stays here, outside the
files that are saved next to the weights: there it would leak the code of one repository into the next.
"""

from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForImageTextToText,
    AutoModelForZeroShotImageClassification,
    AutoProcessor,
)

from modeling_mmgeo.configuration_mmclip import MMCLIPConfig
from modeling_mmgeo.configuration_mmgeolm import MMGeoLMConfig
from modeling_mmgeo.modeling_mmclip import MMCLIPModel, MMCLIPOutput
from modeling_mmgeo.modeling_mmgeolm import MMGeoLMForConditionalGeneration, MMGeoLMModel
from modeling_mmgeo.processing_mmclip import MMCLIPProcessor
from modeling_mmgeo.processing_mmgeolm import MMGeoLMProcessor

__all__ = [
    "MMCLIPConfig",
    "MMCLIPModel",
    "MMCLIPOutput",
    "MMCLIPProcessor",
    "MMGeoLMConfig",
    "MMGeoLMForConditionalGeneration",
    "MMGeoLMModel",
    "MMGeoLMProcessor",
]

AutoConfig.register("mmclip", MMCLIPConfig, exist_ok=True)
AutoModel.register(MMCLIPConfig, MMCLIPModel, exist_ok=True)
AutoModelForZeroShotImageClassification.register(MMCLIPConfig, MMCLIPModel, exist_ok=True)
AutoProcessor.register(MMCLIPConfig, MMCLIPProcessor, exist_ok=True)

AutoConfig.register("mmgeolm", MMGeoLMConfig, exist_ok=True)
AutoModel.register(MMGeoLMConfig, MMGeoLMModel, exist_ok=True)
AutoModelForImageTextToText.register(MMGeoLMConfig, MMGeoLMForConditionalGeneration, exist_ok=True)
AutoProcessor.register(MMGeoLMConfig, MMGeoLMProcessor, exist_ok=True)

# What was registered for an auto class takes its source file along when it is saved. MMGeoLMForConditionalGeneration
# sees to that itself (`saved_with_code`).
MMCLIPConfig.register_for_auto_class()
MMCLIPModel.register_for_auto_class("AutoModel")
MMCLIPProcessor.register_for_auto_class()
MMGeoLMConfig.register_for_auto_class()
MMGeoLMModel.register_for_auto_class("AutoModel")
MMGeoLMProcessor.register_for_auto_class()
