"""What one statement says about others: which follow from it, which may, which cannot hold beside it.

Statements are written as a kind and the places of its points: "equal_length 0102" of △ABC is AB = AC. Kinds that the
figures do not have (yet) may be named here; a kind that nobody knows is passed over.

The paper's list of shape edits (MMGeoLM section 3.2): square -> rectangle, equilateral -> isosceles, diameter ->
radius, circle -> ellipse. The first two are not made here: a square is a rectangle, so the edited caption stays true.
Of two kinds neither of which includes the other (rectangle and rhombus), a figure that is both has a name of its own
(square), which a complete caption would have used: so each is a negative of the other.
"""

from functools import lru_cache

from ..diagram import Fact
from .kinds import SYMMETRIES, normal

IMPLIES: dict[str, tuple[str, ...]] = {
    # triangles
    "right_triangle": ("right 012", "perpendicular 0102"),
    "isosceles_triangle": ("isosceles 012", "equal_length 0102"),
    "equilateral_triangle": ("isosceles_triangle 012", "isosceles_triangle 120", "isosceles_triangle 201",
                             "acute_triangle 012"),
    "right_isosceles": ("right 012", "isosceles 012"),
    "isosceles_right_triangle": ("right_isosceles 012", "right_triangle 012", "isosceles_triangle 012"),
    "obtuse_triangle": ("obtuse 012",),
    **dict.fromkeys(("isosceles", "right", "scalene_triangle", "acute_triangle", "obtuse"), ("triangle 012",)),
    # quadrilaterals
    "trapezium": ("quadrilateral 0123",),
    "trapezoid": ("trapezium 0123", "parallel 0123"),
    "isosceles_trapezium": ("trapezium 0123", "equal_length 0213"),
    "isosceles_trapezoid": ("isosceles_trapezium 0123", "trapezoid 0123", "equal_length 0312", "equal_angle 301012"),
    "right_trapezium": ("trapezium 0123",),
    "right_trapezoid": ("right_trapezium 0123", "trapezoid 0123", "perpendicular 0103", "perpendicular 3032"),
    "any_kite": ("quadrilateral 0123",),
    "kite": ("any_kite 0123", "equal_length 0103", "equal_length 2123", "perpendicular 0213"),
    "parallelogram": (
        "quadrilateral 0123", "parallel 0123", "parallel 1230", "equal_length 0123", "equal_length 1230",
        "equal_angle 301123", "equal_angle 012230",
    ),
    "rhombus": ("parallelogram 0123", "kite 0123", "kite 1230", "equal_length 0112", "angle_bisector 0213"),
    "rectangle": ("parallelogram 0123", "perpendicular 0112", "perpendicular 1223", "perpendicular 2330",
                  "perpendicular 3001", "equal_length 0213"),
    "square": ("rhombus 0123", "rectangle 0123"),
    "regular_pentagon": (
        "pentagon 01234", "equal_length 0112", "equal_length 1223", "equal_length 2334", "equal_length 3440",
        "equal_length 0213", "equal_length 1324", "equal_length 2430", "equal_length 3041",
        "equal_angle 012123", "equal_angle 123234", "equal_angle 234340", "equal_angle 340401",
    ),
    "regular_hexagon": (
        "hexagon 012345", "equal_length 0112", "equal_length 1223", "equal_length 2334", "equal_length 3445",
        "equal_length 4550", "equal_length 0213", "equal_length 1324", "equal_length 2435", "equal_length 3540",
        "equal_length 4051", "equal_length 0314", "equal_length 1425", "parallel 0134", "parallel 1245",
        "parallel 2350",
        "equal_angle 012123", "equal_angle 123234", "equal_angle 234345", "equal_angle 345450", "equal_angle 450501",
    ),
    # points and lines
    "midpoint": ("on_segment 012", "equal_length 0102"),
    "on_segment": ("collinear 012",),
    "on_extension": ("collinear 012",),
    "intersect": ("collinear 012", "collinear 034"),
    "cevian": ("on_segment 123",),
    "median": ("cevian 0123", "midpoint 123"),
    "altitude": ("perpendicular 0123", "collinear 123"),
    "bisector": ("cevian 0123", "angle_bisector 0123"),
    "angle_bisector": ("equal_angle 201103",),
    "midline": ("midpoint 023", "midpoint 124", "parallel_cut 01234"),
    "parallel_cut": ("on_segment 023", "on_segment 124", "parallel 0134"),
    "perpendicular_bisector": ("perpendicular 0123", "bisects_segment 0123"),
    "similar": ("triangle 012", "triangle 345", "equal_angle 012345", "equal_angle 120453", "equal_angle 201534"),
    "congruent": ("similar 012345", "equal_length 0134", "equal_length 1245", "equal_length 2053"),
    # circles
    "radius": ("on_circle 01", "segment 01"),
    "chord": ("on_circle 02", "on_circle 12", "segment 01"),
    "arc": ("on_circle 02", "on_circle 12"),
    "diameter": ("chord 012", "midpoint 201"),
    "tangent": ("on_circle 12", "outside_circle 02", "tangent_line 012", "perpendicular 0112"),
    "circumcircle": ("triangle 123", "on_circle 10", "on_circle 20", "on_circle 30"),
    "incircle": ("triangle 123", "incenter 0123", "outside_circle 10", "outside_circle 20", "outside_circle 30"),
    "quadrilateral_circumcircle": (
        "quadrilateral 1234", "on_circle 10", "on_circle 20", "on_circle 30", "on_circle 40",
    ),
    "quadrilateral_incircle": (
        "quadrilateral 1234", "outside_circle 10", "outside_circle 20", "outside_circle 30", "outside_circle 40",
    ),
    "secant": ("on_circle 13", "on_circle 23", "outside_circle 03", "on_segment 102", "chord 123"),
    **dict.fromkeys(("parabola_up", "parabola_down", "parabola_meets_x", "parabola_meets_y"), ("on_parabola 0",)),
    **dict.fromkeys(("x_intercept", "y_intercept"), ("collinear 012",)),
    "centroid": ("triangle 123",),
    "orthocenter": ("triangle 123",),
    "incenter": ("triangle 123", "angle_bisector 1023", "angle_bisector 2013", "angle_bisector 3012"),
}  # fmt: skip

