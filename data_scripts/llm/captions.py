"""Comparing captions as texts: what must hold of a negative before its figure is drawn.

The paper's constraints (MMGeoLM, appendix A): at least two letters change in a relabelling, no letter that the figure
does not have, no other wording of the same. They are checked on the names in the text, without understanding it.
"""

import re

NAME = re.compile(r"(?<![A-Za-z\\])[A-Z](?:[A-Z]{0,7})(?![A-Za-z])")
# "A circle", "A is"? An A before a lower-case word is the article unless that word makes it a subject.
ARTICLE = re.compile(
    r"(?<![A-Za-z])A(?= (?!is\b|lies\b|and\b|to\b|on\b|at\b|of\b|bisects\b|touches\b|joins\b)[a-z△∠])"
)
AN_ANGLE = re.compile(r"(?:∠|(?<!tri)(?<!rect)angle)\s*$", re.IGNORECASE)
# Of similar and congruent figures the order of the letters says which corner answers to which.
IN_ORDER = re.compile(r"[∼~≅≌]|\bsimilar|\bcongruent", re.IGNORECASE)


def _names(caption: str) -> list[str]:
    return NAME.findall(ARTICLE.sub("a", caption))


def letters(caption: str) -> set[str]:
    """The points a caption names."""
    return set("".join(_names(caption)))


def _same_name(name: str, before: str, in_order: bool) -> str:
    """One spelling for all that mean the same: AB and BA, ∠ABC and ∠CBA, ABCD and BCDA."""
    if len(name) <= 2:
        return "".join(sorted(name))
    if AN_ANGLE.search(before):
        return min(name, name[::-1])
    if in_order:
        return name
    turns = [name[i:] + name[:i] for i in range(len(name))]
    return min(turns + [turn[::-1] for turn in turns])


def meaning(caption: str) -> tuple[str, ...]:
    """A caption's sentences with names spelled one way, in no order: equal for wordings that are equivalent."""
    text = ARTICLE.sub("a", caption)
    in_order = bool(IN_ORDER.search(text))
    named = NAME.sub(lambda m: f"<{_same_name(m.group(), text[: m.start()], in_order)}>", text)
    text = re.sub(  # "AB ∥ CD" and "CD ∥ AB", "AB = CD" and "CD = AB"
        r"(∠?)(<\w+>) ?(∥|⊥|=) ?(∠?)(<\w+>)",
        lambda m: m.group(3).join(sorted([m.group(1) + m.group(2), m.group(4) + m.group(5)])),
        named,
    )
    parts = re.split(r"[.;,](?!\d)|\band\b", re.sub(r"(?<!<)\b[A-Za-z]+\b(?!>)", lambda m: m.group().lower(), text))
    return tuple(sorted(p for p in (" ".join(part.split()) for part in parts) if p))


def why_no_negative(positive: str, negative: str) -> str | None:
    """Why a caption cannot serve as a negative of another, or None. The reasons are few, for counting."""
    if meaning(positive) == meaning(negative):
        return "the same meaning"
    if letters(negative) - letters(positive):
        return "a letter the figure does not have"
    skeletons = [NAME.sub(lambda m: "@" * len(m.group()), ARTICLE.sub("a", text)) for text in (positive, negative)]
    if skeletons[0] == skeletons[1]:  # a relabelling and nothing else
        before, after = ("".join(_names(text)) for text in (positive, negative))
        if sum(a != b for a, b in zip(before, after, strict=True)) < 2:
            return "fewer than two letters changed"
    return None
