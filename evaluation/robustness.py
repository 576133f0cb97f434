"""How much a dual encoder loses when figures look otherwise: Hit@1 on changed pictures, paired with the clean ones.

    python -m evaluation.robustness --model M --dataset rows --output_dir robustness

Works for any CLIP-family model, ours or stock. Every image of a question is changed in the same way, captions stay.
A difference compares the same questions, changed and clean, and its 95% interval resamples them together, which is
what makes small losses visible. Perturbations that draw the figure anew need its script; questions without one are
left out of both sides and counted.

The folder holds results.json, robustness.png (differences with intervals) and contact_sheet.png (what each
perturbation looks like). A perturbation that is finished is kept: an interrupted run goes on with the next.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import torch
from datasets import Dataset
from matplotlib.figure import Figure as Canvas
from PIL import Image
from transformers import AutoModel
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.shards import fingerprint
from evaluation.encoding import Change, DualEncoder, check_dual_encoder, encode_captions, encode_images
from evaluation.loading import load_model, load_processor, load_rows, pick_device
from evaluation.perturbations import PERTURBATIONS, Perturbation
from evaluation.predictions import check_settings
from evaluation.results import bootstrap_interval, library_versions, weights_fingerprint, write_json
from trainers.candidate_sets import (
    COLUMNS,
    SET_NAMES,
    Anchor,
    CandidateSets,
    ImageSource,
    build_candidate_sets,
    without_images,
)
from trainers.ranking import rank_set
from trainers.rows import decode_image

SCRIPTS = {"image": "script", "negative_images": "negative_scripts"}  # column of images: that of what draws them
SHEET_ROWS = 3


@dataclass
class RobustnessArguments:
    """Measure how Hit@1 of a CLIP-family model changes when figures are turned, shrunk, blurred or drawn otherwise."""

    model: str = field(
        metadata={"help": "Folder or Hub id of an MMCLIP or a stock dual encoder (CLIP, AltCLIP, SigLIP)."}
    )
    dataset: str = field(metadata={"help": "Folder or Hub id of rows of hard negatives."})
    output_dir: str = field(metadata={"help": "Folder for the result, the plot and the contact sheet."})
    split: str = field(default="test", metadata={"help": "Split to measure on."})
    dataset_config: str | None = field(
        default=None,
        metadata={"help": "Configuration of the data set, such as letters_only; its default if not given."},
    )
    perturbations: list[str] | None = field(
        default=None,
        metadata={"help": "Which ones (default: all).", "choices": list(PERTURBATIONS)},
    )
    max_rows: int | None = field(default=None, metadata={"help": "Measure on the first rows only."})
    num_candidates: int = field(
        default=10, metadata={"help": "Captions of other rows that each image's own meets in the random set."}
    )
    batch_size: int = field(default=64, metadata={"help": "Images or captions encoded at once."})
    seed: int = field(default=0, metadata={"help": "Draws the random set, noise and jitter, and the bootstrap."})
    trust_remote_code: bool = field(
        default=False,
        metadata={"help": "Run the model's own code from the Hub. Ours and stock models need no such thing."},
    )

    def __post_init__(self) -> None:
        require_at_least(self, num_candidates=1, batch_size=1, seed=0)
        if self.max_rows is not None:
            require_at_least(self, max_rows=1)
        self.perturbations = self.perturbations or list(PERTURBATIONS)
        if unknown := set(self.perturbations) - set(PERTURBATIONS):
            raise ValueError(
                f"unknown --perturbations {', '.join(sorted(unknown))}: expected some of {', '.join(PERTURBATIONS)}"
            )


def changed(name: str, seed: int) -> Change:
    """What changes an image of a row by a perturbation; noise and jitter depend on the image's number and the seed."""

    def change(number: int, image: Image.Image, row: Mapping[str, Any], source: ImageSource) -> Image.Image | None:
        script = row.get(SCRIPTS[source.column])
        if isinstance(script, list):
            script = script[source.position] if source.position < len(script) else None
        rng = np.random.default_rng([seed, crc32(name.encode()), number])
        return PERTURBATIONS[name](image, script, rng)

    return change


