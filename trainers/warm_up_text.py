"""Warm up the text tower of an untrained dual encoder on what captions say, without a figure.

    python -m trainers.warm_up_text --config trainers/recipes/warm_up_text_tiny.yaml --output_dir runs/mmclip-text

Every caption shall have the embedding that is the code of its facts (`fact_codes`), whatever its wording. No figure is
encoded, so this is much cheaper than any contrast, and the vision tower, which `warm_up_vision` takes to the same
codes, finds a text tower that says whose value stands where.

What is read: whole captions and parts of them of one to three facts, half of the time with one fact made false, since
a false caption has a code as well; a short text shows sooner which word makes which part of the code. Facts with many
letters come more often in these: there is more to learn about their order. Captions that say the same of the letters
in another order may be read beside (`--edited_captions`): alone, a caption's code hardly suffers from a wrong order.

Promise: caption number i of a seed is the same for ever. The vision tower stays as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.diagram import Diagram, Fact
from data_scripts.diagram.caption import caption
from data_scripts.diagram.facts import statements
from data_scripts.sources import procedural
from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor

from . import fact_codes
from .warm_up_figures import draw_figure, edit_some, solved, stack_codes
from .warm_up_run import FigureArguments, WarmUpConfig, WarmUpTrainer, start, train_and_save

WHOLE, MOST_FACTS = 0.5, 3  # share of whole captions; the others say so many facts at most
GROUP = 32  # captions of like length that are encoded together


@dataclass
class TextArguments(FigureArguments):
    """What is said, beside the sizes of the dual encoder."""

    num_captions: int = field(default=48_000, metadata={"help": "Captions written for one epoch, each read once."})
    edited_captions: int = field(
        default=0,
        metadata={
            "help": "Captions with letters in another order that are read beside every caption, each with a code of "
            "its own; a batch has so many times more captions."
        },
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, num_captions=1, edited_captions=0)


class WarmUpCaptions(torch.utils.data.Dataset):
    """Captions with the facts they state, written when asked for.

    Args:
        num_captions: length of the data set.
        seed: caption i is a function of (seed, i).
        families: procedural families of the figures that are spoken of; all of them for None.
        diagrams: figures to speak of besides; half of all captions are then theirs.
        edits: how often one of the facts is made false.
        edited_captions: captions with letters in another order that come with every caption; fewer where an edit
            finds no other order.

    Raises:
        ValueError: if a family is unknown.
    """

    def __init__(
        self,
        num_captions: int,
        seed: int,
        families: Sequence[str] | None = None,
        diagrams: Sequence[Diagram] = (),
        edits: int = 4,
        edited_captions: int = 0,
    ) -> None:
        self.num_captions, self.seed = num_captions, seed
        self.families, self.diagrams = procedural.choose_families(families), diagrams
        self.edits, self.edited_captions = edits, edited_captions

    def __len__(self) -> int:
        return self.num_captions

    def __getitem__(self, index: int) -> dict:
        rng = np.random.default_rng([self.seed, 11, index])  # a stream of its own
        diagram = solved(draw_figure(rng, index, self.families, self.diagrams))
        facts = list(diagram.facts)
        if rng.random() >= WHOLE:
            count = int(rng.integers(1, min(MOST_FACTS, len(facts)) + 1))
            letters = np.array([len(fact.points) for fact in facts], dtype=float)
            chosen = rng.choice(len(facts), size=count, replace=False, p=letters / letters.sum())
            facts = [facts[i] for i in sorted(chosen.tolist())]
        said = [facts, *(edit_some(facts, diagram, rng) for _ in range(max(self.edits, 1)))]
        said = [each for each in said if each is not None]
        if len(said) > 1 and rng.random() < 0.5:
            said[0], said[1] = said[1], said[0]
        others = [each for each in said[1:] if statements(each) != statements(said[0])]
        wording = int(rng.integers(2**31))
        return {
            "text": caption(said[0], wording),
            "facts": said[0],
            "edited": others[: self.edits],
            "edited_captions": [
                {"text": caption(edited, wording), "facts": edited, "edited": []}
                for edited in self._other_orders(said[0], diagram, rng)
            ],
        }

    def _other_orders(self, facts: list[Fact], diagram: Diagram, rng: np.random.Generator) -> list[list[Fact]]:
        """Statements with letters in another order, no two alike; true or false, they say something else."""
        said, orders = {statements(facts)}, []
        for _ in range(self.edited_captions):
            edited = edit_some(facts, diagram, rng, ("order",))
            if edited is not None and statements(edited) not in said:
                said.add(statements(edited))
                orders.append(edited)
        return orders


class CaptionCollator:
    """Tokenizes captions and those that are read beside, and writes what they say as codes of a size."""

    def __init__(self, processor: MMCLIPProcessor, code_size: int) -> None:
        self.processor, self.code_size = processor, code_size

    def __call__(self, captions: list[dict]) -> dict[str, torch.Tensor]:
        captions = [each for c in captions for each in (c, *c["edited_captions"])]
        text = self.processor(text=[c["text"] for c in captions], return_tensors="pt", padding=True, truncation=True)
        said = stack_codes([(c["facts"], c["edited"]) for c in captions], self.code_size)
        return {"input_ids": text["input_ids"], "attention_mask": text["attention_mask"], **said}


class WarmUpTextModel(nn.Module):
    """The text tower of an MMCLIP with the loss of its warm-up."""

    def __init__(self, mmclip: MMCLIPModel) -> None:
        super().__init__()
        self.mmclip = mmclip
        mmclip.text_group_size = GROUP

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        codes: torch.Tensor,
        edited: torch.Tensor,
        owner: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """`loss` of a batch, and `code_loss` and `code_accuracy` as `fact_codes.code_loss` gives them.

        Args:
            input_ids: captions, `[batch, length]`.
            attention_mask: the same shape.
            codes: what they say, `[batch, size of the embedding]`.
            edited: the same with one fact changed, `[num_edited, size of the embedding]`.
            owner: caption each of these belongs to, `[num_edited]`.
        """
        read = self.mmclip(input_ids=input_ids, attention_mask=attention_mask).text_embeds
        loss, told_apart = fact_codes.code_loss(read, codes, edited, owner)
        return {"loss": loss, "code_loss": loss, "code_accuracy": told_apart}


def warm_up(args: TextArguments, training_args: WarmUpConfig) -> None:
    """Train, and save the MMCLIP with its processor in `output_dir`."""
    mmclip, processor, diagrams = start(args, training_args.seed)
    for name, parameter in mmclip.backbone.named_parameters():
        parameter.requires_grad_(name.startswith("text_"))
    trainer = WarmUpTrainer(
        ("code",),
        model=WarmUpTextModel(mmclip),
        args=training_args,
        train_dataset=WarmUpCaptions(
            args.num_captions, training_args.seed, args.families, diagrams, args.num_edits, args.edited_captions
        ),
        data_collator=CaptionCollator(processor, mmclip.backbone.config.projection_dim),
    )
    train_and_save(trainer, mmclip, processor)


def main() -> None:
    args, training_args = TrlParser((TextArguments, WarmUpConfig)).parse_args_and_config()
    warm_up(args, training_args)


if __name__ == "__main__":
    run_command(main)
