"""What the sandbox promises to honest scripts and to its callers; the attacks are in test_attacks.py."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from data_scripts.diagram.drawing import Style, lay_out, rasterise
from data_scripts.diagram.script import to_script
from data_scripts.llm import sandbox as sandbox_module
from data_scripts.llm.sandbox import Sandbox, SandboxUnavailable, ScriptFailed
from data_scripts.llm.sandbox_worker import seccomp

from ..samples import programs
from .bait import BENIGN, children

if not seccomp.available():
    pytest.skip("this kernel takes no seccomp filters, so there is no sandbox here", allow_module_level=True)

SIZES = {  # of the pictures in pixels; None where a tight box around the text decides
    "chinese_and_missing_font": None,
    "circle_with_tangent": (500, 500),
    "cube_in_space": (400, 400),
    "figure_without_pyplot": (300, 300),
    "forgot_to_save": (640, 480),
    "mathtext_everywhere": (640, 480),
    "parabola_on_axes": (600, 600),
    "right_triangle": None,
    "shows_and_closes": (400, 300),
    "subplots_of_four": (800, 800),
}
TRIANGLE = """
import matplotlib.pyplot as plt
plt.figure(figsize=({size}, {size}))
plt.plot([0, 4, 0, 0], [0, 0, 3, 0], "k")
plt.axis("off")
plt.savefig("triangle.png", dpi=50)
"""


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(num_workers=2, timeout=20) as sandbox:
        yield sandbox


def opened(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    assert (image.format, image.mode) == ("PNG", "RGB")
    return image


def reason(sandbox: Sandbox, script: str) -> str:
    with pytest.raises(ScriptFailed) as failed:
        sandbox.render(script)
    return str(failed.value)


def use_worker(monkeypatch, name: str) -> None:
    monkeypatch.setattr(sandbox_module, "WORKER", f"tests.data_scripts.llm.workers.{name}")


def test_benign_scripts_are_the_ones_expected():
    assert {path.stem for path in BENIGN.glob("*.py")} == set(SIZES)


@pytest.mark.parametrize("name", SIZES)
def test_script_as_language_models_write_them(name, sandbox):
    image = opened(sandbox.render((BENIGN / f"{name}.py").read_text(encoding="utf-8")))
    assert SIZES[name] in (None, image.size)
    pixels = np.asarray(image.convert("L"))
    assert (pixels[0, :3] > 250).all(), "the background is white"
    assert 0.002 < (pixels < 128).mean() < 0.5, "something is drawn"


def test_own_scripts_draw_the_figure_they_belong_to(sandbox):
    for number, program in enumerate(programs(6)):
        drawing = lay_out(program.diagram, Style.draw(np.random.default_rng(number), 224))
        drawn = np.asarray(rasterise(drawing).convert("L"), dtype=float)
        again = np.asarray(opened(sandbox.render(to_script(drawing))).convert("L"), dtype=float)
        assert again.shape == drawn.shape
        # two rasterisers differ at the edges of strokes only
        assert np.corrcoef(drawn.ravel(), again.ravel())[0, 1] > 0.8


def test_last_saved_figure_counts(sandbox):
    save = "import matplotlib.pyplot as plt\n" + "plt.figure(figsize=({0}, 1), dpi=100).savefig('{0}.png')\n" * 2
    twice = save.format(3) + save.format(2) + "plt.figure(figsize=(5, 1))\nplt.show()"
    assert opened(sandbox.render(twice)).size == (200, 100)


def test_shown_figure_counts_if_none_is_saved(sandbox):
    shown = "import matplotlib.pyplot as plt\nplt.figure(figsize=(3, 2), dpi=50)\nplt.show()\nplt.figure()"
    assert opened(sandbox.render(shown)).size == (150, 100)


def test_transparent_pictures_stand_on_white(sandbox):
    clear = "import matplotlib.pyplot as plt\nplt.figure(figsize=(1, 1)).savefig('x', transparent=True)"
    assert opened(sandbox.render(clear)).getcolors() == [(100 * 100, (255, 255, 255))]


def test_same_script_same_bytes_in_every_worker(sandbox):
    draws_at_random = """
import random
import numpy as np
import matplotlib.pyplot as plt
for word in {"some", "words", "in", "a", "set"}:
    plt.text(random.random(), np.random.rand(), word)
