"""Export a finished folder: to stock classes, with no code beside the weights, or to half its size.

    python -m model_cards.export --folder mmgeolm --format llava --output_dir mmgeolm-llava
    python -m model_cards.export --folder mmclip --format dual_encoder --output_dir mmclip-stock
    python -m model_cards.export --folder mmclip --format sentence_transformer --output_dir mmclip-st
    python -m model_cards.export --folder mmclip --format bfloat16 --output_dir mmclip-small
    python -m model_cards.export --folder sft --format adapter --base_model L --mmclip M --output_dir mmgeolm-small

`llava` turns an MMGeoLM into a `LlavaForConditionalGeneration` with its `LlavaProcessor`, as inference servers read
it; `dual_encoder` an MMCLIP into the CLIP, AltCLIP or SigLIP model inside it; `sentence_transformer` the same into a
`SentenceTransformer` that encodes captions and figures to vectors of length 1. `bfloat16` leaves an MMCLIP what it is,
with every weight rounded to two bytes: the form to publish. `adapter` does the same for an MMGeoLM's adapter, and
records the language model and the MMCLIP it is joined with (`trainers.adapter_parts`).

Promise: the export gives the logits or embeddings of the original. Each export is loaded again from its files and
compared on a figure before the folder gets its name, so a folder that is there is whole and right. What stock classes
cannot do (leaving blank patches out) is refused, not dropped in silence; figures with a transparent background have to
be laid on white by the caller.
"""

import copy
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    AutoModelForImageTextToText,
    AutoModelForZeroShotImageClassification,
    CLIPVisionConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.initialization import no_init_weights
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES, processor_class_from_name
from transformers.processing_utils import ProcessorMixin
from trl import TrlParser

from data_scripts.cli import run_command
from evaluation.load_back import draw_triangle
from evaluation.loading import load_model, load_processor
from model_cards.folder_check import folder_kind
from trainers.adapter_parts import AdapterParts, write_parts

# Formats, and what they start from
FORMATS = {
    "llava": "mmgeolm",
    "dual_encoder": "mmclip",
    "sentence_transformer": "mmclip",
    "bfloat16": "mmclip",
    "adapter": "adapter",
}
# Vision towers that LLaVA cannot build, and the one with the same layers and names that it can.
STOCK_TOWERS = {"altclip_vision_model": CLIPVisionConfig}
TIED_NAME = "embed_tokens"  # the only name of embeddings that LLaVA can tie its head to
ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
CAPTIONS = ["triangle ABC with a right angle at B", "circle O with diameter AB"]
QUESTION = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Describe the figure."}]}]
TOLERANCE = {torch.float32: 1e-6}  # relative to the largest value; half precision gets the other
HALF_TOLERANCE = 1e-2
ROUNDED_TOLERANCE = 5e-2  # where every weight was rounded to eight bits; another model is off by its whole size


@dataclass
class ExportArguments:
    """Export an MMGeoLM or an MMCLIP to stock classes, or an MMCLIP or an adapter to half its size."""

    folder: str = field(metadata={"help": "Folder of a saved MMGeoLM, MMCLIP or adapter with its processor."})
    format: str = field(metadata={"help": "What to make of it.", "choices": list(FORMATS)})
    output_dir: str = field(metadata={"help": "Folder for the export; must not exist, or be empty."})
    base_model: str | None = field(
        default=None, metadata={"help": "Hub id of the language model that an adapter is for."}
    )
    mmclip: str | None = field(
        default=None,
        metadata={
            "help": "Hub id of the MMCLIP that an adapter is for, or the bare name of what lies beside the adapter."
        },
    )


def refuse_blank_patches(config: PreTrainedConfig, processor: Any = None) -> None:
    """Raises ValueError if the model sees by blank-patch skipping, or its processor leaves blank tokens out."""
    for owner, name in ((config, "skip_blank_patches"), (processor, "drop_blank_tokens")):
        if getattr(owner, name, False):
            file = "config.json" if owner is config else "processor_config.json"
            raise ValueError(
                f"{name} is on, which stock classes cannot do: the export would see other features than the model "
                f"was tuned on. Set it to false in {file} if it should see every patch, then export again"
            )


