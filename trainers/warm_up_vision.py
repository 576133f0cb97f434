"""Warm up an untrained dual encoder on what the figure program knows, before any contrast.

    python -m trainers.warm_up_vision --config trainers/recipes/warm_up_tiny.yaml --output_dir runs/mmclip-warm

A contrastive loss says only that two figures differ; a tower that cannot yet read a letter finds no way down from
there. The program that drew a figure knows everything about it, so five tasks come first:

- glyphs: for every patch, which letters, digits and signs are printed there;
- strokes: for every patch, whether there is ink, a straight line, a bent one, a junction;
- ties: for every patch, which points what is printed and drawn there belongs to: a length's ends, an angle's vertex
  and arms, the points that lines lead to from a letter, the ends of the segments that cross it; these three are read
  off the second-to-last layer, the one an LMM sees;
- statements: for every figure, which statements of the whole batch are true of it and which are proven false, judged
  by the similarity of image and text embedding with a sigmoid loss (Zhai et al. 2023, SigLIP, Eq. 1). Unlike there,
  nothing is assumed: what can be neither proven nor disproven on coordinates is left out;
- captions: the same with the embedding of a figure's whole caption in place of the image's. A caption says what a
  perfect eye would see, so the text tower need not wait for the vision tower to learn what makes a statement true.

The heads are dropped afterwards: what is saved is a plain MMCLIP of a stock backbone.
"""

from dataclasses import dataclass, field, fields

import torch
from torch import nn
from transformers import TrainingArguments, set_seed
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor

from .muon import MuonArguments, MuonTrainer
from .patch_targets import GLYPHS, PRINTED_ROLES, ROLES, STROKES, TIES
from .rows import check_columns, load_split
from .run import train
from .scratch import ScratchConfig, scratch_mmclip
from .train_mmclip import ModelArguments, read_model
from .warm_up_figures import WarmUpCollator, WarmUpFigures, load_diagrams, wordings

TASKS = ("glyph", "stroke", "tie", "statement", "caption")
LENGTH_GROUPS = 4  # texts are padded within groups of like length


@dataclass
class WarmUpArguments(ScratchConfig):
    """What is drawn, beside the sizes of the dual encoder (`ScratchConfig`)."""

    model_name_or_path: str | None = field(
        default=None,
        metadata={"help": "Folder or Hub id of an MMCLIP to go on from (default: one of fresh weights)."},
    )
    num_figures: int = field(default=12_000, metadata={"help": "Figures drawn for one epoch, each seen once."})
    dataset_name: str | None = field(
        default=None,
        metadata={
            "help": "Folder or Hub id of hard-negative rows: draw their figures too, with new letters and looks."
        },
    )
    families: list[str] | None = field(
        default=None,
        metadata={"help": "Procedural families to draw from, such as triangle rectangle (default: all)."},
    )
    sheets_per_figure: int = field(
        default=0, metadata={"help": "Sheets of scattered glyphs that are read beside every figure."}
    )
    false_twins: bool = field(
        default=True,
        metadata={
            "help": "Follow every true statement by the same with one fact edited. Without, there are as many "
            "statements, but the only false ones are those of other figures: in-batch negatives."
        },
    )
    skip_blank_patches: bool = field(
        default=False,
        metadata={"help": "Encode the inked patches only, which is faster; the model is saved so and stays so."},
    )
    glyph_weight: float = field(default=1.0, metadata={"help": "Weight of the glyph task."})
    stroke_weight: float = field(default=1.0, metadata={"help": "Weight of the stroke task."})
    tie_weight: float = field(default=1.0, metadata={"help": "Weight of the tie task."})
    statement_weight: float = field(default=1.0, metadata={"help": "Weight of the statement task."})
    caption_weight: float = field(default=1.0, metadata={"help": "Weight of the caption task."})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, num_figures=1, sheets_per_figure=0)


