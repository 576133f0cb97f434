"""Speed and memory of training, against a plain loop and sentence-transformers, and what each saving brings.

    python -m tests.benchmarks.training

Same backbone (towers of ViT-S/16's size, fresh weights), same rows (procedural figures of 224 px, drawn for the
purpose), same precision. The contenders of a case are all alive and take a step in turn (`training_contenders`), so
that ratios hold on a busy machine; medians are reported, without the first step of each, which warms up. A waterfall
switches our savings on one after the other. Figures and a chart of them are written.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import torch
from datasets import Dataset
from tqdm import tqdm
from transformers import CLIPProcessor
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.shards import write_text
from trainers.rows import load_split
from trainers.scratch import ScratchConfig, letter_tokenizer, scratch_mmclip
from trainers.train_mmclip import all_captions

from . import training_contenders
from .training_chart import draw_chart
from .training_contenders import Case, Contender, Step, mmgeo, plain_loop, sentence_transformers, trimmed

TOWER = {"hidden_size": 384, "heads": 6, "intermediate_size": 1536}
KINDS = ("image", "text")
RULES = 10  # negative captions by rule; the others are retrieved


@dataclass
class BenchmarkArguments:
    """How much to measure."""

    cases: list[str] = field(
        default_factory=lambda: ["image:5", "image:10", "image:30", "text:40"],
        metadata={"help": "Kind and number of each row's negatives."},
    )
    waterfalls: list[str] = field(
        default_factory=lambda: ["image:10", "text:40"],
        metadata={"help": "Cases in which our savings are switched on one after the other, or none."},
    )
    batch_size: int = field(
        default=4, metadata={"help": "Positives per step; 4 with 30 images each take 9 GB in a plain loop."}
    )
    layers: int = field(default=12, metadata={"help": "Layers of each tower; ViT-S/16 has 12."})
    mini_batch_size: int = field(default=8, metadata={"help": "Images and texts per mini-batch of the cached forms."})
    rounds: int = field(default=2, metadata={"help": "Steps of each contender, after one to warm up."})
    num_rows: int = field(
        default=1500, metadata={"help": "Figures among which similar captions are found; training takes the first."}
    )
    seed: int = field(default=0, metadata={"help": "Seed of the weights."})
    work_dir: str | None = field(
        default=None, metadata={"help": "Where rows and model are kept for the next run; by default they are not."}
    )
    output: str = field(
        default="runs/benchmarks/training.json", metadata={"help": "Where the figures go; the chart lies beside it."}
    )

    def __post_init__(self) -> None:
        require_at_least(self, batch_size=1, layers=1, mini_batch_size=1, rounds=1, num_rows=16)

        parsed = [parse_case(text, self.batch_size) for text in self.cases]
        if unknown := sorted(set(self.waterfalls) - {*self.cases, "none"}):
            raise ValueError(f"--waterfalls names {', '.join(unknown)}, which is none of the --cases.")
        self.most_negatives = {
            kind: max((case.negatives for case in parsed if case.kind == kind), default=0) for kind in KINDS
        }


def parse_case(text: str, batch_size: int) -> Case:
    """A case from `image:10` or `text:40`.

    Raises:
        ValueError: if it is neither.
    """
    kind, _, count = text.partition(":")
    if kind not in KINDS or not count.isdigit() or not int(count):
        raise ValueError(f"A case is a kind and a number, such as image:10 or text:40, and not {text!r}.")
    return Case(kind, int(count), batch_size)


def contenders(args: BenchmarkArguments) -> list[Contender]:
    """Who trains: the baselines, and ours at once and in mini-batches."""
    mini = {"mini_batch_size": args.mini_batch_size}
    return [
        Contender("plain loop", plain_loop),
        Contender("sentence-transformers", sentence_transformers),
        Contender("sentence-transformers, cached", sentence_transformers, mini),
        Contender("mmgeo", mmgeo),
        Contender("mmgeo, mini-batches", mmgeo, mini),
    ]


def savings(args: BenchmarkArguments) -> list[Contender]:
    """Our trainer with one more saving each time."""
    options = {
        "skip_blank_patches": False,
        "image_group_size": None,
        "distinct_texts": False,
        "share_text_prefixes": False,
    }
    steps = [Contender("no savings", mmgeo, options)]
    for name, option in (
        ("distinct texts once", {"distinct_texts": True}),
        ("texts by length", {"text_group_size": 16}),
        ("shared beginnings", {"text_group_size": None, "share_text_prefixes": True}),
        ("no blank patches", {"skip_blank_patches": True}),
        ("images by ink", {"image_group_size": 8}),
        ("mini-batches", {"mini_batch_size": args.mini_batch_size}),
    ):
        options = options | option
        steps.append(Contender(f"+ {name}", mmgeo, options))
    return steps


def build(folder: Path, num_rows: int, image_negatives: int, text_negatives: int, num_test_rows: int = 1) -> Dataset:
    """Rows by the command that a user types."""
    if not folder.exists():
        rules = min(RULES, text_negatives // 2)
        options = {
            "num_rows": num_rows,
            "num_test_rows": num_test_rows,
            "num_image_negatives": image_negatives,
            "num_rule_negatives": rules,
            "num_retrieved": text_negatives - rules,
            "retriever": "embedded",
            "image_size": 224,
            "configs": "with_markings",
            "output_dir": folder,
        }
        command = [sys.executable, "-m", "data_scripts.build_hard_negatives"]
        subprocess.run([*command, *(f"--{name}={value}" for name, value in options.items())], check=True)
    return load_split(str(folder), "train", "with_markings")


def prepare(args: BenchmarkArguments, work: Path) -> dict[str, str]:
    """Build rows and a model; folders of each case's rows, and that of the model."""
    steps = args.rounds + 1
    needed = args.batch_size * steps
    folders, rows, most = {}, {}, args.most_negatives
    if most["image"]:
        rows["image"] = build(work / "image", 2 * needed, most["image"], 0)
    if most["text"]:
        rows["text"] = build(work / "text", args.num_rows, 0, most["text"])
    for name in args.cases:
        case = parse_case(name, args.batch_size)
        own = trimmed(rows[case.kind], case, needed)
        if len(own) < needed:
            raise ValueError(f"Only {len(own)} rows have {case.name}, and {needed} are needed: raise --num_rows.")
        folders[name] = str(work / name.replace(":", "-"))
        own.save_to_disk(folders[name])
    captions = [caption for part in rows.values() for caption in all_captions(part)]
    folders["model"] = save_model(captions, args.layers, args.seed, work / "model")
    return folders


