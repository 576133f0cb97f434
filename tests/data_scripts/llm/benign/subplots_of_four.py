import math
import random
import matplotlib.pyplot as plt
from matplotlib.lines import Line2D

random.seed(3)
fig, axes = plt.subplots(2, 2, figsize=(8, 8), sharex=True)
for n, ax in zip(range(3, 7), axes.flat):
    turn = random.random()
    corners = [(math.cos(turn + 2 * math.pi * k / n), math.sin(turn + 2 * math.pi * k / n)) for k in range(n)]
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1]):
        ax.add_line(Line2D([x0, x1], [y0, y1], color="tab:blue", linewidth=2))
    ax.set_title(f"Regular {n}-gon", fontsize=10)
    ax.set_xlim(-1.3, 1.3)
    ax.set_ylim(-1.3, 1.3)
    ax.set_aspect("equal")
fig.suptitle("Regular polygons")
fig.tight_layout()
fig.savefig("polygons.pdf")
plt.close(fig)
