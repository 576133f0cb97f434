"""What a step measures: hits per family equal the definition, whatever is ragged or missing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

from trainers.collators import TEXT_FAMILIES
from trainers.embedded_batch import EmbeddedBatch
from trainers.losses import alike_rows
from trainers.meter import Meter
from trainers.ranking import count_hits


def embedded(generator, images, texts, row_ids) -> EmbeddedBatch:
    """Random embeddings of rows with these owners of negative images and captions."""
    sizes = (len(row_ids), len(row_ids), len(images), len(texts))
    embeds = [normalize(torch.randn(size, 3, generator=generator), dim=-1) for size in sizes]
    ids = [torch.zeros(len(owner), dtype=torch.long) for owner in (images, texts)]
    owners = [torch.tensor(owner, dtype=torch.long) for owner in (images, texts)]
    return EmbeddedBatch(*embeds, *owners, torch.tensor(row_ids), *ids, torch.arange(len(row_ids)), ids[0])


def by_definition(anchor, positive, negatives_of_row) -> float | None:
    """Share of rows whose positive beats every one of their negatives; None if no row has any."""
    hits = [
        all(a @ p > a @ n for n in negatives)
        for a, p, negatives in zip(anchor, positive, negatives_of_row, strict=True)
        if negatives
    ]
    return sum(hits) / len(hits) if hits else None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=5),
    st.lists(st.integers(0, 4), max_size=6),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), max_size=8),
    st.integers(0, 10**6),
)
def test_hits_per_family_equal_the_definition(row_ids, images, texts, seed):
    rows = len(row_ids)
    images = [owner % rows for owner in images]
    texts, families = [owner % rows for owner, _ in texts], [family for _, family in texts]
    batch = embedded(torch.Generator().manual_seed(seed), images, texts, row_ids)
    if not images and not texts:
        return
    meter = Meter(torch.device("cpu"))
    loss = batch.loss(torch.tensor(1.0), None, in_batch_negatives=False)
    meter.add_step(batch, loss, torch.tensor(families, dtype=torch.long))
    read = meter.read(lambda sums: sums)

    image, text = batch.image_embeds, batch.text_embeds
    shown = [[n for n, o in zip(batch.negative_image_embeds, images, strict=True) if o == r] for r in range(rows)]
    expected = {"image": by_definition(text, image, shown)}
    for name, wanted in (("text", (0, 1)), *((family, (i,)) for i, family in enumerate(TEXT_FAMILIES))):
        of_row = [
            [n for n, o, f in zip(batch.negative_text_embeds, texts, families, strict=True) if o == r and f in wanted]
            for r in range(rows)
        ]
        expected[name] = by_definition(image, text, of_row)
    others = [[text[s] for s in range(rows) if row_ids[s] != row_ids[r]] for r in range(rows)]
    expected["in_batch"] = by_definition(image, text, others)
    for name, value in expected.items():
        assert read.get(f"{name}_hit_at_1") == (None if value is None else pytest.approx(value)), name


def test_a_tie_is_no_hit_and_solves_nothing():
    axes = torch.eye(3)
    negatives = torch.stack([axes[0], axes[2], axes[0], axes[1]])  # a tie, two solved, a solved one of another row
    batch = EmbeddedBatch(
        axes, axes, axes[:0], negatives, torch.tensor([], dtype=torch.long), torch.tensor([0, 1, 1, 2]),
        torch.arange(3), torch.tensor([], dtype=torch.long), torch.zeros(4, dtype=torch.long),
        torch.arange(3), torch.tensor([], dtype=torch.long),
    )  # fmt: skip
    meter = Meter(torch.device("cpu"))
    loss = batch.loss(torch.tensor(1.0), None, in_batch_negatives=False)
    meter.add_step(batch, loss, torch.tensor([0, 0, 1, 1]))
    read = meter.read(lambda sums: sums)
    assert read["text_hit_at_1"] == pytest.approx(2 / 3) and read["text_solved"] == pytest.approx(3 / 4)
    assert (read["rule_hit_at_1"], read["retrieval_hit_at_1"], read["in_batch_hit_at_1"]) == (0.5, 1.0, 1.0)
    assert "image_hit_at_1" not in read and "image_solved" not in read


def test_negatives_that_do_not_count_judge_no_row():
    scores, owner = torch.tensor([0.9, 0.1]), torch.tensor([0, 1, 0])
    negative = torch.tensor([0.95, 0.5, 0.2])
    assert [int(x) for x in count_hits(scores, negative, owner, torch.tensor([False, False, True]))] == [1, 1]
    assert [int(x) for x in count_hits(scores, negative, owner, torch.tensor([True, True, True]))] == [0, 2]


def test_an_empty_batch_measures_nothing():
    none = torch.tensor([], dtype=torch.long)
    meter = Meter(torch.device("cpu"))
    meter._add_in_batch(torch.zeros(0, 3), torch.zeros(0, 3), ~alike_rows(none, none))
    assert meter.read(lambda sums: sums) == {}
