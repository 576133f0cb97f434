"""Finished folders as the commands leave them: a data set of two configs, tiny models, an adapter, a processor."""

import copy
import hashlib
import io
import json
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, Image, List, Value
from peft import LoraConfig, get_peft_model
from PIL import Image as PILImage
from PIL import ImageDraw

from model_cards.write_card import WriteCardArguments, write_card
from tests.tiny import tiny_mmclip, tiny_mmgeolm

TEXT = Value("string")
FEATURES = Features(
    {"id": TEXT, "source": TEXT, "image": Image(), "caption": TEXT, "negative_images": List(Image()), "facts": TEXT}
)
CONFIGS = ("with_markings", "letters_only")
SPLITS = {"train": 3, "test": 2}  # rows of each


def png(number: int) -> dict:
    """A figure, encoded: a triangle whose shape says which it is."""
    image = PILImage.new("RGB", (24, 24), "white")
    ImageDraw.Draw(image).polygon([(2, 22), (22, 22), (2 + number % 20, 2)], outline="black")
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return {"bytes": buffer.getvalue(), "path": None}


def row_ids(split: str, version: int) -> list[str]:
    return [f"figure/{version}/{split}/{number}" for number in range(SPLITS[split])]


def config_rows(config: str, split: str, version: int) -> Dataset:
    """Rows of one split, the second of them without a negative image."""
    numbers = range(SPLITS[split])
    columns = {
        "id": row_ids(split, version),
        "source": ["procedural"] * len(numbers),
        "image": [png(number) for number in numbers],
        "caption": [f"{config}: triangle ABC number {number}" for number in numbers],
        "negative_images": [[] if number == 1 else [png(number + 7), png(number + 9)] for number in numbers],
        "facts": ["{}"] * len(numbers),
    }
    return Dataset.from_dict(columns, features=FEATURES)


def _counts(config: str, split: str) -> dict:
    place = 2 * CONFIGS.index(config) + list(SPLITS).index(split)
    return {
        "asked": 40 + place,
        "kept": {
            "rows": SPLITS[split],
            "image negatives": 4011 + place,
            "rule negatives": 17 + place,
            "retrieval negatives": 0,
            "image edit: order": 203 + place,
            "rule edit: value": 57 + place,
        },
        "dropped": {"image: not provably different": 90 + place, "row: a|b": 3},
        "caption words": {"shortest": 4 + place, "mean": 12.5 + place, "longest": 61 + place},
    }


def report(version: int = 1) -> dict:
    """A build report of the layout that cards read; its figures differ from one another."""
    return {
        "arguments": {"seed": 0},
        "version": version,
        "command": "python -m data_scripts.build_hard_negatives --source procedural --num_rows 3 --output_dir rows",
        "sources": {"procedural": {"license": "apache-2.0", "name": "Figures of this project", "url": ""}},
        "configs": {config: {split: _counts(config, split) for split in SPLITS} for config in CONFIGS},
        "shortcuts": {
            config: {"pairs": 5000 + place, "ink": {"auc": 0.5034, "paired": 0.4971}, "style": {"auc": 0.4912}}
            for place, config in enumerate(CONFIGS)
        },
    }


def rows_folder(folder: Path, version: int = 1, card: bool = True) -> Path:
    """A data set of two configs with the README.md of its build, or with its full card."""
    configs = []
    for config in CONFIGS:
        (folder / config).mkdir(parents=True)
        rows = {split: config_rows(config, split, version) for split in SPLITS}
        digest = hashlib.sha256(f"{config} {version}".encode()).hexdigest()[:12]
        for split, part in rows.items():
            part.to_parquet(folder / config / f"{split}-00000-of-00001-{digest}.parquet")
        files = [{"split": split, "path": f"{config}/{split}-*-{digest}.parquet"} for split in SPLITS]
        configs.append({"config_name": config, "data_files": files} | ({} if configs else {"default": True}))
    (folder / "README.md").write_text(f"---\nconfigs: {json.dumps(configs)}\nlicense: mit\n---\n\n# Rows of a build\n")
    (folder / "build_report.json").write_text(json.dumps(report(version)))
    (folder / "contact_sheet.png").write_bytes(png(3)["bytes"])
    if card:
        write_card(WriteCardArguments(folder=str(folder), template="dataset", repo_id="org/rows"))
    return folder


def digest(folder: Path) -> dict[str, str]:
    """Every file below a folder with a hash of its content: equal digests mean an untouched folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def model_folders(folder: Path) -> dict[str, Any]:
    """Tiny models saved with their cards below `folder`: mmclip, mmgeolm, an adapter of it, a processor alone.

    Returns:
        The models and processors that were saved, by the name of their folder.
    """
    mmclip, mmclip_processor = tiny_mmclip("altclip")
    mmgeolm, processor = tiny_mmgeolm()
    saved = {"mmclip": (mmclip, mmclip_processor), "mmgeolm": (mmgeolm, processor), "processor": (mmclip_processor,)}
    for name, parts in saved.items():
        for part in parts:
            part.save_pretrained(folder / name)
    mmgeolm.name_or_path = "org/mmgeolm"  # as if it had been loaded from there
    lora = LoraConfig(r=2, target_modules=r".*language_model.*\.q_proj", init_lora_weights=False)
    adapted = get_peft_model(copy.deepcopy(mmgeolm), lora).eval()
    adapted.save_pretrained(folder / "adapter", save_embedding_layers=False)
    for name in (*saved, "adapter"):
        write_card(WriteCardArguments(folder=str(folder / name), template=name, repo_id=f"org/{name}"))
    return {**saved, "adapter": (adapted,)}
