"""Ways to train one and the same dual encoder on the same rows, step by step and in turn.

Each contender is a process of its own, which builds the model, says so, and then takes one step of training each time
it is given the turn: reading and decoding of rows, forward, backward and optimizer included. While one steps, the
others rest, so that what disturbs the machine disturbs all of them alike, and the memory of each is its own.
"""

import ctypes
import gc
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import torch
from datasets import Dataset, Features, Image
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer import losses as st_losses
from torch.utils.data import BatchSampler, SequentialSampler
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer, PrinterCallback, TrainerCallback

from data_scripts.encoded_images import undecoded
from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor
from trainers.collators import HardNegativeCollator
from trainers.hard_negative_config import HardNegativeConfig
from trainers.hard_negative_trainer import HardNegativeTrainer
from trainers.rows import decode_image

from .measure import PeakMemory

LEARNING_RATE = 1e-4
COLUMNS = ["id", "image", "caption", "negative_images", "negative_captions", "rule_captions", "retrieved_captions"]
MAX_GRAD_NORM = 1.0  # as both Trainers clip by default


@dataclass(frozen=True)
class Case:
    """Which negatives a row brings, and how many."""

    kind: str  # "image" or "text"
    negatives: int  # of every row
    batch_size: int  # positives per step

    @property
    def name(self) -> str:
        return f"{self.negatives} {self.kind} negatives"


@dataclass(frozen=True)
class Contender:
    """A way to train; `options` are what the way can be told."""

    name: str
    train: Callable[..., None]
    options: dict[str, Any] = field(default_factory=dict)


class Step(NamedTuple):
    """What one step cost."""

    seconds: float
    cpu_seconds: float
    peak_mb: float  # of resident memory since the start, above what the process held before it built the model


class Turns:
    """A contender's end of the line: waits for its turn, and reports what it did with the last one."""

    def __init__(self, line: Connection | None = None) -> None:
        self.line = line
        self.memory = PeakMemory()
        self.started: tuple[float, float] | None = None

    def next(self) -> None:
        """Call before the first step and after every one."""
        if self.line is None:
            return
        if self.started is None:
            self.line.send("ready")
        else:
            clock, processor = self.started
            used = time.perf_counter() - clock, time.process_time() - processor
            self.line.send(Step(*used, self.memory.peak_mb))
            release_memory()
        self.line.recv()
        self.started = time.perf_counter(), time.process_time()


def release_memory() -> None:
    """Give what the step has freed back to the system, so that contenders at rest leave the memory to the others."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


class TurnCallback(TrainerCallback):
    """Lets a `transformers.Trainer` take turns."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns

    def on_train_begin(self, args, state, control, **kwargs):
        self.turns.next()

    def on_step_end(self, args, state, control, **kwargs):
        self.turns.next()


def trainer_arguments(case: Case, folder: str, steps: int, seed: int) -> dict[str, Any]:
    """What both Trainers are told alike."""
    return {
        "output_dir": os.path.join(folder, "unused"),
        "per_device_train_batch_size": case.batch_size,
        "max_steps": steps,
        "learning_rate": LEARNING_RATE,
        "lr_scheduler_type": "constant",
        "warmup_steps": 0,
        "max_grad_norm": MAX_GRAD_NORM,
        "logging_strategy": "no",
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
        "seed": seed,
    }


class RepeatedTexts(HardNegativeCollator):
    """The collator without its table of distinct texts: a text is encoded as often as it occurs."""

    def __call__(self, rows: Any) -> dict[str, Any]:
        batch = super().__call__(rows)
        index = torch.cat([batch["text_index"], batch["negative_text_index"]])
        for name in ("input_ids", "attention_mask"):
            batch[name] = batch[name][index]
        count = len(batch["text_index"])
        batch["text_index"], batch["negative_text_index"] = torch.arange(len(index)).tensor_split([count])
        return batch


