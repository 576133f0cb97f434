"""Hit@1 over candidate sets: is the true partner of an anchor ranked first?

For each anchor the candidates are its positive and its hard negatives, as many as that row has (ragged). A hit is a
positive whose similarity is strictly above that of every negative: a tie is a miss, so a constant encoder scores 0.

Source: MMGeoLM, appendix C (arXiv 2505.20152). Chance is the mean of 1 / (1 + negatives) over the anchors that have
any.

    python -m evaluation.hit_at_1 --model M --dataset D --output hit_at_1.json

measures any CLIP-family model (ours or stock) on the four sets of trainers/candidate_sets.py, with 95% bootstrap
intervals.
"""

import sys
from dataclasses import dataclass, field

import numpy as np
import torch
from transformers import AutoModel
from trl import TrlParser

from data_scripts.cli import run_command
from evaluation.encoding import DualEncoder, check_embeds_both, encode_captions, encode_images
from evaluation.loading import load_model, load_processor, load_rows, pick_device
from evaluation.results import bootstrap_interval, library_versions, weights_fingerprint, write_json
from trainers.candidate_sets import COLUMNS, NUM_RANDOM, SET_NAMES, Anchor, build_candidate_sets, without_images
from trainers.ranking import rank_set, ranked_first, similarities

PAIRWISE_CHANCE = 0.5  # of one negative scoring below the positive, if the scores say nothing


@dataclass(frozen=True)
class HitAtOne:
    """Share of anchors whose positive ranks first, with what it takes to read the number."""

    accuracy: float  # in [0, 1]
    chance: float  # accuracy of a random ranking of the same sets
    num_anchors: int  # anchors with at least one negative


def hit_at_one(
    anchors: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor, owner: torch.Tensor
) -> HitAtOne:
    """Rank each anchor's positive against its own negatives by cosine similarity.

    Args:
        anchors: embeddings of the anchors, `[batch, dim]`, any scale.
        positives: embeddings of their true partners, `[batch, dim]`.
        negatives: embeddings of all hard negatives of the batch, one after the other, `[num_negatives, dim]`.
        owner: row of the anchor each negative belongs to, `[num_negatives]`, values in `[0, batch)`.

    Raises:
        ValueError: if no anchor has a negative, since Hit@1 is then undefined.
    """
    if len(negatives) == 0:
        raise ValueError("Hit@1 needs hard negatives, and this batch has none: was the data set built without any?")
    positive_score, negative_score = similarities(anchors, positives, negatives, owner)
    counts = torch.bincount(owner, minlength=len(anchors))
    judged = counts > 0  # rows without negatives say nothing
    return HitAtOne(
        accuracy=ranked_first(positive_score, negative_score, owner)[judged].float().mean().item(),
        chance=(1 / (1 + counts[judged])).mean().item(),
        num_anchors=int(judged.sum()),
    )


def measure_set(
    questions: list[Anchor], anchors: torch.Tensor, candidates: torch.Tensor, seed: int, keep_hits: bool = False
) -> dict:
    """Hit@1 on one candidate set.

    Args:
        questions: at least one anchor, each with its negatives.
        anchors: embeddings that the anchors' numbers point into, `[number, dim]`.
        candidates: embeddings that the numbers of positives and negatives point into, `[number, dim]`.
        seed: of the bootstrap.
        keep_hits: whether to say of each anchor if it was a hit.

    Returns:
        The entry of the set in the result file; with `kinds`, if the questions name kinds of edits; with `hits`, if
        they are kept.
    """
    hits, beaten = rank_set(questions, anchors, candidates)
    sizes = np.array([1 + len(question.negatives) for question in questions])
    result = {
        "accuracy": float(np.mean(hits)),
        "interval_95": bootstrap_interval(hits, np.random.default_rng(seed)),
        "chance": float((1 / sizes).mean()),
        "mean_candidates": float(sizes.mean()),
        "num_anchors": len(questions),
    }
    if keep_hits:
        result["hits"] = [int(hit) for hit in hits]
    if any(question.edits for question in questions):
        result["kinds"] = measure_kinds(questions, beaten, seed)
    return result


def measure_kinds(questions: list[Anchor], beaten: list[bool], seed: int) -> dict[str, dict]:
    """Per kind of edit, the share of negatives that the positive beats. A caption with two kinds counts in both.

    Args:
        questions: the rule set.
        beaten: for each negative of each question in order, whether its positive scores strictly higher.
        seed: of the bootstrap, which resamples anchors, since the negatives of one figure stand or fall together.
    """
    pairs: dict[str, dict[int, list[int]]] = {}  # kind -> anchor -> [beaten, all]
    flat = ((row, kinds) for row, question in enumerate(questions) for kinds in question.edits)
    for (row, kinds), won in zip(flat, beaten, strict=True):  # one entry per negative, in order
        for kind in kinds or ("unnamed",):
            count = pairs.setdefault(kind, {}).setdefault(row, [0, 0])
            count[0] += won
            count[1] += 1
    result = {}
    for kind, counts in sorted(pairs.items()):
        wins, totals = (list(column) for column in zip(*counts.values(), strict=True))
        result[kind] = {
            "beaten": sum(wins) / sum(totals),
            "interval_95": bootstrap_interval(wins, np.random.default_rng(seed), totals),
            "chance": PAIRWISE_CHANCE,
            "mean_candidates": 2.0,
            "num_anchors": len(totals),
            "num_negatives": sum(totals),
        }
    return result


