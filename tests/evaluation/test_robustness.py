"""Robustness is measured on the same questions, changed and clean; each perturbation does what it says, repeatably."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from data_scripts import shards
from data_scripts.build_hard_negatives import BuildArguments, build
from evaluation.encoding import DualEncoder
from evaluation.perturbations import PERTURBATIONS
from evaluation.robustness import main
from evaluation.robustness_hits import Clean, changed, compare
from tests.data_scripts.samples import row_of
from tests.evaluation.rows import HARD_NEGATIVES, hard_negative_rows, save
from tests.tiny import tiny_mmclip
from trainers.candidate_sets import Anchor, CandidateSets, ImageSource
from trainers.rows import decode_image


@pytest.fixture(scope="module")
def row():
    return row_of(1, image_size=160)


def ink(image: Image.Image) -> float:
    """How dark the picture is on average."""
    return float(255 - np.asarray(image.convert("L"), dtype=float).mean())


@pytest.mark.parametrize("name", list(PERTURBATIONS))
def test_a_perturbation_changes_the_picture_and_is_repeatable(row, name):
    image = decode_image(row["image"])
    first, again, other = (
        changed(name, seed)(number, image, row, ImageSource(0, "image", 0))
        for seed, number in ((0, 3), (0, 3), (0, 4))
    )
    assert first.mode == "RGB" and np.array_equal(first, again)
    assert first.size != image.size or np.abs(np.asarray(first, int) - np.asarray(image, int)).mean() > 0.5
    random = name in ("noise", "handwriting")
    assert np.array_equal(first, other) is not random
    assert ink(first) > 0.2 * ink(image)  # nothing is lost on the way
    border = np.asarray(first.convert("L"))[[0, -1]].mean()
    assert border > 200  # the paper stays white


def test_each_does_what_it_says(row):
    image = decode_image(row["image"])
    made = {n: p(image, row["script"], np.random.default_rng(0)) for n, p in PERTURBATIONS.items()}
    assert made["rotation"].size == tuple(
        round(160 * (np.cos(np.pi / 6) + np.sin(np.pi / 6)) + d) for d in (0, 0)
    ) or (abs(made["rotation"].size[0] - 219) <= 2)
    back = made["rotation"].rotate(-30, Image.Resampling.BICUBIC, fillcolor="white")
    left = (back.width - 160) // 2
    same = np.abs(np.asarray(back.crop((left, left, left + 160, left + 160)), int) - np.asarray(image, int))
    assert same.mean() < 6  # turned back it is the figure again
    assert made["downscale"].size == (80, 80)
    assert ink(made["line_width"]) > 1.3 * ink(image)
    assert 0.7 * ink(image) < ink(made["font"]) < 1.4 * ink(image)


def test_negatives_are_drawn_from_their_own_scripts(row):
    image = decode_image(row["negative_images"][1])
    redrawn = changed("line_width", 0)(0, image, row, ImageSource(0, "negative_images", 1))
    thin, thick = (np.asarray(picture.convert("L")) < 128 for picture in (image, redrawn))
    assert (thick & thin).sum() > 0.95 * thin.sum()  # the thick lines cover the thin ones


def test_without_a_script_of_ours_nothing_is_redrawn(row):
    image = decode_image(row["image"])
    for script in (None, "", "import os", "SIZE = 3\nfor"):
        assert PERTURBATIONS["font"](image, script, np.random.default_rng(0)) is None
    assert PERTURBATIONS["blur"](image, None, np.random.default_rng(0)) is not None


def test_differences_worked_by_hand():
    sets = CandidateSets()
    sets.sets["rule"] = [Anchor(i, i, (3,)) for i in range(3)]
    captions = torch.eye(4)
    images = torch.eye(4)[:3]  # all hits
    worse = torch.stack([captions[3], captions[1], captions[2]])  # the first now looks like the negative
    clean = Clean(None, sets, images, captions, set())
    found = compare(clean, worse, set(), seed=0)
    assert found["image"] is None and found["random"] is None
    assert found["rule"]["clean"] == 1 and found["rule"]["accuracy"] == pytest.approx(2 / 3)
    assert found["rule"]["difference"] == pytest.approx(-1 / 3) and found["rule"]["chance"] == 0.5
    low, high = found["rule"]["interval_95"]
    assert -1 <= low < -1 / 3 < high <= 0
    lost = compare(clean, worse, {0}, seed=0)["rule"]  # what cannot be changed leaves both sides
    assert (lost["num_anchors"], lost["clean"], lost["difference"]) == (2, 1, 0)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    model, processor = tiny_mmclip("clip")
    model.backbone.save_pretrained(folder)
    processor.image_processor.save_pretrained(folder)
    processor.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr(shards, "SHARD_SIZE", 4)
    folder = tmp_path_factory.mktemp("rows")
    sizes = {"num_retrieved": 0, "num_image_negatives": 2, "num_rule_negatives": 2, "image_size": 64}
    build(BuildArguments(str(folder), num_rows=1, num_test_rows=4, configs=["with_markings"], num_workers=1, **sizes))
    patch.undo()
    return folder


def test_command_measures_a_stock_model_and_goes_on(command, model, rows, tmp_path, monkeypatch):
    arguments = ("--model", model, "--dataset", rows, "--output_dir", tmp_path, "--num_candidates", 2)
    status, out, err = command(main, *arguments, "--perturbations", "noise", "font")
    assert status == 0, err
    first = json.loads((tmp_path / "results.json").read_text())
    assert list(first["perturbations"]) == ["noise", "font"] and "another font" in out
    entry = first["perturbations"]["font"]["sets"]["rule"]
    assert entry["num_anchors"] == 4 and entry["difference"] == pytest.approx(entry["accuracy"] - entry["clean"])
    assert first["perturbations"]["font"]["sets"]["retrieval"] is None
    for name in ("robustness.png", "contact_sheet.png"):
        assert Image.open(tmp_path / name).width > 300

    seen = []
    images = DualEncoder.images
    monkeypatch.setattr(DualEncoder, "images", lambda self, batch: (seen.extend(batch), images(self, batch))[1])
    status, _, err = command(main, *arguments, "--perturbations", "noise", "font", "jpeg")
    assert status == 0, err
    assert len(seen) == 2 * 4 * 3  # clean and jpeg; what was finished is kept
    again = json.loads((tmp_path / "results.json").read_text())
    assert {n: again["perturbations"][n] for n in ("noise", "font")} == first["perturbations"]


def test_figures_of_others_are_counted_where_they_cannot_be_redrawn(command, model, tmp_path):
    data = save(tmp_path / "data", HARD_NEGATIVES, test=hard_negative_rows(4))
    arguments = ("--model", model, "--dataset", data, "--output_dir", tmp_path / "out")
    status, out, err = command(main, *arguments, "--perturbations", "rotation", "line_width")
    assert status == 0, err
    found = json.loads((tmp_path / "out" / "results.json").read_text())["perturbations"]
    assert (
        found["rotation"]["num_images_without_script"] == 0 and found["rotation"]["sets"]["random"]["num_anchors"] == 4
    )
    assert found["line_width"]["num_images_without_script"] == 4 + 3
    assert all(entry is None for entry in found["line_width"]["sets"].values())


def test_what_is_wrong_is_one_line(command, model, tmp_path):
    status, _, err = command(main, "--model", model, "--dataset", "d", "--output_dir", tmp_path, "--max_rows", 0)
    assert status == 2 and "--max_rows must be at least 1" in err
