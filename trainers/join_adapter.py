"""Join a vision tower, a language model and a trained adapter to a whole MMGeoLM, which loads by AutoModel.

    python -m trainers.join_adapter --adapter checkpoints/mmgeolm-tiny --mmclip checkpoints/mmclip-tiny --llm embedded
    --output_dir runs/mmgeolm-tiny

What `train_mmgeolm --use_peft true` learns is small: LoRA on the language model, and the projector. Tower and language
model are published on their own, so the adapter is all that has to be kept of an MMGeoLM; `model_cards.export --format
adapter` makes it ready for that.

Promise: the whole gives the answers that the adapter was trained to give, if tower and language model are those it was
trained with; parts of other shapes are refused.
"""

from dataclasses import dataclass, field

from peft import PeftModel
from trl import TrlParser

from data_scripts.cli import run_command
from modeling_mmgeo import MMGeoLMForConditionalGeneration, MMGeoLMProcessor

from .mmgeolm_config import ModelArguments
from .mmgeolm_model import load_model, loading


@dataclass
class JoinArguments(ModelArguments):
    """What to join."""

    adapter: str | None = field(
        default=None, metadata={"help": "Hub id or folder of the adapter and its processor (required)."}
    )
    output_dir: str | None = field(default=None, metadata={"help": "Folder for the whole model (required)."})

    def __post_init__(self) -> None:
        super().__post_init__()
        if missing := [name for name in ("adapter", "mmclip", "llm", "output_dir") if getattr(self, name) is None]:
            raise ValueError(f"An MMGeoLM is joined from parts: give --{' and --'.join(missing)}.")
        if self.model_name_or_path is not None or self.quantised:
            raise ValueError("An adapter is joined with whole weights: drop --model_name_or_path and --load_in_*.")


def join(args: JoinArguments) -> tuple[MMGeoLMForConditionalGeneration, MMGeoLMProcessor]:
    """The whole model and its processor, as the adapter was trained with.

    Raises:
        ValueError: if a part cannot be loaded, or the adapter is for a model of another shape.
    """
    with loading(args):
        processor = MMGeoLMProcessor.from_pretrained(args.adapter)
        base = load_model(args, processor)
        try:
            return PeftModel.from_pretrained(base, args.adapter).merge_and_unload(), processor
        except RuntimeError as error:  # PEFT's word for shapes that differ
            raise ValueError(
                f"{args.adapter} does not fit {args.mmclip} and {args.llm}: name the parts it was trained with. "
                f"({' '.join(str(error).split())[:200]})"
            ) from error


def main() -> None:
    (args,) = TrlParser((JoinArguments,)).parse_args_and_config()
    for part in join(args):
        part.save_pretrained(args.output_dir)
    print(f"written to {args.output_dir}")


if __name__ == "__main__":
    run_command(main)
