from itertools import combinations, product
import numpy as np
import matplotlib.pyplot as plt
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

fig = plt.figure(figsize=(5, 5))
ax = fig.add_subplot(111, projection="3d")
for s, e in combinations(np.array(list(product([0, 1], repeat=3))), 2):
    if np.sum(np.abs(s - e)) == 1:
        ax.plot3D(*zip(s, e), color="black")
ax.add_collection3d(Poly3DCollection([[(0, 0, 0), (1, 0, 0), (1, 1, 1)]], alpha=0.4))
ax.text(0, 0, 0, "A")
ax.view_init(elev=20, azim=30)
ax.set_box_aspect([1, 1, 1])
plt.savefig("cube.jpg", dpi=80)
