"""The table `wordings.toml`, and the sets of words in it."""

import tomllib
from pathlib import Path

TABLE = tomllib.loads(Path(__file__).with_name("wordings.toml").read_text(encoding="utf-8"))


def words(name: str) -> frozenset[str]:
    """One of the sets of words of the table."""
    return frozenset(TABLE["words"][name].split())
