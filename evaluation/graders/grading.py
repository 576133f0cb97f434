"""Is an answer right? Decided the way a teacher would, without a language model and without `eval`.

Numbers, roots, fractions, equations, lists (`30, 150`), sets, ordered tuples, intervals and choices (`(B) 8/11`) are
compared by value, names of points and segments (`D`, `AB`) as exact strings. Units may be left out but not be wrong;
`50` is not `0.5`.

Promises: `is_correct` never raises on any text and takes less than two seconds, whatever the model wrote (of processor
time, where a machine is so busy that it makes a difference): plain cases are decided here, the rest by math-verify in
a process of its own (see symbolic_equality.py), if the expression is small.
"""

from fractions import Fraction
from functools import lru_cache

from .answer_text import MAX_ANSWER, extract_answer
from .equality import Comparison, canonical


def is_correct(prediction: str, answer: str, tolerance: float | None = None, decimals: int | None = None) -> bool:
    """Whether the last answer that `prediction` gives equals `answer`.

    Args:
        prediction: what the model wrote, a whole solution or an answer alone.
        answer: the gold answer, alone or in a `\\boxed{}`.
        tolerance: relative difference up to which numbers are taken as equal (0.01 accepts 3.46 for `2\\sqrt{3}`);
            None asks for the same value.
        decimals: places to which `answer` was rounded (1 accepts 3.46 for 3.5); None if it was not.
    """
    given = extract_answer(prediction)
    return given is not None and says_the_same(given, extract_answer(answer) or answer, tolerance, decimals)


def says_the_same(given: str, gold: str, tolerance: float | None = None, decimals: int | None = None) -> bool:
    """Whether two answers, both already taken out of their texts, are the same. Arguments as for `is_correct`."""
    if not gold.strip():
        return False
    if len(given) > MAX_ANSWER or len(gold) > MAX_ANSWER:
        return given == gold  # no value can be read from it, but a string is a string
    return _compared(given, gold, tolerance, decimals)


@lru_cache(maxsize=65_536)
def _compared(given: str, gold: str, tolerance: float | None, decimals: int | None) -> bool:
    slack = None if decimals is None else Fraction(1, 2 * 10**decimals)
    try:
        return Comparison(tolerance, slack).choices_agree(canonical(given), canonical(gold))
    except RecursionError:  # brackets in brackets in brackets
        return False
