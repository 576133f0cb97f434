"""Hit@1 equals the definition, and the command measures ours and stock models and says what is missing."""

import json

import datasets
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.encoding import DualEncoder
from evaluation.hit_at_1 import hit_at_one, main, measure_set
from tests.evaluation.rows import HARD_NEGATIVES, encoded, hard_negative_rows, save
from tests.tiny import tiny_llm, tiny_mmclip
from trainers.candidate_sets import Anchor


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.integers(0, 10**6))
def test_equals_the_definition(counts, seed):
    generator = torch.Generator().manual_seed(seed)
    anchors, positives = (torch.randn(len(counts), 3, generator=generator) for _ in range(2))
    negatives = [torch.randn(count, 3, generator=generator) for count in counts]
    owner = torch.tensor([row for row, count in enumerate(counts) for _ in range(count)], dtype=torch.long)
    if not sum(counts):
        with pytest.raises(ValueError, match="needs hard negatives"):
            hit_at_one(anchors, positives, torch.cat(negatives), owner)
        return
    hits, chances = [], []
    for row, count in enumerate(counts):
        if count:
            candidates = torch.cat([positives[row : row + 1], negatives[row]])
            scores = torch.cosine_similarity(anchors[row : row + 1], candidates)
            hits.append(float(scores[0] > scores[1:].max()))
            chances.append(1 / (1 + count))
    result = hit_at_one(anchors, positives, torch.cat(negatives), owner)
    assert result.accuracy == pytest.approx(sum(hits) / len(hits))
    assert result.chance == pytest.approx(sum(chances) / len(chances))
    assert result.num_anchors == len(hits)


def test_a_constant_encoder_scores_zero():
    same = torch.ones(4, 8)
    assert hit_at_one(same, same, same, torch.arange(4)).accuracy == 0


