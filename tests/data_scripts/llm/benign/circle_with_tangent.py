import numpy as np
import matplotlib.pyplot as plt
from matplotlib.patches import Arc, Circle, Wedge

fig = plt.figure(figsize=(5, 5), dpi=100)
ax = fig.add_subplot(111, aspect="equal")
ax.add_patch(Circle((0, 0), 2, fill=False, lw=1.5))
theta = np.deg2rad(35)
T = 2 * np.array([np.cos(theta), np.sin(theta)])
direction = np.array([-np.sin(theta), np.cos(theta)])
ends = np.array([T - 2.5 * direction, T + 2.5 * direction])
ax.plot(ends[:, 0], ends[:, 1], "k-")
ax.plot([0, T[0]], [0, T[1]], "k--")
ax.add_patch(Arc((0, 0), 1, 1, theta1=0, theta2=35))
ax.add_patch(Wedge((0, 0), 2, 180, 240, alpha=0.3, color="gray"))
ax.plot(0, 0, "ko", ms=4)
ax.annotate("O", (0, 0), textcoords="offset points", xytext=(-14, -12))
ax.annotate("T", T, textcoords="offset points", xytext=(8, 4))
ax.annotate(r"$35^\circ$", (0.6, 0.12))
ax.set(xlim=(-3.5, 3.5), ylim=(-3.5, 3.5))
ax.set_axis_off()
fig.savefig("output/circle.png")
