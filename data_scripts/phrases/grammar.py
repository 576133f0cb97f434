"""The table of wordings as a grammar: a tree of words, signs and names that readings walk through.

The grammar is the table of the `lexicon` itself, so a parser generator would have to be told everything twice.
"""

from dataclasses import dataclass, field
from functools import cache, lru_cache

from .lexer import Token, lex
from .lexicon import SHAPE_WORDS, Phrase, all_phrases
from .values import normal_value
from .words import words

VALUE_PLACE = 0xFF  # the place of {v} in a wording
_NUMBERED = frozenset({"labeled", "labelled", "numbered", "marked"})
_HEADS = {"TRI": ("△", "triangle"), "ANG": ("∠", "angle"), "CIRC": ("⊙", "circle")}
_SIZES = {"TRI": 3, "CIRC": 1, "PT": 1, "SEG": 2}
_BEFORE_POINT, _BEFORE_SEGMENT, _NEUTRAL = map(words, ("before_point", "before_segment", "neutral_before_segment"))


@dataclass(frozen=True)
class Symbol:
    """One step of a wording: a word or sign as it stands, or a name or value ("SEG", "VALUE", ...) with its places."""

    kind: str  # "" for a word
    text: str = ""
    places: tuple[int, ...] = ()
    article: str = ""


@dataclass
class Node:
    words: dict[str, "Node"] = field(default_factory=dict)
    names: dict[str, "Node"] = field(default_factory=dict)  # by kind of name
    ends: list[tuple[Phrase, tuple[int, ...]]] = field(default_factory=list)  # with the places in reading order


@dataclass(frozen=True)
class Name:
    """A name or value of a statement: which places of the wording it fills, and where each stands in the text."""

    places: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    shape: str = ""  # the kind of shape that the words before it tell, as in "rectangle ABCD" and "right triangle ABC"
    words: tuple[int, int] = (0, 0)  # the place of those words, with their article


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
        if last in _BEFORE_POINT:
            article = before.pop().article
        return Symbol("PT", "", places, article)
    while n == 2 and before and before[-1].text in _NEUTRAL:
        article = before.pop().article
    return Symbol("SEG" if n == 2 else f"POLY{n}", "", places, article)


@cache
def tree() -> Node:
    root = Node()
    for phrase in all_phrases():
        node = root
        symbols = symbols_of(phrase.template)
        for symbol in symbols:
            table, key = (node.names, symbol.kind) if symbol.kind else (node.words, symbol.text)
            node = table.setdefault(key, Node())
        node.ends.append((phrase, tuple(p for s in symbols for p in s.places)))
    return root


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


@lru_cache(maxsize=2**12)
def names_begun_by(kind: str, text: str, names: int) -> frozenset[str]:
    """Which kinds of name a token can begin: asked of every token, so that most need not be tried."""
    begun = set()
    if kind == "points":
        begun = {f"POLY{names}", *(k for k in ("PT", "SEG") if _SIZES[k] == names)}
    elif kind == "value" or (kind == "word" and len(text) == 1):
        begun = {"VALUE"}
    if text in _BEFORE_POINT:
        begun.add("PT")
    if text in _BEFORE_SEGMENT:
        begun.add("SEG")
    if text in ("degree", "measure", "size", "m", *_HEADS["ANG"]):
        begun |= {"ANG1", "ANG3", "NUMBERED"}
    begun |= {k for k in ("TRI", "CIRC") if text in _HEADS[k]}
    for size, table in SHAPE_WORDS.items():
        if any(words.split()[0] == text for words in table):
            begun |= {f"POLY{size}", *(["TRI"] if size == 3 else [])}
    return frozenset(begun)


def read_described(kind: str, tokens: list[Token], at: int) -> tuple[int, Name] | None:
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
        at = _heads(tokens, at, _BEFORE_POINT, 1)
    elif kind == "SEG":
        at = _heads(tokens, at, _BEFORE_SEGMENT, 3)
    size = int(kind[-1]) if kind[-1].isdigit() else _SIZES[kind]
    fits = at < len(tokens) and tokens[at].kind == "points" and len(tokens[at].names) == size
    return (at + 1, tokens[at].names) if fits and tokens[at].names_one_thing else None


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
