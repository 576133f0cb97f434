"""Write rows in the JSON layouts of the reference implementation, with image files beside them.

    python -m data_scripts.export_reference --dataset rows --output_dir reference

Rows of hard negatives become image_negatives.json and text_negatives.json (rule and retrieval negatives),
prompt/completion rows become sft.json (LLaVA's conversations). Images keep their bytes and lie in numbered folders
under images/. Every file is written to a temporary name first; a rerun writes only the images that are missing. The
layouts are described, and read back, by `sources.reference`.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tqdm.auto import tqdm
from trl import TrlParser

from .cli import run_command
from .sources import SOURCES, reference
from .sources.records import BadRow, OpenedRow

LAYOUTS = ("image_negatives", "text_negatives", "sft")
HARD_NEGATIVES = {
    "id",
    "image",
    "caption",
    "negative_images",
    "negative_captions",
    "rule_captions",
    "retrieved_captions",
}
QUESTIONS = {"id", "prompt", "completion"}
ROWS_PER_FOLDER = 1000
SUFFIXES = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg"}


@dataclass
class ExportArguments:
    """What to write and where."""

    dataset: str = field(metadata={"help": "Rows of hard negatives or of questions: folder, parquet file or Hub id."})
    output_dir: str = field(metadata={"help": "Folder for the JSON files and images."})
    split: str = field(default="train", metadata={"help": "Split to write.", "choices": ["train", "test"]})


class _JsonList:
    """A list of rows written one by one; it has its name once it is whole."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, 0

    def __enter__(self) -> "_JsonList":
        self._file = self.path.with_name(self.path.name + ".part").open("w", encoding="utf-8")
        self._file.write("[")
        return self

    def add(self, row: dict) -> None:
        self._file.write(("," if self.rows else "") + "\n" + json.dumps(row, ensure_ascii=False))
        self.rows += 1

    def __exit__(self, failed: object, *_: object) -> None:
        self._file.write("\n]\n")
        self._file.close()
        if failed is None and self.rows:
            os.replace(self._file.name, self.path)
        else:
            os.unlink(self._file.name)


def _write_image(content: bytes, output: Path, position: int, name: str) -> str:
    """Write an image unless it is there; returns its path relative to `output`."""
    suffix = next((s for start, s in SUFFIXES.items() if content.startswith(start)), ".img")
    path = Path("images") / f"{position // ROWS_PER_FOLDER:05d}" / f"{name}{suffix}"
    target = output / path
    if not target.exists() or target.read_bytes() != content:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(target.name + ".part")
        temporary.write_bytes(content)
        os.replace(temporary, target)
    return path.as_posix()


def _layouts(opened: OpenedRow, output: Path) -> Iterator[tuple[str, dict]]:
    """What a row becomes: the name of a file, and the row in it."""
    row, name = opened.row, f"{opened.position:08d}"
    if "prompt" in row:
        images = row.get("images") or []
        if len(images) > 1:
            raise BadRow("row: several images, which the layout cannot say")
        path = _write_image(opened.image(images[0]), output, opened.position, name) if images else None
        yield "sft", reference.sft_row(row, path)
        return
    negatives = [opened.image(image) for image in row["negative_images"]]
    positive = _write_image(opened.image(row["image"]), output, opened.position, name)
    if negatives:
        paths = [_write_image(c, output, opened.position, f"{name}_{i}") for i, c in enumerate(negatives)]
        yield "image_negatives", reference.image_negatives_row(row, positive, paths)
    if captions := [*row["rule_captions"], *row["retrieved_captions"]]:
        yield "text_negatives", reference.text_negatives_row(row, positive, captions)


def export(args: ExportArguments) -> dict[str, int]:
    """Write the files; returns how many rows each holds, and under `skipped: ..` what was left out.

    Raises:
        ValueError: if the data set cannot be opened or has rows of another kind.
    """
    output = Path(args.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    skipped: Counter[str] = Counter()
    with ExitStack() as stack:
        files = {name: stack.enter_context(_JsonList(output / f"{name}.json")) for name in LAYOUTS}
        for opened in tqdm(SOURCES["hard_negatives"].rows(args.dataset, args.split), desc="rows", unit="row"):
            columns = set(opened.row or ())
            if not columns >= HARD_NEGATIVES and not columns >= QUESTIONS:
                raise ValueError(
                    f"{args.dataset} holds neither rows of hard negatives nor prompt/completion rows; its columns: "
                    f"{', '.join(sorted(columns)) or 'none'}"
                )
            try:
                for name, row in list(_layouts(opened, output)):
                    files[name].add(row)
            except BadRow as reason:
                skipped[f"skipped: {reason}"] += 1
    written = {name: file.rows for name, file in files.items() if file.rows}
    if not written:
        raise ValueError(f"no row of {args.dataset} could be written: {dict(skipped)}")
    return written | dict(sorted(skipped.items()))


def main() -> None:
    (args,) = TrlParser(ExportArguments).parse_args_and_config()
    counts = export(args)
    print("; ".join(f"{name}: {count}" for name, count in counts.items()))
    print(f"written to {args.output_dir}")


if __name__ == "__main__":
    run_command(main)