plt.savefig("x.png")
"""
    with ThreadPoolExecutor(4) as threads:
        pictures = list(threads.map(sandbox.render, [draws_at_random] * 8))
    assert len(set(pictures)) == 1


def test_threads_get_their_own_pictures(sandbox):
    sizes = [1 + number % 5 for number in range(20)]
    with ThreadPoolExecutor(6) as threads:
        pictures = list(threads.map(sandbox.render, [TRIANGLE.format(size=size) for size in sizes]))
    assert [opened(picture).size for picture in pictures] == [(50 * size, 50 * size) for size in sizes]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("import matplotlib.pyplot as plt\nplt.plto([1])", "has no attribute 'plto'"),
        ("x = 1\n\ny = 1 / 0", "ZeroDivisionError: division by zero (line 3)"),
        ("x = (", "SyntaxError: '(' was never closed (line 1)"),
        ("raise SystemExit(3)", "SystemExit: 3 (line 1)"),
        ("x = 1", "saved no figure"),
        ("print('cannot\\ndraw')", "saved no figure; it printed: cannot draw"),
        (
            "open('data.csv')",
            "tried something forbidden: PermissionError",
        ),
        ("import scipy", "ModuleNotFoundError: No module named 'scipy' (line 1)"),
        ("x = bytearray(10**10)", "used more than 512 MB"),
        ("import os\nos._exit(0)", "ended before it saved a figure"),
        ("x = input()", "EOFError: EOF when reading a line (line 1)"),
        ("# \ud800", "saved no figure"),
        ("x\0", "null bytes"),
        ("#" * (1 << 20 | 1), "is 1048577 bytes long; at most 1048576 are run"),
    ],
)
def test_reason_is_one_line(script, expected, sandbox):
    said = reason(sandbox, script)
    assert expected in said
    assert said.isprintable()


def test_limits_are_the_ones_given():
    with Sandbox(timeout=1, memory_mb=32, max_pixels=100 * 100) as sandbox:
        assert reason(sandbox, "while True: pass") == "ran longer than 1 s"
        assert reason(sandbox, "x = bytearray(1 << 26)") == "used more than 32 MB"
        assert opened(sandbox.render(TRIANGLE.format(size=2))).size == (100, 100)
        assert "has 150 x 150 pixels, more than 10000" in reason(sandbox, TRIANGLE.format(size=3))


def test_dead_worker_is_replaced():
    others = children()
    with Sandbox() as sandbox:
        picture = sandbox.render(TRIANGLE.format(size=1))
        (worker,) = children() - others
        os.kill(worker, signal.SIGKILL)
        while worker in children():
            time.sleep(0.01)
        assert sandbox.render(TRIANGLE.format(size=1)) == picture
        (worker,) = children() - others
        threading.Timer(0.3, os.kill, (worker, signal.SIGKILL)).start()
        assert reason(sandbox, "import time\ntime.sleep(60)") == "took the worker with it, which died"
        assert sandbox.render(TRIANGLE.format(size=1)) == picture
    assert children() == others


def test_close_ends_what_runs():
    others = children()
    with Sandbox(timeout=60) as sandbox, ThreadPoolExecutor(1) as threads:
        running = threads.submit(sandbox.render, "import time\ntime.sleep(60)")
        while len(children() - others) < 2:
            assert not running.done()
        sandbox.close()
        with pytest.raises(ScriptFailed):
            running.result(timeout=10)
        assert children() == others
    with pytest.raises(RuntimeError, match="entered"):
        sandbox.render(TRIANGLE)


def test_layers_are_named(sandbox):
    assert {"clean process", "resource limits", "time limit", "seccomp", "not root"} <= set(sandbox.layers)


def test_without_seccomp_it_refuses(monkeypatch):
    use_worker(monkeypatch, "without_seccomp")
    with pytest.raises(SandboxUnavailable, match="seccomp.*allow_unsafe_exec"), Sandbox():
        pass


def test_without_seccomp_it_runs_if_told_so_and_limits_hold(monkeypatch, caplog):
    use_worker(monkeypatch, "without_seccomp")
    with Sandbox(timeout=2, allow_unsafe_exec=True) as sandbox:
        assert "unconfined" in caplog.text and "read a file" in caplog.text
        assert "seccomp" not in sandbox.layers
        assert opened(sandbox.render(TRIANGLE.format(size=1)))
        assert reason(sandbox, "while True: pass") == "ran longer than 2 s"
        assert reason(sandbox, "x = bytearray(10**10)") == "used more than 512 MB"


def test_self_attack_finds_a_filter_without_effect(monkeypatch):
    use_worker(monkeypatch, "leaky")
    others = children()
    with pytest.raises(SandboxUnavailable, match="failed its own attack: .*write a file"), Sandbox():
        pass
    assert children() == others


def test_without_fork_it_refuses(monkeypatch):
    monkeypatch.delattr(os, "fork")
    with pytest.raises(SandboxUnavailable, match="use Linux"), Sandbox(allow_unsafe_exec=True):
        pass


def test_worker_that_does_not_start(monkeypatch):
    use_worker(monkeypatch, "broken")
    with pytest.raises(SandboxUnavailable, match="did not start"), Sandbox(allow_unsafe_exec=True):
        pass


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "data_scripts.llm.sandbox", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


def test_command_writes_the_picture(tmp_path):
    script, output = tmp_path / "script.py", tmp_path / "picture.png"
    script.write_text(TRIANGLE.format(size=2))
    ended = command(str(script), "--output", str(output), HF_TOKEN="hf_secret")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert opened(output.read_bytes()).size == (100, 100)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["picture.png", "script.py"]


def test_command_says_in_one_line_why_there_is_no_picture(tmp_path):
    script, output = tmp_path / "script.py", tmp_path / "picture.png"
    script.write_text("import os\nraise ValueError(os.environ.get('HF_TOKEN', 'no\\ntoken'))")
    ended = command(str(script), "--output", str(output), HF_TOKEN="hf_secret")
    assert (ended.returncode, ended.stderr) == (2, f"error: {script}: ValueError: no token (line 2)\n")
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["missing.py", "--output", "x.png"], "cannot read missing.py: No such file or directory"),
        ([".", "--output", "x.png"], "cannot read .: Is a directory"),
        (["script.py", "--output", "x.png", "--timeout", "0"], "--timeout must be a number of seconds above 0"),
        (["script.py", "--output", "x.png", "--memory_mb", "0"], "--memory_mb must be at least 1"),
        (["script.py", "--output", "missing/x.png"], "cannot write missing/x.png: No such file or directory"),
    ],
)
def test_command_refuses_wrong_arguments(arguments, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script.py").write_text(TRIANGLE.format(size=1))
    monkeypatch.setattr(sys, "argv", ["sandbox", *arguments])
    with pytest.raises(ValueError, match=expected):
        sandbox_module.main()
