"""What every measurement writes: a JSON file that says what was measured, on what, with what, and how surely.

Imports no torch, so that what only reads results (a model card, a report) stays light.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from trainers.adapter_parts import PARTS, found_parts, read_parts

RESAMPLES = 1000
LIBRARIES = ("torch", "transformers", "datasets", "tokenizers", "math-verify", "numpy")


def write_json(path: str | Path, content: Any) -> None:
    """Write a JSON file in one step: whoever reads the path sees the old file or the whole new one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2, ensure_ascii=False, allow_nan=False)
            file.write("\n")
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """The process's file mode mask, which a temporary file ignores and a result should follow."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def library_versions() -> dict[str, str]:
    """Versions of the libraries a figure depends on; those that are not installed are left out."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def bootstrap_interval(
    hits: Sequence[float], rng: np.random.Generator, weights: Sequence[float] | None = None, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """95% percentile bootstrap interval of `sum(hits) / sum(weights)`, resampling whole anchors or rows.

    Args:
        hits: what each anchor contributes to the numerator, `[n]` (for an accuracy, 1 or 0).
        rng: draws the resamples.
        weights: what it contributes to the denominator, `[n]`, at least one positive; ones if None.

    Raises:
        ValueError: if there is nothing to resample.
    """
    numerator = np.asarray(hits, dtype=np.float64)
    denominator = np.ones_like(numerator) if weights is None else np.asarray(weights, dtype=np.float64)
    if len(numerator) == 0 or denominator.sum() <= 0:
        raise ValueError("an interval needs at least one anchor")
    ratios = []
    while len(ratios) < resamples:
        drawn = rng.integers(len(numerator), size=len(numerator))
        total = denominator[drawn].sum()
        if total > 0:  # a resample without a single pair says nothing
            ratios.append(numerator[drawn].sum() / total)
    low, high = np.percentile(ratios, [2.5, 97.5])
    return float(low), float(high)


def weights_fingerprint(model: str) -> str | None:
    """Short hash that tells one folder of weights from another, also after it was moved; None for a Hub id.

    Every safetensors file is read whole, once in a process: what lies at its ends may be frozen. That of an adapter
    covers the MMCLIP that lies beside it.
    """
    files = sorted(Path(model).glob("*.safetensors")) if Path(model).is_dir() else []
    if not files:
        return None
    digest = hashlib.sha256()
    for path in files:
        state = path.stat()
        digest.update(f"{path.name} {_content_hash(path, state.st_size, state.st_mtime_ns)}\n".encode())
    if (Path(model) / PARTS).is_file() and (parts := read_parts(model)):
        tower = weights_fingerprint(found_parts(model, parts)[0])
        digest.update(f"{PARTS} {tower}\n".encode())
    return digest.hexdigest()[:16]


@lru_cache
def _content_hash(path: Path, size: int, modified: int) -> str:
    """The hash of a file, kept for as long as its size and time of change stay as they are."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
