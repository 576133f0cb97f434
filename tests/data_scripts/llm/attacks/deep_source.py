"""Breaks the compiler by deep nesting, and then the C stack by half a million iterators inside each other."""

import contextlib

with contextlib.suppress(MemoryError, RecursionError, SyntaxError):
    compile("(" * 90 + "-" * 100_000 + "1" + ")" * 90, "deep", "eval")
nested = iter(())
for _ in range(500_000):
    nested = map(None, nested)
next(nested)