def test_measure_set_agrees_with_hit_at_one_and_counts_pairs():
    generator = torch.Generator().manual_seed(0)
    images, captions = torch.randn(2500, 6, generator=generator), torch.randn(4000, 6, generator=generator)
    kinds = (("order",), ("order", "value"), ())
    questions = [
        Anchor(i, i, tuple(2500 + (i + j) % 1500 for j in range(1 + i % 3)), kinds[: 1 + i % 3]) for i in range(2500)
    ]
    owner = torch.tensor([row for row, question in enumerate(questions) for _ in question.negatives])
    negatives = captions[[number for question in questions for number in question.negatives]]
    expected = hit_at_one(images, captions[:2500], negatives, owner)
    measured = measure_set(questions, images, captions, seed=0)
    assert measured["accuracy"] == pytest.approx(expected.accuracy)
    assert measured["chance"] == pytest.approx(expected.chance)
    assert measured["num_anchors"] == expected.num_anchors == 2500
    assert measured["interval_95"][0] < measured["accuracy"] < measured["interval_95"][1]
    beaten = torch.cosine_similarity(images, captions[:2500])[owner] > torch.cosine_similarity(
        images[owner], negatives
    )
    position = torch.tensor([j for question in questions for j in range(len(question.negatives))])
    of_kind = measured["kinds"]["value"]
    assert of_kind["beaten"] == pytest.approx(beaten[position == 1].float().mean().item())
    assert of_kind["num_negatives"] == int((position == 1).sum()) and of_kind["chance"] == 0.5
    assert measured["kinds"]["order"]["num_negatives"] == int((position < 2).sum())
    assert measured["kinds"]["unnamed"]["num_negatives"] == int((position == 2).sum())


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders of an MMCLIP and of the stock model inside it: the same weights, so the same figures."""
    folder = tmp_path_factory.mktemp("models")
    model, processor = tiny_mmclip("clip")
    for name, saved in (("mmclip", model), ("clip", model.backbone)):
        saved.save_pretrained(folder / name)
        processor.image_processor.save_pretrained(folder / name)
        processor.tokenizer.save_pretrained(folder / name)
    processor.save_pretrained(folder / "mmclip")
    siglip, siglip_processor = tiny_mmclip("siglip")
    siglip.save_pretrained(folder / "siglip")
    siglip_processor.save_pretrained(folder / "siglip")
    tiny_llm().save_pretrained(folder / "llm")
    processor.tokenizer.save_pretrained(folder / "llm")
    return folder


@pytest.fixture
def data(tmp_path):
    return save(tmp_path / "data", HARD_NEGATIVES, test=hard_negative_rows(6))


def run(command, models, name, data, output, *more):
    status, out, err = command(
        main, "--model", models / name, "--dataset", data, "--output", output, "--num_candidates", 3, *more
    )
    assert status == 0, err
    return json.loads(output.read_text(encoding="utf-8")), out


def test_command_measures_all_sets_the_same_for_any_batch_size(command, models, data, tmp_path):
    result, out = run(command, models, "mmclip", data, tmp_path / "a.json")
    again, _ = run(command, models, "mmclip", data, tmp_path / "b.json", "--batch_size", 2)
    assert result["sets"] == again["sets"]
    sets = result["sets"]
    assert [sets[name]["num_anchors"] for name in ("random", "retrieval", "rule", "image")] == [6, 6, 5, 4]
    assert sets["random"]["mean_candidates"] == 4 and sets["image"]["mean_candidates"] == 2.5
    assert sets["rule"]["kinds"]["shape"]["num_negatives"] == 10
    assert sets["rule"]["kinds"]["value"]["num_negatives"] == 5
    assert {"torch", "transformers"} <= result["versions"].keys() and result["seed"] == 0
    for word in ("random", "retrieval", "rule", "image", "shape (pairs)", "chance"):
        assert word in out


def test_stock_model_with_the_same_weights_gets_the_same_figures(command, models, data, tmp_path):
    ours, _ = run(command, models, "mmclip", data, tmp_path / "a.json")
    stock, _ = run(command, models, "clip", data, tmp_path / "b.json")
    assert ours["sets"] == stock["sets"]


def test_every_content_is_encoded_once(command, models, data, tmp_path, monkeypatch):
    seen = {"images": [], "captions": []}
    for method in seen:
        original = getattr(DualEncoder, method)
        monkeypatch.setattr(
            DualEncoder,
            method,
            lambda self, items, method=method, original=original: (seen[method].extend(items), original(self, items))[
                1
            ],
        )
    result, _ = run(command, models, "siglip", data, tmp_path / "a.json")
    assert len(seen["captions"]) == len(set(seen["captions"])) == result["num_captions"]
    contents = [image.tobytes() for image in seen["images"]]
    assert len(contents) == len(set(contents)) == 6 + 6


def test_broken_images_are_skipped_and_absent_sets_are_absent(command, models, tmp_path):
    rows = hard_negative_rows(5)
    rows[0]["image"] = encoded(b"not an image")
    for row in rows:
        row["negative_images"], row["rule_captions"], row["rule_edits"] = [], [], []
    data = save(tmp_path / "broken", HARD_NEGATIVES, test=rows)
    result, out = run(command, models, "mmclip", data, tmp_path / "a.json")
    assert result["num_unreadable_images"] == 1 and "unreadable images: 1" in out
    assert result["sets"]["image"] is None and result["sets"]["rule"] is None
    assert result["sets"]["random"]["num_anchors"] == 4
    assert out.count("absent") == 2


@pytest.mark.parametrize(
    ("model", "split", "more", "message"),
    [
        ("llm", "test", (), "no dual encoder"),
        ("nothing", "test", (), "cannot load"),
        ("mmclip", "dev", (), "no split 'dev', only test"),
        ("mmclip", "test", ("--num_candidates", "0"), "at least 1"),
    ],
)
def test_what_is_wrong_is_one_line(command, models, data, model, split, more, message):
    status, _, err = command(main, "--model", models / model, "--dataset", data, "--split", split, *more)
    line = err.strip().splitlines()[-1]
    assert status == 2 and line.startswith("error: ") and message in line


def test_missing_column_is_named(command, models, tmp_path):
    features = datasets.Features({"image": HARD_NEGATIVES["image"], "caption": HARD_NEGATIVES["caption"]})
    rows = [{"image": row["image"], "caption": row["caption"]} for row in hard_negative_rows(2)]
    data = save(tmp_path / "thin", features, test=rows)
    status, _, err = command(main, "--model", models / "mmclip", "--dataset", data)
    assert status == 2 and "lacks the columns negative_images, rule_captions" in err


def test_cut_captions_are_counted(command, models, tmp_path):
    rows = hard_negative_rows(3)
    rows[0]["caption"] = "triangle " * 200
    data = save(tmp_path / "long", HARD_NEGATIVES, test=rows)
    result, out = run(command, models, "mmclip", data, tmp_path / "a.json")
    assert result["num_captions_cut"] == 1 and "captions cut: 1" in out
