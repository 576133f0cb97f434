"""Public benchmarks of geometry questions, one module each, all read into the same items.

`BENCHMARKS[name].read(location, split)` gives the items one after the other, `BENCHMARKS[name].prompt(item)` the text
that is put to a model.
"""

from .item import Benchmark, EncodedImage, Item

__all__ = ["BENCHMARKS", "Benchmark", "EncodedImage", "Item"]

BENCHMARKS: dict[str, Benchmark] = {}
