"""Embeddings of a frozen tower, computed once and looked up in every step.

A tower that is not trained gives an image or text one embedding for the whole run. So each distinct image or text of
the rows goes through it once, before training, and the collator then puts embeddings into a batch instead of pixels or
tokens: neither the tower nor, for images, the decoder is called again.

Promises: the embeddings lie in files that are mapped into memory and not read into it, whatever their number; they are
found by the content of an image or text, so rows may repeat, be shuffled or be cut; a file belongs to the weights,
settings and contents that it was computed from, and is used again by any run with the same ones; each is complete
(renamed when written), so a run that was killed goes on with those that are there; the same rows give the same files,
whatever the number of processes. Embeddings equal those of a training step up to rounding, as a matrix product rounds
differently in batches of other sizes.
"""

import hashlib
import os
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from datasets import Dataset
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from tqdm.auto import tqdm
from transformers import ProcessorMixin

from .rows import decode_image

CHUNK = 4096  # images or texts per file
ENCODED_AT_ONCE = 64


def content_key(content: Any) -> int | None:
    """64-bit key of an encoded image (`{"bytes", "path"}`, bytes, path), a PIL image or a text; None if unreadable."""
    if isinstance(content, str):
        content = content.encode()
    elif isinstance(content, dict):
        if not content.get("bytes") and content.get("path"):
            try:
                content = Path(content["path"]).read_bytes()
            except OSError:
                return None
        else:
            content = content.get("bytes")
    elif isinstance(content, Image.Image):
        content = f"{content.mode} {content.size} ".encode() + content.tobytes()
    if not isinstance(content, bytes):
        return None
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big", signed=True)


