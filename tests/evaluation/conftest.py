"""Commands run in the process of the test, and what datasets caches goes to a temporary folder."""

import json
import sys
from types import SimpleNamespace

import datasets
import pytest

from data_scripts import shards
from data_scripts.negatives import encoding
from tests.data_scripts.samples import fake_encoder
from tests.evaluation.small_exam import OPTIONS, records


@pytest.fixture(autouse=True)
def cache_in_a_temporary_folder(tmp_path_factory, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("datasets"))


@pytest.fixture
def command(monkeypatch, capsys):
    """Run a command's `main` as its command line would; returns exit status, stdout and stderr."""
    from data_scripts.cli import run_command

    def run(main, *arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments)])
        status = 0
        try:
            run_command(main)
        except SystemExit as ended:
            status = ended.code
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def build_small(patch: pytest.MonkeyPatch) -> None:
    """Have exams built in small shards, and counts of letters take the place of the sentence encoder."""

    def load(retriever: str, exact: bool) -> encoding.SentenceEncoder:
        assert exact, "an exam in which float32 decides on neighbours is another one on another machine"
        return fake_encoder(retriever)

    patch.setattr(encoding, "load_encoder", load)
    patch.setattr(shards, "SHARD_SIZE", 6)  # figures that are drawn for nothing cost time


@pytest.fixture(scope="session")
def exam(tmp_path_factory):
    """A small exam of both sources: its folder, arguments and report."""
    from evaluation.hard_negative_exam.build import ExamArguments, build

    folder = tmp_path_factory.mktemp("exam")
    forms = folder / "logic_forms.json"
    forms.write_text(json.dumps(records()), encoding="utf-8")
    manifest = {"manifest": str(folder / "manifest.json"), "write_manifest": str(folder / "manifest.json")}
    arguments = ExamArguments(str(folder / "exam"), logic_forms=str(forms), **OPTIONS, **manifest)
    with pytest.MonkeyPatch.context() as patch:
        build_small(patch)
        report = build(arguments)
    return SimpleNamespace(folder=folder / "exam", arguments=arguments, report=report)
