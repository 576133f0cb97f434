"""Changes matplotlib, numpy and Python themselves, so that the next script draws something else."""

import builtins
import random

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

plt.figure()
plt.rcParams.update({"figure.facecolor": "red", "lines.linewidth": 40, "font.size": 40})
Axes.plot = lambda *_args, **_options: []
np.array = builtins.len = lambda *_: 0
random.seed(7)
raise SystemExit("poisoned")
