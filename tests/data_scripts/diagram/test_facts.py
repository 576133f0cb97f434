"""Every kind of fact is told true, visibly false or too close to call, however the figure lies and is named."""

import math
from itertools import permutations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.diagram import Circle, Diagram, Fact, Mark
from data_scripts.diagram.facts import KINDS, angle_at, canonical, check, off_segment, same_object, statements

from ..samples import figure, programs


def polygon(n: int, stretch: float = 1.0, pulled: float = 1.0, order: str = "") -> Diagram:
    """A regular polygon on A, B, ..., stretched sideways, or with its first corner pulled to the middle."""
    names = "ABCDEF"[:n]
    at = {p: (stretch * math.cos(math.tau * i / n), math.sin(math.tau * i / n)) for i, p in enumerate(names)}
    at["A"] = (at["A"][0] * pulled, at["A"][1] * pulled)
    order = order or names
    return Diagram(at, tuple(zip(order, order[1:] + order[0], strict=True)))


def ticks(*parts: str, counts: tuple[int, ...]) -> tuple[Mark, ...]:
    return tuple(Mark("ticks", tuple(p), count=n) for p, n in zip(parts, counts, strict=True))


def arcs(*parts: str, counts: tuple[int, ...]) -> tuple[Mark, ...]:
    return tuple(Mark("arcs", tuple(p), count=n) for p, n in zip(parts, counts, strict=True))


TRIANGLE, QUAD, CUT = "AB BC CA", "AB BC CD DA", "AB BC CA MN"
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
        figure("O 0 0 A 5 0", "", "O 5"),
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
}
VERDICTS = (True, False, None)


def example_fact(kind: str) -> Fact:
    return Fact(kind, tuple(EXAMPLES[kind][0]), "5" if KINDS[kind].edit == "value" else "")


def moved(d: Diagram, turn: float, scale: float, shift: tuple[float, float], mirror: bool) -> Diagram:
    """The figure turned, scaled, shifted and mirrored."""
    c, s, flip = scale * math.cos(turn), scale * math.sin(turn), -1 if mirror else 1
    points = {n: (c * flip * x - s * y + shift[0], s * flip * x + c * y + shift[1]) for n, (x, y) in d.points.items()}
    circles = tuple(Circle(k.center, scale * k.radius) for k in d.circles)
    return Diagram(points, d.segments, circles, d.marks, d.facts)


similarities = st.fixed_dictionaries(
    {
        "turn": st.floats(0, math.tau),
        "scale": st.floats(0.05, 50),
        "shift": st.tuples(st.floats(-100, 100), st.floats(-100, 100)),
        "mirror": st.booleans(),
    }
)


def test_there_is_an_example_of_every_kind():
    assert set(EXAMPLES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_true_false_and_too_close_to_call(kind):
    verdicts = tuple(check(example_fact(kind), d) for d in EXAMPLES[kind][1:] if d is not None)
    assert verdicts == VERDICTS[: len(verdicts)]


@settings(max_examples=40, deadline=None)
@given(similarities)
def test_verdicts_do_not_depend_on_how_the_figure_lies(similarity):
    for kind, (_, *diagrams) in EXAMPLES.items():
        for d, verdict in zip(diagrams, VERDICTS, strict=True):
            if d is not None:
                assert check(example_fact(kind), moved(d, **similarity)) is verdict, kind


def random_diagram(rng: np.random.Generator) -> Diagram:
    """Six points on a coarse grid, moved a little, half of all lines, and two circles: many relations nearly hold."""
    names = "ABCDEF"
    at = rng.integers(0, 4, size=(6, 2)) * 3 + rng.normal(0, 0.25, size=(6, 2))
    pairs = [(a, b) for a in names for b in names if a < b and rng.random() < 0.6]
    circles = tuple(Circle(str(o), float(rng.uniform(2, 6))) for o in rng.choice(list(names), size=2, replace=False))
    return Diagram({n: (float(x), float(y)) for n, (x, y) in zip(names, at, strict=True)}, tuple(pairs), circles)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), similarities)
def test_facts_that_mean_the_same_have_the_same_verdict(seed, similarity):
    rng = np.random.default_rng(seed)
    d = random_diagram(rng)
    turned = moved(d, **similarity)
    for kind, spec in KINDS.items():
        points = tuple(rng.permutation(list(d.points))[: len(spec.symmetries[0])].tolist())
        fact = Fact(kind, points)
        for order in spec.symmetries:
            same = Fact(kind, tuple(points[i] for i in order))
            assert canonical(same) == canonical(fact)
            assert check(same, d) is check(fact, d), same
        assert check(fact, turned) is check(fact, d), fact


