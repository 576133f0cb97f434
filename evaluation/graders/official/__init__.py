"""What each benchmark's official script would say of a response, so that our figures can stand beside published ones.

Only the behaviour is reproduced, mistakes included; where an official script asks a language model to find the answer
in the response, our own reader takes its place, and the verdict says so.
"""

from collections.abc import Callable

from evaluation.benchmarks.item import Item

from . import geoqa, math_vision, mathvista, mm_math, visonlyqa, we_math
from .verdict import OfficialVerdict

__all__ = ["OFFICIAL", "OfficialVerdict"]

OFFICIAL: dict[str, Callable[[Item, str], OfficialVerdict]] = {
    "geoqa": geoqa.verdict,
    "mathvista": mathvista.verdict,
    "we_math": we_math.verdict,
    "mm_math": mm_math.verdict,
    "visonlyqa": visonlyqa.verdict,
    "math_vision": math_vision.verdict,
}
