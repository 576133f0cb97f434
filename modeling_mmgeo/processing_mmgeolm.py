"""Processor of MMGeoLM: LLaVA's, with a chat template that any language model's tokenizer can follow.

The template takes contents as a string or as a list of text and image items, writes `<image>` where an image stands,
and marks what the assistant says (its end token included) with `{% generation %}`, so that trainers can learn from
that alone. Tokenizers that know `<|im_start|>` and `<|im_end|>` get ChatML, all others plain turns that end with the
end-of-text token.
"""

import copy
from typing import Any

from transformers import BatchFeature, LlavaProcessor, PreTrainedTokenizerBase
from transformers.processing_utils import ProcessorMixin

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

    Example:
        >>> processor = MMGeoLMProcessor.from_parts(MMCLIPProcessor.from_backbone("BAAI/AltCLIP"), tokenizer)
        >>> text = processor.apply_chat_template(messages, add_generation_prompt=True)
        >>> inputs = processor(images=[figure], text=text, return_tensors="pt")
    """

    @classmethod
    def from_parts(cls, mmclip_processor: ProcessorMixin, tokenizer: PreTrainedTokenizerBase) -> "MMGeoLMProcessor":
        """Join the processor of the eyes and the tokenizer of the language model, which is copied before it is
        extended.

        `<image>` is added as a special token and the padding token is set to the end token, each where it is absent.
        With ChatML the end token becomes `<|im_end|>`, which ends a turn, so that generation stops there.

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

        Text that the chat template began with the begin token does not get a second one.

        Raises:
            ValueError: if the numbers of `<image>` tokens and images differ.
        """
        first = text[0] if isinstance(text, (list, tuple)) and text else text
        if self.tokenizer.bos_token and isinstance(first, str) and first.startswith(self.tokenizer.bos_token):
            kwargs.setdefault("add_special_tokens", False)
        return super().__call__(images=images, text=text, **kwargs)

    def prepare_inputs_layout(self, images: Any = None, text: Any = None, **kwargs: Any) -> tuple:
        """As in LLaVA, with figures laid on white first."""
        images, *rest = super().prepare_inputs_layout(images=images, text=text, **kwargs)
        return lay_on_white(images), *rest

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
