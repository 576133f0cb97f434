"""Commands end in a line and a status, never in a traceback for what the user can put right."""

import pytest

from data_scripts.cli import run_command

PLACE = "'notes/rows': name another place, or one that may be written and read\n"


def raiser(error: BaseException):
    def main() -> None:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (ValueError("no split 'dev':\n  choose train or test"), 2, "error: no split 'dev': choose train or test\n"),
        (ValueError(), 2, "error: ValueError\n"),
        (FileNotFoundError(2, "No such file", "rows.parquet"), 2, "error: [Errno 2] No such file: 'rows.parquet'\n"),
        (NotADirectoryError(20, "Not a directory", "notes/rows"), 2, f"error: [Errno 20] Not a directory: {PLACE}"),
        (PermissionError(13, "Permission denied", "notes/rows"), 2, f"error: [Errno 13] Permission denied: {PLACE}"),
        (KeyboardInterrupt(), 130, "interrupted; finished parts are kept\n"),
    ],
)
def test_status_and_one_line(error, status, line, capsys):
    with pytest.raises(SystemExit) as ended:
        run_command(raiser(error))
    assert ended.value.code == status
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("error", [KeyError("caption"), PermissionError(1, "Operation not permitted")])
def test_a_defect_keeps_its_traceback(error):
    with pytest.raises(type(error)):
        run_command(raiser(error))


def test_success_runs_once_and_returns():
    calls = []
    assert run_command(lambda: calls.append("ran")) is None
    assert calls == ["ran"]
