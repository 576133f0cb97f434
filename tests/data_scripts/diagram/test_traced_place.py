"""The place of a figure in its picture: its frame and the middle of its lines."""

import math

import pytest

from data_scripts.diagram.traced_place import Place

from ..samples import figure

BOX = Place.of(figure("A 0 0 B 80 0 C 80 40 D 0 40", "AB BC CD DA"))


def test_a_symmetric_figure_has_its_middle_in_the_middle():
    assert (BOX.proportions, BOX.aside, BOX.above) == pytest.approx((math.log(2), 0, 0))
    assert BOX.passes_for(BOX)


def test_the_middle_is_that_of_the_lines_by_their_length():
    bent = Place.of(figure("A 0 0 B 80 0 C 80 40", "AB BC"))
    assert (bent.aside, bent.above) == pytest.approx((13.333 / 80, -13.333 / 80), abs=1e-4)
    assert not bent.passes_for(BOX)


def test_a_circle_counts_with_its_reach_and_its_length():
    wheel = Place.of(figure("O 0 0 A 20 0", "OA", "O 20"))
    assert (wheel.proportions, wheel.above) == pytest.approx((0, 0))
    assert wheel.aside == pytest.approx(20 * 10 / (20 + 40 * math.pi) / 40)


def test_size_and_sides_make_no_difference_but_up_and_down_do():
    right, mirrored, larger = (
        Place.of(figure(points, "AB BC CA"))
        for points in ("A 0 60 B 0 0 C 90 0", "A 90 60 B 90 0 C 0 0", "A 0 6 B 0 0 C 9 0")
    )
    assert right.passes_for(mirrored) and right.passes_for(larger)
    assert not right.passes_for(Place.of(figure("A 0 0 B 0 60 C 90 60", "AB BC CA")))


def test_another_frame_does_not_pass():
    assert not BOX.passes_for(Place.of(figure("A 0 0 B 80 0 C 80 50 D 0 50", "AB BC CD DA")))
