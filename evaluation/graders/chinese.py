"""Chinese ways of writing an answer, rewritten as LaTeX: `二分之根号三`, `30度`, `12平方厘米`, `3或5`, `负2`.

Called with text whose fullwidth characters are already halfwidth. Linear in the length of the text.
"""

import re

CHARACTER = re.compile(r"[\u4e00-\u9fff]")

_DIGITS = {character: str(value) for value, character in enumerate("零一二三四五六七八九")} | {"两": "2", "〇": "0"}
_NUMERAL = "零〇一二两三四五六七八九十百"
_VALUE = rf"(?:\d+(?:\.\d+)?|[{_NUMERAL}]+)"
_ROOT = re.compile(rf"根号(?:下)?\s*(?:\(([^()]{{1,80}})\)|\{{([^{{}}]{{1,80}})\}}|({_VALUE}|[A-Za-z]))")
_FRACTION = re.compile(rf"({_VALUE})\s*分之\s*(负?)\s*((?:{_VALUE})?\\sqrt\{{[^{{}}]{{1,80}}\}}|{_VALUE})")
_UNITS = {
    "毫米": "mm",
    "厘米": "cm",
    "分米": "dm",
    "千米": "km",
    "公里": "km",
    "米": "m",
    "弧度": "rad",
}
_POWERS = {"平方": "^2", "立方": "^3", "": ""}
_UNIT = re.compile(r"(平方|立方|)(毫米|厘米|分米|千米|公里|米|弧度)")
_REWRITTEN = (
    (re.compile(r"\s*(?:或者|或)\s*"), " or "),
    (re.compile(r"\s*(?:以及|和|与|及|且)\s*"), " and "),
    (re.compile(r"(?:正负)\s*(?=[\d\\])"), r"\\pm "),
    (re.compile(r"负\s*(?=[\d\\])"), "-"),
    (re.compile(r"(?<=[\d}])\s*派"), r"\\pi "),
    (re.compile(r"(?<=[\d}])\s*度\s*(\d+)\s*分(?!之)"), r"^\\circ \1'"),
    (re.compile(r"(?<=[\d}])\s*度"), r"^\\circ "),
    (re.compile(r"百分之\s*(\d+(?:\.\d+)?)"), r"\1%"),
)
_ABOUT = re.compile(r"^\s*(?:大约|约为|约是|约|等于|为|是)\s*(?=[\d\\\-(])")
_COUNTED = re.compile(r"(?<=[\d}])\s*[\u4e00-\u9fff]{1,6}\s*$")


def to_latex(text: str) -> str:
    """The text with numbers, roots, fractions, units and conjunctions as LaTeX; other Chinese words stay.

    What is counted or measured in words that are no unit of length or angle (`3个三角形`, `5元`) is left out, as units
    may be.
    """
    if not CHARACTER.search(text):
        return text
    text = text.replace("百分之", "\0")
    text = _ROOT.sub(lambda root: rf"\sqrt{{{root[1] or root[2] or _number(root[3])}}}", text)
    text = _FRACTION.sub(_fraction, text).replace("\0", "百分之")
    for pattern, replacement in _REWRITTEN:
        text = pattern.sub(replacement, text)
    text = _UNIT.sub(lambda unit: f" {_UNITS[unit[2]]}{_POWERS[unit[1]]} ", text)
    return _COUNTED.sub("", _ABOUT.sub("", text))


def _fraction(match: re.Match) -> str:
    below, sign, above = _number(match[1]), "-" if match[2] else "", match[3]
    if r"\sqrt" in above:
        coefficient, root = above.split(r"\sqrt", 1)
        above = f"{_number(coefficient)}\\sqrt{root}" if coefficient else above
    else:
        above = _number(above)
    return rf"{sign}\frac{{{above}}}{{{below}}}"


def _number(text: str) -> str:
    """`十二` as 12; what is no numeral below a thousand stays."""
    if not text or text[0] not in _NUMERAL:
        return text
    total, digit = 0, None
    for character in text:
        if character in "十百":
            total += (1 if digit is None else digit) * (10 if character == "十" else 100)
            digit = None
        else:
            digit = int(_DIGITS[character])
    return str(total + (digit or 0))
