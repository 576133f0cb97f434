"""What can happen to a figure between the printer and the model: turned, shrunk, blurred, redrawn by another hand.

Two sorts. Some change the picture and serve any data set. Others draw the figure anew from the script of its row
(`data_scripts.diagram.script`), so only its look changes and its content provably does not: a thicker pen, another
font, strokes as by hand.

Source: MMGeoLM's robustness study turns by 30 degrees and halves the size; the others are ours.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from PIL import Image, ImageFilter

from data_scripts.diagram.drawing import FONTS, Drawing, rasterise
from data_scripts.diagram.marks import polar
from data_scripts.diagram.script import from_script
from data_scripts.png import to_levels

DEGREES = 30
SHARE = 0.5
BLUR = 0.006  # of the image's side: 2 pixels of 336
NOISE = 38.0  # standard deviation of grey values
QUALITY = 10  # of JPEG
PEN = 2.2  # times as thick
WOBBLE = 0.006  # of the image's side: how far a hand leaves the line
PIECE = 0.025  # of the image's side: the length of the pieces of a stroke by hand
WAVE = 0.12  # of the image's side: how far apart the turns of a trembling hand are

ChangePicture = Callable[[Image.Image, np.random.Generator], Image.Image]
ChangeDrawing = Callable[[Drawing, np.random.Generator], Drawing]


@dataclass(frozen=True)
class Perturbation:
    """One way to change a figure's look: its picture, or the drawing it is painted from, or first the latter."""

    title: str
    picture: ChangePicture | None = None
    drawing: ChangeDrawing | None = None

    @property
    def redraws(self) -> bool:
        """Whether the script of the figure is needed."""
        return self.drawing is not None

    def __call__(self, image: Image.Image, script: str | None, rng: np.random.Generator) -> Image.Image | None:
        """The changed figure, RGB; None where it would have to be drawn anew and has no script of ours.

        Args:
            image: the figure, RGB.
            script: what draws it.
            rng: draws noise and jitter.
        """
        if self.drawing is not None:
            try:
                drawing = from_script(script or "")
            except ValueError:
                return None
            levels = to_levels(np.asarray(rasterise(self.drawing(drawing, rng))))
            image = Image.fromarray(levels).convert("RGB")
        return image if self.picture is None else self.picture(image, rng)


