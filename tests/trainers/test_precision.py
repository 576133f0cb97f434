"""What is computed how: bfloat16 and plain attention on a CPU that has the one and is slow at the other."""

import pytest
import torch
from transformers import TrainingArguments

from tests.tiny import tiny_mmclip
from trainers import precision
from trainers.precision import choose_attention, choose_bf16


@pytest.mark.parametrize("computes", [True, False])
def test_bf16_and_plain_attention_where_a_cpu_computes_in_bf16(computes, tmp_path, monkeypatch):
    if torch.accelerator.is_available():
        pytest.skip("an accelerator computes here")
    monkeypatch.setattr(precision, "cpu_computes_bf16", lambda: computes)
    args = TrainingArguments(output_dir=str(tmp_path))
    args.bf16 = None  # left open
    choose_bf16(args)
    assert args.bf16 is computes
    mmclip, _ = tiny_mmclip()
    before = mmclip.vision_tower.config._attn_implementation
    choose_attention(mmclip, args)
    attention = {t.config._attn_implementation for t in (mmclip.vision_tower, mmclip.backbone.text_model)}
    assert attention == {"eager" if computes else before} and before == "sdpa"


def test_plain_attention_gives_what_fused_attention_gives():
    mmclip, _ = tiny_mmclip()
    pixels = torch.randn(
        2, 3, *(2 * [mmclip.vision_tower.config.image_size]), generator=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        fused = mmclip.get_image_features(pixels).pooler_output
        mmclip.set_attn_implementation("eager")
        assert torch.allclose(mmclip.get_image_features(pixels).pooler_output, fused, atol=1e-5)
