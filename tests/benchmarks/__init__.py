"""Speed and memory, measured by hand: `python -m tests.benchmarks.NAME` prints one line per measure and writes
runs/benchmarks/NAME.json. pytest collects nothing here: a timed test fails on a busy machine.
"""