@dataclass
class HitAtOneArguments:
    """Measure Hit@1 of a CLIP-family model on the random, retrieval, rule and image sets of a data set."""

    model: str = field(
        metadata={"help": "Folder or Hub id of an MMCLIP or a stock dual encoder (CLIP, AltCLIP, SigLIP)."}
    )
    dataset: str = field(metadata={"help": "Folder or Hub id of rows of hard negatives."})
    split: str = field(default="test", metadata={"help": "Split to measure on."})
    dataset_config: str | None = field(
        default=None,
        metadata={"help": "Configuration of the data set, such as letters_only; its default if not given."},
    )
    output: str | None = field(default=None, metadata={"help": "JSON file for the result."})
    num_candidates: int = field(
        default=NUM_RANDOM, metadata={"help": "Captions of other rows that each image's own meets in the random set."}
    )
    batch_size: int = field(default=64, metadata={"help": "Images or captions encoded at once."})
    seed: int = field(default=0, metadata={"help": "Draws the random set and the bootstrap."})
    keep_hits: bool = field(
        default=False,
        metadata={"help": "Also write of each anchor whether it was a hit, to compare models on the same anchors."},
    )
    trust_remote_code: bool = field(
        default=False,
        metadata={"help": "Run the model's own code from the Hub. Ours and stock models need no such thing."},
    )

    def __post_init__(self) -> None:
        for name in ("num_candidates", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} must be at least 1, got {getattr(self, name)}")


def evaluate(arguments: HitAtOneArguments) -> dict:
    """Load, encode and measure; returns the content of the result file.

    Raises:
        ValueError: if the model is no dual encoder, or the data set, the split or a column is missing.
    """
    rows = load_rows(arguments.dataset, arguments.split, COLUMNS, arguments.dataset_config)
    model = load_model(AutoModel, arguments.model, arguments.trust_remote_code)
    check_embeds_both(model, arguments.model)
    processor = load_processor(arguments.model, arguments.trust_remote_code)
    encoder = DualEncoder(model.to(pick_device()), processor, arguments.model)
    sets = build_candidate_sets(
        rows.select_columns(list(COLUMNS)), arguments.num_candidates, np.random.default_rng(arguments.seed)
    )
    image_embeddings, unreadable = encode_images(encoder, rows, sets.images, arguments.batch_size)
    caption_embeddings = encode_captions(encoder, sets.captions, arguments.batch_size)

    results: dict[str, dict | None] = {}
    for name, questions in without_images(sets, unreadable).items():
        sides = (caption_embeddings, image_embeddings) if name == "image" else (image_embeddings, caption_embeddings)
        results[name] = measure_set(questions, *sides, arguments.seed, arguments.keep_hits) if questions else None
    return {
        "measure": "hit_at_1",
        "model": arguments.model,
        "model_fingerprint": weights_fingerprint(arguments.model),
        "dataset": arguments.dataset,
        "dataset_config": arguments.dataset_config,
        "split": arguments.split,
        "seed": arguments.seed,
        "num_candidates": arguments.num_candidates,
        "sets": results,  # null where no row has such negatives
        "num_rows": sets.num_rows,
        "num_unusable_rows": sets.num_unusable_rows,
        "num_unreadable_images": len(unreadable),
        "num_dropped_negatives": sets.num_dropped_negatives,
        "num_captions": len(sets.captions),
        "num_captions_cut": encoder.num_captions_cut,
        "device": encoder.device.type,
        "versions": library_versions(),
    }


def format_table(result: dict) -> str:
    """The result as a plain table for the terminal."""
    header = f"{'set':<22}{'Hit@1':>8}{'95% interval':>18}{'chance':>9}{'candidates':>12}{'anchors':>9}"
    lines = [f"{result['model']} on {result['dataset']} ({result['split']})", header, "-" * len(header)]
    for name in SET_NAMES:
        entry = result["sets"][name]
        if entry is None:
            lines.append(f"{name:<22}{'absent':>8}")
            continue
        lines.append(_line(name, entry["accuracy"], entry))
        lines += [
            _line(f"  {kind} (pairs)", of_kind["beaten"], of_kind) for kind, of_kind in entry.get("kinds", {}).items()
        ]
    for name in ("num_unusable_rows", "num_unreadable_images", "num_dropped_negatives", "num_captions_cut"):
        if result[name]:
            lines.append(f"{name.removeprefix('num_').replace('_', ' ')}: {result[name]}")
    return "\n".join(lines)


def _line(name: str, share: float, entry: dict) -> str:
    low, high = entry["interval_95"]
    interval = f"{low:.1%} - {high:.1%}"
    return (
        f"{name:<22}{share:>8.1%}{interval:>18}{entry['chance']:>9.1%}{entry['mean_candidates']:>12.1f}"
        f"{entry['num_anchors']:>9}"
    )


def main() -> None:
    (arguments,) = TrlParser(HitAtOneArguments).parse_args_and_config()
    result = evaluate(arguments)
    print(format_table(result))
    if arguments.output:
        write_json(arguments.output, result)
        print(f"written to {arguments.output}", file=sys.stderr)


if __name__ == "__main__":
    run_command(main)
