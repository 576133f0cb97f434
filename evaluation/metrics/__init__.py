"""Metrics of the `evaluate` library, each in a folder that it loads by its path."""
