"""GeoQA as graded by G-LLaVA's `geo_acc_calculate.py`: fixed phrases, searched one after the other.

So `Answer: C` with a space, `(C)`, `\\boxed{C}` and answers by value are wrong, and an early "Answer:B" beats a later
"the correct answer is option C".
"""

import re

from evaluation.benchmarks.item import Item

from .verdict import OfficialVerdict

_PHRASES = (
    re.compile(r"Answer:([A-D])"),
    re.compile(r"the correct answer is option ([A-D])"),
    re.compile(r"option ([A-D]) is selected"),
    re.compile(r"the answer is option ([A-D])"),
    re.compile(r"the answer is \(([A-D])\)"),
)
_LAST_SENTENCE = re.compile(r"is ([A-D])")


def verdict(item: Item, response: str) -> OfficialVerdict:
    """The first phrase that occurs decides; else "is C" in the text before the last full stop."""
    found = next((match for phrase in _PHRASES if (match := phrase.search(response))), None)
    sentences = response.split(".")
    if found is None and len(sentences) > 1:
        found = _LAST_SENTENCE.search(sentences[-2])
    letter = found[1] if found else None
    return OfficialVerdict(letter == item.answer, letter)
