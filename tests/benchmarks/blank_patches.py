"""Blank-patch skipping, on and off: images/s of a ViT-S/16-sized vision tower on drawings, and what Hit@1 makes of it.

    python -m tests.benchmarks.blank_patches
    python -m tests.benchmarks.blank_patches --num_positives 2000   # with Hit@1

On and off take turns in one process, and medians are reported. Processor time says the same as the clock on a machine
that has nothing else to do, and remains comparable on a busy one. On runs twice: all images padded to the fullest, and
in groups of similar ink. For Hit@1 two small models are trained from the same weights and rows, one with every patch
and one without blank ones, and each is measured both ways on held-out rows.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import count, islice
from pathlib import Path
from statistics import median

import matplotlib

matplotlib.use("Agg")
import numpy as np
import torch
from matplotlib import pyplot as plt
from tqdm import tqdm
from transformers import AltCLIPConfig, CLIPConfig, SiglipConfig
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.diagram.drawing import Style, lay_out, rasterise
from data_scripts.diagram.layout import NoRoom
from data_scripts.shards import write_text
from data_scripts.sources import procedural
from modeling_mmgeo import MMCLIPModel
from modeling_mmgeo.blank_patches import choose_patches

from .measure import in_own_process
from .training import build
from .training_contenders import Contender, mmgeo
from .training_quality import QualityArguments, in_words, measure, start_model, train_into

TOWER = {"hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 12, "num_attention_heads": 6}
IMAGE = {"image_size": 224, "patch_size": 16}
TEXT = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 9}
GROUP_SIZE = 8
MODES = {"off": (False, None), "on": (True, None), "on, in groups": (True, GROUP_SIZE)}
FAMILIES = {
    "clip": (CLIPConfig, CLIPImageProcessorPil),
    "altclip": (AltCLIPConfig, CLIPImageProcessorPil),
    "siglip": (SiglipConfig, SiglipImageProcessorPil),
}


@dataclass
class BenchmarkArguments:
    """How much to measure."""

    num_images: int = field(default=32, metadata={"help": "Procedural drawings of 224 px in the one batch."})
    rounds: int = field(default=3, metadata={"help": "Times that all take turns, after one to warm up."})
    families: list[str] = field(
        default_factory=lambda: list(FAMILIES), metadata={"help": f"Kinds of towers, of {', '.join(FAMILIES)}."}
    )
    layers: int = field(default=12, metadata={"help": "Layers of the tower; ViT-S/16 has 12."})
    num_positives: int = field(default=0, metadata={"help": "Rows to train on for Hit@1; 0: speed only."})
    num_test_rows: int = field(default=300, metadata={"help": "Held-out rows for Hit@1."})
    output: str = field(
        default="runs/benchmarks/blank_patches.json", metadata={"help": "Where the figures go; the chart lies beside."}
    )

    def __post_init__(self) -> None:
        require_at_least(self, num_images=1, rounds=1, layers=1, num_positives=0, num_test_rows=1)
        if unknown := sorted(set(self.families) - set(FAMILIES)):
            raise ValueError(f"--families knows no {', '.join(unknown)}: choose of {', '.join(FAMILIES)}.")


def drawings() -> Iterator[np.ndarray]:
    """Drawings as the data scripts paint them, three channels; figures without room for their texts are left out."""
    for index in count():
        _, program, rng = procedural.figure_at(0, "train", index)
        try:
            layout = lay_out(program.diagram, Style.draw(rng, IMAGE["image_size"]))
        except NoRoom:
            continue
        yield np.asarray(rasterise(layout).convert("RGB"))


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds of processor time and on the clock."""
    started = time.process_time(), time.perf_counter()
    call()
    return time.process_time() - started[0], time.perf_counter() - started[1]


def measure_speed(family: str, images: list[np.ndarray], layers: int, rounds: int) -> dict:
    """Images/s forward, and forward with backward, in each of `MODES`."""
    make_config, make_processor = FAMILIES[family]
    torch.manual_seed(0)
    config = make_config(text_config=TEXT, vision_config={**TOWER, **IMAGE, "num_hidden_layers": layers})
    model = MMCLIPModel.from_backbone(config).train()
    pixels = make_processor()(images, return_tensors="pt")["pixel_values"]

    def forward() -> None:
        with torch.no_grad():
            model(pixel_values=pixels)

    def forward_backward() -> None:
        model.zero_grad()
        model(pixel_values=pixels).image_embeds[:, 0].sum().backward()

    calls = (forward, forward_backward)
    taken: dict[tuple[str, str], list] = {(call.__name__, mode): [] for call in calls for mode in MODES}
    for turn in tqdm(range(rounds + 1), desc=family):
        for call in calls:
            for mode, (model.config.skip_blank_patches, model.image_group_size) in MODES.items():
                spent = seconds(call)
                if turn:
                    taken[call.__name__, mode].append(spent)
    kept = choose_patches(pixels, model.config).float().mean(1)
    figures = {
        "share_of_patches_kept": kept.mean().item(),
        "share_after_padding": kept.max().item(),
        "share_after_padding_in_groups": groups_padded(kept).item(),
        "choosing_ms": 1000 * median(seconds(lambda: choose_patches(pixels, model.config))[0] for _ in range(rounds)),
    }
    for name in (call.__name__ for call in calls):
        cpu, clock = ({mode: median(t[i] for t in taken[name, mode]) for mode in MODES} for i in (0, 1))
        figures[name] = {
            mode: {
                "images_per_cpu_second": len(images) / cpu[mode],
                "images_per_second": len(images) / clock[mode],
                "times_faster": cpu["off"] / cpu[mode],
                "times_faster_on_the_clock": clock["off"] / clock[mode],
            }
            for mode in MODES
        }
    return figures


