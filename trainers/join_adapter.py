"""Join a vision tower, a language model and a trained adapter to a whole MMGeoLM, which loads by AutoModel.

    python -m trainers.join_adapter --adapter checkpoints/mmgeolm-tiny --output_dir mmgeolm
    python -m trainers.join_adapter --adapter runs/sft --mmclip runs/mmclip --llm embedded --output_dir mmgeolm

What `train_mmgeolm --use_peft true` learns is small: LoRA on the language model, and the projector. Tower and language
model are published on their own, so the adapter is all that has to be kept of an MMGeoLM. `model_cards.export --format
adapter` makes it ready for that and records its parts; `evaluation` joins such an adapter by itself.

Promise: the whole gives the answers that the adapter was trained to give, if tower and language model are those it was
trained with; parts of other shapes are refused.
"""

from dataclasses import dataclass, field

from peft import PeftModel
from trl import TrlParser

from data_scripts.cli import run_command
from modeling_mmgeo import MMGeoLMForConditionalGeneration, MMGeoLMProcessor

from .adapter_parts import found_parts, read_parts
from .mmgeolm_config import ModelArguments
from .mmgeolm_model import load_model, loading


@dataclass
class JoinArguments:
    """What to join, and where to put the whole."""

    adapter: str = field(metadata={"help": "Hub id or folder of the adapter and its processor."})
    output_dir: str = field(metadata={"help": "Folder for the whole model."})
    mmclip: str | None = field(
        default=None, metadata={"help": "Hub id or folder of the MMCLIP (default: the one the adapter records)."}
    )
    llm: str | None = field(
        default=None,
        metadata={
            "help": "Hub id or folder of the language model, or embedded for SmolLM2-135M (default: as recorded)."
        },
    )


def join(
    adapter: str, mmclip: str | None = None, llm: str | None = None
) -> tuple[MMGeoLMForConditionalGeneration, MMGeoLMProcessor]:
    """The whole model in float32 and its processor, as the adapter was trained with.

    Args:
        adapter: Hub id or folder.
        mmclip, llm: its parts; None for those it records.

    Raises:
        ValueError: if a part is neither given nor recorded or cannot be loaded, or the adapter is for a model of
            another shape.
    """
    if mmclip is None or llm is None:
        if (parts := read_parts(adapter)) is None:
            raise ValueError(f"{adapter} is not there or records no parts: give --mmclip and --llm.")
        recorded = found_parts(adapter, parts)
        mmclip, llm = mmclip or recorded[0], llm or recorded[1]
    args = ModelArguments(mmclip=mmclip, llm=llm)
    with loading(args):
        processor = MMGeoLMProcessor.from_pretrained(adapter)
        base = load_model(args, processor)
        try:
            return PeftModel.from_pretrained(base, adapter).merge_and_unload(), processor
        except RuntimeError as error:  # PEFT's word for shapes that differ
            raise ValueError(
                f"{adapter} does not fit {mmclip} and {llm}: name the parts it was trained with. "
                f"({' '.join(str(error).split())[:200]})"
            ) from error


def main() -> None:
    (args,) = TrlParser((JoinArguments,)).parse_args_and_config()
    for part in join(args.adapter, args.mmclip, args.llm):
        part.save_pretrained(args.output_dir)
    print(f"written to {args.output_dir}")


if __name__ == "__main__":
    run_command(main)