@dataclass(frozen=True)
class Clean:
    """The questions, and the embeddings of all they hold as it is."""

    rows: Dataset
    sets: CandidateSets
    images: torch.Tensor
    captions: torch.Tensor
    unreadable: set[int]

    def hits(self, name: str, questions: list[Anchor], images: torch.Tensor) -> np.ndarray:
        """Whether each question of a set is a hit with these embeddings of images, `[questions]` of 0 and 1."""
        sides = (self.captions, images) if name == "image" else (images, self.captions)
        return np.array(rank_set(questions, *sides)[0], dtype=float)


def encode_clean(arguments: RobustnessArguments, rows: Dataset, encoder: DualEncoder) -> Clean:
    """Number what the rows hold and encode it."""
    numbered = rows.select_columns(list(COLUMNS))
    sets = build_candidate_sets(numbered, arguments.num_candidates, np.random.default_rng(arguments.seed))
    images, unreadable = encode_images(encoder, rows, sets.images, arguments.batch_size)
    return Clean(rows, sets, images, encode_captions(encoder, sets.captions, arguments.batch_size), unreadable)


def compare(clean: Clean, images: torch.Tensor, lost: set[int], seed: int) -> dict[str, dict | None]:
    """Per set: Hit@1 on changed images, on the clean ones of the same questions, and the difference.

    Args:
        clean: the questions.
        images: embeddings of the changed images, by number, `[images, dim]`.
        lost: numbers of images that could not be changed.
        seed: of the bootstrap, which resamples questions with both their outcomes.
    """
    result: dict[str, dict | None] = {}
    for name, questions in without_images(clean.sets, clean.unreadable | lost).items():
        if not questions:
            result[name] = None
            continue
        before, after = clean.hits(name, questions, clean.images), clean.hits(name, questions, images)
        sizes = np.array([1 + len(question.negatives) for question in questions])
        result[name] = {
            "accuracy": float(after.mean()),
            "clean": float(before.mean()),
            "difference": float((after - before).mean()),
            "interval_95": bootstrap_interval(after - before, np.random.default_rng(seed)),
            "chance": float((1 / sizes).mean()),
            "num_anchors": len(questions),
        }
    return result


def evaluate(arguments: RobustnessArguments) -> dict:
    """Measure all perturbations; returns the content of results.json.

    Raises:
        ValueError: if the model is no dual encoder, the data set, the split or a column is missing, or the folder
            holds another run.
    """
    rows = load_rows(arguments.dataset, arguments.split, COLUMNS, arguments.dataset_config)
    rows = rows.select(range(min(arguments.max_rows or len(rows), len(rows))))
    settings = {
        "model": arguments.model,
        "model_fingerprint": weights_fingerprint(arguments.model),
        "dataset": arguments.dataset,
        "dataset_config": arguments.dataset_config,
        "dataset_fingerprint": fingerprint({"captions": rows["caption"][:]}),
        "split": arguments.split,
        "num_rows": len(rows),
        "num_candidates": arguments.num_candidates,
        "seed": arguments.seed,
    }
    folder = Path(arguments.output_dir)
    check_settings(folder, settings)
    parts = {name: folder / "perturbations" / f"{name}.json" for name in arguments.perturbations}
    if missing := [name for name, path in parts.items() if not path.exists()]:
        model = load_model(AutoModel, arguments.model, arguments.trust_remote_code)
        check_dual_encoder(model, arguments.model)
        processor = load_processor(arguments.model, arguments.trust_remote_code)
        encoder = DualEncoder(model.to(pick_device()), processor, arguments.model)
        clean = encode_clean(arguments, rows, encoder)
        for name in missing:
            change = changed(name, arguments.seed)
            images, lost = encode_images(encoder, rows, clean.sets.images, arguments.batch_size, change)
            sets = compare(clean, images, lost, arguments.seed)
            count = len(lost - clean.unreadable)
            about = {"title": PERTURBATIONS[name].title, "num_images_without_script": count}
            write_json(parts[name], about | {"sets": sets, "device": encoder.device.type})
    found = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in parts.items()}
    result = {
        "measure": "robustness",
        "metric": "hit_at_1",
        **settings,
        "perturbations": found,
        "versions": library_versions(),
    }
    _save(contact_sheet(rows, arguments.perturbations, arguments.seed), folder / "contact_sheet.png")
    _save(plot(result), folder / "robustness.png")
    write_json(folder / "results.json", result)
    return result


