"""Reads a caption into statements with their places in the text.

Promise: any text is read without error; every statement is a reading of its own words and no more. Of all ways to cut a
caption into wordings of the `lexicon` the one is taken that leaves the fewest words unread, then the one with the
fewest statements. A sentence with a negation is left alone. The table of wordings is the grammar: it is compiled to a
tree of tokens, so a parser generator would have to be told everything twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache

from ..diagram import Fact
from .kinds import EDIT_OF, SYMMETRIES
from .lexer import Token, lex
from .lexicon import (
    BEFORE_POINT,
    BEFORE_SEGMENT,
    GLUE,
    NEGATIONS,
    NEUTRAL_BEFORE_SEGMENT,
    SHAPE_WORDS,
    Phrase,
    all_phrases,
)
from .values import normal_value

WORD, STATEMENT = 10_000, 100  # what an unread word and one more statement cost
VALUE_PLACE = 0xFF  # the place of {v} in a wording
_NUMBERED = frozenset({"labeled", "labelled", "numbered", "marked"})
_HEADS = {"TRI": ("△", "triangle"), "ANG": ("∠", "angle"), "CIRC": ("⊙", "circle")}
_SIZES = {"TRI": 3, "CIRC": 1, "PT": 1, "SEG": 2}
# A statement that one of these touches is part of something longer that was not understood.
_CLINGING = frozenset("= ∥ ⊥ ∼ ≅ ≠ + - − * × · / : < > ≤ ≥ ^ plus minus times half twice".split())
_CLINGING_BEFORE = _CLINGING | {"of", "∠", "△", "⊙", "√"}
_CLINGING_AFTER = _CLINGING | {"more", "less"}


@dataclass(frozen=True)
class Symbol:
    """One step of a wording: a word or symbol as it stands, or a name or value ("SEG", "VALUE", ...) with its places."""

    kind: str  # "" for a word
    text: str = ""
    places: tuple[int, ...] = ()
    article: str = ""


@dataclass
class _Node:
    words: dict[str, "_Node"] = field(default_factory=dict)
    names: dict[str, "_Node"] = field(default_factory=dict)  # by kind of name
    ends: list[tuple[Phrase, tuple[int, ...]]] = field(default_factory=list)  # with the places in reading order


@dataclass(frozen=True)
class Name:
    """A name or value of a statement: which places of the wording it fills, and where each stands in the text."""

    places: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    shape: str = ""  # the kind of shape that the words before it tell, as in "rectangle ABCD" and "right triangle ABC"
    words: tuple[int, int] = (0, 0)  # the place of those words, with their article


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
def symbols_of(template: str) -> tuple[Symbol, ...]:
    """A wording as the steps that its readings take."""
    text = template.replace("{v}", chr(0xE000 + VALUE_PLACE))
    for place in range(12):
        text = text.replace(f"{{{place}}}", chr(0xE000 + place))
    symbols: list[Symbol] = []
    for token in lex(text):
        article = text[slice(*token.article)] if token.article else ""
        if token.kind != "points":
            word = normal_value(token.text) if token.kind == "value" else token.text
            symbols.append(Symbol("", word, article=article))
            continue
        places = tuple(ord(char) - 0xE000 for char in token.text)
        if places[0] == VALUE_PLACE:
            symbols.append(Symbol("VALUE", "", places[:1]))
            places = places[1:]
        if places:
            symbols.append(_name_symbol(places, symbols, article))
    return tuple(symbols)


def _name_symbol(places: tuple[int, ...], before: list[Symbol], article: str) -> Symbol:
    """A name with the word or sign that belongs to it, which is taken off the steps before."""
    n, last = len(places), before[-1].text if before else ""
    if last == "#":
        del before[-2:]
        return Symbol("NUMBERED", "", places)
    for kind, size in (("TRI", 3), ("ANG", 3), ("ANG", 1), ("CIRC", 1)):
        if last in _HEADS[kind] and n == size:
            return Symbol(kind if kind != "ANG" else f"ANG{n}", "", places, before.pop().article)
    if n == 1:
        if last in BEFORE_POINT:
            article = before.pop().article
        return Symbol("PT", "", places, article)
    while n == 2 and before and before[-1].text in NEUTRAL_BEFORE_SEGMENT:
        article = before.pop().article
    return Symbol("SEG" if n == 2 else f"POLY{n}", "", places, article)


@cache
def _tree() -> _Node:
    root = _Node()
    for phrase in all_phrases():
        node = root
        symbols = symbols_of(phrase.template)
        for symbol in symbols:
            table, key = (node.names, symbol.kind) if symbol.kind else (node.words, symbol.text)
            node = table.setdefault(key, _Node())
        node.ends.append((phrase, tuple(p for s in symbols for p in s.places)))
    return root


@cache
def words_of(phrase: Phrase) -> int:
    """How many words and signs of its own a wording has."""
    return sum(not s.kind for s in symbols_of(phrase.template))


def _heads(tokens: list[Token], at: int, words: frozenset[str], most: int) -> int:
    end = at
    while end < len(tokens) and end < at + most and tokens[end].kind == "word" and tokens[end].text in words:
        end += 1
    return end


def _measure_of(tokens: list[Token], at: int) -> int:
    """After "m", "measure of" or "degree measure of" before an angle."""
    words = [t.text for t in tokens[at : at + 3]]
    for prefix in (["degree", "measure", "of"], ["measure", "of"], ["size", "of"], ["m"]):
        if words[: len(prefix)] == prefix:
            return at + len(prefix)
    return at


@lru_cache(maxsize=2**14)
def _names_begun_by(kind: str, text: str, names: int) -> frozenset[str]:
    """Which kinds of name a token can begin: asked of every token, so that most need not be tried."""
    begun = set()
    if kind == "points":
        begun = {f"POLY{names}", *(k for k in ("PT", "SEG") if _SIZES[k] == names)}
    elif kind == "value" or (kind == "word" and len(text) == 1):
        begun = {"VALUE"}
    if text in BEFORE_POINT:
        begun.add("PT")
    if text in BEFORE_SEGMENT:
        begun.add("SEG")
    if text in ("degree", "measure", "size", "m", *_HEADS["ANG"]):
        begun |= {"ANG1", "ANG3", "NUMBERED"}
    begun |= {k for k in ("TRI", "CIRC") if text in _HEADS[k]}
    for size, table in SHAPE_WORDS.items():
        if any(words.split()[0] == text for words in table):
            begun |= {f"POLY{size}", *(["TRI"] if size == 3 else [])}
    return frozenset(begun)


def _read_described(kind: str, tokens: list[Token], at: int) -> tuple[int, Name] | None:
    """A name with words before it that tell its shape, if there are any: its end and itself, its places still open."""
    shape, words = "", (0, 0)
    if kind == "TRI" or kind.startswith("POLY"):
        table = SHAPE_WORDS.get(3 if kind == "TRI" else int(kind[4:]), {})
        for length in (2, 1):
            if (found := table.get(" ".join(t.text for t in tokens[at : at + length]))) and at + length < len(tokens):
                shape, words, at = found, (tokens[at].begin, tokens[at + length - 1].end), at + length
                break
    read = _read_name(kind, tokens, at)
    return None if read is None else (read[0], Name((), read[1], shape, words))


def _read_name(kind: str, tokens: list[Token], at: int) -> tuple[int, tuple[tuple[int, int], ...]] | None:
    """Where a name of that kind which begins at a token ends, and the places of its letters."""
    if kind == "VALUE":
        return _read_value(tokens, at)
    if kind in ("TRI", "CIRC", "ANG1", "ANG3", "NUMBERED"):
        at = _measure_of(tokens, at) if kind not in ("TRI", "CIRC") else at
        heads = _HEADS["ANG" if kind[0] in "AN" else kind]
        if at >= len(tokens) or tokens[at].text not in heads:
            return None
        at += 1
        if kind == "NUMBERED":
            at = _heads(tokens, at, _NUMBERED, 1)
            good = at < len(tokens) and tokens[at].kind == "value" and not tokens[at].text.endswith("°")
            good = good and len(tokens[at].text.lstrip("\\")) <= 5
            return (at + 1, ((tokens[at].start, tokens[at].number_end),)) if good else None
    elif kind == "PT":
        at = _heads(tokens, at, BEFORE_POINT, 1)
    elif kind == "SEG":
        at = _heads(tokens, at, BEFORE_SEGMENT, 3)
    size = int(kind[-1]) if kind[-1].isdigit() else _SIZES[kind]
    if at < len(tokens) and tokens[at].kind == "points" and len(tokens[at].names) == size:
        return at + 1, tokens[at].names
    return None


def _read_value(tokens: list[Token], at: int) -> tuple[int, tuple[tuple[int, int], ...]] | None:
    if at >= len(tokens):
        return None
    token = tokens[at]
    if token.kind == "word" and len(token.text) == 1:
        return at + 1, ((token.start, token.end),)
    if token.kind != "value":
        return None
    if at + 2 < len(tokens) and tokens[at + 1].text == ":" and tokens[at + 2].kind == "value":
        return at + 3, ((token.start, tokens[at + 2].end),)
    return at + 1, ((token.start, token.end),)


def _readings(text: str, tokens: list[Token], at: int) -> Iterator[Statement]:
    """Every statement that begins at a token."""
    stack: list[tuple[_Node, int, tuple[Name, ...]]] = [(_tree(), at, ())]
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
        begins = _names_begun_by(tokens[end].kind, tokens[end].text, len(tokens[end].names))
        for kind, child in node.names.items():
            if kind in begins and (name := _read_described(kind, tokens, end)) is not None:
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
        names.append(replace(name, places=rest[: len(name.spans)]))
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
            or (before.text in _CLINGING)
            or (clings and before.text in _CLINGING_BEFORE)
        ):
            return True
    return after is not None and (after.kind == "value" or after.text in _CLINGING_AFTER)


def _price(token: Token) -> int:
    """What it costs to leave a token unread: little for a word that states nothing, but not nothing."""
    if token.text in GLUE or (token.kind == "other" and not token.text.isalnum()):
        return 1
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
        if step.kind and 0 <= far < len(tokens) and tokens[near].text in (",", "and") and far not in read:
            if tokens[far].kind == "points" and len(tokens[far].names) == len(step.places):
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


_CENTER = {
    kind: place
    for kind, place in {
        "circle": 0, "on_circle": 1, "inside_circle": 1, "outside_circle": 1, "radius": 1, "chord": 2, "diameter": 2,
        "tangent": 2, "circumcircle": 0, "incircle": 0, "radius_of": 2, "arc": 2, "secant_line": 2, "tangent_line": 2,
        "secant": 3, "quadrilateral_circumcircle": 0, "quadrilateral_incircle": 0, "radius_length": 0, "diameter_length": 0,
    }.items()
    if kind in SYMMETRIES
}  # fmt: skip


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
        resolved.append(fact.relabel({"": center}))
    return tuple(resolved)
