"""Writes an edited statement in the form of the one it replaces.

Promise: only the edited letters, number or words change; names keep their "side" or "\\angle", signs stay signs and
LaTeX stays LaTeX, articles fit the words after them, and a sentence still begins with a capital. For another kind of
statement the wording nearest to the old one is taken, step by step.
"""

import re
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cache, lru_cache

from ..diagram import Fact
from .grammar import VALUE_PLACE, Symbol, symbols_of
from .kinds import SYMMETRIES
from .lexer import ARTICLES, SYMBOLS
from .lexicon import SHAPE_WORDS, Phrase, all_phrases
from .parser import Parsed, Statement
from .values import normal_value
from .words import words

LEAST_LIKE = 0.4  # share of steps that two wordings have in common: below this the new one would read out of place
_VERBS, _ATTRIBUTES = words("verbs"), words("attributes")
_SIGNS = {"TRI": "△", "ANG1": "∠", "ANG3": "∠", "CIRC": "⊙"}
_WORDS = {"TRI": "triangle ", "ANG1": "angle ", "ANG3": "angle ", "CIRC": "circle "}
_NUMBER_OR_LETTER = re.compile(r"\d+(?:\.\d+)?|(?<![a-zA-Z\\])[a-z](?![a-zA-Z])")


def rewrite(parsed: Parsed, statement: Statement, number: int, edited: Fact) -> str | None:
    """The statement's text with its fact of that number edited; None where no wording fits.

    Args:
        parsed: the caption.
        statement: one of its statements.
        number: which of the statement's facts is edited.
        edited: the fact to state in its place, with other points, another value or another kind.
    """
    old = statement.facts[number]
    if edited.kind != old.kind and number >= len(statement.phrase.facts):
        return _other_words(parsed, statement, number, edited.kind)
    if edited.kind != old.kind:
        return _another_kind(parsed, statement, number, edited)
    if edited.value != old.value:
        return _another_value(parsed.text, statement, edited.value)
    letters: dict[int, str] = {}
    for place, before, after in zip(statement.places(number), old.points, edited.points, strict=True):
        if (place == -1 and before != after) or letters.setdefault(place, after) != after:
            return None
    changes = [
        (span, letters[place])
        for name in statement.names
        for place, span in zip(name.places, name.spans, strict=True)
        if place in letters
    ]
    return _replaced(parsed.text, statement.span, changes)


def _replaced(text: str, span: tuple[int, int], changes: list[tuple[tuple[int, int], str]]) -> str:
    """A stretch of the text with parts of it changed."""
    pieces, at = [], span[0]
    for (start, end), new in sorted(changes):
        pieces += [text[at:start], new]
        at = end
    return "".join([*pieces, text[at : span[1]]])


def _another_value(text: str, statement: Statement, value: str) -> str | None:
    """The number or letter in which the values differ is changed where it stands."""
    ((start, end),) = (s for n in statement.names for p, s in zip(n.places, n.spans, strict=True) if p == VALUE_PLACE)
    surface = text[start:end]
    olds = list(_NUMBER_OR_LETTER.finditer(normal_value(surface)))
    news = list(_NUMBER_OR_LETTER.finditer(value))
    if len(olds) != len(news):
        return None
    differ = [i for i, (a, b) in enumerate(zip(olds, news, strict=True)) if a.group() != b.group()]
    if len(differ) != 1:
        return None
    old, new = olds[differ[0]].group(), news[differ[0]].group()
    earlier = sum(m.group() == old for m in olds[: differ[0]])
    places = [m for m in _NUMBER_OR_LETTER.finditer(surface) if m.group() == old]
    if len(places) <= earlier:
        return None
    found = places[earlier]
    return _replaced(text, statement.span, [((start + found.start(), start + found.end()), new)])


def _other_words(parsed: Parsed, statement: Statement, number: int, kind: str) -> str | None:
    """Another shape for a name that tells its shape by the way."""
    name = statement.described(number)
    words = next((w for w, k in SHAPE_WORDS.get(len(name.places), {}).items() if k == kind), None)
    if words is None:
        return None
    old = parsed.text[slice(*name.words)]
    article, space, _ = old.partition(" ")
    new = _with_article(article, words) if space and article.lower() in ARTICLES else words
    new = new[0].upper() + new[1:] if old[0].isupper() else new
    return _replaced(parsed.text, statement.span, [(name.words, new)])


