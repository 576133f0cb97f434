"""A person at a terminal: answers as the model gives them, several images, many questions, and errors that help."""

import io
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from transformers import TextStreamer

from data_scripts.instructions import INSTRUCTION
from evaluation.ask import AskArguments, ask, main, read_image
from model_cards.export import to_llava, to_llava_processor
from tests.tiny import tiny_mmclip, tiny_mmgeolm

BARE = ("--instruction", "")  # nothing is added to the question

SHORT = ["--max_new_tokens", "6"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MMGeoLM, a stock LLaVA of the same parts, and two figures."""
    folder = tmp_path_factory.mktemp("ask")
    model, processor = tiny_mmgeolm()
    model.model.multi_modal_projector.linear_2.weight.data.mul_(50)
    for name, parts in (("ours", (model, processor)), ("stock", (to_llava(model), to_llava_processor(processor)))):
        for part in parts:
            part.save_pretrained(folder / name)
    for name, line in (("a", (5, 5, 60, 30)), ("b", (5, 60, 60, 60))):
        figure = Image.new("RGB", (64, 64), "white")
        ImageDraw.Draw(figure).line(line, fill="black", width=3)
        figure.save(folder / f"{name}.png")
    return folder


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    """Run the command as typed, with a terminal's or a pipe's input; returns what it wrote to both outputs."""

    def run(*options: object, typed: str = "") -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["ask", *map(str, options), *SHORT])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        main()
        out, err = capsys.readouterr()
        return out, "".join(line for line in err.splitlines(keepends=True) if "tokens in" in line)

    return run


def expected(images: list[Image.Image], question: str, instruction: str = f" {INSTRUCTION}") -> str:
    model, processor = tiny_mmgeolm()
    model.model.multi_modal_projector.linear_2.weight.data.mul_(50)
    items = [*({"type": "image"} for _ in images), {"type": "text", "text": question + instruction}]
    text = processor.apply_chat_template([{"role": "user", "content": items}], add_generation_prompt=True)
    inputs = processor(images=images or None, text=text, return_tensors="pt")
    new = model.generate(**inputs, max_new_tokens=6, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    return processor.decode(new, skip_special_tokens=True) + "\n"


@pytest.mark.parametrize("name", ["ours", "stock"])
def test_the_answer_is_written(world: Path, say, name: str) -> None:
    images = [read_image(str(world / f"{letter}.png")) for letter in "ab"]
    model, asked = ("--model", world / name), ("--question", "Find x", *BARE)
    out, err = say(*model, "--image", world / "a.png", *asked)
    assert out == expected(images[:1], "Find x", "")
    assert err.startswith("6 tokens in ") and "the first after" in err
    both = say(*model, "--image", world / "a.png", world / "b.png", *asked)[0]
    again = say(*model, "--image", world / "a.png", "--image", world / "b.png", *asked)[0]
    assert both == again == expected(images, "Find x", "") != out
    assert say(*model, *asked)[0] == expected([], "Find x", "")


def test_a_question_asks_for_its_answer_as_in_training_or_as_it_is_told_to(world: Path, say) -> None:
    image, options = read_image(str(world / "a.png")), ("--model", world / "ours", "--image", world / "a.png")
    bare = say(*options, "--question", "Find x", *BARE)[0]
    assert bare == expected([image], "Find x", "") != expected([image], "Find x")
    told = say(*options, "--question", "Find x", "--instruction", "Be brief.")[0]
    assert told == expected([image], "Find x", " Be brief.")
    boxed = "Find x and box it: \\boxed{}"
    assert say(*options, "--question", boxed)[0] == expected([image], boxed, "")


def test_questions_are_read_until_an_empty_one(world: Path, say) -> None:
    image = read_image(str(world / "a.png"))
    options = ("--model", world / "ours", "--image", world / "a.png")
    out, err = say(*options, typed="Find x\nDescribe the figure\n\nFind y\n")
    assert out == expected([image], "Find x") + expected([image], "Describe the figure")
    assert err.count("tokens in") == 2
    assert say(*options, typed="Find x")[0] == expected([image], "Find x")  # a pipe that just ends


def test_blank_tokens_can_be_left_out(world: Path, say, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = []
    put = TextStreamer.put
    monkeypatch.setattr(TextStreamer, "put", lambda self, ids: (lengths.append(ids.numel()), put(self, ids))[1])
    options = ("--model", world / "ours", "--image", world / "a.png", "--question", "Find x")
    say(*options)
    whole, lengths[:] = max(lengths), []
    # A tower with 16 patches keeps them all unless told to go below.
    config = world / "ours" / "processor_config.json"
    before = config.read_text()
    config.write_text(before.replace('"min_patches": 16', '"min_patches": 1'))
    say(*options, "--drop_blank_tokens")
    config.write_text(before)
    assert max(lengths) < whole
    with pytest.raises(ValueError, match="only MMGeoLM's processor can"):
        say("--model", world / "stock", "--image", world / "a.png", "--question", "Find x", "--drop_blank_tokens")


def test_images_are_upright_and_on_white(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    picture.putpixel((0, 0), (255, 0, 0, 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    picture.save(tmp_path / "turned.png", exif=exif)
    opened = read_image(str(tmp_path / "turned.png"))
    assert (opened.size, opened.mode) == ((10, 20), "RGB")
    assert opened.getpixel((9, 0)) == (255, 0, 0) and opened.getpixel((0, 0)) == (255, 255, 255)


def test_errors(world: Path, tmp_path: Path) -> None:
    (tmp_path / "note.png").write_text("no image")
    Image.new("1", (20_000, 20_000)).save(tmp_path / "huge.png")
    tiny_mmclip()[0].save_pretrained(tmp_path / "clip")
    tiny_mmclip()[1].save_pretrained(tmp_path / "clip")
    for change, said in (
        ({"image": [str(tmp_path / "nowhere.png")]}, "--image .*nowhere.png is no file"),
        ({"image": [str(tmp_path / "note.png")]}, "note.png cannot be read as an image"),
        ({"image": [str(tmp_path / "huge.png")]}, "huge.png cannot be read as an image: .*exceeds limit"),
        ({"model": str(tmp_path / "nowhere")}, "cannot load"),
        ({"model": str(tmp_path / "clip")}, "AutoModelForImageTextToText cannot load|no chat template"),
        ({"question": "  "}, "--question is empty"),
        ({"max_new_tokens": 0}, "--max_new_tokens must be at least 1"),
    ):
        with pytest.raises(ValueError, match=said):
            ask(AskArguments(**{"model": str(world / "ours"), "question": "Find x"} | change))
