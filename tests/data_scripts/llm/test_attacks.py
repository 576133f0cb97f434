"""Attack scripts against the sandbox. Each must miss its goal, seen from outside; one that reaches it fails here.

Every attack runs on a sandbox with the layers that are required and no more, and again with all that this machine has.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from data_scripts.llm import sandbox as sandbox_module
from data_scripts.llm.sandbox import Sandbox, ScriptFailed
from data_scripts.llm.sandbox_worker import seccomp

from .bait import ATTACKS, BENIGN, children, lay_bait

if not seccomp.available():
    pytest.skip("this kernel takes no seccomp filters, so there is no sandbox to attack", allow_module_level=True)

TIMEOUT = 1.5  # seconds
FORBIDDEN = r"tried something forbidden: PermissionError"
REFUSED = r"SystemExit: Operation not permitted"
TOO_LONG = r"ran longer than 1.5 s"
STOPPED_BY = {  # how each attack ends, as a regular expression for the reason
    "connect": FORBIDDEN,
    "crash": r"crashed \(SIGSEGV\)",
    "deep_source": r"crashed \(SIGSEGV\)|used more than 64 MB",
    "endless_data": r"sent more than a picture holds",
    "endless_loop": TOO_LONG,
    "endless_print": TOO_LONG,
    "exec_program": FORBIDDEN,
    "false_exception": r"raised an exception that cannot be shown",
    "false_kind": r"sent a message of no kind",
    "false_size": r"sent 12 bytes, which is not a picture of 100 x 100 pixels",
    "file_exists": FORBIDDEN,
    "fork_bomb": FORBIDDEN,
    "foul_reason": r"SystemExit: \?",
    "giant_figure": r"40000 x 40000 pixels",
    "huge_file": FORBIDDEN,
    "huge_length": r"another length than it says",
    "ignore_signals": TOO_LONG,
    "import_planted": r"ModuleNotFoundError",
    "io_uring": REFUSED,
    "kernel_services": REFUSED,
    "kill_others": FORBIDDEN,
    "leave_daemon": FORBIDDEN,
    "machine_code": FORBIDDEN,
    "make_links": FORBIDDEN,
    "many_files": FORBIDDEN,
    "memory_bomb": r"used more than 64 MB",
    "memory_map_bomb": r"used more than 64 MB",
    "new_namespace": REFUSED,
    "other_call_table": r"a system call of another architecture",
    "parent_frames": r"SystemExit: nothing False",
    "pickle_gadget": r"SystemExit: the shell returned (-1|32512)",
    "pixels_beyond_the_cap": r"sent a picture of 65535 x 65535 pixels",
    "poison_the_next": r"SystemExit: poisoned",
    "posix_spawn": FORBIDDEN,
    "raise_limits": FORBIDDEN,
    "raw_system_calls": FORBIDDEN,
    "read_by_matplotlib": r"Operation not permitted",
    "read_by_numpy": FORBIDDEN,
    "read_environment": FORBIDDEN,
    "read_environment_memory": r"LOOT",
    "read_input": REFUSED,
    "read_secret": FORBIDDEN,
    "send_datagram": FORBIDDEN,
    "shell": FORBIDDEN,
    "signal_by_fcntl": REFUSED,
    "sleep": TOO_LONG,
    "slow_data": TOO_LONG,
    "subprocess_run": FORBIDDEN,
    "take_over_the_worker": r"KeyboardInterrupt",
    "thread_bomb": r"can't start new thread",
    "trace_parent": FORBIDDEN,
    "two_messages": r"another length than it says",
    "usetex": r"SystemExit: 3 refused",
    "write_file": FORBIDDEN,
    "write_unhooked": FORBIDDEN,
    "zero_size": r"sent a picture of 4294967295 x 0 pixels",
}
SLOW = [name for name, reason in STOPPED_BY.items() if reason == TOO_LONG]  # once is enough
X86_ONLY = {"other_call_table"}
ATTACKS_HERE = sorted(set(STOPPED_BY) - (X86_ONLY if seccomp.architecture() != "x86_64" else set()))
# These do no harm that cannot be undone, so it can be seen that they are attacks at all.
SHOWN_OUTSIDE = [
    *("read_secret", "read_environment", "write_file", "huge_file", "file_exists", "import_planted"),
    *("connect", "send_datagram", "shell", "subprocess_run", "posix_spawn", "exec_program", "pickle_gadget"),
    *("raw_system_calls", "leave_daemon", "machine_code", "memory_map_bomb"),
]
WORKERS = {"required layers": "tests.data_scripts.llm.workers.bare", "all layers": sandbox_module.WORKER}


@pytest.fixture(scope="module")
def bait():
    bait = lay_bait()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", bait.token)
        yield bait
    bait.victim.kill()
    bait.victim.wait()
    bait.listener.close()
    bait.datagrams.close()
    shutil.rmtree(bait.folder)


@pytest.fixture(scope="module", params=WORKERS)
def sandbox(request, bait):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox_module, "WORKER", WORKERS[request.param])
        others = children()  # the victim, and what other tests of this process may have left
        with Sandbox(timeout=TIMEOUT, memory_mb=64, max_pixels=2048 * 2048) as sandbox:
            sandbox.full, sandbox.others = request.param == "all layers", others
            yield sandbox


@pytest.fixture(scope="module")
def benign(sandbox):
    """A script, and the picture it must go on to give."""
    script = (BENIGN / "figure_without_pyplot.py").read_text(encoding="utf-8")
    return script, sandbox.render(script)


def test_every_attack_is_run_and_says_what_it_tries():
    assert {path.stem for path in ATTACKS.glob("*.py")} == set(STOPPED_BY)
    assert len(STOPPED_BY) >= 23
    for path in ATTACKS.glob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path.name


@pytest.mark.parametrize("name", ATTACKS_HERE)
def test_attack_misses_its_goal(name, sandbox, bait, benign):
    if sandbox.full and name in SLOW:
        pytest.skip("shown with the required layers alone")
    before = children()
    (worker,) = before - sandbox.others
    script = bait.prepared(name, worker)
    start = time.monotonic()
    with pytest.raises(ScriptFailed) as failed:
        sandbox.render(script)
    seconds, reason = time.monotonic() - start, str(failed.value)
    assert bait.taken(reason) == []
    assert children() == before, "a process was left behind, or the worker was lost"
    assert re.search(STOPPED_BY[name], reason), reason
    assert seconds < TIMEOUT + 2
    assert reason.isprintable() and len(reason) <= 400
    assert sandbox.render(benign[0]) == benign[1]


@pytest.mark.parametrize("name", SHOWN_OUTSIDE)
def test_attack_reaches_its_goal_without_the_sandbox(name, bait, tmp_path):
    script = bait.prepared(name, worker=os.getpid())
    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    time.sleep(0.3 if name == "leave_daemon" else 0)
    assert bait.taken(ended.stdout + ended.stderr) != [], ended.stderr
    bait.tidy()
    assert bait.taken("") == []
