"""A tokenizer that splits names reads AB as a figure prints it, also once it was saved and loaded."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from transformers import Qwen2Tokenizer

from modeling_mmgeo import MMGeoLMProcessor
from tests.tiny import NUM_PATCHES, tiny_mmclip
from trainers.split_names import split_names

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def test_names_are_read_letter_by_letter_even_after_loading(tmp_path: Path) -> None:
    """Qwen2's tokenizer, as those of other models, builds its own rules when loaded, whatever was saved."""
    tokens = [*SPECIAL, "A", "B", "C", "Ġ", "ĠA", "AB", "ĠAB", "n", "An", "ĠAn", "Ċ"]
    merges = [("Ġ", "A"), ("A", "B"), ("ĠA", "B"), ("A", "n"), ("ĠA", "n")]
    tokenizer = Qwen2Tokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=merges)
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIAL[1:])})
    assert tokenizer.tokenize("AB AB An") == ["AB", "ĠAB", "ĠAn"]
    processor = MMGeoLMProcessor.from_parts(tiny_mmclip()[1], split_names(tokenizer))
    processor.save_pretrained(tmp_path)
    for one in (processor, MMGeoLMProcessor.from_pretrained(tmp_path)):
        assert one.tokenizer.tokenize("ABC AB An") == ["A", "B", "C", "ĠA", "B", "ĠAn"]
        assert one.tokenizer.decode(one.tokenizer("ABC AB An")["input_ids"]) == "ABC AB An"
        assert (one.tokenizer.eos_token, one.tokenizer.pad_token) == ("<|im_end|>", "<|endoftext|>")
        ids = one(images=Image.new("RGB", (24, 24), "white"), text="<image>AB<|im_end|>")["input_ids"][0]
        assert one.tokenizer.convert_ids_to_tokens(ids)[NUM_PATCHES:] == ["A", "B", "<|im_end|>"]
    assert tokenizer.tokenize("AB") == ["AB"]


def test_only_fast_tokenizers_split_names() -> None:
    with pytest.raises(ValueError, match="is no fast tokenizer"):
        split_names(SimpleNamespace())
