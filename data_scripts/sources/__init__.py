"""One file per origin of figures, captions and questions.

`procedural` and `geometry3k` give figures with facts. The public data sets give records, each through the `Source`
that `SOURCES` lists by name; `SOURCES[name].read(location, split, skipped)` gives them one after the other.
"""

from . import geo170k, geometry3k_qa, hard_negatives, mavis, mm_math, mm_math_align, reference
from .source import Source

SOURCES: dict[str, Source] = {
    module.SOURCE.name: module.SOURCE
    for module in (geo170k, mavis, mm_math, mm_math_align, geometry3k_qa, reference, hard_negatives)
}
CAPTION_SOURCES = tuple(name for name, source in SOURCES.items() if source.captions)
QUESTION_SOURCES = tuple(name for name, source in SOURCES.items() if source.questions)
