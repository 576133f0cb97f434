"""Questions about figures put to an image-text-to-text model, in batches: the one loop behind every measurement that
lets a model answer.

Promise: an answer depends on its question, the model and the settings alone, not on the batch it was in (up to
rounding) nor on where an interrupted run went on. Generation is greedy unless a temperature is given; then every
question draws from a generator of its own. Of the model's own generation settings only the special tokens are used. A
batch that does not fit into memory is answered in halves, and a question that cannot be answered is told, not dropped.
"""

import gc
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from PIL import Image
from tqdm import tqdm
from transformers import LogitsProcessor, LogitsProcessorList, TopPLogitsWarper
from transformers.generation.streamers import BaseStreamer

from evaluation.loading import autocast
from evaluation.predictions import PredictionFile

UNREADABLE = "unreadable image"
PATIENCE = 8  # questions refused before it counts as a defect of the model or its processor

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GenerationSettings:
    """How answers are written; part of what a result says."""

    max_new_tokens: int
    temperature: float = 0.0  # 0 is greedy
    top_p: float = 1.0  # with a temperature: sample from the likeliest tokens that make up this share
    seed: int = 0  # with a temperature: draws the samples

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise ValueError(f"--max_new_tokens must be at least 1, got {self.max_new_tokens}")
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ValueError(
                f"--temperature must be at least 0 and --top_p in (0, 1], got {self.temperature} and {self.top_p}"
            )

    def record(self) -> dict:
        """What a result file says of them."""
        if self.temperature == 0:
            return {"decoding": "greedy", "max_new_tokens": self.max_new_tokens}
        return {"decoding": "sampling", **asdict(self)}


@dataclass(frozen=True)
class Question:
    """A conversation to be answered, and its figures."""

    row: int  # the number it is known by; with a temperature, part of its seed
    prompt: list[dict]  # as in SFT rows, images not yet in it
    images: list[Image.Image] | None  # empty for a question without a figure; None if one cannot be read


@dataclass(frozen=True)
class Answer:
    """What a model wrote, or why it wrote nothing."""

    row: int
    text: str | None
    failed: str | None = None


ChangeFigure = Callable[[Image.Image, int, int], Image.Image | None]
"""Figure, number of its question, place among its figures -> what is shown instead; None where there is nothing."""


def white_paper(figure: Image.Image, row: int, place: int) -> Image.Image:
    """A figure of the same size that shows nothing: what is then still right was not read off it."""
    return Image.new("RGB", figure.size, "white")


def shown_figures(
    figures: Iterable[Image.Image | None], row: int, change: ChangeFigure | None
) -> list[Image.Image] | None:
    """The figures of a question as the model sees them; None if one cannot be read or changed."""
    found = list(figures)
    if change is not None and None not in found:
        found = [change(figure, row, place) for place, figure in enumerate(found)]
    return None if None in found else found


class Answerer:
    """A model that answers questions about figures.

    Args:
        model: any image-text-to-text model, on its device.
        processor: as `AutoProcessor` gives it, with a chat template.
        settings: how answers are written.

    Raises:
        ValueError: if the processor has no chat template.
    """

    def __init__(self, model: Any, processor: Any, settings: GenerationSettings) -> None:
        if getattr(processor, "tokenizer", None) is None or not processor.chat_template:
            raise ValueError(
                f"{type(processor).__name__} has no chat template, so no question can be put to the model"
            )
        processor.tokenizer.padding_side = "left"  # answers go on where the prompt ends
        if processor.tokenizer.pad_token is None:
            processor.tokenizer.pad_token = processor.tokenizer.eos_token
        self.model, self.processor, self.settings = model, processor, settings

    def __call__(self, questions: Sequence[Question], streamer: BaseStreamer | None = None) -> list[str]:
        """Answer a batch of questions whose figures can be read, in their order.

        A streamer is handed the tokens of a single question's answer as they come.
        """
        texts: dict[int, str] = {}
        for asked in (True, False):  # processors do not mix prompts with and without figures
            if part := [i for i, question in enumerate(questions) if bool(question.images) is asked]:
                texts |= zip(part, self._generate([questions[i] for i in part], streamer), strict=True)
        return [texts[i] for i in range(len(questions))]

    @torch.inference_mode()
    def _generate(self, questions: Sequence[Question], streamer: BaseStreamer | None = None) -> list[str]:
        texts = [
            self.processor.apply_chat_template(with_images(q.prompt, len(q.images)), add_generation_prompt=True)
            for q in questions
        ]
        images = {"images": [q.images for q in questions]} if questions[0].images else {}
        inputs = self.processor(text=texts, **images, padding=True, return_tensors="pt")
        inputs = inputs.to(self.model.device, self.model.dtype)  # only what is floating point takes the type
        samplers = [SeededSampling(self.settings, [q.row for q in questions])] if self.settings.temperature else []
        with autocast(self.model.device):
            tokens = self.model.generate(
                **inputs,
                max_new_tokens=self.settings.max_new_tokens,
                logits_processor=LogitsProcessorList(samplers),
                do_sample=False,  # a sampler makes its draw the largest score
                num_beams=1,
                num_return_sequences=1,
                repetition_penalty=1.0,
                no_repeat_ngram_size=0,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=self.processor.tokenizer.pad_token_id,
                streamer=streamer,
            )
        if not self.model.config.is_encoder_decoder:
            tokens = tokens[:, inputs["input_ids"].shape[1] :]
        return self.processor.batch_decode(tokens, skip_special_tokens=True)


