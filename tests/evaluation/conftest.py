"""Commands run in the process of the test, and what datasets caches goes to a temporary folder."""

import sys

import datasets
import pytest


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
