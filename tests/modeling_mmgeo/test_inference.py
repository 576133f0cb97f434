"""MMGeoLM answers as stock LLaVA with the same parts does, by every way that leads to an answer."""

import inspect
import logging
from functools import cache
from threading import Thread

import pytest
import torch
from PIL import Image, ImageDraw
from transformers import (
    LlavaForConditionalGeneration,
    LlavaProcessor,
    TextIteratorStreamer,
    TextStreamer,
    pipeline,
)

from model_cards.export import to_llava, to_llava_processor
from modeling_mmgeo import MMGeoLMForConditionalGeneration, MMGeoLMProcessor
from tests.tiny import KINDS, PAD, tiny_mmgeolm

# The end token cannot come, so that every answer has its full length and differences have room to show.
GREEDY = {"max_new_tokens": 8, "do_sample": False, "eos_token_id": -1, "pad_token_id": PAD}
QUESTIONS = ["Find x", "Describe the figure: triangle ABC is right", "is AB parallel to CD?"]


def drawing(*points: tuple[int, int], mode: str = "RGB") -> Image.Image:
    figure = Image.new("RGB", (48, 48), "white")
    ImageDraw.Draw(figure).line(points, fill="black", width=3)
    return figure.convert(mode)


FIGURES = [drawing((2, 2), (40, 12)), drawing((5, 40), (40, 40), (20, 5), mode="L"), drawing((0, 47), (47, 0))]
IMAGES = [[FIGURES[0]], [FIGURES[1], FIGURES[2]], [FIGURES[2]]]  # one, two, and one image per question


def chat(row: int, images: bool = True) -> list[dict]:
    """A question with its images; without them, their places."""
    items = [{"type": "image", "image": image} if images else {"type": "image"} for image in IMAGES[row]]
    return [{"role": "user", "content": [*items, {"type": "text", "text": QUESTIONS[row]}]}]


Pair = tuple[MMGeoLMForConditionalGeneration, MMGeoLMProcessor, LlavaForConditionalGeneration, LlavaProcessor]


@cache
def both(kind: str = "clip", llm: str = "llama") -> Pair:
    """An MMGeoLM that looks at its figures, and the stock LLaVA of the same parts."""
    model, processor = tiny_mmgeolm(kind, llm)
    with torch.no_grad():
        model.model.multi_modal_projector.linear_2.weight.mul_(50)
    return model, processor, to_llava(model), to_llava_processor(processor)


def prepare(processor: LlavaProcessor, rows: list[int]) -> dict[str, torch.Tensor]:
    texts = [processor.apply_chat_template(chat(row, images=False), add_generation_prompt=True) for row in rows]
    images = [IMAGES[row] for row in rows]
    return processor(images=images, text=texts, padding=True, padding_side="left", return_tensors="pt")


def answers(model: torch.nn.Module, inputs: dict, **options) -> torch.Tensor:
    return model.generate(**inputs, **GREEDY | options)[:, inputs["input_ids"].shape[1] :]


@pytest.mark.parametrize(("kind", "llm"), zip(KINDS, ("llama", "qwen2", "mistral"), strict=True))
def test_a_batch_answers_as_its_rows_and_as_llava(kind: str, llm: str) -> None:
    model, processor, stock, stock_processor = both(kind, llm)
    batch = prepare(processor, [0, 1, 2])
    others = prepare(stock_processor, [0, 1, 2])
    assert batch.keys() == others.keys() and all(torch.equal(batch[name], others[name]) for name in batch)
    with torch.no_grad():
        assert torch.equal(model(**batch).logits, stock(**batch).logits)
    together = answers(model, batch)
    assert torch.equal(together, answers(stock, batch))
    for row in range(3):
        assert torch.equal(answers(model, prepare(processor, [row]))[0], together[row])
    assert len({tuple(row.tolist()) for row in together}) > 1


def test_the_order_of_images_matters() -> None:
    model, processor, *_ = both()
    inputs = prepare(processor, [1])
    assert inputs["pixel_values"].shape[0] == 2
    swapped = inputs | {"pixel_values": inputs["pixel_values"].flip(0)}
    with torch.no_grad():
        assert (model(**inputs).logits - model(**swapped).logits).abs().max() > 1e-4


@pytest.mark.parametrize(
    "options",
    [
        {"cache_implementation": "static"},
        {"use_cache": False},
        {"num_beams": 3},
        {"num_beams": 2, "num_return_sequences": 2},
        {"prefill_chunk_size": 7},
        {"do_sample": True, "temperature": 0.7, "top_p": 0.9},
        {"repetition_penalty": 1.3},
    ],
    ids=lambda options: " ".join(options),
)
def test_options_of_generate_do_what_they_do_in_llava(options: dict) -> None:
    model, processor, stock, _ = both()
    inputs = prepare(processor, [0, 1])
    found = []
    for one in (model, stock):
        torch.manual_seed(0)
        found.append(answers(one, inputs, **options))
    assert torch.equal(*found)


