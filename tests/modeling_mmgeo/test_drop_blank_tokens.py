"""Blank tokens left out of the language model: what is left computes as if none might attend to what is gone."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from transformers import AutoProcessor, StaticCache, pipeline
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

from modeling_mmgeo import MMGeoLMForConditionalGeneration, MMGeoLMProcessor
from modeling_mmgeo.blank_patches import choose_patches, keep_positions
from tests.tiny import KINDS, LLM_KINDS, NUM_PATCHES, PAD, tiny_mmgeolm

TEXTS = ["<image>\nFind x", "<image> and <image>\nDescribe the figure: triangle ABC is right", "Find the angle"]


def drawing(*lines: tuple[int, int, int, int]) -> Image.Image:
    figure = Image.new("RGB", (64, 64), "white")
    for line in lines:
        ImageDraw.Draw(figure).line(line, fill="black", width=3)
    return figure


FIGURES = [
    drawing((5, 40, 40, 45)),
    drawing((5, 5, 60, 60), (30, 5, 30, 60)),
    drawing((2, 2, 10, 10)),
]
IMAGES = [FIGURES[:1], FIGURES[1:], []]


def build(kind: str = "clip", llm: str = "llama") -> tuple[MMGeoLMForConditionalGeneration, MMGeoLMProcessor]:
    """A model whose projector says something, and a processor that leaves blank tokens out."""
    model, processor = tiny_mmgeolm(kind, llm)
    with torch.no_grad():
        model.model.multi_modal_projector.linear_2.weight.mul_(50)
    processor.drop_blank_tokens, processor.min_patches = True, 1
    return model, processor


def prepare(processor: MMGeoLMProcessor, rows: list[int], side: str = "left") -> dict[str, torch.Tensor]:
    images = [IMAGES[row] for row in rows]
    options = {"padding": True, "padding_side": side, "return_tensors": "pt"}
    return processor(images=images if any(images) else None, text=[TEXTS[row] for row in rows], **options)


@pytest.mark.parametrize("kind", KINDS)
def test_off_is_as_ever(kind: str) -> None:
    model, processor = tiny_mmgeolm(kind)
    inputs = prepare(processor, [0, 1])
    assert "pixel_attention_mask" not in inputs and not processor.drop_blank_tokens
    assert (inputs["input_ids"] == processor.image_token_id).sum() == 3 * NUM_PATCHES


@pytest.mark.parametrize("kind", KINDS)
def test_each_image_has_the_tokens_of_its_ink(kind: str) -> None:
    model, processor = build(kind)
    inputs = prepare(processor, [0, 1, 2])
    model.config.min_patches = 1
    kept = choose_patches(inputs["pixel_values"], model.config)
    assert torch.equal(inputs["pixel_attention_mask"], kept)
    counts = kept.sum(1).tolist()
    assert len(set(counts)) == 3 and max(counts) < NUM_PATCHES
    assert (inputs["input_ids"] == processor.image_token_id).sum(1).tolist() == [counts[0], sum(counts[1:]), 0]
    for options in ({"return_tensors": "np"}, {}):
        other = processor(images=IMAGES[1], text=TEXTS[1], **options)["pixel_attention_mask"]
        assert torch.equal(torch.as_tensor(other), kept[1:])
    with torch.no_grad():
        full = model.get_image_features(inputs["pixel_values"]).pooler_output
        some = model.get_image_features(inputs["pixel_values"], pixel_attention_mask=kept).pooler_output
    assert [len(features) for features in some] == counts
    assert all(torch.equal(a[mask], b) for a, b, mask in zip(full, some, kept, strict=True))


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("llm", LLM_KINDS)
@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_what_is_left_computes_as_if_the_rest_were_masked(kind: str, llm: str, skip: bool) -> None:
    model, processor = build(kind, llm)
    model.config.skip_blank_patches = skip
    model.config.min_patches = processor.min_patches
    for row in (0, 1):
        inputs = prepare(processor, [row])
        processor.drop_blank_tokens = False
        full = prepare(processor, [row])
        processor.drop_blank_tokens = True
        ids, kept = full["input_ids"][0], inputs["pixel_attention_mask"]
        stays = torch.ones_like(ids, dtype=torch.bool)
        stays[ids == processor.image_token_id] = kept.flatten()
        assert torch.equal(ids[stays], inputs["input_ids"][0])
        with torch.no_grad():
            expected = model(**full | {"attention_mask": stays[None].long()}).logits[0, stays]
            got = model(**inputs).logits[0]
            unmasked = model(**full).logits[0, stays]
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
        assert (got - unmasked).abs().max() > 1e-4


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_positions_are_those_of_the_whole_prompt(data: st.DataObject) -> None:
    patches, rows = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 3))
    prompts, masks = [], []
    for _ in range(rows):
        prompt: list[tuple[int, int]] = []  # position in the whole prompt, and whether it stands for a patch
        position = data.draw(st.integers(0, 2))
        prompt += [(index, 0) for index in range(position)]
        for _ in range(data.draw(st.integers(0, 2))):
            kept = data.draw(st.lists(st.booleans(), min_size=patches, max_size=patches).filter(any))
            masks.append(kept)
            prompt += [(position + index, 1) for index, there in enumerate(kept) if there]
            position += patches
            text = data.draw(st.integers(0, 2))
            prompt += [(position + index, 0) for index in range(text)]
            position += text
        prompts.append(prompt or [(0, 0)])
    length, left = max(map(len, prompts)), data.draw(st.booleans())
    padding = [(length - len(prompt)) * [(0, 0)] for prompt in prompts]
    whole = torch.tensor([pad + row if left else row + pad for row, pad in zip(prompts, padding, strict=True)])
    attended = [len(pad) * [0] + len(row) * [1] if left else len(row) * [1] + len(pad) * [0]
                for row, pad in zip(prompts, padding, strict=True)]  # fmt: skip
    attended, kept = torch.tensor(attended), torch.tensor(masks, dtype=torch.bool).view(-1, patches)
    got = keep_positions(whole[..., 1].bool(), kept, attended)
    assert torch.equal(got[attended.bool()], whole[..., 0][attended.bool()])


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", ["altclip", "siglip"])
def test_a_batch_computes_what_its_rows_do(kind: str, side: str) -> None:
    model, processor = build(kind)
    batch = prepare(processor, [0, 1, 2], side)
    with torch.no_grad():
        logits = model(**batch).logits
        for row in range(3):
            alone = model(**prepare(processor, [row])).logits[0]
            kept = logits[row][batch["attention_mask"][row].bool()]
            torch.testing.assert_close(kept, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_generates_what_greedy_decoding_gives(kind: str) -> None:
    model, processor = build(kind, "qwen2")
    options = {"max_new_tokens": 6, "do_sample": False, "eos_token_id": -1, "pad_token_id": PAD}
    batch = prepare(processor, [0, 1, 2])
    together = model.generate(**batch, **options)[:, batch["input_ids"].shape[1] :]
    for row in range(3):
        inputs = prepare(processor, [row])
        length = inputs["input_ids"].shape[1]
        ids, steps = inputs["input_ids"], []
        more = {name: value for name, value in inputs.items() if name.startswith("pixel")}
        for _ in range(6):  # no cache, no generate: the whole prompt every time
            with torch.no_grad():
                steps.append(model(input_ids=ids, **more).logits[:, -1])
            ids = torch.cat([ids, steps[-1].argmax(-1, keepdim=True)], 1)
        assert torch.equal(ids[0, length:], together[row])
        for way in ({}, {"use_cache": False}, {"cache_implementation": "static"}, {"prefill_chunk_size": 5}):
            alone = model.generate(**inputs, **options, **way, return_dict_in_generate=True, output_logits=True)
            assert torch.equal(alone.sequences, ids)
            torch.testing.assert_close(torch.stack(alone.logits), torch.stack(steps), rtol=1e-4, atol=1e-5)


def test_the_pipeline_leaves_them_out() -> None:
    model, processor = build()
    ask = pipeline("image-text-to-text", model=model, processor=processor)
    options = {"max_new_tokens": 5, "do_sample": False, "eos_token_id": -1, "pad_token_id": PAD}
    written = ask(images=IMAGES[1], text=TEXTS[1], generate_kwargs=options, return_full_text=False)
    inputs = prepare(processor, [1])
    new = model.generate(**inputs, **options)[0, inputs["input_ids"].shape[1] :]
    assert written[0]["generated_text"] == processor.decode(new, skip_special_tokens=True)


def test_beams_and_samples_see_their_own_images() -> None:
    model, processor = build()
    options = {"max_new_tokens": 4, "do_sample": False, "num_beams": 3, "num_return_sequences": 2, "eos_token_id": -1}
    batch = prepare(processor, [0, 1])
    together = model.generate(**batch, **options, pad_token_id=PAD)[:, batch["input_ids"].shape[1] :]
    for row in (0, 1):
        inputs = prepare(processor, [row])
        alone = model.generate(**inputs, **options, pad_token_id=PAD)[:, inputs["input_ids"].shape[1] :]
        assert torch.equal(alone, together[2 * row : 2 * row + 2])


def test_a_chat_goes_on_from_its_cache() -> None:
    model, processor = build()
    first = prepare(processor, [1])
    options = {"max_new_tokens": 3, "do_sample": False, "eos_token_id": -1, "pad_token_id": PAD}
    said = model.generate(**first, **options, return_dict_in_generate=True)
    more = torch.cat([said.sequences, processor(text="Find x", return_tensors="pt")["input_ids"]], 1)
    kept = {"pixel_attention_mask": first["pixel_attention_mask"]}
    mask = {"attention_mask": torch.ones_like(more)}
    fresh = model.generate(input_ids=more, **mask, **kept, pixel_values=first["pixel_values"], **options)
    on = model.generate(input_ids=more, **mask, **kept, past_key_values=said.past_key_values, **options)
    assert torch.equal(on, fresh)


def test_trains_through_the_collator() -> None:
    model, processor = build("siglip")
    rows = [
        {
            "images": IMAGES[row],
            "prompt": [{"role": "user", "content": "Find x"}],
            "completion": [{"role": "assistant", "content": "answer is 5"}],
        }
        for row in (0, 1)
    ]
    batch = DataCollatorForVisionLanguageModeling(processor, max_length=None, completion_only_loss=True)(rows)
    assert batch["pixel_attention_mask"].shape == (3, NUM_PATCHES)
    model.train()
    for checkpointing in (False, True):
        if checkpointing:
            model.gradient_checkpointing_enable()
        model.zero_grad()
        loss = model(**batch, use_cache=False).loss
        loss.backward()
        assert loss.isfinite() and model.model.vision_tower.embeddings.patch_embedding.weight.grad.any()


def test_the_switch_travels_with_the_processor(tmp_path: Path) -> None:
    _, processor = build()
    processor.blank_tolerance = 0.2
    processor.save_pretrained(tmp_path)
    again = AutoProcessor.from_pretrained(tmp_path)
    assert (again.drop_blank_tokens, again.min_patches, again.blank_tolerance) == (True, 1, 0.2)
    assert torch.equal(prepare(again, [1])["input_ids"], prepare(processor, [1])["input_ids"])
    off = AutoProcessor.from_pretrained(tmp_path, drop_blank_tokens=False)
    assert not off.drop_blank_tokens and "pixel_attention_mask" not in prepare(off, [1])


def test_errors() -> None:
    model, processor = build()
    inputs = prepare(processor, [1])
    with pytest.raises(ValueError, match=r"shape \(2, 3\), but the images give \(2, 16\)"):
        model(**inputs | {"pixel_attention_mask": torch.ones(2, 3)})
    with pytest.raises(ValueError, match="as the processor made them"):
        model(**inputs | {"pixel_attention_mask": torch.ones(2, NUM_PATCHES)})
    with pytest.raises(ValueError, match="needs input_ids"):
        embeddings = model.get_input_embeddings()(inputs["input_ids"])
        model(**{**inputs, "input_ids": None}, inputs_embeds=embeddings)
    kept = {"pixel_attention_mask": inputs["pixel_attention_mask"]}
    with pytest.raises(ValueError, match="needs input_ids, or position_ids"):
        model.generate(inputs_embeds=embeddings, **kept, max_new_tokens=1)
    with pytest.raises(ValueError, match="do not match"):
        model(input_ids=inputs["input_ids"], pixel_values=inputs["pixel_values"])
    with pytest.raises(ValueError, match="min_patches must be at least 1"):
        MMGeoLMProcessor(processor.image_processor, processor.tokenizer, patch_size=4, min_patches=0)


def test_a_cache_of_fixed_size_is_filled_with_what_is_left() -> None:
    model, processor = build()
    inputs = prepare(processor, [0])
    length = inputs["input_ids"].shape[1]
    assert length < NUM_PATCHES + 5
    cache = StaticCache(config=model.config.text_config, max_cache_len=length + 4)
    generated = model.generate(**inputs, past_key_values=cache, max_new_tokens=4, do_sample=False, eos_token_id=-1)
    assert torch.equal(generated, model.generate(**inputs, max_new_tokens=4, do_sample=False, eos_token_id=-1))