class SeededSampling(LogitsProcessor):
    """Sampling that the batch has no part in: every question draws from a generator of its own.

    The largest of log-probabilities with Gumbel noise is a sample (Gumbel 1954), so greedy search over them samples.
    """

    def __init__(self, settings: GenerationSettings, rows: Sequence[int]) -> None:
        self.settings = settings
        self.cut = TopPLogitsWarper(settings.top_p) if settings.top_p < 1 else None
        self.generators = [torch.Generator().manual_seed(settings.seed * 1_000_003 + row) for row in rows]

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        scores = scores.float() / self.settings.temperature
        if self.cut is not None:
            scores = self.cut(input_ids, scores)
        uniform = torch.stack([torch.rand(scores.shape[1], generator=g, dtype=torch.float64) for g in self.generators])
        gumbel = -torch.log(-torch.log(uniform.clamp(min=1e-300)))
        return scores + gumbel.to(scores)


def with_images(prompt: list[dict], num_images: int) -> list[dict]:
    """The conversation with list content, its images before the text of the first user turn (as TRL trains it)."""
    messages, left = [], num_images
    for message in prompt:
        content = message["content"]
        content = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        if message["role"] == "user" and left:
            content = [{"type": "image"}] * left + [item for item in content if item["type"] != "image"]
            left = 0
        messages.append({"role": message["role"], "content": content})
    return messages


def answer_into(
    file: PredictionFile,
    keys: Mapping[int, int | str],
    ask: Callable[[set[int]], Iterable[Question]],
    line: Callable[[Answer], dict],
    load: Callable[[], Answerer],
    batch_size: int,
) -> None:
    """Answer what a file of predictions does not hold yet, and append one line per question, in their order.

    Args:
        file: where the lines go.
        keys: what the line of each question is known by in the file, by the question's number.
        ask: gives the questions with these numbers, one after the other.
        line: makes the line of an answer.
        load: the model, which a finished file does not need.
        batch_size: questions answered at once.
    """
    todo = {row for row, key in keys.items() if key not in file.done}
    if not todo:
        return
    answerer = load()
    answered = any(line.keys().isdisjoint(("skipped", "failed")) for line in file.done.values())
    with tqdm(total=len(keys), initial=len(keys) - len(todo), desc="answers", unit="question") as progress:
        for answer in answers(ask(todo), answerer, batch_size, answered):
            file.append(line(answer))
            progress.update()


def answers(
    questions: Iterable[Question], answerer: Answerer, batch_size: int, answered_before: bool = False
) -> Iterator[Answer]:
    """Answer questions in batches, one batch of figures in memory at a time, and give the answers in their order.

    After a batch that did not fit, later ones are no larger than what did.

    Args:
        questions: what is asked.
        answerer: the model.
        batch_size: questions answered at once.
        answered_before: whether the model is known to answer questions, since it has answered others.

    Raises:
        ValueError: if the model can answer none of the first `PATIENCE` questions, which is no matter of one question.
    """
    batches = _Batches(answerer, batch_size)
    batches.succeeded = answered_before
    waiting: list[Question] = []
    held: list[Answer] = []  # of questions that the model refused, before it answered any
    for question in questions:
        waiting.append(question)
        if sum(q.images is not None for q in waiting) >= batches.size:
            held += batches.answered(waiting)
            waiting = []
            yield from _released(held, batches.succeeded, PATIENCE)
    held += batches.answered(waiting)
    yield from _released(held, batches.succeeded, 1)


def _released(held: list[Answer], succeeded: bool, patience: int) -> Iterator[Answer]:
    """What may be given on, taken out of `held`: nothing while it is not known whether the model answers at all."""
    refused = [answer for answer in held if answer.failed not in (None, UNREADABLE)]
    if refused and not succeeded:
        if len(refused) >= patience:
            raise ValueError(
                f"the model answers no question, not even that of row {refused[0].row}: {refused[0].failed}"
            )
        return
    yield from held
    held.clear()


class _Batches:
    """Answers batches, halves those that do not fit, and finds the question that spoils one."""

    def __init__(self, answerer: Answerer, size: int) -> None:
        self.answerer, self.size, self.succeeded = answerer, size, False

    def answered(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer per question, in their order."""
        found = {a.row: a for a in self._tried([q for q in questions if q.images is not None])}
        return [found.get(q.row) or Answer(q.row, None, UNREADABLE) for q in questions]

    def _tried(self, questions: list[Question]) -> list[Answer]:
        if not questions:
            return []
        try:
            texts = self.answerer(questions)
            self.succeeded = True
            return [Answer(q.row, text) for q, text in zip(questions, texts, strict=True)]
        except (RuntimeError, ValueError, MemoryError) as error:
            too_large = isinstance(error, (MemoryError, torch.OutOfMemoryError)) or should_reduce_batch_size(error)
            reason = "does not fit into memory" if too_large else _first_line(error)
        # outside of the handler, whose traceback holds on to the tensors of the batch
        if too_large:
            gc.collect()
            clear_device_cache()
        if len(questions) == 1:
            logger.warning("row %d is not answered: %s", questions[0].row, reason)
            return [Answer(questions[0].row, None, reason)]
        half = (len(questions) + 1) // 2
        if too_large:
            self.size = min(self.size, half)
            logger.warning("a batch of %d %s: going on with %d", len(questions), reason, self.size)
        return self._tried(questions[:half]) + self._tried(questions[half:])


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
