"""The words of captions, as data: openings, joins, and how a figure's objects are named.

In a template the points of the fact are {0}, {1}, ... in its own order and {v} is the printed value. No two kinds of
fact share a template, so every caption can be read back. `clauses` holds what is said of the objects.
"""

from .clauses import CLAUSES

__all__ = [
    "CLAUSES",
    "FIRST_JOINS",
    "JOINS",
    "LEADS",
    "LISTS",
    "NOUNS",
    "OPENINGS",
    "VALUE_LEADS",
    "VALUE_LISTS",
]

OPENINGS = (  # of the first sentence, before the objects
    "The figure shows {}",
    "Here we have {}",
    "This is a diagram of {}",
    "We see {}",
    "The diagram depicts {}",
    "The drawing contains {}",
    "Shown here is {}",
    "The picture presents {}",
    "Drawn here is {}",
    "Look at {}",
)
LISTS = ((", ", " and "), (", ", ", and "), (", ", " together with "))  # between objects: inner joins, last join
FIRST_JOINS = (". ", ". ", ", where ", ", in which ", "; ", ", and ")  # from the objects to the first relation
JOINS = (". ", ". ", ". ", "; ", ", and ", ". Also, ", ". Moreover, ", ", while ")  # from one relation to the next
LEADS = ("", "", "in the figure, ", "as drawn, ", "here ", "we see that ")  # before relations that begin a sentence
VALUE_LEADS = ("", "", "it is marked that ", "in the figure, ", "as labelled, ", "the labels say that ")
VALUE_LISTS = ((", ", ", "), (", ", " and "), ("; ", "; "), (", ", ", and "))


def _named(name: str, corners: int, *more: str) -> tuple[str, ...]:
    """The ways to name a polygon by its corners."""
    listed = "".join(f"{{{i}}}" for i in range(corners))
    spread = ", ".join(f"{{{i}}}" for i in range(corners - 1)) + f" and {{{corners - 1}}}"
    article = "an" if name[0] in "aeiou" else "a"
    plain = (f"{name} {listed}", f"{article} {name} {listed}", f"the {name} {listed}")
    return (*plain, f"{article} {name} with vertices {spread}", f"{article} {name} named {listed}", *more)


