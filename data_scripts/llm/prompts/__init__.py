"""The questions that are put to a language model, one template per step.

Each template is a file beside this one in our own words; the rules in them are those of MMGeoLM (section 3.2,
appendix A). A template that lacks a value fails instead of asking half a question.
"""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

STEPS = ("script_from_question", "caption_from_script", "negative_captions", "edited_script", "repair")


@cache
def _environment() -> Environment:
    return Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False)


@cache
def _source(step: str) -> str:
    return (files(__name__) / f"{step}.md.jinja").read_text(encoding="utf-8")


def prompt(step: str, **values: object) -> list[dict[str, str]]:
    """The messages of one step, one of `STEPS`.

    Raises:
        jinja2.UndefinedError: if the template names a value that is not given: a defect of the caller.
    """
    text = _environment().from_string(_source(step)).render(**values)
    return [{"role": "user", "content": text.strip()}]
