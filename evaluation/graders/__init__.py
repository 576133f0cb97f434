"""Is an answer right? Rules instead of a language model: no key, no network, the same verdict every time.

- answer_text.py, chinese.py: find the last answer in a response; write it in one way.
- grading.py, equality.py, values.py, brackets.py: is it the gold answer? Numbers, units, lists, intervals, names.
- formulas.py, symbolic_equality.py: what needs algebra, bounded in size and time, in a process of its own.
- choices.py: which of several choices does a response settle on?
- verdicts.py, official/: the rules of each public benchmark, ours and those of its own script.
- benchmarks.py, metrics.py, four_way.py, shares.py: what the verdicts add up to.

Importing this package needs neither torch nor any data set's reader.
"""

from .answer_text import extract_answer
from .grading import is_correct

__all__ = ["extract_answer", "is_correct"]
