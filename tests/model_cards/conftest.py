"""One loopback Hub and one process that pushes to it, shared by the tests of this folder."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.hub import fixtures
from tests.hub.loopback import TOKEN

hub, fresh_environment = fixtures.hub, fixtures.fresh_environment

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """How a push ended, with what a user saw."""

    status: int
    out: str
    err: str


@dataclass
class Pusher:
    """Sends requests to pushing_process.py and waits for each to end."""

    process: subprocess.Popen[str]

    def send(self, **request: Any) -> Ended:
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the pushing process has died"
        assert TOKEN not in answer
        return Ended(**json.loads(answer))

    def push(self, folder: Path, repo_id: str, *options: str, environment: dict | None = None) -> Ended:
        argv = ["--folder", str(folder), "--repo_id", repo_id, *options]
        return self.send(argv=argv, environment=environment or {})


@pytest.fixture(scope="package")
def pusher(fresh_environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pusher]:
    log = tmp_path_factory.mktemp("log") / "stderr.txt"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("pushing_process.py"))],
            env=fresh_environment("pusher") | {"PYTHONPATH": str(ROOT)},
            cwd=log.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        yield Pusher(process)
        process.stdin.close()
        assert process.wait(60) == 0, log.read_text()[-4000:]
    assert TOKEN not in log.read_text()