def mmgeo(
    case: Case,
    rows: Dataset,
    folder: str,
    turns: Turns,
    steps: int,
    *,
    skip_blank_patches: bool = True,
    distinct_texts: bool = True,
    text_group_size: int | None = None,
    share_text_prefixes: bool = True,
    image_group_size: int | None = 8,
    mini_batch_size: int | None = None,
    in_batch_negatives: bool = False,
    share_hard_negatives: bool = False,
    seed: int = 0,
) -> MMCLIPModel:
    """`HardNegativeTrainer` with all its savings, or with some of them."""
    model = MMCLIPModel.from_backbone(folder)
    model.config.skip_blank_patches = skip_blank_patches
    processor = MMCLIPProcessor.from_backbone(folder)
    negatives = {"image": 0, "text": 0, case.kind: case.negatives}
    limits = {f"max_{kind}_negatives": count for kind, count in negatives.items()}
    args = HardNegativeConfig(
        train_sampling_strategy="sequential",
        text_group_size=text_group_size,
        share_text_prefixes=share_text_prefixes,
        image_group_size=image_group_size if skip_blank_patches else None,
        mini_batch_size=mini_batch_size,
        in_batch_negatives=in_batch_negatives,
        share_hard_negatives=share_hard_negatives,
        **limits,
        **trainer_arguments(case, folder, steps, seed),
    )
    make_collator = HardNegativeCollator if distinct_texts else RepeatedTexts
    trainer = HardNegativeTrainer(
        model=model,
        args=args,
        train_dataset=rows,
        processing_class=processor,
        data_collator=make_collator(processor, **limits, blank_if_empty=True),
        callbacks=[TurnCallback(turns)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return model


def plain_loop(case: Case, rows: Dataset, folder: str, turns: Turns, steps: int, *, seed: int = 0) -> torch.nn.Module:
    """A loop as one writes it first: sample by sample, every patch, texts as long as the longest, one score at a time.

    The longest is the longest caption of all rows, to which the text tower was cut.
    """
    model = AutoModel.from_pretrained(folder).train()
    tokenizer, image_processor = AutoTokenizer.from_pretrained(folder), AutoImageProcessor.from_pretrained(folder)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.0)
    rows = undecoded(rows)

    def sample_loss(row: dict[str, Any]) -> torch.Tensor:
        negatives = negatives_of(row, case)
        images = [row["image"], *(negatives if case.kind == "image" else ())]
        texts = [row["caption"], *(negatives if case.kind == "text" else ())]
        pixels = image_processor([decode_image(image) for image in images], return_tensors="pt")
        tokens = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
        image_embeds = model.get_image_features(pixel_values=pixels["pixel_values"]).pooler_output
        text_embeds = model.get_text_features(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).pooler_output
        scores = []
        for image in image_embeds:
            for text in text_embeds:
                scores.append(model.logit_scale.exp() * torch.cosine_similarity(image, text, dim=0))
        return torch.nn.functional.cross_entropy(torch.stack(scores)[None], torch.tensor([0]))

    turns.next()
    for step in range(steps):
        batch = [rows[(step * case.batch_size + i) % len(rows)] for i in range(case.batch_size)]
        loss = torch.stack([sample_loss(row) for row in batch]).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRAD_NORM)
        optimizer.step()
        optimizer.zero_grad()
        turns.next()
    return model


def negatives_of(row: dict[str, Any], case: Case) -> list[Any]:
    """The negatives that a case takes from a row: its first ones."""
    if case.kind == "image":
        return row["negative_images"][: case.negatives]
    captions = dict.fromkeys([*row["rule_captions"], *row["retrieved_captions"]])
    return [text for text in captions if text != row["caption"]][: case.negatives]


def trimmed(rows: Dataset, case: Case, most: int) -> Dataset:
    """Up to `most` rows that have a case's negatives, with these and no others, so that all train on the same."""
    features = Features({name: rows.features[name] for name in COLUMNS})
    taken = []
    for row in undecoded(rows.select_columns(COLUMNS)):
        if len(taken) == most:
            break
        negatives = negatives_of(row, case)
        if len(negatives) == case.negatives:
            empty = dict.fromkeys(COLUMNS[3:], [])
            if case.kind == "image":
                own = {"negative_images": negatives, "negative_captions": row["negative_captions"][: case.negatives]}
            else:
                own = {"rule_captions": negatives}
            taken.append(row | empty | own)
    return Dataset.from_list(taken, features=features)


def columns(case: Case, rows: Dataset) -> Dataset:
    """The rows as sentence-transformers reads them: anchor, positive, and a column for every negative."""
    anchor, positive = ("caption", "image") if case.kind == "image" else ("image", "caption")
    stored = undecoded(rows)
    data = {"anchor": [row[anchor] for row in stored], "positive": [row[positive] for row in stored]}
    for number, column in enumerate(zip(*(negatives_of(row, case) for row in stored), strict=True)):
        data[f"negative_{number + 1}"] = list(column)
    table = Dataset.from_dict(data)
    for name in [name for name in data if name != "anchor"] if case.kind == "image" else ["anchor"]:
        table = table.cast_column(name, Image())
    return table


def in_order(dataset: Dataset, batch_size: int, drop_last: bool, **_: Any) -> BatchSampler:
    return BatchSampler(SequentialSampler(dataset), batch_size, drop_last)


def sentence_transformers(
    case: Case,
    rows: Dataset,
    folder: str,
    turns: Turns,
    steps: int,
    *,
    mini_batch_size: int | None = None,
    seed: int = 0,
) -> torch.nn.Module:
    """MultipleNegativesRankingLoss, or its cached form if there are mini-batches, with the library's own Trainer."""
    model = SentenceTransformer(folder)
    if mini_batch_size is None:
        loss = st_losses.MultipleNegativesRankingLoss(model)
    else:
        loss = st_losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=mini_batch_size)
    trainer = SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(
            batch_sampler=in_order, **trainer_arguments(case, folder, steps, seed)
        ),
        train_dataset=columns(case, rows),
        loss=loss,
        callbacks=[TurnCallback(turns)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return model


def run_contender(contender: Contender, case: Case, rows_folder: str, model_folder: str, steps: int, line: Connection):
    """Body of a contender's process: its own rows, its own model, its own memory."""
    try:
        rows = Dataset.load_from_disk(rows_folder).select(range(case.batch_size * steps))
        contender.train(case, rows, model_folder, Turns(line), steps, **contender.options)
    except Exception as error:
        line.send(error)
        raise
