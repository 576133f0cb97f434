"""Public benchmarks of geometry questions, one module each, all read into the same items.

`BENCHMARKS[name].read(location, split)` gives the items one after the other, `BENCHMARKS[name].prompt(item)` the text
that is put to a model.
"""

from . import geoqa, math_vision, mathvista, mm_math, visonlyqa, we_math
from .item import Benchmark, EncodedImage, Item

__all__ = ["BENCHMARKS", "Benchmark", "EncodedImage", "Item"]

BENCHMARKS: dict[str, Benchmark] = {
    module.BENCHMARK.name: module.BENCHMARK for module in (geoqa, mathvista, we_math, mm_math, visonlyqa, math_vision)
}
