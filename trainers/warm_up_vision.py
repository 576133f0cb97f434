"""Warm up an untrained dual encoder on what the figure program knows, before any contrast.

    python -m trainers.warm_up_vision --config trainers/recipes/warm_up_tiny.yaml --output_dir runs/mmclip-warm

A contrastive loss says only that two figures differ; a tower that cannot yet read a letter finds no way down from
there. The program that drew a figure knows everything about it, so two dense tasks come first:

- glyphs: for every patch, which letters and digits are printed there, read off the second-to-last layer, the one an
  LMM sees;
- statements: for every figure, which statements of the whole batch are true of it and which are proven false, judged
  by the similarity of image and text embedding with a sigmoid loss (Zhai et al. 2023, SigLIP, Eq. 1). Unlike there,
  nothing is assumed: what can be neither proven nor disproven on coordinates is left out.

The heads are dropped afterwards: what is saved is a plain MMCLIP of a stock backbone.
Promise: figure number i of a seed is the same for ever, so a resumed run sees what an uninterrupted one would have
seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers import Trainer, TrainingArguments, set_seed
from transformers.utils import logging
from trl import TrlParser

from data_scripts.cli import run_command
from data_scripts.diagram import Diagram, Fact
from data_scripts.diagram.caption import CLAUSES, NOUNS, OPENINGS, caption
from data_scripts.diagram.drawing import Style, lay_out, rasterise
from data_scripts.diagram.facts import check
from data_scripts.negatives.image import first_false
from data_scripts.negatives.rules import EDITS
from data_scripts.sources import procedural
from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor

from .rows import check_columns, load_split
from .run import train
from .scratch import ScratchConfig, scratch_mmclip

logger = logging.get_logger(__name__)

GLYPHS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789°.xyz+-"
LENGTH_GROUPS = 4  # texts are padded within groups of like length
STATEMENTS = 4  # per figure: half true, half proven false, as far as there are any


@dataclass
class WarmUpArguments(ScratchConfig):
    """What is drawn, beside the sizes of the dual encoder (`ScratchConfig`)."""

    num_figures: int = field(default=24_000, metadata={"help": "Figures drawn for one epoch, each seen once."})
    dataset_name: str | None = field(
        default=None,
        metadata={
            "help": "Folder or Hub id of hard-negative rows: draw their figures too, with new letters and looks."
        },
    )
    glyph_weight: float = field(default=1.0, metadata={"help": "Weight of the glyph task."})
    statement_weight: float = field(default=1.0, metadata={"help": "Weight of the statement task."})


class WarmUpFigures(torch.utils.data.Dataset):
    """Figures with what is printed where and what is true of them, drawn when asked for.

    Args:
        num_figures: length of the data set.
        image_size: side of the images in pixels.
        patch_size: side of a patch in pixels.
        seed: figure i is a function of (seed, i).
        diagrams: figures to draw from besides the procedural families; half of all figures are then theirs.
    """

    def __init__(
        self, num_figures: int, image_size: int, patch_size: int, seed: int, diagrams: Sequence[Diagram] = ()
    ) -> None:
        self.num_figures, self.image_size, self.patch_size, self.seed = num_figures, image_size, patch_size, seed
        self.diagrams = diagrams

    def __len__(self) -> int:
        return self.num_figures

    def __getitem__(self, index: int) -> dict:
        rng = np.random.default_rng(
            [self.seed, 7, index]
        )  # a stream of its own: no figure of a data set comes back here
        if self.diagrams and index % 2:
            diagram = _new_letters(self.diagrams[int(rng.integers(len(self.diagrams)))], rng)
        else:
            families = list(procedural.FAMILIES)
            diagram = procedural.draw_program(families[int(rng.integers(len(families)))], rng).diagram
        drawing = lay_out(diagram, Style.draw(rng, self.image_size))
        return {
            "image": np.asarray(rasterise(drawing)),
            "glyphs": self._glyph_targets(drawing.glyphs()),
            "diagram": diagram,
            "statements": draw_statements(diagram, rng),
        }

    def _glyph_targets(self, glyphs: list[tuple[str, float, float]]) -> torch.Tensor:
        """Which glyphs have their centre in which patch, `[patches, len(GLYPHS)]`, 0 or 1."""
        side = self.image_size // self.patch_size
        targets = torch.zeros(side, side, len(GLYPHS))
        for char, x, y in glyphs:
            if char in GLYPHS:
                row, column = (min(max(int(v) // self.patch_size, 0), side - 1) for v in (y, x))
                targets[row, column, GLYPHS.index(char)] = 1.0
        return targets.flatten(0, 1)


def _new_letters(diagram: Diagram, rng: np.random.Generator) -> Diagram:
    names = list(diagram.points)
    return diagram.relabel(
        dict(zip(names, rng.permutation(list(procedural.LETTERS))[: len(names)].tolist(), strict=True))
    )


@dataclass(frozen=True)
class Statement:
    """Part of a figure's caption, from one fact to all of them, true as drawn or with one fact edited."""

    facts: tuple[Fact, ...]
    text: str

    def holds(self, diagram: Diagram) -> float:
        """1.0 if it is true of the diagram, 0.0 if proven false, nan if neither."""
        if first_false(self.facts, diagram) is not None:
            return 0.0
        return 1.0 if all(check(f, diagram) is True for f in self.facts) else math.nan


