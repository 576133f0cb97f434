"""Average the weights of MMCLIPs that were trained from one start, each in its own way: a model soup.

    python -m trainers.average_mmclip --models contrast-1 contrast-2 contrast-3 --output_dir mmclip

Runs that differ in their seed, rows or rate end in different places around one valley, and the mean of them lies
deeper in it: as fast as one of them, and as a rule more often right than any (Wortsman et al., 2022, arXiv 2203.05482,
uniform soup). That holds for models fine-tuned from the same weights; the mean of models from different ones is worth
nothing, which no shape can tell.

Promise: every weight is the mean of those of all models, whatever their order; models of other shapes are refused
before anything is written.
"""

from dataclasses import dataclass, field

import torch
from torch.optim.swa_utils import AveragedModel
from trl import TrlParser

from data_scripts.cli import run_command
from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor


@dataclass
class AverageArguments:
    """What to average, and where to put the mean."""

    models: list[str] = field(metadata={"help": "Hub ids or folders of two or more MMCLIPs trained from one start."})
    output_dir: str = field(metadata={"help": "Folder for the mean, with the processor of the first."})

    def __post_init__(self) -> None:
        if len(self.models) < 2 or len(set(self.models)) < len(self.models):
            raise ValueError(f"--models {' '.join(self.models)}: name two or more, each once.")


def average(models: list[str]) -> MMCLIPModel:
    """The mean of the models' weights in float32, in the first one's configuration.

    Args:
        models: Hub ids or folders of MMCLIPs.

    Raises:
        ValueError: if two models have other weights, or the same of other shapes.
    """
    first = MMCLIPModel.from_pretrained(models[0], dtype=torch.float32)
    shapes = {name: value.shape for name, value in first.state_dict().items()}
    mean = AveragedModel(first, use_buffers=True)
    mean.update_parameters(first)
    for name in models[1:]:
        other = MMCLIPModel.from_pretrained(name, dtype=torch.float32)
        found = {key: value.shape for key, value in other.state_dict().items()}
        if differing := sorted(key for key in shapes.keys() | found.keys() if shapes.get(key) != found.get(key)):
            raise ValueError(
                f"{name} has other weights than {models[0]}, such as {differing[0]}: name models trained from one "
                "start."
            )
        mean.update_parameters(other)
    return mean.module


def main() -> None:
    (args,) = TrlParser((AverageArguments,)).parse_args_and_config()
    average(args.models).save_pretrained(args.output_dir)
    MMCLIPProcessor.from_pretrained(args.models[0]).save_pretrained(args.output_dir)
    print(f"written to {args.output_dir}")


if __name__ == "__main__":
    run_command(main)