def stock_vision_config(config: PreTrainedConfig) -> PreTrainedConfig:
    """Configuration of a tower that LLaVA can build and that computes the same."""
    if config.model_type not in STOCK_TOWERS:
        return copy.deepcopy(config)
    values = {name: value for name, value in config.to_dict().items() if name != "model_type"}
    return STOCK_TOWERS[config.model_type].from_dict(values)


def to_llava(model: PreTrainedModel) -> LlavaForConditionalGeneration:
    """The same weights, shared and not copied, in a stock `LlavaForConditionalGeneration`.

    A head tied to embeddings of a name that LLaVA does not know gets weights of its own: the logits are the same.

    Raises:
        ValueError: if the model skips blank patches.
    """
    refuse_blank_patches(model.config)
    own = model.config
    text_config = copy.deepcopy(own.text_config)
    names = dict(model.named_parameters(remove_duplicate=False))
    tied = bool(own.tie_word_embeddings) and f"model.language_model.{TIED_NAME}.weight" in names
    text_config.tie_word_embeddings = tied
    config = LlavaConfig(
        vision_config=stock_vision_config(own.vision_config),
        text_config=text_config,
        image_token_index=own.image_token_id,
        tie_word_embeddings=tied,
        dtype=model.dtype,
        **{
            name: getattr(own, name)
            for name in (
                "image_seq_length",
                "projector_hidden_act",
                "vision_feature_select_strategy",
                "vision_feature_layer",
                "multimodal_projector_bias",
            )
        },
    )
    with no_init_weights():
        stock = LlavaForConditionalGeneration._from_config(config, dtype=model.dtype)
    stock.load_state_dict(model.state_dict(), assign=True)
    stock.tie_weights()
    stock.generation_config = copy.deepcopy(model.generation_config)
    return stock.eval()


def without_code(part: Any) -> Any:
    """A copy of a tokenizer or image processor that does not remember whose code it was saved with."""
    part = copy.deepcopy(part)
    for name in ("auto_map", "processor_class"):
        vars(part).pop(name, None)
        getattr(part, "init_kwargs", {}).pop(name, None)
    return part


def to_llava_processor(processor: ProcessorMixin) -> LlavaProcessor:
    """The stock processor with the same parts and settings.

    Raises:
        ValueError: if the processor leaves blank tokens out.
    """
    refuse_blank_patches(None, processor)
    return LlavaProcessor(
        image_processor=without_code(processor.image_processor),
        tokenizer=without_code(processor.tokenizer),
        patch_size=processor.patch_size,
        vision_feature_select_strategy=processor.vision_feature_select_strategy,
        chat_template=processor.chat_template,
        image_token=processor.image_token,
        num_additional_image_tokens=processor.num_additional_image_tokens,
    )


def to_dual_encoder_processor(processor: ProcessorMixin, config: PreTrainedConfig) -> ProcessorMixin:
    """The stock processor of the backbone's family, whose tokenizer cuts where ours did.

    Args:
        processor: an `MMCLIPProcessor`.
        config: the model's `MMCLIPConfig`.
    """
    tokenizer = without_code(processor.tokenizer)
    tokenizer.model_max_length = processor.max_length
    if config.fixed_length_text:  # such towers attend to padding, so they must not be given a mask
        tokenizer.model_input_names = tokenizer.init_kwargs["model_input_names"] = [
            "input_ids"
        ]  # saved from the latter
    family = processor_class_from_name(PROCESSOR_MAPPING_NAMES[config.backbone_config.model_type])
    return family(without_code(processor.image_processor), tokenizer)


def triangle() -> Image.Image:
    """The figure that exports are compared on."""
    with tempfile.TemporaryDirectory() as folder:
        draw_triangle(Path(folder) / "figure.png")
        return Image.open(Path(folder) / "figure.png").convert("RGB")


