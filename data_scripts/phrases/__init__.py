"""Captions that come as text only: read into the statements of `diagram.facts`, and judged by one another."""

from .grammar import Parsed, Statement, parse_caption

__all__ = ["Parsed", "Statement", "parse_caption"]
