"""Reads worked steps as a reader would: finds every equation in the text and what each of its sides is worth.

Independent of the code that writes the steps: names are measured on the figure, everything else is parsed from its
LaTeX by the grammar that math-verify uses.
"""

import re
from functools import cache

import numpy as np
from latex2sympy2_extended import latex2sympy

from data_scripts.diagram.facts import angle_at, distance
from data_scripts.questions import Question

QUANTITIES = "Area|Perimeter|Circumference|Arc|Ratio|Slope|Intercept|Axis|Number"
COMMANDS = {"\\frac": "⁂", "\\sqrt": "√", "\\pi": "π"}


def equations(steps: str) -> list[list[str]]:
    """The sides of every chain of equal expressions in the text, in order."""
    text = re.sub(rf"\b({QUANTITIES})\b", lambda m: f"«{m[1].upper()}»", steps)
    for command, sign in COMMANDS.items():
        text = text.replace(command, sign)
    text = re.sub(r"\b([xy])_([A-Z])\b", r"«\1 \2»", text)
    text = re.sub(r"[.,:;](?=\s|$)", "|", text)
    text = re.sub(r"«[^»]*»|[A-Za-z']*[a-wyz][A-Za-z']*", lambda m: m[0] if m[0][0] == "«" else "|", text)
    parts = (part.strip() for part in text.split("|"))
    return [[side.strip() for side in part.split("=")] for part in parts if "=" in part]


def worth(side: str, question: Question, quantities: dict[str, float]) -> float:
    """What one side of an equation is worth on the figure."""
    d = question.diagram

    def named(match: re.Match) -> str:
        name = match[0]
        if name.startswith("«"):
            inner = name.strip("«»")
            if " " in inner:
                axis, point = inner.split()
                return f"({d.points[point]['xy'.index(axis)]:.12f})"
            return f"({quantities[inner]:.12f})"
        if name.startswith("∠"):
            return f"({angle_at(d, *name[1:]):.12f})"
        return f"({distance(d, *name):.12f})"

    text = re.sub(r"«[^»]*»|∠[A-Z]{3}|(?<![A-Z])[A-Z]{2}(?![A-Z])", named, side)
    if question.draft.unknown is not None:
        text = re.sub(r"(?<=\d)x", rf" \\cdot {question.draft.unknown}", text)
        text = text.replace("x", f"({question.draft.unknown})")
    for command, sign in COMMANDS.items():
        text = text.replace(sign, command)
    return _value(text.replace("·", " \\cdot ").replace("°", ""))


@cache
def _value(latex: str) -> float:
    return float(latex2sympy(latex).evalf())


def all_equal(values: list[float]) -> bool:
    return bool(np.abs(np.array(values) - values[0]).max() <= 1e-6 * max(1.0, abs(values[0])))
