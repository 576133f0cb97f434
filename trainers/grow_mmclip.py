"""Grow an MMCLIP's eye: larger images, more layers, and all that it knows already.

    python -m trainers.grow_mmclip --model mmclip --image_size 176 --vision_layers 8 --output_dir grown

A figure that is printed larger has more patches, whose places lie between those of the smaller one: their embeddings
are interpolated, as is usual where a vision transformer is tuned at a higher resolution (Dosovitskiy et al., 2021,
arXiv 2010.11929, section 3.2). New layers go before the last one, whose input is what a language model sees, and add
nothing until they are trained: the weights that write into the sum of all layers are zero (as in Goyal et al., 2017,
arXiv 1706.02677, section 5.1, and since). What has grown wants a warm-up of its own (`warm_up_vision`).

Promise: an eye that has grown in layers alone gives the embeddings that it gave before, to the bit.
"""

import copy
from dataclasses import dataclass, field

import torch
from torch import nn
from transformers.image_utils import SizeDict
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor

GROWING = ("vision_model.encoder.layers.", "vision_model.embeddings.position_")  # weights that are more afterwards


@dataclass
class GrowArguments:
    """What to grow, how far, and where to put it."""

    model: str = field(metadata={"help": "Hub id or folder of an MMCLIP on a CLIP."})
    output_dir: str = field(metadata={"help": "Folder for what it has grown to, with its processor."})
    image_size: int | None = field(default=None, metadata={"help": "New side of the images (default: as before)."})
    vision_layers: int | None = field(default=None, metadata={"help": "New number of layers (default: as before)."})
    seed: int = field(default=0, metadata={"help": "Draws the new layers' weights, except those that start at zero."})

    def __post_init__(self) -> None:
        require_at_least(self, seed=0)


def grow(
    model: MMCLIPModel, image_size: int | None = None, vision_layers: int | None = None, seed: int = 0
) -> MMCLIPModel:
    """A new model with the weights of the old one, which stays as it is.

    Args:
        model: an MMCLIP whose backbone is a CLIP, with a square grid of patches.
        image_size: side of the images it shall see, in pixels, a multiple of its patches' side; None for that it has.
        vision_layers: layers its vision tower shall have; None for as many as it has.
        seed: of the new layers. The global random state is left as it was.

    Raises:
        ValueError: if the backbone is no CLIP, the size no multiple of a patch's, or a number less than it has.
    """
    if model.config.backbone_config.model_type != "clip":
        raise ValueError(f"the backbone is a {model.config.backbone_config.model_type}: only a CLIP can grow")
    old = model.vision_tower.config
    size = old.image_size if image_size is None else image_size
    layers = old.num_hidden_layers if vision_layers is None else vision_layers
    if size % old.patch_size or size < old.image_size or layers < old.num_hidden_layers:
        raise ValueError(
            f"image_size {size} and vision_layers {layers}: at least {old.image_size} and {old.num_hidden_layers}, as "
            f"the model has, and the size a multiple of {old.patch_size}"
        )
    config = copy.deepcopy(model.config)
    config.backbone_config.vision_config.image_size = size
    config.backbone_config.vision_config.num_hidden_layers = layers
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        grown = MMCLIPModel(config).to(model.dtype)
    take_over(grown, model)
    return grown


@torch.no_grad()
def take_over(grown: MMCLIPModel, model: MMCLIPModel) -> None:
    """Give the grown model all weights of the other, places between its places, and new layers that add nothing."""
    eye, known = grown.vision_tower, model.vision_tower
    same = {name: value for name, value in model.state_dict().items() if not any(part in name for part in GROWING)}
    grown.load_state_dict(same, strict=False)
    layers, old_layers = eye.encoder.layers, known.encoder.layers
    kept = len(old_layers) - 1  # before the new ones
    for layer, old in zip([*layers[:kept], layers[-1]], old_layers, strict=True):
        layer.load_state_dict(old.state_dict())
    for layer in layers[kept:-1]:
        for writer in (layer.self_attn.out_proj, layer.mlp.fc2):
            nn.init.zeros_(writer.weight)
            nn.init.zeros_(writer.bias)
    places, size = eye.embeddings.position_embedding.weight, eye.config.image_size
    places.copy_(known.embeddings.interpolate_pos_encoding(places[None], size, size)[0])


def main() -> None:
    (args,) = TrlParser((GrowArguments,)).parse_args_and_config()
    model = MMCLIPModel.from_pretrained(args.model, dtype=torch.float32)
    processor = MMCLIPProcessor.from_pretrained(args.model)
    grown = grow(model, args.image_size, args.vision_layers, args.seed)
    size = grown.vision_tower.config.image_size
    for name in ("size", "crop_size"):
        setattr(processor.image_processor, name, SizeDict(height=size, width=size))
    grown.save_pretrained(args.output_dir)
    processor.save_pretrained(args.output_dir)
    print(f"written to {args.output_dir}")


if __name__ == "__main__":
    run_command(main)
