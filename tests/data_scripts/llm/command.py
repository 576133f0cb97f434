"""The command, run in this process with the options of a small build."""

import json
from pathlib import Path

from data_scripts.build_with_llm import main
from data_scripts.cli import run_command

from .server import question

COUNT = 3  # questions


def write_questions(path: Path, count: int = COUNT, *more: str) -> str:
    lines = [json.dumps(question(i)) for i in range(count)]
    path.write_text("\n".join([*lines, *more]) + "\n", encoding="utf-8")
    return str(path)


def arguments(folder: Path, url: str, **options: object) -> dict[str, object]:
    return {
        "questions": write_questions(folder / "questions.jsonl"),
        "model": "scripted",
        "base_url": url,
        "output_dir": str(folder / "rows"),
        "cache_dir": str(folder / "answers"),
        "num_image_negatives": 2,
        "image_size": 96,
        "num_workers": 2,
        **options,
    }


def command(monkeypatch, capsys, options: dict[str, object]) -> tuple[int, str, str]:
    """Run the command in this process: status, what it said, what it complained of."""
    given = [word for k, v in options.items() for word in ([f"--{k}"] if v is True else [f"--{k}", str(v)])]
    monkeypatch.setattr("sys.argv", ["build_with_llm", *given])
    status = 0
    try:
        run_command(main)
    except SystemExit as ended:
        status = ended.code
    said = capsys.readouterr()
    return status, said.out, said.err


def run(monkeypatch, capsys, options: dict[str, object]) -> dict:
    status, _, complaint = command(monkeypatch, capsys, options)
    assert status == 0, complaint
    return json.loads((Path(str(options["output_dir"])) / "build_report.json").read_text(encoding="utf-8"))


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
