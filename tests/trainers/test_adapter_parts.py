"""An adapter's parts are found beside it wherever both are copied, and on the Hub in the same organisation."""

import json

import pytest

from data_scripts.embedded import SMOLLM2_ID
from trainers import adapter_parts
from trainers.adapter_parts import PARTS, AdapterParts, found_parts, read_parts, write_parts


def test_what_is_recorded_is_read(tmp_path):
    parts = AdapterParts(mmclip="mmclip-tiny", llm="org/llm")
    write_parts(tmp_path, parts)
    assert read_parts(str(tmp_path)) == parts
    (tmp_path / PARTS).unlink()
    assert read_parts(str(tmp_path)) is None
    assert read_parts(str(tmp_path / "nowhere")) is None and read_parts("org/nowhere") is None


@pytest.mark.parametrize("damaged", ["{", "[]", '{"mmclip": "m"}', '{"mmclip": "../m", "llm": "org/llm"}'])
def test_a_damaged_record_is_said(tmp_path, damaged):
    (tmp_path / PARTS).write_text(damaged)
    with pytest.raises(ValueError, match=f"{PARTS} of .* cannot be read"):
        read_parts(str(tmp_path))


def test_a_tower_beside_the_adapter_is_found(tmp_path, monkeypatch):
    (tmp_path / "adapter").mkdir()
    beside = AdapterParts(mmclip="mmclip-tiny", llm="org/llm")
    assert found_parts(str(tmp_path / "adapter"), beside) == (str(tmp_path / "mmclip-tiny"), "org/llm")
    monkeypatch.chdir(tmp_path / "adapter")
    assert found_parts(".", beside)[0] == str(tmp_path / "mmclip-tiny")
    assert found_parts("you/adapter", beside)[0] == "you/mmclip-tiny"
    assert found_parts("you/adapter", AdapterParts(mmclip="org/mmclip", llm="org/llm"))[0] == "org/mmclip"


@pytest.mark.parametrize(("installed", "llm"), [(True, "embedded"), (False, SMOLLM2_ID)])
def test_the_language_model_comes_from_its_wheel_where_there_is_one(monkeypatch, installed, llm):
    monkeypatch.setattr(adapter_parts, "smollm2_is_installed", lambda: installed)
    assert found_parts("you/adapter", AdapterParts(mmclip="m", llm=SMOLLM2_ID))[1] == llm
    assert found_parts("you/adapter", AdapterParts(mmclip="m", llm="org/llm"))[1] == "org/llm"


def test_the_record_is_plain(tmp_path):
    write_parts(tmp_path, AdapterParts(mmclip="org/mmclip", llm="org/llm"))
    assert json.loads((tmp_path / PARTS).read_text()) == {"mmclip": "org/mmclip", "llm": "org/llm"}
