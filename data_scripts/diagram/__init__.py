"""A geometry figure as a program with checkable facts.

`Diagram` is the solved figure (points, segments, circles, marks, facts). `facts` decides on coordinates what is true
of it, `caption` says it in words, `drawing` lays it out and draws it, `script` prints the matplotlib script that draws
it. A `Figure` is a diagram that can be edited: `Program` solves a list of construction steps again, `TracedFigure`
knows coordinates only.
"""

from .diagram import Circle, Diagram, Fact, Figure, Mark

__all__ = ["Circle", "Diagram", "Fact", "Figure", "Mark"]