# What may hold besides, for all the caption says: no negative may say it.
MAY_IMPLY: dict[str, tuple[str, ...]] = {
    "intersect": ("on_segment 012", "on_segment 034"),
    "altitude": ("cevian 0123",),
}
# One of these holds, each line with all that it says; which one, the caption does not say.
ONE_OF: dict[str, tuple[str, ...]] = {
    "isosceles": ("isosceles_triangle 012", "isosceles_triangle 120", "isosceles_triangle 201"),
    "right": ("right_triangle 012", "right_triangle 120", "right_triangle 201"),
    "obtuse": ("obtuse_triangle 012", "obtuse_triangle 120", "obtuse_triangle 201"),
    "right_isosceles": tuple(f"isosceles_right_triangle {p}" for p in ("012", "120", "201")),
    "trapezium": ("trapezoid 0123", "trapezoid 1230"),
    "isosceles_trapezium": ("isosceles_trapezoid 0123", "isosceles_trapezoid 1230"),
    "right_trapezium": tuple(f"right_trapezoid {p}" for p in ("0123", "1230", "2301", "3012")),
    "any_kite": ("kite 0123", "kite 1230"),
    "tangent_line": ("tangent 012", "tangent 102"),
    "bisects_segment": ("perpendicular_bisector 0123", "perpendicular_bisector 2301"),
    # alternate angles, on whichever sides of the transversal the ends of the parallels are
    "parallel": ("equal_angle 012123 equal_angle 103032", "equal_angle 013132 equal_angle 102023"),
}

# Pairs that no figure is at once; what follows from them is excluded with them.
EXCLUSIVE: tuple[tuple[str, ...], ...] = (
    ("acute_triangle", "right", "obtuse"),
    ("scalene_triangle", "isosceles"),
    ("trapezium", "parallelogram"),  # a trapezoid has one pair of parallel sides, as exams define it
    ("trapezium", "any_kite"),
    ("isosceles_trapezium", "right_trapezium"),
    ("circle", "ellipse"),
    ("parallel", "perpendicular"),
    ("on_circle", "inside_circle", "outside_circle"),
    ("tangent_circles", "concentric_circles"),
    ("tangent_line", "chord", "secant_line"),
    ("angle_bisector", "trisects_angle"),
    ("on_segment", "on_extension"),
    ("rising", "falling", "parallel_x", "parallel_y"),
    ("parabola_up", "parabola_down"),
)
RIVALS: dict[str, tuple[str, ...]] = {
    kind: tuple(k for group in EXCLUSIVE if kind in group for k in group if k != kind)
    for kind in {k for group in EXCLUSIVE for k in group}
}
# Kinds that a caption which names another kind need not have ruled out: false only where they are excluded.
UNSAID = frozenset(
    {"acute_triangle", "obtuse", "scalene_triangle", "triangle", "quadrilateral", "pentagon", "hexagon", "octagon"}
)
# The kind without its order of points.
LOOSE = {
    "isosceles_triangle": "isosceles",
    "right_triangle": "right",
    "isosceles_right_triangle": "right_isosceles",
    "obtuse_triangle": "obtuse",
    "trapezoid": "trapezium",
    "isosceles_trapezoid": "isosceles_trapezium",
    "right_trapezoid": "right_trapezium",
    "kite": "any_kite",
    "tangent": "tangent_line",
}
# Their first two points are one segment, which a caption may name from either end.
FROM_A_VERTEX = frozenset({"cevian", "median", "altitude", "bisector", "radius"})


WITH_CENTER = frozenset(
    {"on_circle", "outside_circle", "inside_circle", "chord", "tangent_line", "radius", "tangent", "incenter"}
)


def turned(fact: Fact) -> Fact:
    """A statement about a line from a vertex, the line named from its other end: the same for a reader."""
    return normal(Fact(fact.kind, (fact.points[1], fact.points[0], *fact.points[2:]), fact.value))


def read_axiom(line: str, fact: Fact) -> list[Fact]:
    """The facts of a line of an axiom about a fact; nothing about a center that has no name."""
    found, words = [], line.split()
    for kind, places in zip(words[::2], words[1::2], strict=True):
        points = tuple(fact.points[int(p)] for p in places)
        if kind in SYMMETRIES and ("" not in points or kind in WITH_CENTER):
            found.append(normal(Fact(kind, points)))
    return found


def follow(fact: Fact, axioms: dict[str, tuple[str, ...]]) -> list[Fact]:
    """What one statement says about others by a table."""
    return [f for line in axioms.get(fact.kind, ()) for f in read_axiom(line, fact)]


@lru_cache(maxsize=2**12)
def expand(fact: Fact) -> frozenset[Fact]:
    """A statement with everything that follows from it alone."""
    found, queue = {normal(fact)}, [normal(fact)]
    while queue:
        for new in follow(queue.pop(), IMPLIES):
            if new not in found:
                found.add(new)
                queue.append(new)
    return frozenset(found)
