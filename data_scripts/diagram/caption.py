"""A diagram's facts in words.

Promise: the same facts and seed give the same caption, and two lists of facts that differ in one fact give captions
that differ in that fact alone. The wording of a kind of fact depends on the seed only, so a positive and its negatives
share it. Captions state what is drawn, results and not derivations, with the symbols △ ∠ ⊥ ∥ ⊙ (MMGeoLM, appendix A).
"""

from collections.abc import Sequence
from zlib import crc32

from .diagram import Fact
from .facts import KINDS

OPENINGS = ("The figure shows {}.", "Here we have {}.", "This is a diagram of {}.", "We see {}.")

# Points are {0}, {1}, ... in the order of the fact; {v} is the printed value. Nouns open a caption, clauses follow.
NOUNS: dict[str, tuple[str, ...]] = {
    "triangle": ("△{0}{1}{2}", "triangle {0}{1}{2}"),
    "right_triangle": ("right triangle {0}{1}{2} with ∠{1}{0}{2} = 90°", "△{0}{1}{2} with its right angle at {0}"),
    "isosceles_triangle": (
        "isosceles triangle {0}{1}{2} with {0}{1} = {0}{2}",
        "△{0}{1}{2} that is isosceles with apex {0}",
    ),
    "equilateral_triangle": ("equilateral triangle {0}{1}{2}", "△{0}{1}{2} that is equilateral"),
    "quadrilateral": ("quadrilateral {0}{1}{2}{3}", "a quadrilateral {0}{1}{2}{3}"),
    "trapezoid": (
        "trapezoid {0}{1}{2}{3} with {0}{1} ∥ {2}{3}",
        "a trapezoid {0}{1}{2}{3} whose bases are {0}{1} and {2}{3}",
    ),
    "kite": ("kite {0}{1}{2}{3} with {0}{1} = {0}{3}", "a kite {0}{1}{2}{3} symmetric about {0}{2}"),
    "parallelogram": ("parallelogram {0}{1}{2}{3}", "a parallelogram {0}{1}{2}{3}"),
    "rhombus": ("rhombus {0}{1}{2}{3}", "a rhombus {0}{1}{2}{3}"),
    "rectangle": ("rectangle {0}{1}{2}{3}", "a rectangle {0}{1}{2}{3}"),
    "square": ("square {0}{1}{2}{3}", "a square {0}{1}{2}{3}"),
    "regular_pentagon": ("regular pentagon {0}{1}{2}{3}{4}", "a regular pentagon {0}{1}{2}{3}{4}"),
    "regular_hexagon": ("regular hexagon {0}{1}{2}{3}{4}{5}", "a regular hexagon {0}{1}{2}{3}{4}{5}"),
    "circle": ("⊙{0}", "a circle with center {0}", "circle {0}"),
}

CLAUSES: dict[str, tuple[str, ...]] = {
    "segment": ("{0} and {1} are joined", "segment {0}{1} is drawn"),
    "on_segment": ("{0} lies on {1}{2}", "point {0} is on segment {1}{2}"),
    "midpoint": ("{0} is the midpoint of {1}{2}", "point {0} bisects {1}{2}"),
    "parallel": ("{0}{1} ∥ {2}{3}", "{0}{1} is parallel to {2}{3}"),
    "perpendicular": ("{0}{1} ⊥ {2}{3}", "{0}{1} is perpendicular to {2}{3}"),
    "intersect": ("{1}{2} and {3}{4} meet at {0}", "{1}{2} intersects {3}{4} at {0}"),
    "cevian": ("{0}{1} joins {0} to {1} on {2}{3}", "{0}{1} is drawn to point {1} of {2}{3}"),
    "median": ("{0}{1} is the median to {2}{3}", "{0}{1} is a median with {1} on {2}{3}"),
    "altitude": ("{0}{1} is the altitude to {2}{3}", "{0}{1} is an altitude with foot {1} on {2}{3}"),
    "bisector": ("{0}{1} bisects ∠{2}{0}{3} and meets {2}{3} at {1}", "{0}{1} is the angle bisector to {1} on {2}{3}"),
    "midline": (
        "{0}{1} is the midline joining {2}{3} and {2}{4}",
        "{0} and {1} are the midpoints of {2}{3} and {2}{4}",
    ),
    "parallel_cut": (
        "{0} on {2}{3} and {1} on {2}{4} make {0}{1} ∥ {3}{4}",
        "{0}{1} cuts {2}{3} and {2}{4} parallel to {3}{4}",
    ),
    "equal_length": ("{0}{1} = {2}{3}", "{0}{1} and {2}{3} are marked equal"),
    "equal_angle": ("∠{0}{1}{2} = ∠{3}{4}{5}", "∠{0}{1}{2} and ∠{3}{4}{5} are marked equal"),
    "on_circle": ("{0} lies on ⊙{1}", "point {0} is on circle {1}"),
    "inside_circle": ("{0} lies inside ⊙{1}", "point {0} is inside circle {1}"),
    "outside_circle": ("{0} lies outside ⊙{1}", "point {0} is outside circle {1}"),
    "radius": ("{1}{0} is a radius of ⊙{1}", "{1}{0} is a radius"),
    "chord": ("{0}{1} is a chord of ⊙{2}", "chord {0}{1} is drawn in circle {2}"),
    "diameter": ("{0}{1} is a diameter of ⊙{2}", "{0}{1} is a diameter through {2}"),
    "tangent": ("{0}{1} is tangent to ⊙{2} at {1}", "{0}{1} touches circle {2} at {1}"),
    "circumcircle": ("⊙{0} passes through {1}, {2} and {3}", "△{1}{2}{3} is inscribed in ⊙{0}"),
    "incircle": ("⊙{0} is inscribed in △{1}{2}{3}", "⊙{0} touches the three sides of △{1}{2}{3}"),
    "length": ("{0}{1} = {v}", "{0}{1} is {v}"),
    "angle": ("∠{0}{1}{2} = {v}", "∠{0}{1}{2} is {v}"),
}


def _word(choices: tuple[str, ...], fact: Fact, seed: int) -> str:
    pick = crc32(f"{seed}:{fact.kind}".encode()) % len(choices)
    return choices[pick].format(*fact.points, v=fact.value)


def clause(fact: Fact, seed: int) -> str:
    """One fact as a clause without its full stop; a shape becomes "... is drawn"."""
    if fact.kind in CLAUSES:
        return _word(CLAUSES[fact.kind], fact, seed)
    return f"{_word(NOUNS[fact.kind], fact, seed)} is drawn"


def caption(facts: Sequence[Fact], seed: int) -> str:
    """All facts as sentences: shapes first, relations in the given order, printed values last in one sentence.

    Raises:
        ValueError: if there is nothing to say.
    """
    if not facts:
        raise ValueError("a caption needs at least one fact, and this figure states none")
    nouns = [_word(NOUNS[f.kind], f, seed) for f in facts if f.kind in NOUNS]
    values = [clause(f, seed) for f in facts if KINDS[f.kind].edit == "value"]
    relations = [clause(f, seed) for f in facts if f.kind in CLAUSES and KINDS[f.kind].edit != "value"]
    sentences = []
    if nouns:
        listed = nouns[0] if len(nouns) == 1 else ", ".join(nouns[:-1]) + " and " + nouns[-1]
        sentences.append(OPENINGS[crc32(f"{seed}:opening".encode()) % len(OPENINGS)].format(listed))
    sentences += [f"{r}." for r in relations]
    if values:
        sentences.append(", ".join(values) + ".")
    return " ".join(s[0].upper() + s[1:] for s in sentences)
