"""Configuration of MMCLIP: a stock dual encoder, and the facts about it that its family keeps in different places.

CLIP, AltCLIP and SigLIP differ in how captions are padded, how many tokens fit, and whether the vision tower puts a
class token before the patches. Model and processor both read these facts here, so they cannot disagree.
"""

import os
from typing import Any, ClassVar

from transformers import AutoConfig, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

# Position embeddings of the RoBERTa family start after the padding id, so `max_position_embeddings` is not the length.
POSITIONS_AFTER_PADDING = ("altclip_text_model", "roberta", "xlm-roberta", "xlm-roberta-xl", "camembert")

# Blank-patch skipping: the vision towers that can, and the fields of a configuration that say how.
SKIPPING_TOWERS = ("clip_vision_model", "altclip_vision_model", "siglip_vision_model")
BLANK_PATCH_FIELDS = ("skip_blank_patches", "min_patches", "blank_tolerance", "patches_multiple_of")

AUTO_MAP = {
    "AutoConfig": "configuration_mmclip.MMCLIPConfig",
    "AutoModel": "modeling_mmclip.MMCLIPModel",
    "AutoModelForZeroShotImageClassification": "modeling_mmclip.MMCLIPModel",
    "AutoProcessor": "processing_mmclip.MMCLIPProcessor",
}


def check_dual_encoder(config: PreTrainedConfig, where: str) -> None:
    """Refuse a configuration that does not describe an image and text dual encoder.

    Args:
        config: any configuration of transformers.
        where: what the user gave (a name, a folder, "the config"), for the message.

    Raises:
        ValueError: if there is no `text_config` or `vision_config`, or transformers has no model class for the type.
    """
    missing = [name for name in ("text_config", "vision_config") if getattr(config, name, None) is None]
    if missing or config.model_type not in MODEL_MAPPING_NAMES:
        why = f"it has no {' and no '.join(missing)}" if missing else "transformers has no AutoModel for it"
        raise ValueError(
            f"The backbone of MMCLIP must be a CLIP-family dual encoder, but {where} is of type {config.model_type!r} "
            f"and {why}. Give a CLIP, AltCLIP or SigLIP checkpoint, for example BAAI/AltCLIP, not one tower alone."
        )


def check_blank_patches(config: Any) -> None:
    """Check the fields for blank-patch skipping of an `MMCLIPConfig`, an `MMGeoLMConfig` or an `MMGeoLMProcessor`.

    Raises:
        ValueError: if one is out of range, or skipping is on for a vision tower that cannot.
    """
    for name in ("min_patches", "patches_multiple_of"):
        if getattr(config, name, 1) < 1:
            raise ValueError(f"{name} must be at least 1, got {getattr(config, name)}: no image may end up empty.")
    if not config.blank_tolerance >= 0:
        raise ValueError(
            f"blank_tolerance must not be negative, got {config.blank_tolerance}: it is the largest difference of a "
            "background pixel, 0 for none."
        )
    if getattr(config, "skip_blank_patches", False) and config.vision_config.model_type not in SKIPPING_TOWERS:
        raise ValueError(
            f"skip_blank_patches knows the vision towers of CLIP, AltCLIP and SigLIP, not "
            f"{config.vision_config.model_type!r}: leave it off, or choose a backbone of these families."
        )


def forget_folder(config: PreTrainedConfig) -> None:
    """Drop the path of a local folder from a part's configuration: it would be published with the whole.

    A Hub id is kept, since it says where the part comes from.
    """
    for part in (config, *(getattr(config, name, None) for name in config.sub_configs)):
        if part is not None and os.path.isdir(part.name_or_path or ""):
            part.name_or_path = ""


def as_int(size: int | list[int] | tuple[int, ...]) -> int:
    """Side length of a square patch or image, which configurations write as an int or as a pair."""
    if isinstance(size, int):
        return size
    if len(set(size)) != 1:
        raise ValueError(f"Only square patches are supported, got {tuple(size)}: choose a tower with square patches.")
    return size[0]


