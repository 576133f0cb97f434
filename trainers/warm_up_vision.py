"""Warm up an untrained dual encoder on what the figure program knows, before any contrast.

    python -m trainers.warm_up_vision --config trainers/recipes/warm_up_tiny.yaml --output_dir runs/mmclip-warm

A contrastive loss says only that two figures differ; a tower that cannot yet read a letter finds no way down from
there. The program that drew a figure knows everything about it, so five tasks come first:

- glyphs: for every patch, which letters, digits and signs are printed there;
- strokes: for every patch, whether there is ink, a straight line, a bent one, a junction;
- ties: for every patch, which points what is printed and drawn there belongs to: a length's ends, an angle's vertex
  and arms, the points that lines lead to from a letter, the ends of the segments that cross it;
- spot: for every patch where a letter or a value is printed, the code of the facts that speak of it
  (`fact_codes`); these four are read off the second-to-last layer, the one an LMM sees;
- code: for every figure, all that is true of it as one fixed vector, which the image's embedding shall
  match, better than those of other figures and of the same facts with one of them edited.

The text tower is not touched; `warm_up_text` takes captions to the same codes, before or after.

The heads are dropped afterwards: what is saved is a plain MMCLIP of a stock backbone.
"""

from dataclasses import dataclass, field

import torch
from torch import nn
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from modeling_mmgeo import MMCLIPModel

from . import fact_codes
from .patch_targets import GLYPHS, PRINTED_ROLES, ROLES, STROKES, TIES
from .warm_up_figures import WarmUpCollator, WarmUpFigures
from .warm_up_run import FigureArguments, WarmUpConfig, WarmUpTrainer, start, train_and_save

GROUP = 16  # figures with like many inked patches that are encoded together
TASKS = ("glyph", "stroke", "tie", "spot", "code")


@dataclass
class VisionArguments(FigureArguments):
    """What is drawn, and what the tasks weigh."""

    num_figures: int = field(default=12_000, metadata={"help": "Figures drawn for one epoch, each seen once."})
    sheets_per_figure: int = field(
        default=0, metadata={"help": "Sheets of scattered glyphs that are read beside every figure."}
    )
    edited_figures: int = field(
        default=0,
        metadata={
            "help": "Image negatives that are drawn beside every figure; a batch has so many times more figures."
        },
    )
    drawn_sizes: list[int] = field(
        default_factory=list,
        metadata={
            "help": "Sides in pixels that figures are drawn at before they are resized to --image_size, as a user's "
            "pictures are (default: --image_size itself). Multiples of the patches in a row; one is drawn for each."
        },
    )
    skip_blank_patches: bool = field(
        default=False,
        metadata={"help": "Encode the inked patches only, which is faster; the model is saved so and stays so."},
    )
    glyph_weight: float = field(default=1.0, metadata={"help": "Weight of the glyph task."})
    stroke_weight: float = field(default=1.0, metadata={"help": "Weight of the stroke task."})
    tie_weight: float = field(default=1.0, metadata={"help": "Weight of the tie task."})
    spot_weight: float = field(default=1.0, metadata={"help": "Weight of the spot task."})
    code_weight: float = field(default=1.0, metadata={"help": "Weight of the code task."})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, num_figures=1, sheets_per_figure=0, edited_figures=0)


