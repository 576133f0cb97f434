"""Join the vision tower of one MMCLIP and the text tower of another, which were warmed up apart, to one MMCLIP.

    python -m trainers.join_towers --vision warm-eye --text warm-text --output_dir mmclip

Both warm-ups lead to the same codes (`fact_codes`) and neither touches the other tower, so neither has to wait for the
other: two cores or two machines do both at once, and no step is shared.

Promise: images are embedded as by the first and captions as by the second, weight for weight; towers that were
not warmed up for the same codes (of two kinds, or of two sizes of embedding) are refused before anything is written.
"""

import copy
from dataclasses import dataclass, field

import torch
from trl import TrlParser

from data_scripts.cli import run_command
from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor


@dataclass
class JoinArguments:
    """Whose towers, and where to put them."""

    vision: str = field(metadata={"help": "Hub id or folder of the MMCLIP whose vision tower, and scale, are taken."})
    text: str = field(metadata={"help": "Hub id or folder of the MMCLIP whose text tower and tokenizer are taken."})
    output_dir: str = field(metadata={"help": "Folder for the MMCLIP of both, with a processor of both."})


def join(vision: MMCLIPModel, text: MMCLIPModel) -> MMCLIPModel:
    """A new model with the vision tower of one and the text tower of the other, which stay as they are.

    Args:
        vision: whose vision tower, temperature and settings are taken, such as whether blank patches are skipped.
        text: whose text tower is taken; its backbone is of the same kind.

    Raises:
        ValueError: if the backbones are of two kinds, embed in two numbers of dimensions, or have no projections.
    """
    kinds = [each.config.backbone_config.model_type for each in (vision, text)]
    sizes = [getattr(each.config.backbone_config, "projection_dim", None) for each in (vision, text)]
    if kinds[0] != kinds[1] or sizes[0] != sizes[1] or sizes[0] is None:
        raise ValueError(
            f"the vision tower is of a {kinds[0]} with projection_dim {sizes[0]}, the text tower of a {kinds[1]} with "
            f"{sizes[1]}: join towers that were warmed up for the same codes"
        )
    config = copy.deepcopy(vision.config)
    config.pad_token_id = text.config.pad_token_id
    config.backbone_config.text_config = copy.deepcopy(text.config.text_config)
    joined = MMCLIPModel(config).to(vision.dtype)
    said = {name: value for name, value in text.backbone.state_dict().items() if name.startswith("text_")}
    seen = {name: value for name, value in vision.backbone.state_dict().items() if not name.startswith("text_")}
    joined.backbone.load_state_dict(seen | said)
    return joined


def main() -> None:
    (args,) = TrlParser((JoinArguments,)).parse_args_and_config()
    joined = join(*(MMCLIPModel.from_pretrained(name, dtype=torch.float32) for name in (args.vision, args.text)))
    processor = MMCLIPProcessor.from_pretrained(args.text)
    processor.image_processor = MMCLIPProcessor.from_pretrained(args.vision).image_processor
    joined.save_pretrained(args.output_dir)
    processor.save_pretrained(args.output_dir)
    print(f"written to {args.output_dir}")


if __name__ == "__main__":
    run_command(main)
