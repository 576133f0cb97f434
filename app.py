"""The page to try mmgeo on, as a command and as a Hugging Face Space.

    python app.py --mmclip MMCLIP_FOLDER --mmgeolm MMGEOLM_FOLDER

opens it on http://127.0.0.1:7860. Without models, the data engine alone is there; pushed as a Space, the models come
from the environment (`MMCLIP`, `MMGEOLM`: folders or Hub ids).

Promise: a request reaches no file but the page's own uploads.
"""

import os
from dataclasses import dataclass, field
from typing import Any

from trl import TrlParser

from data_scripts.cli import run_command
from evaluation.page.layout import CSS, THEME, build_page
from evaluation.page.models import load_models
from evaluation.page.uploads import MAX_BYTES


@dataclass
class PageArguments:
    """Which models the page shows, and where."""

    mmclip: str | None = field(
        default_factory=lambda: os.environ.get("MMCLIP"),
        metadata={"help": "Folder or Hub id of an MMCLIP, or of a stock dual encoder to compare with."},
    )
    mmgeolm: str | None = field(
        default_factory=lambda: os.environ.get("MMGEOLM"),
        metadata={"help": "Folder or Hub id of an MMGeoLM, or of a stock LLaVA-shaped model."},
    )
    host: str = field(
        default="0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1",
        metadata={"help": "Address to listen on; 0.0.0.0 lets other machines in."},
    )
    port: int = field(default=7860, metadata={"help": "Port to listen on."})


def launch_options() -> dict[str, Any]:
    """How the page is served, wherever: its looks, and the largest file taken."""
    return {"css": CSS, "theme": THEME, "max_file_size": MAX_BYTES, "footer_links": ["gradio"]}


def main() -> None:
    """Start the page and serve it until interrupted."""
    (args,) = TrlParser(PageArguments).parse_args_and_config()
    page = build_page(load_models(args.mmclip, args.mmgeolm))
    page.launch(server_name=args.host, server_port=args.port, **launch_options())


if __name__ == "__main__":
    run_command(main)
