"""The page to try mmgeo on, as a command and as a Hugging Face Space.

    python app.py --mmclip MMCLIP_FOLDER --mmgeolm MMGEOLM_FOLDER

opens it on http://127.0.0.1:7860. Models that are not named come from the environment (`MMCLIP`, `MMGEOLM`: folders or
Hub ids), else from the folder `checkpoints` beside this file; without any, the data engine alone is there.
`model_cards.space` makes a Space of it.

Promise: a request reaches no file but the page's own uploads.
"""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trl import TrlParser

from data_scripts.cli import run_command
from evaluation.page.layout import CSS, THEME, build_page
from evaluation.page.models import load_models
from evaluation.page.uploads import MAX_BYTES
from model_cards.folder_check import folder_kind

CHECKPOINTS = Path(__file__).parent / "checkpoints"
ENCODERS, ANSWERERS = ("mmclip", "dual_encoder"), ("mmgeolm", "adapter", "llava")  # kinds of folders


@dataclass
class PageArguments:
    """Which models the page shows, and where."""

    mmclip: str | None = field(
        default_factory=lambda: os.environ.get("MMCLIP"),
        metadata={"help": "Folder or Hub id of an MMCLIP or a stock dual encoder (default: that of checkpoints/)."},
    )
    mmgeolm: str | None = field(
        default_factory=lambda: os.environ.get("MMGEOLM"),
        metadata={"help": "Folder or Hub id of an MMGeoLM, its adapter, or a LLaVA (default: that of checkpoints/)."},
    )
    host: str = field(
        default="0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1",
        metadata={"help": "Address to listen on; 0.0.0.0 lets other machines in."},
    )
    port: int = field(default=7860, metadata={"help": "Port to listen on."})


def checkpoint(kinds: tuple[str, ...]) -> str | None:
    """The folder of one of these kinds in `CHECKPOINTS`, or None.

    Raises:
        ValueError: if there are several.
    """
    found = []
    for folder in sorted(CHECKPOINTS.glob("*/")):
        with suppress(ValueError):  # something else may lie there, such as a language model
            found += [str(folder)] if folder_kind(folder) in kinds else []
    if len(found) > 1:
        raise ValueError(f"{CHECKPOINTS} holds {len(found)} that would do, {' and '.join(found)}: name one")
    return found[0] if found else None


def launch_options() -> dict[str, Any]:
    """How the page is served, wherever: its looks, and the largest file taken."""
    return {"css": CSS, "theme": THEME, "max_file_size": MAX_BYTES, "footer_links": ["gradio"]}


def main() -> None:
    """Start the page and serve it until interrupted."""
    (args,) = TrlParser(PageArguments).parse_args_and_config()
    page = build_page(load_models(args.mmclip or checkpoint(ENCODERS), args.mmgeolm or checkpoint(ANSWERERS)))
    page.launch(server_name=args.host, server_port=args.port, **launch_options())


if __name__ == "__main__":
    run_command(main)
