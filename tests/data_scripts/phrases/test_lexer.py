"""Tokens: each stands where it says, articles and points are told apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.phrases.lexer import SYMBOLS, lex


def kinds(text: str) -> list[tuple[str, str]]:
    return [(t.kind, t.text) for t in lex(text)]


@pytest.mark.parametrize(("symbol", "surface"), [(k, s) for k, v in SYMBOLS.items() for s in v if s.strip()])
def test_every_surface_of_a_symbol_is_that_symbol(symbol, surface):
    assert ("symbol", symbol) in kinds(f"AB {surface} CD")


@pytest.mark.parametrize(
    ("text", "is_point"),
    [
        ("A circle is drawn.", False),
        ("A lies on BC.", True),
        ("A right triangle ABC", False),
        ("point A and B", True),
        ("circle A passes through B", True),
        ("A halves BC", True),
        ("in A", True),
    ],
)
def test_a_capital_a_is_an_article_or_a_point(text, is_point):
    assert any(t.kind == "points" and t.text == "A" for t in lex(text)) is is_point


def test_a_small_a_is_an_article_or_a_value():
    assert [t.article is not None for t in lex("AB is a chord")] == [False, False, True]
    assert kinds("AB is a.")[2] == ("word", "a")


def test_names_have_primes_and_subscripts():
    token = lex("△A'B_1C₂ is drawn")[1]
    assert [("△A'B_1C₂ is drawn"[a:b]) for a, b in token.names] == ["A'", "B_1", "C₂"]


def test_latex_is_read_through():
    assert kinds(r"$\overline{AB} \parallel \overline{CD}$") == kinds("AB ∥ CD")
    assert kinds(r"\angle ABC = 40^\circ")[:2] == kinds("∠ABC = 40°")[:2]


def test_a_comma_before_and_is_no_token():
    assert kinds("A, B, and C") == kinds("A, B and C")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(max_size=80) | st.text(alphabet="ABCabc ∠△=5.,\\{}$(^°_'", max_size=80))
def test_tokens_stand_in_order_in_any_text(text):
    end = 0
    for token in lex(text):
        assert end <= token.begin <= token.start < token.end <= len(text)
        assert all(token.start <= a < b <= token.end for a, b in token.names)
        end = token.end
