"""What is compared trains the same thing: our trainer with all its savings, and the plain loop without any."""

import pytest
import torch
from transformers import AutoModel

from data_scripts.encoded_images import undecoded
from tests.benchmarks.training import BenchmarkArguments, parse_case, save_model
from tests.benchmarks.training_contenders import Case, Turns, columns, mmgeo, negatives_of, plain_loop, trimmed
from tests.trainers.rows import hard_negative_row, hard_negatives
from trainers.train_mmclip import all_captions

STEPS = 2
ROWS = [hard_negative_row(number, num_images=3, num_rules=2, num_retrieved=1) for number in range(4)]


@pytest.mark.parametrize("kind", ["image", "text"])
def test_the_plain_loop_and_ours_learn_the_same(tmp_path, kind):
    rows, case = hard_negatives(ROWS), Case(kind, 3, batch_size=2)
    model = save_model(list(all_captions(rows)), layers=1, seed=0, folder=tmp_path / "model")
    start = AutoModel.from_pretrained(model).state_dict()
    # With every patch: blank ones are another input, not another way to compute.
    weights = plain_loop(case, rows, model, Turns(), STEPS).state_dict()
    ours = mmgeo(case, rows, model, Turns(), STEPS, skip_blank_patches=False).backbone.state_dict()
    moved = torch.cat([(weights[name] - start[name]).flatten().abs() for name in start])
    apart = torch.cat([(weights[name] - ours[name]).flatten().abs() for name in start])
    assert moved.mean() > 2e-5
    # Adam's first steps are as long for a gradient of rounding as for any: few weights may differ, not most.
    assert apart.mean() < moved.mean() / 50


def test_all_are_given_the_same_negatives():
    rows = hard_negatives([*ROWS, hard_negative_row(4, num_images=1)])
    case = Case("image", 2, 1)
    taken = undecoded(trimmed(rows, case, most=10))
    assert len(taken) == len(ROWS)
    for row, source in zip(taken, ROWS, strict=True):
        assert row["negative_images"] == negatives_of(row, case) == source["negative_images"][:2]
        assert row["negative_captions"] == source["negative_captions"][:2]
        assert row["rule_captions"] == row["retrieved_captions"] == []


def test_sentence_transformers_reads_the_same_negatives():
    rows = hard_negatives(ROWS)
    texts = columns(Case("text", 3, 2), rows)
    assert texts.column_names == ["anchor", "positive", "negative_1", "negative_2", "negative_3"]
    assert [texts[1][f"negative_{k}"] for k in (1, 2, 3)] == negatives_of(ROWS[1], Case("text", 3, 2))
    images = columns(Case("image", 2, 2), rows)
    assert images[0]["anchor"] == ROWS[0]["caption"]
    assert images[0]["negative_2"].tobytes() == rows[0]["negative_images"][1].tobytes()


def test_cases_are_checked():
    assert parse_case("image:10", 4) == Case("image", 10, 4)
    for wrong in ("image", "sound:3", "text:0", "text:x"):
        with pytest.raises(ValueError, match="kind and a number"):
            parse_case(wrong, 4)
    with pytest.raises(ValueError, match="none of the --cases"):
        BenchmarkArguments(cases=["image:5"], waterfalls=["text:40"])