def rotate(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Turned counter-clockwise on white, the canvas large enough for all of it."""
    return image.rotate(DEGREES, Image.Resampling.BICUBIC, expand=True, fillcolor="white")


def downscale(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Half as wide and high; the model enlarges it again to what it takes."""
    size = (max(1, round(side * SHARE)) for side in image.size)
    return image.resize(tuple(size), Image.Resampling.LANCZOS)


def blur(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Out of focus: a Gaussian."""
    return image.filter(ImageFilter.GaussianBlur(BLUR * max(image.size)))


def noise(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Grain of a poor camera: the same on all three colours."""
    grain = rng.normal(0, NOISE, size=(image.height, image.width, 1))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


def jpeg(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Compressed hard, as by a messenger."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return Image.open(buffer).convert("RGB")


def thick_pen(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    """Thicker lines and dots, letters as they were."""
    return replace(drawing, style=replace(drawing.style, line_width=PEN * drawing.style.line_width))


def other_font(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    """The next of the fonts, and upright letters slanted or the other way round; each centred where it was."""
    font = FONTS[(FONTS.index(drawing.style.font) + 1) % len(FONTS)]
    texts = tuple(replace(text, italic=not text.italic) if text.text.isalpha() else text for text in drawing.texts)
    return replace(drawing, style=replace(drawing.style, font=font), texts=texts)


def by_hand(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    """Strokes that leave the straight line and the circle a little, and letters a little off their place."""
    size = drawing.style.size
    lines = [_trembling(np.array(line, dtype=float), size, rng) for line in drawing.lines]
    for x, y, radius, start, end in drawing.arcs:
        count = max(8, int(radius * np.radians(end - start) / (PIECE * size)))
        curve = [polar((x, y), radius, angle) for angle in np.linspace(start, end, count).tolist()]
        lines.append(_trembling(np.array(curve), size, rng))
    texts = tuple(
        replace(text, x=text.x + dx, y=text.y + dy)
        for text, (dx, dy) in zip(drawing.texts, rng.normal(0, WOBBLE * size, (len(drawing.texts), 2)), strict=True)
    )
    return replace(drawing, lines=tuple(lines), arcs=(), texts=texts)


def _trembling(stroke: np.ndarray, size: int, rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    """A stroke in short pieces, off its course by a slow random walk with both ends nearly in place."""
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    along = np.concatenate([[0], np.cumsum(lengths)])
    count = max(2, int(along[-1] / (PIECE * size)) + 1)
    at = np.unique(np.concatenate([np.linspace(0, along[-1], count), along]))
    places = np.column_stack([np.interp(at, along, stroke[:, axis]) for axis in (0, 1)])
    return tuple(map(tuple, (places + _sway(at, size, rng)).tolist()))


def _sway(at: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth displacements in x and y at the lengths `at` along a stroke, `[places, 2]` pixels."""
    knots = np.arange(0, at[-1] + 2 * WAVE * size, WAVE * size)
    return np.column_stack([np.interp(at, knots, rng.normal(0, WOBBLE * size, len(knots))) for _ in range(2)])


def tremble(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The paper itself pulled a little this way and that, which also bends the letters: a smooth random warp."""
    height, width = image.height, image.width
    side = max(height, width)
    coarse = max(2, round(1 / WAVE))

    def displaced() -> np.ndarray:
        field = Image.fromarray(rng.normal(0, 0.7 * WOBBLE * side, (coarse, coarse)).astype(np.float32))
        return np.asarray(field.resize((width, height), Image.Resampling.BICUBIC))

    rows, columns = np.mgrid[:height, :width]
    return Image.fromarray(_sample(np.asarray(image, dtype=float), rows + displaced(), columns + displaced()))


def _sample(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The picture at places between its pixels, by the four around each."""
    rows, columns = np.clip(rows, 0, pixels.shape[0] - 1.001), np.clip(columns, 0, pixels.shape[1] - 1.001)
    top, left = rows.astype(int), columns.astype(int)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    upper = (1 - right) * pixels[top, left] + right * pixels[top, left + 1]
    lower = (1 - right) * pixels[top + 1, left] + right * pixels[top + 1, left + 1]
    return np.round((1 - down) * upper + down * lower).astype(np.uint8)


PERTURBATIONS: dict[str, Perturbation] = {
    "rotation": Perturbation(f"turned by {DEGREES}°", picture=rotate),
    "downscale": Perturbation(f"{SHARE:g} times the size", picture=downscale),
    "blur": Perturbation("out of focus", picture=blur),
    "noise": Perturbation("grain", picture=noise),
    "jpeg": Perturbation(f"JPEG, quality {QUALITY}", picture=jpeg),
    "line_width": Perturbation(f"a pen {PEN:g} times as thick", drawing=thick_pen),
    "font": Perturbation("another font", drawing=other_font),
    "handwriting": Perturbation("as by hand", picture=tremble, drawing=by_hand),
}


def perturbed(name: str, image: Image.Image, script: str | None, seed: int, *place: int) -> Image.Image | None:
    """A figure changed by the perturbation of that name, or None where it would have to be drawn anew and cannot.

    Args:
        name: a key of `PERTURBATIONS`.
        image: the figure, RGB.
        script: what draws it, if that is known.
        seed: of noise and jitter, together with the figure's place.
        place: where the figure stands in its data set, as numbers.
    """
    return PERTURBATIONS[name](image, script, np.random.default_rng([seed, crc32(name.encode()), *place]))
