"""Constructions: each states what it draws, and its alternatives are visibly something else."""

from collections import Counter
from inspect import signature
from itertools import islice

import numpy as np
import pytest

from data_scripts.diagram.constructions import CONSTRUCTIONS, NoSolution, Sketch, group
from data_scripts.diagram.constructions.base import degrees, meet, project, ray
from data_scripts.diagram.constructions.circles import through
from data_scripts.diagram.constructions.circles_and_polygons import circumcentre
from data_scripts.diagram.diagram import EDIT_KINDS
from data_scripts.diagram.facts import KINDS
from data_scripts.negatives.image import first_false, image_negatives
from data_scripts.sources import families
from data_scripts.sources.procedural import FAMILIES, draw_program

WITHOUT_ALTERNATIVE = {"axes", "circle", "diagonals", "link"}


def test_every_construction_is_used_and_has_an_alternative_of_the_same_edit():
    used = {step.split()[0].lstrip("=") for f in families.FAMILIES.values() for step in f.plan.split("; ")}
    for made in CONSTRUCTIONS.values():
        assert made.group in used or made.name in used, made.name
        assert {other.edit for other in group(made.group)} == {made.edit}
        assert (len(group(made.group)) > 1) == (made.group not in WITHOUT_ALTERNATIVE), made.group
        assert made.edit in ("shape", "relation")
        if not any(p.kind is p.VAR_POSITIONAL for p in signature(made.build).parameters.values()):
            numbers = [p for p in signature(made.build).parameters.values() if p.annotation is float]
            assert len(numbers) == len(made.ranges), made.name


def test_numbers_are_drawn_within_their_ranges():
    for made in CONSTRUCTIONS.values():
        for seed in range(5):
            for value, (low, high, step) in zip(
                made.draw_numbers(np.random.default_rng(seed)), made.ranges, strict=True
            ):
                assert low <= value <= high + 1e-9 and abs((value - low) / step - round((value - low) / step)) < 1e-6


@pytest.mark.parametrize("family", FAMILIES)
def test_negatives_of_every_kind_that_a_family_can_have(family):
    """Letters and values always; shapes and relations where the family has a step of that kind."""
    edits: Counter[str] = Counter()
    possible, total = {"order", "value"}, 0
    for seed in range(6):
        program = draw_program(family, np.random.default_rng(seed))
        for step in program.steps:
            made = CONSTRUCTIONS[step.construction]
            possible |= {made.edit} if len(group(made.group)) > 1 else set()
        found = list(islice(image_negatives(program, 48, np.random.default_rng(seed), 0, Counter()), 8))
        total += len(found)
        for negative in found:
            edits.update(negative.edits.split("+"))
            assert first_false(negative.diagram.facts, program.diagram) is not None
            assert first_false(program.diagram.facts, negative.diagram) is not None
    assert set(edits) == possible & set(EDIT_KINDS)
    assert total >= 0.8 * 6 * 8


def test_every_alternative_is_proven_different_from_some_other_of_its_group():
    """Over many negatives, each construction that stands in for another is told from it on the coordinates."""
    swapped: Counter[tuple[str, str]] = Counter()
    for i, family in enumerate(FAMILIES):
        for seed in range(12):
            rng = np.random.default_rng([i, seed])
            program = draw_program(family, rng)
            for kind in ("shape", "relation"):
                edited = program.edit(kind, rng)
                if edited is None or first_false(edited.diagram.facts, program.diagram) is None:
                    continue
                for before, after in zip(program.steps, edited.steps, strict=True):
                    if before.construction != after.construction:
                        swapped[after.construction, before.construction] += 1
    reached = {name for pair in swapped for name in pair}
    missing = {m.name for m in CONSTRUCTIONS.values() if m.group not in WITHOUT_ALTERNATIVE} - reached
    assert not missing, missing


def test_facts_name_kinds_that_there_are():
    stated = Counter()
    for family in FAMILIES:
        for seed in range(12):
            stated.update(f.kind for f in draw_program(family, np.random.default_rng(seed)).diagram.facts)
    assert set(stated) <= set(KINDS)
    assert len(stated) >= 55


def test_plane_geometry():
    assert meet(0j, 1 + 0j, 2 + 2j, 1j) == pytest.approx(2 + 0j)
    assert project(3 + 5j, 0j, 10 + 0j) == pytest.approx(3 + 0j)
    assert degrees(ray(130)) == pytest.approx(130)
    o = circumcentre(0j, 4 + 0j, 1 + 3j)
    assert [abs(o - p) for p in (0, 4, 1 + 3j)] == pytest.approx([5**0.5] * 3)
    sketch = Sketch()
    sketch.at["O"] = 0j
    sketch.circle("O", 5)
    assert through(sketch, "O", 3 + 0j, 1j) == pytest.approx((3 - 4j, 3 + 4j))


@pytest.mark.parametrize(
    "impossible",
    [
        lambda s: meet(0j, 1 + 1j, 3j, 2 + 2j),
        lambda s: project(1j, 2 + 0j, 2 + 0j),
        lambda s: circumcentre(0j, 1 + 0j, 2 + 0j),
        lambda s: through(s, "O", 9 + 0j, 1j),
        lambda s: s.radius("P"),
    ],
)
def test_what_cannot_be_constructed_says_so(impossible):
    sketch = Sketch()
    sketch.at["O"] = 0j
    sketch.circle("O", 5)
    with pytest.raises(NoSolution):
        impossible(sketch)
