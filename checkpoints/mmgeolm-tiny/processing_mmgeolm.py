"""Processor of MMGeoLM: LLaVA's, with a chat template that any language model's tokenizer can follow.

The template takes contents as a string or as a list of text and image items, writes `<image>` where an image stands,
and marks what the assistant says (its end token included) with `{% generation %}`, so that trainers can learn from
that alone. Tokenizers that know `<|im_start|>` and `<|im_end|>` get ChatML, all others plain turns that end with the
end-of-text token.

With `drop_blank_tokens` a figure takes one token for each inked patch and none for its blank ones, which are about two
thirds of a line drawing. The choice is made here once, and told to the model by `pixel_attention_mask`.
"""

import copy
from typing import Any

import numpy as np
import torch
from transformers import BatchFeature, LlavaProcessor, PreTrainedTokenizerBase
from transformers.processing_utils import ProcessorMixin

from .blank_patches import select_patches
from .configuration_mmclip import check_blank_patches
from .processing_mmclip import lay_on_white

IMAGE_TOKEN = "<image>"
CHATML_TOKENS = ("<|im_start|>", "<|im_end|>")

# Renders one message's content. Images come where the list has them; TRL puts them before the text.
CONTENT = (
    "{%- macro render(content) -%}"
    "{%- if content is string -%}{{ content }}"
    "{%- else -%}{%- for item in content or [] -%}"
    "{%- if item['type'] == 'image' -%}{{ '<image>\\n' }}"
    "{%- elif item['type'] == 'text' -%}{{ item['text'] }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{%- endmacro -%}"
)

CHATML_TURNS = (
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}{{ render(message['content']) + '<|im_end|>' }}{%- endgeneration -%}"
    "{%- else -%}{{ render(message['content']) + '<|im_end|>' }}{%- endif -%}"
    "{{ '\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)

PLAIN_TURNS = (
    "{%- for message in messages -%}"
    "{{ message['role'] | capitalize + ':\\n' }}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}{{ render(message['content']) + eos_token }}{%- endgeneration -%}"
    "{%- else -%}{{ render(message['content']) + eos_token }}{%- endif -%}"
    "{{ '\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ 'Assistant:\\n' }}{%- endif -%}"
)


def knows(tokenizer: PreTrainedTokenizerBase, token: str) -> bool:
    """Whether `token` is one token of the vocabulary."""
    return token in tokenizer.get_vocab()


def chat_template_for(tokenizer: PreTrainedTokenizerBase) -> str:
    """Chat template that fits a tokenizer. It begins the text itself, since trainers tokenise without added tokens."""
    first_ids = tokenizer("a")["input_ids"][:1]
    begin = "{{- bos_token -}}" if tokenizer.bos_token and first_ids == [tokenizer.bos_token_id] else ""
    turns = CHATML_TURNS if all(knows(tokenizer, token) for token in CHATML_TOKENS) else PLAIN_TURNS
    return begin + CONTENT + turns


