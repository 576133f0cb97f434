"""Find the answer in what a model wrote, and write answers in one way.

`extract_answer` looks for the last answer given: a box, an "answer: ..", a "故选 .." or, without either, a last line
that is one. `normalise` rewrites degrees, roots, products, Chinese forms and text wrappers (`45°`, `√3`, `根号3`,
`\\text{..}`, `$..$`) to plain LaTeX. Both are linear in the length of the text and never evaluate anything.
"""

import re

from . import chinese

MAX_TEXT = 20_000  # characters of a text that are looked at, from its end: the answer comes last
MAX_ANSWER = 200  # a longer answer is no number and no name of a geometry problem
MAX_WORDS = 3
MAX_CHINESE = 8  # characters of a Chinese answer such as 等腰直角三角形

_CHARACTERS = str.maketrans(
    {
        "−": "-", "–": "-", "—": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "÷": "/", "π": r"\pi ",
        "°": r"^\circ ", "º": r"^\circ ", "˚": r"^\circ ", "²": "^2", "³": "^3", "⁴": "^4", "½": r"\frac{1}{2}",
        "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}", "⁄": "/", "∕": "/",
        "±": r"\pm ", "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≠": r"\ne ", "∞": r"\infty ",
        "∪": r"\cup ", "∩": r"\cap ", "∠": r"\angle ", "△": r"\triangle ", "⊥": r"\perp ", "∥": r"\parallel ",
        "⊙": r"\odot ", "α": r"\alpha ", "β": r"\beta ", "γ": r"\gamma ", "θ": r"\theta ", "φ": r"\varphi ",
        "∶": ":", "，": ", ", "；": "; ", "、": ", ", "′": "'", "’": "'", "″": "''", "。": ". ", "％": "%",
        "㎝": " cm", "㎜": " mm", "㎞": " km", "㎡": " m^2", "㎠": " cm^2",
        # fullwidth forms of ASCII, as Chinese text uses them
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in "，；％"},
        # control characters carry no answer
        **{chr(code): " " for code in (*range(0x20), *range(0x7F, 0xA0), 0x200B, 0x200E, 0x200F, 0x3000, 0xFEFF)},
    }
)  # fmt: skip
_WRAPPER = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mathsf|mbox|bm|boldsymbol|operatorname|overline|underline|bar"
    r"|rm)\s*\{([^{}]*)\}"
)
_NOISE = re.compile(r"\\(?:left|right|displaystyle|[bB]igg?[lr]?|quad|qquad)(?![A-Za-z])|\\[,;:!> ()\[\]]|[$`~]")
_DEGREES = re.compile(
    r"\^\s*\{\s*\\circ\s*\}|\^\s*\{\s*\\degree\s*\}|\^?\s*\\(?:degree|degrees)(?![A-Za-z])|\^\s*\\circ"
)
_PLAIN_ROOT = re.compile(r"(?<![A-Za-z\\])sqrt(?=\s*[\d({])")
_PI = re.compile(r"(?<![A-Za-z_\\])pi(?![A-Za-z0-9_])")  # but not that of a longer word, nor of 3pi6
_GROUPED_NUMBER = re.compile(r"(?<![\^_A-Za-z}])\{\s*(-?\d+(?:\.\d+)?)\s*\}(?=\s*\^)")
_ABOUT = re.compile(r"^(?:\\approx|\\simeq|≈|approximately|approx\.?|about|=)\s*", re.I)

