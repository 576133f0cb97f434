"""Every kind of fact is told true, visibly false or too close to call, however the figure lies and is named."""

import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.diagram import Circle, Diagram, Fact
from data_scripts.diagram.facts import KINDS, canonical, check, statements

from ..samples import figure, programs
from .fact_examples import EXAMPLES, TRIANGLE, VERDICTS


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
            if d is not None and KINDS[kind].turns:
                assert check(example_fact(kind), moved(d, **similarity)) is verdict, kind


def random_diagram(rng: np.random.Generator) -> Diagram:
    """Eight points on a coarse grid, moved a little, most lines, and two circles: many relations nearly hold."""
    names = "ABCDEFGH"
    at = rng.integers(0, 4, size=(8, 2)) * 3 + rng.normal(0, 0.25, size=(8, 2))
    pairs = [(a, b) for a in names for b in names if a < b and rng.random() < 0.6]
    circles = tuple(Circle(str(o), float(rng.uniform(2, 6))) for o in rng.choice(list(names), size=2, replace=False))
    return Diagram({n: (float(x), float(y)) for n, (x, y) in zip(names, at, strict=True)}, tuple(pairs), circles)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), similarities)
def test_facts_that_mean_the_same_have_the_same_verdict(seed, similarity):
    rng = np.random.default_rng(seed)
    plain = random_diagram(rng)
    with_axes = replace(plain, axes=True, curves=((0.5, -2.0, 3.0),))
    turned = moved(plain, **similarity)
    for kind, spec in KINDS.items():
        d = plain if spec.turns else with_axes
        points = tuple(rng.permutation(list(d.points))[: len(spec.symmetries[0])].tolist())
        fact = Fact(kind, points)
        for order in spec.symmetries:
            same = Fact(kind, tuple(points[i] for i in order))
            assert canonical(same) == canonical(fact)
            assert check(same, d) is check(fact, d), same
        if spec.turns:
            assert check(fact, turned) is check(fact, d), fact


@pytest.mark.parametrize("kind", KINDS)
def test_symmetries_form_a_group_and_the_canonical_name_is_one_of_them(kind):
    orders = set(KINDS[kind].symmetries)
    assert len(orders) == len(KINDS[kind].symmetries)
    assert {tuple(f[i] for i in g) for f in orders for g in orders} == orders
    points = tuple("ABCDEF"[: len(next(iter(orders)))])
    if len(KINDS[kind].symmetries[0]) > len(points):
        return  # the classes of eight points are too many to list
    classes = {canonical(Fact(kind, p)) for p in permutations(points)}
    assert len(classes) == math.factorial(len(points)) // len(orders)
    assert all(canonical(f) == f for f in classes)


def test_statements_ignore_order_and_naming():
    first = [Fact("segment", ("A", "B")), Fact("quadrilateral", tuple("ABCD"))]
    assert statements(first) == statements([Fact("quadrilateral", tuple("DCBA")), Fact("segment", ("B", "A"))])
    assert statements(first) != statements([Fact("quadrilateral", tuple("ACBD")), Fact("segment", ("B", "A"))])


@pytest.mark.parametrize("fact", [Fact("ellipse", ("A",)), Fact("triangle", ("A", "B"))])
def test_an_unknown_fact_is_refused(fact):
    with pytest.raises(ValueError, match="unknown fact"):
        check(fact, figure("A 0 0 B 6 0 C 3 5", TRIANGLE))


def test_a_fact_that_is_never_false_of_its_own_figure():
    for program in programs(40):
        for fact in program.diagram.facts:
            assert check(fact, program.diagram) is True


@pytest.mark.parametrize(
    ("fact", "lines", "verdict"),
    [
        (Fact("parallel", ("A", "B", "D", "C")), "AD BC", None),  # a rectangle without two of its sides
        (Fact("parallel", ("A", "B", "A", "D")), "AD BC", False),
        (Fact("midpoint", ("M", "A", "B")), "AD BC", None),
        (Fact("midpoint", ("M", "A", "D")), "AD BC", False),
        (Fact("radius", ("B", "M")), "AD BC", None),
        (Fact("radius", ("M", "B")), "AD MB", None),  # MB is a radius, of the circle about M
        (Fact("quadrilateral_circumcircle", ("E", "A", "B", "C", "D")), "AB BC CD DA", True),
        (Fact("quadrilateral_circumcircle", ("E", "A", "C", "B", "D")), "AB BC CD DA", None),  # the same four points
        (Fact("intersect", ("E", "A", "F", "B", "D")), "AF BD", None),  # F is short of E
        (Fact("intersect", ("F", "A", "C", "B", "D")), "AC BD", False),
        (Fact("rectangle", ("A", "B", "C", "D")), "AD BC", False),  # the caption names it as one of the objects
    ],
)
def test_what_holds_of_points_is_not_proven_false_by_a_line_that_nobody_drew(fact, lines, verdict):
    places = "A 0 0 B 4 0 C 4 3 D 0 3 M 2 0 E 2 1.5 F 1 0.75"
    assert check(fact, figure(places, lines, "E 2.5 M 2")) is verdict
