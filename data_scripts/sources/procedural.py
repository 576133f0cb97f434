"""Figures made from nothing: families of construction programs, and free composition as one more.

Promise: figure `(seed, split, index)` is the same for ever; nothing is read, nothing downloaded. Held-out figures come
from their own stream of random numbers. Choosing families leaves figures out and changes none.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, count, islice

import numpy as np

from ..diagram import Diagram, Fact
from ..diagram.facts import angle_at, check, off_segment, same_object
from ..diagram.program import Part, Program, Unsound
from . import families
from .composition import compose

CREDIT = {"license": "apache-2.0", "name": "Figures drawn by mmgeo"}
LETTERS = "ABCDEFGHKLMNPQRSTUVWXYZ"  # without I, J and O, which read as strokes
CENTRE = "O"  # of circles; no other point has this name
FAMILIES: dict[str, Callable[[np.random.Generator, list[str]], tuple[Sequence, list[Part]]]] = {
    **{name: family.draw for name, family in families.FAMILIES.items()},
    "composition": compose,
}
DRAWS = 60  # of a family before it is given up, each with
REDRAWS = 5  # draws of its numbers
EXPRESSION_SHARE = 0.2  # of the printed lengths and angles
# Streams of random numbers: one for each split of a build, and two that only the hard-negative exam draws from.
STREAMS = {"train": 0, "validation": 1, "test": 2, "exam": 3, "gallery": 4}
NARROW, WIDE = 24.0, 165.0  # degrees: an angle is printed where its value has room between the arms


def draw_letters(rng: np.random.Generator) -> list[str]:
    """Vertex names: half the time from A on, otherwise any letters in any order."""
    if rng.random() < 0.5:
        return list(LETTERS)
    return rng.permutation(list(LETTERS)).tolist()


def draw_expression(part: Part, rng: np.random.Generator) -> str:
    """What an exam prints where a length or an angle is not a plain number."""
    letter = "xyabmn"[int(rng.integers(6))]
    a, b = int(rng.integers(2, 10)), int(rng.integers(1, 21))
    if len(part) == 3:
        forms = (f"{letter}°", f"{a}{letter}°", f"({letter}+{b})°", f"({a}{letter}-{b})°")
    else:
        root = (2, 3, 5, 6, 7)[int(rng.integers(5))]
        forms = (
            letter,
            f"{a}{letter}",
            f"{letter}+{b}",
            f"{a}{letter}-{b}",
            f"{a}{letter}+{b}",
            f"{a}√{root}",
            f"√{root}",
        )
    return forms[int(rng.integers(len(forms)))]


def printable(diagram: Diagram, parts: Sequence[Part]) -> list[Part]:
    """The parts on which a value cannot be misread.

    A segment is in one piece, an angle is neither too narrow nor too wide, nor marked as right, and no other line
    leaves its vertex between its arms.
    """
    return [part for part in parts if len(part) == 1 or (_one_piece if len(part) == 2 else _one_wedge)(diagram, part)]


def _one_piece(diagram: Diagram, part: Part) -> bool:
    others = (p for p in diagram.points if p not in part)
    return check(Fact("segment", part), diagram) is True and all(off_segment(diagram, p, *part) > 0.03 for p in others)


def _one_wedge(diagram: Diagram, part: Part) -> bool:
    a, vertex, b = part
    whole = angle_at(diagram, *part)
    if not NARROW <= whole <= WIDE or any(
        m.kind == "right_angle" and same_object(diagram, m.points, part) for m in diagram.marks
    ):
        return False
    if any(check(Fact("segment", (vertex, p)), diagram) is not True for p in (a, b)):
        return False
    for p in diagram.points:
        if p not in part and check(Fact("segment", (vertex, p)), diagram) is True:
            first, second = angle_at(diagram, a, vertex, p), angle_at(diagram, p, vertex, b)
            if min(first, second) > 2 and first + second < whole + 1:
                return False
    return True


def _choose(diagram: Diagram, parts: list[Part], count: int, rng: np.random.Generator) -> list[Part]:
    """Up to `count` parts at random, no two angles one within the other."""
    chosen: list[Part] = []
    for i in rng.permutation(len(parts)).tolist():
        angles = [*(p for p in chosen if len(p) == 3 and p[1] == parts[i][1]), parts[i]]
        if len(parts[i]) == 3 and any(same_object(diagram, p, q) for p, q in combinations(angles, 2)):
            continue
        chosen.append(parts[i])
        if len(chosen) == count:
            break
    return chosen


def draw_program(family: str, rng: np.random.Generator, max_printed: int = 3) -> Program:
    """A sound program of a family: kinds, letters, numbers and printed values at random.

    Raises:
        ValueError: if the family is unknown or gives no readable figure in 60 draws.
    """
    if family not in FAMILIES:
        raise ValueError(f"unknown family '{family}': expected one of {', '.join(FAMILIES)}")
    for _ in range(DRAWS):
        plan, parts = FAMILIES[family](rng, draw_letters(rng))
        for _ in range(REDRAWS):
            program = _print_values(Program.draw(plan, rng), parts, int(rng.integers(1, max_printed + 1)), rng)
            if program is not None:
                return program
    raise ValueError(f"family '{family}' gave no readable figure in {DRAWS} draws")


def _print_values(program: Program, parts: list[Part], count: int, rng: np.random.Generator) -> Program | None:
    """The program with up to `count` of the parts printed; None where it is unsound, or no part can be printed."""
    try:
        plain = program.diagram
        chosen = _choose(plain, printable(plain, parts), count, rng)
        as_text = [len(p) > 1 and rng.random() < EXPRESSION_SHARE for p in chosen]
        expressions = tuple((p, draw_expression(p, rng)) for p, text in zip(chosen, as_text, strict=True) if text)
        printed = tuple(p for p, text in zip(chosen, as_text, strict=True) if not text)
        program = replace(program, printed=printed, expressions=expressions)
        return program if program.diagram and chosen else None
    except Unsound:
        return None


def shuffle_letters(program: Program, rng: np.random.Generator) -> Program:
    """The same figure with letters in any places.

    Printers name vertices in the order of the alphabet and centres O; a figure with two letters exchanged then stands
    out, and a model could tell it without reading. Where every assignment is equally likely, an exchange changes
    nothing but the truth of the caption.
    """
    return program.relabel(any_letters(program.diagram.points, rng))


def any_letters(names: Iterable[str], rng: np.random.Generator) -> dict[str, str]:
    """New letters for these, in any order: half the time as many from A on, otherwise any."""
    names = list(names)
    letters = list(LETTERS[: len(names)]) if rng.random() < 0.5 else rng.permutation([*LETTERS, "O"])[: len(names)]
    return dict(zip(names, rng.permutation(letters).tolist(), strict=True))


def choose_families(names: Iterable[str] | None) -> tuple[str, ...]:
    """These families, in the order in which they are kept; all of them for None.

    Raises:
        ValueError: if one is unknown, or none is named.
    """
    if names is None:
        return tuple(FAMILIES)
    chosen = set(names)
    if unknown := sorted(chosen - set(FAMILIES)):
        raise ValueError(f"unknown families {', '.join(unknown)}: expected some of {', '.join(FAMILIES)}")
    if not chosen:
        raise ValueError("no family of figures is named: leave --families out for all of them")
    return tuple(name for name in FAMILIES if name in chosen)


def _begin(seed: int, split: str, index: int) -> tuple[str, np.random.Generator]:
    """The family of a figure, and the generator for the rest of it."""
    rng = np.random.default_rng([seed, STREAMS[split], index])
    return list(FAMILIES)[int(rng.integers(len(FAMILIES)))], rng


def figure_numbers(start: int, seed: int, split: str, chosen: Sequence[str]) -> Iterator[int]:
    """The numbers of a split's figures of the chosen families, without the first `start` of them."""
    if set(chosen) == set(FAMILIES):
        return count(start)
    return islice((n for n in count() if _begin(seed, split, n)[0] in chosen), start, None)


def figure_at(seed: int, split: str, index: int) -> tuple[str, Program, np.random.Generator]:
    """Figure number `index` of a split, one of `STREAMS`.

    Its id, its program, and the generator for everything else of its row.
    """
    family, rng = _begin(seed, split, index)
    return f"procedural/{seed}/{split}/{index}/{family}", shuffle_letters(draw_program(family, rng), rng), rng


def figures(
    numbers: Iterable[int], split: str, seed: int, dropped: Counter[str]
) -> Iterator[tuple[str, Program, np.random.Generator]]:
    """Id, program and generator of these figures of a split; families that give no figure are counted."""
    for number in numbers:
        try:
            yield figure_at(seed, split, number)
        except ValueError as error:
            dropped[f"figure: {error}"] += 1
