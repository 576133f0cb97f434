"""Processor of MMCLIP: captions and figures in, tensors out, the way the backbone was trained.

Captions longer than the text tower are cut (with one warning), and padded to the longest of the batch, or for SigLIP
to the trained length. Figures with a transparent background are laid on white here, since some checkpoints (SigLIP's)
switch the conversion of their image processor off, and a dropped alpha channel leaves black lines on black. Paths and
addresses are opened here, too: stock loading drops the alpha channel. Pipelines of transformers load an image before
any processor sees it, and a transparent figure comes black from them: give them figures laid on white.
"""

import base64
import copy
import os
import struct
import zlib
from io import BytesIO
from typing import Any
from urllib.request import urlopen

import numpy as np
import torch
from PIL import Image, ImageOps
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoTokenizer,
    BatchFeature,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
)
from transformers.processing_utils import ProcessorMixin, TextKwargs
from transformers.utils import logging

from .configuration_mmclip import MMCLIPConfig

logger = logging.get_logger(__name__)

# What PIL raises on truncated, damaged and absurdly large files.
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)

TIMEOUT = 30  # seconds to wait for an image at an address
TEXT_OPTIONS = frozenset(TextKwargs.__annotations__)


def open_image(source: str | os.PathLike) -> Image.Image:
    """An image, upright, from where stock `load_image` takes it, with the transparency that is dropped there.

    Args:
        source: a path, an address that begins with http:// or https://, or base64, as `data:image/png;base64,...` too.

    Raises:
        ValueError: if there is no image, only part of one, or one too large to be opened safely.
    """
    name = os.fspath(source)
    try:
        if name.startswith(("http://", "https://")):
            with urlopen(name, timeout=TIMEOUT) as response:
                file = BytesIO(response.read())
        else:
            file = name if os.path.isfile(name) else BytesIO(base64.decodebytes(name.rpartition(",")[2].encode()))
        with Image.open(file) as image:
            return ImageOps.exif_transpose(image)  # reads the pixels
    except UNREADABLE as error:
        raise ValueError(
            f"There is no image at {name[:200]!r} ({error}): give the path or the address of one, or its base64 text."
        ) from error


def in_8_bits(image: Image.Image) -> Image.Image:
    """A grey image of more bits, scaled to 8: PIL's own conversion makes all values above 255 white.

    A 16-bit PNG comes as mode "I;16". Mode "I" does not tell the range: it is 16 bits if any value is above 255.
    """
    values = np.asarray(image)
    if image.has_transparency_data:  # of such an image, one value
        values = np.where(values == image.info["transparency"], 65535, values)
    if image.mode != "I" or values.max() > 255:
        values = values.clip(0, 65535) >> 8
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def lay_on_white(images: Any) -> Any:
    """Turn images, however nested in lists, into RGB, transparent pixels white; anything else is left alone.

    Args:
        images: PIL images, or what `open_image` takes.
    """
    if isinstance(images, (list, tuple)):
        return [lay_on_white(image) for image in images]
    if isinstance(images, (str, os.PathLike)):
        images = open_image(images)
    if not isinstance(images, Image.Image):
        return images
    if images.mode.startswith("I"):
        images = in_8_bits(images)
    if images.has_transparency_data:
        images = images.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", images.size, "white"), images).convert("RGB")
    return images.convert("RGB")


