from dataclasses import dataclass

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


@dataclass
class Point:
    x: float
    y: float
    name: str


fig = Figure(figsize=(3, 3))
canvas = FigureCanvasAgg(fig)
ax = fig.add_axes([0.1, 0.1, 0.8, 0.8])
points = [Point(0, 0, "P"), Point(1, 0.2, "Q"), Point(0.4, 1, "R")]
for p, q in zip(points, points[1:] + points[:1]):
    ax.plot([p.x, q.x], [p.y, q.y], color="k")
    ax.text(p.x, p.y, p.name)
ax.set_axis_off()
canvas.print_png("triangle.png")