def contact_sheet(rows: Dataset, names: list[str], seed: int) -> Canvas:
    """The first figures, each clean and as every perturbation leaves it."""
    shown = [rows[number] for number in range(min(SHEET_ROWS, len(rows)))]
    columns: dict[str, Perturbation | None] = {"clean": None, **{name: PERTURBATIONS[name] for name in names}}
    canvas = Canvas(figsize=(1.9 * len(columns), 2.15 * len(shown)), layout="constrained")
    axes = canvas.subplots(len(shown), len(columns), squeeze=False)
    for number, (line, row) in enumerate(zip(axes, shown, strict=True)):
        image = decode_image(row["image"])
        for ax, (name, perturbation) in zip(line, columns.items(), strict=True):
            ax.set_axis_off()
            picture = image
            if perturbation is not None and image is not None:
                picture = changed(name, seed)(number, image, row, ImageSource(number, "image", 0))
            if picture is not None:
                ax.imshow(np.asarray(picture), vmin=0, vmax=255)
            title = "clean" if perturbation is None else perturbation.title
            ax.set_title(title if picture is not None else f"{title}: no script", fontsize=8)
    return canvas


def plot(result: dict) -> Canvas:
    """Differences to the clean figures with their intervals, one panel per candidate set."""
    found = result["perturbations"]
    names = [name for name in SET_NAMES if any(of["sets"][name] for of in found.values())]
    canvas = Canvas(figsize=(2.7 * max(len(names), 1) + 1, 0.36 * len(found) + 1.2), layout="constrained")
    panels = canvas.subplots(1, max(len(names), 1), sharey=True, squeeze=False)[0]
    for ax, name in zip(panels, names, strict=False):
        for place, of in enumerate(found.values()):
            if (entry := of["sets"][name]) is not None:
                low, high = (100 * end for end in entry["interval_95"])
                ax.hlines(place, low, high, color="C0", linewidth=2)
                ax.plot(100 * entry["difference"], place, "o", color="C0", markersize=4)
        ax.axvline(0, color="black", linewidth=0.8, linestyle="dotted")
        ax.set_title(f"{name} set", fontsize=9)
        ax.set_xlabel("change of Hit@1, points", fontsize=8)
        ax.tick_params(labelsize=8)
    panels[0].set_yticks(range(len(found)), [of["title"] for of in found.values()])
    panels[0].invert_yaxis()
    return canvas


def _save(canvas: Canvas, path: Path) -> None:
    """Write a picture, first to a temporary name."""
    temporary = path.with_name(f"{path.name}.part")
    canvas.savefig(temporary, dpi=120, format="png")
    temporary.replace(path)


def format_table(result: dict) -> str:
    """The result as a plain table for the terminal."""
    header = f"{'perturbation':<26}{'set':<11}{'clean':>8}{'changed':>9}{'difference':>12}{'95% interval':>18}"
    header += f"{'anchors':>9}"
    lines = [f"Hit@1 of {result['model']} on {result['dataset']} ({result['split']})", header, "-" * len(header)]
    for of in result["perturbations"].values():
        for name, entry in of["sets"].items():
            if entry is None:
                lines.append(f"{of['title']:<26}{name:<11}{'absent':>8}")
                continue
            low, high = entry["interval_95"]
            shares = f"{entry['clean']:>8.1%}{entry['accuracy']:>9.1%}{100 * entry['difference']:>+12.1f}"
            interval = f"{100 * low:+.1f} to {100 * high:+.1f}"
            lines.append(f"{of['title']:<26}{name:<11}{shares}{interval:>18}{entry['num_anchors']:>9}")
        if of["num_images_without_script"]:
            lines.append(f"  images without a script of ours: {of['num_images_without_script']}")
    return "\n".join(lines)


def main() -> None:
    (arguments,) = TrlParser(RobustnessArguments).parse_args_and_config()
    print(format_table(evaluate(arguments)))
    print(f"written to {arguments.output_dir} (see robustness.png and contact_sheet.png)")


if __name__ == "__main__":
    run_command(main)
