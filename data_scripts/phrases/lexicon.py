"""The phrases of geometry captions: one table of wordings, read and written.

A wording is written as in `diagram.caption`: points are {0}, {1}, ... in the order of the statement, {v} is its value.
The captions of our own figures are part of the table, so whatever they come to say can be read back; what others write
stands in `wordings.toml`. Letters in a row are one name: {0}{1} also reads "segment AB" and "side AB", ∠{0}{1}{2}
"angle ABC" and "\\angle ABC", △{0}{1}{2} "triangle ABC", ⊙{0} "circle O", ∠#{0} the angle numbered 1. A circle that a
wording leaves out is the one the caption names elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ..diagram.caption import CLAUSES, NOUNS
from .kinds import arity
from .words import TABLE


@dataclass(frozen=True)
class Phrase:
    """A wording and the statements it makes: kinds with the places of their points, -1 for one it leaves out."""

    template: str
    facts: tuple[tuple[str, tuple[int, ...]], ...]


_TRIANGLES = {
    "isosceles": ("isosceles",),
    "equilateral_triangle": ("equilateral",),
    "right": ("right",),
    "right_isosceles": ("isosceles right", "right isosceles"),
    "scalene_triangle": ("scalene",),
    "acute_triangle": ("acute", "acute-angled"),
    "obtuse": ("obtuse", "obtuse-angled"),
}
_FOUR_SIDED = {
    "quadrilateral": ("quadrilateral",),
    "trapezium": ("trapezoid", "trapezium"),
    "isosceles_trapezium": ("isosceles trapezoid", "isosceles trapezium"),
    "right_trapezium": ("right trapezoid",),
    "any_kite": ("kite",),
    "parallelogram": ("parallelogram",),
    "rhombus": ("rhombus",),
    "rectangle": ("rectangle",),
    "square": ("square",),
}
_MANY_SIDED = {
    "pentagon": ("pentagon",),
    "regular_pentagon": ("regular pentagon",),
    "hexagon": ("hexagon",),
    "regular_hexagon": ("regular hexagon",),
    "octagon": ("octagon",),
    "regular_octagon": ("regular octagon",),
}
# Words that may stand before a name within any wording, by the number of its points: they state a shape by the way.
SHAPE_WORDS: dict[int, dict[str, str]] = {3: {w: kind for kind, words in _TRIANGLES.items() for w in words}}
for _kind, _words in {**_FOUR_SIDED, **_MANY_SIDED}.items():
    SHAPE_WORDS.setdefault(arity(_kind), {}).update(dict.fromkeys(_words, _kind))
_FOUR = "{0}{1}{2}{3}"


def _corners(n: int) -> str:
    return "".join(f"{{{i}}}" for i in range(n))


def _shapes() -> Iterator[tuple[str, str]]:
    """Every shape as "a square ABCD", "ABCD is a square", "quadrilateral ABCD is a square"."""
    yield "triangle", "{0}{1}{2} is a triangle"
    for kind, words in _TRIANGLES.items():
        for w in words:
            yield from ((kind, f"{w} {head}{{0}}{{1}}{{2}}") for head in ("△", "triangle "))
            yield kind, f"△{{0}}{{1}}{{2}} is {w}"
            yield from ((kind, f"{head}{{0}}{{1}}{{2}} is a {w} triangle") for head in ("△", ""))
            for said in ("with vertices", "is shown with vertices", "has vertices"):
                yield kind, f"{w} triangle {said} {{0}}, {{1}} and {{2}}"
    for kind, words in {**_FOUR_SIDED, **_MANY_SIDED}.items():
        names = _corners(arity(kind))
        general = "quadrilateral" if arity(kind) == 4 else words[0].split()[-1]
        for w in words:
            yield kind, f"{w} {names}"
            yield from ((kind, f"{head}{names} is a {w}") for head in ("", f"{general} ") if head.strip() != w)
    yield "parallelogram", f"▱{_FOUR}"


def _of_triangles() -> Iterator[tuple[str, str]]:
    """Wordings about a triangle whose corners may be named in any order."""
    for order in ("{0}{1}{2}", "{1}{0}{2}", "{1}{2}{0}"):
        for the in ("", "its "):
            yield "right_triangle", f"right triangle {order} with {the}right angle at {{0}}"
            yield "right_triangle", f"△{order} is a right triangle with {the}right angle at {{0}}"
        yield "right_triangle", f"△{order} is right at {{0}}"
        yield "right_triangle", f"△{order} has a right angle at {{0}}"
        yield "right_triangle", f"right triangle {order} with ∠{{0}} = 90°"
        yield "isosceles_triangle", f"isosceles triangle {order} with apex {{0}}"
    for triangle in ("△{0}{2}{3}", "△{2}{0}{3}", "△{2}{3}{0}"):
        for kind, words in {
            "median": ("the median", "a median"),
            "altitude": ("the altitude", "an altitude", "the height"),
            "bisector": ("the angle bisector", "an angle bisector"),
        }.items():
            yield from ((kind, f"{{0}}{{1}} is {w} of {triangle}") for w in words)


def _measures() -> Iterator[tuple[str, str]]:
    """Area and perimeter of a quadrilateral, whatever it is called."""
    for word in ("", *(f"{w} " for words in _FOUR_SIDED.values() for w in words)):
        yield from ((f"polygon_{m}", f"{m} of {word}{_FOUR} is {{v}}") for m in ("area", "perimeter"))


def _lists() -> Iterator[Phrase]:
    """ "A, B and C lie on ⊙O" for two to six points, and "quadrilateral ABCD is inscribed in ⊙O"."""
    for n in range(2, 7):
        names = [f"{{{i}}}" for i in range(n)]
        for listed in (", ".join(names[:-1]) + f" and {names[-1]}", ", ".join(names)):
            for verb in ("lies", "are", "are all"):
                for where in ("on", "inside", "outside"):
                    for circle, center in ((f"⊙{{{n}}}", n), ("circle", -1)):
                        facts = tuple((f"{where}_circle", (i, center)) for i in range(n))
                        yield Phrase(f"{listed} {verb} {where} {circle}", facts)
                facts = tuple(("on_segment", (i, n, n + 1)) for i in range(n))
                yield Phrase(f"{listed} {verb} on {{{n}}}{{{n + 1}}}", facts)
    for kind in ("quadrilateral", "pentagon", "hexagon"):
        n = arity(kind)
        for word in (f"{kind} ", ""):
            for circle, center in ((f"⊙{{{n}}}", n), ("circle", -1)):
                facts = ((kind, tuple(range(n))), *(("on_circle", (i, center)) for i in range(n)))
                yield Phrase(f"{word}{_corners(n)} is inscribed in {circle}", facts)


def _single(kind: str, template: str) -> Phrase:
    return Phrase(template, ((kind, tuple(i if f"{{{i}}}" in template else -1 for i in range(arity(kind)))),))


def _several(entry: dict) -> Phrase:
    facts = (fact.split() for fact in entry["facts"])
    return Phrase(entry["wording"], tuple((kind, tuple(map(int, places))) for kind, *places in facts))


def all_phrases() -> list[Phrase]:
    """Every wording; of two that read alike the first counts, so our own captions come first."""
    ours = [(kind, t) for table in (NOUNS, CLAUSES) for kind, templates in table.items() for t in templates]
    others = [(kind, t) for kind, templates in TABLE["one"].items() for t in templates]
    single = [*ours, *_shapes(), *_of_triangles(), *others, *_measures()]
    return [*(_single(*pair) for pair in single), *map(_several, TABLE["several"]), *_lists()]
