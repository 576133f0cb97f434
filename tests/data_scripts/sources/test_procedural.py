"""The procedural source: figures by number, the same for ever, held-out ones apart."""

import numpy as np

from data_scripts.sources.procedural import FAMILIES, LETTERS, draw_letters, figure_at


def test_a_figure_is_a_function_of_seed_split_and_number():
    for index in (0, 7, 1000):
        first, second = (figure_at(3, "train", index) for _ in range(2))
        assert first[0] == second[0] == f"procedural/3/train/{index}/{first[0].rsplit('/', 1)[1]}"
        assert first[1] == second[1]
        assert first[2].random() == second[2].random()


def test_splits_and_seeds_give_other_figures():
    keys = [(0, "train"), (0, "validation"), (0, "test"), (1, "train")]
    drawn = [tuple(figure_at(seed, split, i)[1] for i in range(10)) for seed, split in keys]
    assert all(a != b for i, a in enumerate(drawn) for b in drawn[:i])


def test_every_family_comes_up():
    assert {figure_at(0, "train", i)[0].rsplit("/", 1)[1] for i in range(120)} == set(FAMILIES)


def test_letters():
    assert not set(LETTERS) & set("IJO")
    for seed in range(20):
        assert sorted(draw_letters(np.random.default_rng(seed))) == sorted(LETTERS)
