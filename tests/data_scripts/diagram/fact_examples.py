"""For every kind of fact, a figure of which it is true, one of which it is visibly false, one too close to call."""

import math
from dataclasses import replace

from data_scripts.diagram import Diagram, Mark

from ..samples import figure


def polygon(n: int, stretch: float = 1.0, pulled: float = 1.0, order: str = "") -> Diagram:
    """A regular polygon on A, B, ..., stretched sideways, or with its first corner pulled to the middle."""
    names = "ABCDEFGH"[:n]
    at = {p: (stretch * math.cos(math.tau * i / n), math.sin(math.tau * i / n)) for i, p in enumerate(names)}
    at["A"] = (at["A"][0] * pulled, at["A"][1] * pulled)
    order = order or names
    return Diagram(at, tuple(zip(order, order[1:] + order[0], strict=True)))


def ticks(*parts: str, counts: tuple[int, ...]) -> tuple[Mark, ...]:
    return tuple(Mark("ticks", tuple(p), count=n) for p, n in zip(parts, counts, strict=True))


def arcs(*parts: str, counts: tuple[int, ...]) -> tuple[Mark, ...]:
    return tuple(Mark("arcs", tuple(p), count=n) for p, n in zip(parts, counts, strict=True))


def on_axes(points: str, lines: str = "", *curves: tuple[float, float, float]) -> Diagram:
    return replace(figure(points, lines), axes=True, curves=curves)


TRIANGLE, QUAD, CUT, PAIR = "AB BC CA", "AB BC CD DA", "AB BC CA MN", "AB BC CA DE EF FD"
UP, DOWN = (1, -4, 3), (-1, 4, -5)  # parabolas with their vertex at (2, -1)
ROOF = "B 0 0 C 8 0 A 3 5 "  # a triangle whose cevians end in D
HOUSE = "A 4 6 B 0 0 C 8 0 "
FAN = "A 0 0 B 5 0 C 4 3 D 0 5"  # angle BAC is 37 degrees, CAD is 53
EVEN_FAN = "A 0 0 B 5 0 C 3 3 D 0 5"
FAN_ARCS = ("BAC", "CAD")

