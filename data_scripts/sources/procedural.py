"""Figures made from nothing: families of construction programs.

Promise: figure `(seed, split, index)` is the same for ever; nothing is read, nothing downloaded. Held-out figures come
from their own stream of random numbers.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from ..diagram.program import Program, Unsound

CREDIT = {"license": "apache-2.0", "name": "Figures drawn by mmgeo"}
LETTERS = "ABCDEFGHKLMNPQRSTUVWXYZ"  # without I, J and O, which read as strokes; O is kept for centres
TRIANGLES = ("triangle", "right_triangle", "isosceles_triangle", "equilateral_triangle")
QUADRILATERALS = ("rectangle", "square", "parallelogram", "rhombus", "trapezoid", "kite")

Plan = list[tuple[str, tuple[str, ...]]]
Parts = list[tuple[str, ...]]  # lengths (2 points) and angles (3 points) that may be printed
Family = Callable[[np.random.Generator, list[str]], tuple[Plan, Parts]]


def _sides(*corners: str) -> Parts:
    return [(a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True)]


def _corners(*corners: str) -> Parts:
    n = len(corners)
    return [(corners[i - 1], corners[i], corners[(i + 1) % n]) for i in range(n)]


def _triangle(rng: np.random.Generator, n: list[str]) -> tuple[Plan, Parts]:
    a, b, c = n[:3]
    return [(str(rng.choice(TRIANGLES)), (a, b, c))], _sides(a, b, c) + _corners(a, b, c)


def _triangle_cevian(rng: np.random.Generator, n: list[str]) -> tuple[Plan, Parts]:
    plan, _ = _triangle(rng, n)
    a, b, c, d = n[:4]
    kind = str(rng.choice(["cevian", "median", "altitude", "bisector"]))
    return [*plan, (kind, (a, b, c, d))], [(a, b), (b, c), (a, d), (b, a, d), (a, b, d), (a, c, d)]


def _two_cevians(rng: np.random.Generator, n: list[str]) -> tuple[Plan, Parts]:
    plan, parts = _triangle_cevian(rng, n)
    a, b, c, e = n[0], n[1], n[2], n[4]
    return [*plan, (str(rng.choice(["cevian", "median", "altitude", "bisector"])), (b, c, a, e))], parts[:3]


def _triangle_cut(rng: np.random.Generator, n: list[str]) -> tuple[Plan, Parts]:
    plan, _ = _triangle(rng, n)
    a, b, c, d, e = n[:5]
    kind = str(rng.choice(["midline", "parallel_cut", "slanted_cut"]))
    return [*plan, (kind, (a, b, c, d, e))], [(b, c), (d, e), (a, b, c), (b, a, c)]


def _quadrilateral(rng: np.random.Generator, n: list[str]) -> tuple[Plan, Parts]:
    a, b, c, d = n[:4]
    return [(str(rng.choice(QUADRILATERALS)), (a, b, c, d))], _sides(a, b, c, d) + [(d, a, b), (b, c, d)]


def _quadrilateral_diagonals(rng: np.random.Generator, n: list[str]) -> tuple[Plan, Parts]:
    plan, _ = _quadrilateral(rng, n)
    a, b, c, d, e = n[:5]
    return [*plan, ("diagonals", (a, b, c, d, e))], [(a, b), (b, c), (d, a, b)]


def _quadrilateral_point(rng: np.random.Generator, n: list[str]) -> tuple[Plan, Parts]:
    plan, parts = _quadrilateral(rng, n)
    kind = str(rng.choice(["midpoint", "point_on_segment"]))
    side = [n[:2], n[1:3], n[2:4], [n[3], n[0]]][int(rng.integers(4))]
    return [*plan, (kind, (*side, n[4]))], [p for p in parts if set(p) != set(side)]


def _polygon(rng: np.random.Generator, n: list[str]) -> tuple[Plan, Parts]:
    kind, count = (("regular_pentagon", 5), ("regular_hexagon", 6))[int(rng.integers(2))]
    return [(kind, tuple(n[:count]))], _sides(*n[:count]) + _corners(*n[:count])


def _parallel_lines(rng: np.random.Generator, n: list[str]) -> tuple[Plan, Parts]:
    a, b, c, d, e, _, g, h = n[:8]
    kind = str(rng.choice(["parallel_lines", "slanted_lines"]))
    return [(kind, tuple(n[:8]))], [(e, g, b), (a, g, e), (g, h, d), (c, h, g)]


def _circle_chord(rng: np.random.Generator, n: list[str]) -> tuple[Plan, Parts]:
    a, b, c = n[:3]
    first = str(rng.choice(["diameter", "chord"]))
    third = str(rng.choice(["point_on_circle", "point_inside_circle"]))
    plan = [("circle", ("O",)), (first, ("O", a, b)), (third, ("O", a, b, c))]
    return plan, [(a, b), (a, c), (a, c, b), (c, a, b)]


def _tangent(rng: np.random.Generator, n: list[str]) -> tuple[Plan, Parts]:
    a, p = n[:2]
    plan = [("circle", ("O",)), (str(rng.choice(["tangent", "no_tangent"])), ("O", a, p))]
    return plan, [("O", a), (p, a)]


def _triangle_circle(rng: np.random.Generator, n: list[str]) -> tuple[Plan, Parts]:
    plan, parts = _triangle(rng, n)
    return [*plan, (str(rng.choice(["circumcircle", "incircle"])), (*n[:3], "O"))], parts


FAMILIES: dict[str, Family] = {
    "triangle": _triangle,
    "triangle_cevian": _triangle_cevian,
    "two_cevians": _two_cevians,
    "triangle_cut": _triangle_cut,
    "quadrilateral": _quadrilateral,
    "quadrilateral_diagonals": _quadrilateral_diagonals,
    "quadrilateral_point": _quadrilateral_point,
    "polygon": _polygon,
    "parallel_lines": _parallel_lines,
    "circle_chord": _circle_chord,
    "tangent": _tangent,
    "triangle_circle": _triangle_circle,
}


def draw_letters(rng: np.random.Generator) -> list[str]:
    """Vertex names: half the time from A on, otherwise any letters in any order."""
    if rng.random() < 0.5:
        return list(LETTERS)
    return rng.permutation(list(LETTERS)).tolist()


def draw_program(family: str, rng: np.random.Generator, max_printed: int = 3) -> Program:
    """A sound program of a family: kinds, letters, numbers and printed values at random.

    Raises:
        ValueError: if the family is unknown or gives no readable figure in 100 draws.
    """
    if family not in FAMILIES:
        raise ValueError(f"unknown family '{family}': expected one of {', '.join(FAMILIES)}")
    for _ in range(100):
        plan, parts = FAMILIES[family](rng, draw_letters(rng))
        count = min(len(parts), int(rng.integers(1, max_printed + 1)))
        printed = tuple(parts[i] for i in sorted(rng.choice(len(parts), size=count, replace=False)))
        program = replace(Program.draw(plan, rng), printed=printed)
        try:
            program.diagram  # noqa: B018  solving is the test
        except Unsound:
            continue
        return program
    raise ValueError(f"family '{family}' gave no readable figure in 100 draws")


def figure_at(seed: int, split: str, index: int) -> tuple[str, Program, np.random.Generator]:
    """Figure number `index` of a split: its id, its program, and the generator for everything else of its row."""
    rng = np.random.default_rng([seed, {"train": 0, "validation": 1, "test": 2}[split], index])
    family = list(FAMILIES)[int(rng.integers(len(FAMILIES)))]
    return f"procedural/{seed}/{split}/{index}/{family}", draw_program(family, rng), rng


def figures(
    numbers: Iterable[int], split: str, seed: int, dropped: Counter[str]
) -> Iterator[tuple[str, Program, np.random.Generator]]:
    """Id, program and generator of these figures of a split; families that give no figure are counted."""
    for number in numbers:
        try:
            yield figure_at(seed, split, number)
        except ValueError as error:
            dropped[f"figure: {error}"] += 1
