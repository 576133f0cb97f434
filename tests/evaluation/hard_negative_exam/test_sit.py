"""Sitting the exam: the same figures for ours and stock, each content encoded once, resumed section by section."""

import json

import numpy as np
import pytest
import torch
from datasets import load_dataset

from data_scripts.rows import CONFIGS
from evaluation.encoding import DualEncoder
from evaluation.hard_negative_exam import sit
from evaluation.hard_negative_exam.questions import TO_CAPTIONS, TO_IMAGES, build_questions
from tests.evaluation.rows import HARD_NEGATIVES, hard_negative_rows, save
from tests.tiny import tiny_llm, tiny_mmclip
from trainers.candidate_sets import ImageSource

SETS = ("random", "retrieval", "retrieval_100", "rule", "image")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    model, processor = tiny_mmclip("clip")
    for name, saved in (("mmclip", model), ("clip", model.backbone)):
        saved.save_pretrained(folder / name)
        processor.image_processor.save_pretrained(folder / name)
        processor.tokenizer.save_pretrained(folder / name)
    processor.save_pretrained(folder / "mmclip")
    tiny_llm().save_pretrained(folder / "llm")
    processor.tokenizer.save_pretrained(folder / "llm")
    return folder


def row(**changes):
    plain = {
        "id": "a", "caption": "true", "negative_captions": ["edited"], "negative_edits": ["order"],
        "rule_captions": ["ruled", "ruled twice"], "rule_edits": ["value", "shape+relation"],
        "drawn_edits": ["value", "order", "shape+relation"],
        "retrieved_captions": ["other"], "retrieved_ids": ["g1"], "random_captions": ["b"], "random_ids": ["b"],
    }  # fmt: skip
    return {**plain, **changes}


def test_questions_worked_by_hand():
    rows = [
        row(),
        row(
            id="b",
            caption="b",
            random_ids=["g0"],
            random_captions=["zero"],
            rule_captions=[],
            rule_edits=[],
            drawn_edits=[],
        ),
    ]
    made = build_questions(rows, ["g0", "g1"])
    assert {(s, d) for s in SETS for d in (TO_CAPTIONS, TO_IMAGES)} == set(made.series)
    caption, image = made.captions.index, made.images.index
    first = made.series["random", TO_IMAGES][0]
    assert (first.anchor, first.positive) == (caption("true"), image(ImageSource(0, "image", 0)))
    assert first.negatives == (image(ImageSource(1, "image", 0)),)  # the other row that is asked about
    assert made.series["random", TO_IMAGES][1].negatives == (image(ImageSource(2, "image", 0)),)  # of the gallery
    (rule,) = made.series["rule", TO_CAPTIONS]
    assert made.ids["rule", TO_CAPTIONS] == ["a"]
    assert rule.negatives == (caption("ruled"), caption("ruled twice"))
    assert rule.edits == (("value",), ("relation", "shape"))
    (drawn,) = made.series["rule", TO_IMAGES]
    assert (drawn.anchor, drawn.positive) == (caption("true"), image(ImageSource(0, "image", 0)))
    assert drawn.negatives == tuple(image(ImageSource(0, "drawn_images", i)) for i in range(3))
    assert drawn.edits == (("value",), ("order",), ("relation", "shape"))
    edited = made.series["image", TO_IMAGES][0]
    assert edited.negatives == (image(ImageSource(0, "negative_images", 0)),) and edited.edits == (("order",),)
    assert len(made.captions) == len(set(made.captions)) and len(made.images) == len(set(made.images))


def test_retrieval_takes_the_nearest_ten_and_retrieval_100_all():
    names = [f"g{i}" for i in range(12)]
    retrieved = {"retrieved_ids": names[::-1], "retrieved_captions": [*"lkjihgfedcba"]}
    made = build_questions([row(**retrieved, random_ids=[], random_captions=[])], names)
    for set_name, count in (("retrieval", 10), ("retrieval_100", 12)):
        (captions,), (images,) = (made.series[set_name, direction] for direction in (TO_CAPTIONS, TO_IMAGES))
        assert [made.captions[i] for i in captions.negatives] == [*"lkjihgfedcba"][:count]
        assert [made.images[i].row for i in images.negatives] == [*range(12, 0, -1)][:count]  # row 0 asks


def test_an_unknown_candidate_is_named():
    with pytest.raises(ValueError, match="candidate 'g9' is no figure"):
        build_questions([row(random_ids=["g9"])], ["g0", "g1"])


