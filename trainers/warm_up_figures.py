"""What the warm-up sees: figures drawn on the fly, with what is printed where and what is true of them.

Promise: figure number i of a seed is the same for ever, so a resumed run sees what an uninterrupted one would have
seen. An edited fact is proven false on the coordinates (`diagram.facts.check`), an edited figure to differ
(`negatives.image`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import torch
from datasets import Dataset
from PIL import Image
from transformers.utils import logging

from data_scripts.diagram import Diagram, Fact, phrases
from data_scripts.diagram.drawing import Drawing, NoRoom, Style, lay_out, rasterise
from data_scripts.diagram.program import Program
from data_scripts.negatives.image import image_negatives
from data_scripts.negatives.rules import EDITS, exchange_letters
from data_scripts.sources import procedural
from modeling_mmgeo import MMCLIPProcessor

from .fact_codes import fact_code
from .glyph_sheets import draw_sheet
from .patch_targets import STROKES, glyph_targets, spoken_facts, stroke_targets, tie_targets

logger = logging.get_logger(__name__)

EXCHANGED = 0.2  # share of edits that exchange letters throughout
DRAWS = 50  # of a figure before the image size is given up
TRIES = 4  # edits tried per edited figure


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
        edits: how often what is true of a figure is made false (`edit_some`).
        edited_figures: image negatives that come with every figure of a family, of the same style and with what is
            true of them (`negatives.image`): fewer where an edit finds nothing to change.
        drawn_sizes: sides in pixels to draw figures at, one of them for each; they are resized to `image_size` after,
            as a user's larger pictures are. `image_size` itself for none.

    Raises:
        ValueError: if a family is unknown, or the rims of patches are no whole pixels at one of `drawn_sizes`.
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
        edits: int = 4,
        edited_figures: int = 0,
        drawn_sizes: Sequence[int] = (),
    ) -> None:
        self.num_figures, self.image_size, self.patch_size, self.seed = num_figures, image_size, patch_size, seed
        self.drawn_sizes = list(drawn_sizes) or [image_size]
        if uneven := [size for size in self.drawn_sizes if size < 1 or size % self.side]:
            raise ValueError(
                f"drawn_sizes {uneven}: {self.side} patches a side do not divide them; name multiples of {self.side}."
            )
        self.diagrams = diagrams
        self.families = procedural.choose_families(families)
        self.sheets, self.edits, self.edited_figures = sheets, edits, edited_figures

    @property
    def side(self) -> int:
        """Patches in a row of an image."""
        return self.image_size // self.patch_size

    def patch_of(self, drawing: Drawing) -> int:
        """Side of a patch in pixels of the drawing, before it is resized."""
        return drawing.style.size // self.side

    def __len__(self) -> int:
        return self.num_figures

    def __getitem__(self, index: int) -> dict:
        # A stream of its own: no figure of a data set comes back here.
        rng = np.random.default_rng([self.seed, 7, index])
        figure, drawing = self.draw(rng, index)
        return {
            **self._figure(solved(figure), drawing, rng),
            "sheets": [self._dense(draw_sheet(rng, self.image_size)) for _ in range(self.sheets)],
            "edited_figures": [self._figure(*edited, rng) for edited in self._edit(figure, drawing.style, rng)],
        }

    def _figure(self, diagram: Diagram, drawing: Drawing, rng: np.random.Generator) -> dict:
        """What is printed where, what is true, and what is not."""
        facts = list(diagram.facts)
        edited = [edit_some(facts, diagram, rng) for _ in range(self.edits)]
        return {
            **self._dense(drawing),
            "ties": tie_targets(diagram, drawing, self.patch_of(drawing)),
            "spoken": spoken_facts(diagram, drawing, self.patch_of(drawing)),
            "diagram": diagram,
            "edited": [facts for facts in edited if facts is not None],
        }

    def _edit(
        self, figure: Program | Diagram, style: Style, rng: np.random.Generator
    ) -> Iterator[tuple[Diagram, Drawing]]:
        """Image negatives of a figure as they are drawn; none of one that is known by its coordinates alone."""
        if isinstance(figure, Diagram):
            return
        negatives = image_negatives(figure, TRIES * self.edited_figures, rng, 0, Counter())
        for negative in islice(negatives, self.edited_figures):
            try:
                yield negative.diagram, lay_out(negative.diagram, style)
            except NoRoom:
                continue

    def _dense(self, drawing: Drawing) -> dict:
        """A drawing's pixels, and what is in each of its patches."""
        image, patch_size = rasterise(drawing), self.patch_of(drawing)
        strokes = stroke_targets(drawing, np.asarray(image), patch_size)
        if drawing.style.size != self.image_size:
            image = image.resize((self.image_size, self.image_size), Image.Resampling.BICUBIC)  # as the processor does
        return {"image": np.asarray(image), "glyphs": glyph_targets(drawing, patch_size), "strokes": strokes}

    def draw(self, rng: np.random.Generator, index: int) -> tuple[Program | Diagram, Drawing]:
        """A figure and how it is drawn; another one where the letters of the first find no room."""
        for _ in range(DRAWS):
            figure = draw_figure(rng, index, self.families, self.diagrams)
            size = self.drawn_sizes[int(rng.integers(len(self.drawn_sizes)))]
            try:
                return figure, lay_out(solved(figure), Style.draw(rng, size))
            except NoRoom:
                continue
        raise ValueError(
            f"no figure of {DRAWS} has room for its letters on {self.image_size} pixels: draw larger ones"
        )


