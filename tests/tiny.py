"""Tiny models of every family, built on the spot: no download, under a second each.

The tokenizer is a word-level one with CLIP-like begin, end and padding tokens; the towers have two layers and images
of 16 x 16 pixels in 4 x 4 patches, which makes 16 patches.
"""

from functools import cache

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    AltCLIPConfig,
    AltCLIPTextConfig,
    AltCLIPVisionConfig,
    AutoModelForCausalLM,
    CLIPConfig,
    CLIPTextConfig,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    MistralConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    SiglipConfig,
    SiglipTextConfig,
    SiglipVisionConfig,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor, MMGeoLMForConditionalGeneration, MMGeoLMProcessor

KINDS = ("clip", "altclip", "siglip")
LLM_KINDS = ("llama", "qwen2", "mistral")
IMAGE_SIZE = 16
PATCH_SIZE = 4
NUM_PATCHES = (IMAGE_SIZE // PATCH_SIZE) ** 2
MAX_LENGTH = 77  # tokens of a caption

# The end token is not 2: to CLIP's oldest configurations that number means "the highest id of the caption".
SPECIAL_TOKENS = ("<|begin|>", "<pad>", "<unk>", "<|end|>")
BOS, PAD, UNK, EOS = range(4)
WORDS = (
    *("in", "of", "the", "is", "are", "and", "a", "an", "at", "on", "to", "with", "This", "photo"),
    *("triangle", "square", "circle", "rectangle", "line", "segment", "point", "angle", "side", "figure", "midpoint"),
    *("perpendicular", "parallel", "equal", "diameter", "radius", "tangent", "right", "isosceles", "equilateral"),
    *("length", "degrees", "Describe", "Find", "answer", "boxed"),
    *("user", "assistant", "system", "User", "Assistant", "System"),
)
CHARACTERS = list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,:;=?!△∠⊥∥°\\{}()<>|/+-'\n")


@cache
def _vocabulary() -> dict[str, int]:
    tokens = dict.fromkeys([*SPECIAL_TOKENS, *WORDS, *CHARACTERS])
    return {token: index for index, token in enumerate(tokens)}


VOCAB_SIZE = len(_vocabulary())


def tiny_tokenizer(chatml: bool = False, frame: bool = True) -> PreTrainedTokenizerFast:
    """Words of geometry, single characters for the rest; `frame` puts the begin and end tokens around a text.

    `chatml` adds `<|im_start|>` and `<|im_end|>`, as Qwen2 has them.
    """
    tokenizer = Tokenizer(models.WordLevel(_vocabulary(), unk_token=SPECIAL_TOKENS[UNK]))
    # Known words stay whole and everything else falls into characters, so that AB and BA differ.
    words = "|".join(sorted(WORDS, key=len, reverse=True))
    pattern = Regex(rf"(?:{words})(?![a-zA-Z])|[\s\S]")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(pattern, behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    bos, pad, unk, eos = SPECIAL_TOKENS
    if frame:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A {eos}", special_tokens=[(bos, BOS), (eos, EOS)]
        )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=bos,
        pad_token=pad,
        eos_token=eos,
        unk_token=unk,
        model_max_length=1_000_000,
    )
    if chatml:
        fast.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    return fast


def tiny_clip_config(kind: str) -> PreTrainedConfig:
    """Stock configuration of a dual encoder with two layers per tower; `kind` is one of `KINDS`."""
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    image = {"image_size": IMAGE_SIZE, "patch_size": PATCH_SIZE}
    text = {"vocab_size": VOCAB_SIZE, "max_position_embeddings": MAX_LENGTH, "pad_token_id": PAD, "bos_token_id": BOS}
    text |= {"eos_token_id": EOS}
    if kind == "clip":
        return CLIPConfig(
            text_config=CLIPTextConfig(**tower, **text, projection_dim=12).to_dict(),
            vision_config=CLIPVisionConfig(**tower, **image, projection_dim=12).to_dict(),
            projection_dim=12,
        )
    if kind == "altclip":
        # RoBERTa numbers positions from the padding id + 1.
        text["max_position_embeddings"] += PAD + 1
        dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        return AltCLIPConfig(
            text_config=AltCLIPTextConfig(**tower, **text, **dropout, project_dim=14).to_dict(),
            vision_config=AltCLIPVisionConfig(**tower, **image, projection_dim=12).to_dict(),
            projection_dim=12,
        )
    if kind == "siglip":
        return SiglipConfig(
            text_config=SiglipTextConfig(**tower, **text, projection_size=16).to_dict(),
            vision_config=SiglipVisionConfig(**tower, **image).to_dict(),
        )
    raise ValueError(f"No tiny dual encoder of kind {kind!r}: choose one of {', '.join(KINDS)}.")


