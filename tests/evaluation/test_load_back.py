"""Finished folders load where the project cannot be imported, and what is missing there is said."""

import json
import shutil

import pytest

from evaluation.load_back import load_back, main
from tests.tiny import tiny_mmclip, tiny_mmgeolm


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    for name, (model, processor) in (("mmclip", tiny_mmclip()), ("mmgeolm", tiny_mmgeolm())):
        model.save_pretrained(folder / name)
        processor.save_pretrained(folder / name)
    return folder


def test_both_folders_load_by_their_own_code(command, folders, tmp_path):
    output = tmp_path / "load_back.json"
    status, out, err = command(
        main, "--mmclip", folders / "mmclip", "--mmgeolm", folders / "mmgeolm", "--output", output
    )
    assert status == 0, err
    loaded = json.loads(output.read_text(encoding="utf-8"))["loaded"]
    parts = loaded["mmclip"]["parts"] | loaded["mmgeolm"]["parts"]
    assert parts["AutoModelForZeroShotImageClassification"]["class"] == "MMCLIPModel"
    assert parts["AutoModelForImageTextToText"]["class"] == "MMGeoLMForConditionalGeneration"
    for name, part in parts.items():
        origin = "transformers." if name.startswith("pipeline") else "transformers_modules."
        assert part["module"].startswith(origin), (name, part)
        assert name in out
    assert len(loaded["mmclip"]["output"]) == 3 and isinstance(loaded["mmgeolm"]["output"][0], str)


def test_a_file_that_did_not_travel_fails_with_the_last_lines(command, folders, tmp_path):
    broken = shutil.copytree(folders / "mmclip", tmp_path / "broken")
    model = broken / "modeling_mmclip.py"
    text = model.read_text(encoding="utf-8")
    model.write_text(text.replace("\nimport torch\n", "\nimport torch\nimport modeling_mmgeo\n", 1), encoding="utf-8")
    status, _, err = command(main, "--mmclip", broken, "--output", tmp_path / "r.json")
    assert status == 2 and "Its last lines:" in err and "modeling_mmgeo" in err
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "nothing to load"),
        ({"mmclip": "nowhere"}, "no folder with a config.json"),
        ({"mmclip": "mmclip", "image": "nowhere.png"}, "does not exist"),
        ({"mmclip": "mmclip", "timeout": 0.01}, "longer than"),
    ],
)
def test_what_cannot_work_is_said(folders, given, message):
    if given.get("mmclip") == "mmclip":
        given = given | {"mmclip": str(folders / "mmclip")}
    with pytest.raises(ValueError, match=message):
        load_back(**{"mmclip": None, "mmgeolm": None} | given)
