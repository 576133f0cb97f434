import matplotlib.pyplot as plt
import matplotlib.patches as patches

# Right triangle with legs 3 and 4
A, B, C = (0, 0), (4, 0), (0, 3)
fig, ax = plt.subplots(figsize=(6, 5))
ax.add_patch(patches.Polygon([A, B, C], closed=True, fill=False, edgecolor="black", linewidth=2))
ax.add_patch(patches.Rectangle(A, 0.3, 0.3, fill=False, edgecolor="black"))
for name, (x, y), (dx, dy) in [("A", A, (-0.3, -0.3)), ("B", B, (0.1, -0.3)), ("C", C, (-0.3, 0.1))]:
    ax.text(x + dx, y + dy, f"${name}$", fontsize=16)
ax.text(2, -0.4, "4", fontsize=14, ha="center")
ax.text(-0.4, 1.5, "3", fontsize=14, va="center")
ax.set_xlim(-1, 5)
ax.set_ylim(-1, 4)
ax.set_aspect("equal")
ax.axis("off")
plt.savefig("right_triangle.png", dpi=150, bbox_inches="tight")
plt.show()
