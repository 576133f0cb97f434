"""Breaks the compiler by deep nesting, and then the C stack by half a million iterators inside each other."""

try:
    compile("(" * 90 + "-" * 100_000 + "1" + ")" * 90, "deep", "eval")
except (MemoryError, RecursionError, SyntaxError):
    pass
nested = iter(())
for _ in range(500_000):
    nested = map(None, nested)
next(nested)
