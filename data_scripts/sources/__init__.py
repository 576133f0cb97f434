"""One file per origin of figures, captions and questions.

`procedural` and `geometry3k` give figures with facts. The public data sets give records, each through the `Source`
that `SOURCES` lists by name; `SOURCES[name].read(location, split, skipped)` gives them one after the other.
"""

from collections.abc import Iterable

from . import geo170k, geometry3k, geometry3k_qa, hard_negatives, mavis, mm_math, mm_math_align, procedural, reference
from .source import Source

FIGURE_SOURCES = {"procedural": procedural, "geometry3k": geometry3k}

SOURCES: dict[str, Source] = {
    module.SOURCE.name: module.SOURCE
    for module in (geo170k, mavis, mm_math, mm_math_align, geometry3k_qa, reference, hard_negatives)
}
CAPTION_SOURCES = tuple(name for name, source in SOURCES.items() if source.captions)
QUESTION_SOURCES = tuple(name for name, source in SOURCES.items() if source.questions)


def credits_of(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Whom the rows of these sources come from and under which licence, for reports and cards."""
    return {name: _credit(name) for name in sorted(names)}


def _credit(name: str) -> dict[str, str]:
    if name in FIGURE_SOURCES:
        return FIGURE_SOURCES[name].CREDIT
    if name not in SOURCES:
        return {"license": "unknown", "name": name}
    source = SOURCES[name]
    home = {"url": f"https://huggingface.co/datasets/{source.hub_id}"} if source.hub_id else {}
    return {"license": source.license, "name": source.hub_id or name, **home}


def license_of(credits: dict[str, dict[str, str]]) -> str:
    """One licence for a card's metadata; "other" where sources differ."""
    licenses = {credit["license"] for credit in credits.values()}
    return licenses.pop() if len(licenses) == 1 else "other"