class WarmUpVisionModel(nn.Module):
    """An MMCLIP with the heads of the warm-up, one linear layer each."""

    def __init__(
        self,
        mmclip: MMCLIPModel,
        glyph_weight: float = 1.0,
        stroke_weight: float = 1.0,
        tie_weight: float = 1.0,
        spot_weight: float = 1.0,
        code_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.mmclip = mmclip
        for name, parameter in mmclip.backbone.named_parameters():
            parameter.requires_grad_(name.startswith(("vision_", "visual_")))
        weights = (glyph_weight, stroke_weight, tie_weight, spot_weight, code_weight)
        self.weights = dict(zip(TASKS, weights, strict=True))
        self.glyph_head = nn.Linear(mmclip.vision_tower.config.hidden_size, len(GLYPHS))
        nn.init.constant_(self.glyph_head.bias, -5.0)  # nearly every patch is blank
        self.stroke_head = nn.Linear(mmclip.vision_tower.config.hidden_size, len(STROKES))
        self.tie_head = nn.Linear(mmclip.vision_tower.config.hidden_size, len(TIES))
        nn.init.constant_(self.tie_head.bias, -3.0)  # what is tied is tied to two or three points of many
        self.spot_head = nn.Linear(mmclip.vision_tower.config.hidden_size, mmclip.backbone.config.projection_dim)

    def forward(
        self,
        pixel_values: torch.Tensor,
        codes: torch.Tensor,
        edited: torch.Tensor,
        owner: torch.Tensor,
        glyphs: torch.Tensor,
        strokes: torch.Tensor,
        ties: torch.Tensor,
        spots: torch.Tensor,
        spot_codes: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Loss of a batch and how well its tasks are done.

        Beside `loss` there are the loss and accuracy of each task, `glyph_loss` and so on: accuracies of figures, not
        of sheets, by `glyphs_read`, `strokes_seen`, `ties_ranked_first`, spots' cosine and `fact_codes.code_loss`.

        Args:
            pixel_values: figures, then sheets of glyphs, `[images, 3, size, size]`.
            codes: what each figure says, `[num_figures, size of the embedding]`.
            edited: the same with one fact made false, `[num_edited, size of the embedding]`.
            owner: figure each of these belongs to, `[num_edited]`.
            glyphs: `[images, patches, len(GLYPHS)]`, 0 or 1.
            strokes: `[images, patches, len(STROKES)]`, 0 or 1.
            ties: `[num_figures, patches, len(TIES)]`, 0 or 1.
            spots: figure and patch of what is printed and spoken of, `[num_spots, 2]`.
            spot_codes: what is said of it, `[num_spots, size of the embedding]`.
        """
        # In groups, since padding goes to the fullest image: sheets have ink everywhere, figures come by their ink.
        encoded = [
            self.mmclip.get_image_features(pixel_values=images, output_hidden_states=True)
            for images in (*pixel_values[: len(codes)].split(GROUP), pixel_values[len(codes) :])
            if len(images)
        ]
        patches = torch.cat([images.hidden_states[-2] for images in encoded])
        patches = patches[:, -glyphs.shape[1] :]  # without the class token where there is one
        glyph_logits = self.glyph_head(patches).float()
        glyph_loss = nn.functional.binary_cross_entropy_with_logits(
            glyph_logits, glyphs, reduction="sum", pos_weight=glyphs.new_tensor(4.0)
        ) / glyphs.sum().clamp(min=1)
        stroke_logits = self.stroke_head(patches).float()
        stroke_losses = nn.functional.binary_cross_entropy_with_logits(stroke_logits, strokes, reduction="none")
        # Each kind counts by how often it occurs: junctions are rare, ink is not.
        stroke_loss = (stroke_losses.sum((0, 1)) / strokes.sum((0, 1)).clamp(min=1)).mean()

        tied = ties.any(-1)
        tie_logits, ties = self.tie_head(patches[: len(codes)][tied]).float(), ties[tied]
        tie_losses = nn.functional.binary_cross_entropy_with_logits(tie_logits, ties, reduction="none")
        tie_loss = torch.stack(
            [
                losses.sum() / role.sum().clamp(min=1)
                for losses, role in zip(by_role(tie_losses), by_role(ties), strict=True)
            ]
        ).mean()

        spot_cosine = nn.functional.cosine_similarity(self.spot_head(patches[*spots.T]).float(), spot_codes)
        spot_loss = fact_codes.PULL * (1 - spot_cosine).sum() / max(len(spots), 1)

        code_loss, told_apart = fact_codes.code_loss(
            torch.cat([images.pooler_output for images in encoded])[: len(codes)], codes, edited, owner
        )
        figures = slice(len(codes))  # sheets are not measured
        accuracies = {
            "glyph": glyphs_read(glyph_logits[figures], glyphs[figures]),
            "stroke": strokes_seen(stroke_logits[figures], strokes[figures]),
            "tie": ties_ranked_first(tie_logits, ties),
            "spot": spot_cosine.detach().mean(),
            "code": told_apart,
        }
        losses = dict(zip(TASKS, (glyph_loss, stroke_loss, tie_loss, spot_loss, code_loss), strict=True))
        return {
            "loss": sum(self.weights[task] * loss for task, loss in losses.items()),
            **{f"{task}_loss": loss for task, loss in losses.items()},
            **{f"{task}_accuracy": accuracy for task, accuracy in accuracies.items()},
        }


@torch.no_grad()
def glyphs_read(logits: torch.Tensor, glyphs: torch.Tensor) -> torch.Tensor:
    """Share of printed patches whose strongest glyph is there; both `[figures, patches, len(GLYPHS)]`."""
    read = (logits.amax(-1, keepdim=True) == logits) & (glyphs > 0)
    return read.any(-1)[glyphs.any(-1)].float().mean()


@torch.no_grad()
def strokes_seen(logits: torch.Tensor, strokes: torch.Tensor) -> torch.Tensor:
    """Share of patches judged rightly, those with and without a stroke counting half each; as `glyphs_read`."""
    right = ((logits > 0) == (strokes > 0)).float()
    return (right[strokes > 0].mean() + right[strokes == 0].mean()) / 2


def by_role(ties: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The columns of each of `ROLES` of `[patches, len(TIES)]`."""
    return ties.chunk(len(ROLES), dim=-1)


@torch.no_grad()
def ties_ranked_first(logits: torch.Tensor, ties: torch.Tensor) -> torch.Tensor:
    """Share of printed patches whose points all rank above all others in their roles; both `[patches, len(TIES)]`."""
    printed = len(PRINTED_ROLES)
    logits, ties = torch.cat(by_role(logits)[:printed], -1), torch.cat(by_role(ties)[:printed], -1)
    logits, ties = logits[ties.any(-1)], ties[ties.any(-1)]
    weakest = logits.masked_fill(ties == 0, torch.inf).amin(-1)
    strongest_other = logits.masked_fill(ties == 1, -torch.inf).amax(-1)
    return (weakest > strongest_other).float().mean()


def warm_up(args: VisionArguments, training_args: WarmUpConfig) -> None:
    """Train, and save the MMCLIP with its processor in `output_dir`."""
    mmclip, processor, diagrams = start(args, training_args.seed)
    mmclip.config.skip_blank_patches = args.skip_blank_patches
    trainer = WarmUpTrainer(
        TASKS,
        model=WarmUpVisionModel(mmclip, *(getattr(args, f"{task}_weight") for task in TASKS)),
        args=training_args,
        train_dataset=WarmUpFigures(
            args.num_figures,
            args.image_size,
            args.patch_size,
            training_args.seed,
            diagrams,
            args.families,
            args.sheets_per_figure,
            args.num_edits,
            args.edited_figures,
            args.drawn_sizes,
        ),
        data_collator=WarmUpCollator(processor, mmclip.backbone.config.projection_dim),
    )
    train_and_save(trainer, mmclip, processor)


def main() -> None:
    args, training_args = TrlParser((VisionArguments, WarmUpConfig)).parse_args_and_config()
    warm_up(args, training_args)


if __name__ == "__main__":
    run_command(main)
