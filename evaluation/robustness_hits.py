"""Hit@1 of a dual encoder on changed figures, paired with the clean ones: `evaluation.robustness` on hard negatives.

Every image of a question is changed in the same way, captions stay. Perturbations that draw a figure anew need its
script; questions without one are left out of both sides and counted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from datasets import Dataset
from PIL import Image
from transformers import AutoModel

from evaluation.encoding import Change, DualEncoder, check_embeds_both, encode_captions, encode_images
from evaluation.loading import load_model, load_processor, load_rows, pick_device, rows_fingerprint
from evaluation.perturbations import PERTURBATIONS, perturbed
from evaluation.results import bootstrap_interval
from trainers.candidate_sets import COLUMNS, Anchor, CandidateSets, ImageSource, build_candidate_sets, without_images
from trainers.ranking import rank_set
from trainers.rows import decode_image

if TYPE_CHECKING:
    from evaluation.robustness import RobustnessArguments

SCRIPTS = {"image": "script", "negative_images": "negative_scripts"}  # column of images: that of what draws them
BATCH_SIZE = 64


def changed(name: str, seed: int) -> Change:
    """What changes an image of a row by a perturbation; noise and jitter depend on the image's number and the seed."""

    def change(number: int, image: Image.Image, row: Mapping[str, Any], source: ImageSource) -> Image.Image | None:
        script = row.get(SCRIPTS[source.column])
        if isinstance(script, list):
            script = script[source.position] if source.position < len(script) else None
        return perturbed(name, image, script, seed, number)

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


def encode_clean(rows: Dataset, encoder: DualEncoder, num_candidates: int, batch_size: int, seed: int) -> Clean:
    """Number what the rows hold and encode it."""
    numbered = rows.select_columns(list(COLUMNS))
    sets = build_candidate_sets(numbered, num_candidates, np.random.default_rng(seed))
    images, unreadable = encode_images(encoder, rows, sets.images, batch_size)
    return Clean(rows, sets, images, encode_captions(encoder, sets.captions, batch_size), unreadable)


def compare(
    clean: Clean, images: torch.Tensor, lost: set[int], seed: int, keep_hits: bool = False
) -> dict[str, dict | None]:
    """Per set: Hit@1 on changed images, on the clean ones of the same questions, and the difference.

    Args:
        clean: the questions.
        images: embeddings of the changed images, by number, `[images, dim]`.
        lost: numbers of images that could not be changed.
        seed: of the bootstrap, which resamples questions with both their outcomes.
        keep_hits: whether to say of each question if it was a hit, changed (`hits`) and clean (`clean_hits`).
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
        if keep_hits:
            result[name] |= {"hits": after.astype(int).tolist(), "clean_hits": before.astype(int).tolist()}
    return result


class HitTask:
    """The candidate sets of a data set, whose Hit@1 is measured.

    Raises:
        ValueError: if the data set, the split or a column is missing.
    """

    metric = "hit_at_1"

    def __init__(self, arguments: "RobustnessArguments") -> None:
        rows = load_rows(arguments.dataset, arguments.split or "test", COLUMNS, arguments.dataset_config)
        self.arguments, self.rows = arguments, rows.select(range(min(arguments.max_rows or len(rows), len(rows))))

    def settings(self) -> dict:
        """What is measured on, as the result says it."""
        return {
            "dataset": self.arguments.dataset,
            "dataset_config": self.arguments.dataset_config,
            "dataset_fingerprint": rows_fingerprint(self.rows, COLUMNS),
            "split": self.arguments.split or "test",
            "num_rows": len(self.rows),
            "num_candidates": self.arguments.num_candidates,
            "seed": self.arguments.seed,
        } | ({"keep_hits": True} if self.arguments.keep_hits else {})

    def measure(self, names: list[str], folder: Path) -> Iterator[tuple[str, dict]]:
        """The result of each perturbation, one after the other; nothing is kept in the folder.

        Raises:
            ValueError: if the model cannot be loaded, or is no dual encoder.
        """
        arguments = self.arguments
        model = load_model(AutoModel, arguments.model, arguments.trust_remote_code)
        check_embeds_both(model, arguments.model)
        processor = load_processor(arguments.model, arguments.trust_remote_code)
        encoder = DualEncoder(model.to(pick_device()), processor, arguments.model)
        batch_size, seed = arguments.batch_size or BATCH_SIZE, arguments.seed
        clean = encode_clean(self.rows, encoder, arguments.num_candidates, batch_size, seed)
        for name in names:
            images, lost = encode_images(encoder, self.rows, clean.sets.images, batch_size, changed(name, seed))
            yield (
                name,
                {
                    "title": PERTURBATIONS[name].title,
                    "num_images_without_script": len(lost - clean.unreadable),
                    "sets": compare(clean, images, lost, seed, arguments.keep_hits),
                    "device": encoder.device.type,
                },
            )

    def figures(self, count: int) -> list[tuple[Image.Image | None, str | None]]:
        """The first figures with their scripts, for people to look at."""
        rows = (self.rows[number] for number in range(min(count, len(self.rows))))
        return [(decode_image(row["image"]), row.get("script")) for row in rows]
