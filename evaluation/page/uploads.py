"""Pictures from visitors: opened with care, or refused with a sentence they can act on.

Promise: nothing but a file given as an upload is opened, no more than `MAX_PIXELS` are ever decoded, and what comes
back is an RGB image on white paper.
"""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from modeling_mmgeo.processing_mmclip import UNREADABLE, lay_on_white

MAX_BYTES = 8 << 20
MAX_PIXELS = 16_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")


def open_upload(path: str | None) -> Image.Image:
    """The picture in a file.

    Raises:
        ValueError: if there is none, it is too large, or cannot be read.
    """
    if path is None:
        raise ValueError("There is no figure yet: upload one, or draw one.")
    if (size := Path(path).stat().st_size) > MAX_BYTES:
        raise ValueError(
            f"This file has {size / 2**20:.0f} MB; at most {MAX_BYTES // 2**20} are read. Make it smaller."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # refused below, in our own words
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height <= MAX_PIXELS:
                    return lay_on_white(ImageOps.exif_transpose(image))
    except UNREADABLE as error:
        raise ValueError(f"This file cannot be read as a picture: give a whole {', '.join(FORMATS)} file.") from error
    raise ValueError(
        f"This picture has {image.width} x {image.height} pixels; at most {MAX_PIXELS / 1e6:.0f} million are read. "
        "Make it smaller."
    )


def check_drawn(image: Image.Image | None) -> Image.Image:
    """A drawing on paper.

    Raises:
        ValueError: if nothing is drawn.
    """
    if image is None or (paper := np.asarray(lay_on_white(image).convert("L"))).min() == paper.max():
        raise ValueError("The paper is empty: draw a figure first.")
    return lay_on_white(image)
