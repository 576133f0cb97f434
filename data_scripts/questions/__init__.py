"""Questions whose answers the figure knows, with worked solutions: one module per theme, one function per kind.

Each kind draws a figure, prints the given values on it and asks for what follows from them. The question names what is
asked and not what is given: that has to be read off the figure. Importing this package registers all kinds.
"""

from . import angles, areas, circles, equations, quadrilaterals, reading, similarity, triangles  # noqa: F401  importing registers kinds
from .question import KINDS, Question, draw_question

__all__ = ["KINDS", "Question", "draw_question"]
