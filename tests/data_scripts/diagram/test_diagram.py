"""The solved figure: relabelling, and the JSON that the facts column holds."""

import numpy as np
import pytest

from data_scripts.diagram import Diagram, Fact
from data_scripts.diagram.facts import check
from data_scripts.sources.procedural import draw_program

from ..samples import figure, programs, traced_triangle


def test_relabelling_renames_everything_and_back():
    for program in programs(30):
        d = program.diagram
        names = list(d.points)
        around = dict(zip(names, names[1:] + names[:1], strict=True))
        other = d.relabel(around)
        assert other.points[around[names[0]]] == d.points[names[0]]
        assert all(check(f, other) is True for f in other.facts)
        assert other.relabel({new: old for old, new in around.items()}) == d


def test_facts_column_round_trip():
    for d in (*(p.diagram for p in programs(30)), traced_triangle().diagram):
        read = Diagram.from_json(d.to_json())
        assert read.segments == d.segments and read.marks == d.marks and read.facts == d.facts
        assert [c.center for c in read.circles] == [c.center for c in d.circles]
        for name, xy in d.points.items():
            assert read.points[name] == pytest.approx(xy, abs=1e-4)
        assert all(check(f, read) is True for f in read.facts)


def test_axes_and_curves_travel_and_older_columns_are_still_read():
    d = draw_program("axes_parabola", np.random.default_rng(0)).diagram
    read = Diagram.from_json(d.to_json())
    assert d.axes and d.curves and read.axes and read.axis_box == d.axis_box
    assert np.array(read.curves) == pytest.approx(np.array(d.curves))
    assert d.relabel({name: name.lower() for name in d.points}).curves == d.curves
    older = '{"facts": [], "points": {"A": [0, 1]}, "segments": [], "circles": [], "marks": []}'
    assert Diagram.from_json(older) == Diagram({"A": (0, 1)})
    assert "axes" not in Diagram.from_json(older).to_json()


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"points": []}', '{"points": {"A": [1]}}', "not json"])
def test_a_column_that_holds_no_diagram_is_refused(text):
    with pytest.raises(ValueError, match="does not hold a diagram"):
        Diagram.from_json(text)


def test_relabel_keeps_what_the_mapping_does_not_name():
    d = figure("A 0 0 B 4 0 C 0 3", "AB BC CA")
    assert list(d.relabel({"A": "Z"}).points) == ["Z", "B", "C"]
    assert Fact("segment", ("A", "B")).relabel({"A": "Z"}) == Fact("segment", ("Z", "B"))
