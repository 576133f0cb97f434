"""What a run will ask of a model, before it is asked: calls, tokens, money.

Prompts are counted as they will be sent. What they will hold of the model's own answers is not known yet: a script is
taken to be as long as those of our own figures, a caption twice as long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .problems import Problem
from .prompts import prompt
from .route import RouteOptions

CHARACTERS_PER_TOKEN = 4  # of English prose, where the model's own tokenizer is not at hand
SCRIPT_TOKENS = 614  # mean of 200 procedural figures with the tokenizer of SmolLM2
CAPTION_TOKENS = 70  # twice the mean of the same figures, whose captions are terse
LIST_ITEM_TOKENS = 12  # of JSON around a caption of a list

CountTokens = Callable[[str], int]


@dataclass(frozen=True)
class Load:
    """Calls and tokens, or their sum."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "Load") -> "Load":
        return Load(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )

    def times(self, count: int) -> "Load":
        return Load(self.calls * count, self.input_tokens * count, self.output_tokens * count)

    def cost(self, price_input: float, price_output: float) -> float:
        """Money at prices per million tokens."""
        return (self.input_tokens * price_input + self.output_tokens * price_output) / 1e6


@dataclass(frozen=True)
class Estimate:
    """From the load without any repair to that with every script repaired and every spare caption drawn."""

    problems: int
    least: Load
    most: Load
    counted_by: str

    def text(self, price_input: float | None, price_output: float | None) -> str:
        """The estimate in lines for a person."""
        lines = [
            f"{self.problems} questions; tokens counted by {self.counted_by}",
            f"calls: {self.least.calls} to {self.most.calls}",
            f"input tokens: about {self.least.input_tokens} to {self.most.input_tokens}",
            f"output tokens: about {self.least.output_tokens} to {self.most.output_tokens}",
        ]
        if price_input is not None and price_output is not None:
            low, high = (load.cost(price_input, price_output) for load in (self.least, self.most))
            lines.append(
                f"cost: about {low:.2f} to {high:.2f} at {price_input:g} and {price_output:g} per million tokens"
            )
        return "\n".join(lines)


def tokenizer_of(name: str) -> tuple[CountTokens, str]:
    """How to count tokens, and its name: the tokenizer of a folder or of the local Hub cache, else by characters."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError):  # not on this machine, or of a kind transformers lacks
        return _by_characters, f"{CHARACTERS_PER_TOKEN} characters a token ({name} has no tokenizer on this machine)"
    return (lambda text: len(tokenizer(text, add_special_tokens=False).input_ids)), f"the tokenizer of {name}"


def _by_characters(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def estimate(
    problems: Sequence[Problem], options: RouteOptions, count_tokens: CountTokens, counted_by: str
) -> Estimate:
    """The load of a run over these problems from nothing: answers that are kept already cost less."""

    def words(step: str, **values: object) -> int:
        return sum(count_tokens(m["content"]) for m in prompt(step, markings=options.markings, **values))

    captions, wanted = options.num_captions, options.num_image_negatives
    describe = Load(1, words("caption_from_script", script="") + SCRIPT_TOKENS, CAPTION_TOKENS)
    ask = words("negative_captions", caption="", count=captions, counts=options.edit_counts)
    contradict = Load(1, ask + CAPTION_TOKENS, captions * (CAPTION_TOKENS + LIST_ITEM_TOKENS))
    edited = words("edited_script", script="", caption="", negative_caption="")
    edit = Load(1, edited + SCRIPT_TOKENS + 2 * CAPTION_TOKENS, SCRIPT_TOKENS)
    repair = Load(1, words("repair", script="", error="") + SCRIPT_TOKENS, SCRIPT_TOKENS)

    drawn = Load()
    for problem in problems:
        drawn += Load(
            1, words("script_from_question", question=problem.question, answer=problem.answer), SCRIPT_TOKENS
        )
    rest = describe + contradict
    least = drawn + (rest + edit.times(wanted)).times(len(problems))
    most = drawn + (repair + rest + (edit + repair).times(captions)).times(len(problems))
    return Estimate(len(problems), least, most, counted_by)