def groups_padded(kept: torch.Tensor) -> torch.Tensor:
    """Share of the patches that are encoded where images of similar ink are padded together."""
    return torch.cat([group[-1].expand(len(group)) for group in kept.sort().values.split(GROUP_SIZE)]).mean()


def measure_hit_at_1(args: BenchmarkArguments) -> dict:
    """Hit@1 of a small model trained with and without blank patches, each measured with and without."""
    quality = QualityArguments(num_positives=args.num_positives, num_test_rows=args.num_test_rows, cases=["image:5"])
    figures: dict = {}
    with tempfile.TemporaryDirectory() as work:
        rows = Path(work) / "rows"
        build(rows, args.num_positives + args.num_positives // 10, 5, 0, args.num_test_rows)
        start = start_model(quality, rows, Path(work) / "model")
        for trained in ("off", "on"):
            folder, skip = str(Path(work) / trained), MODES[trained][0]
            options = {"skip_blank_patches": skip, "in_batch_negatives": True, "share_hard_negatives": True}
            contender = Contender("mmgeo", mmgeo, options)
            in_own_process(train_into, folder, contender, quality.cases[0], quality, str(rows), start)
            for measured in ("off", "on"):
                sets = measure(folder, str(rows), MODES[measured][0])
                figures[f"trained {trained}, measured {measured}"] = {name: sets[name] for name in ("random", "image")}
    return figures


def run(args: BenchmarkArguments) -> dict:
    """All measures of one run on one machine."""
    images = list(islice(drawings(), args.num_images))
    figures: dict = {"arguments": asdict(args), "threads": torch.get_num_threads(), "families": {}}
    for family in args.families:
        figures["families"][family] = measure_speed(family, images, args.layers, args.rounds)
    figures["load_average"] = os.getloadavg()[0]
    if args.num_positives:
        figures["hit_at_1"] = measure_hit_at_1(args)
    return figures


def draw_chart(figures: dict, path: Path) -> None:
    """Times faster by family, forward and in training, and Hit@1 if measured, as PNG."""
    panels = [("forward", "forward"), ("forward_backward", "forward and backward")]
    hits = figures.get("hit_at_1")
    figure, axes = plt.subplots(1, 2 + bool(hits), figsize=(9 + 5 * bool(hits), 3.6), layout="constrained")
    for ax, (key, title) in zip(axes, panels, strict=False):
        for number, mode in enumerate(MODES):
            values = [speed[key][mode]["times_faster"] for speed in figures["families"].values()]
            places = [place + (number - 1) * 0.27 for place in range(len(values))]
            bars = ax.bar(places, values, 0.27, label=mode, color=("#9aa0a6", "#74a9cf", "#2a6f97")[number])
            ax.bar_label(bars, fmt="%.1f×", fontsize=8)
        ax.set_xticks(range(len(figures["families"])), list(figures["families"]))
        ax.set_title(f"images per second, {title}, off = 1", fontsize=10)
    figure.legend(*axes[0].get_legend_handles_labels(), fontsize=8, frameon=False, loc="outside lower center", ncols=3)
    if hits:
        for number, name in enumerate(("random", "image")):
            accuracy = [100 * sets[name]["accuracy"] for sets in hits.values()]
            spans = [
                [abs(100 * end - a) for end in s[name]["interval_95"]]
                for a, s in zip(accuracy, hits.values(), strict=True)
            ]
            places = [place + (number - 0.5) * 0.35 for place in range(len(hits))]
            axes[2].bar(places, accuracy, 0.35, yerr=list(zip(*spans, strict=True)), label=f"{name} set", capsize=2)
        axes[2].set_xticks(range(len(hits)), [name.replace(", ", "\n") for name in hits], fontsize=8)
        axes[2].set_title("Hit@1, %, with 95% intervals", fontsize=10)
        axes[2].legend(fontsize=8, frameon=False)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    (args,) = TrlParser(BenchmarkArguments).parse_args_and_config()
    figures = run(args)
    path = Path(args.output)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(json.dumps(figures, indent=1), path)
    draw_chart(figures, path.with_suffix(".png"))
    for family, speed in figures["families"].items():
        print(
            f"{family}: kept {speed['share_of_patches_kept']:.0%} of the patches, {speed['share_after_padding']:.0%} "
            f"with padding, {speed['share_after_padding_in_groups']:.0%} in groups; choosing them takes "
            f"{speed['choosing_ms']:.0f} ms"
        )
        for name in ("forward", "forward_backward"):
            parts = (
                f"{mode} {one['images_per_cpu_second']:.1f} images per second of processor time "
                f"({one['times_faster']:.2f} times)"
                for mode, one in speed[name].items()
            )
            print(f"  {name}: {'; '.join(parts)}")
    for name, sets in figures.get("hit_at_1", {}).items():
        print(f"{name}: " + "; ".join(in_words(kind, one) for kind, one in sets.items()))
    print(f"load {figures['load_average']:.1f}; written to {path} and {path.with_suffix('.png')}")


if __name__ == "__main__":
    run_command(main)
