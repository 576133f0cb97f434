"""Captions as embeddings: by any sentence encoder, in bounded memory, resumable.

Promise: equal captions are encoded once; the embeddings lie in a file that is mapped, not read; an interrupted run
keeps every finished block, and a rerun gives the same bytes as an undisturbed one. Embeddings of another encoder or of
other captions are never taken: the file's name is made of both.

float32, not float16: half the size would cost the order of the nearest captions (of 1,500 procedural captions with
MiniLM, the 100 nearest stayed the same in 99% of the rows, but in the same order in 42%).
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from ..embedded import minilm_folder

EMBEDDED = "embedded"  # the retriever that comes in a wheel
BLOCK = 2048  # distinct captions per block: what an interrupted run loses at most
BATCH = 64  # captions per forward pass
PROBES = ("△ABC", "In circle O, chord AB is perpendicular to CD and ∠ABC = 45°.")


SIGNS = {
    "∠": " angle ", "△": " triangle ", "⊙": " circle ", "∥": " is parallel to ", "⊥": " is perpendicular to ",
    "∼": " is similar to ", "°": " degrees ", "·": " times ",
}  # fmt: skip


def spelled(text: str) -> str:
    """The text with its signs as words and its names letter by letter: "angle A B C" for "∠ABC".

    Sentence encoders have no word for `∠ABC`: to MiniLM it is the unknown one, and ∠ABC and ∠ACB are the same with a
    cosine of 1.0. Spelled, they are 0.985 apart from one another, below every sensible threshold.
    """
    for sign, word in SIGNS.items():
        text = text.replace(sign, word)
    text = re.sub(r"(?<![A-Za-z])[A-Z]{2,6}(?![A-Za-z])", lambda name: " ".join(name[0]), text)
    return " ".join(text.split())


@dataclass(frozen=True)
class SentenceEncoder:
    """What turns captions into vectors, `[captions, dim]`, and a name that changes whenever the vectors would."""

    identity: str
    encode: Callable[[list[str]], np.ndarray]


@dataclass(frozen=True)
class EncodedCaptions:
    """The captions of some rows as embeddings, each distinct caption once."""

    vectors: np.ndarray  # [distinct captions, dim] float32, L2-normalised, in the order of their first row
    distinct: np.ndarray  # [rows], which of them is the row's caption
    first_row: np.ndarray  # [distinct captions], the first row with that caption

    def __len__(self) -> int:
        return len(self.distinct)


def load_encoder(retriever: str = EMBEDDED, exact: bool = False) -> SentenceEncoder:
    """A sentence-transformers model on the best device there is: a Hub id, a folder, or `embedded` for MiniLM.

    Args:
        retriever: which.
        exact: compute in float64, on the CPU: twice as slow. Rounded to float32, vectors then no longer depend on
            the last bits of sums, which change with batches. In float32 another size of batches gave 1 of 500 captions
            its 100 neighbours in another order.

    Raises:
        ValueError: if the model cannot be loaded, or has no safetensors.
    """
    import torch  # here and below: seconds to import, and builds may go without retrieval
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    folder = minilm_folder() if retriever == EMBEDDED else retriever
    try:
        model = SentenceTransformer(folder, device="cpu" if exact else None, model_kwargs={"use_safetensors": True})
    except (OSError, ValueError, SafetensorError) as error:
        raise ValueError(f"no sentence encoder at '{retriever}' ({error}): name a Hub id or a folder") from None

    if exact:
        model = model.double()

    def encode(captions: list[str]) -> np.ndarray:
        spelt = [spelled(caption) for caption in captions]
        # sentence-transformers batches by length, so that little is padded, and gives the order back
        return model.encode(spelt, batch_size=BATCH, convert_to_numpy=True, show_progress_bar=False)

    # The weights say which model it is; what the probes become says the same of tokenizer, pooling, prompt and device.
    digest = hashlib.sha256(encode(list(PROBES)).tobytes())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy())
    return SentenceEncoder(digest.hexdigest(), encode)


def encode_captions(captions: Sequence[str], retriever: str, work: Path, exact: bool = False) -> EncodedCaptions:
    """The captions' embeddings, made block by block under `work` or found there.

    Args:
        captions: one per row; rows may share one.
        retriever: as for `load_encoder`.
        work: folder for the finished file and, until then, its blocks; 1.5 KB per distinct caption with MiniLM.
        exact: as for `load_encoder`.

    Raises:
        ValueError: if the model cannot be loaded, or gives anything but one finite vector per caption.
    """
    number: dict[str, int] = {}
    distinct = np.array([number.setdefault(caption, len(number)) for caption in captions], dtype=np.int64)
    _, first_row = np.unique(distinct, return_index=True)
    if not number:
        return EncodedCaptions(np.empty((0, 0), np.float32), distinct, first_row)
    encoder, texts = load_encoder(retriever, exact), list(number)
    path = work / f"embeddings-{_digest([encoder.identity, str(BLOCK), *texts])}.npy"
    if not path.exists():
        _write_embeddings(texts, encoder, path)
    # "c": what is written stays in memory. Nothing is, but torch takes no array that it must not write to.
    return EncodedCaptions(np.load(path, mmap_mode="c"), distinct, first_row)


def paired_similarity(first: EncodedCaptions, second: EncodedCaptions) -> np.ndarray:
    """Cosine similarity of the captions of the same row, `[rows]` float32: of captions and their re-wordings, say.

    Raises:
        ValueError: if the two are not of the same rows and dimension.
    """
    if len(first) != len(second) or first.vectors.shape[1:] != second.vectors.shape[1:]:
        raise ValueError(
            f"{len(first)} and {len(second)} captions in {first.vectors.shape[1]} and {second.vectors.shape[1]} "
            "dimensions cannot be paired: encode as many, with the same encoder"
        )
    similarity = np.empty(len(first), dtype=np.float32)
    for start in range(0, len(first), BLOCK):
        rows = slice(start, start + BLOCK)
        pair = first.vectors[first.distinct[rows]], second.vectors[second.distinct[rows]]
        similarity[rows] = np.einsum("rd,rd->r", *pair)
    return similarity


def _digest(texts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode()
        digest.update(len(data).to_bytes(8, "little") + data)  # with its length: no two lists read the same
    return digest.hexdigest()[:16]


def _write_embeddings(texts: list[str], encoder: SentenceEncoder, path: Path) -> None:
    """Encode what is missing in blocks of `BLOCK`, then join the blocks into one file."""
    blocks = path.with_suffix("")
    blocks.mkdir(parents=True, exist_ok=True)
    paths = []
    with tqdm(total=len(texts), desc="captions encoded", unit="caption") as bar:
        for start in range(0, len(texts), BLOCK):
            block = texts[start : start + BLOCK]
            paths.append(blocks / f"{start // BLOCK:05d}.npy")
            if not paths[-1].exists():
                _save(normalised(encoder.encode(block), block), paths[-1])
            bar.update(len(block))
    whole = path.with_suffix(".part")
    dim = np.load(paths[0], mmap_mode="r").shape[1]
    joined = np.lib.format.open_memmap(whole, mode="w+", dtype=np.float32, shape=(len(texts), dim))
    for number, part in enumerate(paths):
        joined[number * BLOCK : (number + 1) * BLOCK] = np.load(part)
    joined.flush()
    os.replace(whole, path)
    shutil.rmtree(blocks, ignore_errors=True)


def normalised(vectors: np.ndarray, captions: list[str]) -> np.ndarray:
    """Vectors of length 1 in float32, whatever precision the encoder works in."""
    vectors = np.asarray(vectors, dtype=np.float64)
    if vectors.ndim != 2 or len(vectors) != len(captions):
        raise ValueError(f"the sentence encoder gave {vectors.shape} for {len(captions)} captions: one vector each?")
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))
    if len(bad):
        raise ValueError(f"the sentence encoder gave no usable vector for the caption '{captions[bad[0]][:80]}'")
    return (vectors / norms).astype(np.float32)


def _save(array: np.ndarray, path: Path) -> None:
    temporary = path.with_suffix(".part")
    with open(temporary, "wb") as file:
        np.save(file, array)
    os.replace(temporary, path)
