"""What stands in for `savefig` and `show` while a script runs: they keep pixels, and write nothing.

Which picture counts: the last one that was saved; else the last one shown; else the current figure, since scripts
written by a language model often forget to save. Name and format given to `savefig` are ignored; dpi, bounding box,
padding and colours are honoured.
"""

import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .messages import SIZE

IGNORED = ("format", "metadata", "pil_kwargs", "backend", "orientation")
FORMATS = ("png", "raw", "rgba", "jpg", "jpeg", "tif", "tiff", "webp", "gif", "avif")


class Camera:
    """Keeps the pixels of the last figure that a script saved or showed."""

    def __init__(self, max_pixels: int) -> None:
        self.max_pixels = max_pixels
        self._last: tuple[bytes, memoryview] | None = None  # size and RGBA bytes of what was drawn last
        self._saved: tuple[bytes, memoryview] | None = None
        self._shown: tuple[bytes, memoryview] | None = None
        self._savefig = Figure.savefig

    def install(self) -> None:
        """Replace matplotlib's ways to the disk and to the screen."""

        def print_pixels(canvas, filename_or_obj=None, **_options):
            self._draw(canvas)

        def savefig(figure, fname=None, **options):
            self._saved = self._photograph(figure, options)

        def show(*_args, **_options):
            if plt.get_fignums():
                self._shown = self._photograph(plt.gcf(), {})

        for name in FORMATS:
            setattr(FigureCanvasAgg, f"print_{name}", print_pixels)
        Figure.savefig = savefig
        plt.show = show

    def picture(self) -> tuple[bytes, memoryview] | None:
        """Size and RGBA bytes of the picture that counts, or None if the script drew none."""
        if self._saved is None and self._shown is None and plt.get_fignums():
            self._shown = self._photograph(plt.gcf(), {})
        return self._saved or self._shown or self._last

    def _photograph(self, figure: Figure, options: dict) -> tuple[bytes, memoryview] | None:
        kept = {name: value for name, value in options.items() if name not in IGNORED}
        self._savefig(figure, None, format="raw", **kept)
        return self._last

    def _draw(self, canvas: FigureCanvasAgg) -> None:
        width, height = canvas.get_width_height(physical=True)
        if width * height > self.max_pixels:  # the parent checks again; this only says it in better words
            raise ValueError(f"the picture has {width} x {height} pixels, more than {self.max_pixels} in all")
        FigureCanvasAgg.draw(canvas)
        pixels = memoryview(canvas.buffer_rgba())  # [height, width, 4]
        self._last = SIZE.pack(pixels.shape[1], pixels.shape[0]), pixels
