"""Load the rows, the model and the device of a measurement, with errors that say what to do."""

import contextlib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoProcessor

from data_scripts.encoded_images import undecoded
from trainers.adapter_parts import read_parts
from trainers.rows import check_columns, image_bytes, load_split


def load_rows(dataset: str, split: str, columns: tuple[str, ...], config_name: str | None = None) -> Dataset:
    """One split of a data set with its images still encoded, so that one broken image does not end the run.

    Args:
        dataset: Hub id or folder.
        split: for example "test".
        columns: those the caller needs.
        config_name: configuration of the data set; None for its default.

    Raises:
        ValueError: if the data set, the split or a column does not exist.
    """
    rows = load_split(dataset, split, config_name)
    check_columns(rows, columns, f"Split {split!r} of {dataset}")
    return undecoded(rows)


def rows_fingerprint(rows: Dataset, columns: Sequence[str]) -> str:
    """Short hash of what these columns hold, files of images included: tells a rebuilt data set from the old one.

    Args:
        rows: with their images still encoded, as `load_rows` gives them.
        columns: those that decide on what is measured.
    """
    digest = hashlib.sha256()
    for row in rows.select_columns(list(columns)):
        digest.update(json.dumps(_hashed_images(row), sort_keys=True).encode())
    return digest.hexdigest()[:16]


def _hashed_images(value: Any) -> Any:
    """The value with a hash in place of every encoded image, wherever its file lies."""
    if isinstance(value, dict):
        if value.keys() == {"bytes", "path"}:
            return hashlib.sha256(image_bytes(value) or b"").hexdigest()
        return {name: _hashed_images(part) for name, part in value.items()}
    return [_hashed_images(part) for part in value] if isinstance(value, list) else value


def pick_device() -> torch.device:
    """cuda before mps before cpu."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def autocast(device: torch.device) -> contextlib.AbstractContextManager:
    """bfloat16 where the GPU computes it, full precision everywhere else."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return contextlib.nullcontext()


def load_model(auto_class: type, name: str, trust_remote_code: bool) -> Any:
    """A model in evaluation mode, by an Auto class, with every one of its weights from the checkpoint.

    Our own architectures load without `trust_remote_code`, since importing modeling_mmgeo registers them. An adapter
    that records its parts is joined with them to a whole MMGeoLM.

    Raises:
        ValueError: if the folder or Hub id holds no such model, lacks weights of it (which would be drawn at random),
            or wants to run its own code without permission; or if a part of an adapter cannot be loaded.
    """
    if read_parts(name) is not None:
        from trainers.join_adapter import join  # only now: it is slow, and a whole model needs none of it

        return join(name)[0].eval()
    model, info = _from_pretrained(auto_class, name, trust_remote_code, output_loading_info=True)
    if missing := sorted(info["missing_keys"]):
        raise ValueError(
            f"{name!r} lacks {len(missing)} weights of a {type(model).__name__}, among them {missing[0]}: "
            "measuring it would measure random numbers"
        )
    return model.eval()


def load_processor(name: str, trust_remote_code: bool, drop_blank_tokens: bool | None = None) -> Any:
    """The processor saved next to a model.

    Args:
        name: Hub id or folder.
        trust_remote_code: whether its own code may run.
        drop_blank_tokens: whether blank patches get no token; None for what was saved.

    Raises:
        ValueError: if there is none, or it cannot leave blank tokens out and is told to.
    """
    processor = _from_pretrained(AutoProcessor, name, trust_remote_code)
    if drop_blank_tokens is None:
        return processor
    if not hasattr(processor, "drop_blank_tokens"):
        raise ValueError(
            f"{name!r} comes with a {type(processor).__name__}, which knows no --drop_blank_tokens: only MMGeoLM's "
            "processor can leave blank tokens out"
        )
    processor.drop_blank_tokens = drop_blank_tokens
    return processor


def _from_pretrained(auto_class: type, name: str, trust_remote_code: bool, **options: Any) -> Any:
    import modeling_mmgeo  # noqa: F401 - registers mmclip and mmgeolm with the Auto classes

    try:
        return auto_class.from_pretrained(name, trust_remote_code=trust_remote_code, **options)
    except (OSError, ValueError, KeyError) as error:
        hint = "; if you trust its own code, add --trust_remote_code" if "trust_remote_code" in str(error) else ""
        which = "" if Path(name).is_dir() else ", which is no folder here"
        raise ValueError(f"{auto_class.__name__} cannot load {name!r}{which}{hint}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:300]