class MMCLIPProcessor(ProcessorMixin):
    """Tokenizer and image processor of a dual encoder, with the limits of its towers.

    Args:
        image_processor: image processor of the backbone.
        tokenizer: tokenizer of the backbone.
        max_length: longest caption of the text tower, in tokens.
        fixed_length_text: whether captions always fill `max_length` and padding is attended to (SigLIP).
        patch_size: side of a patch of the vision tower, in pixels; MMGeoLM counts image tokens with it.
        num_additional_image_tokens: tokens of the vision tower besides its patches (a class token counts 1).

    Example:
        >>> processor = MMCLIPProcessor.from_backbone("BAAI/AltCLIP")
        >>> batch = processor(text=["In △ABC, AB ⊥ BC."], images=[image])
    """

    def __init__(
        self,
        image_processor: Any = None,
        tokenizer: PreTrainedTokenizerBase | None = None,
        max_length: int = 77,
        fixed_length_text: bool = False,
        patch_size: int | None = None,
        num_additional_image_tokens: int = 1,
        **kwargs: Any,
    ) -> None:
        self.max_length = max_length
        self.fixed_length_text = fixed_length_text
        self.patch_size = patch_size
        self.num_additional_image_tokens = num_additional_image_tokens
        self._warned_of_truncation = False
        super().__init__(image_processor, tokenizer)

    @classmethod
    def from_parts(
        cls, image_processor: Any, tokenizer: PreTrainedTokenizerBase, config: PreTrainedConfig
    ) -> "MMCLIPProcessor":
        """Join an image processor and a tokenizer.

        Args:
            image_processor: image processor of the backbone.
            tokenizer: tokenizer of the backbone.
            config: configuration of the MMCLIP, or of a stock dual encoder.

        Raises:
            ValueError: if `config` is not that of a dual encoder, or the tokenizer has no padding token.
        """
        if config.model_type != MMCLIPConfig.model_type:
            # A copy: building a configuration around a live model's own resets that model's choice of attention.
            config = MMCLIPConfig(backbone_config=copy.deepcopy(config))
        if tokenizer.pad_token_id is None:
            raise ValueError(
                "The tokenizer has no padding token, so captions cannot be batched: set tokenizer.pad_token."
            )
        return cls(
            image_processor,
            tokenizer,
            max_length=min(config.text_max_length, tokenizer.model_max_length),
            fixed_length_text=config.fixed_length_text,
            patch_size=config.patch_size,
            num_additional_image_tokens=config.num_additional_image_tokens,
        )

    @classmethod
    def from_backbone(cls, name_or_path: str | os.PathLike, **kwargs: Any) -> "MMCLIPProcessor":
        """Load the processor of a stock dual encoder, or of an MMCLIP.

        Args:
            name_or_path: Hub id or folder.
            kwargs: what `from_pretrained` takes (`revision`, `token`, ...).

        Raises:
            ValueError: if the checkpoint is no dual encoder.
        """
        name = os.fspath(name_or_path)
        if PreTrainedConfig.get_config_dict(name, **kwargs)[0].get("model_type") == MMCLIPConfig.model_type:
            return cls.from_pretrained(name, **kwargs)
        config = MMCLIPConfig(backbone_config=AutoConfig.from_pretrained(name, **kwargs))
        return cls.from_parts(
            AutoImageProcessor.from_pretrained(name, **kwargs), AutoTokenizer.from_pretrained(name, **kwargs), config
        )

    def __call__(
        self,
        images: Any = None,
        text: str | list[str] | None = None,
        return_tensors: str | None = "pt",
        **kwargs: Any,
    ) -> BatchFeature:
        """Prepare captions, figures or both.

        Args:
            images: one image or a list: PIL images, arrays, or what `open_image` takes.
            text: one caption or a list.
            return_tensors: "pt" for tensors.
            kwargs: options of the tokenizer (`padding`, `truncation`, `max_length`, ...), or a dict of them as
                `text_kwargs`; the rest, or a dict `images_kwargs`, goes to the image processor.

        Returns:
            `input_ids` and `attention_mask` of `[texts, length]`, `pixel_values` of `[images, 3, height, width]`.

        Raises:
            ValueError: if neither is given, or a path or address leads to no image.
        """
        if images is None and text is None:
            raise ValueError("MMCLIPProcessor got neither text nor images: give captions, figures or both.")
        text_options = {"return_tensors": return_tensors, **(kwargs.pop("text_kwargs", None) or {})}
        image_options = {"return_tensors": return_tensors, **(kwargs.pop("images_kwargs", None) or {})}
        text_options |= {name: kwargs.pop(name) for name in TEXT_OPTIONS if name in kwargs}
        data = {}
        if text is not None:
            data |= self._encode_text(text, **text_options)
        if images is not None:
            data |= self.image_processor(lay_on_white(images), **image_options, **kwargs)
        return BatchFeature(data, tensor_type=return_tensors)

    def _encode_text(self, text: str | list[str], **options: Any) -> dict[str, Any]:
        captions = [text] if isinstance(text, str) else list(text)
        defaults = {
            "padding": "max_length" if self.fixed_length_text else True,
            "truncation": True,
            "max_length": self.max_length,
            "return_attention_mask": True,
            "return_token_type_ids": False,
        }
        options = {**defaults, **options}
        encoded = self.tokenizer(captions, **options)
        if options["truncation"] and not self._warned_of_truncation:
            self._warn_of_truncation(captions, options["max_length"])
        if self.fixed_length_text and "attention_mask" in encoded:  # padding counts as text
            mask = encoded["attention_mask"]
            encoded["attention_mask"] = (
                torch.ones_like(mask) if isinstance(mask, torch.Tensor) else [[1] * len(row) for row in mask]
            )
        return dict(encoded)

    def _warn_of_truncation(self, captions: list[str], max_length: int) -> None:
        """Say once that captions are cut: their hard negatives may then differ only in what was cut off."""
        # A token has at least one byte, and a tokenizer adds a few of its own: most captions need not be counted.
        candidates = [caption for caption in captions if len(caption.encode()) + 4 > max_length]
        lengths = [len(ids) for ids in self.tokenizer(candidates, verbose=False)["input_ids"]] if candidates else []
        if cut := [length for length in lengths if length > max_length]:
            self._warned_of_truncation = True
            logger.warning(
                f"{len(cut)} of {len(captions)} captions are longer than the text tower ({max(cut)} tokens, the limit "
                f"is {max_length}) and are cut. Use a backbone with a longer text tower, such as AltCLIP (512), or "
                "shorter captions. Further cuts are not reported."
            )
