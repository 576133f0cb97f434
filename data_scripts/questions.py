"""Questions whose answers the figure program knows, with worked steps.

Each kind draws a program, prints the values that are given on the figure and asks for one that follows. The question
names what is asked and not what is given: that has to be read off the figure. An answer is kept only if it agrees with
the coordinates.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .diagram import Diagram
from .diagram.facts import angle_at, distance
from .diagram.program import Program, Step, Unsound
from .sources.procedural import draw_letters

TRIPLES = ((3, 4, 5), (6, 8, 10), (5, 12, 13), (9, 12, 15), (8, 15, 17))
INSTRUCTION = "Put the final answer in \\boxed{}."


@dataclass(frozen=True)
class Question:
    """A figure, what is asked of it, how it is worked out, and the answer as it stands in the box."""

    kind: str
    program: Program
    text: str
    steps: str
    answer: str
    measured: float | None  # the asked quantity on the coordinates; None where the answer is a name


Ask = Callable[[np.random.Generator, list[str]], Question]
KINDS: dict[str, Ask] = {}


def _kind(ask: Ask) -> Ask:
    KINDS[ask.__name__.removeprefix("ask_")] = ask
    return ask


def _question(
    ask: str, program: Program, text: str, steps: str, answer: int | str, part: tuple[str, ...] = ()
) -> Question:
    return Question(ask, program, text, steps, str(answer), _measure(program.diagram, part) if part else None)


def _measure(diagram: Diagram, part: tuple[str, ...]) -> float:
    return angle_at(diagram, *part) if len(part) == 3 else distance(diagram, *part)


def _step(rng: np.random.Generator, low: int, high: int, step: int = 1) -> int:
    return low + step * int(rng.integers((high - low) // step + 1))


@_kind
def ask_third_angle(rng: np.random.Generator, n: list[str]) -> Question:
    a, b, c = n[:3]
    at_b, at_c = _step(rng, 35, 75, 5), _step(rng, 35, 75, 5)
    program = Program((Step("triangle", (a, b, c), (at_b, at_c, _step(rng, 6, 14))),), ((a, b, c), (a, c, b)))
    answer = 180 - at_b - at_c
    steps = f"The angles of △{a}{b}{c} add up to 180°. ∠{b}{a}{c} = 180° - {at_b}° - {at_c}° = {answer}°."
    return _question("third_angle", program, f"Find ∠{b}{a}{c} in degrees.", steps, answer, (b, a, c))


@_kind
def ask_base_angle(rng: np.random.Generator, n: list[str]) -> Question:
    a, b, c = n[:3]
    apex = _step(rng, 30, 120, 10)
    program = Program((Step("isosceles_triangle", (a, b, c), (apex, _step(rng, 6, 14))),), ((b, a, c),))
    answer = (180 - apex) // 2
    steps = f"{a}{b} = {a}{c}, so the base angles are equal. ∠{a}{b}{c} = (180° - {apex}°) / 2 = {answer}°."
    return _question("base_angle", program, f"Find ∠{a}{b}{c} in degrees.", steps, answer, (a, b, c))


@_kind
def ask_acute_angle(rng: np.random.Generator, n: list[str]) -> Question:
    a, b, c = n[:3]
    at_b = _step(rng, 25, 65)
    program = Program((Step("right_triangle", (a, b, c), (at_b, _step(rng, 6, 14))),), ((a, b, c),))
    answer = 90 - at_b
    steps = f"∠{b}{a}{c} = 90°, so the other two angles add up to 90°. ∠{a}{c}{b} = 90° - {at_b}° = {answer}°."
    return _question("acute_angle", program, f"Find ∠{a}{c}{b} in degrees.", steps, answer, (a, c, b))


@_kind
def ask_hypotenuse(rng: np.random.Generator, n: list[str]) -> Question:
    a, b, c = n[:3]
    first, second, answer = TRIPLES[int(rng.integers(len(TRIPLES)))]
    at_b = float(np.degrees(np.arctan2(second, first)))
    program = Program((Step("right_triangle", (a, b, c), (at_b, answer)),), ((a, b), (a, c)))
    steps = (
        f"∠{b}{a}{c} = 90°, so {b}{c}² = {a}{b}² + {a}{c}² = {first}² + {second}² = {answer**2}. {b}{c} = {answer}."
    )
    return _question("hypotenuse", program, f"Find the length of {b}{c}.", steps, answer, (b, c))


@_kind
def ask_half_side(rng: np.random.Generator, n: list[str]) -> Question:
    a, b, c, d = n[:4]
    base = _step(rng, 6, 18, 2)
    triangle = Step("triangle", (a, b, c), (_step(rng, 40, 70, 5), _step(rng, 40, 70, 5), base))
    program = Program((triangle, Step("median", (a, b, c, d))), ((b, c),))
    steps = f"{d} is the midpoint of {b}{c}. {b}{d} = {base} / 2 = {base // 2}."
    return _question("half_side", program, f"Find the length of {b}{d}.", steps, base // 2, (b, d))


@_kind
def ask_half_angle(rng: np.random.Generator, n: list[str]) -> Question:
    a, b, c, d = n[:4]
    at_b, at_c = _step(rng, 40, 70, 5), _step(rng, 40, 70, 5)
    whole = 180 - at_b - at_c
    triangle = Step("triangle", (a, b, c), (at_b, at_c, _step(rng, 6, 14)))
    program = Program((triangle, Step("bisector", (a, b, c, d))), ((a, b, c), (a, c, b)))
    answer = f"{whole / 2:g}"
    steps = (
        f"∠{b}{a}{c} = 180° - {at_b}° - {at_c}° = {whole}°. {a}{d} bisects it. ∠{b}{a}{d} = {whole}° / 2 = {answer}°."
    )
    return _question("half_angle", program, f"Find ∠{b}{a}{d} in degrees.", steps, answer, (b, a, d))


@_kind
def ask_midline(rng: np.random.Generator, n: list[str]) -> Question:
    a, b, c, d, e = n[:5]
    base = _step(rng, 6, 18, 2)
    triangle = Step("triangle", (a, b, c), (_step(rng, 40, 70, 5), _step(rng, 40, 70, 5), base))
    program = Program((triangle, Step("midline", (a, b, c, d, e))), ((b, c),))
    steps = f"{d}{e} is a midline, half as long as {b}{c}. {d}{e} = {base} / 2 = {base // 2}."
    text = f"{d} and {e} are midpoints. Find the length of {d}{e}."
    return _question("midline", program, text, steps, base // 2, (d, e))


@_kind
def ask_parallelogram_angle(rng: np.random.Generator, n: list[str]) -> Question:
    a, b, c, d = n[:4]
    at_a = _step(rng, 40, 75, 5)
    program = Program(
        (Step("parallelogram", (a, b, c, d), (at_a, _step(rng, 8, 14), _step(rng, 5, 9))),), ((d, a, b),)
    )
    if rng.random() < 0.5:
        steps = f"Opposite angles of a parallelogram are equal. ∠{b}{c}{d} = {at_a}°."
        return _question("parallelogram_angle", program, f"Find ∠{b}{c}{d} in degrees.", steps, at_a, (b, c, d))
    steps = f"Neighbouring angles of a parallelogram add up to 180°. ∠{a}{b}{c} = 180° - {at_a}° = {180 - at_a}°."
    return _question("parallelogram_angle", program, f"Find ∠{a}{b}{c} in degrees.", steps, 180 - at_a, (a, b, c))


@_kind
def ask_rectangle_diagonal(rng: np.random.Generator, n: list[str]) -> Question:
    a, b, c, d, e = n[:5]
    width, height, answer = TRIPLES[int(rng.integers(len(TRIPLES)))]
    steps_ = (Step("rectangle", (a, b, c, d), (width, height)), Step("diagonals", (a, b, c, d, e)))
    program = Program(steps_, ((a, b), (b, c)))
    steps = f"∠{a}{b}{c} = 90°, so {a}{c}² = {width}² + {height}² = {answer**2}. {a}{c} = {answer}."
    return _question("rectangle_diagonal", program, f"Find the length of {a}{c}.", steps, answer, (a, c))


@_kind
def ask_corresponding_angle(rng: np.random.Generator, n: list[str]) -> Question:
    a, b, c, d, e, f, g, h = n[:8]
    crossing = _step(rng, 45, 135, 5)
    program = Program((Step("parallel_lines", tuple(n[:8]), (crossing, 6.0)),), ((e, g, b),))
    if rng.random() < 0.5:
        steps = f"{a}{b} ∥ {c}{d}, so corresponding angles are equal. ∠{g}{h}{d} = {crossing}°."
        return _question(
            "corresponding_angle", program, f"{a}{b} ∥ {c}{d}. Find ∠{g}{h}{d} in degrees.", steps, crossing, (g, h, d)
        )
    answer = 180 - crossing
    steps = f"∠{g}{h}{d} = ∠{e}{g}{b} = {crossing}°, so ∠{g}{h}{c} = 180° - {crossing}° = {answer}°."
    return _question(
        "corresponding_angle", program, f"{a}{b} ∥ {c}{d}. Find ∠{g}{h}{c} in degrees.", steps, answer, (g, h, c)
    )


@_kind
def ask_angle_in_semicircle(rng: np.random.Generator, n: list[str]) -> Question:
    a, b, c = n[:3]
    share = _step(rng, 30, 60) / 90
    steps_ = (
        Step("circle", ("O",), (_step(rng, 4, 10),)),
        Step("diameter", ("O", a, b), (_step(rng, 0, 345, 15),)),
        Step("point_on_circle", ("O", a, b, c), (share,)),
    )
    program = Program(steps_, ((c, a, b),))
    given = round(angle_at(program.diagram, c, a, b))
    steps = f"{a}{b} is a diameter, so ∠{a}{c}{b} = 90°. ∠{c}{b}{a} = 90° - {given}° = {90 - given}°."
    return _question("angle_in_semicircle", program, f"Find ∠{c}{b}{a} in degrees.", steps, 90 - given, (c, b, a))


@_kind
def ask_read_value(rng: np.random.Generator, n: list[str]) -> Question:
    a, b, c = n[:3]
    program = Program.draw([("triangle", (a, b, c))], rng)
    program = Program(program.steps, ((b, c), (a, b, c), (a, c, b)))
    part = ((b, c), (a, b, c), (a, c, b))[int(rng.integers(3))]
    answer = round(_measure(program.diagram, part))
    name = f"the length of {b}{c}" if len(part) == 2 else f"∠{''.join(part)} in degrees"
    shown = f"{b}{c} = {answer}" if len(part) == 2 else f"∠{''.join(part)} = {answer}°"
    return _question("read_value", program, f"Read {name} off the figure.", f"The figure shows {shown}.", answer, part)


@_kind
def ask_right_vertex(rng: np.random.Generator, n: list[str]) -> Question:
    a, b, c = n[:3]
    program = Program.draw([("right_triangle", (a, b, c))], rng)
    named = "".join(sorted((a, b, c)))
    steps = f"{a}{b} ⊥ {a}{c}, so the right angle is at {a}."
    return _question("right_vertex", program, f"At which vertex of △{named} is the right angle?", steps, a)


def draw_question(kind: str, rng: np.random.Generator) -> Question:
    """A question of a kind on a readable figure, its answer checked on the coordinates.

    Raises:
        ValueError: if the kind is unknown, or no draw of 50 gives a readable figure and a confirmed answer.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown question kind '{kind}': expected one of {', '.join(KINDS)}")
    for _ in range(50):
        try:
            question = KINDS[kind](rng, draw_letters(rng))
        except Unsound:
            continue
        if question.measured is None or abs(question.measured - float(question.answer)) < 0.01:
            return question
    raise ValueError(f"question kind '{kind}' gave no readable figure with a confirmed answer in 50 draws")
