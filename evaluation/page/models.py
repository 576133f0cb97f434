"""The models behind the page, loaded once.

Promise: a model that is not named is not there; one that cannot be loaded ends the start with a sentence; an answer
that fails ends its stream with the error and leaves nothing waiting.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from PIL import Image
from transformers import AutoModel, AutoModelForImageTextToText, TextIteratorStreamer

from data_scripts.instructions import with_instruction
from evaluation.encoding import DualEncoder
from evaluation.generation import Answerer, GenerationSettings, Question
from evaluation.loading import load_model, load_processor, pick_device
from evaluation.page.layout import Models

SETTINGS = GenerationSettings(max_new_tokens=256)


def load_models(mmclip: str | None, mmgeolm: str | None) -> Models:
    """What the page can ask.

    Args:
        mmclip: folder or Hub id of a dual encoder.
        mmgeolm: folder or Hub id of an LMM, or of an adapter that records its parts.

    Raises:
        ValueError: if a model cannot be loaded or is of another kind.
    """
    encoder = answer = None
    if mmclip:
        model = load_model(AutoModel, mmclip, trust_remote_code=False)
        encoder = DualEncoder(model.to(pick_device()), load_processor(mmclip, trust_remote_code=False), mmclip)
    if mmgeolm:
        model = load_model(AutoModelForImageTextToText, mmgeolm, trust_remote_code=False)
        processor = load_processor(mmgeolm, trust_remote_code=False)
        answer = partial(stream_answer, Answerer(model.to(pick_device()), processor, SETTINGS))
    return Models(encoder, answer)


def stream_answer(answerer: Answerer, image: Image.Image, question: str) -> Iterator[str]:
    """The answer so far, every time there is more of it."""
    streamer = TextIteratorStreamer(answerer.processor.tokenizer, skip_prompt=True, skip_special_tokens=True)

    def generate() -> None:
        try:
            message = {"role": "user", "content": with_instruction(question)}
            answerer([Question(0, [message], [image])], streamer)
        finally:
            streamer.text_queue.put(streamer.stop_signal)  # once more does no harm: the reader has gone

    with ThreadPoolExecutor(1) as pool:
        running, text = pool.submit(generate), ""
        for piece in streamer:
            text += piece
            yield text
        running.result()
