"""Is an answer right? Rules instead of a language model: no key, no network, the same verdict every time."""

from .answer_text import extract_answer
from .grading import is_correct

__all__ = ["extract_answer", "is_correct"]