@torch.inference_mode()
def logits_of(model: PreTrainedModel, processor: ProcessorMixin) -> torch.Tensor:
    """Logits of an LMM on a question about the triangle."""
    text = processor.apply_chat_template(QUESTION, add_generation_prompt=True)
    inputs = processor(images=[triangle()], text=[text], add_special_tokens=False, return_tensors="pt")
    return model(**inputs.to(dtype=model.dtype)).logits


@torch.inference_mode()
def embeddings_of(model: PreTrainedModel, processor: ProcessorMixin, **options: Any) -> torch.Tensor:
    """Embeddings of the captions and of the triangle, by a dual encoder, one below the other."""
    inputs = processor(text=CAPTIONS, images=[triangle()], return_tensors="pt", truncation=True, **options)
    output = model(**inputs.to(dtype=model.dtype))
    return torch.cat([output.text_embeds, output.image_embeds])


def check_same(got: torch.Tensor, expected: torch.Tensor, tolerance: float) -> float:
    """Largest difference, relative to the largest value.

    Raises:
        ValueError: if it is more than rounding.
    """
    scale = expected.float().abs().max().clamp(min=torch.finfo(torch.float32).tiny)  # a weight may be all zeros
    difference = float((got.float() - expected.float()).abs().max() / scale)
    if not difference <= tolerance:
        raise ValueError(
            f"the export computes something else (relative difference {difference:.1e}), so it was not kept: is the "
            "processor in the folder the model's own?"
        )
    return difference


def export_llava(arguments: ExportArguments, target: Path) -> float:
    """Write a stock LLaVA; returns how far its logits are from the model's."""
    folder = arguments.folder
    model, processor = load_model(AutoModelForImageTextToText, folder, False), load_processor(folder, False)
    stock_processor = to_llava_processor(processor)
    expected, dtype = logits_of(model, processor), model.dtype
    to_llava(model).save_pretrained(target)
    stock_processor.save_pretrained(target)
    del model  # one of the two in memory is enough
    stock = load_model(AutoModelForImageTextToText, str(target), False)
    return check_same(
        logits_of(stock, load_processor(str(target), False)), expected, TOLERANCE.get(dtype, HALF_TOLERANCE)
    )


def write_dual_encoder(folder: str, target: str | Path) -> tuple[PreTrainedModel, torch.Tensor]:
    """Write the stock dual encoder inside an MMCLIP; returns the MMCLIP and its embeddings."""
    model = load_model(AutoModelForZeroShotImageClassification, folder, False)
    processor = load_processor(folder, False)
    refuse_blank_patches(model.config)
    model.backbone.save_pretrained(target)
    to_dual_encoder_processor(processor, model.config).save_pretrained(target)
    return model, embeddings_of(model, processor)


def export_dual_encoder(arguments: ExportArguments, target: Path) -> float:
    """Write a stock dual encoder; returns how far its embeddings are from the model's."""
    model, expected = write_dual_encoder(arguments.folder, target)
    stock, processor = load_model(AutoModel, str(target), False), load_processor(str(target), False)
    padding = "max_length" if model.config.fixed_length_text else True
    return check_same(
        embeddings_of(stock, processor, padding=padding), expected, TOLERANCE.get(model.dtype, HALF_TOLERANCE)
    )


def export_sentence_transformer(arguments: ExportArguments, target: Path) -> float:
    """Write a `SentenceTransformer`; returns how far its embeddings are from the model's."""
    # Imported here: it takes seconds, and nothing else of this command needs it.
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Transformer

    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export.") as stock:
        model, expected = write_dual_encoder(arguments.folder, stock)
        options = {"text": {"padding": "max_length"}} if model.config.fixed_length_text else None
        encoder = Transformer(stock, processing_kwargs=options)
        SentenceTransformer(modules=[encoder, Normalize()]).save(str(target), create_model_card=False)
    encode = SentenceTransformer(str(target), device="cpu").encode
    got = torch.cat([encode(part, convert_to_tensor=True) for part in (CAPTIONS, [triangle()])])
    return check_same(got, expected, TOLERANCE.get(model.dtype, HALF_TOLERANCE))