class MMCLIPConfig(PreTrainedConfig):
    """What it takes to build an `MMCLIPModel`.

    Args:
        backbone_config: configuration of the stock dual encoder, or its dict with `model_type`. Default: AltCLIP, the
            backbone of MMGeoLM (arXiv 2505.20152).
        pad_token_id: id that captions are padded with. Default: the text tower's own, which for some checkpoints is
            not the tokenizer's (SigLIP 2); `MMCLIPModel.from_backbone` asks the tokenizer where there is one.
        skip_blank_patches: whether the vision tower leaves blank patches out (see blank_patches.py). May be switched
            at any time, `model.config.skip_blank_patches = True`: no weight depends on it.
        min_patches: patches to keep at least; emptier images keep some blank ones, evenly spread.
        blank_tolerance: largest difference from the background in a blank patch, in units of the normalised pixels.
            A grey level is 0.015 for CLIP and 0.008 for SigLIP.
        patches_multiple_of: round the padded number of tokens of a batch up to a multiple of this, for fewer shapes.

    Raises:
        ValueError: if `backbone_config` is not that of a dual encoder, or a field is out of range.

    Example:
        >>> from transformers import CLIPConfig
        >>> MMCLIPConfig(backbone_config=CLIPConfig()).text_max_length
        77
    """

    model_type = "mmclip"
    sub_configs_defaults: ClassVar[dict[str, Any]] = {
        "backbone_config": SubConfigSpec(config_class=AutoConfig, model_type="altclip")
    }

    backbone_config: dict | PreTrainedConfig | None = None
    pad_token_id: int | None = None
    skip_blank_patches: bool = False
    min_patches: int = 16
    blank_tolerance: float = 0.05
    patches_multiple_of: int = 1

    def __post_init__(self, **kwargs: Any) -> None:
        # Resolved here: the base class reads a field of this name as that of a timm-style vision backbone.
        if self.backbone_config is None:
            self.backbone_config = CONFIG_MAPPING["altclip"]()
        elif isinstance(self.backbone_config, dict):
            model_type = self.backbone_config.get("model_type")
            if model_type not in CONFIG_MAPPING:
                raise ValueError(
                    f"backbone_config says model_type {model_type!r}, which this transformers does not know. Name a "
                    "CLIP-family type such as 'clip', 'altclip' or 'siglip', or update transformers."
                )
            self.backbone_config = CONFIG_MAPPING[model_type].from_dict(self.backbone_config)
        check_dual_encoder(self.backbone_config, "backbone_config")
        super().__post_init__(**kwargs)
        if self.pad_token_id is None:
            self.pad_token_id = getattr(self.text_config, "pad_token_id", None) or 0
        check_blank_patches(self)
        # Saving writes only the saved class into the map, and users need every entry.
        self.auto_map = dict(AUTO_MAP)

    @property
    def text_config(self) -> PreTrainedConfig:
        """Configuration of the backbone's text tower."""
        return self.backbone_config.text_config

    @property
    def vision_config(self) -> PreTrainedConfig:
        """Configuration of the backbone's vision tower."""
        return self.backbone_config.vision_config

    @property
    def fixed_length_text(self) -> bool:
        """Whether captions must fill the text tower: SigLIP pools its last position and was trained without a mask."""
        return "siglip" in self.text_config.model_type

    @property
    def text_max_length(self) -> int:
        """Longest caption of the text tower, in tokens."""
        length = self.text_config.max_position_embeddings
        if self.text_config.model_type in POSITIONS_AFTER_PADDING:
            length -= self.text_config.pad_token_id + 1
        return length

    @property
    def patch_size(self) -> int:
        """Side of one patch of the vision tower, in pixels."""
        return as_int(self.vision_config.patch_size)

    @property
    def num_additional_image_tokens(self) -> int:
        """Tokens that the vision tower puts before its patches: the class token and registers. SigLIP has none."""
        if "siglip" in self.vision_config.model_type:
            return 0
        return 1 + getattr(self.vision_config, "num_register_tokens", 0)
