"""The memory estimate against what the allocator hands out in a real step, and for a model nobody loads."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch.autograd import DeviceType
from torch.profiler import profile
from transformers import CLIPConfig, MistralConfig, Qwen2Config

from modeling_mmgeo import MMCLIPConfig, MMCLIPModel, MMGeoLMForConditionalGeneration
from modeling_mmgeo.joining import config_of_parts
from trainers.memory import GIB, estimate_memory, state_bytes, with_lora
from trainers.mmgeolm_config import ModelArguments, StageConfig, lora_config
from trainers.mmgeolm_model import freeze

ROWS, LENGTH = 4, 96
IMAGE_TOKEN = 300


def model_config(eyes, llm):
    with torch.device("meta"):
        mmclip = MMCLIPModel(MMCLIPConfig(backbone_config=eyes))
    return config_of_parts(mmclip, llm, IMAGE_TOKEN)


def small_config():
    """Large enough for the activations to weigh something, small enough for a step in a blink."""
    tower = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 2}
    eyes = CLIPConfig(text_config=dict(tower, vocab_size=100), vision_config=dict(tower, image_size=48, patch_size=8))
    llm = {"hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 4, "num_attention_heads": 4}
    return model_config(eyes, Qwen2Config(**llm, vocab_size=320, num_key_value_heads=2, tie_word_embeddings=False))


def allocated_at_most(step):
    """Most bytes that a step holds at one time on top of what was there before, by the allocator's own count."""
    with profile(profile_memory=True) as watched:
        step()
    events = [e for e in watched.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        if event.device_type() == DeviceType.CPU:
            held += event.nbytes()
            most = max(most, held)
    return most


def arguments(folder, **options):
    return StageConfig(output_dir=str(folder), use_cpu=True, **options)


def measured(config, args, lora):
    """Bytes of the weights, of AdamW's states, and the most that a training step takes beside them."""
    model = MMGeoLMForConditionalGeneration._from_config(config).train()
    freeze(model, args.frozen)
    model = with_real_lora(model, lora)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], foreach=False)
    image_tokens = config.image_seq_length
    tokens = torch.randint(0, 300, (ROWS, LENGTH))
    tokens[:, :image_tokens] = IMAGE_TOKEN
    pixels = torch.randn(ROWS, 3, 48, 48)
    base = model.get_base_model() if lora else model

    def step():
        hidden = base.model(input_ids=tokens, pixel_values=pixels, use_cache=False).last_hidden_state
        (hidden.square().mean() + base.lm_head(hidden[:, -1]).square().mean()).backward()
        optimizer.step()
        optimizer.zero_grad()

    step()  # makes the optimizer's states
    states = sum(s.numel() * s.element_size() for state in optimizer.state.values() for s in state.values())
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    return weights, states, allocated_at_most(step)


def with_real_lora(model, lora):
    if lora is None:
        return model
    from peft import get_peft_model

    return get_peft_model(model, lora)


@pytest.mark.parametrize(
    ("stage", "options"), [("align", {}), ("sft", {}), ("sft", {"use_peft": True, "lora_dropout": 0.0})]
)
def test_the_estimate_is_near_what_a_step_takes(tmp_path, stage, options):
    config, args = small_config(), arguments(tmp_path, stage=stage, bf16=False)
    lora = lora_config(ModelArguments(model_name_or_path="a", **options), args)
    with torch.device("meta"):
        sketch = MMGeoLMForConditionalGeneration._from_config(config)
    freeze(sketch, args.frozen)
    estimate = estimate_memory(with_lora(sketch, lora), args, (ROWS, LENGTH), ROWS)
    weights, states, beside = measured(config, args, lora)
    assert estimate.weights == weights and estimate.optimizer == pytest.approx(states, rel=0.01)
    guess = max(estimate.gradients, estimate.activations)
    assert beside / 1.25 < guess < beside * 1.25


def seven_billion():
    llm = {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28}
    return model_config(CLIPConfig(), Qwen2Config(**llm, vocab_size=152064, num_key_value_heads=4))


def test_a_model_of_seven_billion_is_estimated_without_loading_it(tmp_path):
    config = seven_billion()

    def estimate(bits=None, checkpointing=True, **options):
        model = ModelArguments(model_name_or_path="a", **options)
        args = arguments(tmp_path, bf16=True, activation_checkpointing=checkpointing)
        with torch.device("meta"):
            sketch = MMGeoLMForConditionalGeneration._from_config(config, dtype=torch.bfloat16)
        freeze(sketch, args.frozen)
        return estimate_memory(with_lora(sketch, lora_config(model, args)), args, (2, 700), 2, bits)

    whole, lora = estimate(), estimate(use_peft=True)
    small = estimate(4, use_peft=True, load_in_4bit=True)
    assert whole.weights == pytest.approx(7.7e9 * 2, rel=0.05)
    assert replace(whole, accumulates=True).total == whole.total + whole.activations
    assert whole.optimizer == 2 * whole.gradients and whole.total > 50 * GIB
    assert lora.weights == pytest.approx(whole.weights, rel=0.02) and lora.gradients < whole.gradients / 50
    assert 4 * GIB < small.weights < 6.5 * GIB  # 6.5 billion weights in 4.1 bits, embeddings and head in 16
    assert estimate(checkpointing=False).activations > 5 * whole.activations
    assert whole.describe().endswith(f"at most {whole.total / GIB:.1f} GiB at one time")


@pytest.mark.parametrize("kind", [MistralConfig, partial(Qwen2Config, tie_word_embeddings=True)])
def test_more_rows_take_more(tmp_path, kind):
    llm = kind(
        hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2
    )
    config, args = model_config(CLIPConfig(), llm), arguments(tmp_path, bf16=False)
    sizes = []
    for rows in (1, 2, 4):
        with torch.device("meta"):
            sketch = MMGeoLMForConditionalGeneration._from_config(config)
        freeze(sketch, args.frozen)
        sizes.append(estimate_memory(sketch, args, (rows, 300), rows).activations)
    assert sizes[2] - sizes[1] == pytest.approx(2 * (sizes[1] - sizes[0]), rel=0.01)


@pytest.mark.parametrize(
    ("optim", "size", "states"),
    [
        ("adamw_torch", 4, 8),
        ("adamw_torch_fused", 2, 4),
        ("paged_adamw_8bit", 4, 2),
        ("sgd", 4, 0),
        ("adafactor", 2, 0),
    ],
)
def test_optimizer_states(optim, size, states):
    assert state_bytes(optim, size) == states
