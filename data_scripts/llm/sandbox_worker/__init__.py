"""The process in which scripts of unknown origin run: it locks itself, forks a child per script, and returns pixels.

Started by `data_scripts.llm.sandbox`, never imported by it except for the shape of their messages and the probe.
"""