def tiny_image_processor(kind: str = "clip") -> CLIPImageProcessorPil | SiglipImageProcessorPil:
    """Image processor of the family, to 16 x 16 pixels."""
    if kind == "siglip":
        return SiglipImageProcessorPil(size={"height": IMAGE_SIZE, "width": IMAGE_SIZE})
    return CLIPImageProcessorPil(
        size={"shortest_edge": IMAGE_SIZE}, crop_size={"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    )


def tiny_mmclip(kind: str = "clip", seed: int = 0) -> tuple[MMCLIPModel, MMCLIPProcessor]:
    """MMCLIP on a tiny backbone with weights drawn from `seed`, in evaluation mode, and its processor."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MMCLIPModel.from_backbone(tiny_clip_config(kind)).eval()
    return model, MMCLIPProcessor.from_parts(tiny_image_processor(kind), tiny_tokenizer(), model.config)


def tiny_llm(kind: str = "llama", seed: int = 0, vocab_size: int = VOCAB_SIZE, tie: bool = False) -> PreTrainedModel:
    """Causal language model with two layers; `kind` is one of `LLM_KINDS`."""
    config = {"llama": LlamaConfig, "qwen2": Qwen2Config, "mistral": MistralConfig}[kind](
        vocab_size=vocab_size,
        hidden_size=24,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=BOS,
        eos_token_id=EOS,
        pad_token_id=PAD,
        tie_word_embeddings=tie,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoModelForCausalLM.from_config(config).eval()


def tiny_mmgeolm(
    kind: str = "clip", llm: str = "llama", seed: int = 0
) -> tuple[MMGeoLMForConditionalGeneration, MMGeoLMProcessor]:
    """MMGeoLM from a tiny MMCLIP and a tiny language model, in evaluation mode, and its processor."""
    mmclip, mmclip_processor = tiny_mmclip(kind, seed)
    processor = MMGeoLMProcessor.from_parts(mmclip_processor, tiny_tokenizer(frame=False))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MMGeoLMForConditionalGeneration.from_parts(mmclip, tiny_llm(llm, seed), processor.image_token_id)
    return model.eval(), processor


def tiny_llava(seed: int = 0) -> tuple[LlavaForConditionalGeneration, LlavaProcessor]:
    """Stock LLaVA with tiny parts of stock families and a chat template of its own, and its processor."""
    tokenizer = tiny_tokenizer(frame=False)
    tokenizer.add_tokens(["<image>"], special_tokens=True)
    template = (
        "{% for message in messages %}{{ message.role }}: {% for item in message.content %}"
        "{{ '<image>' if item.type == 'image' else item.text }}{% endfor %} {% endfor %}assistant:"
    )
    processor = LlavaProcessor(
        image_processor=tiny_image_processor("clip"),
        tokenizer=tokenizer,
        patch_size=PATCH_SIZE,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template,
    )
    text_config = tiny_llm("llama", vocab_size=len(tokenizer)).config
    vision_config = tiny_clip_config("clip").vision_config
    image_token_id = tokenizer.convert_tokens_to_ids("<image>")
    config = LlavaConfig(vision_config=vision_config, text_config=text_config, image_token_index=image_token_id)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlavaForConditionalGeneration(config).eval(), processor