class MMGeoLMProcessor(LlavaProcessor):
    """Tokenizer of the language model, image processor of the vision tower, and the number of tokens per image.

    Args:
        image_processor, tokenizer, patch_size, vision_feature_select_strategy, chat_template, image_token,
            num_additional_image_tokens: as in `LlavaProcessor`.
        drop_blank_tokens: whether blank patches get no token. May be switched at any time, and when loading:
            `AutoProcessor.from_pretrained(name, drop_blank_tokens=True)`. A model trained with it sees best with it.
        min_patches, blank_tolerance: as in `MMCLIPConfig`, for `drop_blank_tokens`.

    Raises:
        ValueError: if one of the last two is out of range.

    Example:
        >>> processor = MMGeoLMProcessor.from_parts(MMCLIPProcessor.from_backbone("BAAI/AltCLIP"), tokenizer)
        >>> text = processor.apply_chat_template(messages, add_generation_prompt=True)
        >>> inputs = processor(images=[figure], text=text, return_tensors="pt")
    """

    def __init__(
        self,
        image_processor: Any = None,
        tokenizer: PreTrainedTokenizerBase | None = None,
        patch_size: int | None = None,
        vision_feature_select_strategy: str | None = None,
        chat_template: str | None = None,
        image_token: str = IMAGE_TOKEN,
        num_additional_image_tokens: int = 0,
        drop_blank_tokens: bool = False,
        min_patches: int = 16,
        blank_tolerance: float = 0.05,
        **kwargs: Any,
    ) -> None:
        self.drop_blank_tokens = drop_blank_tokens
        self.min_patches = min_patches
        self.blank_tolerance = blank_tolerance
        check_blank_patches(self)
        super().__init__(
            image_processor,
            tokenizer,
            patch_size=patch_size,
            vision_feature_select_strategy=vision_feature_select_strategy,
            chat_template=chat_template,
            image_token=image_token,
            num_additional_image_tokens=num_additional_image_tokens,
            **kwargs,
        )

    @classmethod
    def from_parts(cls, mmclip_processor: ProcessorMixin, tokenizer: PreTrainedTokenizerBase) -> "MMGeoLMProcessor":
        """Join the processor of the eyes and the tokenizer of the language model, which is copied before it is
        extended.

        `<image>` is added as a special token and the padding token is set to the end token, each where it is absent.
        With ChatML the end token becomes `<|im_end|>`, which ends a turn, so that generation stops there. Padding goes
        to the left, so that the answers of a batch go on where their prompts end.

        Args:
            mmclip_processor: an `MMCLIPProcessor`.
            tokenizer: tokenizer of the language model.

        Raises:
            ValueError: if the processor does not know its tower's patch size, or the tokenizer has no end token.
        """
        patch_size = getattr(mmclip_processor, "patch_size", None)
        if patch_size is None:
            raise ValueError(
                f"{type(mmclip_processor).__name__} does not know the patch size of its vision tower: build it with "
                "MMCLIPProcessor.from_backbone or MMCLIPProcessor.from_parts."
            )
        if tokenizer.eos_token is None:
            raise ValueError(
                "The tokenizer has no end-of-text token, so no answer could end: set tokenizer.eos_token."
            )
        tokenizer = copy.deepcopy(tokenizer)
        if not knows(tokenizer, IMAGE_TOKEN):
            tokenizer.add_tokens([IMAGE_TOKEN], special_tokens=True)
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        if all(knows(tokenizer, token) for token in CHATML_TOKENS):
            tokenizer.eos_token = CHATML_TOKENS[1]
        tokenizer.padding_side = "left"
        chat_template = chat_template_for(tokenizer)
        tokenizer.chat_template = chat_template  # its own could not take images, and both travel in one file
        num_additional = mmclip_processor.num_additional_image_tokens
        return cls(
            image_processor=mmclip_processor.image_processor,
            tokenizer=tokenizer,
            patch_size=patch_size,
            vision_feature_select_strategy="default" if num_additional else "full",
            num_additional_image_tokens=num_additional,
            chat_template=chat_template,
            image_token=IMAGE_TOKEN,
        )

    def __call__(self, images: Any = None, text: Any = None, **kwargs: Any) -> BatchFeature:
        """As in LLaVA: `input_ids`, `attention_mask` `[texts, length]`, `pixel_values` `[images, 3, height, width]`.

        With `drop_blank_tokens` also `pixel_attention_mask` `[images, image tokens]`: which tokens each image has.
        Text that the chat template began with the begin token does not get a second one.

        Raises:
            ValueError: if the numbers of `<image>` tokens and images differ.
        """
        first = text[0] if isinstance(text, (list, tuple)) and text else text
        if self.tokenizer.bos_token and isinstance(first, str) and first.startswith(self.tokenizer.bos_token):
            kwargs.setdefault("add_special_tokens", False)
        return super().__call__(images=images, text=text, **kwargs)

    def replace_image_token(self, image_inputs: dict[str, Any], image_idx: int, **kwargs: Any) -> str:
        """The tokens of one image. Called once per image; the first call adds `pixel_attention_mask` if need be."""
        if not self.drop_blank_tokens:
            return super().replace_image_token(image_inputs, image_idx, **kwargs)
        if "pixel_attention_mask" not in image_inputs:
            image_inputs["pixel_attention_mask"] = self._choose_tokens(image_inputs["pixel_values"])
        return self.image_token * int(image_inputs["pixel_attention_mask"][image_idx].sum())

    def _choose_tokens(self, pixel_values: Any) -> Any:
        """Which of the tokens that the tower gives for each image are kept: its additional tokens, inked patches."""
        pixels = pixel_values if isinstance(pixel_values, torch.Tensor) else torch.as_tensor(np.stack(pixel_values))
        check_blank_patches(self)
        kept = select_patches(pixels, self.patch_size, self.min_patches, self.blank_tolerance)
        additional = self.num_additional_image_tokens - (self.vision_feature_select_strategy == "default")
        kept = torch.nn.functional.pad(kept, (additional, 0), value=True)
        return kept if pixels is pixel_values else kept.numpy()

    def prepare_inputs_layout(self, images: Any = None, text: Any = None, **kwargs: Any) -> tuple:
        """As in LLaVA, with figures laid on white first: what it loads itself has lost its transparency."""
        return super().prepare_inputs_layout(images=lay_on_white(images), text=text, **kwargs)

    def validate_inputs(self, images: Any = None, text: Any = None, **kwargs: Any) -> None:
        """As in LLaVA, and where images come grouped by text, each text must have as many `<image>` as its group.

        Raises:
            ValueError: if the numbers differ.
        """
        super().validate_inputs(images=images, text=text, **kwargs)
        if (
            text is None
            or not isinstance(images, (list, tuple))
            or not all(isinstance(x, (list, tuple)) for x in images)
        ):
            return
        for row, (sample, group) in enumerate(zip(text, images, strict=False)):
            if sample.count(self.image_token) != len(group):
                raise ValueError(
                    f"Text {row} of the batch has {sample.count(self.image_token)} {self.image_token} tokens but "
                    f"{len(group)} images: every image needs its own {self.image_token}."
                )
