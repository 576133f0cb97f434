"""Which texts are formulas that may be handed to math-verify: the LaTeX of school geometry, and small.

Everything else is compared as text. So what reads a formula never sees a tower of powers, a factorial, a sum, a
thousand brackets or a name of Python.
"""

import re

MAX_POWER = 20  # of a letter or number
MAX_POWER_OF_SUM = 6  # of what stands in brackets: to multiply out (a + b + c)^20 takes minutes
MAX_POWERS = 8
MAX_DEPTH = 6  # of brackets in brackets
MAX_BRACES = 24

_COMMANDS = {
    *("frac", "sqrt", "pi", "cdot", "times", "div", "pm", "infty", "le", "leq", "ge", "geq", "ne", "neq"),
    *("sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "log", "ln", "alpha", "beta", "gamma"),
    *("theta", "phi", "varphi", "lbrace", "rbrace", "cup", "cap", "in", "circ"),
}
_ALLOWED = re.compile(r"[0-9A-Za-z\\{}()\[\]+\-*/^_.,=<>|' ]+")
_TOWER = re.compile(r"\{[^{}]*\^[^{}]*\}\s*\^|\^\s*\{[^{}]*[\^(]|\)\s*\^[^)]*\)\s*\^|\^\s*\w+\s*\^")

_BESIDE_BRACKET = re.compile(
    r"(?P<script>[_^]\s*(?:\{[^{}()]*\}|\w+))"  # \log_2(8) and \sin^2(x) are no products
    r"|(?P<factor>[\d}])\s*(?=[(\[])|(?P<bracket>\))\s*(?=[(\d]|\\frac(?![a-z]))"
)


def is_small_formula(text: str) -> bool:
    """Whether math-verify may read it: known commands, few digits, low powers. Words are not products of letters."""
    if not _ALLOWED.fullmatch(text) or not set(re.findall(r"\\([A-Za-z]+)", text)) <= _COMMANDS:
        return False
    if re.search(r"\d{16}|\[\d{3}|(?<![\\A-Za-z])[A-Za-z]{4}", text) or _TOWER.search(text):
        return False
    if text.count("^") > MAX_POWERS or text.count("{") > MAX_BRACES or not _is_shallow(text):
        return False
    powers = re.findall(r"([)\]}]?)\s*\^\s*\{?\s*-?\(?(\d+)", text)
    return all(int(power) <= (MAX_POWER_OF_SUM if bracket else MAX_POWER) for bracket, power in powers)


def _is_shallow(text: str) -> bool:
    """Whether every bracket closes, and few are open at once."""
    depth = 0
    for character in text:
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        if not 0 <= depth <= MAX_DEPTH:
            return False
    return depth == 0


def as_quotient(text: str) -> str:
    """`1:\\sqrt{2}` as a fraction; anything else as it is."""
    terms = text.split(":")
    return rf"\frac{{{terms[0]}}}{{{terms[1]}}}" if len(terms) == 2 and all(map(str.strip, terms)) else text


def with_products(text: str) -> str:
    """A product such as `8(\\frac{3}{4})` with its sign: without it, math-verify reads 8 and three quarters."""
    return _BESIDE_BRACKET.sub(lambda found: found["script"] or rf"{found['factor'] or found['bracket']}\cdot ", text)
