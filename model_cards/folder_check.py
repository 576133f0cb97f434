"""What a folder is and whether it is fit for the Hub, found out on this machine before anything is sent.

A folder is one of `KINDS`. Fit means: finished (no leftovers of unfinished work), whole (weights, code, rows and card
are all there and can be read), and safe (weights as safetensors, no pickle under any name, since loading one runs
code). The folder is only read.
"""

import fnmatch
import json
import os
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet as pq
from huggingface_hub import DatasetCard, ModelCard, SpaceCard
from huggingface_hub.repocard import metadata_load
from safetensors import SafetensorError, safe_open

from evaluation.result_tables import HUB_ID
from trainers.adapter_parts import read_parts

MODELS = ("mmclip", "mmgeolm")
EXPORTS = ("llava", "dual_encoder", "sentence_transformer")  # as model_cards.export writes them, without code
KINDS = (*MODELS, *EXPORTS, "adapter", "processor", "dataset", "space")
REPO_TYPES = {"dataset": "dataset", "space": "space"}  # of all others: model
CARDS = {"dataset": DatasetCard, "space": SpaceCard}
CHECKPOINTS = "checkpoints"  # of a Space: the folder with the models that it shows
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")
LEFTOVERS = (".build", "*.part", "*.tmp", "tmp-*", "*.incomplete", "*.lock", ".README.md.*")
# States to resume a training from, logs (whose names tell the host), caches and hidden files (which may hold secrets)
# stay at home.
LEFT_OUT = ("checkpoint-*", "trainer_state.json", "finished.json", "events.out.tfevents.*", "__pycache__", ".*")
KEPT_HIDDEN = (".gitattributes",)
SHOWN = 5  # files named in a message
PICKLE_START = re.compile(rb"\x80[\x02-\x05]")


@dataclass(frozen=True)
class FolderContents:
    """What a folder is, which of its files go to the Hub (paths with `/`, sizes in bytes), and what stays at home."""

    kind: str
    files: dict[str, int]
    left_out: list[str] = field(default_factory=list)

    @property
    def repo_type(self) -> str:
        return REPO_TYPES.get(self.kind, "model")

    @property
    def size(self) -> int:
        return sum(self.files.values())