# kind: the points of the fact, then a figure of which it is true, one where it is visibly false, one too close to call
EXAMPLES: dict[str, tuple[str, Diagram, Diagram, Diagram | None]] = {
    "triangle": (
        "ABC",
        figure("A 0 0 B 6 0 C 3 5", TRIANGLE),
        figure("A 0 0 B 6 0 C 3 5", "AB BC"),
        figure("A 0 0 B 6 0 C 3 0.4", TRIANGLE),
    ),
    "right_triangle": (
        "ABC",
        figure("A 0 0 B 4 0 C 0 3", TRIANGLE),
        figure("A 0 0 B 4 0 C 2 3", TRIANGLE),
        figure("A 0 0 B 4 0 C 0.5 3", TRIANGLE),
    ),
    "isosceles_triangle": (
        "ABC",
        figure("A 3 5 B 0 0 C 6 0", TRIANGLE),
        figure("A 1 5 B 0 0 C 6 0", TRIANGLE),
        figure("A 2.5 5 B 0 0 C 6 0", TRIANGLE),
    ),
    "equilateral_triangle": (
        "ABC",
        figure("A 0 0 B 4 0 C 2 3.464", TRIANGLE),
        figure("A 0 0 B 4 0 C 2 5", TRIANGLE),
        figure("A 0 0 B 4 0 C 2 3.8", TRIANGLE),
    ),
    "quadrilateral": (
        "ABCD",
        figure("A 0 0 B 4 0 C 5 3 D 1 4", QUAD),
        figure("A 0 0 B 4 3 C 4 0 D 0 3", QUAD),  # a bow-tie
        figure("A 0 0 B 2 -0.15 C 4 0 D 2 3", QUAD),
    ),
    "trapezoid": (
        "ABCD",
        figure("A 0 0 B 6 0 C 4 3 D 1 3", QUAD),
        figure("A 0 0 B 6 0 C 4 3 D 1 5", QUAD),
        figure("A 0 0 B 6 0 C 4 3 D 1 3.5", QUAD),
    ),
    "kite": (
        "ABCD",
        figure("A 0 2 B 2 0 C 0 -4 D -2 0", QUAD),
        figure("A 0 2 B 2 0 C 0 -4 D -5 0", QUAD),
        figure("A 0 2 B 2 0 C 0 -4 D -2.25 0", QUAD),
    ),
    "parallelogram": (
        "ABCD",
        figure("A 0 0 B 4 0 C 6 3 D 2 3", QUAD),
        figure("A 0 0 B 4 0 C 6 3 D 0 3", QUAD),
        figure("A 0 0 B 4 0 C 6 3 D 1.4 3", QUAD),
    ),
    "rhombus": (
        "ABCD",
        figure("A 0 0 B 5 0 C 8 4 D 3 4", QUAD),
        figure("A 0 0 B 8 0 C 11 4 D 3 4", QUAD),
        figure("A 0 0 B 5.5 0 C 8.5 4 D 3 4", QUAD),
    ),
    "rectangle": (
        "ABCD",
        figure("A 0 0 B 5 0 C 5 3 D 0 3", QUAD),
        figure("A 0 0 B 5 0 C 7 3 D 2 3", QUAD),
        figure("A 0 0 B 5 0 C 5.5 3 D 0.5 3", QUAD),
    ),
    "square": (
        "ABCD",
        figure("A 0 0 B 4 0 C 4 4 D 0 4", QUAD),
        figure("A 0 0 B 7 0 C 7 4 D 0 4", QUAD),
        figure("A 0 0 B 4.4 0 C 4.4 4 D 0 4", QUAD),
    ),
    "regular_pentagon": ("ABCDE", polygon(5), polygon(5, pulled=0.5), polygon(5, stretch=1.1)),
    "regular_hexagon": ("ABCDEF", polygon(6), polygon(6, pulled=0.4), polygon(6, stretch=1.1)),
    "circle": ("O", figure("O 0 0 A 5 0", circles="O 5"), figure("O 0 0 A 5 0"), None),
    "segment": (
        "AB",
        figure("P 0 0 Q 10 0 A 1 0 B 9 0", "PQ"),
        figure("P 0 0 Q 10 0 A 1 3 B 9 0", "PQ"),
        figure("P 0 0 Q 10 0 A 1 0.5 B 9 0.5", "PQ"),
    ),
    "on_segment": (
        "PAB",
        figure("A 0 0 B 10 0 P 3 0", "AB"),
        figure("A 0 0 B 10 0 P 3 2", "AB"),
        figure("A 0 0 B 10 0 P 3 0.5", "AB"),
    ),
    "midpoint": (
        "MAB",
        figure("A 0 0 B 10 0 M 5 0", "AB"),
        figure("A 0 0 B 10 0 M 3 0", "AB"),
        figure("A 0 0 B 10 0 M 5.2 0", "AB"),
    ),
    "parallel": (
        "ABCD",
        figure("A 0 0 B 6 0 C 1 3 D 5 3", "AB CD"),
        figure("A 0 0 B 6 0 C 1 3 D 5 6", "AB CD"),
        figure("A 0 0 B 6 0 C 1 3 D 5 3.6", "AB CD"),
    ),
    "perpendicular": (
        "ABCD",
        figure("A 0 0 B 6 0 C 3 1 D 3 5", "AB CD"),
        figure("A 0 0 B 6 0 C 3 1 D 6 5", "AB CD"),
        figure("A 0 0 B 6 0 C 3 1 D 3.6 5", "AB CD"),
    ),
    "intersect": (
        "PABCD",
        figure("A 0 0 B 6 6 C 6 0 D 0 6 P 3 3", "AB CD"),
        figure("A 0 0 B 6 6 C 6 0 D 0 6 P 5 3", "AB CD"),
        figure("A 0 0 B 6 6 C 6 0 D 0 6 P 3.4 3", "AB CD"),
    ),
    "cevian": (
        "ADBC",
        figure(ROOF + "D 3 0", "AB BC CA AD"),
        figure(ROOF + "D 3 0", "AB BC CA"),
        figure(ROOF + "D 0.25 0", "AB BC CA AD"),
    ),
    "median": (
        "ADBC",
        figure(ROOF + "D 4 0", "AB BC CA AD"),
        figure(ROOF + "D 2 0", "AB BC CA AD"),
        figure(ROOF + "D 4.3 0", "AB BC CA AD"),
    ),
    "altitude": (
        "ADBC",
        figure(ROOF + "D 3 0", "AB BC CA AD"),
        figure(ROOF + "D 6 0", "AB BC CA AD"),
        figure(ROOF + "D 3.8 0", "AB BC CA AD"),
    ),
    "bisector": (
        "ADBC",
        figure(ROOF + "D 3.616 0", "AB BC CA AD"),
        figure(ROOF + "D 6 0", "AB BC CA AD"),
        figure(ROOF + "D 4 0", "AB BC CA AD"),
    ),
    "midline": (
        "MNABC",
        figure(HOUSE + "M 2 3 N 6 3", CUT),
        figure(HOUSE + "M 1 1.5 N 6 3", CUT),
        figure(HOUSE + "M 2.15 3.225 N 6 3", CUT),
    ),
    "parallel_cut": (
        "MNABC",
        figure(HOUSE + "M 3 4.5 N 5 4.5", CUT),
        figure(HOUSE + "M 3 4.5 N 7 1.5", CUT),
        figure(HOUSE + "M 3 4.5 N 5.3 4.05", CUT),
    ),
    "equal_length": (
        "ABCD",
        figure("A 0 0 B 6 0 C 0 3 D 5.5 3", "AB CD", marks=ticks("AB", "CD", counts=(2, 2))),
        figure("A 0 0 B 6 0 C 0 3 D 4 3", "AB CD", marks=ticks("AB", "CD", counts=(1, 2))),
        figure("A 0 0 B 6 0 C 0 3 D 6 3", "AB CD"),
    ),
    "equal_angle": (
        "BACCAD",
        figure(EVEN_FAN, "AB AC AD", marks=arcs(*FAN_ARCS, counts=(1, 1))),
        figure(FAN, "AB AC AD", marks=arcs(*FAN_ARCS, counts=(1, 2))),
        figure(EVEN_FAN, "AB AC AD", marks=arcs(*FAN_ARCS, counts=(1, 2))),
    ),
    "on_circle": (
        "PO",
        figure("O 0 0 P 5 0", circles="O 5"),
        figure("O 0 0 P 3 0", circles="O 5"),
        figure("O 0 0 P 4.5 0", circles="O 5"),
    ),
    "inside_circle": (
        "PO",
        figure("O 0 0 P 3 0", circles="O 5"),
        figure("O 0 0 P 5 0", circles="O 5"),
        figure("O 0 0 P 4.5 0", circles="O 5"),
    ),
    "outside_circle": (
        "PO",
        figure("O 0 0 P 8 0", circles="O 5"),
        figure("O 0 0 P 5 0", circles="O 5"),
        figure("O 0 0 P 5.4 0", circles="O 5"),
    ),
    "radius": (
        "AO",
        figure("O 0 0 A 5 0", "OA", "O 5"),
        figure("O 0 0 A 3 0", "OA", "O 5"),
        figure("O 0 0 A 4.5 0", "OA", "O 5"),
    ),
    "chord": (
        "ABO",
        figure("O 0 0 A 3 4 B -3 4", "AB", "O 5"),
        figure("O 0 0 A 3 4 B -1 1", "AB", "O 5"),
        figure("O 0 0 A 3 4 B -2.7 3.6", "AB", "O 5"),
    ),
    "diameter": (
        "ABO",
        figure("O 0 0 A 5 0 B -5 0", "AB", "O 5"),
        figure("O 0 0 A 5 0 B -3 4", "AB", "O 5"),
        figure("O 0 0 A 5 0 B -4.951 0.696", "AB", "O 5"),
    ),
    "tangent": (
        "PAO",
        figure("O 0 0 A 5 0 P 5 6", "PA", "O 5"),
        figure("O 0 0 A 5 0 P 9 4", "PA", "O 5"),
        figure("O 0 0 A 5 0 P 6 6", "PA", "O 5"),
    ),
    "circumcircle": (
        "OABC",
        figure("O 0 0 A 5 0 B -3 4 C -3 -4", TRIANGLE, "O 5"),
        figure("O 0 0 A 5 0 B -3 4 C -1 -1", TRIANGLE, "O 5"),
        figure("O 0 0 A 5 0 B -3 4 C -2.7 -3.6", TRIANGLE, "O 5"),
    ),
    "incircle": (
        "OABC",
        figure("A 0 0 B 8 0 C 0 6 O 2 2", TRIANGLE, "O 2"),
        figure("A 0 0 B 8 0 C 0 6 O 2 2", TRIANGLE, "O 1"),
        figure("A 0 0 B 8 0 C 0 6 O 2 2", TRIANGLE, "O 1.8"),
    ),
    "length": (
        "AB",
        figure("A 0 0 B 6 0", "AB", marks=(Mark("length", ("B", "A"), "5"),)),
        figure("A 0 0 B 6 0", "AB", marks=(Mark("length", ("A", "B"), "7"),)),
        figure("A 0 0 B 6 0", "AB"),
    ),
    "angle": (
        "BAC",
        figure(FAN, "AB AC AD", marks=(Mark("angle", ("C", "A", "B"), "5"),)),
        figure(FAN, "AB AC AD", marks=(Mark("angle", ("B", "A", "C"), "7"),)),
        figure(FAN, "AB AC AD", marks=(Mark("angle", ("B", "A", "D"), "5"),)),
    ),
    "scalene_triangle": (
        "ABC",
        figure("A 0 0 B 6 0 C 2 3", TRIANGLE),
        figure("A 3 5 B 0 0 C 6 0", TRIANGLE),
        figure("A 1.909 8.795 B 0 0 C 6 0", TRIANGLE),
    ),
    "acute_triangle": (
        "ABC",
        figure("A 3 5 B 0 0 C 6 0", TRIANGLE),
        figure("A 0 0 B 4 0 C 0 3", TRIANGLE),
        figure("A 0.35 4 B 0 0 C 6 0", TRIANGLE),
    ),
    "obtuse_triangle": (
        "ABC",
        figure("A 3 1 B 0 0 C 6 0", TRIANGLE),
        figure("A 0 0 B 4 0 C 0 3", TRIANGLE),
        figure("A 0 0 B 4 0 C -0.418 3.98", TRIANGLE),
    ),
    "isosceles_right_triangle": (
        "ABC",
        figure("A 0 0 B 4 0 C 0 4", TRIANGLE),
        figure("A 0 0 B 4 0 C 2 4", TRIANGLE),
        figure("A 0 0 B 4 0 C 0 4.4", TRIANGLE),
    ),
    "isosceles_trapezoid": (
        "ABCD",
        figure("A 0 0 B 6 0 C 5 3 D 1 3", QUAD),
        figure("A 0 0 B 6 0 C 6 3 D 3 3", QUAD),
        figure("A 0 0 B 6 0 C 5 3 D 1.5 3", QUAD),
    ),
    "right_trapezoid": (
        "ABCD",
        figure("A 0 0 B 6 0 C 4 3 D 0 3", QUAD),
        figure("A 0 0 B 6 0 C 4 3 D 2 3", QUAD),
        figure("A 0 0 B 6 0 C 4 3 D 0.4 3", QUAD),
    ),
    "pentagon": ("ABCDE", polygon(5, stretch=1.5), polygon(5, order="ACEBD"), polygon(5, pulled=0.36)),
    "hexagon": ("ABCDEF", polygon(6, stretch=1.5), polygon(6, order="ACEBDF"), polygon(6, pulled=0.55)),
    "octagon": ("ABCDEFGH", polygon(8, stretch=1.5), polygon(8, order="ACEGBDFH"), polygon(8, pulled=0.75)),
    "regular_octagon": ("ABCDEFGH", polygon(8), polygon(8, pulled=0.5), polygon(8, stretch=1.1)),
    "perpendicular_bisector": (
        "ABCD",
        figure("A 3 4 B 3 -2 C 0 0 D 6 0", "AB CD"),
        figure("A 2 4 B 2 -2 C 0 0 D 6 0", "AB CD"),
        figure("A 2.7 4 B 2.7 -2 C 0 0 D 6 0", "AB CD"),
    ),
    "angle_bisector": (
        "OEAB",
        figure("O 0 0 A 5 0 B 0 5 E 3 3", "OA OB OE"),
        figure("O 0 0 A 5 0 B 0 5 E 4 1", "OA OB OE"),
        figure("O 0 0 A 5 0 B 0 5 E 3 2.5", "OA OB OE"),
    ),
    "centroid": (
        "GABC",
        figure("A 0 0 B 6 0 C 3 6 G 3 2", TRIANGLE),
        figure("A 0 0 B 6 0 C 3 6 G 3 4", TRIANGLE),
        figure("A 0 0 B 6 0 C 3 6 G 3 2.35", TRIANGLE),
    ),
    "orthocenter": (
        "HABC",
        figure("A 0 0 B 6 0 C 2 4 H 2 2", TRIANGLE),
        figure("A 0 0 B 6 0 C 2 4 H 4 1", TRIANGLE),
        figure("A 0 0 B 6 0 C 2 4 H 2.2 2", TRIANGLE),
    ),
    "incenter": (
        "PABC",
        figure("A 0 0 B 8 0 C 0 6 P 2 2", TRIANGLE),
        figure("A 0 0 B 8 0 C 0 6 P 1 3", TRIANGLE),
        figure("A 0 0 B 8 0 C 0 6 P 2.3 2", TRIANGLE),
    ),
    "similar": (
        "ABCDEF",
        figure("A 0 0 B 4 0 C 0 3 D 9 0 E 11 0 F 9 1.5", PAIR),
        figure("A 0 0 B 4 0 C 0 3 D 9 0 E 11 0 F 9 4", PAIR),
        figure("A 0 0 B 4 0 C 0 3 D 9 0 E 11 0 F 9 1.9", PAIR),
    ),
    "congruent": (
        "ABCDEF",
        figure("A 0 0 B 4 0 C 0 3 D 9 0 E 13 0 F 9 3", PAIR),
        figure("A 0 0 B 4 0 C 0 3 D 9 0 E 11 0 F 9 1.5", PAIR),
        figure("A 0 0 B 4 0 C 0 3 D 9 0 E 13.4 0 F 9 3.3", PAIR),
    ),
    "secant": (
        "PABO",
        figure("O 0 0 P 10 0 A 5 0 B -5 0", "PB", "O 5"),
        figure("O 0 0 P 10 0 A 5 0 B -2 0", "PB", "O 5"),
        figure("O 0 0 P 10 0 A 5.4 0 B -5 0", "PB", "O 5"),
    ),
    "quadrilateral_circumcircle": (
        "OABCD",
        figure("O 0 0 A 5 0 B 0 5 C -5 0 D 0 -5", QUAD, "O 5"),
        figure("O 0 0 A 5 0 B 0 5 C -5 0 D 0 -2", QUAD, "O 5"),
        figure("O 0 0 A 5 0 B 0 5 C -5 0 D 0 -4.5", QUAD, "O 5"),
    ),
    "quadrilateral_incircle": (
        "OABCD",
        figure("A 0 0 B 4 0 C 4 4 D 0 4 O 2 2", QUAD, "O 2"),
        figure("A 0 0 B 4 0 C 4 4 D 0 4 O 2 2", QUAD, "O 1"),
        figure("A 0 0 B 4 0 C 4 4 D 0 4 O 2 2", QUAD, "O 1.8"),
    ),
    "axes": ("O", on_axes("O 0 0 A 4 3"), on_axes("O 2 1 A 4 3"), on_axes("O 0.4 0 A 4 3")),
    "rising": ("AB", on_axes("A 1 1 B 4 3", "AB"), on_axes("A 1 3 B 4 1", "AB"), on_axes("A 1 1 B 5 1.56", "AB")),
    "falling": ("AB", on_axes("A 1 3 B 4 1", "AB"), on_axes("A 1 1 B 4 3", "AB"), on_axes("A 1 1.56 B 5 1", "AB")),
    "parallel_x": ("AB", on_axes("A 1 2 B 5 2", "AB"), on_axes("A 1 2 B 4 4", "AB"), on_axes("A 1 2 B 5 2.56", "AB")),
    "parallel_y": ("AB", on_axes("A 2 1 B 2 5", "AB"), on_axes("A 2 1 B 4 4", "AB"), on_axes("A 2 1 B 2.56 5", "AB")),
    "x_intercept": (
        "PAB",
        on_axes("A 1 -2 B 3 2 P 2 0", "AB"),
        on_axes("A 1 -2 B 3 2 P 2.5 1", "AB"),
        on_axes("A 1 -2 B 3 2 P 2.2 0.4", "AB"),
    ),
    "y_intercept": (
        "PAB",
        on_axes("A -2 1 B 2 3 P 0 2", "AB"),
        on_axes("A -2 1 B 2 3 P 1 2.5", "AB"),
        on_axes("A -2 1 B 2 3 P 0.4 2.2", "AB"),
    ),
    "parabola_up": ("V", on_axes("V 2 -1", "", UP), on_axes("V 2 -1", "", DOWN), on_axes("V 2.4 -1", "", UP)),
    "parabola_down": ("V", on_axes("V 2 -1", "", DOWN), on_axes("V 2 -1", "", UP), on_axes("V 2.4 -1", "", DOWN)),
    "on_parabola": ("P", on_axes("P 3 0", "", UP), on_axes("P 2 2", "", UP), on_axes("P 3 0.6", "", UP)),
    "parabola_meets_x": ("P", on_axes("P 3 0", "", UP), on_axes("P 4 3", "", UP), on_axes("P 3.2 0.44", "", UP)),
    "parabola_meets_y": ("P", on_axes("P 0 3", "", UP), on_axes("P 3 0", "", UP), on_axes("P 0.3 1.89", "", UP)),
    "coordinates": (
        "A",
        figure("A 1 2", marks=(Mark("coordinates", ("A",), "5"),)),
        figure("A 1 2", marks=(Mark("coordinates", ("A",), "7"),)),
        figure("A 1 2"),
    ),
}
VERDICTS = (True, False, None)
