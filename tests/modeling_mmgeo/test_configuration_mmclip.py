"""The facts about each family that model and processor share."""

import pytest
from transformers import AltCLIPConfig, CLIPConfig, SiglipConfig

from modeling_mmgeo import MMCLIPConfig


@pytest.mark.parametrize(
    ("backbone", "length", "fixed", "additional"),
    [(CLIPConfig(), 77, False, 1), (AltCLIPConfig(), 512, False, 1), (SiglipConfig(), 64, True, 0)],
)
def test_facts_of_the_families(backbone, length: int, fixed: bool, additional: int) -> None:
    config = MMCLIPConfig(backbone_config=backbone)
    assert (config.text_max_length, config.fixed_length_text) == (length, fixed)
    assert config.num_additional_image_tokens == additional
    assert config.patch_size == backbone.vision_config.patch_size


def test_survives_a_round_trip_and_names_every_auto_class() -> None:
    config = MMCLIPConfig(backbone_config=CLIPConfig().to_dict(), pad_token_id=7)
    again = MMCLIPConfig.from_dict(config.to_dict())
    assert again.to_dict() == config.to_dict()
    assert type(again.backbone_config) is CLIPConfig and again.pad_token_id == 7
    assert set(again.auto_map) == {
        "AutoConfig",
        "AutoModel",
        "AutoModelForZeroShotImageClassification",
        "AutoProcessor",
    }
    assert MMCLIPConfig().backbone_config.model_type == "altclip"  # the paper's


def test_patches_must_be_square() -> None:
    backbone = CLIPConfig()
    backbone.vision_config.patch_size = [14, 16]
    with pytest.raises(ValueError, match="square patches"):
        _ = MMCLIPConfig(backbone_config=backbone).patch_size
