"""Shortcuts: found where they are planted, none in our own rows."""

from collections import Counter

import numpy as np
import pytest

from data_scripts.rows import CONFIGS, RowOptions, build_rows
from data_scripts.shortcuts import measure_shortcuts
from data_scripts.sources import geometry3k, procedural

from .samples import LOGIC_FORMS, needs_logic_forms

PROPERTIES = {"ink", "file size", "mark count", "position", "style", "letters"}
NUM_FIGURES = 160


@pytest.fixture(
    scope="module",
    params=[
        pytest.param({"num_image_negatives": 3, "num_rule_negatives": 0}, id="image negatives"),
        pytest.param({"num_image_negatives": 0, "num_rule_negatives": 1, "num_drawn_negatives": 3}, id="drawn ones"),
    ],
)
def pairs(request) -> dict[str, list]:
    """Measures of positives and negatives of the first procedural figures, by configuration."""
    found: dict[str, list] = {config: [] for config in CONFIGS}
    options = RowOptions(image_size=224, **request.param)
    for index in range(NUM_FIGURES):
        row_id, program, rng = procedural.figure_at(0, "train", index)
        dropped = {config: Counter() for config in CONFIGS}
        for config, built in (build_rows(program, row_id, "procedural", rng, options, dropped) or {}).items():
            found[config] += [built.measures] if built.measures else []
    return found


@pytest.mark.parametrize("config", CONFIGS)
def test_nothing_shallow_tells_a_positive_from_its_negatives(config, pairs):
    report = measure_shortcuts(pairs[config])
    assert report["pairs"] > 0.8 * NUM_FIGURES and set(report) == {"pairs", *PROPERTIES}
    for name in PROPERTIES:
        # four standard errors of an AUC over so few pairs; builds of 5,000 pairs are held to 0.03
        assert report[name]["auc"] == pytest.approx(0.5, abs=0.13), name
        assert report[name]["paired"] == pytest.approx(0.5, abs=0.16), name


@needs_logic_forms
@pytest.mark.parametrize("config", CONFIGS)
def test_no_count_tells_a_figure_as_printed_from_its_negatives(config):
    options = RowOptions(96, num_image_negatives=4, num_rule_negatives=0, configs=(config,), turn=False)
    records = geometry3k.shuffled(LOGIC_FORMS, "train", 0)[:40]
    pairs = []
    for row_id, figure, rng in geometry3k.figures(records, "train", 0, Counter()):
        built = build_rows(figure, row_id, "geometry3k", rng, options, {config: Counter()})
        pairs += [built[config].measures] if built else []
    alike = [positive["mark count"] == negative["mark count"] for positive, negative in pairs]
    assert len(pairs) > 25 and np.mean(alike) > 0.95  # a point may need its dot at one size of the figure alone


def planted(rng: np.random.Generator, shift: float) -> list:
    def one(by: float) -> dict:
        return {"ink": [float(rng.normal()) + by], "style": [float(rng.normal())]}

    return [(one(0.0), one(shift)) for _ in range(300)]


def test_a_planted_shortcut_is_found_and_only_that():
    report = measure_shortcuts(planted(np.random.default_rng(0), 3.0))
    assert report["ink"]["auc"] > 0.95 and report["ink"]["paired"] > 0.95
    assert report["style"]["auc"] == pytest.approx(0.5, abs=0.1)


def test_equal_pictures_are_a_tie():
    same = [({"ink": [1.0]}, {"ink": [1.0]})] * 50
    assert measure_shortcuts(same)["ink"] == {"auc": 0.5, "paired": 0.5}


def test_the_same_pairs_give_the_same_report_and_few_give_none():
    pairs = planted(np.random.default_rng(1), 0.5)
    assert measure_shortcuts(pairs) == measure_shortcuts(pairs)
    assert measure_shortcuts(pairs[:9]) == {"pairs": 9}