def test_a_perfect_and_a_constant_encoder():
    made = build_questions(
        [row(), row(id="b", caption="b", random_ids=["g0"], random_captions=["zero"])], ["g0", "g1"]
    )
    # every caption and image on an axis of its own, but partners on the same
    images, captions = torch.eye(20)[: len(made.images)], torch.eye(20)[-len(made.captions) :].clone()
    for (set_name, direction), questions in made.series.items():
        if set_name == "random":
            for q in questions:
                image, caption = (q.anchor, q.positive) if direction == TO_CAPTIONS else (q.positive, q.anchor)
                captions[caption] = images[image]
    entries, predictions = sit.measure(made, images, captions, {}, seed=0)
    assert len(entries) == 10 and all(entry["accuracy"] == 1 for entry in entries)
    assert all(line["hit"] and line["chosen"] == 0 for line in predictions)
    entries, predictions = sit.measure(made, torch.ones(20, 3), torch.ones(20, 3), {}, seed=0)
    assert all(entry["accuracy"] == 0 for entry in entries) and all(line["chosen"] == 1 for line in predictions)


def run(command, models, name, exam, output, *more):
    return command(sit.main, "--model", models / name, "--exam", exam.folder, "--output_dir", output, *more)


def test_ours_and_stock_get_the_same_figures(command, models, exam, tmp_path):
    results = []
    for name, size in (("mmclip", 64), ("clip", 5)):
        status, out, err = run(command, models, name, exam, tmp_path / name, "--batch_size", size)
        assert status == 0, err
        results.append(json.loads((tmp_path / name / "results.json").read_text()))
    entries = results[0]["entries"]
    assert entries == results[1]["entries"]
    assert len(entries) == 2 * 2 * 10
    assert {e["set"] for e in entries} == set(SETS) and {e["config"] for e in entries} == set(CONFIGS)
    first = next(e for e in entries if (e["source"], e["set"]) == ("procedural", "rule"))
    assert first["chance"] == pytest.approx(1 / 11) and first["mean_candidates"] == 11
    assert sum(kind["num_negatives"] for kind in first["kinds"].values()) >= 40
    for config in CONFIGS:
        rows = load_dataset(str(exam.folder), config, split="procedural")
        numbers = [1 + len(edits) for edits in rows["drawn_edits"]]
        drawn = next(e for e in entries if e["config"] == config and e["source"] == "procedural"
                     and (e["set"], e["direction"]) == ("rule", TO_IMAGES))  # fmt: skip
        assert drawn["num_anchors"] == 4 and drawn["mean_candidates"] == pytest.approx(np.mean(numbers))
        assert drawn["chance"] == pytest.approx(np.mean([1 / number for number in numbers])) and drawn["kinds"]
    assert "rule          caption to images" in out
    assert results[0]["frozen"] is False and "not the questions of the frozen exam" in out
    lines = [json.loads(line) for line in (tmp_path / "clip" / "predictions.jsonl").read_text().splitlines()]
    for entry in entries:
        of = [x for x in lines if all(x[k] == entry[k] for k in ("source", "config", "set", "direction"))]
        assert np.mean([line["hit"] for line in of]) == pytest.approx(entry["accuracy"])


def test_the_questions_of_the_manifest_are_the_frozen_exam(command, models, exam, tmp_path, monkeypatch):
    monkeypatch.setattr(sit, "MANIFEST", exam.folder.parent / "manifest.json")
    status, out, err = run(command, models, "clip", exam, tmp_path, "--configs", CONFIGS[0])
    assert status == 0, err
    assert json.loads((tmp_path / "results.json").read_text())["frozen"] is True and "frozen exam" not in out


def test_finished_sections_are_not_sat_again(command, models, exam, tmp_path, monkeypatch):
    assert run(command, models, "clip", exam, tmp_path, "--sources", "procedural")[0] == 0
    monkeypatch.setattr(DualEncoder, "images", lambda *_: pytest.fail("encoded again"))
    status, out, _ = run(command, models, "clip", exam, tmp_path, "--sources", "procedural")
    assert status == 0 and "procedural, letters_only" in out and "geometry3k" not in out


@pytest.mark.parametrize(
    ("model", "more", "message"),
    [
        ("llm", (), "no dual encoder"),
        ("clip", ("--batch_size", "0"), "at least 1"),
    ],
)
def test_what_is_wrong_is_one_line(command, models, exam, tmp_path, model, more, message):
    status, _, err = run(command, models, model, exam, tmp_path, *more)
    assert status == 2 and message in err.strip().splitlines()[-1]


def test_another_run_in_the_folder_is_refused(command, models, exam, tmp_path):
    assert run(command, models, "clip", exam, tmp_path, "--configs", CONFIGS[0], "--sources", "procedural")[0] == 0
    status, _, err = run(command, models, "mmclip", exam, tmp_path)
    assert status == 2 and "another run" in err


def test_rows_without_a_gallery_are_no_exam(command, models, tmp_path):
    data = save(tmp_path / "data", HARD_NEGATIVES, test=hard_negative_rows(3))
    arguments = ("--model", models / "clip", "--exam", data, "--output_dir", tmp_path / "o", "--configs", CONFIGS[0])
    status, _, err = command(sit.main, *arguments)
    assert status == 2 and ("hard-negative exam" in err or "Cannot load" in err)
