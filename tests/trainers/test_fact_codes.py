"""Codes of facts: the same for the same meaning, apart for every edit, and a loss that is the textbook's."""

import subprocess
import sys
from itertools import permutations

import numpy as np
import pytest
import torch

from data_scripts.diagram import Fact
from data_scripts.diagram.facts import KINDS
from data_scripts.sources import procedural
from trainers.fact_codes import SCALE, code_loss, fact_code
from trainers.warm_up_figures import edit_some

SIZE = 192


def fact(kind: str, rng: np.random.Generator) -> Fact:
    """A fact of a kind about random points, with a value if it is of that sort."""
    points = tuple(rng.permutation(list("ABCDEFGHKLMN"))[: len(KINDS[kind].symmetries[0])].tolist())
    return Fact(kind, points, "57°" if KINDS[kind].edit == "value" else "")


@pytest.mark.parametrize("kind", KINDS)
def test_what_means_the_same_has_the_same_code(kind):
    said = fact(kind, np.random.default_rng(0))
    for symmetry in KINDS[kind].symmetries:
        turned = Fact(kind, tuple(said.points[i] for i in symmetry), said.value)
        assert np.allclose(fact_code([said], SIZE), fact_code([turned], SIZE), atol=1e-6)


@pytest.mark.parametrize("kind", [k for k in KINDS if 1 < len(KINDS[k].symmetries[0]) <= 4])
def test_every_other_order_has_another_code(kind):
    said = fact(kind, np.random.default_rng(0))
    same = {tuple(said.points[i] for i in s) for s in KINDS[kind].symmetries}
    for order in set(permutations(said.points)) - same:
        assert fact_code([said], SIZE) @ fact_code([Fact(kind, order, said.value)], SIZE) < 0.99


def test_a_code_does_not_depend_on_the_order_of_facts():
    facts = [fact(kind, np.random.default_rng(1)) for kind in ("triangle", "length", "altitude")]
    assert np.allclose(fact_code(facts, SIZE), fact_code(facts[::-1], SIZE), atol=1e-6)
    assert np.linalg.norm(fact_code(facts, SIZE)) == pytest.approx(1.0, abs=1e-5)


def test_edits_of_one_fact_move_a_code_less_than_other_figures_do():
    rng = np.random.default_rng(0)
    diagrams = [procedural.draw_program(family, rng).diagram for family in list(procedural.FAMILIES) * 2]
    codes = np.stack([fact_code(d.facts, SIZE) for d in diagrams])
    edited = [edit_some(list(d.facts), d, rng) for d in diagrams]
    one = [sum(a != b for a, b in zip(e, d.facts, strict=True)) == 1 for e, d in zip(edited, diagrams, strict=True)]
    moved = np.array([fact_code(e, SIZE) @ code for e, code in zip(edited, codes, strict=True)])
    near, far = moved[one], moved[~np.array(one)]
    assert near.max() < 0.999 and np.median(near) > 0.75
    assert np.median(far) < np.median(near)  # letters exchanged in all facts
    others = codes @ codes.T - 2 * np.eye(len(codes))
    assert others.mean(1).max() < near.min()


def test_whose_value_stands_where_is_told():
    one, other = ([Fact("length", ("A", "B"), a), Fact("length", ("C", "D"), b)] for a, b in (("5", "7"), ("7", "5")))
    assert fact_code(one, SIZE) @ fact_code(other, SIZE) < 0.9
    assert (
        fact_code([Fact("length", ("A", "B"), "35")], SIZE) @ fact_code([Fact("length", ("A", "B"), "53")], SIZE) < 0.9
    )


def test_codes_are_the_same_in_another_process():
    program = (
        "from data_scripts.diagram import Fact; from trainers.fact_codes import fact_code; "
        "print(fact_code([Fact('angle', ('A', 'B', 'C'), '40°')], 16).tobytes().hex())"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert there.splitlines()[-1] == fact_code([Fact("angle", ("A", "B", "C"), "40°")], 16).tobytes().hex()


def test_nothing_said_has_no_code():
    with pytest.raises(ValueError, match="at least one fact"):
        fact_code([], SIZE)


@pytest.mark.parametrize("counts", [(2, 0, 1), (0, 0, 0), (3, 3, 3)])
def test_the_loss_is_the_softmax_over_codes_and_own_edits(counts):
    generator = torch.Generator().manual_seed(0)
    seen, codes, edited = (torch.randn(n, 8, generator=generator) for n in (3, 3, sum(counts)))
    codes, edited = (torch.nn.functional.normalize(x, dim=-1) for x in (codes, edited))
    owner = torch.arange(3).repeat_interleave(torch.tensor(counts))
    loss, told_apart = code_loss(seen * 7, codes, edited, owner)
    expected, rows = [], torch.nn.functional.normalize(seen, dim=-1)
    for i, row in enumerate(rows):
        away = codes[i] - edited[owner == i]
        to_codes = SCALE * torch.cat([codes @ row, codes[i] @ row - away @ row / away.norm(dim=-1)])
        to_embeddings = SCALE * rows @ codes[i]
        expected.append(3 * (1 - codes[i] @ row) - to_codes.log_softmax(0)[i] - to_embeddings.log_softmax(0)[i])
    assert loss == pytest.approx(torch.stack(expected).mean().item(), rel=1e-5)
    assert told_apart.isnan() == (sum(counts) == 0)


def test_the_best_embedding_is_the_code_itself():
    facts = [[fact("triangle", np.random.default_rng(i))] for i in range(4)]
    codes = torch.from_numpy(np.stack([fact_code(f, SIZE) for f in facts]))
    none, owner = torch.empty(0, SIZE), torch.empty(0, dtype=torch.long)
    best = code_loss(codes, codes, none, owner)[0]
    assert best < code_loss(codes.roll(1, 0), codes, none, owner)[0]
    assert (
        best
        < code_loss(
            codes + 0.1 * torch.randn(codes.shape, generator=torch.Generator().manual_seed(0)), codes, none, owner
        )[0]
    )


def test_small_edits_count_as_much_as_large_ones():
    code, aside = torch.eye(8)[:1], torch.eye(8)[1]
    owner = torch.zeros(1, dtype=torch.long)
    pulls = []
    for turn in (0.2, 1.0):
        edited = torch.nn.functional.normalize(code + turn * aside, dim=-1)
        along = torch.nn.functional.normalize(code - edited, dim=-1)
        seen = (code - along * (code @ along.T)).requires_grad_()  # halfway between what is true and what is not
        code_loss(seen, code, edited, owner)[0].backward()
        with_edit = seen.grad.clone()
        seen.grad = None
        code_loss(seen, code, torch.empty(0, 8), torch.empty(0, dtype=torch.long))[0].backward()
        pulls.append(((with_edit - seen.grad) @ along.T).abs().item() * seen.norm().item())
    assert pulls[0] == pytest.approx(pulls[1], rel=0.2)
