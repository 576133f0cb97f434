"""Benchmarks are read by their Hub ids, also where every task is a split and where rows are loose files."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.data_scripts.sources.layouts import picture
from tests.hub.loopback import LoopbackHub

ROOT = Path(__file__).parents[3]


def digest(*numbers: int) -> str:
    return hashlib.sha256(b"".join(picture(number) for number in numbers)).hexdigest()[:8]


def test_benchmarks_on_the_hub(tmp_path):
    with LoopbackHub(tmp_path / "hub") as hub:
        ended = subprocess.run(
            [sys.executable, "-m", "tests.evaluation.benchmarks.hub_process", str(tmp_path / "layouts")],
            env=os.environ | hub.environment(tmp_path / "home"),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=180,
        )
    assert ended.returncode == 0, ended.stderr[-4000:]
    found = json.loads(ended.stdout)
    assert found["we_math"] == [
        ["2steps_1/2steps_1", "B", digest(0)],
        ["2steps_1/2steps_2", "C", digest(1)],
        ["2steps_1/2steps_multi", "D", digest(2)],
        ["3steps_1/3steps_1", "B", digest(3)],
        ["3steps_1/3steps_2", "C", digest(4)],
        ["3steps_1/3steps_3", "D", digest(5)],
        ["3steps_1/3steps_multi", "A", digest(6)],
    ]
    assert found["mathvista"] == [
        ["1", "C", digest(1)],
        ["2", "B", digest(2)],
        ["3", "1.2", digest(3)],
        ["5", "[0, 2]", digest(5)],
    ]
    assert found["visonlyqa"] == [[f"visonlyqa_{n}", "A", digest(n)] for n in range(6)]
    assert found["mm_math"] == [["0", "6", digest(0)], ["1", "2\\sqrt{3}", digest()], ["2", "3, 4", digest(2)]]
    assert "own/nothing" in found["missing"]
