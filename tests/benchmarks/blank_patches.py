"""Speed of blank-patch skipping: images/s of a ViT-S/16-sized vision tower on drawings, on and off.

    python -m tests.benchmarks.blank_patches

On and off take turns in one process, and medians are reported. Processor time says the same as the clock on a machine
that has nothing else to do, and remains comparable on a busy one.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import torch
from tqdm import tqdm
from transformers import CLIPConfig, SiglipConfig
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.diagram.drawing import Style, lay_out, rasterise
from data_scripts.shards import write_text
from data_scripts.sources import procedural
from modeling_mmgeo import MMCLIPModel
from modeling_mmgeo.blank_patches import choose_patches

TOWER = {"hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 12, "num_attention_heads": 6}
IMAGE = {"image_size": 224, "patch_size": 16}
TEXT = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 9}
FAMILIES = {"clip": (CLIPConfig, CLIPImageProcessorPil), "siglip": (SiglipConfig, SiglipImageProcessorPil)}


@dataclass
class BenchmarkArguments:
    """How much to measure."""

    num_images: int = field(default=32, metadata={"help": "Procedural drawings of 224 px in the one batch."})
    rounds: int = field(default=3, metadata={"help": "Times that on and off take turns, after one to warm up."})
    family: str = field(default="clip", metadata={"help": f"Kind of tower: {' or '.join(FAMILIES)}."})
    output: str = field(default="runs/benchmarks/blank_patches.json", metadata={"help": "Where the figures go."})

    def __post_init__(self) -> None:
        require_at_least(self, num_images=1, rounds=1)
        if self.family not in FAMILIES:
            raise ValueError(f"--family must be {' or '.join(FAMILIES)}, got '{self.family}'")


def draw(index: int) -> np.ndarray:
    """A drawing as the data scripts paint it, three channels."""
    _, program, rng = procedural.figure_at(0, "train", index)
    image = rasterise(lay_out(program.diagram, Style.draw(rng, IMAGE["image_size"])))
    return np.asarray(image.convert("RGB"))


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds of processor time and on the clock."""
    started = time.process_time(), time.perf_counter()
    call()
    return time.process_time() - started[0], time.perf_counter() - started[1]


def run(args: BenchmarkArguments) -> dict:
    """Images/s forward, and forward with backward, on and off."""
    make_config, make_processor = FAMILIES[args.family]
    torch.manual_seed(0)
    model = MMCLIPModel.from_backbone(make_config(text_config=TEXT, vision_config={**TOWER, **IMAGE}))
    images = [draw(index) for index in tqdm(range(args.num_images), desc="drawing", mininterval=3)]
    pixels = make_processor()(images, return_tensors="pt")["pixel_values"]

    def forward() -> None:
        with torch.no_grad():
            model.get_image_features(pixels)

    def forward_backward() -> None:
        model.zero_grad()
        model.get_image_features(pixels).pooler_output.pow(2).sum().backward()

    taken = {(call.__name__, on): [] for call in (forward, forward_backward) for on in (False, True)}
    for turn in tqdm(range(args.rounds + 1), desc="measuring"):
        for call in (forward, forward_backward):
            for on in (False, True):
                model.config.skip_blank_patches = on
                spent = seconds(call)
                if turn:
                    taken[call.__name__, on].append(spent)
    choosing = median(seconds(lambda: choose_patches(pixels, model.config))[0] for _ in range(args.rounds))
    kept = choose_patches(pixels, model.config).float().mean(1)
    figures = {
        "arguments": asdict(args),
        "threads": torch.get_num_threads(),
        "load_average": os.getloadavg()[0],
        "share_of_patches_kept": kept.mean().item(),
        "share_after_padding": kept.max().item(),
        "choosing_ms": 1000 * choosing,
    }
    for name in ("forward", "forward_backward"):
        off, on = ([median(spent) for spent in zip(*taken[name, on], strict=True)] for on in (False, True))
        figures[name] = {
            "images_per_cpu_second_off": args.num_images / off[0],
            "images_per_cpu_second_on": args.num_images / on[0],
            "times_faster": off[0] / on[0],
            "images_per_second_off": args.num_images / off[1],
            "images_per_second_on": args.num_images / on[1],
            "times_faster_on_the_clock": off[1] / on[1],
        }
    return figures


def main() -> None:
    (args,) = TrlParser(BenchmarkArguments).parse_args_and_config()
    figures = run(args)
    Path(args.output).parent.mkdir(parents=True, exist_ok=True)
    write_text(json.dumps(figures, indent=1), Path(args.output))
    print(
        f"kept {figures['share_of_patches_kept']:.0%} of the patches, {figures['share_after_padding']:.0%} with "
        f"padding; choosing them takes {figures['choosing_ms']:.0f} ms; load {figures['load_average']:.1f}"
    )
    for name in ("forward", "forward_backward"):
        figure = figures[name]
        print(
            f"{name}: {figure['images_per_cpu_second_on']:.1f} images/s of processor time on, "
            f"{figure['images_per_cpu_second_off']:.1f} off: {figure['times_faster']:.2f} times"
        )
    print(f"written to {args.output}")


if __name__ == "__main__":
    run_command(main)
