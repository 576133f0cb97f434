"""Questions whose answers the figure knows, with worked solutions: one module per theme, one function per kind.

Each kind draws a figure, prints the given values on it and asks for what follows from them. The question names what is
asked and not what is given: that has to be read off the figure. Importing this package registers all kinds.
"""

# importing a theme registers its kinds, in this order
from . import angles, triangles, quadrilaterals, circles, similarity, areas, equations, coordinates, reading  # noqa: F401, I001
from .choices import INSTRUCTION
from .question import KINDS, Question, draw_question

__all__ = ["INSTRUCTION", "KINDS", "Question", "draw_question"]
