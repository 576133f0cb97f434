"""Which caption is true of a figure? MMCLIP's scores of the true one and its edits, as a table that a person can read.

Promise: what is shown is the cosine similarity of the model's embeddings and nothing else.
"""

from dataclasses import dataclass
from html import escape

import numpy as np
import torch

from data_scripts.diagram.diagram import EDIT_KINDS
from evaluation.encoding import DualEncoder
from evaluation.page.examples import Example, mark_differences


@dataclass(frozen=True)
class Candidate:
    """A caption that may be true of the figure."""

    caption: str
    edits: str  # empty for the true one


@dataclass(frozen=True)
class Riddle:
    """A figure and captions, one of which is true of it."""

    example: Example
    candidates: tuple[Candidate, ...]

    @property
    def answer(self) -> int:
        """Position of the true caption."""
        return next(place for place, candidate in enumerate(self.candidates) if not candidate.edits)


def make_riddle(example: Example, rng: np.random.Generator) -> Riddle:
    """The true caption among all that are false of the figure, in any order."""
    true = Candidate(example.positive.caption, "")
    false = {negative.caption: negative.edits for negative in example.negatives} | dict(example.rule_captions)
    candidates = [true, *(Candidate(caption, edits) for caption, edits in false.items() if caption != true.caption)]
    return Riddle(example, tuple(candidates[place] for place in rng.permutation(len(candidates)).tolist()))


@dataclass(frozen=True)
class Scores:
    """Cosine similarities in [-1, 1]."""

    captions: tuple[float, ...]  # of the figure with each candidate
    images: tuple[float, ...]  # of the true caption with the figure, then with each edited figure


def score(riddle: Riddle, encoder: DualEncoder) -> Scores:
    """What a model makes of a riddle, in both directions."""
    figures = [riddle.example.positive.image, *(negative.image for negative in riddle.example.negatives)]
    normalise = torch.nn.functional.normalize
    images = normalise(encoder.images(figures), dim=-1)
    captions = normalise(encoder.captions([candidate.caption for candidate in riddle.candidates]), dim=-1)
    return Scores(tuple((captions @ images[0]).tolist()), tuple((images @ captions[riddle.answer]).tolist()))


def verdict(riddle: Riddle, scores: Scores, guess: int | None) -> str:
    """One sentence on who was right, in Markdown."""
    true, best = riddle.answer, int(np.argmax(scores.captions))
    clip = "chose the true caption" if best == true else f"chose caption {best + 1}, which is false"
    beaten = sum(score < scores.captions[true] for score in scores.captions)
    model = f"MMCLIP {clip}; the true one beats {beaten} of {len(scores.captions) - 1} others."
    if guess is None:
        return f"Caption {true + 1} is true. {model}"
    yours = "You are right" if guess == true else f"Not quite: caption {true + 1} is true"
    return f"**{yours}.** {model}"


def kinds_beaten(riddle: Riddle, scores: Scores) -> str:
    """Per kind of edit, how many false captions the true one beats, in Markdown."""
    true, lines = scores.captions[riddle.answer], []
    for kind in EDIT_KINDS:
        of_kind = [
            score
            for score, candidate in zip(scores.captions, riddle.candidates, strict=True)
            if kind in candidate.edits.split("+")
        ]
        if of_kind:
            lines.append(f"{kind}: {sum(score < true for score in of_kind)} of {len(of_kind)}")
    return "The true caption beats, by kind of edit: " + ", ".join(lines) + "." if lines else ""


def scores_table(riddle: Riddle, scores: Scores) -> str:
    """All candidates from the highest score down, as an HTML table; what differs from the true caption is marked."""
    true = riddle.candidates[riddle.answer].caption
    low, high = min(scores.captions), max(scores.captions)
    rows = []
    for place in sorted(range(len(scores.captions)), key=lambda number: -scores.captions[number]):
        candidate, value = riddle.candidates[place], scores.captions[place]
        width = 100 if high == low else round(8 + 92 * (value - low) / (high - low))
        what = "true" if not candidate.edits else candidate.edits.replace("+", ", ")
        rows.append(
            f'<tr class="{"true" if not candidate.edits else "false"}"><td>{place + 1}</td>'
            f"<td>{mark_differences(true, candidate.caption)}</td><td>{escape(what)}</td>"
            f'<td class="score"><span class="bar" style="width:{width}%"></span>{value:.3f}</td></tr>'
        )
    head = "".join(f"<th scope='col'>{name}</th>" for name in ("no.", "caption", "edit", "score"))
    return f"<table class='scores'><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
