"""Which of several choices does a response settle on? By letter, by value, or by both where they agree.

`Answer: (C)`, `**C**`, `\\boxed{C}`, `c`, `故选C`, `Option C is correct` are C. `Answer: A or C` is nothing.
`As shown, AB = 5` is the choice whose value is 5, never A. The last answer given counts. A letter whose stated value
belongs to another choice, or to none, settles nothing: a teacher would not guess which of the two was meant. Where the
end says nothing, `True. The triangle is isosceles.` and other beginnings that an explanation follows count.
"""

import re
from collections.abc import Sequence

from data_scripts.sources.answers import LETTERS

from .answer_text import (
    MAX_ANSWER,
    announces_answer,
    denies,
    end_of,
    extract_answer,
    find_answer,
    looks_like_answer,
    normalise,
    stated_answer,
)
from .equality import canonical
from .grading import says_the_same
from .values import split_unit

_SELECTED = re.compile(
    r"\b(?:option|choice|answer|statement)\s+\W{0,4}(?P<named>[A-H])\W{0,4}\s+(?:is|was|must be|should be)\s+"
    r"(?:\w+ly\s+)?(?:the\s+)?(?:correct|right|selected|chosen|true|best|answer)\b"
    r"|(?<![A-Za-z])(?P<chinese>(?-i:[A-H]))\s*(?:选项)?\s*(?:是)?(?:正确|符合)(?!吗)"
    r"|(?<![A-Za-z])(?P<bare>(?-i:[A-H]))\W{0,4}\s+is\s+(?:the\s+)?(?:correct|right)\s+(?:answer|option|choice)\b",
    re.I,
)
_SEVERAL_LETTERS = re.compile(r"\W*[A-H]\W*(?:(?:\b(?:and|or)\b|[,;/&])\W*[A-H]\W*)+")
_TWO_LETTERS = re.compile(r"\b[A-H]\W{0,4}(?:\b(?:and|or)\b|[,;/&])\W{0,4}[A-H]\b")
_BEGINNINGS = (
    re.compile(r"[^\n]{1,200}(?=\n)"),
    re.compile(r"[^\n]{1,200}?[.!](?=[*_]{0,2}\s)"),
    re.compile(r"\W{0,4}\b(?:true|false|yes|no)\b[*_]{0,2}(?=[,;:]|\s[-–—]\s|\s(?:because|since|as)\b)", re.I),
)
_GIVEN_OR_STEP = re.compile(r"[=:]|^[\s*_#(]*\d+[*_]*[.)][*_]*$")  # AB = 5, and 1. or (1)
_TAKEN_BACK = re.compile(
    r"^\s*[,;:–—]\W*(?:if|only|unless|or|but)\b|(?:^|[.!?\n])\W{0,4}(?:actually\b|no,)"
    r"|\b(?:wait|correction|mistaken?|sorry|second thought)\b|不对|更正",
    re.I,
)
_NAMED_LETTER = re.compile(r"\b(?:option|choice) \W?[A-H]\b|\([A-H]\)", re.I)
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}|[\u4e00-\u9fff]")
_NOUN = re.compile(
    r"^(?:the\s+)?(?:correct\s+)?(?:option|choice|answer|letter|选项|选择|选)\s*(?:is\b|:|为|是)?\s*", re.I
)
_LETTER = re.compile(r"[(\[{<]*\s*([A-Ha-h])\s*[)\]}>]*\s*(?:选项|项)?\s*[.:、]?")
_LETTER_AND_VALUE = (
    re.compile(r"[(\[]\s*([A-Ha-h])\s*[)\]]\s*[.:=,、-]?\s*(.+)", re.S),
    re.compile(r"([A-Ha-h])\s*[).:=、,]\s*(.+)", re.S),
)
_VALUE_AND_LETTER = re.compile(
    r"(.+?)[\s,;]*(?:\(\s*(?:option|choice|选项)?\s*([A-H])\s*\)|(?:option|choice)\s+\(?([A-H])\)?)"
)
_LETTER_THEN_VALUE = re.compile(r"([A-H])\s+(.+)", re.S)
_DECIMALS = re.compile(r"-?\d+\.(\d{1,6})(?!\d)")


def chosen_letter(response: str, choices: Sequence[str]) -> str | None:
    """The letter of the choice that a response settles on; None if it settles on none.

    Args:
        response: what the model wrote, a whole solution or an answer alone.
        choices: values in the order of their letters, at most eight.
    """
    found = find_answer(response)
    text = end_of(response)
    selected = max(_SELECTED.finditer(text), key=lambda match: match.start(), default=None)
    if selected and (not found or selected.start() >= found[0] - 1):
        letter = (selected["named"] or selected["chinese"] or selected["bare"]).upper()
        return letter if letter in LETTERS[: len(choices)] else None
    if found:
        return letter_of(found[1], choices) or _of_beginning(text, choices)
    line = text.rstrip().rpartition("\n")[2][-2 * MAX_ANSWER :].strip(" .*")  # choices may be longer than answers are
    return letter_of(line, choices) or letter_of(line.rpartition(":")[2], choices) or _of_beginning(text, choices)


