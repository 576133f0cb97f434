import matplotlib.pyplot as plt

points = {"A": (0, 0), "B": (6, 0), "C": (4, 3), "D": (1, 3)}
xs, ys = zip(*(list(points.values()) + [points["A"]]))
plt.plot(xs, ys, color="black")
for name, (x, y) in points.items():
    plt.text(x, y, name, fontsize=12, fontweight="bold")
plt.title("Trapezoid ABCD")
plt.axis("equal")
plt.grid(True, linestyle=":")
