"""VisOnlyQA as graded by its `evaluation.py`: the only option that occurs in the response, in brackets or else at all.

Options are `True` and `False`, or `a` to `e` in lower case; without brackets every letter of every word counts, so a
sentence mostly holds several and a language model is asked which was meant.
"""

from data_scripts.sources.answers import LETTERS
from evaluation.benchmarks.item import Item

from ..choices import chosen_letter
from .verdict import OfficialVerdict


def verdict(item: Item, response: str) -> OfficialVerdict:
    """`by_model` where no option, or more than one, occurs."""
    choices = item.choices or ()
    options = list(choices) if set(choices) == {"True", "False"} else list(LETTERS.lower()[: len(choices)])
    for written in ("({})", "{}"):
        found = [number for number, option in enumerate(options) if written.format(option) in response]
        if len(found) == 1:
            letter = LETTERS[found[0]]
            return OfficialVerdict(letter == item.answer, options[found[0]])
    letter = chosen_letter(response, choices)
    return OfficialVerdict(letter == item.answer, letter and options[LETTERS.index(letter)], by_model=True)
