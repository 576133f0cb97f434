"""How well figures are told apart by their hash: the figures behind the threshold of `data_scripts.decontamination`.

python -m tests.benchmarks.image_hash --num_figures 2000
"""

import argparse
import io

import numpy as np
from PIL import Image, ImageOps
from tqdm.auto import tqdm

from data_scripts.decontamination.image_hash import distances, image_hash
from data_scripts.diagram.drawing import NoRoom, Style, lay_out, rasterise
from data_scripts.sources import procedural

LIMITS = (10, 20, 30, 40, 50)
BLOCK = 256


def recompressed(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def scaled(image: Image.Image, share: float) -> Image.Image:
    return image.resize((round(share * image.width), round(share * image.height)), Image.Resampling.BICUBIC)


COPIES = {
    "half the size": lambda im: scaled(im, 0.5),
    "a third of the size": lambda im: scaled(im, 1 / 3),
    "double size": lambda im: scaled(im, 2),
    "JPEG 30": lambda im: recompressed(im, 30),
    "JPEG 75": lambda im: recompressed(im, 75),
    "shifted": lambda im: ImageOps.expand(im, (37, 11, 0, 60), fill=255),
    "0.6 of the size, shifted, JPEG 40": lambda im: recompressed(
        ImageOps.expand(scaled(im, 0.6), (13, 40, 22, 0), fill=255), 40
    ),
}


def drawn(count: int) -> list[Image.Image]:
    figures = []
    for index in tqdm(range(count), desc="figures"):
        _, program, rng = procedural.figure_at(0, "train", index)
        try:
            figures.append(rasterise(lay_out(program.diagram, Style.draw(rng, 336))))
        except NoRoom:
            continue
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num_figures", type=int, default=2000)
    figures = drawn(parser.parse_args().num_figures)
    hashes = np.stack([image_hash(figure) for figure in figures])
    print(f"{len(figures)} figures; share within {LIMITS} bits of 512")
    for name, copy in COPIES.items():
        copies = np.stack([image_hash(copy(figure)) for figure in figures])
        apart = np.bitwise_count(copies ^ hashes).sum(1)
        print(f"{name}: {', '.join(f'{(apart <= limit).mean():.4f}' for limit in LIMITS)}; largest {apart.max()}")
    pairs, nearest = np.zeros(len(LIMITS), int), np.full(len(figures), 512)
    for start in range(0, len(figures), BLOCK):
        apart = distances(hashes[start : start + BLOCK], hashes)
        apart[np.arange(len(apart)), start + np.arange(len(apart))] = 512
        pairs += [int((apart <= limit).sum()) for limit in LIMITS]
        nearest[start : start + BLOCK] = apart.min(1)
    total = len(figures) * (len(figures) - 1) // 2
    print(f"different figures, of {total} pairs: {', '.join(f'{p // 2 / total:.5f}' for p in pairs)}")
    print(f"figures that have such a neighbour: {', '.join(f'{(nearest <= limit).mean():.4f}' for limit in LIMITS)}")


if __name__ == "__main__":
    main()
