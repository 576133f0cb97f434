"""Stand-ins for the folders of checkpoints/: tiny, built on the spot, of the same files."""

from pathlib import Path

from peft import LoraConfig, get_peft_model

from model_cards.export import ExportArguments, export
from model_cards.write_card import WriteCardArguments, write_card
from modeling_mmgeo import MMGeoLMForConditionalGeneration, MMGeoLMProcessor
from tests.tiny import tiny_llm, tiny_mmclip, tiny_tokenizer
from trainers.adapter_parts import AdapterParts, write_parts

LLM = "org/llm"  # as the adapter names its base


def stand_ins(root: Path) -> MMGeoLMForConditionalGeneration:
    """Write checkpoints/mmclip-tiny and checkpoints/mmgeolm-tiny below `root`, and the language model beside them.

    Returns:
        The whole model of which mmgeolm-tiny is the adapter, its adapter not rounded.
    """
    mmclip, mmclip_processor = tiny_mmclip()
    for part in (mmclip, mmclip_processor):
        part.save_pretrained(root / "whole")
    export(ExportArguments(str(root / "whole"), "bfloat16", str(root / "checkpoints" / "mmclip-tiny")))
    mmclip.bfloat16().float()  # as the whole model sees through it
    llm, tokenizer = tiny_llm(), tiny_tokenizer(frame=False)
    for part in (llm, tokenizer):
        part.save_pretrained(root / "checkpoints" / "llm")
    processor = MMGeoLMProcessor.from_parts(mmclip_processor, tokenizer)
    base = MMGeoLMForConditionalGeneration.from_parts(mmclip, llm, processor.image_token_id).eval()
    lora = LoraConfig(
        r=2,
        target_modules=r".*language_model.*\.q_proj",
        modules_to_save=["multi_modal_projector"],
        init_lora_weights=False,
    )
    adapted = get_peft_model(base, lora)
    adapted.save_pretrained(root / "trained", save_embedding_layers=False)
    processor.save_pretrained(root / "trained")
    adapter = root / "checkpoints" / "mmgeolm-tiny"
    export(ExportArguments(str(root / "trained"), "adapter", str(adapter), base_model=LLM, mmclip="mmclip-tiny"))
    write_parts(adapter, AdapterParts(mmclip="mmclip-tiny", llm="llm"))  # so that no Hub is asked
    for name, template in (("mmclip-tiny", "mmclip"), ("mmgeolm-tiny", "adapter")):
        write_card(WriteCardArguments(folder=str(root / "checkpoints" / name), template=template))
    return adapted.merge_and_unload().eval()
