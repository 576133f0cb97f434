"""Child of test_hub.py: somebody who trains and pushes, with the environment of the loopback Hub.

Reads one JSON object a line, {"module", "argv"}, runs that command and answers one line: exit status and what was
printed, warnings included. Waits between repeated requests are skipped.
"""

import contextlib
import importlib
import io
import json
import sys
import time

from data_scripts.cli import run_command


def main() -> None:
    time.sleep = lambda seconds: None
    for line in sys.stdin:
        request = json.loads(line)
        sys.argv = [request["module"], *request["argv"]]
        out, err, status = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                run_command(importlib.import_module(request["module"]).main)
            except SystemExit as ended:
                status = ended.code
        print(json.dumps({"status": status, "out": out.getvalue(), "err": err.getvalue()}), flush=True)


if __name__ == "__main__":
    main()
