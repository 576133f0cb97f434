"""Conversations as LLaVA writes them, and the questions that are asked in them.

A conversation is a list of turns `{"from": "human" | "gpt", "value": text}`. Seen in the wild and accepted: `role` and
`content` for the keys, other names of the two speakers (also misspelt), one object of two lists, and JSON as text.
"""

import json
import re
from collections.abc import Mapping

from .records import BadRow

_ASSISTANT = ("gpt", "assistant", "model", "bot", "chatgpt")
_IMAGE = re.compile(r"\s*<(?:image|img|ImageHere)(?:_?\d+)?>\s*", re.I)
_QUESTION = re.compile(r"\A.{0,300}?\b(?:question|problem)\s*[:：]\s*", re.I | re.S)
_CHOICES = re.compile(r"\n\s*(?:choices|options|选项)\s*[:：]?\s*\n?(?=\s*\(?A\s*[).:：、])", re.I)
_BARE_CHOICES = re.compile(r"\n(?=\s*\(?A\s*[).:：、].+\n\s*\(?B\s*[).:：、])")
_CHOICE = re.compile(r"(?:\A|\n|;|\s)\s*\(?([A-H])\s*[).:：、]\s*")


def first_exchange(conversations: object) -> tuple[str, str]:
    """What the human asks and the model answers first, both without image tokens; a missing question is "".

    Raises:
        BadRow: if nobody answers.
    """
    asked = ""
    for speaker, text in _turns(conversations):
        if speaker in _ASSISTANT:
            if text:
                return asked, text
        elif speaker != "system":
            asked = text
    raise BadRow("row: conversation without an answer")


def _turns(conversations: object) -> list[tuple[str, str]]:
    if isinstance(conversations, str):
        try:
            conversations = json.loads(conversations)
        except (ValueError, RecursionError):
            conversations = None
    if isinstance(conversations, Mapping):  # a column of structs, stored as a struct of columns
        lists = {key: value for key, value in conversations.items() if isinstance(value, list)}
        conversations = [dict(zip(lists, entries, strict=False)) for entries in zip(*lists.values(), strict=False)]
    if not isinstance(conversations, list):
        raise BadRow("row: no conversation")
    turns = [turn for turn in conversations if isinstance(turn, Mapping)]
    said = [(turn.get("from") or turn.get("role"), turn.get("value") or turn.get("content")) for turn in turns]
    return [(str(who).lower(), without_image(what)) for who, what in said if isinstance(what, str)]


def without_image(text: str) -> str:
    """The text without the tokens that stand for images."""
    return _IMAGE.sub("\n", text).strip()


def question_and_choices(text: str) -> tuple[str, tuple[str, ...]]:
    """Take `.. Question: .. Choices: A: .. B: ..` apart: the question without instructions, and the choices' values.

    Choices whose letters do not run A, B, C, .. are left in the question.
    """
    text = without_image(text)
    parts = _CHOICES.split(text, maxsplit=1)
    if len(parts) == 1:
        parts = _BARE_CHOICES.split(text, maxsplit=1)
    question = _QUESTION.sub("", parts[0], count=1).strip()
    if len(parts) == 1:
        return question, ()
    values = split_choices(parts[1])
    return (question, values) if values else (_QUESTION.sub("", text, count=1).strip(), ())


def split_choices(text: str) -> tuple[str, ...]:
    """The values of `A. 30 B. 40` or `A: 30; B: 40`; empty unless the letters run A, B, .. and all have a value."""
    parts = _CHOICE.split(text.strip())
    # what follows in further lines is an instruction, such as to answer by the letter
    letters, values = parts[1::2], tuple(value.strip().partition("\n")[0].strip(" \t\r;") for value in parts[2::2])
    if parts[0].strip() or len(values) < 2 or "".join(letters) != "ABCDEFGH"[: len(letters)] or not all(values):
        return ()
    return values
