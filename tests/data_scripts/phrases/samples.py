"""Captions in the styles of public data sets, our own sentences: `captions.txt`."""

from pathlib import Path

from data_scripts.diagram import Fact
from data_scripts.phrases.kinds import arity, normal


def read_captions() -> dict[str, list[str]]:
    """The fixture captions by style."""
    styles: dict[str, list[str]] = {}
    for line in Path(__file__).with_name("captions.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            styles[line[2:]] = []
        else:
            list(styles.values())[-1].append(line)
    return styles


CAPTIONS = [caption for captions in read_captions().values() for caption in captions]


def facts(text: str) -> set[Fact]:
    """Statements written briefly: `facts("midpoint MAB, length AB 5")`, in their normal form."""
    found = set()
    for line in filter(None, text.split(", ")):
        kind, letters, *value = line.split(" ", 2)
        assert len(letters) == arity(kind), line
        found.add(normal(Fact(kind, tuple("" if p == "_" else p for p in letters), "".join(value))))
    return found