def folder_kind(folder: Path) -> str:
    """Which of `KINDS` a folder is, by the files it holds.

    Raises:
        ValueError: if it is none of them.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder")
    if (folder / "app.py").is_file():
        return "space"
    if (folder / "adapter_config.json").is_file():
        return "adapter"
    if (folder / "modules.json").is_file():
        return "sentence_transformer"
    if (folder / "config.json").is_file():
        return _model_kind(folder)
    if any(folder.glob("checkpoint-*")):
        raise ValueError(f"{folder} holds checkpoints of a training that has not ended: run its command again")
    if any((folder / name).is_file() for name in ("processor_config.json", "preprocessor_config.json")):
        return "processor"
    if next(folder.rglob("*.parquet"), None) is not None:
        return "dataset"
    raise ValueError(
        f"{folder} holds neither a model (config.json), an adapter (adapter_config.json), a processor "
        "(processor_config.json) nor a data set (parquet files)"
    )


def _model_kind(folder: Path) -> str:
    config = _read_json(folder / "config.json")
    kind = config.get("model_type")
    if kind in (*MODELS, "llava"):
        return kind
    architecture = (config.get("architectures") or [""])[0]
    if architecture.endswith("Model") and {"text_config", "vision_config"} <= config.keys():
        return "dual_encoder"
    raise ValueError(
        f"{folder} holds a model of type {kind!r}, not one of {', '.join(MODELS)} or an export of one "
        f"({', '.join(EXPORTS)})"
    )


def check_folder(folder: Path) -> FolderContents:
    """What would go to the Hub.

    Raises:
        ValueError: naming the files that must not go there, or what is missing, and what to do.
    """
    kind = folder_kind(folder)
    sizes, left_out = _walk(folder)
    contents = FolderContents(kind, sizes, left_out)
    refuse_pickles(folder, contents.files)
    metadata = check_card(folder, kind)
    if kind == "dataset":
        check_rows(folder, contents.files, metadata)
    elif kind == "space":
        check_space(folder, contents.files, metadata)
    elif kind != "processor":
        check_weights(folder, kind, contents.files)
    if kind == "adapter":
        check_adapter(folder)
    check_code(folder)
    return contents


def _walk(folder: Path) -> tuple[dict[str, int], list[str]]:
    """Files with their sizes, and what is left out; raises ValueError on leftovers."""
    files: dict[str, int] = {}
    left_out: list[str] = []
    leftovers: list[str] = []
    for parent, subfolders, names in os.walk(folder):
        where = Path(parent).relative_to(folder)
        for name in sorted([*subfolders, *names]):
            path = (where / name).as_posix()
            if _matches(name, LEFTOVERS):
                leftovers.append(path)
            elif _matches(name, LEFT_OUT) and name not in KEPT_HIDDEN:
                left_out.append(path)
            elif name in names:
                files[path] = (folder / path).stat().st_size
        subfolders[:] = [name for name in subfolders if not _matches(name, (*LEFTOVERS, *LEFT_OUT))]
    if leftovers:
        raise ValueError(
            f"{folder} holds leftovers of unfinished work: {_some(leftovers)}. Run the command that made the folder "
            "to its end, or remove them"
        )
    return dict(sorted(files.items())), sorted(left_out)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _some(names: Iterable[str]) -> str:
    names = sorted(names)
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no JSON object")
    return content


def is_pickle(path: Path) -> bool:
    """Whether a file is a pickle by its name or, under any name, by its content (protocol 2 and later, or zipped)."""
    if path.suffix in PICKLES:
        return True
    with path.open("rb") as file:
        start = file.read(4)
    if PICKLE_START.match(start):
        return True
    if start != b"PK\x03\x04":
        return False
    with zipfile.ZipFile(path) as archive:  # as torch.save writes them
        return any(Path(name).suffix in PICKLES for name in archive.namelist())


def refuse_pickles(folder: Path, files: Iterable[str]) -> None:
    """Raises ValueError naming the pickles among the files."""
    try:
        pickles = [name for name in files if is_pickle(folder / name)]
    except (OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"a file of {folder} cannot be read: {error}") from error
    if pickles:
        raise ValueError(
            f"{folder} holds pickles, which run code when they are loaded: {_some(pickles)}. Save weights as "
            "safetensors, and remove these files"
        )


def check_card(folder: Path, kind: str) -> dict[str, Any]:
    """The metadata of the folder's card; raises ValueError if there is none or it cannot be read."""
    path = folder / "README.md"
    if not path.is_file():
        command = f"write_card --folder {folder} --template {kind}" if kind != "space" else "space"
        raise ValueError(f"{folder} has no card: write it with python -m model_cards.{command}")
    metadata = read_metadata(path)
    if not metadata:
        raise ValueError(f"{path} has no metadata: a block between two lines of --- at its top")
    try:
        CARDS.get(kind, ModelCard)(path.read_text(encoding="utf-8"))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"the metadata of {path} is no card's: {' '.join(str(error).split())}") from error
    return metadata


def read_metadata(readme: Path) -> dict[str, Any]:
    """The YAML metadata of a card, empty if it has none; raises ValueError if it cannot be read."""
    try:
        return metadata_load(readme) or {}
    except Exception as error:  # yaml has errors of its own
        raise ValueError(f"the metadata of {readme} cannot be read: {' '.join(str(error).split())}") from error


def data_patterns(config: dict[str, Any]) -> list[str]:
    """The file patterns of one entry of a card's `configs`, which allows a string, a list and a list by split."""
    given = config.get("data_files") or []
    entries = given if isinstance(given, list) else [given]
    patterns: list[str] = []
    for entry in entries:
        paths = entry.get("path", []) if isinstance(entry, dict) else entry
        patterns += paths if isinstance(paths, list) else [paths]
    return patterns