def draw_statements(diagram: Diagram, rng: np.random.Generator) -> list[Statement]:
    """Up to `STATEMENTS` statements about a figure.

    Every true one is followed by its false twin, the same with one fact edited (`negatives.rules.EDITS`), if there is
    an edit that is proven false: the two differ in a letter, a number or a word.
    """
    statements = []
    segments = [Fact("segment", s) for s in diagram.segments]
    for _ in range(STATEMENTS // 2):
        wording = int(rng.integers(2**31))
        if rng.random() < 0.2:
            part = [segments[int(rng.integers(len(segments)))]]
        else:
            count = int(rng.integers(1, len(diagram.facts) + 1))
            part = [diagram.facts[i] for i in sorted(rng.permutation(len(diagram.facts))[:count].tolist())]
        statements.append(Statement(tuple(part), caption(part, wording)))
        if (edited := edit_one(part, diagram, rng)) is not None:
            statements.append(Statement(tuple(edited), caption(edited, wording)))
    return statements


def edit_one(part: list[Fact], diagram: Diagram, rng: np.random.Generator) -> list[Fact] | None:
    """The statements with one of them made false; None where no edit is proven false."""
    for i in rng.permutation(len(part)).tolist():
        for kind in rng.permutation(list(EDITS)).tolist():
            if (false := EDITS[kind](part[i], diagram, rng)) is not None:
                return [*part[:i], false, *part[i + 1 :]]
    return None


class WarmUpCollator:
    """Stacks figures and judges every statement of the batch against every figure of it."""

    def __init__(self, processor: MMCLIPProcessor) -> None:
        self.processor = processor
        self.mean = torch.tensor(processor.image_processor.image_mean).view(1, -1, 1, 1)
        self.std = torch.tensor(processor.image_processor.image_std).view(1, -1, 1, 1)

    def __call__(self, figures: list[dict]) -> dict[str, torch.Tensor]:
        # Drawn at the tower's own size, so there is nothing to resize.
        grey = torch.from_numpy(np.stack([f["image"] for f in figures])).float().div_(255)
        statements = [s for f in figures for s in f["statements"]]
        text = self.processor(text=[s.text for s in statements], return_tensors="pt", padding=True)
        return {
            "pixel_values": (grey[:, None].expand(-1, 3, -1, -1) - self.mean) / self.std,
            "input_ids": text["input_ids"],
            "attention_mask": text["attention_mask"],
            "truth": torch.tensor([[s.holds(f["diagram"]) for s in statements] for f in figures]),
            "owner": torch.tensor([i for i, f in enumerate(figures) for _ in f["statements"]]),
            "glyphs": torch.stack([f["glyphs"] for f in figures]),
        }


class WarmUpModel(nn.Module):
    """An MMCLIP with the two heads of the warm-up."""

    def __init__(self, mmclip: MMCLIPModel, glyph_weight: float = 1.0, statement_weight: float = 1.0) -> None:
        super().__init__()
        self.mmclip = mmclip
        self.glyph_weight, self.statement_weight = glyph_weight, statement_weight
        self.glyph_head = nn.Linear(mmclip.vision_tower.config.hidden_size, len(GLYPHS))
        nn.init.constant_(self.glyph_head.bias, -5.0)  # nearly every patch is blank
        self.bias = nn.Parameter(torch.tensor(0.0))

    def forward(
        self,
        pixel_values: torch.Tensor,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        truth: torch.Tensor,
        owner: torch.Tensor,
        glyphs: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Losses and accuracies of a batch.

        Args:
            pixel_values: `[batch, 3, size, size]`.
            input_ids: statements, `[num_statements, length]`.
            attention_mask: the same shape.
            truth: 1 true, 0 proven false, nan unknown, `[batch, num_statements]`.
            owner: figure each statement was drawn from, `[num_statements]`.
            glyphs: `[batch, patches, len(GLYPHS)]`, 0 or 1.
        """
        vision = self.mmclip.get_image_features(pixel_values=pixel_values, output_hidden_states=True)
        patches = vision.hidden_states[-2][:, -glyphs.shape[1] :]  # without the class token where there is one
        glyph_logits = self.glyph_head(patches)
        glyph_loss = nn.functional.binary_cross_entropy_with_logits(
            glyph_logits, glyphs, reduction="sum", pos_weight=glyphs.new_tensor(4.0)
        ) / glyphs.sum().clamp(min=1)

        text = self._text_features(input_ids, attention_mask)
        image = nn.functional.normalize(vision.pooler_output, dim=-1)
        logits = image @ nn.functional.normalize(text, dim=-1).T * self.mmclip.backbone.logit_scale.exp() + self.bias
        own = nn.functional.one_hot(owner, len(image)).T.bool()  # [batch, num_statements]
        known = ~truth.isnan()
        losses = nn.functional.binary_cross_entropy_with_logits(logits, truth.nan_to_num(), reduction="none")
        # The few fine distinctions within a figure weigh as much as the many coarse ones between figures.
        statement_loss = losses[own & known].mean()
        if len(image) > 1:
            statement_loss = (statement_loss + losses[~own & known].mean()) / 2
        with torch.no_grad():
            read = (glyph_logits.amax(-1, keepdim=True) == glyph_logits) & (glyphs > 0)
            marked = glyphs.amax(-1) > 0
            glyph_accuracy = read.any(-1)[marked].float().mean()
            statement_accuracy = ((logits > 0) == (truth > 0.5))[own & known].float().mean()
        return {
            "loss": self.glyph_weight * glyph_loss + self.statement_weight * statement_loss,
            "glyph_accuracy": glyph_accuracy,
            "statement_accuracy": statement_accuracy,
        }

    def _text_features(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Text embeddings `[num_statements, dim]`, read in groups of like length: most statements are short."""
        lengths = attention_mask.sum(1)
        order = lengths.argsort()
        parts = []
        for group in order.chunk(LENGTH_GROUPS):
            longest = int(lengths[group].max())
            inputs = {"input_ids": input_ids[group, :longest], "attention_mask": attention_mask[group, :longest]}
            parts.append(self.mmclip.get_text_features(**inputs).pooler_output)
        return torch.cat(parts)[order.argsort()]


class WarmUpTrainer(Trainer):
    """Logs both accuracies, averaged since the last log."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._measured: dict[str, list[torch.Tensor]] = {"glyph_accuracy": [], "statement_accuracy": []}

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        outputs = model(**inputs)
        for name, values in self._measured.items():
            values.append(outputs[name].detach())
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            for name, values in self._measured.items():
                logs[name] = round(torch.stack(values).mean().item(), 4)
                values.clear()
        super().log(logs, start_time)


def wordings() -> list[str]:
    """Every wording a statement or a caption can have: what a tokenizer must know."""
    templates = [t for group in (NOUNS, CLAUSES) for choices in group.values() for t in choices]
    return [t.format(*"ABCDEF", v="5°") for t in (*templates, *OPENINGS)] + ["and is drawn"]


def load_diagrams(rows: Dataset) -> list[Diagram]:
    """The figures of hard-negative rows; rows whose facts cannot be read are left out and counted.

    Raises:
        ValueError: if no row has a readable figure.
    """
    diagrams, unreadable = [], 0
    for text in rows["facts"]:
        try:
            diagrams.append(Diagram.from_json(text))
        except ValueError:
            unreadable += 1
    if unreadable:
        logger.warning(
            f"{unreadable} of {len(rows)} rows have no readable figure in their facts column and are left out."
        )
    if not diagrams:
        raise ValueError("no row of the data set has a readable figure in its facts column: build it again")
    return diagrams


def warm_up(args: WarmUpArguments, training_args: TrainingArguments) -> None:
    """Train, and save the MMCLIP with its processor in `output_dir`."""
    set_seed(training_args.seed)
    captions, diagrams = wordings(), []
    if args.dataset_name is not None:
        rows = load_split(args.dataset_name, "train")
        check_columns(rows, ("facts", "caption"), f"The data set {args.dataset_name}")
        captions, diagrams = [*captions, *rows["caption"]], load_diagrams(rows)
    sizes = ScratchConfig(**{f.name: getattr(args, f.name) for f in fields(ScratchConfig)})
    mmclip, processor = scratch_mmclip(captions, sizes, seed=training_args.seed)
    trainer = WarmUpTrainer(
        model=WarmUpModel(mmclip, args.glyph_weight, args.statement_weight),
        args=training_args,
        train_dataset=WarmUpFigures(args.num_figures, args.image_size, args.patch_size, training_args.seed, diagrams),
        data_collator=WarmUpCollator(processor),
    )
    train(trainer, lambda: "")  # figures are drawn, none can be unreadable
    mmclip.save_pretrained(training_args.output_dir)
    processor.save_pretrained(training_args.output_dir)


def main() -> None:
    args, training_args = TrlParser((WarmUpArguments, TrainingArguments)).parse_args_and_config()
    training_args.remove_unused_columns = False  # the collator makes the columns that the model takes
    warm_up(args, training_args)


if __name__ == "__main__":
    run_command(main)