@dataclass(frozen=True)
class _Chunk:
    """A step of a wording as it stands in the text, with the number of the old step whose surroundings it takes."""

    text: str
    old: int | None


def _chunks(parsed: Parsed, statement: Statement, steps: tuple[Symbol, ...]) -> list[tuple[int, int, str]]:
    """Where every step of the wording stands in the text, and its article."""
    names = iter(statement.names)
    at, found = statement.tokens[0], []
    for step in steps:
        first = last = at
        if step.kind:
            span = next(names).spans[-1]
            while parsed.tokens[last].end < span[1]:
                last += 1
        article = parsed.tokens[first].article
        found.append(
            (parsed.tokens[first].start, parsed.tokens[last].end, parsed.text[slice(*article)] if article else "")
        )
        at = last + 1
    return found


def _another_kind(parsed: Parsed, statement: Statement, number: int, edited: Fact) -> str | None:
    old = statement.facts[number]
    if not set(edited.points) <= set(old.points):
        return None
    if number >= len(statement.phrase.facts) or len(statement.facts) > len(statement.phrase.facts):
        return None  # words by the way would be lost
    where = tuple(i if old.points[i : i + 1] == (p,) else old.points.index(p) for i, p in enumerate(edited.points))
    new = _closest(statement.phrase, number, edited.kind, where)
    if new is None:
        return None
    steps = symbols_of(statement.phrase.template)
    if parsed.text.count("$", 0, statement.span[0]) % 2 and _words(new) - _words(steps):
        return None  # no words within a formula
    chunks = _chunks(parsed, statement, steps)
    text = parsed.text[slice(*statement.span)]
    result = _join(parsed.text, chunks, _written(parsed, statement, steps, new, chunks))
    if result.count("$") % 2 != text.count("$") % 2 or result.count("{") != result.count("}"):
        return None
    return _cased(result, text, parsed.text[: statement.span[0]], bool(chunks[0][2]) or not steps[0].kind)


def _written(
    parsed: Parsed,
    statement: Statement,
    steps: tuple[Symbol, ...],
    new: tuple[Symbol, ...],
    chunks: list[tuple[int, int, str]],
) -> list[_Chunk]:
    """The new wording step by step: those of the old one as they stand, the others in its manner."""
    text = parsed.text[slice(*statement.span)]
    letters = {p: parsed.text[slice(*s)] for n in statement.names for p, s in zip(n.places, n.spans, strict=True)}
    written: list[_Chunk] = []
    keys = [[(s.kind, s.text, s.places) for s in side] for side in (steps, new)]
    for tag, i, j, k, m in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if tag == "equal":
            for offset in range(j - i):
                start, end, article = chunks[i + offset]
                was, becomes = steps[i + offset].article, new[k + offset].article
                if bool(was) != bool(becomes) and i + offset and not steps[i + offset].kind:
                    article = becomes
                written.append(_Chunk(_with_article(article, parsed.text[start:end]), i + offset))
            continue
        for offset in range(m - k):
            last = offset == m - k - 1
            pair = None if tag == "insert" else j - 1 if last else i + offset if i + offset < j else None
            source = i + offset if tag == "replace" and i + offset < j else None
            before = chunks[source][2] if source is not None else ""
            in_place = k + offset == 0 and not steps[0].kind  # a word at the start that takes the place of a word
            article = before if in_place else _article(before, new[k + offset])
            written.append(_Chunk(_with_article(article, _write(new[k + offset], letters, text)), pair))
    return written


def _cased(new: str, old: str, before: str, began_as_word: bool) -> str:
    """The new text with a capital where a sentence begins, and a small letter where the old one began so."""
    starts = not before.strip() or before.rstrip()[-1] in ".!?;"
    if new[0].islower() and (starts or (began_as_word and old[0].isupper())):
        return new[0].upper() + new[1:]
    if began_as_word and not old[0].isupper() and len(new) > 1 and new[0].isupper() and new[1].islower():
        return new[0].lower() + new[1:]
    return new


