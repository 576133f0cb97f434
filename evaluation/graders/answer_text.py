"""Find the answer in what a model wrote, and write answers in one way.

`extract_answer` looks for the last answer given: a box, an "answer: ..." or, without either, a last line that is one.
`normalise` rewrites degrees, roots, products and text wrappers (`45°`, `√3`, `\\text{..}`, `$..$`) to plain LaTeX.
Both are linear in the length of the text and never evaluate anything.
"""

import re

MAX_TEXT = 20_000  # characters of a text that are looked at, from its end: the answer comes last
MAX_ANSWER = 200  # a longer answer is no number and no name of a geometry problem

_CHARACTERS = str.maketrans(
    {
        "−": "-", "–": "-", "—": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "÷": "/", "π": r"\pi ",
        "°": r"^\circ ", "º": r"^\circ ", "˚": r"^\circ ", "²": "^2", "³": "^3", "½": r"\frac{1}{2}",
        "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "±": r"\pm ", "≤": r"\le ", "≥": r"\ge ", "∠": r"\angle ",
        "△": r"\triangle ", "⊥": r"\perp ", "∥": r"\parallel ", "，": ", ", "；": "; ", "、": ", ", "′": "'", "’": "'",
        "或": " or ", "。": ". ", "％": "%",
        # fullwidth forms of ASCII, as Chinese text uses them
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in "，；％"},
        # control characters carry no answer
        **{chr(code): " " for code in (*range(0x20), *range(0x7F, 0xA0), 0x200B, 0x200E, 0x200F, 0xFEFF)},
    }
)  # fmt: skip
_WRAPPER = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|bm|boldsymbol|operatorname|overline|bar|rm)"
    r"\s*\{([^{}]*)\}"
)
_NOISE = re.compile(r"\\(?:left|right|displaystyle|[bB]igg?[lr]?|quad|qquad)(?![A-Za-z])|\\[,;:!> ()\[\]]|[$`~]")
_BOX = re.compile(r"\\f?box(?:ed)?\s*\{|(?<!\\)[{}]")
_CUE = re.compile(r"(?:\banswer|答案)[*_ ]*(?:\s+(?:is|are|of)\b|:|：|=|为|是)[*_ ]*(?:\s*(?:is\b|:|：))?|####", re.I)
_REASON = re.compile(r"\s(?:because|since|as|so|which|where|hence|therefore)\b|[.!](?=\s)|;?\s+\(because", re.I)
_STATED = re.compile(r"(?:.*(?:=|≈|\bis\b|\bare\b|\bequals\b))\s*(\S.*)$", re.S)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ALTERNATIVE_LETTERS = re.compile(r"\(?[A-H]\)?(?:\s*(?:\bor\b|/)\s*\(?[A-H]\)?)+")


def normalise(answer: str) -> str:
    """One answer as plain LaTeX on one line: no dollars, no text wrappers, no full stop. Units and letters stay."""
    answer = answer[:MAX_TEXT].translate(_CHARACTERS)
    answer = answer.replace("{,}", "").replace(r"\%", "%").replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac")
    answer = answer.replace(r"\{", r"\lbrace ").replace(r"\}", r"\rbrace ")
    for _ in range(4):  # wrappers nest, but nobody nests deeper than this
        answer, found = _WRAPPER.subn(r" \1 ", answer)
        if not found:
            break
    answer = _NOISE.sub(" ", answer)
    answer = re.sub(r"\^\s*\{\s*\\circ\s*\}|\\degree(?![A-Za-z])|\^\s*\\circ", r"^\\circ ", answer)
    answer = re.sub(r"√\s*\(([^()]{1,80})\)|(?<![A-Za-z\\])sqrt\s*\(([^()]{1,80})\)", _root, answer)
    answer = re.sub(r"√\s*(\d+(?:\.\d+)?|[A-Za-z])", r"\\sqrt{\1}", answer)
    answer = answer.replace("**", "^")
    answer = re.sub(r"\^(-?\d{2,})", r"^{\1}", answer)  # LaTeX would read x^10 as x^1 times 0
    return re.sub(r"\s+", " ", answer).strip(" *_").removesuffix(".").strip()


def _root(match: re.Match) -> str:
    return rf"\sqrt{{{match[1] or match[2]}}}"


def extract_answer(text: str) -> str | None:
    """The last answer a text gives, as written (not normalised), or None if it gives none.

    Looked for in this order: the last `\\boxed{..}` or the last "answer: ..", whichever stands later; else the last
    line, if it is nothing but an answer, ends in "= .." or "is ..", or holds exactly one number. An open box, an
    empty box and a choice left open ("A or C") are no answers.
    """
    text = text[-MAX_TEXT:]
    box, cue = _last_box(text), _last_cue(text)
    found = max((candidate for candidate in (box, cue) if candidate), default=None)
    answer = found[1] if found else _last_line(text)
    if not answer or _ALTERNATIVE_LETTERS.fullmatch(normalise(answer)):
        return None
    return answer


def _last_box(text: str) -> tuple[int, str] | None:
    """Position and content of the last box that closes, found in one pass however many braces are open."""
    opened: list[tuple[int, bool]] = []  # where the content of each open brace starts, and whether it is a box
    last = None
    for match in _BOX.finditer(text):
        if match[0] != "}":
            opened.append((match.end(), len(match[0]) > 1))
        elif opened:
            start, is_box = opened.pop()
            content = text[start : match.start()].strip()
            if is_box and content and (last is None or start > last[0]):
                last = (start, content)
    return last


def _last_cue(text: str) -> tuple[int, str] | None:
    """Position and content of the last "answer: .." that is followed by something as short as an answer."""
    for match in reversed(list(_CUE.finditer(text))):
        content = text[match.end() : match.end() + 4 * MAX_ANSWER].lstrip().partition("\n")[0]
        content = _trim(content)
        if content and len(content) <= MAX_ANSWER and "boxed" not in content and _looks_like_answer(content):
            return match.start(), content
    return None


def _last_line(text: str) -> str | None:
    lines = text.strip().splitlines()
    if not lines:
        return None
    line = lines[-1][-2 * MAX_ANSWER :].strip()
    if r"\boxed" in line:
        return None  # an open or an empty box: the answer was cut off
    whole = _trim(line, reasons=False)
    if _looks_like_answer(whole):
        return whole
    stated = _STATED.match(line)
    if stated and _looks_like_answer(_trim(stated[1])):
        return _trim(stated[1])
    numbers = _NUMBER.findall(line)
    return numbers[0] if len(numbers) == 1 else None


def _trim(content: str, reasons: bool = True) -> str:
    """Cut the explanation behind an answer, and the markdown and quotes around it."""
    if reasons:
        content = _REASON.split(content, maxsplit=1)[0]
    return content.strip(" \t*_\"'`").rstrip(".。,;:").strip(" \t*_\"'`")


def _looks_like_answer(content: str) -> bool:
    """Short, and either a formula, a name of a few letters, or few words: `40`, `AB`, `(C)`, `isosceles triangle`."""
    if not content or len(content) > MAX_ANSWER:
        return False
    words = normalise(content).split()
    if len(words) <= 3:
        return True
    return len(words) <= 12 and all(len(re.sub(r"\\[A-Za-z]+|[^A-Za-z]", "", word)) <= 3 for word in words)