_BOX = re.compile(r"\\f?box(?:ed)?\s*\{|(?<!\\)[{}]")
_CUE = re.compile(
    r"<answer>(?!\s*[:：])"
    r"|(?:\banswers?|答案)[*_\s>\])]{0,8}(?:(?:\s+|(?<=[为是]))(?:is|are|of|should be|would be|must be|will be)\b"
    r"|:|：|=|应?[为是]|选)[*_ ]*(?:\s*(?:is\b|:|：|=))?"
    r"|\banswer[*_#: ]*(?=\n)"
    r"|\b(?:correct|right|best|final)\s+(?:option|choice|result)\s*(?:is\b|:)(?:\s*:)?"
    r"|\b(?:option|choice)\s*:"
    r"|\b(?:I|we)\s+(?:would\s+|will\s+)?(?:choose|select|pick)\b"
    r"|选(?:择|项)?\s*[:：为是]?(?=\W{0,4}[A-Ha-h](?![A-Za-z]))"
    r"|####",
    re.I,
)
_FILLER = re.compile(
    r"^(?:\W*\b(?:therefore|thus|hence|then|clearly|simply|indeed|likely|probably|definitely|most likely)\b\W*\s)+",
    re.I,
)
_REASON = re.compile(
    r"\s(?:because|since|as|so|which|where|hence|therefore)\b|[.!](?=\s)|;?\s+\(because|</|(?<=[\d)°A-Z])[，,]?\s*因为"
    r"|。",
    re.I,
)
_STATED = re.compile(r"(?:.*(?:=|≈|\bis\b|\bare\b|\bequals\b|\bbe\b|\bit's\b|是|为|等于|得到?))\s*(\S.*)$", re.S)
_DENIED = re.compile(
    r"(?:\b(?:not|never|cannot)|n['’]t)(?: (?:possibly|be|equal|to|the|option|choice|answer)){0,4}[ $*(\[]*$"
    r"|不(?:可能|可以|能|会|应该?)?(?:是|为|等于|选)[ $*(\[]*$",
    re.I,
)
_LEADS_UP = re.compile(r"\b(?:is|are|equals|it's)\b|[\u4e00-\u9fff]")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ALTERNATIVE_LETTERS = re.compile(r"\(?[A-H]\)?(?:\s*(?:\bor\b|/)\s*\(?[A-H]\)?)+")
_EDGES = ' \t*_"`'


def normalise(answer: str) -> str:
    """One answer as plain LaTeX on one line: no dollars, no text wrappers, no full stop. Units and letters stay."""
    answer = answer[:MAX_TEXT].translate(_CHARACTERS)
    answer = answer.replace("{,}", "").replace(r"\%", "%").replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac")
    answer = answer.replace(r"\cfrac", r"\frac").replace(r"\{", r"\lbrace ").replace(r"\}", r"\rbrace ")
    answer = re.sub(r"\^\s*(?:\{\s*)?\\prime(?:\s*\})?", "'", answer).replace(r"\colon", ":")
    for _ in range(4):  # wrappers nest, but nobody nests deeper than this
        answer, found = _WRAPPER.subn(r" \1 ", answer)
        if not found:
            break
    answer = _NOISE.sub(" ", answer)
    answer = _DEGREES.sub(r"^\\circ ", _GROUPED_NUMBER.sub(r"\1", answer))
    answer = _PI.sub(r"\\pi ", _PLAIN_ROOT.sub("√", answer))
    answer = re.sub(r"√\s*(?:\(([^()]{1,80})\)|\{([^{}]{1,80})\})", r"\\sqrt{\1\2}", answer)
    answer = re.sub(r"√\s*(\d+(?:\.\d+)?|[A-Za-z])", r"\\sqrt{\1}", answer)
    answer = chinese.to_latex(answer)
    answer = answer.replace("**", "^").replace(r"+\infty", r"\infty").replace(r"+ \infty", r"\infty")
    answer = re.sub(r"\^(-?\d{2,})", r"^{\1}", answer)  # LaTeX would read x^10 as x^1 times 0
    answer = re.sub(r"\s+", " ", answer).strip(" *_").removesuffix(".").strip()
    return _ABOUT.sub("", answer)


def extract_answer(text: str) -> str | None:
    """The last answer a text gives, as written (not normalised), or None if it gives none.

    Looked for in this order: the last `\\boxed{..}` or the last "answer: ..", whichever stands later; else the last
    line, if it is nothing but an answer, ends in "= .." or "is ..", or holds exactly one number. An open box, an
    empty box and a choice left open ("A or C") are no answers.
    """
    found = find_answer(text)
    return found[1] if found else None


def end_of(text: str) -> str:
    """The part of a text that is looked at, with long runs of blanks as one: patterns would try all parts of them."""
    return re.sub(r"\s{4,}", lambda blanks: "\n" if "\n" in blanks[0] else " ", text[-MAX_TEXT:])


def find_answer(text: str) -> tuple[int, str] | None:
    """Position (in `end_of(text)`) and text of what `extract_answer` gives."""
    text = end_of(text)
    box, cue = _last_box(text), _last_cue(text)
    found = max((candidate for candidate in (box, cue) if candidate), default=None)
    if not found and (line := _last_line(text)):
        found = text.rstrip().rfind("\n") + 1, line
    if not found or _ALTERNATIVE_LETTERS.fullmatch(normalise(found[1])):
        return None
    return found


