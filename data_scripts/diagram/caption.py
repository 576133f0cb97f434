"""A diagram's facts in words.

Promise: the same facts and seed give the same caption, and two lists of facts that differ in one fact give captions
that differ in that fact alone. Wording, order and joins depend on the seed and on a statement's place among its like
(objects, relations, values), never on what it says, so a positive and its negatives share them. Captions state what is
drawn, results and not derivations, with the symbols △ ∠ ⊥ ∥ ⊙ ∼ ≅ (MMGeoLM, appendix A).
"""

from collections.abc import Sequence
from zlib import crc32

from .diagram import Fact
from .facts import KINDS
from .phrases import CLAUSES, FIRST_JOINS, JOINS, LEADS, LISTS, NOUNS, OPENINGS, VALUE_LEADS, VALUE_LISTS


def _pick(choices: Sequence, seed: int, *what: str | int):
    """One of the choices, the same for the same seed and occasion."""
    return choices[crc32(f"{seed}:{what}".encode()) % len(choices)]


def _word(choices: tuple[str, ...], fact: Fact, seed: int) -> str:
    return _pick(choices, seed, fact.kind).format(*fact.points, v=fact.value)


def clause(fact: Fact, seed: int) -> str:
    """One fact as a clause without its full stop; an object becomes "... is drawn"."""
    if fact.kind in CLAUSES:
        return _word(CLAUSES[fact.kind], fact, seed)
    return f"{_word(NOUNS[fact.kind], fact, seed)} is drawn"


def _shuffled(said: list[str], seed: int, what: str) -> list[str]:
    """Put statements in the order that the seed gives to their places."""
    return [said[i] for i in sorted(range(len(said)), key=lambda i: crc32(f"{seed}:{what}:{i}".encode()))]


def _listed(said: list[str], joins: tuple[str, str]) -> str:
    return said[0] if len(said) == 1 else joins[0].join(said[:-1]) + joins[1] + said[-1]


def caption(facts: Sequence[Fact], seed: int) -> str:
    """All facts as sentences: objects first, then relations and printed values, in an order of the seed's.

    Raises:
        ValueError: if there is nothing to say.
    """
    if not facts:
        raise ValueError("a caption needs at least one fact, and this figure states none")
    objects = _shuffled([_word(NOUNS[f.kind], f, seed) for f in facts if f.kind in NOUNS], seed, "objects")
    values = _shuffled([clause(f, seed) for f in facts if KINDS[f.kind].edit == "value"], seed, "values")
    related = [clause(f, seed) for f in facts if f.kind in CLAUSES and KINDS[f.kind].edit != "value"]
    relations = _shuffled(related, seed, "relations")
    sentences = []
    if objects:
        sentences.append(_pick(OPENINGS, seed, "opening").format(_listed(objects, _pick(LISTS, seed, "list"))))
    if relations:
        told = relations[0]
        for i, relation in enumerate(relations[1:]):
            told += _pick(JOINS, seed, "join", i) + relation
        join = _pick(FIRST_JOINS, seed, "first join") if objects else ". "
        if join == ". ":
            sentences.append(_pick(LEADS, seed, "lead") + told)
        else:
            sentences[-1] += join + told
    if values:
        told = _pick(VALUE_LEADS, seed, "value lead") + _listed(values, _pick(VALUE_LISTS, seed, "value list"))
        sentences.insert(len(sentences) if _pick((0, 1, 2), seed, "values last") else min(1, len(sentences)), told)
    parts = [part for sentence in sentences for part in sentence.split(". ")]
    return " ".join(part[0].upper() + part[1:] + "." for part in parts)
