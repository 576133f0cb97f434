"""Reads a caption into statements with their places in the text.

Promise: any text is read without error; every statement is a reading of its own words and no more. Of all ways to cut
a caption into wordings of the `lexicon` the one is taken that leaves the fewest words unread, then the one with the
fewest statements. A sentence with a negation is left alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from ..diagram import Fact
from .grammar import VALUE_PLACE, Name, Node, names_begun_by, read_described, symbols_of, tree
from .kinds import EDIT_OF
from .lexer import Token, lex
from .lexicon import Phrase
from .values import normal_value
from .words import words

WORD, STATEMENT = 10_000, 100  # what an unread word and one more statement cost
GLUE, NEGATIONS, CLINGING = map(words, ("glue", "negations", "clinging"))
CLINGING_BEFORE = CLINGING | {"of", "∠", "△", "⊙", "√"}
CLINGING_AFTER = CLINGING | {"more", "less"}


@dataclass(frozen=True)
class Statement:
    """What one stretch of a caption states: usually one fact, several for "A, B and C lie on ⊙O".

    First come the facts of the phrase, then those that the names in it tell by the way.
    """

    facts: tuple[Fact, ...]
    span: tuple[int, int]
    phrase: Phrase
    names: tuple[Name, ...]
    tokens: tuple[int, int]  # numbers of its first token and of the one after its last

    def places(self, number: int) -> tuple[int, ...]:
        """Which places of the wording the points of a fact fill."""
        own = self.phrase.facts
        if number < len(own):
            return own[number][1]
        return self.described(number).places

    def described(self, number: int) -> Name:
        """The name that tells the fact of that number by the way."""
        return [n for n in self.names if n.shape][number - len(self.phrase.facts)]


@dataclass(frozen=True)
class Parsed:
    """A caption with its statements in order, and the places of what was not understood."""

    text: str
    tokens: tuple[Token, ...]
    statements: tuple[Statement, ...]
    unread: tuple[tuple[int, int], ...]
    sentences: tuple[tuple[int, int], ...]

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Everything stated; a circle left unnamed is the only one that the caption names, if it names just one."""
        return resolve([f for s in self.statements for f in s.facts])


@cache
def words_of(phrase: Phrase) -> int:
    """How many words and signs of its own a wording has."""
    return sum(not s.kind for s in symbols_of(phrase.template))


def _readings(text: str, tokens: list[Token], at: int) -> Iterator[Statement]:
    """Every statement that begins at a token."""
    stack: list[tuple[Node, int, tuple[Name, ...]]] = [(tree(), at, ())]
    while stack:
        node, end, read = stack.pop()
        for phrase, places in node.ends:
            if (statement := _statement(text, tokens, phrase, places, read, at, end)) is not None:
                yield statement
                break
        if end == len(tokens):
            continue
        word = tokens[end].text if tokens[end].kind != "value" else normal_value(tokens[end].text)
        if (child := node.words.get(word)) is not None:
            stack.append((child, end + 1, read))
        begins = names_begun_by(tokens[end].kind, tokens[end].text, len(tokens[end].names))
        for kind, child in node.names.items():
            if kind in begins and (name := read_described(kind, tokens, end)) is not None:
                stack.append((child, name[0], (*read, name[1])))


def _statement(
    text: str,
    tokens: list[Token],
    phrase: Phrase,
    places: tuple[int, ...],
    read: tuple[Name, ...],
    first: int,
    end: int,
) -> Statement | None:
    """The statement of a wording, if letters that it repeats are repeated; None otherwise."""
    names, rest = [], places
    letters: dict[int, str] = {-1: ""}
    for name in read:
        names.append(Name(rest[: len(name.spans)], name.spans, name.shape, name.words))
        for place, (start, stop) in zip(rest, name.spans, strict=False):
            if letters.setdefault(place, text[start:stop]) != text[start:stop]:
                return None
        rest = rest[len(name.spans) :]
    value = normal_value(letters.get(VALUE_PLACE, ""))
    facts = tuple(
        Fact(kind, tuple(letters[p] for p in where), value if EDIT_OF[kind] == "value" else "")
        for kind, where in phrase.facts
    )
    facts += tuple(Fact(n.shape, tuple(letters[p] for p in n.places)) for n in names if n.shape)
    if ("°" in value and any(f.kind in ("length", "times_length") for f in facts)) or _repeats(facts):
        return None
    return Statement(facts, (tokens[first].begin, tokens[end - 1].end), phrase, tuple(names), (first, end))


def _repeats(facts: tuple[Fact, ...]) -> bool:
    """Whether one name would join a point to itself, as a word in capitals does."""
    return any(len(f.points) in (2, 3) and len({*f.points}) < len(f.points) for f in facts)


def _touches(tokens: list[Token], first: int, end: int) -> bool:
    """Whether a statement is part of something longer, as AB = 5 is in "2AB = 5" and "AB = 5 + CD"."""
    before = tokens[first - 1] if first else None
    after = tokens[end] if end < len(tokens) else None
    if tokens[first].kind != "word" or tokens[first].text in ("angle", "circle", "triangle"):
        clings = tokens[first].kind == "points" or tokens[first].text in ("∠", "angle")
        if before is not None and (
            before.kind in ("value", "points")
            or (before.text in CLINGING)
            or (clings and before.text in CLINGING_BEFORE)
        ):
            return True
    return after is not None and (after.kind == "value" or after.text in CLINGING_AFTER)


