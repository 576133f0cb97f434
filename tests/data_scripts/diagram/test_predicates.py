"""Measurements on coordinates, and what a person sees of lines, marks and polygons."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.diagram import Diagram, Fact, Mark
from data_scripts.diagram.facts import angle_at, check, off_segment, same_object

from ..samples import figure
from .fact_examples import TRIANGLE, polygon, ticks
from .test_facts import moved


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=6, max_size=6))
def test_distance_from_a_segment_as_shapely_measures_it(numbers):
    a, b, p = (tuple(numbers[i : i + 2]) for i in (0, 2, 4))
    d = Diagram({"A": a, "B": b, "P": p})
    # shapely divides by the square of the segment's length, and says inf where that vanishes.
    if d.size > 1e-3 and not 0 < math.dist(a, b) < 1e-100:
        expected = shapely.distance(shapely.LineString([a, b]), shapely.Point(p))
        assert off_segment(d, "P", "A", "B") * d.size == pytest.approx(expected, abs=1e-6)


def test_a_segment_whose_squared_length_vanishes_is_a_point():
    d = Diagram({"A": (4e-273, 0.0), "B": (0.0, 0.0), "P": (0.0, 1.0)})
    assert off_segment(d, "P", "A", "B") * d.size == pytest.approx(1.0)


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
