"""MM-Math as graded by its `eval.py`: all boxes of the response against all boxes of the solution, within 0.01.

A response without `\\boxed{}` is wrong, intermediate results in boxes count as answers, the difference is absolute
(0.009 is 0), 50 is 0.5 and 0.5 is 50, and of units only some spellings of centimetres, decimetres and metres are left
out. Chinese characters are dropped unless there is nothing else.
"""

import re

from evaluation.benchmarks.item import Item

from ..brackets import MAX_VALUES
from ..formulas import is_small_formula
from ..symbolic_equality import Budget, integer_multiples, symbolically_equal
from .verdict import OfficialVerdict

PRECISION = 0.01 * 1.01
MAX_LENGTH = 1000  # of what stands in boxes
MAX_BOXES = 50

_UNITS = (
    *("\\text{cm}^2", "\\text{cm}", "\\,cm", "\\text{ cm}", "cm", "\\text{分米}^2", "cm^{2}", "\\ \\text{m}"),
    "\\text{米}",
)
_SYMBOLS = {
    "\\left": "",
    "\\right": "",
    "厘米": "",
    "，": ",",
    "$": "",
    "（": "(",
    "）": ")",
    "\\infty": "oo",
    "\\colon ": ":",
    "＋": "+",
    "\\, ": "",
    "\\,": "",
    "^\\circ": "",
    "^{\\circ}": "",
}
_EDGES = "\n,.:;^_=+`!@#%^&*~，。"
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")


def verdict(item: Item, response: str) -> OfficialVerdict:
    """Every part of the gold answer must have an equal among the boxes, and there may be no others."""
    boxes = _boxes(response)
    if boxes is None or len(boxes) > MAX_LENGTH:
        return OfficialVerdict(False, boxes and boxes[:200])
    given, gold = _preprocessed(boxes), _preprocessed(f"{item.answer},")
    return OfficialVerdict(_agree(given, gold), given[:200])


def _boxes(text: str) -> str | None:
    """The content of every `\\boxed{}`, each with a comma behind it; None without any, or if one does not close."""
    if text.count("\\boxed{") > MAX_BOXES:
        return None
    opened: list[tuple[int, bool]] = []  # where the content of each open brace starts, and whether it is a box
    spans = []
    for brace in re.finditer(r"\\boxed\{|[{}]", text):
        if brace[0] != "}":
            opened.append((brace.end(), len(brace[0]) > 1))
        elif opened and (box := opened.pop())[1]:
            spans.append((box[0], brace.start()))
    if any(is_box for _, is_box in opened):
        return None
    return "".join(f"{text[start:end]}," for start, end in sorted(spans)) or None


def _preprocessed(text: str) -> str:
    for unit in _UNITS:
        text = text.replace(unit, "")
    text = text.strip()
    text = text[:-1] if text.endswith("m") and len(text) > 1 else text
    if "\\in " in text:
        text = text.split("\\in ")[1]
    for symbol, replacement in _SYMBOLS.items():
        text = text.replace(symbol, replacement)
    text = re.sub(r"(\\sin|\\cos|\\tan)(\d+)", r"\1((\2/180)\\pi)", text)
    return re.sub(r"\\(?:mathrm|mathbf)\{~?([^}]*)\}", r"\1", text.strip(_EDGES))


def _agree(given: str, gold: str) -> bool:
    if given == gold:
        return True
    mine, theirs = _parts(given), _parts(gold)
    if len(mine) != len(theirs) or len(theirs) > MAX_VALUES:
        return False
    budget = Budget()
    for value in theirs:
        match = next((other for other in mine if _equal(value, other, budget)), None)
        if match is None:
            return False
        mine.remove(match)
    return True


def _parts(text: str) -> list[str]:
    """The values between commas outside brackets, without Chinese, and with both signs of a plus-minus."""
    if not _CHINESE.fullmatch(text):
        text = _CHINESE.sub("", text)
    if text.count("<") == 2:
        low, _, high = text.split("<")
        text = f"({low}, {high})"
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    if start < len(text):
        parts.append(text[start:].strip())
    signed = ([part.replace("\\pm", sign) for sign in "+-"] if "\\pm" in part else [part] for part in parts)
    return [value for values in signed for value in values]


def _equal(gold: str, given: str, budget: Budget) -> bool:
    if gold == given:
        return bool(gold)
    bracketed = all(text.startswith(("(", "[")) and text.endswith((")", "]")) for text in (gold, given))
    if bracketed and _intervals_equal(gold, given, budget):
        return True
    if _numbers_equal(gold, given):
        return True
    if "=" in gold and "=" in given:
        return _equations_equal(gold, given, budget)
    return _expressions_equal(gold, given, budget)


def _numbers_equal(gold: str, given: str) -> bool:
    try:
        reference, value = float(gold), float(given)
    except ValueError:
        return False
    return any(abs(scaled - value) <= PRECISION for scaled in (reference / 100, reference, reference * 100))


def _expressions_equal(gold: str, given: str, budget: Budget) -> bool:
    """By value, where an equation stands for its right side."""
    gold, given = (text.split("=")[1].strip() if "=" in text else text for text in (gold, given))
    if not is_small_formula(gold) or not is_small_formula(given):
        return False
    return symbolically_equal(given, gold, slack=PRECISION, budget=budget)


def _equations_equal(gold: str, given: str, budget: Budget) -> bool:
    """Whether the sides of one differ by a whole multiple of what those of the other differ by."""
    if gold.count("=") != 1 or given.count("=") != 1:
        return False
    differences = ["{}-({})".format(*text.split("=")) for text in (given, gold)]
    return all(map(is_small_formula, differences)) and integer_multiples(*differences, budget)


def _intervals_equal(gold: str, given: str, budget: Budget) -> bool:
    mine, theirs = given.split("\\cup"), gold.split("\\cup")
    return len(mine) == len(theirs) and all(
        a[:1] == b[:1]
        and a[-1:] == b[-1:]
        and all(
            _expressions_equal(q, p, budget)
            for p, q in zip(a.strip("[]()").split(","), b.strip("[]()").split(","), strict=False)
        )
        for a, b in zip(mine, theirs, strict=True)
    )