def check_rows(folder: Path, files: Iterable[str], metadata: dict[str, Any]) -> None:
    """Raises ValueError unless all parquet files are whole and are the ones that the card's `configs` name."""
    files = set(files)
    parquet = {name for name in files if name.endswith(".parquet")}
    for name in sorted(parquet):
        try:
            pq.read_metadata(folder / name)
        except (OSError, pyarrow.ArrowException) as error:
            raise ValueError(f"{folder / name} is no whole parquet file: build it again ({error})") from error
    named: set[str] = set()
    configs = metadata.get("configs") or []
    if not isinstance(configs, list) or not all(isinstance(config, dict) for config in configs):
        raise ValueError(f"`configs` in README.md of {folder} is no list of configurations")
    for config in configs:
        for pattern in data_patterns(config):
            found = set(fnmatch.filter(files, pattern))
            if not found:
                raise ValueError(
                    f"README.md of {folder} names {pattern} for its config {config.get('config_name')!r}, and no such "
                    "file is there: build the data set again"
                )
            named |= found
    if configs and parquet - named:
        raise ValueError(
            f"{folder} holds parquet files that no config of its README.md names: {_some(parquet - named)}. Remove "
            "them if an older build left them, or name them"
        )


def check_space(folder: Path, files: Iterable[str], metadata: dict[str, Any]) -> None:
    """Raises ValueError unless the Space can start, and each of its models is fit for the Hub on its own."""
    if missing := {str(metadata.get("app_file")), "requirements.txt"} - set(files):
        raise ValueError(f"{folder} lacks {_some(missing)}: make the Space again with python -m model_cards.space")
    for model in sorted((folder / CHECKPOINTS).glob("*/")):
        check_folder(model)


def check_weights(folder: Path, kind: str, files: Iterable[str]) -> None:
    """Raises ValueError unless the weights are there as safetensors, each file whole."""
    stem = "adapter_model" if kind == "adapter" else "model"
    index = folder / f"{stem}.safetensors.index.json"
    weight_map = _read_json(index).get("weight_map", {}) if index.is_file() else {"": f"{stem}.safetensors"}
    needed = set(weight_map.values())
    if missing := needed - set(files):
        raise ValueError(f"{folder} lacks its weights {_some(missing)}: save it again, as safetensors")
    for name in files:
        if name.endswith(".safetensors"):
            try:
                with safe_open(folder / name, framework="numpy"):
                    pass
            except SafetensorError as error:
                raise ValueError(f"{folder / name} is no whole safetensors file: save it again ({error})") from error


def adapter_base(folder: Path) -> str:
    """The base model that an adapter names: a Hub id, a folder, or nothing."""
    return _read_json(folder / "adapter_config.json").get("base_model_name_or_path") or ""


def check_adapter(folder: Path) -> None:
    """Raises ValueError if the adapter names as its base or a part a folder of this machine, which nobody else has."""
    read_parts(str(folder))
    base = adapter_base(folder)
    if not HUB_ID.fullmatch(base) or Path(base).exists():
        raise ValueError(
            f"adapter_config.json of {folder} names {base!r} as the base model, which is no Hub id: push the base, "
            "then put its id there as base_model_name_or_path"
        )


def check_code(folder: Path) -> None:
    """Raises ValueError if code that the configurations name, or a sibling it imports, did not come along."""
    for name in ("config.json", "processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        entries = _read_json(folder / name).get("auto_map") or {} if (folder / name).is_file() else {}
        flat = [part for value in entries.values() for part in (value if isinstance(value, list) else [value]) if part]
        needed = {part.rpartition(".")[0] for part in flat if "--" not in part}  # "org/other--module.Class" lies there
        seen: set[str] = set()
        while needed:
            seen.add(module := needed.pop())
            path = folder / f"{module}.py"
            if not path.is_file():
                raise ValueError(f"{name} of {folder} needs {path.name}, which is not there: save the folder again")
            imported = re.findall(r"^\s*from \.(\w+) import", path.read_text(encoding="utf-8"), re.MULTILINE)
            needed |= set(imported) - seen
