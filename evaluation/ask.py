"""Ask a model about figures, at a terminal: the answer is written as it is made.

    python -m evaluation.ask --model mmgeolm --image figure.png --question "Find x."
    python -m evaluation.ask --model mmgeolm --image before.png --image after.png

Without `--question` questions are read from the terminal (or from a pipe, one a line) until an empty one; each stands
alone and is asked about the same images. Any image-text-to-text model whose processor has a chat template will do: an
MMGeoLM, an adapter of one that records its parts (as in checkpoints/), or a stock LLaVA. A question asks for its
answer in a box, as those of the training do, unless `--instruction` says otherwise. Answers go to the standard output,
how long they took to the standard error.
"""

import logging
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from transformers import AutoModelForImageTextToText, TextStreamer
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.instructions import INSTRUCTION, with_instruction
from evaluation.generation import Answerer, GenerationSettings, Question
from evaluation.loading import load_model, load_processor, pick_device
from modeling_mmgeo.processing_mmclip import lay_on_white, open_image


@dataclass
class AskArguments:
    """Ask an image-text-to-text model a question about one or more figures, and see its answer as it is written."""

    model: str = field(metadata={"help": "Folder or Hub id of an MMGeoLM or any image-text-to-text model."})
    image: list[str] = field(
        default_factory=list,
        metadata={"help": "Image file; give several, or --image again, to ask about all at once.", "action": "extend"},
    )
    question: str | None = field(
        default=None, metadata={"help": "What to ask. If not given, questions are read from the terminal."}
    )
    instruction: str = field(
        default=INSTRUCTION,
        metadata={"help": "Added to questions that do not ask for a \\boxed answer, as in training; '' for nothing."},
    )
    max_new_tokens: int = field(default=512, metadata={"help": "Longest answer, in tokens."})
    drop_blank_tokens: bool | None = field(
        default=None,
        metadata={
            "help": "Leave the tokens of blank patches out (MMGeoLM only; default: as its processor says).",
            "nargs": "?",
            "const": True,
        },
    )
    trust_remote_code: bool = field(
        default=False, metadata={"help": "Run the model's own code from the Hub. Our models need no such thing."}
    )

    def __post_init__(self) -> None:
        require_at_least(self, max_new_tokens=1)
        if self.question is not None and not self.question.strip():
            raise ValueError("--question is empty: say what to ask, or leave it away to be asked for it")


def read_image(path: str) -> Image.Image:
    """An image file, upright, in RGB, transparent pixels white, as processors make it of a path.

    Raises:
        ValueError: if there is no such file, or it holds no image, or one too large to be opened safely.
    """
    if not Path(path).is_file():
        raise ValueError(f"--image {path} is no file")
    try:
        return lay_on_white(open_image(path))
    except ValueError as error:  # which names the path, too: its cause is enough
        raise ValueError(f"--image {path} cannot be read as an image: {error.__cause__ or error}") from error


class Speed(TextStreamer):
    """Writes the answer as it comes, and remembers when."""

    def __init__(self, tokenizer, **options) -> None:
        super().__init__(tokenizer, skip_prompt=True, **options)
        self.started = time.perf_counter()
        self.first: float | None = None  # seconds to the first token
        self.tokens = 0

    def put(self, value) -> None:
        if not self.next_tokens_are_prompt:
            self.tokens += value.numel()
            self.first = self.first or time.perf_counter() - self.started
        super().put(value)

    def summary(self) -> str:
        """How fast it was, for people."""
        seconds = time.perf_counter() - self.started
        if self.first is None:
            return f"no answer in {seconds:.1f} s"
        rate = f", then {(self.tokens - 1) / (seconds - self.first):.1f} a second" if self.tokens > 1 else ""
        return f"{self.tokens} tokens in {seconds:.1f} s: the first after {self.first:.1f} s{rate}"


def questions(given: str | None) -> Iterator[str]:
    """The question given, or those that are typed or piped in."""
    if given is not None:
        yield given
        return
    prompt = "question> " if sys.stdin.isatty() else ""
    while True:
        try:
            question = input(prompt).strip()
        except EOFError:
            return
        if not question:
            return
        yield question


def ask(arguments: AskArguments) -> None:
    """Load the model, and write the answer to every question.

    Raises:
        ValueError: if an image or the model cannot be read, or no question can be put to the model.
    """
    images = [read_image(path) for path in arguments.image]
    processor = load_processor(arguments.model, arguments.trust_remote_code, arguments.drop_blank_tokens)
    model = load_model(AutoModelForImageTextToText, arguments.model, arguments.trust_remote_code)
    answerer = Answerer(model.to(pick_device()), processor, GenerationSettings(arguments.max_new_tokens))
    for question in questions(arguments.question):
        streamer = Speed(processor.tokenizer, skip_special_tokens=True)
        content = with_instruction(question, arguments.instruction)
        answerer([Question(0, [{"role": "user", "content": content}], images)], streamer)
        print(streamer.summary(), file=sys.stderr)


def main() -> None:
    (arguments,) = TrlParser(AskArguments).parse_args_and_config()
    # What libraries have to tell their developers does not stand between a question and its answer.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning)
    ask(arguments)


if __name__ == "__main__":
    run_command(main)
