"""MMGeoLM's processor: the chat template, what the assistant says, and the numbers of images."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from trl.data_utils import apply_chat_template, prepare_multimodal_messages

from modeling_mmgeo import MMGeoLMProcessor
from tests.tiny import EOS, NUM_PATCHES, tiny_image_processor, tiny_mmclip, tiny_mmgeolm, tiny_tokenizer

FIGURE = Image.new("RGB", (24, 24), "white")
STRINGS = [{"role": "user", "content": "<image>\nFind x"}, {"role": "assistant", "content": "answer is 5"}]
LISTS = [
    {"role": "user", "content": [{"type": "image", "image": FIGURE}, {"type": "text", "text": "Find x"}]},
    {"role": "assistant", "content": [{"type": "text", "text": "answer is 5"}]},
]
SYSTEM = {"role": "system", "content": "the figure is a triangle"}
PLAIN = "User:\n<image>\nFind x<|end|>\nAssistant:\nanswer is 5<|end|>\n"
CHATML = "<|im_start|>user\n<image>\nFind x<|im_end|>\n<|im_start|>assistant\nanswer is 5<|im_end|>\n"


def build(chatml: bool = False, **kwargs) -> MMGeoLMProcessor:
    return MMGeoLMProcessor.from_parts(tiny_mmclip()[1], tiny_tokenizer(chatml=chatml, frame=False, **kwargs))


@pytest.mark.parametrize(("chatml", "expected"), [(False, PLAIN), (True, CHATML)])
def test_template_takes_strings_and_lists(chatml: bool, expected: str) -> None:
    processor = build(chatml)
    assert processor.apply_chat_template(STRINGS) == processor.apply_chat_template(LISTS) == expected
    begin = "<|im_start|>system\n" if chatml else "System:\n"
    end = "<|im_end|>\n" if chatml else "<|end|>\n"
    with_system = processor.apply_chat_template([SYSTEM, *LISTS])
    assert with_system == f"{begin}the figure is a triangle{end}{expected}"
    prompt = processor.apply_chat_template(LISTS[:1], add_generation_prompt=True)
    assert expected.startswith(prompt) and expected.removeprefix(prompt) == f"answer is 5{end}"
    assert processor.tokenizer.eos_token == end.strip()  # generation stops where a turn ends


@pytest.mark.parametrize("chatml", [False, True])
def test_generation_mask_covers_the_answer_and_its_end(chatml: bool) -> None:
    processor = build(chatml)
    output = processor.apply_chat_template(
        [SYSTEM, *LISTS],
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        return_assistant_tokens_mask=True,
    )
    mask = torch.as_tensor(output["assistant_masks"]).bool()
    said = processor.tokenizer.decode(output["input_ids"][mask])
    assert said == "answer is 5" + processor.tokenizer.eos_token
    assert (output["input_ids"] == processor.image_token_id).sum() == NUM_PATCHES
    assert output["pixel_values"].shape[0] == 1


def test_rows_of_trl_become_prompt_and_completion() -> None:
    processor = build()
    row = {
        "prompt": prepare_multimodal_messages([{"role": "user", "content": "Find x"}], images=[FIGURE]),
        "completion": prepare_multimodal_messages([{"role": "assistant", "content": "answer is 5"}]),
    }
    row = apply_chat_template(row, processor)
    assert row["prompt"] + row["completion"] == PLAIN and row["completion"] == "answer is 5<|end|>\n"
    batch = processor(images=[[FIGURE]], text=[row["prompt"]], add_special_tokens=False, return_tensors="pt")
    assert (batch["input_ids"] == processor.image_token_id).sum() == NUM_PATCHES


def test_a_begin_token_comes_once() -> None:
    tokenizer = tiny_tokenizer()  # puts one before every text, as Llama's does
    processor = MMGeoLMProcessor.from_parts(tiny_mmclip()[1], tokenizer)
    text = processor.apply_chat_template(LISTS[:1], add_generation_prompt=True)
    assert text.startswith(tokenizer.bos_token)
    ids = processor(images=FIGURE, text=text)["input_ids"][0]
    assert ids.count(tokenizer.bos_token_id) == 1 and ids[-1] != EOS
    tokenized = processor.apply_chat_template(LISTS[:1], add_generation_prompt=True, tokenize=True, return_dict=True)
    assert tokenized["input_ids"][0] == ids


def test_from_parts_leaves_the_tokenizer_alone() -> None:
    tokenizer = tiny_tokenizer(chatml=True, frame=False)
    tokenizer.pad_token = None
    before = len(tokenizer), tokenizer.eos_token, tokenizer.chat_template, tokenizer.all_special_tokens
    processor = MMGeoLMProcessor.from_parts(tiny_mmclip()[1], tokenizer)
    assert before == (len(tokenizer), tokenizer.eos_token, tokenizer.chat_template, tokenizer.all_special_tokens)
    assert tokenizer.pad_token is None and processor.tokenizer.pad_token == tokenizer.eos_token
    assert processor.image_token_id == len(tokenizer)
    again = MMGeoLMProcessor.from_parts(tiny_mmclip()[1], processor.tokenizer)  # `<image>` is there already
    assert again.image_token_id == processor.image_token_id and len(again.tokenizer) == len(processor.tokenizer)


def test_special_tokens_survive_saving(tmp_path: Path) -> None:
    processor = build(chatml=True)
    processor.save_pretrained(tmp_path)
    assert {"processing_mmgeolm.py", "processing_mmclip.py"} <= {path.name for path in tmp_path.glob("*.py")}
    again = MMGeoLMProcessor.from_pretrained(tmp_path)
    assert again.chat_template == processor.chat_template == again.tokenizer.chat_template
    for one in (processor, again):
        ids = one(images=FIGURE, text=CHATML, return_tensors="pt")["input_ids"][0]
        assert (ids == one.image_token_id).sum() == NUM_PATCHES
        text = one.tokenizer.decode(ids, skip_special_tokens=True)
        assert text == "user\n\nFind x\nassistant\nanswer is 5\n"
    for name in ("patch_size", "vision_feature_select_strategy", "num_additional_image_tokens", "image_token_id"):
        assert getattr(again, name) == getattr(processor, name)


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_strategy_agrees_with_the_model(kind: str) -> None:
    model, processor = tiny_mmgeolm(kind)
    assert processor.vision_feature_select_strategy == model.config.vision_feature_select_strategy
    assert processor.vision_feature_select_strategy == ("full" if kind == "siglip" else "default")
    assert processor.image_token_id == model.config.image_token_id


def test_transparent_figures_are_laid_on_white(tmp_path: Path) -> None:
    processor = build()
    processor.image_processor.do_convert_rgb = None  # as SigLIP's checkpoints have it
    clear = Image.new("RGBA", (24, 24), (0, 0, 0, 0))
    path = str(tmp_path / "clear.png")
    clear.save(path)
    expected = processor(images=FIGURE, text="<image>", return_tensors="pt")["pixel_values"]
    for images in (clear, [clear], [[clear]], path, [[path]]):
        pixels = processor(images=images, text=["<image>"], return_tensors="pt")["pixel_values"]
        assert torch.equal(pixels, expected)
    messages = [{"role": "user", "content": [{"type": "image", "path": path}]}]
    chat = processor.apply_chat_template(messages, tokenize=True, return_dict=True, return_tensors="pt")
    assert torch.equal(chat["pixel_values"], expected)


@pytest.mark.parametrize(
    ("text", "images", "message"),
    [
        (["<image> and <image>"], [FIGURE], "same as the number of images"),
        (["Find x"], [FIGURE], "same as the number of images"),
        (["<image>"], None, "no images were passed"),
        (["<image><image>", "Find x"], [[FIGURE], [FIGURE]], "Text 0 of the batch has 2 <image> tokens but 1 images"),
    ],
)
def test_wrong_numbers_of_images_are_refused(text: list[str], images: list | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()(images=images, text=text)


def test_errors() -> None:
    tokenizer = tiny_tokenizer(frame=False)
    _, processor = tiny_mmclip()
    processor.patch_size = None
    with pytest.raises(ValueError, match="patch size"):
        MMGeoLMProcessor.from_parts(processor, tokenizer)
    with pytest.raises(ValueError, match="patch size"):
        MMGeoLMProcessor.from_parts(tiny_image_processor(), tokenizer)
    tokenizer.eos_token = None
    with pytest.raises(ValueError, match="end-of-text"):
        MMGeoLMProcessor.from_parts(tiny_mmclip()[1], tokenizer)
