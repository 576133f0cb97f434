"""Is a rendered script a drawing as exams print it, and do two drawings differ visibly?

The paper's rules for a figure that can be seen in its pixels (MMGeoLM, appendix A): black only, everything inside the
frame, no fill; and that there is something at all.
"""

import io

import numpy as np
from PIL import Image

INK = 128  # grey levels: darker counts as ink
COLORFUL = 48  # grey levels between the channels of a pixel
COLORED_SHARE = 0.01  # of the pixels that are not white
LEAST_INK = 0.001  # of the image
MOST_INK = 0.3  # of the image: lines and letters never cover that much
EDGE = 2  # pixels
DIFFERENT = 64  # grey levels
# Of the image: at 336 pixels a side 12 pixels. Two letters or digits of 18 pixels differ in 14 at least (E and F).
VISIBLE_SHARE = 12 / 336**2


def open_png(png: bytes) -> Image.Image:
    """The rendered image on white, as RGB."""
    with Image.open(io.BytesIO(png)) as image:
        image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def fault(image: Image.Image) -> str | None:
    """What is wrong with a drawing, in words a language model can act on, or None."""
    pixels = np.asarray(image, dtype=np.int16)
    drawn = pixels.min(-1) < 240
    if drawn.mean() < LEAST_INK:
        return "the image is blank"
    if (np.ptp(pixels, axis=-1)[drawn] > COLORFUL).mean() > COLORED_SHARE:
        return "the drawing has colours: black on white only"
    ink = pixels.max(-1) < INK
    if ink.mean() > MOST_INK:
        return "the drawing is filled: lines and letters only"
    if ink[:EDGE].any() or ink[-EDGE:].any() or ink[:, :EDGE].any() or ink[:, -EDGE:].any():
        return "the drawing touches the edge of the image: leave a margin around it"
    return None


def to_square(image: Image.Image, size: int) -> Image.Image:
    """The drawing in grey, white added to make it square, scaled to `size` pixels a side."""
    side = max(image.size)
    square = Image.new("L", (side, side), 255)
    square.paste(image.convert("L"), ((side - image.width) // 2, (side - image.height) // 2))
    return square if side == size else square.resize((size, size), Image.Resampling.LANCZOS)


def differ(first: Image.Image, second: Image.Image) -> bool:
    """Whether a person would see a difference between two grey images of one size."""
    gap = np.abs(np.asarray(first, dtype=np.int16) - np.asarray(second, dtype=np.int16))
    return bool((gap > DIFFERENT).mean() >= VISIBLE_SHARE)
