"""What an official script says of a response."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OfficialVerdict:
    """Whether the script takes the response as right, and what it reads out of it."""

    right: bool
    answer: str | None
    by_model: bool = False  # the script would ask a language model here; our reader answered in its place