def boxed_answers(text: str) -> list[str]:
    """What stands in the boxes of a text, in order, only the inner one of two; boxes that do not close are none."""
    boxes = sorted(_boxes(end_of(text)))
    inner = [box for box, following in zip(boxes, [*boxes[1:], None], strict=False) if not _holds(box, following)]
    return [content for _, _, content in inner]


def _holds(outer: tuple[int, int, str], inner: tuple[int, int, str] | None) -> bool:
    return inner is not None and inner[1] <= outer[1]


def _boxes(text: str) -> list[tuple[int, int, str]]:
    """Start, end and content of every box that closes, found in one pass however many braces are open."""
    opened: list[tuple[int, bool]] = []  # where the content of each open brace starts, and whether it is a box
    boxes = []
    for match in _BOX.finditer(text):
        if match[0] != "}":
            opened.append((match.end(), len(match[0]) > 1))
        elif opened:
            start, is_box = opened.pop()
            if is_box and match.start() - start <= 4 * MAX_ANSWER and (content := text[start : match.start()].strip()):
                boxes.append((start, match.end(), content))
    return boxes


def _last_box(text: str) -> tuple[int, str] | None:
    """Position and content of the last box."""
    boxes = _boxes(text)
    start, _, content = max(boxes, default=(-1, -1, ""))
    return (start, content) if boxes else None


def _last_cue(text: str) -> tuple[int, str] | None:
    """Position and content of the last "answer: .." that is followed by something as short as an answer."""
    for match in reversed(list(_CUE.finditer(text))):
        rest = text[match.end() : match.end() + 4 * MAX_ANSWER].lstrip().partition("\n")[0]
        content = _trim(_FILLER.sub("", rest))
        if not content or len(content) > MAX_ANSWER or "boxed" in content:
            continue
        if answer := content if _is_whole_answer(content) else stated_answer(content):
            return match.start(), answer
    return None


def _last_line(text: str) -> str | None:
    lines = text.strip().splitlines()
    if not lines:
        return None
    line = lines[-1][-2 * MAX_ANSWER :].strip()
    if r"\boxed" in line:
        return None  # an open or an empty box: the answer was cut off
    whole = _trim(line, reasons=False)
    if _is_whole_answer(whole):
        return whole
    if stated := stated_answer(line):
        return stated
    numbers = list(_NUMBER.finditer(line))
    return numbers[0][0] if len(numbers) == 1 and not denies(line[: numbers[0].start()]) else None


def stated_answer(sentence: str) -> str | None:
    """What a sentence ends in, after its last "=", "is", "是" and the like; None if that is no answer."""
    found = _STATED.match(sentence)
    if not found or denies(sentence[: found.start(1)]):
        return None
    return _trim(found[1]) if looks_like_answer(_trim(found[1])) else None


def denies(words: str) -> bool:
    """Whether the words before an answer say that it is none: "it cannot be", "the angle isn't", "答案不是"."""
    return bool(_DENIED.search(words))


def announces_answer(text: str) -> bool:
    """Whether a text has a box or an "answer: ..", readable or not."""
    return r"\box" in text or r"\fbox" in text or bool(_CUE.search(text))


def _is_whole_answer(text: str) -> bool:
    """Whether the text is an answer from its first word on, and no words that lead up to one (It is 40, 面积是40)."""
    return looks_like_answer(text) and not (_LEADS_UP.search(text) and stated_answer(text))


def _trim(content: str, reasons: bool = True) -> str:
    """Cut the explanation behind an answer, and the markdown, quotes and `<<>>` around it."""
    if reasons:
        content = _REASON.split(content, maxsplit=1)[0]
    content = content.strip(_EDGES).rstrip(".。,;:").strip(_EDGES)
    if content.startswith("'"):  # quotes; behind a letter it is part of a name, behind a number minutes
        content = content.strip("'")
    if bracketed := re.fullmatch(r"<{1,2}([^<>]*)>{0,2}|([^<>]*)>{1,2}", content):
        content = (bracketed[1] or bracketed[2] or "").strip(_EDGES)
    return content


def looks_like_answer(content: str) -> bool:
    """Short, and either a formula, a name of a few letters, or few words: `40`, `AB`, `(C)`, `isosceles triangle`."""
    if not content or len(content) > MAX_ANSWER or len(chinese.CHARACTER.findall(content)) > MAX_CHINESE:
        return False
    words = normalise(content).split()
    if len(words) <= MAX_WORDS:
        return True
    return len(words) <= 12 and all(len(re.sub(r"\\[A-Za-z]+|[^A-Za-z]", "", word)) <= 3 for word in words)
