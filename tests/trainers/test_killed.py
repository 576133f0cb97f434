"""A training that is killed without a warning ends, started again, as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from datasets import DatasetDict
from safetensors.torch import load_file

from tests.trainers.rows import draw, hard_negative_row, hard_negatives, truncated
from trainers.run import is_complete
from trainers.train_mmclip import main

ROOT = Path(__file__).parents[2]
NUM_STEPS = 110  # 22 epochs of 5 batches: enough that the run is far from its end when it is killed
OPTIONS = {
    "image_size": 32,
    "patch_size": 8,
    "vision_layers": 1,
    "text_layers": 1,
    "vision_hidden_size": 24,
    "text_hidden_size": 24,
    "projection_size": 24,
    "num_train_epochs": 22,
    "in_batch_epochs": 1,
    "per_device_train_batch_size": 4,
    "max_image_negatives": 2,  # of 5, drawn anew in each epoch
    "max_text_negatives": 3,
    "save_strategy": "steps",
    "save_steps": 8,  # within an epoch
    "logging_steps": 1,
    "learning_rate": 1e-3,
    "max_unreadable_share": 0.1,
    "use_cpu": True,
    "disable_tqdm": True,
    "report_to": "none",
}
TIMED = {"positives_per_second", "train_runtime", "train_samples_per_second", "train_steps_per_second"}


def arguments(dataset, output):
    named = {"dataset_name": dataset, "output_dir": output, **OPTIONS}
    return [f"--{name}={value}" for name, value in named.items()]


def logs(output):
    """What was logged in every step, but for what depends on the clock and the summary at the end."""
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    return [{k: v for k, v in log.items() if k not in TIMED} for log in history if "loss" in log]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system knows no SIGKILL")
def test_killed_and_started_again_it_is_the_undisturbed_run_to_the_last_bit(tmp_path):
    rows = [hard_negative_row(k, 5, 5, 3) for k in range(18)]
    rows[7]["image"] = truncated(draw("line", 1))
    DatasetDict({"train": hard_negatives(rows)}).save_to_disk(tmp_path / "rows")
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    main(arguments(tmp_path / "rows", straight))

    command = [sys.executable, "-m", "trainers.train_mmclip", *arguments(tmp_path / "rows", killed)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None and not is_complete(killed / "checkpoint-24"):
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL  # and not its end
    finally:
        process.kill()
        process.wait()
    assert not (killed / "model.safetensors").exists()

    main(arguments(tmp_path / "rows", killed))
    assert len(logs(straight)) == NUM_STEPS and logs(killed) == logs(straight)
    assert not any("image_hit_at_1" in log for log in logs(straight)[:5])
    one, other = (load_file(folder / "model.safetensors") for folder in (straight, killed))
    assert all(value.equal(other[name]) for name, value in one.items()) and len(one) == len(other)
