"""The hard-negative exam: can a dual encoder tell a geometry figure from figures and captions that differ in a detail?

`python -m evaluation.hard_negative_exam` builds it, `python -m evaluation.hard_negative_exam.sit` has a model sit it.
`manifest.json` freezes it: ids, options, and hashes of every row.
"""

from evaluation.hard_negative_exam.build import main

__all__ = ["main"]