def export_bfloat16(arguments: ExportArguments, target: Path) -> float:
    """Write the MMCLIP in bfloat16; returns how far its embeddings are from the model's."""
    folder = arguments.folder
    model, processor = load_model(AutoModel, folder, False), load_processor(folder, False)
    expected = embeddings_of(model, processor)
    model.to(torch.bfloat16).save_pretrained(target)
    processor.save_pretrained(target)
    rounded = load_model(AutoModel, str(target), False).float()  # what rounding the weights does, and no more
    return check_same(embeddings_of(rounded, load_processor(str(target), False)), expected, ROUNDED_TOLERANCE)


def export_adapter(arguments: ExportArguments, target: Path) -> float:
    """Write the adapter in bfloat16 with its processor; returns how far its weights are from the trained ones."""
    folder = Path(arguments.folder)
    trained = load_file(folder / ADAPTER_WEIGHTS)
    save_file({name: value.bfloat16() for name, value in trained.items()}, target / ADAPTER_WEIGHTS, {"format": "pt"})
    config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = arguments.base_model
    (target / ADAPTER_CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    write_parts(target, AdapterParts(mmclip=arguments.mmclip, llm=arguments.base_model))
    load_processor(arguments.folder, False).save_pretrained(target)
    rounded = load_file(target / ADAPTER_WEIGHTS)
    return max(check_same(rounded[name], value, HALF_TOLERANCE) for name, value in trained.items())


def check_free(target: Path) -> None:
    """Raises ValueError unless there is nothing at `target` but, at most, an empty folder."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueError(f"{target} is there already: choose another --output_dir")


@contextmanager
def finished_folder(target: Path) -> Iterator[Path]:
    """A folder to write into that gets the name `target` at the end, and vanishes if something goes wrong."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        yield unfinished
        os.chmod(unfinished, 0o755)
        os.replace(unfinished, target)  # an empty folder of that name gives way
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


WRITERS: dict[str, Callable[[ExportArguments, Path], float]] = {
    "llava": export_llava,
    "dual_encoder": export_dual_encoder,
    "sentence_transformer": export_sentence_transformer,
    "bfloat16": export_bfloat16,
    "adapter": export_adapter,
}


def check_arguments(arguments: ExportArguments) -> None:
    """Raises ValueError if the folder holds something else than the format starts from, or the output is taken."""
    kind, needed = folder_kind(Path(arguments.folder)), FORMATS[arguments.format]
    if kind == "adapter" and needed != "adapter":
        raise ValueError(
            f"{arguments.folder} holds an adapter, and this export needs the whole model: join it with its base first "
            "(trainers.join_adapter, or train with --merge_adapter), then export the whole"
        )
    given = {arguments.base_model is not None, arguments.mmclip is not None}
    if given != {needed == "adapter"}:
        raise ValueError("--base_model and --mmclip name the parts of an adapter: both go with --format adapter")
    if kind != needed:
        raise ValueError(f"--format {arguments.format} starts from an {needed}, and {arguments.folder} holds {kind!r}")
    check_free(Path(arguments.output_dir))


def export(arguments: ExportArguments) -> str:
    """Export, compare, and put the folder in its place; returns one line that says what was done.

    Raises:
        ValueError: if the folder cannot be exported to this format, or the export computes something else.
    """
    check_arguments(arguments)
    target = Path(arguments.output_dir)
    with finished_folder(target) as unfinished:
        difference = WRITERS[arguments.format](arguments, unfinished)
    what = {"llava": "logits", "adapter": "weights"}.get(arguments.format, "embeddings")
    return f"written to {target}: {what} differ from {arguments.folder} by {difference:.1e} at most, relative"


def main() -> None:
    (arguments,) = TrlParser(ExportArguments).parse_args_and_config()
    print(export(arguments))


if __name__ == "__main__":
    run_command(main)
