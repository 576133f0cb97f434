"""Figures written by a language model: questions in, checked rows of hard negatives out.

`client` asks, `cache` keeps what was answered, `prompts` words the questions, `answers` reads what came back,
`script_reader` turns a script into a diagram without running it, `pictures` and `grading` judge the outcome, `route`
strings the steps together. Scripts run in the sandbox only.
"""
