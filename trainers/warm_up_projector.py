"""Teach an MMGeoLM's projector to spell, before any caption: a patch is to look like what is printed in it.

    python -m trainers.warm_up_projector --mmclip M --llm L --num_figures 20000 --output_dir O

A projector must find out what a patch has to look like for the language model to read it, and learns that slowly
through many layers that do not change. The figure program knows which letters and digits are printed in a patch, and
the language model has an embedding for each: so the projector first learns, without the language model, to give every
patch the sum of these (`patch_targets.spelling_targets`). What a patch does not print is left at the mean of all
embeddings. Stage `align` or `sft` of `train_mmgeolm` goes on from there.

Promise: tower and language model stay as they are; the projector's weights are the only ones that change.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedTokenizerBase, Trainer, TrainingArguments, set_seed
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.diagram.drawing import rasterise
from modeling_mmgeo import MMGeoLMForConditionalGeneration, MMGeoLMProcessor

from .mmgeolm_config import ModelArguments
from .mmgeolm_model import load_model, load_processor
from .patch_targets import GLYPHS, spelling_targets
from .run import train
from .warm_up_figures import WarmUpFigures


@dataclass
class SpellingArguments(ModelArguments):
    """What is drawn, beside which parts are joined."""

    num_figures: int = field(default=20_000, metadata={"help": "Figures drawn for one epoch, each seen once."})
    families: list[str] | None = field(
        default=None,
        metadata={"help": "Procedural families to draw from, such as triangle rectangle (default: all)."},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, num_figures=1)
        if self.model_name_or_path is not None or self.mmclip is None or self.llm is None:
            raise ValueError("Name the parts to join by --mmclip and --llm: a projector is warmed up once, at first.")
        if self.use_peft or self.quantised:
            raise ValueError("The language model takes no part here: leave --use_peft and --load_in_* to stage sft.")


class Spellings(torch.utils.data.Dataset):
    """Figures of `WarmUpFigures` and what their patches say."""

    def __init__(self, figures: WarmUpFigures) -> None:
        self.figures = figures

    def __len__(self) -> int:
        return len(self.figures)

    def __getitem__(self, index: int) -> dict:
        # A stream of its own: neither rows nor the tower's warm-up have these figures.
        rng = np.random.default_rng([self.figures.seed, 11, index])
        _, drawing = self.figures.draw(rng, index)
        return {"image": rasterise(drawing), "spelling": spelling_targets(drawing, self.figures.patch_of(drawing))}


class SpellingCollator:
    """Stacks pixels and spellings."""

    def __init__(self, processor: MMGeoLMProcessor) -> None:
        self.image_processor = processor.image_processor

    def __call__(self, figures: list[dict]) -> dict[str, torch.Tensor]:
        images = [figure["image"].convert("RGB") for figure in figures]
        pixels = self.image_processor(images=images, return_tensors="pt")["pixel_values"]
        return {"pixel_values": pixels, "spelling": torch.stack([figure["spelling"] for figure in figures])}


class SpellingModel(nn.Module):
    """The projector of an MMGeoLM beside its frozen tower; the language model gives its embeddings and stays out."""

    def __init__(self, model: MMGeoLMForConditionalGeneration, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__()
        self.projector = model.model.multi_modal_projector
        self.see = [model.model.get_image_features]  # in a list: no module of ours, so no checkpoint holds it
        embeddings = model.get_input_embeddings().weight.detach().float()
        ids = [tokenizer(glyph, add_special_tokens=False)["input_ids"] for glyph in GLYPHS]
        mean = embeddings.mean(0)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("glyphs", torch.stack([embeddings[i].mean(0) for i in ids]) - mean, persistent=False)

    def forward(self, pixel_values: torch.Tensor, spelling: torch.Tensor) -> dict[str, torch.Tensor]:
        """Mean squared error in units of the glyphs' own variance; patches that say something count half of all.

        Args:
            pixel_values: `[figures, 3, size, size]`.
            spelling: `[figures, patches, len(GLYPHS)]`, as `spelling_targets` gives it.
        """
        seen = torch.stack(list(self.see[0](pixel_values=pixel_values).pooler_output))
        errors = (seen - self.mean - spelling @ self.glyphs).pow(2).mean(-1) / self.glyphs.pow(2).mean()
        printed = spelling.any(-1)
        return {"loss": (errors[printed].mean() + errors[~printed].mean()) / 2}


def main() -> None:
    args, training_args = TrlParser((SpellingArguments, TrainingArguments)).parse_args_and_config()
    set_seed(training_args.seed)  # the projector's weights are drawn while loading
    training_args.remove_unused_columns = False
    processor = load_processor(args)
    model = load_model(args, processor)
    model.to(training_args.device).requires_grad_(False)
    model.model.multi_modal_projector.requires_grad_(True)
    vision = model.config.vision_config
    figures = WarmUpFigures(
        args.num_figures, vision.image_size, vision.patch_size, training_args.seed, families=args.families, edits=0
    )
    trainer = Trainer(
        model=SpellingModel(model, processor.tokenizer),
        args=training_args,
        train_dataset=Spellings(figures),
        data_collator=SpellingCollator(processor),
    )
    train(trainer, lambda: "")  # figures are drawn, none can be unreadable
    model.save_pretrained(training_args.output_dir)
    processor.save_pretrained(training_args.output_dir)


if __name__ == "__main__":
    run_command(main)
