"""Expressions that are read and reckoned with: each carries its text and its exact value, built together.

`num(4) ** 2 + num(6) ** 2` reads "4^2 + 6^2" and is worth 52. An operator makes the new text and the new value in one
step, so a worked solution cannot say one thing and reckon another. Values are sympy's: radicals, fractions and
multiples of pi stay exact. Texts are plain, with LaTeX for radicals, fractions and pi.
"""

import re
from dataclasses import dataclass

import sympy

SUM, PRODUCT, ATOM = range(3)  # how tightly the outermost operation of a text binds
X = sympy.Symbol("x")  # the unknown of expressions that are printed on a figure


def value_text(value: sympy.Basic) -> str:
    """An exact value as LaTeX that math-verify reads back: `2\\sqrt{13}`, `\\frac{20}{3}`, `12\\pi`, `(3, -4)`."""
    if isinstance(value, sympy.Tuple):
        return f"({', '.join(map(value_text, value))})"
    text = re.sub(r"(?<=[\d}]) (?=[\\x])", "", sympy.latex(value))
    if text.startswith("-") and sympy.sympify(value).is_Add:  # 9\pi - 18, not -18 + 9\pi
        first, rest = value.as_two_terms()
        return text if value_text(rest).startswith("-") else f"{value_text(rest)} - {value_text(-first)}"
    return text


@dataclass(frozen=True)
class Term:
    """An expression: how it reads, what it is worth, how tightly it binds, and its unit ("°" or none)."""

    text: str
    value: sympy.Expr
    level: int = ATOM
    unit: str = ""

    def at_least(self, level: int) -> str:
        """The text, in brackets where its outermost operation binds less tightly than `level`."""
        return self.text if self.level >= level else f"({self.text})"

    def __add__(self, other: "Term") -> "Term":
        right = f"({other.text})" if other.text.startswith("-") else other.text
        return Term(f"{self.text} + {right}", self.value + other.value, SUM, self.unit or other.unit)

    def __sub__(self, other: "Term") -> "Term":
        text = f"{self.text} - {other.at_least(PRODUCT)}"
        return Term(text, self.value - other.value, SUM, self.unit or other.unit)

    def __mul__(self, other: "Term") -> "Term":
        text = f"{self.at_least(PRODUCT)} · {other.at_least(PRODUCT)}"
        return Term(text, self.value * other.value, PRODUCT, self.unit or other.unit)

    def __truediv__(self, other: "Term") -> "Term":
        text = f"{self.at_least(PRODUCT)} / {other.at_least(ATOM)}"
        return Term(text, self.value / other.value, PRODUCT, self.unit or other.unit)

    def __pow__(self, power: int) -> "Term":
        return Term(f"{self.at_least(ATOM)}^{power}", self.value**power)


def num(value: sympy.Expr | int) -> Term:
    """A number, or an expression in x, as it is written."""
    value = sympy.sympify(value)
    text = value_text(value)
    if value.is_Add or text.startswith("-"):
        return Term(text, value, SUM)
    return Term(text, value, ATOM if re.fullmatch(r"\d+|x|\\pi|\\sqrt\{\d+\}", text) else PRODUCT)


def deg(value: sympy.Expr | int) -> Term:
    """A number of degrees."""
    return Term(degrees_text(value) + "°", sympy.sympify(value), ATOM, "°")


def degrees_text(value: sympy.Expr | int) -> str:
    """An angle as exams print it: half degrees as decimals, expressions in brackets."""
    value = sympy.sympify(value)
    if value.free_symbols:
        return f"({value_text(value)})" if value.is_Add else value_text(value)
    return f"{float(value):g}" if value.is_Rational and (2 * value).is_integer else value_text(value)


def root(term: Term) -> Term:
    """The square root."""
    return Term(rf"\sqrt{{{term.text}}}", sympy.sqrt(term.value))
