"""Builds on datatrove's executors: the same bytes as on one machine, and a Slurm job that says what it should."""

import importlib.util
import os
from pathlib import Path

import pytest

from data_scripts.build_hard_negatives import BuildArguments, build, main
from data_scripts.cli import run_command

from .test_build_hard_negatives import parquet_bytes

# Three shards of the train split and one of the test split.
SMALL = {"num_rows": 130, "num_test_rows": 2, "num_image_negatives": 1, "num_rule_negatives": 1, "num_retrieved": 0}
SMALL |= {"image_size": 64, "configs": ["letters_only"]}
needs_datatrove = pytest.mark.skipif(importlib.util.find_spec("datatrove") is None, reason="datatrove is missing")
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray has no wheel for this Python")


@pytest.fixture(scope="module")
def on_one_machine(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("one") / "rows"
    build(BuildArguments(str(folder), num_workers=1, **SMALL))
    return parquet_bytes(folder)


@needs_datatrove
def test_datatrove_on_this_machine_gives_the_same_bytes(on_one_machine, tmp_path):
    build(BuildArguments(str(tmp_path / "rows"), executor="datatrove", num_tasks=2, num_workers=2, **SMALL))
    assert parquet_bytes(tmp_path / "rows") == on_one_machine


@needs_datatrove
@needs_ray
def test_two_ray_workers_give_the_same_bytes(on_one_machine, tmp_path, monkeypatch):
    import ray

    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=10**8,
        runtime_env={"env_vars": environment},
        _temp_dir=str(tmp_path / "ray") if len(str(tmp_path)) < 40 else None,  # its socket names must stay short
    )
    try:
        build(BuildArguments(str(tmp_path / "rows"), executor="ray", num_tasks=2, num_workers=2, **SMALL))
    finally:
        ray.shutdown()
    assert parquet_bytes(tmp_path / "rows") == on_one_machine


@needs_datatrove
def test_a_slurm_job_is_handed_in_and_then_finished_from_its_shards(on_one_machine, tmp_path, monkeypatch, capsys):
    handed_in = tmp_path / "handed_in"
    handed_in.mkdir()
    sbatch = tmp_path / "bin" / "sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text(f'#!/bin/sh\ncp "$2" "{handed_in}/$(ls {handed_in} | wc -l)" 2>/dev/null\necho submitted 7\n')
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", f"{sbatch.parent}{os.pathsep}{os.environ['PATH']}")
    words = [f"--{k}={v}" for k, v in SMALL.items() if k != "configs"] + ["--configs", "letters_only"]
    slurm = ["--executor=slurm", "--slurm_partition=cpu", "--num_tasks=2", "--slurm_setup=source env/bin/activate"]
    monkeypatch.setattr("sys.argv", ["build", "--output_dir", str(tmp_path / "rows"), *words, *slurm])
    run_command(main)
    assert "when the jobs are over" in capsys.readouterr().out
    job = (handed_in / "0").read_text()
    for line in (
        "#SBATCH --array=0-1",
        "#SBATCH --partition=cpu",
        "#SBATCH --time=04:00:00",
        "source env/bin/activate",
    ):
        assert line in job
    assert "launch_pickled_pipeline" in job
    build(BuildArguments(str(tmp_path / "rows"), num_workers=1, **SMALL))
    assert parquet_bytes(tmp_path / "rows") == on_one_machine


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"executor": "cloud"}, "unknown --executor 'cloud'"),
        ({"executor": "slurm"}, "needs --slurm_partition"),
        ({"executor": "datatrove", "num_tasks": 0}, "--num_tasks must be at least 1"),
    ],
)
def test_what_cannot_be_used_is_said_before_the_work(options, line):
    with pytest.raises(ValueError, match=line):
        BuildArguments("rows", **options)


def test_a_missing_executor_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"needs datatrove and ray: pip install 'mmgeo\[scale\]'"):
        BuildArguments("rows", executor="ray")
