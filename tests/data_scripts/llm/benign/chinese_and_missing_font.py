from pathlib import Path
import matplotlib.pyplot as plt

plt.rcParams["font.sans-serif"] = ["SimHei", "Arial Unicode MS", "DejavuSans"]
plt.rcParams["axes.unicode_minus"] = False
fig, ax = plt.subplots(figsize=(4, 4))
ax.plot([0, 4, 4, 0, 0], [0, 0, 4, 4, 0], "k-", lw=1)
ax.text(2, 2, "正方形 ABCD", ha="center", fontname="Helvetica")
ax.text(0, -0.4, "−1 ∥ ⊥ ∠ △", family="Times New Roman")
ax.axis("off")
fig.savefig(Path("out") / "square.webp", facecolor="white", pad_inches=0.1, bbox_inches="tight")
