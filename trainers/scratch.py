"""A dual encoder from nothing: a tokenizer that reads points letter by letter, and a small CLIP with fresh weights.

Subword tokenizers merge point names as they like (`ABC` may be one token, `ABD` two), so a small model cannot see that
two captions differ in one letter. Here every letter of a name, every digit and every symbol is a token of its own, and
words are whole.

Promises: the same captions, configuration and seed give the same tokenizer and weights; any string of letters, digits
and symbols of geometry can be read, seen before or not; the figure is scaled as a whole and never cropped.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
from torch import nn
from transformers import CLIPConfig, CLIPTextConfig, CLIPVisionConfig, PreTrainedTokenizerFast
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor

LOUDNESS = 0.7  # of the waves that say where a patch lies: about as strong as what is drawn in it

UNK, BOS, EOS = "[UNK]", "<|startoftext|>", "<|endoftext|>"

# A capital followed by small letters opens a word (`The`); any other capital is a point, as in `△ABC`.
WORD = r"[A-Z][a-z]+|[a-z]+"

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
SYMBOLS = "△▲∠⊥∥⊙○□▱⌒°′″√π≅≌∽∼≈≠≤≥±×÷·•²³½∴∵∈→∞αβγδθφω"


@dataclass
class ScratchConfig:
    """Sizes of a dual encoder that is built when no checkpoint is named."""

    image_size: int = field(default=160, metadata={"help": "Side of the figures the model sees, in pixels."})
    patch_size: int = field(default=16, metadata={"help": "Side of a patch, in pixels."})
    vision_hidden_size: int = field(default=192, metadata={"help": "Width of the vision tower."})
    vision_layers: int = field(default=6, metadata={"help": "Layers of the vision tower."})
    vision_heads: int = field(default=3, metadata={"help": "Attention heads of the vision tower."})
    vision_intermediate_size: int = field(default=768, metadata={"help": "Width of the vision tower's MLPs."})
    text_hidden_size: int = field(default=192, metadata={"help": "Width of the text tower."})
    text_layers: int = field(default=4, metadata={"help": "Layers of the text tower."})
    text_heads: int = field(default=3, metadata={"help": "Attention heads of the text tower."})
    text_intermediate_size: int = field(default=768, metadata={"help": "Width of the text tower's MLPs."})
    projection_size: int = field(default=192, metadata={"help": "Size of the common embedding."})
    max_text_length: int = field(default=160, metadata={"help": "Longest caption, in letter tokens."})

    def __post_init__(self) -> None:
        if self.image_size % self.patch_size:
            raise ValueError(
                f"image_size {self.image_size} is no multiple of patch_size {self.patch_size}: the rim would be cut "
                "off."
            )
        for tower in ("vision", "text"):
            width, heads = getattr(self, f"{tower}_hidden_size"), getattr(self, f"{tower}_heads")
            if width % heads:
                raise ValueError(f"{tower}_hidden_size {width} is no multiple of {tower}_heads {heads}.")


def letter_tokenizer(captions: Iterable[str], max_length: int, max_words: int = 20_000) -> PreTrainedTokenizerFast:
    """Tokenizer whose words are learned from captions and whose letters, digits and symbols stand alone.

    Args:
        captions: texts to learn words from; other captions' unknown words become `[UNK]`.
        max_length: longest caption in tokens, begin and end included.
        max_words: keep the most frequent words only.

    Raises:
        ValueError: if there is no caption to learn from.
    """
    # Learned with the very rule that will apply it, so that no word can be known and yet never occur.
    splitter = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex(rf"{WORD}|[\s\S]"), behavior="isolated")]
    )
    counts: Counter[str] = Counter()
    for caption in captions:
        counts.update(piece for piece, _ in splitter.pre_tokenize_str(caption))
    if not counts:
        raise ValueError("A tokenizer needs captions to learn its words from, and there are none.")
    alphabet = dict.fromkeys(LETTERS + DIGITS + PUNCTUATION + SYMBOLS)
    ranked = sorted(counts, key=lambda piece: (-counts[piece], piece))
    words = [piece for piece in ranked if piece not in alphabet][:max_words]
    # The end token comes last, as in CLIP: the oldest text towers look for the highest id of the caption.
    vocabulary = {token: index for index, token in enumerate([UNK, *alphabet, *words, BOS, EOS])}

    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNK))
    tokenizer.pre_tokenizer = splitter
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A {EOS}", special_tokens=[(BOS, vocabulary[BOS]), (EOS, vocabulary[EOS])]
    )
    # Padding with the end token is CLIP's way: the text tower pools at its first occurrence.
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=UNK,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=EOS,
        model_max_length=max_length,
    )


def scratch_image_processor(image_size: int) -> CLIPImageProcessorPil:
    """Scales a figure to a square, and grey levels so that white is 0 and black -4: only ink says anything."""
    size = {"height": image_size, "width": image_size}
    return CLIPImageProcessorPil(
        size=size,
        crop_size=size,
        do_center_crop=False,
        do_convert_rgb=True,
        image_mean=[1.0, 1.0, 1.0],
        image_std=[0.25, 0.25, 0.25],
    )


def place_embeddings(side: int, width: int) -> torch.Tensor:
    """Where a patch lies, as sines and cosines of its row and column, `[side * side, width]`, patches by rows.

    Random embeddings would have a tower learn first which patches are neighbours. Wavelengths go from two pi patches
    to as many times the side; the rest of a width that is no multiple of four stays 0. Trained on like any weight.

    Source: the fixed embeddings of He et al., Masked Autoencoders (arXiv 2111.06377), with waves for small grids.
    """
    waves = width // 4
    frequencies = float(max(side, 2)) ** -(torch.arange(waves) / max(waves - 1, 1))
    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    angles = [place.flatten()[:, None] * frequencies for place in (row, column)]
    embeddings = torch.cat([wave(angle) for angle in angles for wave in (torch.sin, torch.cos)], dim=1)
    return LOUDNESS * nn.functional.pad(embeddings, (0, width - 4 * waves))


def scratch_mmclip(
    captions: Iterable[str], config: ScratchConfig | None = None, seed: int = 0
) -> tuple[MMCLIPModel, MMCLIPProcessor]:
    """A CLIP-shaped MMCLIP with fresh weights, and its processor.

    Args:
        captions: texts to learn the tokenizer's words from; negatives belong here as well as positives.
        config: sizes.
        seed: seed of the weights. The global random state is left as it was.

    Raises:
        ValueError: if there are no captions.
    """
    config = ScratchConfig() if config is None else config
    tokenizer = letter_tokenizer(captions, config.max_text_length)
    backbone = CLIPConfig(
        text_config=CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.text_hidden_size,
            num_hidden_layers=config.text_layers,
            num_attention_heads=config.text_heads,
            intermediate_size=config.text_intermediate_size,
            max_position_embeddings=config.max_text_length,
            projection_dim=config.projection_size,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        ).to_dict(),
        vision_config=CLIPVisionConfig(
            image_size=config.image_size,
            patch_size=config.patch_size,
            hidden_size=config.vision_hidden_size,
            num_hidden_layers=config.vision_layers,
            num_attention_heads=config.vision_heads,
            intermediate_size=config.vision_intermediate_size,
            projection_dim=config.projection_size,
        ).to_dict(),
        projection_dim=config.projection_size,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MMCLIPModel.from_backbone(backbone)
    positions = model.vision_tower.embeddings.position_embedding.weight
    with torch.no_grad():
        positions[1:] = place_embeddings(config.image_size // config.patch_size, positions.shape[1])
    image_processor = scratch_image_processor(config.image_size)
    return model, MMCLIPProcessor.from_parts(image_processor, tokenizer, model.config)
