"""Collator for tuning MMGeoLM: figures with prompts and completions in, tokens whose labels are the answers alone out.

Rows are prompt/completion rows with `images` (or one `image`), or rows with an image and a `caption`, which become the
question to describe the figure. The tokenising is TRL's; what is added is that an unreadable image costs its row and
not the run, and that a batch without a single label is an error: trained on, it would show a loss of 0.0 and teach
nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image

from data_scripts.instructions import DESCRIBE

from .rows import SkipCounter, decode_image

IGNORED = -100  # label of what is not learned


def as_messages(content: str | list[dict[str, str]], role: str) -> list[dict[str, str]]:
    """A prompt or completion as a list of messages, whether it was one or a plain string."""
    return [{"role": role, "content": content}] if isinstance(content, str) else [dict(message) for message in content]


def as_prompt_completion(row: dict[str, Any]) -> dict[str, Any] | None:
    """The row with decoded `images`, `prompt` and `completion` and nothing else; None if an image cannot be read.

    Raises:
        ValueError: if the row has neither prompt and completion nor a caption.
    """
    if row.get("prompt") and row.get("completion"):
        prompt, completion = row["prompt"], row["completion"]
    elif row.get("caption"):
        prompt, completion = DESCRIBE, row["caption"]
    else:
        raise ValueError(
            f"Row {row.get('id', '?')} has neither a prompt with a completion nor a caption: give rows as "
            "data_scripts writes them."
        )
    images = [decode_image(image) for image in row.get("images") or [row.get("image")]]
    if any(image is None for image in images):
        return None
    return {
        "images": images,
        "prompt": as_messages(prompt, "user"),
        "completion": as_messages(completion, "assistant"),
    }


class AnswerCollator:
    """Puts decoding, counting and a check of the labels before and after TRL's collator.

    Args:
        collate: TRL's `DataCollatorForVisionLanguageModeling`.

    Raises:
        ValueError: when called, if no label of a batch is left to learn from.
    """

    def __init__(self, collate: Callable[[list[dict[str, Any]]], dict[str, torch.Tensor]]) -> None:
        self.collate = collate
        self._skipped = SkipCounter("rows")

    @property
    def skipped(self) -> dict[str, int]:
        """How many rows could not be used so far, workers included."""
        return self._skipped.totals()

    def report(self) -> str:
        """The same in words; empty if everything could be used."""
        return self._skipped.report()

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        examples = [as_prompt_completion(row) for row in rows]
        if None in examples:
            self._skipped.add("rows", examples.count(None))
            examples = [example for example in examples if example is not None]
        if not examples:
            return self._blank()
        batch = self.collate(examples)
        if not (batch["labels"] != IGNORED).any():
            raise ValueError(
                "All labels of a batch are masked, so it would teach nothing: the answers are empty, or max_length "
                "cuts them off. Leave max_length at None, or check the completions."
            )
        return batch

    def _blank(self) -> dict[str, torch.Tensor]:
        """A blank figure with nothing to learn, where no row is left: every process must take its step."""
        blank = {"image": Image.new("RGB", (32, 32), "white"), "caption": "."}
        batch = self.collate([as_prompt_completion(blank)])
        batch["labels"] = torch.full_like(batch["labels"], IGNORED)
        return batch
