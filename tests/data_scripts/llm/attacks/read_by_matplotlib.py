"""Reads the token file as an image, a style sheet and a font, hoping that an error message quotes it."""

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.ft2font import FT2Font

errors = []
for read in (plt.imread, plt.style.use, matplotlib.rc_file, FT2Font):
    try:
        read("@secret@")
    except Exception as error:
        errors.append(repr(error))
raise SystemExit(" ".join(errors))