def test_a_compiled_model_answers_as_llava(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="torch.__trace")  # megabytes otherwise
    model, processor, stock, _ = both("siglip")
    inputs = prepare(processor, [0])
    want = answers(stock, inputs, max_new_tokens=3)
    answers(model, inputs, max_new_tokens=1)  # transformers installs its hooks on the first call
    forward = model.forward
    model.forward = torch.compile(forward, backend="eager", fullgraph=True)  # a graph break would raise
    try:
        assert torch.equal(answers(model, inputs, max_new_tokens=3, cache_implementation="static"), want)
    finally:
        model.forward = forward
        torch.compiler.reset()


def test_answers_stream_token_by_token(capsys: pytest.CaptureFixture) -> None:
    model, processor, *_ = both()
    inputs = prepare(processor, [1])
    written = processor.decode(answers(model, inputs)[0], skip_special_tokens=True)
    options = {"skip_prompt": True, "skip_special_tokens": True}
    iterator = TextIteratorStreamer(processor.tokenizer, **options)
    thread = Thread(target=model.generate, kwargs={**inputs, **GREEDY, "streamer": iterator})
    thread.start()
    pieces = list(iterator)
    thread.join()
    # One piece per token, empty until a word is whole, and the rest at the end.
    assert "".join(pieces) == written and len(pieces) == GREEDY["max_new_tokens"] + 1
    model.generate(**inputs, **GREEDY, streamer=TextStreamer(processor.tokenizer, **options))
    assert capsys.readouterr().out == written + "\n"


def test_the_pipeline_answers_as_llava() -> None:
    model, processor, stock, stock_processor = both()
    options = {"generate_kwargs": GREEDY, "return_full_text": False}
    found = []
    for one, reader in ((model, processor), (stock, stock_processor)):
        ask = pipeline("image-text-to-text", model=one, processor=reader)
        chats = ask(text=[chat(0), chat(1)], **options)
        plain = ask(images=[FIGURES[0]], text="<image>\nFind x", **options)
        found.append(([entry[0]["generated_text"] for entry in chats], plain[0]["generated_text"]))
    assert found[0] == found[1]
    for row in (0, 1):
        new = answers(model, prepare(processor, [row]))[0]
        assert found[0][0][row] == processor.decode(new, skip_special_tokens=True)


def test_a_batch_is_padded_for_answers_unless_told_otherwise() -> None:
    model, processor, *_ = both()
    rows = [answers(model, prepare(processor, [row]))[0] for row in (0, 1)]
    alone = processor.batch_decode(rows, skip_special_tokens=True)
    texts = [processor.apply_chat_template(chat(row, images=False), add_generation_prompt=True) for row in (0, 1)]
    batch = processor(images=[IMAGES[0], IMAGES[1]], text=texts, padding=True, return_tensors="pt")
    assert not batch["attention_mask"].all()
    assert processor.batch_decode(answers(model, batch), skip_special_tokens=True) == alone
    ask = pipeline("image-text-to-text", model=model, processor=processor)
    together = ask(text=[chat(0), chat(1)], batch_size=2, generate_kwargs=GREEDY, return_full_text=False)
    assert [entry[0]["generated_text"] for entry in together] == alone


def test_questions_without_figures_are_answered() -> None:
    model, processor, stock, _ = both()
    inputs = processor(
        text=["Find x", "is AB parallel to CD?"], padding=True, padding_side="left", return_tensors="pt"
    )
    assert torch.equal(answers(model, inputs), answers(stock, inputs))


def test_generate_knows_what_forward_takes() -> None:
    model, processor, stock, _ = both()
    ours, theirs = (list(inspect.signature(one.forward).parameters) for one in (model, stock))
    assert ours == [*theirs[:-1], "pixel_attention_mask", "kwargs"]
    assert "__signature__" in vars(type(model).forward)  # asked for at every token
    lengths = []
    handle = model.lm_head.register_forward_hook(lambda _, args, __: lengths.append(args[0].shape[1]))
    answers(model, prepare(processor, [0, 1]), vision_feature_layer=-2)
    handle.remove()
    assert set(lengths) == {1}  # no logits of the prompt


def test_half_precision_answers_as_llava() -> None:
    model, processor, *_ = both()
    model = tiny_mmgeolm()[0].bfloat16()
    inputs = prepare(processor, [0, 1]).to(torch.bfloat16)
    assert torch.equal(answers(model, inputs), answers(to_llava(model), inputs))
