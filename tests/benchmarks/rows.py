"""Speed and memory of building rows: rows and images per second, a longer build against a shorter one, and one script
per image.

    python -m tests.benchmarks.rows --num_rows 1000 --num_more 10000

Every build is the command a user would type, in a process of its own, without retrieval (`tests.benchmarks.retrieval`
measures that). Memory is that of all its processes together, with shared pages counted once.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
import pyarrow.parquet as pq
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.shards import SHARD_SIZE, write_text

SAMPLED_EVERY = 0.5  # seconds
TEST_ROWS = 2 * SHARD_SIZE  # a shard for each of two workers: with one alone the other would wait
BUILDS = (
    "build",
    "longer_build",
)  # a build has seconds of its own, however short: the longer one says what a row costs
STARTED = "import data_scripts.build_hard_negatives"


@dataclass
class BenchmarkArguments:
    """How much to measure."""

    num_rows: int = field(default=1000, metadata={"help": "Rows of the shorter build."})
    num_more: int = field(default=0, metadata={"help": "Rows of a longer build; 0 for none."})
    num_scripts: int = field(default=20, metadata={"help": "Scripts run one by one, each by a Python of its own."})
    num_image_negatives: int = field(default=10, metadata={"help": "Image negatives per row."})
    num_rule_negatives: int = field(default=10, metadata={"help": "Rule negatives per row."})
    image_size: int = field(default=336, metadata={"help": "Side of the images in pixels."})
    configs: list[str] = field(
        default_factory=lambda: ["with_markings"], metadata={"help": "Configurations of the builds."}
    )
    num_workers: int = field(default_factory=lambda: os.cpu_count() or 1, metadata={"help": "Processes."})
    output: str = field(default="runs/benchmarks/rows.json", metadata={"help": "Where the figures go."})

    def __post_init__(self) -> None:
        require_at_least(self, num_rows=64, num_more=0, num_scripts=1, image_size=64, num_workers=1)


def _memory(process: psutil.Process) -> float:
    """Megabytes of a process and its children, shared pages counted once where the system tells."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += getattr(one.memory_full_info(), "pss", None) or one.memory_info().rss
        except psutil.Error:
            continue
    return total / 2**20


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds and peak megabytes of a command.

    Raises:
        ValueError: if it fails.
    """
    started, peak = time.perf_counter(), 0.0
    process = psutil.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, _memory(process))
        time.sleep(SAMPLED_EVERY)
    if process.returncode:
        raise ValueError(f"{' '.join(command)} ended with status {process.returncode}")
    return time.perf_counter() - started, peak


def build(args: BenchmarkArguments, num_rows: int, folder: Path) -> dict:
    """One build: its seconds without those that Python takes to start, peak memory, rows and images."""
    options = [
        "--num_rows",
        num_rows,
        "--num_test_rows",
        TEST_ROWS,
        "--num_retrieved",
        0,
        "--image_size",
        args.image_size,
    ]
    options += ["--num_image_negatives", args.num_image_negatives, "--num_rule_negatives", args.num_rule_negatives]
    options += ["--num_workers", args.num_workers, "--configs", *args.configs, "--output_dir", folder]
    starting, _ = timed([sys.executable, "-c", STARTED])
    seconds, peak = timed([sys.executable, "-m", "data_scripts.build_hard_negatives", *map(str, options)])
    report = json.loads((folder / "build_report.json").read_text(encoding="utf-8"))
    rows = sum(split["kept"]["rows"] for config in report["configs"].values() for split in config.values())
    negatives = sum(
        split["kept"]["image negatives"] for config in report["configs"].values() for split in config.values()
    )
    return {
        "rows": rows,
        "images": rows + negatives,
        "seconds": seconds - starting,
        "starting_seconds": starting,
        "peak_mb": peak,
        "rows_per_second": rows / (seconds - starting),
        "images_per_second": (rows + negatives) / (seconds - starting),
        "shortcuts": report["shortcuts"],
    }


def scripts_one_by_one(folder: Path, count: int) -> float:
    """Images per second where every script is run by a Python of its own, one after the other."""
    table = pq.read_table(next(iter(sorted(folder.rglob("train-*.parquet")))), columns=["script"])
    scripts = table["script"].to_pylist()[:count]
    started = time.perf_counter()
    for number, text in enumerate(scripts):
        path = folder / f"script-{number}.py"
        path.write_text(text, encoding="utf-8")
        subprocess.run([sys.executable, str(path), str(path.with_suffix(".png"))], check=True)
    return len(scripts) / (time.perf_counter() - started)


def run(args: BenchmarkArguments) -> dict:
    """All measures of one run on one machine."""
    with tempfile.TemporaryDirectory() as work:
        first = build(args, args.num_rows, Path(work) / "first")
        one_by_one = scripts_one_by_one(Path(work) / "first", args.num_scripts)
        result = {
            "arguments": asdict(args),
            "build": first,
            "scripts_per_second": one_by_one,
        }
        if args.num_more:
            more = build(args, args.num_more, Path(work) / "more")
            per_row = (more["seconds"] / more["rows"]) / (first["seconds"] / first["rows"])
            result |= {"longer_build": more, "cost_per_row_against_the_shorter": per_row}
    for name in BUILDS:
        if name in result:
            result[name]["times_faster_than_scripts"] = result[name]["images_per_second"] / one_by_one
    return result


def main() -> None:
    (args,) = TrlParser(BenchmarkArguments).parse_args_and_config()
    result = run(args)
    path = Path(args.output)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(json.dumps(result, indent=1), path)
    for name in BUILDS:
        if one := result.get(name):
            print(
                f"{one['rows']} rows: {one['rows_per_second']:.1f} rows/s, {one['images_per_second']:.0f} images/s, "
                f"{one['times_faster_than_scripts']:.0f} times one script per Python, {one['peak_mb']:.0f} MB at most"
            )
    print(f"one script per Python: {result['scripts_per_second']:.2f} images/s")
    print(f"written to {path}")


if __name__ == "__main__":
    run_command(main)
