"""What the warm-up sees: figures drawn on the fly, with what is printed where and what is true of them.

Promise: figure number i of a seed is the same for ever, so a resumed run sees what an uninterrupted one would have
seen. A statement is labelled true or false only where the coordinates prove it (`diagram.facts.check`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from datasets import Dataset
from transformers.utils import logging

from data_scripts.diagram import Diagram, Fact, phrases
from data_scripts.diagram.caption import caption
from data_scripts.diagram.drawing import Drawing, NoRoom, Style, lay_out, rasterise
from data_scripts.diagram.facts import check
from data_scripts.negatives.image import first_false
from data_scripts.negatives.rules import EDITS
from data_scripts.sources import procedural
from modeling_mmgeo import MMCLIPProcessor

from .glyph_sheets import draw_sheet
from .patch_targets import glyph_targets, stroke_targets, tie_targets

logger = logging.get_logger(__name__)

DRAWS = 50  # of a figure before the image size is given up
STATEMENTS = 4  # per figure: half true, half proven false, as far as there are any


class WarmUpFigures(torch.utils.data.Dataset):
    """Figures with what is printed where and what is true of them, drawn when asked for.

    Args:
        num_figures: length of the data set.
        image_size: side of the images in pixels.
        patch_size: side of a patch in pixels.
        seed: figure i is a function of (seed, i).
        diagrams: figures to draw from besides the procedural families; half of all figures are then theirs.
        families: the procedural families to draw from; all of them for None.
        sheets: of glyphs that come with every figure, for the dense tasks alone (`glyph_sheets`).
        twins: whether half of the statements are false (`draw_statements`).

    Raises:
        ValueError: if a family is unknown.
    """

    def __init__(
        self,
        num_figures: int,
        image_size: int,
        patch_size: int,
        seed: int,
        diagrams: Sequence[Diagram] = (),
        families: Sequence[str] | None = None,
        sheets: int = 0,
        twins: bool = True,
    ) -> None:
        self.num_figures, self.image_size, self.patch_size, self.seed = num_figures, image_size, patch_size, seed
        self.diagrams = diagrams
        self.families = procedural.choose_families(families)
        self.sheets, self.twins = sheets, twins

    def __len__(self) -> int:
        return self.num_figures

    def __getitem__(self, index: int) -> dict:
        # A stream of its own: no figure of a data set comes back here.
        rng = np.random.default_rng([self.seed, 7, index])
        diagram, drawing = self.draw(rng, index)
        statements = draw_statements(diagram, rng, self.twins)
        sheets = [self._dense(draw_sheet(rng, self.image_size)) for _ in range(self.sheets)]
        ties = tie_targets(diagram, drawing, self.patch_size)
        whole = caption(diagram.facts, int(rng.integers(2**31)))
        return {
            **self._dense(drawing),
            "ties": ties,
            "diagram": diagram,
            "caption": whole,
            "statements": statements,
            "sheets": sheets,
        }

    def _dense(self, drawing: Drawing) -> dict:
        """A drawing's pixels, and what is in each of its patches."""
        image = np.asarray(rasterise(drawing))
        return {
            "image": image,
            "glyphs": glyph_targets(drawing, self.patch_size),
            "strokes": stroke_targets(drawing, image, self.patch_size),
        }

    def draw(self, rng: np.random.Generator, index: int) -> tuple[Diagram, Drawing]:
        """A figure and how it is drawn; another one where the letters of the first find no room."""
        for _ in range(DRAWS):
            if self.diagrams and index % 2:
                diagram = _new_letters(self.diagrams[int(rng.integers(len(self.diagrams)))], rng)
            else:
                family = self.families[int(rng.integers(len(self.families)))]
                diagram = procedural.draw_program(family, rng).diagram
            try:
                return diagram, lay_out(diagram, Style.draw(rng, self.image_size))
            except NoRoom:
                continue
        raise ValueError(
            f"no figure of {DRAWS} has room for its letters on {self.image_size} pixels: draw larger ones"
        )


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


def draw_statements(diagram: Diagram, rng: np.random.Generator, twins: bool = True) -> list[Statement]:
    """Up to `STATEMENTS` statements about a figure.

    With twins, every true one is followed by its false twin, the same with one fact edited (`negatives.rules.EDITS`),
    if there is an edit that is proven false: the two differ in a letter, a number or a word. Without, all are true.
    """
    statements = []
    segments = [Fact("segment", s) for s in diagram.segments]
    for _ in range(STATEMENTS // 2 if twins else STATEMENTS):
        wording = int(rng.integers(2**31))
        if segments and rng.random() < 0.2:
            part = [segments[int(rng.integers(len(segments)))]]
        else:
            count = int(rng.integers(1, len(diagram.facts) + 1))
            part = [diagram.facts[i] for i in sorted(rng.permutation(len(diagram.facts))[:count].tolist())]
        statements.append(Statement(tuple(part), caption(part, wording)))
        if twins and (edited := edit_one(part, diagram, rng)) is not None:
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
    """Stacks figures, then their sheets, and judges every statement of the batch against every figure of it.

    The texts are the statements, then a caption of each figure.
    """

    def __init__(self, processor: MMCLIPProcessor) -> None:
        self.processor = processor
        self.mean = torch.tensor(processor.image_processor.image_mean).view(1, -1, 1, 1)
        self.std = torch.tensor(processor.image_processor.image_std).view(1, -1, 1, 1)

    def __call__(self, figures: list[dict]) -> dict[str, torch.Tensor]:
        # Drawn at the tower's own size, so there is nothing to resize.
        drawn = [*figures, *(sheet for f in figures for sheet in f["sheets"])]
        grey = torch.from_numpy(np.stack([d["image"] for d in drawn])).float().div_(255)
        statements = [s for f in figures for s in f["statements"]]
        texts = [*(s.text for s in statements), *(f["caption"] for f in figures)]
        text = self.processor(text=texts, return_tensors="pt", padding=True)
        return {
            "pixel_values": (grey[:, None].expand(-1, 3, -1, -1) - self.mean) / self.std,
            "input_ids": text["input_ids"],
            "attention_mask": text["attention_mask"],
            "truth": torch.tensor([[s.holds(f["diagram"]) for s in statements] for f in figures]),
            "owner": torch.tensor([i for i, f in enumerate(figures) for _ in f["statements"]]),
            "glyphs": torch.stack([d["glyphs"] for d in drawn]),
            "strokes": torch.stack([d["strokes"] for d in drawn]),
            "ties": torch.stack([f["ties"] for f in figures]),
        }


def wordings() -> list[str]:
    """Every wording a statement or a caption can have: what a tokenizer must know."""
    templates = [t for group in (phrases.NOUNS, phrases.CLAUSES) for choices in group.values() for t in choices]
    joins = [*phrases.FIRST_JOINS, *phrases.JOINS, *phrases.LEADS, *phrases.VALUE_LEADS]
    lists = [join for pair in (*phrases.LISTS, *phrases.VALUE_LISTS) for join in pair]
    said = [t.format(*"ABCDEFGH", v="5°") for t in (*templates, *phrases.OPENINGS)]
    return [*said, *(text.strip() for text in (*joins, *lists) if text.strip()), "(2, -3) 2√3 is drawn"]


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
