"""Captions that come as text only: read into the statements of `diagram.facts`, and judged by one another."""

from .parser import Parsed, Statement, parse_caption
from .theory import Stated

__all__ = ["Parsed", "Stated", "Statement", "parse_caption"]
