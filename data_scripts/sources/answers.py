"""The answer a data set gives, taken from its solution in the forms that data sets use, and written in one way.

With choices an answer is `(C) 40`: letter and value, so that either can be compared. This reads gold solutions; what a
model wrote is read by `evaluation.graders.answer_text`, which must expect anything.
"""

import re

LETTERS = "ABCDEFGH"
MAX_ANSWER = 200  # characters: a longer answer is no number and no name
MAX_WORDS = 8

_BRACE = re.compile(r"\\f?box(?:ed)?\s*\{|(?<!\\)[{}]")
_CUE = re.compile(
    r"(?:\bthe\s+(?:correct\s+|final\s+)?(?:answer|option|choice)\s*(?:is|:)|\banswer\s*[:：]|故?答案\s*(?:为|是|[:：])"
    r"|故(?:应)?选(?!项|择)|\b选(?=\s*[:：]?\s*[A-H]))\s*(?:[:：]\s*)?(?:option|choice)?\s*",
    re.I,
)
_SELECTED = re.compile(r"\b(?:option|choice)\s+\(?([A-H])\)?\s+is\s+(?:selected|correct|chosen)", re.I)
_CHOSEN = re.compile(r"\s*This is choice \([A-H]\)\.\s*\Z")  # as our own questions with choices end
_STATEMENT = re.compile(r"\W*(?:the\s+)?(?:final\s+)?(?:answer|答案)\s*\**\s*[:：]", re.I)
_LETTER = re.compile(r"\(?\\?(?:text\{)?\(?([A-H])(?:\)|\})*(?=[\s.,;:。，；：)]|$)")


def boxed(text: str) -> list[tuple[int, int, str]]:
    """Every box that closes: start, end and content, in order; the inner one of two."""
    opened: list[tuple[int, int, bool]] = []
    found = []
    for match in _BRACE.finditer(text):
        if match[0] != "}":
            opened.append((match.start(), match.end(), len(match[0]) > 1))
        elif opened:
            start, inside, is_box = opened.pop()
            if is_box and (content := text[inside : match.start()].strip()):
                found.append((start, match.end(), content))
    inner = [b for b in found if not any(b[0] < o[0] and o[1] < b[1] for o in found)]
    return sorted(inner)


def unboxed(text: str) -> str:
    """The text with every box replaced by what is in it, in its place."""
    while boxes := boxed(text):
        for start, end, content in reversed(boxes):
            text = text[:start] + content + text[end:]
    return text


def stated_answer(solution: str) -> str | None:
    """The answer that a solution states; None if it states none.

    That is all its boxes in order, else what follows its last "Answer:", "the answer is", "答案" or "故选".
    """
    if boxes := boxed(solution):
        return ", ".join(dict.fromkeys(content for _, _, content in boxes))
    found = [(match.start(), match[1]) for match in _SELECTED.finditer(solution)]
    for cue in _CUE.finditer(solution):
        line = solution[cue.end() : cue.end() + 2 * MAX_ANSWER].partition("\n")[0]
        line = re.split(r"[。；]|\.(?=\s|$)", line)[0].strip(" \t*_`$").rstrip(".,;:，：")
        if line and len(line) <= MAX_ANSWER and len(line.split()) <= MAX_WORDS:  # else the sentence goes on
            found.append((cue.start(), line))
    return max(found)[1] if found else None


def without_statement(solution: str) -> str:
    """The solution without what only states the answer, and with all other boxes replaced by what is in them.

    That is a box after the last sentence, or last lines such as `Answer: C`.
    """
    boxes = boxed(solution)
    if boxes and not solution[boxes[-1][1] :].strip(" .。$\n"):
        before = solution[: boxes[-1][0]].rstrip(" $")
        if not before or before.endswith((".", "。", "\n")):  # else the box is the end of the sentence
            solution = _CHOSEN.sub("", before)
    lines = unboxed(solution).strip().splitlines()
    while lines and (not lines[-1].strip() or (len(lines[-1]) < MAX_ANSWER and _STATEMENT.match(lines[-1]))):
        lines.pop()
    return "\n".join(lines).strip()


def with_choices(answer: str, choices: tuple[str, ...]) -> str | None:
    """The answer as `(C) 40`; as it is where there are no choices; None if it is none of the choices."""
    if not choices:
        return answer
    values = [_plain(value) for value in choices]
    letter = _LETTER.match(answer)
    if letter and LETTERS.index(letter[1]) < len(choices):
        number, rest = LETTERS.index(letter[1]), _plain(answer[letter.end() :].strip(" \t.,;:。，；：)"))
        if not rest or (_plain(answer) not in values and (rest not in values or rest == values[number])):
            return f"({letter[1]}) {choices[number]}"
    same = [i for i, value in enumerate(values) if value == _plain(answer)]
    return choice_at(same[0], choices) if len(same) == 1 else None


def choice_at(index: object, choices: tuple[str, ...]) -> str | None:
    """The answer given as the position of a choice, a number or its digits; None if it is no position."""
    if isinstance(index, bool) or not re.fullmatch(r"\d{1,2}(?:\.0)?", str(index).strip()):
        return None
    number = int(float(str(index)))
    return f"({LETTERS[number]}) {choices[number]}" if number < min(len(choices), len(LETTERS)) else None


def _plain(value: str) -> str:
    return re.sub(r"[\s$\\]|degrees?|°|\^\{?circ\}?", "", value).lower()