NOUNS: dict[str, tuple[str, ...]] = {
    "triangle": _named("triangle", 3, "△{0}{1}{2}"),
    "scalene_triangle": _named("scalene triangle", 3, "△{0}{1}{2} with three different sides"),
    "acute_triangle": _named("acute triangle", 3, "△{0}{1}{2} with three acute angles"),
    "obtuse_triangle": (
        "obtuse triangle {0}{1}{2} with its obtuse angle at {0}",
        "△{0}{1}{2} with an obtuse angle at {0}",
        "triangle {0}{1}{2} in which ∠{1}{0}{2} is obtuse",
        "an obtuse triangle {0}{1}{2} where ∠{1}{0}{2} > 90°",
        "△{0}{1}{2}, obtuse at {0}",
    ),
    "right_triangle": (
        "right triangle {0}{1}{2} with ∠{1}{0}{2} = 90°",
        "△{0}{1}{2} with its right angle at {0}",
        "△{0}{1}{2}, right-angled at {0}",
        "a right triangle {0}{1}{2} with the right angle at {0}",
        "triangle {0}{1}{2} with {0}{1} ⊥ {0}{2}",
        "a right triangle {0}{1}{2} with hypotenuse {1}{2}",
    ),
    "isosceles_triangle": (
        "isosceles triangle {0}{1}{2} with {0}{1} = {0}{2}",
        "△{0}{1}{2} that is isosceles with apex {0}",
        "△{0}{1}{2} with {0}{1} = {0}{2}",
        "an isosceles triangle {0}{1}{2} whose apex is {0}",
        "triangle {0}{1}{2} with equal sides {0}{1} and {0}{2}",
        "an isosceles triangle {0}{1}{2} on the base {1}{2}",
    ),
    "isosceles_right_triangle": (
        "isosceles right triangle {0}{1}{2} with its right angle at {0}",
        "△{0}{1}{2} with {0}{1} = {0}{2} and ∠{1}{0}{2} = 90°",
        "an isosceles right triangle {0}{1}{2} with legs {0}{1} and {0}{2}",
        "a right triangle {0}{1}{2} with equal legs {0}{1} and {0}{2}",
        "△{0}{1}{2}, isosceles and right-angled at {0}",
    ),
    "equilateral_triangle": _named("equilateral triangle", 3, "△{0}{1}{2} that is equilateral"),
    "quadrilateral": _named("quadrilateral", 4),
    "trapezoid": (
        "trapezoid {0}{1}{2}{3} with {0}{1} ∥ {2}{3}",
        "a trapezoid {0}{1}{2}{3} whose bases are {0}{1} and {2}{3}",
        "the trapezoid {0}{1}{2}{3} with parallel sides {0}{1} and {2}{3}",
        "a trapezoid {0}{1}{2}{3} in which {0}{1} ∥ {2}{3}",
        "a trapezoid {0}{1}{2}{3} on the bases {0}{1} and {2}{3}",
    ),
    "isosceles_trapezoid": (
        "isosceles trapezoid {0}{1}{2}{3} with {0}{1} ∥ {2}{3}",
        "an isosceles trapezoid {0}{1}{2}{3} whose bases are {0}{1} and {2}{3}",
        "the isosceles trapezoid {0}{1}{2}{3} with equal legs {0}{3} and {1}{2}",
        "an isosceles trapezoid {0}{1}{2}{3} with legs {0}{3} and {1}{2}",
        "a trapezoid {0}{1}{2}{3} with {0}{1} ∥ {2}{3} and {0}{3} = {1}{2}",
    ),
    "right_trapezoid": (
        "right trapezoid {0}{1}{2}{3} with right angles at {0} and {3}",
        "a right trapezoid {0}{1}{2}{3} with {0}{3} ⊥ {0}{1}",
        "a trapezoid {0}{1}{2}{3} with {0}{1} ∥ {2}{3} and {0}{3} ⊥ {0}{1}",
        "the right trapezoid {0}{1}{2}{3} whose right angles are at {0} and {3}",
        "a trapezoid {0}{1}{2}{3}, right-angled at {0} and {3}",
    ),
    "kite": (
        "kite {0}{1}{2}{3} with {0}{1} = {0}{3}",
        "a kite {0}{1}{2}{3} symmetric about {0}{2}",
        "the kite {0}{1}{2}{3} with axis {0}{2}",
        "a kite {0}{1}{2}{3} with {0}{1} = {0}{3} and {2}{1} = {2}{3}",
        "a kite {0}{1}{2}{3} whose equal sides meet at {0} and {2}",
    ),
    "parallelogram": _named("parallelogram", 4),
    "rhombus": _named("rhombus", 4),
    "rectangle": _named("rectangle", 4),
    "square": _named("square", 4),
    "pentagon": _named("irregular pentagon", 5),
    "regular_pentagon": _named("regular pentagon", 5),
    "hexagon": _named("irregular hexagon", 6),
    "regular_hexagon": _named("regular hexagon", 6),
    "octagon": _named("irregular octagon", 8),
    "regular_octagon": _named("regular octagon", 8),
    "circle": (
        "⊙{0}",
        "a circle with center {0}",
        "circle {0}",
        "a circle centered at {0}",
        "the circle {0}",
        "a circle about {0}",
    ),
    "axes": (
        "coordinate axes with origin {0}",
        "the coordinate plane with origin {0}",
        "an x-axis and a y-axis through the origin {0}",
        "a coordinate system with its origin at {0}",
        "the xy-plane with origin {0}",
    ),
}