class FrozenEmbeddings:
    """Embeddings by content, read from files as they are needed.

    Args:
        files: made by `embed_once`, each of `CHUNK` contents but the last, in the order of `keys`.
        keys: of all contents, each once.
        found: which contents could be embedded; the others are unreadable.
    """

    def __init__(self, files: list[Path], keys: np.ndarray, found: np.ndarray) -> None:
        self.files = files
        places = np.flatnonzero(found)
        order = np.argsort(keys[places], kind="stable")
        self.keys, self.places = keys[places][order], places[order]
        self._open: dict[int, torch.Tensor] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": {}}  # a worker that is spawned opens the files itself

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, content: Any) -> int | None:
        """Place of an image or text, for `take`; None if it could not be read or is not among the rows."""
        key = content_key(content)
        if key is None:
            return None
        index = int(np.searchsorted(self.keys, key))
        return int(self.places[index]) if index < len(self.keys) and self.keys[index] == key else None

    def place(self, content: Any) -> int:
        """As `find`.

        Raises:
            ValueError: if there is none.
        """
        if (place := self.find(content)) is None:
            raise ValueError(f"There is no embedding of {content!r}: it was computed for other rows than these.")
        return place

    def take(self, places: Iterable[int]) -> torch.Tensor:
        """Embeddings at some places, `[places, dim]`."""
        rows = [self._chunk(place // CHUNK)[place % CHUNK] for place in places]
        return torch.stack(rows) if rows else self._chunk(0)[:0].clone()

    def _chunk(self, number: int) -> torch.Tensor:
        if number not in self._open:
            with safe_open(self.files[number], "pt") as file:
                self._open[number] = file.get_tensor("embeds")  # mapped: pages come in when they are read
        return self._open[number]


def contents(rows: Dataset, kind: str, columns: Iterable[str]) -> Iterator[Any]:
    """Every image or text of some columns, row by row."""
    names = [name for name in columns if name in rows.column_names]
    for row in rows.select_columns(names):
        for name in names:
            value = row[name]
            for content in value if isinstance(value, list) else [value]:
                if kind == "image" or (content and content.strip()):
                    yield content


def fingerprint(parts: Iterable[nn.Module], *settings: str) -> str:
    """Digest of the weights of some modules and of the settings that their outputs depend on."""
    digest = hashlib.sha256("\x1f".join(settings).encode())
    for part in parts:
        for name, value in part.state_dict().items():
            digest.update(f"{name} {value.dtype} {tuple(value.shape)} ".encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def settings_of(model: nn.Module, processor: ProcessorMixin, precision: str) -> tuple[str, ...]:
    """What else than weights an embedding depends on, as text."""
    tokenizer = processor.tokenizer
    return (
        model.config.to_json_string(),
        str(model.config._attn_implementation),
        processor.to_json_string(),
        tokenizer.backend_tokenizer.to_str() if tokenizer.is_fast else str(sorted(tokenizer.get_vocab().items())),
        precision,
        f"{model.text_group_size} {model.share_text_prefixes} {model.image_group_size}",
        torch.__version__,
        str(ENCODED_AT_ONCE),
    )


def embed_frozen(
    rows: Dataset,
    frozen: dict[str, list[nn.Module]],
    model: nn.Module,
    processor: ProcessorMixin,
    columns: dict[str, tuple[str, ...]],
    folder: Path,
    accelerator: Accelerator,
) -> dict[str, FrozenEmbeddings]:
    """Embed what the frozen towers see of some rows; see `embed_once`.

    Args:
        rows: with undecoded images.
        frozen: the modules of each frozen tower, by kind.
        model: the `MMCLIPModel` that has them, on its device.
        processor: of the model.
        columns: that hold what is seen, by kind.
        folder: where the files go.
        accelerator: that of the training; its precision is used.
    """
    settings = settings_of(model, processor, accelerator.mixed_precision)
    known = {}
    training = model.training
    model.eval()
    for kind, parts in frozen.items():
        name = {"image": "images", "text": "text"}[kind]

        def encode(batch: list[Any], name: str = name, kind: str = kind) -> torch.Tensor:
            inputs = processor(**{name: batch}).to(accelerator.device)
            with torch.no_grad(), accelerator.autocast():
                return getattr(model(**inputs), f"{kind}_embeds")

        known[kind] = embed_once(
            items=lambda kind=kind: contents(rows, kind, columns[kind]),
            kind=kind,
            encode=encode,
            folder=folder,
            digest=fingerprint(parts, *settings),
            accelerator=accelerator,
        )
    model.train(training)
    return known


def distinct_keys(items: Iterable[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Keys of all readable contents in the order of their first occurrence, and at which item each occurs first."""
    keys, positions = array("q"), array("q")
    for position, item in enumerate(tqdm(items, desc="Hashing what a frozen tower sees", unit="", delay=3)):
        if (key := content_key(item)) is not None:
            keys.append(key)
            positions.append(position)
    keys, positions = np.asarray(keys, dtype=np.int64), np.asarray(positions, dtype=np.int64)
    first = np.sort(np.unique(keys, return_index=True)[1])
    return keys[first], positions[first]


def embed_once(
    items: Callable[[], Iterable[Any]],
    kind: str,
    encode: Callable[[list[Any]], torch.Tensor],
    folder: Path,
    digest: str,
    accelerator: Accelerator,
) -> FrozenEmbeddings:
    """Embed each distinct image or text once, as far as `folder` does not hold it; to be called by all processes.

    Args:
        items: gives them, in the same order each time.
        kind: "image" or "text".
        encode: embeddings `[batch, dim]` of a list of PIL images or texts.
        folder: where the files go. Processes share the work if they share the folder.
        digest: of what the embeddings depend on besides the contents; see `fingerprint`.
        accelerator: that of the training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys, firsts = distinct_keys(items())
    starts = range(0, max(len(keys), 1), CHUNK)
    files = []
    for start in starts:
        part = hashlib.sha256(digest.encode() + kind.encode() + keys[start : start + CHUNK].tobytes()).hexdigest()
        files.append(folder / f"{kind}-{part[:32]}.safetensors")

    def embed_missing(numbers: Iterable[int]) -> None:
        missing = [number for number in numbers if not files[number].is_file()]
        if not missing:
            return
        stream, position = enumerate(items()), -1
        for number in tqdm(missing, desc=f"Embedding {kind}s by the frozen tower", unit="file", delay=3):
            wanted = slice(starts[number], starts[number] + CHUNK)
            batch = []
            for first in firsts[wanted]:
                while position < first:
                    position, item = next(stream)
                batch.append(item)
            _write(files[number], kind, encode, keys[wanted], batch)

    embed_missing(range(accelerator.process_index, len(files), accelerator.num_processes))
    accelerator.wait_for_everyone()
    embed_missing(range(len(files)))  # those of other machines, where the folder is not shared
    found = []
    for file in files:
        with safe_open(file, "pt") as parts:
            found.append(parts.get_tensor("found").numpy())
    return FrozenEmbeddings(files, keys, np.concatenate(found))


def _write(file: Path, kind: str, encode: Callable, keys: np.ndarray, batch: list[Any]) -> None:
    """Embed the contents of one file and write it as a whole."""
    found, embeds = np.zeros(len(batch), dtype=bool), []
    for start in range(0, len(batch), ENCODED_AT_ONCE):
        piece = batch[start : start + ENCODED_AT_ONCE]
        piece = [decode_image(item) for item in piece] if kind == "image" else piece
        readable = [item is not None for item in piece]
        found[start : start + len(piece)] = readable
        if any(readable):
            embeds.append(encode([item for item in piece if item is not None]).float().cpu())
    dim = embeds[0].shape[1] if embeds else 0
    whole = torch.zeros(len(batch), dim)
    whole[torch.from_numpy(found)] = torch.cat([*embeds, torch.zeros(0, dim)])
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    save_file({"embeds": whole, "found": torch.from_numpy(found), "keys": torch.from_numpy(keys.copy())}, temporary)
    os.replace(temporary, file)
