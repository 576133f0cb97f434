"""math-verify in its process: it decides, it is replaced when it is late, and it never outlives its parent."""

import signal
import subprocess
import sys
import time

import psutil
import pytest

from evaluation.graders import symbolic_equality
from evaluation.graders.symbolic_equality import (
    Budget,
    equal_when_rounded,
    integer_multiples,
    symbolically_equal,
)


@pytest.mark.parametrize(
    ("prediction", "answer", "tolerance", "equal"),
    [
        (r"2\sqrt3", r"\sqrt{12}", None, True),
        ("x+y", "y+x", None, True),
        ("x", "y", None, False),
        ("3.46", r"2\sqrt{3}", None, False),
        ("3.46", r"2\sqrt{3}", 0.01, True),
        (r"\frac{", "1", None, False),
    ],
)
def test_decides(prediction, answer, tolerance, equal):
    assert symbolically_equal(prediction, answer, tolerance) is equal


def test_a_late_process_is_replaced():
    assert symbolically_equal("x+y", "y+x")
    late = symbolic_equality._children[0].process
    assert symbolically_equal("(x+y+z+w)^{99}(x-y)^{99}", "(x+y+z+w)^{98}", budget=Budget(0.2)) is False
    assert late.poll() is not None
    assert symbolically_equal("x+y", "y+x")


def test_one_verdict_has_one_budget():
    budget = Budget(0.5)
    assert symbolically_equal("x+y", "y+x", budget=budget)
    assert 0 < budget.seconds <= 0.5
    assert symbolically_equal("(x+y+z+w)^{99}(x-y)^{99}", "x^2+1", budget=budget) is False
    assert budget.seconds == 0
    assert symbolically_equal("x+y", "y+x", budget=budget) is False


def test_a_process_that_gets_no_time_is_given_up(monkeypatch):
    assert symbolically_equal("x+y", "y+x")
    stopped = symbolic_equality._children[0].process
    stopped.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(symbolic_equality, "PATIENCE", 1)
    assert symbolically_equal("x+y", "y+x", budget=Budget(0.1)) is False
    assert stopped.poll() is not None


def test_official_scripts_ask_other_questions():
    assert equal_when_rounded(r"2\sqrt3", "3.46", 2) and not equal_when_rounded(r"2\sqrt3", "3.47", 2)
    assert integer_multiples("2x-2y", "y-x") and not integer_multiples("2x-y", "y-x")
    assert not integer_multiples("x-x", "y-x")


def test_a_process_that_died_is_replaced():
    assert symbolically_equal("x+y", "y+x")
    symbolic_equality._children[0].process.kill()
    symbolic_equality._children[0].process.wait()
    symbolically_equal("x+y", "y+x")  # may be lost with the process
    assert symbolically_equal("x+y", "y+x")


def test_an_interruption_leaves_no_answer_behind(monkeypatch):
    assert symbolically_equal("x+y", "y+x")

    def interrupted(self, seconds):
        time.sleep(0.5)  # the answer is on its way
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(symbolic_equality._Child, "receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            symbolically_equal("x+y", "y+x")
    assert not symbolically_equal("x+y", "x-y")


def test_the_process_ends_with_its_parent():
    program = (
        "from evaluation.graders import symbolic_equality as s\n"
        "assert s.symbolically_equal('x+y', 'y+x')\n"
        "print(s._children[0].process.pid, flush=True)\n"
        "import os; os._exit(0)"  # without any clean-up
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    pid = int(ended.stdout)
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    pytest.fail("the math-verify process outlived its parent")
