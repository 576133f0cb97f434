"""The same shards on more than one machine: datatrove's executors instead of a pool of processes.

A build's shards are dealt out to `--num_tasks` tasks, shard n to task n modulo their number, and each task makes its
own. Where they run is the executor's business: `datatrove` on this machine, `ray` on a Ray cluster, `slurm` as an
array job. They need a file system that all machines see, since finished shards lie in the build's work folder. The
build itself then finds them there, makes what is missing, and finishes: the bytes are those of a build on one machine.
A Slurm job is only handed in; the same command with `--executor processes` finishes when it is over.
"""

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

from .shards import SHARD_SIZE, BuildShard, Open, ShardFolder, missing_chunks

EXECUTORS = ("processes", "datatrove", "ray", "slurm")
RESERVE = 1.02  # of the figures asked for: so many give no row that the last few shards are left to the build itself


@dataclass(kw_only=True)
class ScaleArguments:
    """Where shards are made."""

    executor: str = field(
        default="processes",
        metadata={
            "help": "Who makes the shards: a pool of --num_workers processes, or datatrove on this machine, on Ray or "
            "on Slurm (pip install 'mmgeo[scale]').",
            "choices": list(EXECUTORS),
        },
    )
    num_tasks: int = field(default=8, metadata={"help": "Tasks that shards are dealt out to (not for processes)."})
    slurm_partition: str | None = field(default=None, metadata={"help": "Partition of the array job."})
    slurm_time: str = field(default="04:00:00", metadata={"help": "Time limit of one task of the array job."})
    slurm_setup: str = field(
        default="", metadata={"help": "Shell command before a task, such as 'source .venv/bin/activate'."}
    )

    def check_scale(self) -> None:
        """Raise ValueError where the executor cannot be used as asked."""
        if self.executor not in EXECUTORS:
            raise ValueError(f"unknown --executor '{self.executor}': expected one of {', '.join(EXECUTORS)}")
        if self.num_tasks < 1:
            raise ValueError(f"--num_tasks must be at least 1, not {self.num_tasks}")
        needed = {"processes": (), "ray": ("datatrove", "ray")}.get(self.executor, ("datatrove",))
        if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
            raise ValueError(f"--executor {self.executor} needs {' and '.join(missing)}: pip install 'mmgeo[scale]'")
        if self.executor == "slurm" and not self.slurm_partition:
            raise ValueError("--executor slurm needs --slurm_partition")


@dataclass(frozen=True)
class ShardTask:
    """One task of a pipeline: every `world_size`-th shard."""

    shards: ShardFolder
    planned: int  # shards in all
    source: Open
    build_shard: BuildShard

    def __call__(self, data: None, rank: int, world_size: int) -> None:
        """Make the shards of one rank, as datatrove calls its steps."""
        self.shards.folder.mkdir(parents=True, exist_ok=True)
        for number, chunk in missing_chunks(self.shards, self.source, step=world_size, first=rank):
            if number >= self.planned:
                return
            if chunk:
                self.shards.build(number, chunk, self.build_shard)


def make_shards(
    args: ScaleArguments,
    num_workers: int,
    shards: ShardFolder,
    wanted: int,
    source: Open,
    build_shard: BuildShard,
) -> bool:
    """Make about as many shards as `wanted` rows need with the executor that was asked for.

    Args:
        args: which executor.
        num_workers: tasks that run at a time.
        shards: where the shards go.
        wanted: rows of the split.
        source: as for `build_split`; read by every task.
        build_shard: as for `build_split`.

    Returns:
        Whether they are there now; False where they were handed to Slurm's queue.
    """
    if args.executor == "processes":
        return True
    task = ShardTask(shards, -(-int(wanted * RESERVE) // SHARD_SIZE), source, build_shard)
    logs = shards.folder.absolute() / f"{args.executor}-{shards.split}"
    _executor(args, task, min(args.num_tasks, task.planned), num_workers, logs).run()
    return args.executor != "slurm"


def _executor(args: ScaleArguments, task: ShardTask, tasks: int, workers: int, logs: Path) -> object:
    # skip_completed=False: a shard that is there is not made again, and a task's own mark may be of a smaller build
    options = {
        "pipeline": [task],
        "tasks": tasks,
        "workers": workers,
        "logging_dir": str(logs),
        "skip_completed": False,
    }
    if args.executor == "datatrove":
        from datatrove.executor.local import LocalPipelineExecutor

        return LocalPipelineExecutor(**options)
    if args.executor == "ray":
        from datatrove.executor.ray import RayPipelineExecutor

        return RayPipelineExecutor(**options, mem_per_cpu_gb=1)
    from datatrove.executor.slurm import SlurmPipelineExecutor

    return SlurmPipelineExecutor(
        **options,
        time=args.slurm_time,
        partition=args.slurm_partition,
        env_command=args.slurm_setup,
        job_name=f"mmgeo-{task.shards.split}",
        qos="",
    )
