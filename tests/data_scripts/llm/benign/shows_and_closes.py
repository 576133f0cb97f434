import matplotlib.pyplot as plt

plt.figure(figsize=(4, 3))
plt.fill([0, 4, 2], [0, 0, 3], facecolor="none", edgecolor="navy", hatch="//")
plt.annotate("", xy=(0, -0.3), xytext=(4, -0.3), arrowprops=dict(arrowstyle="<->"))
plt.text(2, -0.6, "$a = 4\\,\\mathrm{cm}$", ha="center")
plt.tight_layout()
plt.show()
plt.close()
