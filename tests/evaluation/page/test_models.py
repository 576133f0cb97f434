"""Answers on the page come piece by piece, and a failing model does not leave the page waiting."""

import numpy as np
import pytest
from PIL import Image

from data_scripts.instructions import with_instruction
from evaluation.generation import Answerer, GenerationSettings, Question
from evaluation.page.models import load_models, stream_answer
from tests.tiny import tiny_mmgeolm


@pytest.fixture(scope="module")
def answerer():
    model, processor = tiny_mmgeolm()
    return Answerer(model.eval(), processor, GenerationSettings(12))


def test_an_answer_grows_and_ends_as_the_whole_one(answerer):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8))
    grown = list(stream_answer(answerer, image, "A B C"))
    assert all(later.startswith(earlier) for earlier, later in zip(grown, grown[1:], strict=False))
    asked = {"role": "user", "content": with_instruction("A B C")}
    assert grown[-1].split() == answerer([Question(0, [asked], [image])])[0].split()


def test_an_error_reaches_the_page(answerer, monkeypatch):
    monkeypatch.setattr(answerer.model, "generate", lambda **inputs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(stream_answer(answerer, Image.new("RGB", (32, 32)), "A"))


def test_no_name_no_model():
    models = load_models(None, "")
    assert models.encoder is None and models.answer is None


def test_a_missing_model_is_said(tmp_path):
    with pytest.raises(ValueError, match="nowhere"):
        load_models(str(tmp_path / "nowhere"), None)
