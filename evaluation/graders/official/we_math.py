"""We-Math as graded by its `four_dimensional_metrics.py`: the first character behind the last "Answer".

So `(C)`, `**C**`, `\\boxed{C}` and `c` are wrong, and a response without "Answer" is read from its first character,
which makes "As shown, AB = 5" an A. Its score, (525 - IG/2 - RM - IK) / 525, counts a row that is missing as mastered;
on complete rows, and no others are graded here, it is the same as ours.
"""

import re

from data_scripts.sources.answers import LETTERS
from evaluation.benchmarks.item import Item

from .verdict import OfficialVerdict


def verdict(item: Item, response: str) -> OfficialVerdict:
    """The letter A to H that stands first, angle brackets, colons and full stops aside."""
    behind = re.sub(r"[<>:.]", "", response.rpartition("Answer")[2].strip()).strip()
    letter = behind[0] if behind and behind[0] in LETTERS else None
    return OfficialVerdict(letter == item.answer, letter)
