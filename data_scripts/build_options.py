"""What a build says of its options: which files they name, the command that makes the rows again, and which of them
have no effect.

Promise: a report and a card hold no path of the machine that made them.
"""

import os
import shlex
from collections.abc import Collection, Iterable
from dataclasses import MISSING, asdict, fields
from pathlib import Path

from .executors import ScaleArguments

# An option, the other option on which it depends, and the values of that one with which it does something.
OnlyWith = tuple[str, str, Collection[str]]


def told_apart(place: str | None) -> str | None:
    """A place by its name and size, so that another file of that name is not taken for it; a Hub id as it is."""
    if place is None or not Path(place).exists():
        return place
    files = [Path(place)] if Path(place).is_file() else [p for p in Path(place).rglob("*") if p.is_file()]
    return f"{_name(place)} ({sum(p.stat().st_size for p in files)} bytes)"


def _name(place: str) -> str:
    """What a place is called without where it lies on this machine; any other text as it is."""
    return os.path.basename(os.path.abspath(place)) if Path(place).exists() else place


def refuse_same_folder(args: object, source: str) -> None:
    """Refuse to write a data set over the one that it is made of.

    Args:
        args: a dataclass with `output_dir`.
        source: the option that names the other one: a Hub id, a folder or a file; or None.

    Raises:
        ValueError: if both are one folder.
    """
    place = getattr(args, source)
    if place is not None and Path(place).is_dir() and Path(place).resolve() == Path(args.output_dir).resolve():
        raise ValueError(f"--output_dir and --{source} are the same folder, {place}: name another --output_dir")


def options_for_rows(args: object, places: Iterable[str]) -> dict[str, object]:
    """The options that make the data set what it is: not where it is put, nor who makes it; `places` told apart."""
    others = {"output_dir", "num_workers", *(f.name for f in fields(ScaleArguments))}
    options = {name: value for name, value in asdict(args).items() if name not in others}
    for name in places:
        value = options[name]
        options[name] = [told_apart(place) for place in value] if isinstance(value, list) else told_apart(value)
    return options


def rebuild_command(module: str, args: object, always: Iterable[str]) -> str:
    """The command that makes these rows again: every option that is not at its default, local places by their names.

    Args:
        module: the command's name in data_scripts.
        args: a dataclass with `output_dir` and `for_rows()`.
        always: options that are shown at their defaults, too; the defaults of others may depend on them.
    """
    first = {name: value for name in always if (value := getattr(args, name)) is not None}
    plain = type(args)(output_dir=args.output_dir, **first)
    others = (name for name in args.for_rows() if name not in first and getattr(args, name) != getattr(plain, name))
    words = [f"python -m data_scripts.{module}"]
    for name in (*first, *others):
        value = getattr(args, name)
        words += [f"--{name}", *(shlex.quote(_name(str(v))) for v in (value if isinstance(value, list) else [value]))]
    return " ".join(words)


def refuse_without_effect(args: object, table: Iterable[OnlyWith]) -> None:
    """Refuse options that were moved away from their defaults and do nothing.

    Raises:
        ValueError: naming the first, and what it is for.
    """
    default = {f.name: f.default if f.default_factory is MISSING else f.default_factory() for f in fields(args)}
    for name, other, values in table:
        if (given := getattr(args, other)) not in values and getattr(args, name) != default[name]:
            raise ValueError(
                f"--{name} has no effect with --{other} {given}, only with {', '.join(values)}: leave it out"
            )
