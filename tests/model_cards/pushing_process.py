"""Child of test_round_trip.py: somebody who pushes, with the environment of the loopback Hub.

Reads one JSON object a line: {"argv": [...]} for the command `model_cards.push`, or {"folder", "repo_id", "configs"}
for `DatasetDict.push_to_hub` of each config; `environment` changes variables for that line (null removes one). Answers
one line: exit status and what was printed. Waits between repeated requests are skipped.
"""

import contextlib
import io
import json
import os
import sys
import time

from datasets import load_dataset

from data_scripts.cli import run_command
from model_cards import push


def push_by_command(argv: list[str]) -> None:
    sys.argv = ["push", *argv]
    run_command(push.main)


def push_by_datasets(folder: str, repo_id: str, configs: list[str]) -> None:
    for config in configs:
        load_dataset(folder, config).push_to_hub(repo_id, config_name=config, set_default=config == configs[0])


def change_environment(changes: dict[str, str | None]) -> None:
    for name, value in changes.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def main() -> None:
    time.sleep = lambda seconds: None
    for line in sys.stdin:
        request = json.loads(line)
        changes = request.pop("environment", {})
        before = {name: os.environ.get(name) for name in changes}
        change_environment(changes)
        out, err, status = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                (push_by_command if "argv" in request else push_by_datasets)(**request)
            except SystemExit as ended:
                status = ended.code
        change_environment(before)
        print(json.dumps({"status": status, "out": out.getvalue(), "err": err.getvalue()}), flush=True)


if __name__ == "__main__":
    main()
