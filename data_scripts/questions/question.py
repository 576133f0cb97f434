"""A question with its worked solution, checked on the coordinates of its figure.

Promises: every equation of a solution is true of the figure, named lengths and angles being measured on its
coordinates; the answer is the exact value of the last equation and agrees with the asked quantity, which is measured
on its own. A kind of question is a function that draws a figure and works it out; `draw_question` words the question.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import sympy

from ..diagram import Diagram
from ..diagram.facts import angle_at, distance
from ..diagram.program import Unsound
from ..sources.procedural import draw_letters
from .terms import Term, deg, degrees_text, num, value_text

DRAWS = 200  # figures tried before a kind is given up
CLOSE = 1e-6  # relative difference of two values that count as the same: coordinates are floats

FORMS = ("Find {}.", "What is {}?", "Determine {}.", "Work out {}.", "Calculate {}.")


class Wrong(ValueError):
    """A solution that its own figure contradicts: a defect of its kind, never of the draw."""


@dataclass(frozen=True)
class Asked:
    """What is asked for: the ways to name it, and what it measures on the coordinates."""

    phrases: tuple[str, ...]
    measured: float | tuple[float, ...] | None  # None where the answer is a name
    unit: str = ""
    forms: tuple[str, ...] = FORMS
    signed: bool = False  # may it be negative?
    choices_only: bool = False  # "which of these": makes no sense without choices


@dataclass(frozen=True)
class Draft:
    """A worked figure: what a kind of question returns."""

    diagram: Diagram
    asked: Asked
    steps: str
    value: sympy.Basic | str  # exact, or the name that is asked for
    wrong: tuple[sympy.Basic | int | str, ...]  # typical errors, most plausible first
    given: str = ""  # what a figure cannot print
    unknown: sympy.Expr | None = None  # the value of x in the steps


@dataclass(frozen=True)
class Question:
    """A figure, what is asked of it, how it is worked out, and the answer as it stands in the box."""

    kind: str
    diagram: Diagram
    text: str
    steps: str
    answer: str
    draft: Draft = field(repr=False)


Ask = Callable[[np.random.Generator, list[str]], Draft]
KINDS: dict[str, Ask] = {}


def kind(ask: Ask) -> Ask:
    """Register a function as the kind of question of its name."""
    KINDS[ask.__name__] = ask
    return ask


def pick(rng: np.random.Generator, low: int, high: int, step: int = 1) -> int:
    """One of low, low + step, ..., high."""
    return low + step * int(rng.integers((high - low) // step + 1))


def choose(rng: np.random.Generator, options: Sequence) -> object:
    """One of the options, whatever they are."""
    return options[int(rng.integers(len(options)))]


def segment_name(a: str, b: str) -> str:
    """A segment by its letters in alphabetical order, so that it has one name."""
    return "".join(sorted((a, b)))


class Solution:
    """Worked steps about a figure, each checked when it is made."""

    def __init__(self, diagram: Diagram, unknown: sympy.Expr | int | None = None) -> None:
        self.diagram = diagram
        self.unknown = None if unknown is None else sympy.sympify(unknown)
        self.sentences: list[str] = []
        self.value: sympy.Expr | None = None

    def length(self, a: str, b: str) -> Term:
        """AB by its name, worth what it measures."""
        return Term(a + b, sympy.Float(distance(self.diagram, a, b)))

    def angle(self, a: str, b: str, c: str) -> Term:
        """∠ABC by its name, worth what it measures."""
        return Term(f"∠{a}{b}{c}", sympy.Float(angle_at(self.diagram, a, b, c)), unit="°")

    def quantity(self, name: str, asked: Asked) -> Term:
        """What is asked for, by a name such as Area."""
        return Term(name, sympy.Float(asked.measured))

    def say(self, sentence: str) -> None:
        """A reason without an equation of its own; its full stop is added unless it has one or goes on."""
        goes_on = sentence.endswith((".", ":", "so", " is", " shows", "together"))
        self.sentences.append(sentence[0].upper() + sentence[1:] + ("" if goes_on else "."))

    def step(self, reason: str, *sides: Term) -> sympy.Expr | None:
        """A reason, if there is one, and a chain of equal expressions; the last one is reckoned out behind it.

        Returns:
            The exact value of the last expression; None where that is a name and what it measures.

        Raises:
            Wrong: if the expressions are not equal on the figure.
        """
        chain = " = ".join(side.text for side in sides)
        worth = [float(self._known(side.value)) for side in sides]
        if any(abs(w - worth[0]) > CLOSE * max(1.0, abs(worth[0])) for w in worth):
            raise Wrong(f"'{chain}' is not true of the figure: {worth}")
        self.value = sympy.radsimp(sympy.expand(sides[-1].value))
        if self.value.has(sympy.Float):
            self.value = None
        elif not self.value.free_symbols:
            result = (deg if sides[-1].unit else num)(self.value).text
            chain += "" if result == sides[-1].text else f" = {result}"
        if reason:
            self.say(reason)
        self.sentences.append(f"{chain}.")
        return self.value

    def _known(self, value: sympy.Expr) -> sympy.Expr:
        return value if self.unknown is None else value.subs("x", self.unknown)

    def name(self, asked: Asked, name: str, *wrong: str, given: str = "") -> Draft:
        """The draft whose answer is a name: a point, a segment, a kind of figure."""
        return Draft(self.diagram, asked, " ".join(self.sentences), name, wrong, given)

    def coordinate(self, axis: str, point: str) -> Term:
        """x_A or y_A by its name, worth what it measures."""
        return Term(f"{axis}_{point}", sympy.Float(self.diagram.points[point]["xy".index(axis)]))

    def ask(self, asked: Asked, *wrong: sympy.Basic | int, given: str = "", pair: sympy.Tuple | None = None) -> Draft:
        """The draft whose answer is the value of the last step, or the pair of coordinates that the steps gave.

        Raises:
            Wrong: if what is asked measures something else.
        """
        value = self.value
        if pair is not None:
            value = pair
            self.say(f"so the coordinates are {value_text(pair)}")
        draft = Draft(self.diagram, asked, " ".join(self.sentences), value, wrong, given, self.unknown)
        measured = np.atleast_1d(np.array(asked.measured, dtype=float))
        if value is None or np.abs(numbers_of(value) - measured).max() > CLOSE * max(1.0, np.abs(measured).max()):
            raise Wrong(f"'{draft.steps}' ends in {value}, but {asked.phrases[0]} measures {asked.measured}")
        return draft


def numbers_of(value: sympy.Basic) -> np.ndarray:
    """An exact value, or the two of a pair, as floats, `[values]`."""
    return np.array([float(v) for v in (value if isinstance(value, sympy.Tuple) else (value,))])


def angle(d: Diagram, a: str, b: str, c: str) -> Asked:
    """Ask for ∠ABC."""
    name = f"∠{a}{b}{c}"
    phrases = (f"{name} in degrees", f"the measure of {name} in degrees", f"the size of {name} in degrees")
    return Asked(phrases, angle_at(d, a, b, c), "°")


def length(d: Diagram, a: str, b: str) -> Asked:
    """Ask for the length of AB."""
    phrases = (f"the length of {a}{b}", f"the length of segment {a}{b}", f"the measure of segment {a}{b}")
    return Asked(phrases, distance(d, a, b))


def answer_text(value: sympy.Basic | int | str, unit: str = "") -> str:
    """An answer as it stands in the box: LaTeX that math-verify reads back to the same value, or a name."""
    if isinstance(value, str):
        return value
    value = sympy.sympify(value)
    return degrees_text(value) if unit == "°" else value_text(value)


def draw_question(name: str, rng: np.random.Generator) -> Question:
    """A question of a kind on a readable figure, its solution checked on the coordinates.

    Raises:
        ValueError: if the kind is unknown, no draw gives a readable figure, or a solution is contradicted by its
            figure.
    """
    if name not in KINDS:
        raise ValueError(f"unknown question kind '{name}': expected one of {', '.join(KINDS)}")
    for _ in range(DRAWS):
        try:
            draft = KINDS[name](rng, draw_letters(rng))
        except Unsound:
            continue
        wording = str(choose(rng, draft.asked.forms)).format(choose(rng, draft.asked.phrases))
        text = f"{draft.given} {wording}".strip()
        return Question(name, draft.diagram, text, draft.steps, answer_text(draft.value, draft.asked.unit), draft)
    raise ValueError(f"question kind '{name}' gave no readable figure in {DRAWS} draws")