def _price(token: Token) -> int:
    """What it costs to leave a token unread: little for a word that states nothing, but not nothing."""
    if token.text in GLUE or (token.kind == "other" and not token.text.isalnum()):
        return 2
    return WORD if token.kind == "word" else 2 * WORD


def _cover(text: str, tokens: list[Token]) -> list[Statement]:
    """The best cut of one sentence."""
    best: list[tuple[int, Statement | None]] = [(0, None)] * (len(tokens) + 1)
    for at in reversed(range(len(tokens))):
        choice: tuple[int, Statement | None] = (best[at + 1][0] + _price(tokens[at]), None)
        for statement in _readings(text, tokens, at):
            end = statement.tokens[1]
            vague = end - at - words_of(statement.phrase) + len(statement.facts)  # words that a name takes in
            cost = best[end][0] + STATEMENT + vague
            if cost < choice[0] and not _touches(tokens, at, end):
                choice = (cost, statement)
        best[at] = choice
    statements, at = [], 0
    while at < len(tokens):
        statement = best[at][1]
        at = at + 1 if statement is None else statement.tokens[1]
        if statement is not None:
            statements.append(statement)
    read = {i for s in statements for i in range(*s.tokens)}
    return [s for s in statements if not _within_list(tokens, s, read)]


def _within_list(tokens: list[Token], statement: Statement, read: set[int]) -> bool:
    """Whether names of the same size go on before or after a statement, so that it is part of a longer list."""
    steps = symbols_of(statement.phrase.template)
    first, end = statement.tokens
    for step, near, far in ((steps[0], first - 1, first - 2), (steps[-1], end, end + 1)):
        listed = step.kind and 0 <= far < len(tokens) and tokens[near].text in (",", "and") and far not in read
        if listed and tokens[far].kind == "points" and len(tokens[far].names) == len(step.places):
            return True
    return False


def _split(tokens: list[Token]) -> Iterator[tuple[int, list[Token]]]:
    """Sentences with the number of their first token."""
    first = 0
    for i, token in enumerate(tokens):
        if token.text == "." and token.kind == "symbol":
            if i > first:
                yield first, tokens[first:i]
            first = i + 1
    if first < len(tokens):
        yield first, tokens[first:]


def parse_caption(text: str) -> Parsed:
    """Read a caption; see the module."""
    tokens = lex(text)
    statements: list[Statement] = []
    unread: list[tuple[int, int]] = []
    sentences: list[tuple[int, int]] = []
    for first, sentence in _split(tokens):
        sentences.append((sentence[0].begin, sentence[-1].end))
        if any(t.text in NEGATIONS for t in sentence):
            unread.append(sentences[-1])
            continue
        found = _cover(text, sentence)
        unread += _gaps(sentence, found)
        statements += [replace(s, tokens=(s.tokens[0] + first, s.tokens[1] + first)) for s in found]
    return Parsed(text, tuple(tokens), tuple(statements), tuple(unread), tuple(sentences))


def _gaps(tokens: list[Token], statements: list[Statement]) -> list[tuple[int, int]]:
    """Runs of tokens between statements that hold a word which is not understood; a bare name is only a mention."""
    ends = [0, *(s.tokens[1] for s in statements)]
    starts = [*(s.tokens[0] for s in statements), len(tokens)]
    gaps = []
    for first, last in zip(ends, starts, strict=True):
        strange = [t for t in tokens[first:last] if _price(t) >= WORD and t.kind != "points"]
        if strange:
            gaps.append((strange[0].start, strange[-1].end))
    return gaps


_CENTER = {  # the place of the circle's center
    **dict.fromkeys(("circle", "circumcircle", "incircle", "quadrilateral_circumcircle", "quadrilateral_incircle"), 0),
    **dict.fromkeys(("radius_length", "diameter_length"), 0),
    **dict.fromkeys(("on_circle", "inside_circle", "outside_circle", "radius"), 1),
    **dict.fromkeys(("chord", "diameter", "tangent", "radius_of", "arc", "secant_line", "tangent_line"), 2),
    "secant": 3,
}


def resolve(facts: list[Fact]) -> tuple[Fact, ...]:
    """The facts with unnamed circles named, where the caption names just one circle."""
    named = {f.points[_CENTER[f.kind]] for f in facts if f.kind in _CENTER and f.kind != "radius"} - {""}
    if len(named) != 1:
        return tuple(facts)
    center = next(iter(named))
    resolved = []
    for fact in facts:
        if fact.kind == "radius" and fact.points[1] != center and fact.points[0] == center:
            fact = replace(fact, points=fact.points[::-1])  # a radius may be named from either end
        fact = fact.relabel({"": center})
        if fact.kind == "radius_of" and center in fact.points[:2]:
            fact = Fact("radius", (fact.points[fact.points[0] == center], center))
        resolved.append(fact)
    return tuple(resolved)
