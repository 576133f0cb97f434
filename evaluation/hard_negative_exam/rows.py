"""The rows of the exam: figures that are asked about, and the gallery that lends them further candidates.

A row is one of hard negatives (`data_scripts.rows.FEATURES`) with more columns: `random_captions`, `random_ids`, and
the rule negatives that are drawn (`DRAWN_FEATURES`), four to ten of them. Rows of the gallery have no negatives.
Retrieved and random candidates are figures of both splits, and proven both ways: their caption is false of the row's
figure, and the row's caption is false of theirs. So the same ids serve the questions from image to captions and those
from caption to images.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from datasets import Features, List, Value

from data_scripts.negatives.encoding import EncodedCaptions
from data_scripts.negatives.retrieval import Judge, RetrievalOptions, retrieve
from data_scripts.row_sources import figure_shard
from data_scripts.rows import DRAWN_FEATURES, FEATURES, RowOptions
from data_scripts.shards import ShardRows

NUM_CANDIDATES = 10  # against the positive, as in the paper
FEWEST_DRAWN = 4  # edited captions with a figure, of which some figures have no ten: three letters have five exchanges
NUM_RETRIEVED = 100  # the larger retrieval set, as in the paper
LOOKED_AT = 5 * NUM_RETRIEVED  # nearest captions among which so many are proven
NO_CANDIDATES = {name: [] for name in ("retrieved_captions", "retrieved_ids", "random_captions", "random_ids")}

NO_DRAWN = {name: [] for name in DRAWN_FEATURES}

RANDOM_FEATURES = {name: List(Value("string")) for name in ("random_captions", "random_ids")}
EXAM_FEATURES = Features({**FEATURES, **DRAWN_FEATURES, **RANDOM_FEATURES})

# Splits of the exam: where each source's figures come from, none of which trains a model. Figures made from nothing
# have random streams that no build draws from, real ones the published test and validation splits.
EXAM, GALLERY = "exam", "gallery"
ORIGINS = {
    "procedural": {EXAM: "exam", GALLERY: "gallery"},
    "geometry3k": {EXAM: "test", GALLERY: "validation"},
}


def split_name(source: str, part: str) -> str:
    """The name under which a part of the exam loads: `procedural`, `procedural_gallery`, ..."""
    return source if part == EXAM else f"{source}_{part}"


def exam_shard(chunk: list, *, source: str, seed: int, options: RowOptions) -> ShardRows:
    """The rows of these figures; without those that offer too few negatives.

    Figures of ours must offer all negatives in every configuration. Of real figures, of which there are few, the first
    configuration must; without printed values some of them have less to change. Of edited captions with a figure
    FEWEST_DRAWN are enough; where a row that is kept has fewer, it has none, and makes no question of them.
    """
    made = figure_shard(chunk, source=source, split=ORIGINS[source][EXAM], seed=seed, options=options)
    judged = options.configs if source == "procedural" else options.configs[:1]
    full = [
        all(_is_full(made.rows[config][number], options) for config in judged)
        for number in range(len(made.rows[options.configs[0]]))
    ]
    kept_before = [0, *np.cumsum(full).tolist()]
    for config in options.configs:
        rows = (row for row, keep in zip(made.rows[config], full, strict=True) if keep)
        made.rows[config] = [row if len(row["drawn_edits"]) >= FEWEST_DRAWN else row | NO_DRAWN for row in rows]
        made.dropped[config] = [(kept_before[before], reasons) for before, reasons in made.dropped[config]]
        if few := full.count(False):
            made.dropped[config].append(
                (len(made.rows[config]), Counter({"row: too few negatives for the exam": few}))
            )
    return made


def _is_full(row: dict, options: RowOptions) -> bool:
    wanted = (options.num_image_negatives, options.num_rule_negatives)
    enough = len(row["drawn_edits"]) >= FEWEST_DRAWN
    return enough and (len(row["negative_captions"]), len(row["rule_captions"])) == wanted


def gallery_shard(chunk: list, *, source: str, seed: int, options: RowOptions) -> ShardRows:
    """The rows of these figures without negatives."""
    # One rule negative is asked for, and dropped again: a figure of which nothing false can be said is no candidate.
    lean = replace(options, num_image_negatives=0, num_rule_negatives=1, num_drawn_rules=0)
    made = figure_shard(chunk, source=source, split=ORIGINS[source][GALLERY], seed=seed, options=lean)
    for rows in made.rows.values():
        for row in rows:
            row |= {"rule_captions": [], "rule_edits": [], **NO_DRAWN}
    return made


def mutual(judge: Judge) -> Judge:
    """Objects to a candidate unless each caption is proven false of the other's figure."""

    def both(row: int, candidate: int) -> str | None:
        return judge(row, candidate) or judge(candidate, row)

    return both


def candidates(
    ids: Sequence[str],
    captions: Sequence[str],
    encoded: EncodedCaptions,
    judge: Judge,
    asked: int,
    seed: int,
    dropped: Counter[str],
) -> Iterator[dict[str, list[str]]]:
    """The retrieved and random candidates of the first `asked` rows.

    Args:
        ids, captions: of the rows that are asked about, then of the gallery.
        encoded: those captions.
        judge: of pairs of rows; asked both ways.
        asked: rows that want candidates.
        seed: draws the random ones.
        dropped: counts candidates that were not kept, by reason.
    """
    both = mutual(judge)
    options = RetrievalOptions(NUM_RETRIEVED, min(LOOKED_AT, len(ids) - 1), seed=seed)
    nearest = retrieve(encoded, both, options, dropped)
    for row, found in enumerate(islice(nearest, asked)):
        drawn = _draw(row, captions, both, np.random.default_rng([seed, row]))
        yield {
            "retrieved_captions": [captions[i] for i in found],
            "retrieved_ids": [ids[i] for i in found],
            "random_captions": [captions[i] for i in drawn],
            "random_ids": [ids[i] for i in drawn],
        }


def _draw(row: int, captions: Sequence[str], judge: Judge, rng: np.random.Generator) -> list[int]:
    """Up to ten other rows at random, of different captions and proven."""
    found: dict[str, int] = {}
    for other in rng.permutation(len(captions)).tolist():
        if len(found) == NUM_CANDIDATES:
            break
        if other != row and captions[other] not in found and judge(row, other) is None:
            found[captions[other]] = other
    return list(found.values())


def without_candidates(count: int) -> Iterable[dict[str, list[str]]]:
    """The columns of candidates for rows of the gallery."""
    return (NO_CANDIDATES for _ in range(count))
