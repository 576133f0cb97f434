"""Do finished folders load for somebody who has never heard of this project?

    python -m evaluation.load_back --mmclip F --mmgeolm F --output load_back.json

starts a fresh process in another directory, in which no package of this project can be imported, and loads each folder
there with trust_remote_code alone: the Auto classes, then one pass through `zero-shot-image-classification` and
`image-text-to-text`. What loaded, how long it took and what came out is written to the output file. Files that did not
travel with the weights, or an import that only works here, end the command with the last lines of that process.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw
from trl import TrlParser

from data_scripts.cli import run_command
from evaluation.results import library_versions, weights_fingerprint, write_json

CHILD = Path(__file__).with_name("load_back_child.py")
LAST_LINES = 15


@dataclass
class LoadBackArguments:
    """Load finished folders in a fresh process without this project's packages, and run their pipelines once."""

    output: str = field(metadata={"help": "JSON file for what loaded."})
    mmclip: str | None = field(default=None, metadata={"help": "Folder of an MMCLIP."})
    mmgeolm: str | None = field(default=None, metadata={"help": "Folder of an MMGeoLM."})
    image: str | None = field(default=None, metadata={"help": "Figure to show the models; a triangle if not given."})
    timeout: int = field(default=900, metadata={"help": "Seconds the fresh process may take."})


def draw_triangle(path: Path) -> None:
    """A right triangle with lettered vertices, black on white."""
    image = Image.new("RGB", (336, 336), "white")
    draw = ImageDraw.Draw(image)
    corners = {"A": (60, 60), "B": (60, 270), "C": (280, 270)}
    draw.polygon(list(corners.values()), outline="black", width=3)
    for name, (x, y) in corners.items():
        draw.text((x - 20, y - 6), name, fill="black")
    image.save(path)


def load_back(mmclip: str | None, mmgeolm: str | None, image: str | None = None, timeout: int = 900) -> dict:
    """Load the folders in a fresh process; returns what the process reports, by folder.

    Raises:
        ValueError: if no folder is given or one does not exist, or if the process fails or is late. Its last lines are
            then part of the message.
    """
    folders = {kind: folder for kind, folder in (("mmclip", mmclip), ("mmgeolm", mmgeolm)) if folder}
    if not folders:
        raise ValueError("nothing to load: give --mmclip, --mmgeolm or both")
    for kind, folder in folders.items():
        if not (Path(folder) / "config.json").is_file():
            raise ValueError(f"--{kind} {folder} is no folder with a config.json")
    if image is not None and not Path(image).is_file():
        raise ValueError(f"--image {image} does not exist")
    with tempfile.TemporaryDirectory(prefix="load_back_") as elsewhere:
        request = Path(elsewhere) / "request.json"
        report = Path(elsewhere) / "report.json"
        if image is None:
            draw_triangle(Path(elsewhere) / "figure.png")
        request.write_text(
            json.dumps(
                {
                    "folders": {kind: str(Path(folder).resolve()) for kind, folder in folders.items()},
                    "image": str(Path(image).resolve()) if image else str(Path(elsewhere) / "figure.png"),
                    "report": str(report),
                    "modules": str(Path(elsewhere) / "modules"),
                }
            )
        )
        try:
            # -P keeps the folder of the child's file off its import path.
            process = subprocess.run(
                [sys.executable, "-P", str(CHILD), str(request)],
                cwd=elsewhere,
                capture_output=True,
                text=True,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            raise ValueError(f"loading took longer than {timeout} seconds: raise --timeout") from None
        if process.returncode != 0 or not report.exists():
            last = "\n".join((process.stdout + process.stderr).strip().splitlines()[-LAST_LINES:])
            raise ValueError(f"the fresh process ended with status {process.returncode}. Its last lines:\n{last}")
        return json.loads(report.read_text(encoding="utf-8"))


def main() -> None:
    (arguments,) = TrlParser(LoadBackArguments).parse_args_and_config()
    loaded = load_back(arguments.mmclip, arguments.mmgeolm, arguments.image, arguments.timeout)
    for kind, entry in loaded.items():
        entry["folder"] = getattr(arguments, kind)
        entry["model_fingerprint"] = weights_fingerprint(entry["folder"])
        for name, part in entry["parts"].items():
            print(f"{kind:<9}{name:<40}{part['class']:<36}{part['seconds']:>7.1f} s")
    write_json(
        arguments.output,
        {"measure": "load_back", "loaded": loaded, "image": arguments.image, "versions": library_versions()},
    )


if __name__ == "__main__":
    run_command(main)
