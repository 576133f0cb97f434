"""Small data sets of both layouts, built on the spot and saved as parquet."""

import io
from pathlib import Path
from typing import Any

import datasets
from PIL import Image, ImageDraw

HARD_NEGATIVES = datasets.Features(
    {
        **{name: datasets.Value("string") for name in ("id", "caption")},
        "image": datasets.Image(),
        "negative_images": datasets.List(datasets.Image()),
        **{
            name: datasets.List(datasets.Value("string"))
            for name in ("negative_captions", "rule_captions", "rule_edits", "retrieved_captions")
        },
    }
)
MESSAGES = datasets.List({"role": datasets.Value("string"), "content": datasets.Value("string")})
SFT = datasets.Features(
    {
        "prompt": MESSAGES,
        "completion": MESSAGES,
        "images": datasets.List(datasets.Image()),
        **{name: datasets.Value("string") for name in ("id", "answer", "kind")},
    }
)


def picture(seed: int) -> bytes:
    """PNG of a figure; equal seeds give equal bytes."""
    image = Image.new("RGB", (32, 32), "white")
    ImageDraw.Draw(image).line(
        [(seed % 32, 2), (31 - seed % 7, 29)], fill=(seed * 37 % 256, 0, seed * 11 % 256), width=3
    )
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def encoded(content: bytes) -> dict:
    return {"bytes": content, "path": None}


def hard_negative_rows(count: int = 6) -> list[dict[str, Any]]:
    """Ragged rows: row i has i % 3 negative images, 2 rule captions except the last row, 1 retrieved caption."""
    rows = []
    for i in range(count):
        rows.append(
            {
                "id": f"row-{i}",
                "caption": f"triangle ABC with side {i}",
                "image": encoded(picture(i)),
                "negative_images": [encoded(picture(100 + 3 * i + j)) for j in range(i % 3)],
                "negative_captions": [f"triangle ABC with side {i}{j}" for j in range(i % 3)],
                "rule_captions": [f"square ABC with side {i}", f"square ABC with side {i}5"] if i < count - 1 else [],
                "rule_edits": ["shape", "shape+value"] if i < count - 1 else [],
                "retrieved_captions": [f"triangle ABC with side {(i + 1) % count}"],
            }
        )
    return rows


def sft_rows(count: int = 7) -> list[dict[str, Any]]:
    return [
        {
            "id": f"q-{i}",
            "prompt": [{"role": "user", "content": f"Find the angle {'A' * (1 + i % 4)}."}],
            "completion": [{"role": "assistant", "content": f"\\boxed{{{40 + i % 2}}}"}],
            "images": [encoded(picture(i))],
            "answer": str(40 + i % 2),
            "kind": ("angle", "length")[i % 3 == 0],
        }
        for i in range(count)
    ]


def save(folder: Path, features: datasets.Features, **splits: list[dict]) -> Path:
    """Write splits as parquet files that `load_dataset(folder)` finds."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in splits.items():
        datasets.Dataset.from_list(rows, features=features).to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return folder
