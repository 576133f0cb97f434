"""Where rows come from: every source opened in the same way, and what makes rows of what it gives.

A source of figures (`FIGURE_SOURCES`) gives figure numbers or records with coordinates, a public data set
(`CAPTION_SOURCES`) gives records of pictures and captions. A public set without a test split of its own is divided by
what its pictures show, so that no scene is on both sides.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

from .caption_rows import caption_row, read_stated
from .rows import RowOptions, build_rows
from .shards import Open, ShardRows
from .sources import FIGURE_SOURCES, SOURCES, geometry3k, procedural
from .sources.records import Record

__all__ = ["SourceArguments", "open_source", "read_stated", "shard_builder"]


class SourceArguments(Protocol):
    """What must be known of a build to open its source."""

    source: str
    logic_forms: str | None
    path: str | None
    families: list[str] | None
    seed: int
    configs: list[str]

    @property
    def row_options(self) -> RowOptions: ...

    @property
    def wanted(self) -> dict[str, int]: ...


def open_source(args: SourceArguments, split: str) -> Open:
    """What opens the source of a split at a position.

    Raises:
        ValueError: if the source cannot be read.
    """
    if args.source == "procedural":
        chosen = procedural.choose_families(args.families)
        return partial(procedural.figure_numbers, seed=args.seed, split=split, chosen=chosen)
    if args.source == "geometry3k":
        return partial(_from, geometry3k.shuffled(args.logic_forms, split, args.seed))
    source = SOURCES[args.source]
    return partial(source.items, args.path, source.captions)


def _from(items: Sequence, start: int) -> Iterator:
    return iter(items[start:])


def shard_builder(args: SourceArguments, split: str) -> Callable[[list], ShardRows]:
    """What makes the rows of a chunk of that source; a pure function of the chunk."""
    if args.source in FIGURE_SOURCES:
        chosen = {"source": args.source, "split": split, "seed": args.seed}
        return partial(figure_shard, **chosen, options=args.row_options)
    share = args.wanted["test"] / sum(args.wanted.values())
    return partial(caption_shard, held_out=split == "test", share=share, seed=args.seed, options=args.row_options)


def figure_shard(chunk: list, *, source: str, split: str, seed: int, options: RowOptions) -> ShardRows:
    """The rows of these figures, in every configuration."""
    made, unread = ShardRows.of(options.configs), Counter()
    for row_id, figure, rng in FIGURE_SOURCES[source].figures(chunk, split, seed, unread):
        dropped = {config: Counter(unread) for config in options.configs}
        unread.clear()
        built = build_rows(figure, row_id, source, rng, options, dropped)
        for config in options.configs:
            one = built[config] if built else None
            made.add(config, one.row if one else None, dropped[config])
            made.measures[config] += [one.measures] if one and one.measures else []
    for config in options.configs:
        made.add(config, None, unread)
    return made


def caption_shard(
    chunk: list[Record | str], *, held_out: bool, share: float, seed: int, options: RowOptions
) -> ShardRows:
    """The rows of these records, of those scenes that are held out or of all others.

    Args:
        chunk: records, or reasons why there is none.
        held_out: whether rows of the test split are wanted.
        share: of all scenes that are held out.
        seed: draws the edits.
        options: how many negatives.
    """
    made = ShardRows.of(options.configs)
    (config,) = options.configs
    for item in chunk:
        if isinstance(item, str):
            made.add(config, None, Counter([item]))
        elif (int(item.scene, 16) % 10**6 < share * 10**6) is held_out:
            dropped: Counter[str] = Counter()
            made.add(config, caption_row(item, seed, options, dropped), dropped)
    return made