@dataclass
class WarmUpConfig(MuonArguments, TrainingArguments):
    """`TrainingArguments`, with Muon."""

    remove_unused_columns: bool = field(
        default=False, metadata={"help": "Must stay off: the collator makes the columns that the model takes."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_muon(self)


class WarmUpModel(nn.Module):
    """An MMCLIP with the heads of the warm-up, one linear layer each."""

    def __init__(
        self,
        mmclip: MMCLIPModel,
        glyph_weight: float = 1.0,
        stroke_weight: float = 1.0,
        tie_weight: float = 1.0,
        statement_weight: float = 1.0,
        caption_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.mmclip = mmclip
        weights = (glyph_weight, stroke_weight, tie_weight, statement_weight, caption_weight)
        self.weights = dict(zip(TASKS, weights, strict=True))
        self.glyph_head = nn.Linear(mmclip.vision_tower.config.hidden_size, len(GLYPHS))
        nn.init.constant_(self.glyph_head.bias, -5.0)  # nearly every patch is blank
        self.stroke_head = nn.Linear(mmclip.vision_tower.config.hidden_size, len(STROKES))
        self.tie_head = nn.Linear(mmclip.vision_tower.config.hidden_size, len(TIES))
        nn.init.constant_(self.tie_head.bias, -3.0)  # what is tied is tied to two or three points of many
        self.bias = nn.Parameter(torch.tensor(0.0))

    def forward(
        self,
        pixel_values: torch.Tensor,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        truth: torch.Tensor,
        owner: torch.Tensor,
        glyphs: torch.Tensor,
        strokes: torch.Tensor,
        ties: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Loss of a batch and how well its tasks are done.

        Beside `loss` there are the loss and accuracy of each task, `glyph_loss` and so on: accuracies of figures, not
        of sheets, by `glyphs_read`, `strokes_seen`, `ties_ranked_first` and `twins_told_apart`.

        Args:
            pixel_values: figures, then sheets of glyphs, `[images, 3, size, size]`.
            input_ids: statements, then a caption of each figure, `[num_statements + num_figures, length]`.
            attention_mask: the same shape.
            truth: 1 true, 0 proven false, nan unknown, `[num_figures, num_statements]`.
            owner: figure each statement was drawn from, `[num_statements]`.
            glyphs: `[images, patches, len(GLYPHS)]`, 0 or 1.
            strokes: `[images, patches, len(STROKES)]`, 0 or 1.
            ties: `[num_figures, patches, len(TIES)]`, 0 or 1.
        """
        # Apart, since padding goes to the fullest image: sheets have ink everywhere, figures on half of their patches.
        encoded = [
            self.mmclip.get_image_features(pixel_values=images, output_hidden_states=True)
            for images in (pixel_values[: len(truth)], pixel_values[len(truth) :])
            if len(images)
        ]
        patches = torch.cat([images.hidden_states[-2] for images in encoded])
        patches = patches[:, -glyphs.shape[1] :]  # without the class token where there is one
        glyph_logits = self.glyph_head(patches)
        glyph_loss = nn.functional.binary_cross_entropy_with_logits(
            glyph_logits, glyphs, reduction="sum", pos_weight=glyphs.new_tensor(4.0)
        ) / glyphs.sum().clamp(min=1)
        stroke_logits = self.stroke_head(patches)
        stroke_losses = nn.functional.binary_cross_entropy_with_logits(stroke_logits, strokes, reduction="none")
        # Each kind counts by how often it occurs: junctions are rare, ink is not.
        stroke_loss = (stroke_losses.sum((0, 1)) / strokes.sum((0, 1)).clamp(min=1)).mean()

        tied = ties.any(-1)
        tie_logits, ties = self.tie_head(patches[: len(truth)][tied]), ties[tied]
        tie_losses = nn.functional.binary_cross_entropy_with_logits(tie_logits, ties, reduction="none")
        tie_loss = torch.stack(
            [
                losses.sum() / role.sum().clamp(min=1)
                for losses, role in zip(by_role(tie_losses), by_role(ties), strict=True)
            ]
        ).mean()

        text = nn.functional.normalize(self._text_features(input_ids, attention_mask), dim=-1)
        statements, captions = text.split([len(owner), len(truth)])
        image = nn.functional.normalize(encoded[0].pooler_output, dim=-1)
        statement_loss, logits = self._judge(image, statements, truth, owner)
        caption_loss, caption_logits = self._judge(captions, statements, truth, owner)
        figures = slice(len(truth))  # sheets are not measured
        accuracies = {
            "glyph": glyphs_read(glyph_logits[figures], glyphs[figures]),
            "stroke": strokes_seen(stroke_logits[figures], strokes[figures]),
            "tie": ties_ranked_first(tie_logits, ties),
            "statement": twins_told_apart(logits, truth, owner),
            "caption": twins_told_apart(caption_logits, truth, owner),
        }
        losses = dict(zip(TASKS, (glyph_loss, stroke_loss, tie_loss, statement_loss, caption_loss), strict=True))
        return {
            "loss": sum(self.weights[task] * loss for task, loss in losses.items()),
            **{f"{task}_loss": loss for task, loss in losses.items()},
            **{f"{task}_accuracy": accuracy for task, accuracy in accuracies.items()},
        }

    def _judge(
        self, seen: torch.Tensor, statements: torch.Tensor, truth: torch.Tensor, owner: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss and logits `[num_figures, num_statements]` of what was seen of each figure against each statement."""
        logits = seen @ statements.T * self.mmclip.backbone.logit_scale.exp() + self.bias
        own = nn.functional.one_hot(owner, len(seen)).T.bool()
        known = ~truth.isnan()
        losses = nn.functional.binary_cross_entropy_with_logits(logits, truth.nan_to_num(), reduction="none")
        # The few fine distinctions within a figure weigh as much as the many coarse ones between figures.
        loss = losses[own & known].mean()
        if (~own & known).any():
            loss = (loss + losses[~own & known].mean()) / 2
        return loss, logits

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


@torch.no_grad()
def twins_told_apart(logits: torch.Tensor, truth: torch.Tensor, owner: torch.Tensor) -> torch.Tensor:
    """Share of true statements that their own figure ranks above the false twin that follows; see `WarmUpModel`."""
    statements = torch.arange(len(owner), device=owner.device)
    score, label = logits[owner, statements], truth[owner, statements]
    twins = (label[:-1] == 1) & (label[1:] == 0) & (owner[:-1] == owner[1:])
    return (score[:-1] > score[1:])[twins].float().mean()


class WarmUpTrainer(MuonTrainer):
    """Logs each task's loss and accuracy, averaged since the last log."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        names = [f"{task}_{what}" for task in TASKS for what in ("loss", "accuracy")]
        self._measured: dict[str, list[torch.Tensor]] = {name: [] for name in names}

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        outputs = model(**inputs)
        for name, values in self._measured.items():
            values.append(outputs[name].detach())
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            for name, values in self._measured.items():
                mean = torch.stack(values).nanmean()  # without twins there is nothing to tell apart
                if not mean.isnan():
                    logs[name] = round(mean.item(), 4)
                values.clear()
        super().log(logs, start_time)


def start(args: WarmUpArguments, captions: list[str], seed: int) -> tuple[MMCLIPModel, MMCLIPProcessor]:
    """The model to train and its processor: a saved one, or one of fresh weights whose tokenizer knows the captions.

    Raises:
        ValueError: if the saved one cannot be loaded, or sees figures of another size.
    """
    if args.model_name_or_path is None:
        sizes = ScratchConfig(**{f.name: getattr(args, f.name) for f in fields(ScratchConfig)})
        return scratch_mmclip(captions, sizes, seed=seed)
    mmclip, processor = read_model(ModelArguments(model_name_or_path=args.model_name_or_path))
    seen = mmclip.vision_tower.config
    if (seen.image_size, seen.patch_size) != (args.image_size, args.patch_size):
        raise ValueError(
            f"{args.model_name_or_path} sees figures of {seen.image_size} pixels in patches of {seen.patch_size}: set "
            "image_size and patch_size to that."
        )
    return mmclip, processor


def warm_up(args: WarmUpArguments, training_args: WarmUpConfig) -> None:
    """Train, and save the MMCLIP with its processor in `output_dir`."""
    set_seed(training_args.seed)
    captions, diagrams = wordings(), []
    if args.dataset_name is not None:
        rows = load_split(args.dataset_name, "train")
        check_columns(rows, ("facts", "caption"), f"The data set {args.dataset_name}")
        captions, diagrams = [*captions, *rows["caption"]], load_diagrams(rows)
    mmclip, processor = start(args, captions, training_args.seed)
    mmclip.config.skip_blank_patches = args.skip_blank_patches
    trainer = WarmUpTrainer(
        model=WarmUpModel(mmclip, *(getattr(args, f"{task}_weight") for task in TASKS)),
        args=training_args,
        train_dataset=WarmUpFigures(
            args.num_figures,
            args.image_size,
            args.patch_size,
            training_args.seed,
            diagrams,
            args.families,
            args.sheets_per_figure,
            args.false_twins,
        ),
        data_collator=WarmUpCollator(processor),
    )
    train(trainer, lambda: "")  # figures are drawn, none can be unreadable
    mmclip.save_pretrained(training_args.output_dir)
    processor.save_pretrained(training_args.output_dir)


def main() -> None:
    args, training_args = TrlParser((WarmUpArguments, WarmUpConfig)).parse_args_and_config()
    warm_up(args, training_args)


if __name__ == "__main__":
    run_command(main)