def save_model(captions: Sequence[str], layers: int, seed: int, folder: Path) -> str:
    """A stock CLIP with its processor; its text tower takes captions as long as the longest and no longer."""
    longest = max(map(len, letter_tokenizer(captions, 10**6)(list(dict.fromkeys(captions)))["input_ids"]))
    tower = TOWER | {"layers": layers}
    sizes = {f"{name}_{size}": value for name in ("vision", "text") for size, value in tower.items()}
    config = ScratchConfig(image_size=224, patch_size=16, projection_size=384, max_text_length=longest, **sizes)
    model, processor = scratch_mmclip(captions, config, seed)
    model.backbone.save_pretrained(folder)
    CLIPProcessor(processor.image_processor, processor.tokenizer).save_pretrained(folder)
    return str(folder)


def take_turns(runners: Sequence[Contender], case: Case, rows: str, model: str, rounds: int) -> dict[str, list[Step]]:
    """Have the contenders of a case step in turn; what each step cost, by contender.

    Raises:
        ValueError: if a contender fails, with its reason.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([training_contenders.__name__])
    lines, processes = {}, []
    for runner in runners:
        lines[runner.name], line = context.Pipe()
        arguments = (runner, case, rows, model, rounds + 1, line)
        processes.append(context.Process(target=training_contenders.run_contender, args=arguments, daemon=True))
        processes[-1].start()

    def answer(name: str) -> Step | str:
        reply = lines[name].recv()
        if isinstance(reply, Exception):
            raise ValueError(f"{name}, {case.name}: {reply}") from reply
        return reply

    steps: dict[str, list[Step]] = {name: [] for name in lines}
    try:
        for name in lines:
            answer(name)
        for _ in tqdm(range(rounds + 1), desc=case.name):
            for name, line in lines.items():
                line.send("go")
                steps[name].append(answer(name))
        for line in lines.values():
            line.send("end")
    finally:
        for process in processes:
            process.join(timeout=5)
            process.terminate()
    return steps


def summary(case: Case, steps: dict[str, list[Step]]) -> dict[str, dict[str, float]]:
    """Positives per second (on the clock, and of processor time) and megabytes of each contender."""
    return {
        name: {
            "positives_per_second": case.batch_size / median(step.seconds for step in taken[1:]),
            "positives_per_cpu_second": case.batch_size / median(step.cpu_seconds for step in taken[1:]),
            "peak_mb": taken[-1].peak_mb,
        }
        for name, taken in steps.items()
    }


def run(args: BenchmarkArguments) -> dict:
    """All cases, and the waterfalls. Figures are written, and said, as they come."""
    figures: dict = {"arguments": asdict(args), "threads": torch.get_num_threads(), "cases": {}, "waterfalls": {}}
    path = Path(args.output)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folders = prepare(args, Path(args.work_dir or temporary))
        for name in args.cases:
            case = parse_case(name, args.batch_size)
            for part, runners in (("cases", contenders(args)), ("waterfalls", savings(args))):
                if part == "waterfalls" and name not in args.waterfalls:
                    continue
                taken = take_turns(runners, case, folders[name], folders["model"], args.rounds)
                figures[part][case.name] = summary(case, taken)
                figures["load_average"] = os.getloadavg()[0]
                write_text(json.dumps(figures, indent=1), path)
                print(report(part, case, figures[part][case.name]))
    return figures


def report(part: str, case: Case, rows: dict[str, dict[str, float]]) -> str:
    """One case in words, with ratios of processor time: how many times as fast ours is, or has become by a saving."""
    first = next(iter(rows.values()))["positives_per_cpu_second"]
    lines = [f"{case.name}, {case.batch_size} positives per step" + ", savings one by one" * (part == "waterfalls")]
    for name, row in rows.items():
        speed = row["positives_per_cpu_second"]
        ratio = rows["mmgeo"]["positives_per_cpu_second"] / speed if part == "cases" else speed / first
        lines.append(
            f"  {name:<30} {row['positives_per_second']:7.3f} positives/s, {speed:7.3f} per second of processor time, "
            f"{ratio:5.2f} times; {row['peak_mb']:6.0f} MB"
        )
    return "\n".join(lines)


def main() -> None:
    (args,) = TrlParser(BenchmarkArguments).parse_args_and_config()
    figures = run(args)
    chart = Path(args.output).with_suffix(".png")
    draw_chart(figures, chart)
    print(f"written to {args.output} and {chart}")


if __name__ == "__main__":
    run_command(main)
