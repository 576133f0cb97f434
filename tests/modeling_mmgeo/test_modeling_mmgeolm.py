"""MMGeoLM: its parts' weights to the bit, as many image tokens as the tower gives, and safe to save."""

import hashlib
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import (
    AutoModelForCausalLM,
    BertConfig,
    BertModel,
    Gemma2Config,
    GPT2Config,
    PhiConfig,
    Siglip2Config,
    T5Config,
    T5ForConditionalGeneration,
)

from modeling_mmgeo import MMCLIPModel, MMGeoLMForConditionalGeneration, MMGeoLMModel
from tests.tiny import (
    EOS,
    KINDS,
    LLM_KINDS,
    NUM_PATCHES,
    PAD,
    VOCAB_SIZE,
    tiny_llm,
    tiny_mmclip,
    tiny_mmgeolm,
)

FIGURES = [Image.new("RGB", (24, 24), color) for color in ("white", "red", "blue")]


def snapshot(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("llm_kind", LLM_KINDS)
def test_from_parts_copies_every_weight(kind: str, llm_kind: str) -> None:
    (mmclip, _), llm = tiny_mmclip(kind), tiny_llm(llm_kind)
    before = snapshot(mmclip), snapshot(llm)
    model = MMGeoLMForConditionalGeneration.from_parts(mmclip, llm)
    assert model.config.image_token_id == VOCAB_SIZE
    assert model.config.text_config.vocab_size == model.lm_head.out_features == VOCAB_SIZE + 1
    assert llm.config.vocab_size == VOCAB_SIZE
    for name, value in mmclip.vision_tower.state_dict().items():
        assert torch.equal(value, model.model.vision_tower.state_dict()[name]), name
    language = model.model.language_model.state_dict()
    for name, value in llm.base_model.state_dict().items():
        assert torch.equal(value, language[name][: len(value)]), name
    embeddings = llm.get_input_embeddings().weight
    torch.testing.assert_close(language["embed_tokens.weight"][-1], embeddings.mean(0))
    assert torch.equal(model.lm_head.weight[:-1], llm.lm_head.weight)
    # Copied, not shared: training the LMM must leave the parts alone.
    with torch.no_grad():
        for value in model.parameters():
            value.add_(1)
    for part, old in zip((mmclip, llm), before, strict=True):
        assert all(torch.equal(value, old[name]) for name, value in part.state_dict().items())


def test_projector_is_drawn_afresh() -> None:
    model, _ = tiny_mmgeolm()
    projector = model.model.multi_modal_projector
    for layer in (projector.linear_1, projector.linear_2):
        assert 0.5 * 0.02 < layer.weight.std() < 2 * 0.02 and not layer.bias.any()
    assert isinstance(projector.act, torch.nn.Module) and "gelu" in type(projector.act).__name__.lower()
    assert model.config.vision_feature_layer == -2


def test_from_folders(tmp_path: Path) -> None:
    (mmclip, _), llm = tiny_mmclip("siglip"), tiny_llm("qwen2")
    mmclip.save_pretrained(tmp_path / "mmclip")
    mmclip.backbone.save_pretrained(tmp_path / "stock")
    llm.save_pretrained(tmp_path / "llm")
    torch.manual_seed(0)
    first = MMGeoLMForConditionalGeneration.from_parts(tmp_path / "mmclip", str(tmp_path / "llm"), 5)
    torch.manual_seed(0)
    second = MMGeoLMForConditionalGeneration.from_parts(tmp_path / "stock", llm, 5)
    for name, value in snapshot(first).items():
        assert torch.equal(value, second.state_dict()[name]), name
    first.save_pretrained(tmp_path / "lmm")
    assert str(tmp_path) not in (tmp_path / "lmm" / "config.json").read_text()  # it will be published
    MMCLIPModel.from_backbone(tmp_path / "stock").save_pretrained(tmp_path / "wrapped")
    assert str(tmp_path) not in (tmp_path / "wrapped" / "config.json").read_text()
    assert first.config.text_config.vocab_size == VOCAB_SIZE  # id 5 has a row already
    half = MMGeoLMForConditionalGeneration.from_parts(tmp_path / "mmclip", tmp_path / "llm", dtype=torch.bfloat16)
    assert {value.dtype for value in half.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize("kind", KINDS)
def test_image_tokens_equal_what_the_tower_gives(kind: str) -> None:
    model, processor = tiny_mmgeolm(kind)
    inputs = processor(images=FIGURES[:1], text="<image>\nFind x", return_tensors="pt")
    assert (inputs["input_ids"] == model.config.image_token_id).sum() == NUM_PATCHES == model.config.image_seq_length
    features = model.get_image_features(inputs["pixel_values"]).pooler_output
    assert len(features) == 1 and features[0].shape == (NUM_PATCHES, model.config.text_config.hidden_size)
    # Second-to-last layer, without the class token, through the projector.
    hidden = model.model.vision_tower(inputs["pixel_values"], output_hidden_states=True).hidden_states[-2]
    patches = hidden[:, 1:] if kind != "siglip" else hidden
    torch.testing.assert_close(model.model.multi_modal_projector(patches)[0], features[0])
    with pytest.raises(ValueError, match="do not match"):
        model(input_ids=inputs["input_ids"][:, 1:], pixel_values=inputs["pixel_values"])


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_padding_changes_no_answer(side: str, kind: str) -> None:
    model, processor = tiny_mmgeolm(kind)
    texts = ["<image>\nFind x", "<image>\nDescribe the figure: triangle ABC is right"]
    batch = processor(
        images=[[FIGURES[0]], [FIGURES[1]]], text=texts, padding=True, padding_side=side, return_tensors="pt"
    )
    greedy = {"max_new_tokens": 8, "min_new_tokens": 8, "do_sample": False}  # none ends early
    generated = model.generate(**batch, **greedy)
    assert generated.shape == (2, batch["input_ids"].shape[1] + 8)
    with torch.no_grad():
        logits = model(**batch).logits
        for row, text in enumerate(texts):
            inputs = processor(images=[FIGURES[row]], text=text, return_tensors="pt")
            kept = logits[row][batch["attention_mask"][row].bool()]
            torch.testing.assert_close(kept, model(**inputs).logits[0], rtol=1e-4, atol=1e-5)
            if side == "left":  # an answer goes on from the last token
                assert torch.equal(generated[row, -8:], model.generate(**inputs, **greedy)[0, -8:])


def test_generates_what_greedy_decoding_gives() -> None:
    model, processor = tiny_mmgeolm("altclip", "mistral")
    inputs = processor(images=FIGURES[1], text="<image>\nFind x", return_tensors="pt")
    generated = model.generate(**inputs, max_new_tokens=4, do_sample=False)
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    for _ in range(generated.shape[1] - ids.shape[1]):
        with torch.no_grad():
            logits = model(input_ids=ids, attention_mask=mask, pixel_values=inputs["pixel_values"]).logits
        ids = torch.cat([ids, logits[:, -1:].argmax(-1)], 1)
        mask = torch.ones_like(ids)
    assert torch.equal(ids, generated)
    assert model.generation_config.eos_token_id == EOS and model.generation_config.pad_token_id == PAD


@pytest.mark.parametrize("checkpointing", [False, True])
def test_what_learns_and_what_cannot(checkpointing: bool) -> None:
    model, processor = tiny_mmgeolm("siglip")
    model.train()
    if checkpointing:
        model.gradient_checkpointing_enable()
        assert model.is_gradient_checkpointing
    inputs = processor(images=FIGURES[1], text="<image>\nFind x", return_tensors="pt")
    model(**inputs, labels=inputs["input_ids"], use_cache=False).loss.backward()
    idle = {name for name, value in model.named_parameters() if value.grad is None}
    # Features come from the second-to-last layer, so what follows it in the tower is held but never used.
    tower = model.model.vision_tower
    unused = (tower.encoder.layers[-1], tower.post_layernorm, tower.head)
    unused = {id(value) for module in unused for value in module.parameters()}
    assert idle == {name for name, value in model.named_parameters() if id(value) in unused}
    for name in ("vision_tower.encoder.layers.0", "multi_modal_projector.linear_1", "language_model.layers.1"):
        assert all(v.grad.abs().sum() > 0 for n, v in model.named_parameters() if name in n and "k_proj.bias" not in n)


@pytest.mark.parametrize("tie", [False, True])
@pytest.mark.parametrize("kind", ["altclip", "siglip"])
def test_save_load_save_is_bit_identical(tie: bool, kind: str, tmp_path: Path) -> None:
    model = MMGeoLMForConditionalGeneration.from_parts(tiny_mmclip(kind)[0], tiny_llm("qwen2", tie=tie))
    model.save_pretrained(tmp_path / "first")
    loaded, report = MMGeoLMForConditionalGeneration.from_pretrained(tmp_path / "first", output_loading_info=True)
    assert not any(report.values()), report
    loaded.save_pretrained(tmp_path / "second")
    hashes = [hashlib.sha256((tmp_path / f / "model.safetensors").read_bytes()).digest() for f in ("first", "second")]
    assert hashes[0] == hashes[1]
    for part in (model, loaded):
        shared = part.lm_head.weight is part.get_input_embeddings().weight
        assert shared == tie and part.config.tie_word_embeddings == tie
    assert not [path for path in tmp_path.rglob("*") if path.suffix in {".bin", ".pt", ".pth", ".pkl"}]
    sources = {path.name for path in (tmp_path / "second").glob("*.py")}
    assert {"modeling_mmgeolm.py", "configuration_mmgeolm.py", "modeling_mmclip.py"} <= sources
    headless = MMGeoLMModel.from_pretrained(tmp_path / "first")
    assert torch.equal(headless.get_input_embeddings().weight, model.get_input_embeddings().weight)


def test_any_name_of_embeddings_can_be_tied(tmp_path: Path) -> None:
    config = GPT2Config(vocab_size=VOCAB_SIZE, n_embd=16, n_layer=1, n_head=2, n_positions=64, bos_token_id=0)
    llm = AutoModelForCausalLM.from_config(config)
    model = MMGeoLMForConditionalGeneration.from_parts(tiny_mmclip()[0], llm)
    assert model.lm_head.weight is model.model.language_model.wte.weight
    model.save_pretrained(tmp_path)
    loaded = MMGeoLMForConditionalGeneration.from_pretrained(tmp_path)
    assert loaded.lm_head.weight is loaded.model.language_model.wte.weight
    assert torch.equal(loaded.lm_head.weight, model.lm_head.weight)


def test_wrong_parts_are_refused() -> None:
    mmclip, llm = tiny_mmclip()[0], tiny_llm()
    build = MMGeoLMForConditionalGeneration.from_parts
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    bert = BertModel(BertConfig(vocab_size=9, **sizes))
    with pytest.raises(ValueError, match="causal language model, got BertModel"):
        build(mmclip, bert)
    t5 = T5ForConditionalGeneration(T5Config(vocab_size=9, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2))
    with pytest.raises(ValueError, match="causal language model, got T5"):
        build(mmclip, t5)
    with pytest.raises(ValueError, match="causal language model, got LlamaModel"):
        build(mmclip, llm.model)
    with pytest.raises(ValueError, match="dual encoder"):
        build(bert, llm)
    with pytest.raises(ValueError, match="no weights"):
        build(mmclip.config, llm)
    with pytest.raises(ValueError, match="negative"):
        build(mmclip, llm, -1)
    with pytest.raises(ValueError, match="bias"):
        build(mmclip, AutoModelForCausalLM.from_config(PhiConfig(vocab_size=VOCAB_SIZE, **sizes)))
    capped = Gemma2Config(
        vocab_size=VOCAB_SIZE, head_dim=8, num_key_value_heads=1, final_logit_softcapping=0.01, **sizes
    )
    with pytest.raises(ValueError, match="after the head"):
        build(mmclip, AutoModelForCausalLM.from_config(capped))
    tower = {**sizes, "num_patches": 16, "patch_size": 4}
    variable = Siglip2Config(text_config={**sizes, "vocab_size": 9, "projection_size": 8}, vision_config=tower)
    with pytest.raises(ValueError, match="fixed resolution"):
        build(MMCLIPModel.from_backbone(variable), llm)


def test_outputs_are_tuples_where_asked_for() -> None:
    model, processor = tiny_mmgeolm()
    prompts = [processor(*prompt, return_tensors="pt") for prompt in ((None, "Find x"), (FIGURES[1], "<image>Find x"))]
    for inputs in prompts:
        expected = model.model(**inputs)
        output = model.model(**inputs, return_dict=False)
        assert type(output) is tuple and torch.equal(output[0], expected.last_hidden_state)
        assert len(output) == len(expected.to_tuple())