def _of_beginning(text: str, choices: Sequence[str]) -> str | None:
    """The letter that stands alone before an explanation, or that of a value that does."""
    text = text.strip()
    first, _, explanation = text.partition("\n")
    found = _LETTER.fullmatch(normalise(first[:MAX_ANSWER]))
    if found and found[1] in LETTERS[: len(choices)]:
        return found[1] if _leaves_it_at_that(explanation) else None
    for match in filter(None, (beginning.match(text) for beginning in _BEGINNINGS)):
        letter = None if _GIVEN_OR_STEP.search(match[0]) else _of_value(match[0].strip(" *_!."), choices)
        # AB and D at the beginning are what a sentence is about
        if letter and re.search(r"\d|[A-Za-z][a-z]", choices[LETTERS.index(letter)]):
            return letter if _explains(text[match.end() :], LETTERS.index(letter), choices) else None
    return None


def _leaves_it_at_that(explanation: str) -> bool:
    """Whether there is one, without a list of letters, a condition or second thoughts."""
    return bool(explanation) and not _TWO_LETTERS.search(explanation) and not _TAKEN_BACK.search(explanation)


def _explains(text: str, chosen: int, choices: Sequence[str]) -> bool:
    """Whether a text is words that neither take back the choice before it, nor give another choice or answer."""
    if not _leaves_it_at_that(text) or announces_answer(text) or _NAMED_LETTER.search(text):
        return False
    if len(_WORD.findall(text)) < 2:
        return False
    conclusion = stated_answer(text.rstrip().rpartition("\n")[2][-MAX_ANSWER:]) or ""
    if re.search(r"\d", choices[chosen]) and re.search(r"\d", conclusion):
        return False  # 60°, and then it is 100°
    others = (split_unit(canonical(choice))[0] for number, choice in enumerate(choices) if number != chosen)
    return not any(re.search(rf"(?<![\w.]){re.escape(other)}(?!\w|\.\d)", text, re.I) for other in others)


def letter_of(answer: str, choices: Sequence[str]) -> str | None:
    """The letter of the choice that an answer names, already taken out of its text; None if it names none."""
    plain = _NOUN.sub("", normalise(answer)).strip()
    letters = LETTERS[: len(choices)]
    if _SEVERAL_LETTERS.fullmatch(plain):
        return _of_value(answer, choices)  # a list of points, if anything
    if (found := _LETTER.fullmatch(plain)) and found[1].upper() in letters:
        return found[1].upper()
    for letter, value in _letters_and_values(plain):
        if letter.upper() in letters:
            return letter.upper() if _may_stand_for(letter.upper(), value, choices) else None
    found = _LETTER_THEN_VALUE.fullmatch(plain)
    if found and found[1] in letters and _of_value(found[2], choices) == found[1]:
        return found[1]
    return _of_value(answer, choices)


def _letters_and_values(plain: str) -> list[tuple[str, str]]:
    pairs = [(found[1], found[2]) for pattern in _LETTER_AND_VALUE if (found := pattern.fullmatch(plain))]
    if found := _VALUE_AND_LETTER.fullmatch(plain):
        pairs.append((found[2] or found[3], found[1]))
    return pairs


def _may_stand_for(letter: str, value: str, choices: Sequence[str]) -> bool:
    """Whether what stands beside a letter is the value of that choice, or prose that is the value of none."""
    own = choices[LETTERS.index(letter)]
    if _same(value, own):
        return True
    if denies(value):
        return False
    if not looks_like_answer(value):  # a sentence: what it ends in, if that is an answer
        value = extract_answer(value) or ""
        return not value or _same(value, own)
    return not re.search(r"\d", normalise(value)) and _of_value(value, choices) is None


def _of_value(answer: str, choices: Sequence[str]) -> str | None:
    """The letter of the only choice with this value."""
    same = [letter for letter, choice in zip(LETTERS, choices, strict=False) if _same(answer, choice)]
    return same[0] if len(same) == 1 else None


def _same(answer: str, choice: str) -> bool:
    """Equal, or equal when rounded as the choice is."""
    if says_the_same(answer, choice):
        return True
    rounded = _DECIMALS.search(normalise(choice))
    return bool(rounded) and says_the_same(answer, choice, decimals=len(rounded[1]))
