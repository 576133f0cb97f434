"""One loop lets every model answer: the batch has no part in an answer, and no question is lost."""

import numpy as np
import pytest
import torch
from PIL import Image

from evaluation.generation import (
    PATIENCE,
    UNREADABLE,
    Answer,
    Answerer,
    GenerationSettings,
    Question,
    SeededSampling,
    answer_into,
    answers,
    with_images,
)
from evaluation.predictions import PredictionFile
from tests.tiny import tiny_llava, tiny_mmgeolm

GREEDY = GenerationSettings(8)
SAMPLING = GenerationSettings(8, temperature=1.5, top_p=0.9, seed=3)


def question(row: int, num_images: int = 1) -> Question:
    figures = [Image.new("RGB", (20, 20), (row * 25 % 256, 0, 90))] * num_images
    return Question(row, [{"role": "user", "content": f"Find the angle {'A' * (1 + row % 4)}."}], figures)


@pytest.fixture(scope="module", params=[tiny_mmgeolm, tiny_llava])
def parts(request):
    return request.param()


@pytest.mark.parametrize("settings", [GREEDY, SAMPLING], ids=["greedy", "sampling"])
def test_answers_do_not_depend_on_the_batch(parts, settings):
    answerer = Answerer(*parts, settings)
    questions = [question(row, num_images=row % 3) for row in range(6)]  # with none, one and two figures
    together = answerer(questions)
    assert together == [answerer([one])[0] for one in questions]
    assert [a.text for a in answers(questions, answerer, batch_size=4)] == together
    assert len(set(together)) > 1


def test_generation_is_greedy_whatever_the_model_says(parts):
    model, processor = parts
    plain = Answerer(model, processor, GREEDY)([question(0)])
    model.generation_config.do_sample, model.generation_config.temperature = True, 5.0
    model.generation_config.repetition_penalty = 3.0
    try:
        for seed in (0, 1):
            torch.manual_seed(seed)
            assert Answerer(model, processor, GREEDY)([question(0)]) == plain
    finally:
        model.generation_config.do_sample, model.generation_config.temperature = False, 1.0
        model.generation_config.repetition_penalty = 1.0


def test_samples_come_from_the_seed(parts):
    same = [question(0), question(1), question(0)]
    first = Answerer(*parts, SAMPLING)(same)
    assert first[0] == first[2] != first[1]
    other = GenerationSettings(8, temperature=1.5, top_p=0.9, seed=4)
    assert Answerer(*parts, other)(same) != first


def test_samples_follow_the_distribution():
    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.05])
    scores = (2.0 * probabilities.log()).expand(4000, 4)  # at temperature 2 these probabilities
    drawn = SeededSampling(GenerationSettings(1, temperature=2.0), range(4000))(torch.zeros(4000, 1), scores).argmax(1)
    shares = torch.bincount(drawn, minlength=4) / 4000
    assert np.allclose(shares, probabilities, atol=0.03)
    cut = SeededSampling(GenerationSettings(1, temperature=2.0, top_p=0.7), range(4000))
    assert set(cut(torch.zeros(4000, 1, dtype=torch.long), scores).argmax(1).tolist()) == {0, 1}


@pytest.mark.parametrize("given", [{"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.5}, {"max_new_tokens": 0}])
def test_settings_that_cannot_be(given):
    with pytest.raises(ValueError, match="--"):
        GenerationSettings(**{"max_new_tokens": 1} | given)


class Fake:
    """Answers with the row, takes no more than `fits` questions at once, and refuses some."""

    def __init__(
        self, fits: int = 99, refused: tuple[int, ...] = (), error: str = "CUDA out of memory. Tried"
    ) -> None:
        self.fits, self.refused, self.error, self.sizes = fits, refused, error, []

    def __call__(self, questions):
        self.sizes.append(len(questions))
        if len(questions) > self.fits:
            raise RuntimeError(self.error)
        if any(q.row in self.refused for q in questions):
            raise ValueError("height and width must be larger\nand more")
        return [str(q.row) for q in questions]


@pytest.mark.parametrize("error", ["CUDA out of memory. Tried", "[x] DefaultCPUAllocator: can't allocate memory: y"])
def test_a_batch_that_does_not_fit_is_answered_in_halves(error):
    fake = Fake(fits=2, error=error)
    found = list(answers(map(question, range(20)), fake, batch_size=8))
    assert found == [Answer(row, str(row)) for row in range(20)]
    assert fake.sizes == [8, 4, 2, 2, 4, 2, 2] + [2] * 6  # found out once, in both halves of one batch


def test_a_real_out_of_memory_error_is_known():
    class Full(Fake):
        def __call__(self, questions):
            if len(questions) > 1:
                raise torch.OutOfMemoryError("all", "of it")
            return super().__call__(questions)

    assert [a.text for a in answers(map(question, range(3)), Full(), batch_size=3)] == ["0", "1", "2"]


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_a_refused_question_is_told_and_spoils_no_other(batch_size):
    fake = Fake(refused=(0, 4))
    found = list(answers(map(question, range(7)), fake, batch_size))
    assert [a.row for a in found] == list(range(7))
    assert {a.row: a.failed for a in found if a.text is None} == dict.fromkeys(
        (0, 4), "height and width must be larger"
    )


def test_what_cannot_be_read_is_not_asked():
    questions = [Question(row, [], None) if row in (0, 1, 5) else question(row) for row in range(6)]
    fake = Fake()
    found = list(answers(questions, fake, batch_size=2))
    assert found == [Answer(r, None, UNREADABLE) if r in (0, 1, 5) else Answer(r, str(r)) for r in range(6)]
    assert fake.sizes == [2, 1]
    assert [a.failed for a in answers(questions[:2], fake, 2)] == [UNREADABLE] * 2


@pytest.mark.parametrize("count", [1, PATIENCE, 50])
def test_a_model_that_answers_nothing_is_no_matter_of_the_questions(count):
    fake = Fake(refused=tuple(range(50)))
    given = []
    with pytest.raises(ValueError, match="answers no question.*row 0: height"):
        given += answers(map(question, range(count)), fake, batch_size=4)
    assert given == [] and len(fake.sizes) <= 14


def test_a_run_that_has_only_refused_questions_left_comes_to_its_end(tmp_path):
    def answered(count):
        with PredictionFile(tmp_path / "predictions.jsonl") as file:
            keys = {row: row for row in range(count)}
            answer_into(file, keys, lambda todo: map(question, sorted(todo)), line, lambda: Fake(refused=(2, 3)), 4)
            return file.done

    def line(answer):
        return {"row": answer.row} | ({"text": answer.text} if answer.text else {"failed": answer.failed})

    answered(2)
    assert [found.get("text") for found in answered(4).values()] == ["0", "1", None, None]


def test_another_error_is_a_defect_and_ends_the_run():
    class Broken(Fake):
        def __call__(self, questions):
            raise TypeError("unexpected keyword")

    with pytest.raises(TypeError):
        list(answers([question(0)], Broken(), 1))


def test_images_stand_before_the_first_question():
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Find AB."},
        {"role": "assistant", "content": "5"},
        {"role": "user", "content": [{"type": "text", "text": "Sure?"}]},
    ]
    kinds = [[item["type"] for item in message["content"]] for message in with_images(messages, 2)]
    assert kinds == [["text"], ["image", "image", "text"], ["text"], ["text"]]