def _words(steps: tuple[Symbol, ...]) -> set[str]:
    return {s.text for s in steps if not s.kind and s.text not in SYMBOLS}


def _article(before: str, step: Symbol) -> str:
    """The article of a new step as its wording has it, the old one where there was one."""
    if not step.article:
        return ""
    return before or step.article


def _with_article(article: str, word: str) -> str:
    if not article:
        return word
    if article.lower() != "the":
        vowel = word[:1].lower() in "aeio" or word[:2] == "un"
        article = article[0] + ("n" if vowel else "")
    return f"{article} {word}"


def _write(step: Symbol, letters: dict[int, str], text: str) -> str:
    """A step that the old wording did not have, in signs or words as the old one."""
    latex = "\\" in text or "$" in text
    if not step.kind:
        if step.text in SYMBOLS and latex:
            return next((s for s in SYMBOLS[step.text] if s.startswith("\\")), step.text)
        return step.text
    name = "".join(letters[p] for p in step.places)
    in_words = not any(sign in text for sign in "△∠⊙∥⊥=≅∼") and not latex
    if in_words:
        return _WORDS.get(step.kind, "") + name
    sign = _SIGNS.get(step.kind, "")
    return f"{SYMBOLS[sign][1]} {name}" if latex and sign else sign + name


def _join(text: str, chunks: list[tuple[int, int, str]], written: list[_Chunk]) -> str:
    """Chunks side by side, with what stood between the old ones where both neighbours are there."""
    result = written[0].text
    for before, after in zip(written, written[1:], strict=False):
        gap = " "
        if before.old is not None and after.old == before.old + 1:
            start, article = chunks[after.old][0], chunks[after.old][2]
            gap = text[chunks[before.old][1] : start]
            if article and article in gap:
                gap = gap[: gap.rfind(article)] or " "
        elif after.text[:1] == ",":
            gap = ""
        result += gap + after.text
    return result


@cache
def _by_kinds() -> dict[tuple[str, ...], list[Phrase]]:
    table: dict[tuple[str, ...], list[Phrase]] = {}
    for phrase in all_phrases():
        table.setdefault(tuple(kind for kind, _ in phrase.facts), []).append(phrase)
    return table


@lru_cache(maxsize=4096)
def _closest(phrase: Phrase, number: int, kind: str, where: tuple[int, ...]) -> tuple[Symbol, ...] | None:
    """The wording of another kind that reads most like a phrase, with the places of the phrase.

    `where` says which point of the old fact each point of the new one is.
    """
    old_kind, old_places = phrase.facts[number]
    kinds = tuple(kind if k == old_kind else k for k, _ in phrase.facts)
    steps = [(s.kind, s.text, s.places) for s in symbols_of(phrase.template)]
    needed = {p for _, _, places in steps for p in places}
    best, nearest = LEAST_LIKE, None
    is_clause = _is_clause(symbols_of(phrase.template))
    for candidate in _by_kinds().get(kinds, ()):
        if _is_clause(symbols_of(candidate.template)) is not is_clause:
            continue
        if len(kinds) > 1:
            if [p for _, p in candidate.facts] != [p for _, p in phrase.facts]:
                continue
            maps = [{p: p for p in needed}]
        else:
            maps = [{i: old_places[where[j]] for i, j in enumerate(order)} for order in SYMMETRIES[kind][:24]]
            maps = [{**m, VALUE_PLACE: VALUE_PLACE} for m in maps]
        for places in maps:
            new = tuple(
                replace(s, places=tuple(places.get(p, -1) for p in s.places)) for s in symbols_of(candidate.template)
            )
            if {p for s in new for p in s.places} != needed:
                continue
            ratio = SequenceMatcher(None, steps, [(s.kind, s.text, s.places) for s in new], autojunk=False).ratio()
            if ratio > best:
                best, nearest = ratio, new
    return nearest


def _is_clause(steps: tuple[Symbol, ...]) -> bool:
    """Whether a wording is a clause with a verb or a sign for one, and no noun with what belongs to it."""
    first = next((s.text for s in steps if not s.kind and s.text in _VERBS | _ATTRIBUTES), "")
    return first in _VERBS