def draw_figure(
    rng: np.random.Generator, index: int, families: Sequence[str], diagrams: Sequence[Diagram] = ()
) -> Program | Diagram:
    """Figure number `index`: of a family, or, if it is odd and there are diagrams, one of these; letters in any order.

    With letters where printers put them, A to C around and O in the middle, a tower guesses what it should see.
    """
    if diagrams and index % 2:
        diagram = diagrams[int(rng.integers(len(diagrams)))]
        return diagram.relabel(procedural.any_letters(diagram.points, rng))
    return procedural.shuffle_letters(procedural.draw_program(families[int(rng.integers(len(families)))], rng), rng)


def solved(figure: Program | Diagram) -> Diagram:
    """The coordinates of a figure, whether a program gives them or they are all that is known."""
    return figure if isinstance(figure, Diagram) else figure.diagram


def edit_some(
    part: list[Fact], diagram: Diagram, rng: np.random.Generator, kinds: Sequence[str] = tuple(EDITS)
) -> list[Fact] | None:
    """The statements with one of them made false, or letters exchanged in all; None where no edit is proven false.

    Args:
        part: what is true of the figure, or some of it.
        diagram: the figure.
        rng: draws the edit.
        kinds: of edits, keys of `EDITS`.
    """
    if rng.random() < EXCHANGED and (exchanged := exchange_letters(part, diagram, rng)) is not None:
        return list(exchanged)
    for i in rng.permutation(len(part)).tolist():
        for kind in rng.permutation(list(kinds)).tolist():
            if (false := EDITS[kind](part[i], diagram, rng)) is not None:
                return [*part[:i], false, *part[i + 1 :]]
    return None


class WarmUpCollator:
    """Stacks figures and edited figures by how many patches have ink, then the sheets, and writes what is true of a
    figure and of its edits as codes of a size."""

    def __init__(self, processor: MMCLIPProcessor, code_size: int) -> None:
        self.mean = torch.tensor(processor.image_processor.image_mean).view(1, -1, 1, 1)
        self.std = torch.tensor(processor.image_processor.image_std).view(1, -1, 1, 1)
        self.code_size = code_size

    def __call__(self, figures: list[dict]) -> dict[str, torch.Tensor]:
        sheets = [sheet for f in figures for sheet in f["sheets"]]
        figures = [each for f in figures for each in (f, *f["edited_figures"])]
        figures.sort(key=lambda f: f["strokes"][:, STROKES.index("ink")].sum().item())
        # Of the tower's own size already, so there is nothing to resize.
        drawn = [*figures, *sheets]
        spots = [(i, patch, facts) for i, f in enumerate(figures) for patch, facts in f["spoken"].items()]
        grey = torch.from_numpy(np.stack([d["image"] for d in drawn])).float().div_(255)
        return {
            "pixel_values": (grey[:, None].expand(-1, 3, -1, -1) - self.mean) / self.std,
            **stack_codes([(f["diagram"].facts, f["edited"]) for f in figures], self.code_size),
            "glyphs": torch.stack([d["glyphs"] for d in drawn]),
            "strokes": torch.stack([d["strokes"] for d in drawn]),
            "ties": torch.stack([f["ties"] for f in figures]),
            "spots": torch.tensor([spot[:2] for spot in spots], dtype=torch.long).view(-1, 2),
            "spot_codes": stack_codes([(facts, ()) for *_, facts in spots], self.code_size)["codes"],
        }


def stack_codes(said: Sequence[tuple[Sequence[Fact], Sequence[Sequence[Fact]]]], size: int) -> dict[str, torch.Tensor]:
    """The arguments `codes`, `edited` and `owner` of `fact_codes.code_loss`, of facts and edits of them."""
    codes = np.array([fact_code(facts, size) for facts, _ in said], dtype=np.float32)
    edited = [fact_code(facts, size) for _, edits in said for facts in edits]
    return {
        "codes": torch.from_numpy(codes.reshape(-1, size)),
        "edited": torch.from_numpy(np.array(edited, dtype=np.float32).reshape(-1, size)),
        "owner": torch.tensor([i for i, (_, edits) in enumerate(said) for _ in edits], dtype=torch.long),
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
