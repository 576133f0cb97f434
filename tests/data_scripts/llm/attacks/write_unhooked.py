"""Undoes the hook on savefig: digs the original out of closures, then saves through it, Pillow and numpy."""

import gc

import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

figure = plt.figure()
pixels = np.zeros((4, 4, 3), np.uint8)
originals = [
    f for f in gc.get_objects() if getattr(f, "__qualname__", "") in ("Figure.savefig", "FigureCanvasAgg.print_png")
]
ways = [lambda path, f=f: f(figure, path) for f in originals]
ways += [
    Image.fromarray(pixels).save,
    lambda path: matplotlib.image.imsave(path, pixels),
    lambda path: np.save(path, pixels),
]
errors = []
for number, way in enumerate(ways):
    try:
        way(f"@canary@/{number}.png")
    except Exception as error:
        errors.append(error)
plt.close("all")
raise errors[-1]
