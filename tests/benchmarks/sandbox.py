"""How many scripts a second the sandbox runs warm, against one fresh `python script.py` each.

    python -m tests.benchmarks.sandbox

Two sets of scripts: those that come with our own figures, and those written in the way of language models that the
tests keep. Both ways run `num_workers` at a time, in the same minute, on the same scripts.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path

import numpy as np
import psutil
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.diagram.drawing import Style, lay_out
from data_scripts.diagram.script import to_script
from data_scripts.llm.sandbox import Sandbox
from data_scripts.sources import procedural
from evaluation.results import write_json

BENIGN = Path(__file__).parents[1] / "data_scripts" / "llm" / "benign"


@dataclass
class BenchmarkArguments:
    """How much to run."""

    num_workers: int = field(default=2, metadata={"help": "Scripts that run at a time, both ways."})
    num_scripts: int = field(default=200, metadata={"help": "Scripts per set in the sandbox."})
    num_fresh: int = field(default=10, metadata={"help": "Scripts per set in a fresh process each."})
    output: str = field(default="runs/benchmarks/sandbox.json", metadata={"help": "JSON file to write."})

    def __post_init__(self) -> None:
        require_at_least(self, num_workers=1, num_scripts=1, num_fresh=1)


def own_scripts(count: int) -> list[str]:
    """The scripts of the first procedural figures, drawn at 336 pixels."""
    scripts = []
    for index in range(count):
        program = procedural.figure_at(0, "train", index)[1]
        scripts.append(to_script(lay_out(program.diagram, Style.draw(np.random.default_rng(index), 336))))
    return scripts


def benign_scripts(count: int) -> list[str]:
    """The tests' scripts in turn."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(BENIGN.glob("*.py"))]
    return [texts[index % len(texts)] for index in range(count)]


SETS = {"own": own_scripts, "language_model_style": benign_scripts}


def processor_seconds() -> float:
    """What this process, its children and theirs have used so far."""
    process = psutil.Process()
    return sum(sum(one.cpu_times()[:4]) for one in (process, *process.children()))  # own and of ended children


def timed(run: Callable[[str], object], scripts: list[str], num_workers: int) -> dict:
    """Scripts per second with `num_workers` at a time, and the processor time of one, which is steadier."""
    with ThreadPoolExecutor(num_workers) as threads:
        used, start = processor_seconds(), time.perf_counter()
        list(threads.map(run, scripts))
        seconds, used = time.perf_counter() - start, processor_seconds() - used
    return {
        "scripts_per_s": round(len(scripts) / seconds, 2),
        "processor_ms_per_script": round(1000 * used / len(scripts), 1),
    }


def run_fresh(script: str) -> None:
    """`python script.py` in a folder of its own.

    Raises:
        CalledProcessError: if the script fails, since a failure is faster than a picture.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in ("out", "output"):  # where some of the scripts save
            Path(folder, name).mkdir()
        Path(folder, "script.py").write_text(script, encoding="utf-8")
        environment = {**os.environ, "MPLBACKEND": "Agg"}
        subprocess.run([sys.executable, "script.py"], cwd=folder, env=environment, capture_output=True, check=True)


def measure(args: BenchmarkArguments) -> dict:
    """Rates and their ratio for each set, with what else was going on on the machine."""
    result: dict = {"arguments": asdict(args), "cores": os.cpu_count(), "load_before": os.getloadavg()[0]}
    start = time.perf_counter()
    with Sandbox(num_workers=args.num_workers) as sandbox:
        result["seconds_to_start"] = round(time.perf_counter() - start, 2)
        result["layers"] = list(sandbox.layers)
        for name, scripts in SETS.items():
            warm = timed(sandbox.render, scripts(args.num_scripts), args.num_workers)
            fresh = timed(run_fresh, scripts(args.num_fresh), args.num_workers)
            times = {f"times_{key}": round(max(warm[key], fresh[key]) / min(warm[key], fresh[key]), 1) for key in warm}
            result[name] = {"sandbox": warm, "fresh_processes": fresh, **times}
    result["load_after"] = os.getloadavg()[0]
    result["versions"] = {"python": platform.python_version(), "matplotlib": metadata.version("matplotlib")}
    return result


def main() -> None:
    (args,) = TrlParser(BenchmarkArguments).parse_args_and_config()
    result = measure(args)
    write_json(args.output, result)
    print(f"load of the machine before and after: {result['load_before']:.1f}, {result['load_after']:.1f}")
    print(f"start of {args.num_workers} workers: {result['seconds_to_start']} s")
    for name in SETS:
        for way in ("sandbox", "fresh_processes"):
            measured = result[name][way]
            rate, used = measured["scripts_per_s"], measured["processor_ms_per_script"]
            print(f"{name}, {way}: {rate} scripts/s, {used} ms of processor time each")
    print(f"written to {args.output}")


if __name__ == "__main__":
    run_command(main)
