"""Which MMCLIP and which language model an MMGeoLM's adapter was trained with, recorded in a file beside it.

Promise: a name without a slash means the folder, or on the Hub the repository, that lies beside the adapter's own, so
that the two stay together wherever they are copied. Importing this loads no model's code.
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from transformers.utils import cached_file

from data_scripts.embedded import SMOLLM2_ID, smollm2_is_installed

PARTS = "parts.json"
NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True)
class AdapterParts:
    """What an adapter is joined with, each a Hub id or the bare name of what lies beside it.

    Raises:
        ValueError: if one is a path, which nobody else has.
    """

    mmclip: str
    llm: str

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not NAME.fullmatch(value):
                raise ValueError(
                    f"{name} {value!r} is neither a Hub id, such as org/name, nor the name of what lies beside it"
                )


def write_parts(folder: Path, parts: AdapterParts) -> None:
    """Record the parts beside the adapter in `folder`."""
    (folder / PARTS).write_text(json.dumps(asdict(parts), indent=2) + "\n", encoding="utf-8")


def read_parts(adapter: str) -> AdapterParts | None:
    """The parts as recorded; None where nothing of that name can be reached or it records none.

    Args:
        adapter: Hub id or folder.

    Raises:
        ValueError: if the record is damaged.
    """
    try:
        path = cached_file(
            adapter,
            PARTS,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
    except OSError:
        return None
    if path is None:
        return None
    try:
        return AdapterParts(**json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{PARTS} of {adapter} cannot be read: {error}") from error


def found_parts(adapter: str, parts: AdapterParts) -> tuple[str, str]:
    """Folder or Hub id of the MMCLIP, and of the language model, or `embedded` where its wheel is installed.

    Args:
        adapter: Hub id or folder that records `parts`.
    """
    place = str(Path(adapter).absolute().parent) if Path(adapter).is_dir() else adapter.rpartition("/")[0]
    mmclip, llm = (name if "/" in name else f"{place}/{name}" for name in (parts.mmclip, parts.llm))
    return mmclip, "embedded" if llm == SMOLLM2_ID and smollm2_is_installed() else llm
