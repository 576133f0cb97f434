"""Let a CLIP-family model, ours or stock, sit the hard-negative exam.

    python -m evaluation.hard_negative_exam.sit --model M --exam exam --output_dir sat

Per source, configuration, set and direction: Hit@1 with a 95% bootstrap interval over figures, chance beside it; for
edits also, per kind of edit, the share of negatives that the positive beats. The output folder holds results.json,
and predictions.jsonl: for every question the candidate that the model ranked first. Every image and caption is encoded
once. A source and configuration that is finished is kept, so an interrupted run goes on with the next.

`frozen` in the result says whether the questions are those of the committed manifest: only such figures compare.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from datasets import Dataset, concatenate_datasets
from transformers import AutoModel
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.encoded_images import undecoded
from data_scripts.rows import CONFIGS
from data_scripts.shards import fingerprint, write_text
from evaluation.encoding import DualEncoder, check_embeds_both, encode_captions, encode_images
from evaluation.hard_negative_exam.manifest import MANIFEST, PARTS, describe, read_manifest, verify
from evaluation.hard_negative_exam.questions import COLUMNS, IMAGES, TO_CAPTIONS, Questions, build_questions
from evaluation.hard_negative_exam.rows import EXAM, GALLERY, ORIGINS, split_name
from evaluation.hit_at_1 import measure_set
from evaluation.loading import load_model, load_processor, pick_device
from evaluation.predictions import check_settings
from evaluation.results import library_versions, weights_fingerprint, write_json
from trainers.ranking import choices
from trainers.rows import check_columns, load_splits


@dataclass
class SitArguments:
    """Let a CLIP-family model sit the hard-negative exam."""

    model: str = field(
        metadata={"help": "Folder or Hub id of an MMCLIP or a stock dual encoder (CLIP, AltCLIP, SigLIP)."}
    )
    exam: str = field(metadata={"help": "Folder or Hub id of the exam."})
    output_dir: str = field(metadata={"help": "Folder for results.json and predictions.jsonl."})
    configs: list[str] | None = field(
        default=None,
        metadata={"help": "Configurations to sit (default: both).", "choices": list(CONFIGS)},
    )
    sources: list[str] | None = field(
        default=None,
        metadata={"help": "Sources to sit (default: those that the exam has).", "choices": list(ORIGINS)},
    )
    batch_size: int = field(default=64, metadata={"help": "Images or captions encoded at once."})
    seed: int = field(default=0, metadata={"help": "Draws the bootstrap."})
    trust_remote_code: bool = field(
        default=False,
        metadata={"help": "Run the model's own code from the Hub. Ours and stock models need no such thing."},
    )

    def __post_init__(self) -> None:
        require_at_least(self, batch_size=1, seed=0)
        self.configs = self.configs or list(CONFIGS)


@dataclass(frozen=True)
class Section:
    """One source in one configuration: what a model is given at once."""

    source: str
    config: str
    rows: Dataset  # figures asked about, then the gallery; images still encoded
    num_asked: int

    @cached_property
    def description(self) -> dict[str, dict]:
        """What a manifest says of its two splits."""
        rows = self.rows.select_columns([column for part in PARTS.values() for column in part])
        asked, gallery = rows.select(range(self.num_asked)), rows.select(range(self.num_asked, len(rows)))
        named = (split_name(self.source, part) for part in (EXAM, GALLERY))
        return dict(zip(named, (describe(asked, one_by_one=True), describe(gallery, one_by_one=False)), strict=True))

    @property
    def is_frozen(self) -> bool:
        """Whether it is that of the manifest, by the hashes of its rows."""
        return not verify(read_manifest(MANIFEST), {"splits": {self.config: self.description}})


def read_sections(arguments: SitArguments) -> Iterator[Section]:
    """The sections of the exam, in order.

    Raises:
        ValueError: if the exam cannot be loaded, or lacks a configuration, a source or a column.
    """
    for config in arguments.configs:
        splits = load_splits(arguments.exam, config)
        there = [source for source in ORIGINS if {source, split_name(source, GALLERY)} <= set(splits)]
        if missing := set(arguments.sources or there or ["procedural"]) - set(there):
            raise ValueError(
                f"{arguments.exam} has no {' and no '.join(sorted(missing))} with a gallery, only the splits "
                f"{', '.join(map(str, splits))}: is it the hard-negative exam?"
            )
        for source in arguments.sources or there:
            parts = [undecoded(splits[split_name(source, part)]) for part in (EXAM, GALLERY)]
            check_columns(parts[0], COLUMNS, f"Split {source!r} of {arguments.exam}")
            yield Section(source, config, concatenate_datasets(parts), len(parts[0]))


def sit(encoder: DualEncoder, section: Section, batch_size: int, seed: int) -> tuple[list[dict], list[dict]]:
    """Encode, rank and measure: the entries of the result, and a prediction per question."""
    plain = section.rows.select_columns([c for c in COLUMNS if c not in IMAGES])
    questions = build_questions(plain.select(range(section.num_asked)).to_list(), plain["id"][section.num_asked :])
    images, unreadable = encode_images(encoder, section.rows, questions.images, batch_size)
    if unreadable:
        raise ValueError(f"{len(unreadable)} images of the exam cannot be read: fetch or build it again")
    captions = encode_captions(encoder, questions.captions, batch_size)
    return measure(questions, images, captions, {"source": section.source, "config": section.config}, seed)


def measure(
    questions: Questions, images: torch.Tensor, captions: torch.Tensor, what: dict, seed: int
) -> tuple[list[dict], list[dict]]:
    """Results and predictions of all series, from the embeddings of what they number."""
    entries, predictions = [], []
    for (set_name, direction), series in questions.series.items():
        sides = (images, captions) if direction == TO_CAPTIONS else (captions, images)
        series_of = {**what, "set": set_name, "direction": direction}
        entries.append(series_of | measure_set(series, *sides, seed))
        chosen = zip(questions.ids[set_name, direction], choices(series, *sides), strict=True)
        predictions += [{"id": id_, **series_of, "chosen": choice, "hit": choice == 0} for id_, choice in chosen]
    return entries, predictions


def evaluate(arguments: SitArguments) -> dict:
    """Sit all sections; returns the content of results.json.

    Raises:
        ValueError: if the model is no dual encoder, the exam is none, or the output folder holds another run.
    """
    folder = Path(arguments.output_dir)
    settings = {
        "model": arguments.model,
        "model_fingerprint": weights_fingerprint(arguments.model),
        "exam": arguments.exam,
        "seed": arguments.seed,
    }
    check_settings(folder, settings)
    encoder, parts = None, []
    for section in read_sections(arguments):
        path = folder / "sections" / f"{section.config}-{section.source}-{fingerprint(section.description)}.json"
        if not path.exists():
            encoder = encoder or load_encoder(arguments)
            cut = encoder.num_captions_cut
            entries, predictions = sit(encoder, section, arguments.batch_size, arguments.seed)
            cut = encoder.num_captions_cut - cut
            part = {"frozen": section.is_frozen, "num_captions_cut": cut, "device": encoder.device.type}
            write_json(path, part | {"entries": entries, "predictions": predictions})
        parts.append(json.loads(path.read_text(encoding="utf-8")))
    lines = [json.dumps(line, ensure_ascii=False) for part in parts for line in part["predictions"]]
    write_text("".join(f"{line}\n" for line in lines), folder / "predictions.jsonl")
    result = {
        "measure": "hard_negative_exam",
        **settings,
        "frozen": all(part["frozen"] for part in parts),
        "entries": [entry for part in parts for entry in part["entries"]],
        "num_captions_cut": sum(part["num_captions_cut"] for part in parts),
        "device": parts[0]["device"],
        "versions": library_versions(),
    }
    write_json(folder / "results.json", result)
    return result


def load_encoder(arguments: SitArguments) -> DualEncoder:
    """The model behind two methods. Raises ValueError if it is no dual encoder."""
    model = load_model(AutoModel, arguments.model, arguments.trust_remote_code)
    check_embeds_both(model, arguments.model)
    processor = load_processor(arguments.model, arguments.trust_remote_code)
    return DualEncoder(model.to(pick_device()), processor, arguments.model)


def format_table(result: dict) -> str:
    """The result as a plain table for the terminal."""
    header = f"{'set':<14}{'direction':<19}{'Hit@1':>7}{'95% interval':>16}{'chance':>8}{'candidates':>12}"
    header += f"{'figures':>9}"
    lines, at = [f"{result['model']} on {result['exam']}"], None
    for entry in result["entries"]:
        if at != (at := (entry["source"], entry["config"])):
            lines += ["", f"{entry['source']}, {entry['config']}", header, "-" * len(header)]
        lines.append(_line(entry["set"], entry["direction"].replace("_", " "), entry["accuracy"], entry))
        for kind, of_kind in entry.get("kinds", {}).items():
            lines.append(_line(f"  {kind}", "pairs", of_kind["beaten"], of_kind))
    if not result["frozen"]:
        lines += ["", "these are not the questions of the frozen exam: compare with figures on the same folder only"]
    if result["num_captions_cut"]:
        lines.append(f"captions cut: {result['num_captions_cut']}")
    return "\n".join(lines)


def _line(name: str, direction: str, share: float, entry: dict) -> str:
    low, high = entry["interval_95"]
    interval = f"{low:.1%} - {high:.1%}"
    shares = f"{share:>7.1%}{interval:>16}{entry['chance']:>8.1%}"
    return f"{name:<14}{direction:<19}{shares}{entry['mean_candidates']:>12.1f}{entry['num_anchors']:>9}"


def main() -> None:
    (arguments,) = TrlParser(SitArguments).parse_args_and_config()
    print(format_table(evaluate(arguments)))
    print(f"written to {arguments.output_dir}")


if __name__ == "__main__":
    run_command(main)
