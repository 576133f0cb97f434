"""A language model's tokenizer that reads names of points letter by letter, as figures print them.

Many a tokenizer has a token for AB and another for ABC. A figure prints A, B and C, so a small language model would
first have to learn, for every two letters, which tokens these are.

Promise: all other text is read as before; what is saved reads alike wherever it is loaded.
"""

import copy

from tokenizers import Regex, pre_tokenizers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

NAME_LETTER = r"[ ▁]?\p{Lu}(?!\p{Ll})"  # a capital that begins no word


def split_names(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerFast:
    """The same tokenizer, but for names such as ABC, which it reads letter by letter.

    It is one that keeps to its `tokenizer.json`: those of some language models build their own rules when loaded.

    Raises:
        ValueError: if it is none of the `tokenizers` library.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ValueError(
            f"{type(tokenizer).__name__} is no fast tokenizer, and cannot split names: leave out --split_names."
        )
    backend = copy.deepcopy(backend)
    letters = pre_tokenizers.Split(Regex(NAME_LETTER), "isolated")
    backend.pre_tokenizer = pre_tokenizers.Sequence([letters, *filter(None, [backend.pre_tokenizer])])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=tokenizer.model_max_length,
        padding_side=tokenizer.padding_side,
        **tokenizer.special_tokens_map,
    )
