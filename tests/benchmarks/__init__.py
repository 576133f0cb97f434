"""Speed and memory, measured and not tested: `python -m tests.benchmarks.NAME` writes JSON under runs/benchmarks/."""