@pytest.mark.parametrize("kind", KINDS)
def test_symmetries_form_a_group_and_the_canonical_name_is_one_of_them(kind):
    orders = set(KINDS[kind].symmetries)
    assert len(orders) == len(KINDS[kind].symmetries)
    assert {tuple(f[i] for i in g) for f in orders for g in orders} == orders
    points = tuple("ABCDEF"[: len(next(iter(orders)))])
    classes = {canonical(Fact(kind, p)) for p in permutations(points)}
    assert len(classes) == math.factorial(len(points)) // len(orders)
    assert all(canonical(f) == f for f in classes)


def test_statements_ignore_order_and_naming():
    first = [Fact("segment", ("A", "B")), Fact("quadrilateral", tuple("ABCD"))]
    assert statements(first) == statements([Fact("quadrilateral", tuple("DCBA")), Fact("segment", ("B", "A"))])
    assert statements(first) != statements([Fact("quadrilateral", tuple("ACBD")), Fact("segment", ("B", "A"))])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=6, max_size=6))
def test_distance_from_a_segment_as_shapely_measures_it(numbers):
    a, b, p = (tuple(numbers[i : i + 2]) for i in (0, 2, 4))
    d = Diagram({"A": a, "B": b, "P": p})
    if d.size > 1e-3:
        expected = shapely.distance(shapely.LineString([a, b]), shapely.Point(p))
        assert off_segment(d, "P", "A", "B") * d.size == pytest.approx(expected, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 179.9), st.floats(0, 360), st.floats(0.5, 20), st.floats(0.5, 20))
def test_angles_by_the_law_of_cosines(degrees, turn, first, second):
    ways = np.radians([turn, turn + degrees])
    d = Diagram(
        {
            "B": (0, 0),
            "A": (first * np.cos(ways[0]), first * np.sin(ways[0])),
            "C": (second * np.cos(ways[1]), second * np.sin(ways[1])),
        }
    )
    side = math.dist(d.points["A"], d.points["C"])
    cosine = (first**2 + second**2 - side**2) / (2 * first * second)
    assert angle_at(d, "A", "B", "C") == pytest.approx(math.degrees(math.acos(max(-1, min(1, cosine)))), abs=1e-3)


def test_size_is_the_diameter_however_the_figure_is_turned():
    ring = figure("O 0 0 A 9 0", circles="O 5")
    assert ring.size == pytest.approx(14)
    assert moved(ring, 0.7, 1.0, (3, 4), True).size == pytest.approx(14)


def test_a_line_made_of_pieces_is_drawn():
    d = figure("A 0 0 B 10 0 C 4 0 D 7 0 E 4 5", "AC CD DB CE")
    assert check(Fact("segment", ("A", "B")), d) is True
    assert check(Fact("segment", ("A", "E")), d) is False
    broken = figure("A 0 0 B 10 0 C 4 0 D 7 0 E 4 5", "AC DB CE")
    assert check(Fact("segment", ("A", "B")), broken) is False


def test_a_pentagram_is_no_pentagon():
    assert check(Fact("regular_pentagon", tuple("ACEBD")), polygon(5, order="ACEBD")) is False


def test_same_angle_under_another_name():
    d = figure("A 0 0 B 10 0 C 0 8 D 5 0", "AB AC")
    assert same_object(d, ("C", "A", "D"), ("B", "A", "C"))
    assert not same_object(d, ("C", "D", "A"), ("C", "A", "D"))
    named = Diagram(d.points, d.segments, marks=(Mark("angle", ("D", "A", "C"), "90°"),))
    assert check(Fact("angle", ("B", "A", "C"), "90°"), named) is True
    assert check(Fact("angle", ("B", "A", "C"), "80°"), named) is False


def test_marks_that_differ_do_not_make_equal_parts_unequal():
    d = figure("A 0 0 B 6 0 C 0 3 D 6 3", "AB CD", marks=ticks("AB", "CD", counts=(1, 2)))
    assert check(Fact("equal_length", tuple("ABCD")), d) is None


def test_marks_and_looks_that_contradict_one_another_prove_nothing():
    d = figure("A 0 0 B 6 0 C 0 3 D 4 3", "AB CD", marks=ticks("AB", "CD", counts=(2, 2)))
    assert check(Fact("equal_length", tuple("ABCD")), d) is None


def test_what_a_figure_does_not_have_is_false_of_it():
    d = figure("A 0 0 B 6 0 C 3 5", TRIANGLE)
    assert check(Fact("segment", ("A", "Z")), d) is False
    assert check(Fact("triangle", ("A", "A", "B")), d) is False
    assert check(Fact("on_circle", ("A", "B")), d) is False


@pytest.mark.parametrize("fact", [Fact("ellipse", ("A",)), Fact("triangle", ("A", "B"))])
def test_an_unknown_fact_is_refused(fact):
    with pytest.raises(ValueError, match="unknown fact"):
        check(fact, figure("A 0 0 B 6 0 C 3 5", TRIANGLE))


def test_a_fact_that_is_never_false_of_its_own_figure():
    for program in programs(40):
        for fact in program.diagram.facts:
            assert check(fact, program.diagram) is True
