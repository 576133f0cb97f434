"""How each benchmark's questions are put, one template per benchmark, in our own words.

The common form is the one our models are trained on: question, choices as `(A) 30`, one a line, and how to answer. A
template sees the fields of an `Item`, the letters of its choices, and the two instructions.
"""

from functools import cache
from importlib.resources import files

from jinja2 import BaseLoader, FunctionLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from data_scripts.instructions import CHOICE_INSTRUCTION, INSTRUCTION
from data_scripts.sources.answers import LETTERS

from ..item import Item


def _source(name: str) -> str | None:
    path = files(__name__) / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


@cache
def _environment(loader: BaseLoader | None = None) -> ImmutableSandboxedEnvironment:
    """Templates may come from a user's file: they see values and run no code."""
    return ImmutableSandboxedEnvironment(
        loader=FunctionLoader(_source), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def template_text(benchmark: str) -> str:
    """The template of a benchmark, as its file holds it: what a run records."""
    return _source(f"{benchmark}.jinja") or ""


def render(template: str, item: Item) -> str:
    """The text of the user's turn for an item.

    Raises:
        ValueError: if the template cannot be read or names a value that there is not.
    """
    try:
        text = (
            _environment()
            .from_string(template)
            .render(
                **{name: getattr(item, name) for name in ("id", "question", "choices", "kind", "groups")},
                letters=LETTERS,
                instruction=INSTRUCTION,
                choice_instruction=CHOICE_INSTRUCTION,
            )
        )
    except TemplateError as error:
        raise ValueError(f"the prompt template does not fit item {item.id}: {error}") from error
    return text.strip()
