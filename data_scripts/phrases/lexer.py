"""Captions in tokens: point names, values, symbols, words, each with its place in the text.

Promise: any text is cut up without error, and a token's text is what stands at its place, brought to one form: symbols
and their LaTeX commands become one symbol, words are small letters. Articles are no tokens of their own: a token knows
the article before it. Dollar signs, braces and overlines around names are passed over.
"""

import re
from dataclasses import dataclass

from .values import read_value
from .words import words

SYMBOLS: dict[str, tuple[str, ...]] = {  # the form we write, then what others write
    "∥": ("∥", "\\parallel", "//", "||", "⫽", "‖"),
    "⊥": ("⊥", "\\perp", "\\bot", "⟂"),
    "∼": ("∼", "\\sim", "~", "∽"),
    "≅": ("≅", "\\cong", "≌"),
    "△": ("△", "\\triangle", "\\bigtriangleup", "\\Delta", "Δ", "∆", "▵"),
    "∠": ("∠", "\\angle", "\\measuredangle"),
    "⊙": ("⊙", "\\odot", "\\bigodot"),
    "▱": ("▱", "\\parallelogram", "□"),
    "⌒": ("⌒", "\\overset{\\frown}", "\\overparen", "\\widehat", "\\overarc", "\\stackrel{\\frown}"),
    "=": ("=", "＝"),
    "≠": ("≠", "\\neq", "\\ne"),
    ",": (",", "，", "、"),
    ".": (".", "!", "?", "。", ";", "；", "\n"),
    ":": (":", "："),
}
_SURFACES = {surface: symbol for symbol, surfaces in SYMBOLS.items() for surface in surfaces}
_SYMBOL = re.compile(
    "|".join(re.escape(s) + ("(?![a-z])" if s[-1].isalpha() else "") for s in sorted(_SURFACES, key=len)[::-1])
)
_PASSED = re.compile(
    r"[ \t\r\f\v$*{}]+|\\[()\[\],;! ]"
    r"|\\(?:left|right|overline|overrightarrow|overleftrightarrow|vec|text|mathrm|textbf|mathbf|quad)(?![a-z])"
)
# A capital letter with primes or a subscript; the private letters stand for the places of a phrase table.
NAME = r"[A-Z\ue000-\ue0ff](?:_\{?\d+\}?|[₀-₉]+|\d+(?![\d.°]))?(?:['′](?![a-z]))*"
_NAME = re.compile(NAME)
_NAMES = re.compile(f"(?:{NAME})+(?![a-z])")
_WORD = re.compile(r"[A-Za-zÀ-ÿ]+(?:[-'’][A-Za-zÀ-ÿ]+)*")
_VALUE_START = re.compile(
    r"\d|√|\\sqrt|\\[dt]?frac|\(|[αβγδθφπ]|\\(?:alpha|beta|gamma|delta|theta|phi|pi)(?![a-z])|[a-z](?=\s*[-+]\s*\d|\s*\^|[²³°])"
)
ARTICLES = ("a", "an", "the")
_AFTER_A_POINT, _BEFORE_A_POINT, _BEFORE_A_VALUE = map(words, ("after_a_point", "before_a_point", "before_a_value"))
SAME_WORD = {
    "centre": "center",
    "centred": "centered",
    "right-angled": "right",
    "parallelly": "parallel",
    "&": "and",
    "triangles": "triangle",
    "angles": "angle",
    "circles": "circle",
    "measurement": "measure",
    "meet": "meets",
    "intersect": "intersects",
    "lie": "lies",
    "rt": "right",
}


@dataclass(frozen=True, slots=True)
class Token:
    """`names` are the places of the point names in a `points` token; `article` is the place of the article before."""

    kind: str  # "points", "value", "symbol", "word" or "other"
    text: str
    start: int
    end: int
    names: tuple[tuple[int, int], ...] = ()
    number_end: int = 0  # where a value ends without its unit
    article: tuple[int, int] | None = None

    @property
    def names_one_thing(self) -> bool:
        """Whether all names of a `points` token differ: AA and ABA name no segment and no angle."""
        return len({self.text[a - self.start : b - self.start] for a, b in self.names}) == len(self.names)

    @property
    def begin(self) -> int:
        """Where the token begins with its article."""
        return self.article[0] if self.article else self.start


def _names(text: str, start: int, end: int) -> tuple[tuple[int, int], ...]:
    return tuple(m.span() for m in _NAME.finditer(text, start, end))


def _is_article(text: str, end: int, before: Token | None) -> bool:
    """Whether the capital A that ends at `end` is an article and no point."""
    if before is not None and before.text in _BEFORE_A_POINT:
        return False
    following = _WORD.match(text, end + 1) if text[end : end + 1] == " " else None
    return following is not None and following.group()[0].islower() and following.group() not in _AFTER_A_POINT


def _token_at(text: str, at: int, before: Token | None) -> Token:
    if names := _NAMES.match(text, at):
        if names.group() == "A" and _is_article(text, names.end(), before):
            return Token("word", "a", at, names.end())
        return Token("points", names.group(), at, names.end(), _names(text, at, names.end()))
    if _VALUE_START.match(text, at) and (ends := read_value(text, at)):
        return Token("value", text[at : ends[1]], at, ends[1], number_end=ends[0])
    if word := _WORD.match(text, at):
        if len(word.group()) == 1 and (ends := read_value(text, at)) and ends[1] > word.end():
            return Token("value", text[at : ends[1]], at, ends[1], number_end=ends[0])
        small = word.group().lower()
        return Token("word", SAME_WORD.get(small, small), at, word.end())
    if symbol := _SYMBOL.match(text, at):
        return Token("symbol", _SURFACES[symbol.group()], at, symbol.end())
    return Token("other", text[at], at, at + 1)


def lex(text: str) -> list[Token]:
    """The tokens of a text in order, articles and a comma before `and` left out."""
    tokens: list[Token] = []
    article: tuple[int, int] | None = None
    at = 0
    while at < len(text):
        if not text.startswith("\\overset{\\frown}", at) and (passed := _PASSED.match(text, at)):
            at = passed.end()
            continue
        token = _token_at(text, at, tokens[-1] if tokens else None)
        at = token.end
        if token.kind == "word" and token.text in ARTICLES and not _is_variable(text, token, tokens):
            article = (token.start, token.end)
            continue
        if article:
            token = Token(token.kind, token.text, token.start, token.end, token.names, token.number_end, article)
            article = None
        if token.text == "and" and tokens and tokens[-1].text == ",":
            tokens.pop()
        tokens.append(token)
    return tokens


def _is_variable(text: str, token: Token, tokens: list[Token]) -> bool:
    """Whether an `a` is a value: it follows `=`, `is` or the like, and no word that it could be the article of."""
    if token.text != "a" or not tokens or tokens[-1].text not in _BEFORE_A_VALUE or text[token.start] != "a":
        return False
    return not re.match(r"[ \t]+[A-Za-z]", text[token.end : token.end + 3]) or re.match(
        r"[ \t]+and\b", text[token.end :]
    )
