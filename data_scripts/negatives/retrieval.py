"""Retrieval negatives: similar captions of other figures that are false of this one.

A sentence encoder ranks the captions by cosine similarity (MMGeoLM section 3.2 uses dense retrieval and looks at the
100 nearest). A similar caption may well be true of the figure, so each is put before a judge and kept only if it is
proven false: on the figure's coordinates, or by what the figure's own caption states. Captions of the same scene are
never kept.

Two ways to choose among the nearest:

`top` takes the most similar first.

`simans` draws without replacement, caption d of row q with probability proportional to

    exp(-a * (s(q, d) - s(q, d+) - b)^2)

(SimANS, Zhou et al. 2022, arXiv 2210.11773): neither the hardest, which are often true after all, nor the easiest. A
caption has no second positive d+, so s(q, d+) is the similarity of the caption and a re-wording of itself where the
caller knows one (`positives`), and otherwise the `positive_quantile` of the similarities of the nearest captions.

Why so: of 1,500 procedural captions with MiniLM, the similarity of caption and re-wording is 0.92 (median). Among the
100 nearest, about 20% cannot be proven false where they are as similar as the re-wording, and 2% where they are at
least 0.2 less similar. The similarities of a row's 100 nearest have a standard deviation of 0.04 (median), hence
a = 100: it prefers what lies within 1 / sqrt(2a) = 0.07 of s(q, d+) + b. A negative b asks for easier negatives. The
median rank of ten negatives is then 12 with re-wordings and 29 without; with `top` it is 5.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from tqdm.auto import tqdm

from ..diagram import Diagram, Fact
from ..diagram.facts import statements
from ..phrases import Stated
from .encoding import EncodedCaptions
from .image import first_false
from .nearest import nearest

SAMPLINGS = ("top", "simans")
MAY_BE_TRUE = "may be true of the figure"
SAME_MEANING = "says nothing else"

# `judge(row, candidate)`: None if the candidate's caption is false of the row's figure, otherwise why it may be true.
Judge = Callable[[int, int], str | None]


@dataclass(frozen=True)
class RetrievalOptions:
    """How many of the nearest captions become negatives, and which; part of what makes two builds the same."""

    count: int = 10  # negatives per row, at most
    top_k: int = 100  # nearest captions looked at
    sampling: str = "top"  # one of SAMPLINGS
    a: float = 100.0  # SimANS: how sharply similarities around s(q, d+) + b are preferred
    b: float = 0.0  # SimANS: how much more similar than s(q, d+) a negative should be
    positive_quantile: float = 0.95  # SimANS: s(q, d+) where no re-wording is known
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sampling not in SAMPLINGS:
            raise ValueError(f"unknown sampling '{self.sampling}': expected one of {', '.join(SAMPLINGS)}")
        if self.count < 0 or self.top_k < 1 or self.a < 0 or self.seed < 0:
            raise ValueError(f"count, a and seed must be at least 0 and top_k at least 1: {self}")
        if not 0 <= self.positive_quantile <= 1:
            raise ValueError(f"positive_quantile is a share of the nearest, 0 to 1, not {self.positive_quantile}")


def figure_judge(facts: Sequence[str]) -> Judge:
    """Judge by proof: a caption is a negative only if one of its statements is visibly false of the figure.

    Args:
        facts: the `facts` column, what `Diagram.to_json` wrote; read when needed, so only text is held for each row.
    """

    @lru_cache(maxsize=1024)
    def diagram(row: int) -> Diagram:
        return Diagram.from_json(facts[row])

    def judge(row: int, candidate: int) -> str | None:
        figure, stated = diagram(row), diagram(candidate).facts
        if first_false(stated, figure) is not None:
            return None
        return SAME_MEANING if statements(stated) <= statements(figure.facts) else MAY_BE_TRUE

    return judge


def statement_judge(stated: Sequence[AbstractSet[Fact]]) -> Judge:
    """Judge by meaning, where figures have no coordinates: a negative says something that the row's caption denies.

    That is what rule negatives of such captions promise, too (`phrases.Stated.denies`).

    Args:
        stated: normal statements of each row's caption (`phrases.kinds.normal`). Empty where a caption was not
            understood: then it is no row's negative, and its row has none.
    """

    @lru_cache(maxsize=16)
    def about(row: int) -> Stated:
        return Stated(stated[row])

    def judge(row: int, candidate: int) -> str | None:
        said = sorted(stated[candidate], key=repr)
        if stated[row] and any(about(row).denies(fact) for fact in said):
            return None
        return SAME_MEANING if all(about(row).implies(fact) for fact in said) else MAY_BE_TRUE

    return judge


def retrieve(
    encoded: EncodedCaptions,
    judge: Judge,
    options: RetrievalOptions,
    dropped: Counter[str],
    scenes: Sequence[str] | None = None,
    positives: np.ndarray | None = None,
) -> Iterator[list[int]]:
    """For one row after the other the numbers of up to `options.count` other rows whose captions are its negatives.

    Candidates are distinct captions, each by its first row; a row's own caption is none. Every row draws from a
    generator of its own, so nothing depends on how the work is cut into blocks.

    Args:
        encoded: the captions of all rows.
        judge: decides on (row, candidate); asked in the order of preference until there are enough.
        options: how many and which.
        dropped: counts candidates that were not kept, by reason.
        scenes: id of what each row shows; rows of one scene are never negatives of one another.
        positives: `[rows]`, similarity of each caption and its re-wording (`encoding.paired_similarity`), for SimANS.

    Yields:
        Row numbers: most similar first with `top`, in the order drawn with `simans`.

    Raises:
        ValueError: if captions, scenes and positives differ in number.
    """
    for name, values in (("scenes", scenes), ("positives", positives)):
        if values is not None and len(values) != len(encoded):
            raise ValueError(f"{len(values)} {name} for {len(encoded)} captions: one of each per row is needed")
    if options.count == 0:
        return iter([[] for _ in range(len(encoded))])
    return _retrieve(encoded, judge, options, dropped, scenes, positives)


def _retrieve(
    encoded: EncodedCaptions,
    judge: Judge,
    options: RetrievalOptions,
    dropped: Counter[str],
    scenes: Sequence[str] | None,
    positives: np.ndarray | None,
) -> Iterator[list[int]]:
    scenes_of = _scenes_of_captions(encoded, scenes)
    found = nearest(encoded.vectors, options.top_k, encoded.distinct)
    for row, (captions, scores) in enumerate(tqdm(found, total=len(encoded), desc="retrieval negatives", unit="row")):
        if options.sampling == "simans" and len(scores):
            known = positives is not None
            positive = positives[row] if known else np.quantile(scores, options.positive_quantile)
            order = simans_order(scores, float(positive), options, np.random.default_rng([options.seed, row]))
            captions = captions[order]
        kept: list[int] = []
        for caption in captions.tolist():
            if len(kept) == options.count:
                break
            candidate = int(encoded.first_row[caption])
            same_scene = scenes is not None and scenes[row] in scenes_of[caption]
            objection = "same scene" if same_scene else judge(row, candidate)
            if objection is None:
                kept.append(candidate)
            else:
                dropped[f"retrieval: {objection}"] += 1
        yield kept


def simans_order(
    scores: np.ndarray, positive: float, options: RetrievalOptions, rng: np.random.Generator
) -> np.ndarray:
    """The candidates in the order in which SimANS draws them without replacement, `[k]`.

    To sort log-probabilities with Gumbel noise is to draw without replacement (Kool et al. 2019, arXiv 1903.06059).
    Passing over some candidates of the order leaves a draw from the others, so the judge need not see all of them.

    Args:
        scores: similarities of the candidates, `[k]`.
        positive: s(q, d+).
        options: for `a` and `b`.
        rng: draws one number per candidate.
    """
    preference = -options.a * (scores.astype(np.float64) - positive - options.b) ** 2
    return np.argsort(-(preference + rng.gumbel(size=len(scores))), kind="stable")


def _scenes_of_captions(encoded: EncodedCaptions, scenes: Sequence[str] | None) -> dict[int, set[str]]:
    """The scenes that each distinct caption was written for."""
    found: dict[int, set[str]] = defaultdict(set)
    for caption, scene in zip(encoded.distinct.tolist(), scenes or (), strict=False):
        found[caption].add(scene)
    return found
