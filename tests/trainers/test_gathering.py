"""Two processes with half of the rows each learn what one process with all of them learns."""

from dataclasses import fields

import pytest
import torch
from accelerate import PartialState, debug_launcher
from accelerate.state import AcceleratorState

from tests.tiny import tiny_mmclip
from tests.trainers.processes import train_in
from trainers.embedded_batch import EmbeddedBatch
from trainers.gathering import gather_batch


def assert_alike(one, other):
    torch.testing.assert_close(torch.tensor(one[0]), torch.tensor(other[0]), rtol=1e-6, atol=1e-6)
    for name, value in one[2].items():
        torch.testing.assert_close(value, other[2][name], rtol=1e-6, atol=1e-6)


def batch_of(process):
    """A batch of which each process has another size, and each number occurs once; owners apart."""
    rows, images, texts = ((2, 3, 0), (3, 1, 2))[process]
    values = {}
    for position, name in enumerate(field.name for field in fields(EmbeddedBatch)):
        images_only = name.startswith(("negative_image", "negative_figure"))
        place = torch.arange(images if images_only else texts if name.startswith("negative_text") else rows)
        numbers = 1000 * process + 10 * position + place
        if name.endswith("embeds"):
            numbers = torch.stack([numbers, -numbers], 1).float()
        values[name] = place % rows if name.endswith("owner") else numbers
    return EmbeddedBatch(**values)


def gather_in_process():
    AcceleratorState._reset_state(True)  # what a forked process inherited
    gathered = gather_batch(batch_of(PartialState(cpu=True).process_index))
    for name in (field.name for field in fields(EmbeddedBatch)):
        first, second = (getattr(batch_of(process), name) for process in range(2))
        second = second + 2 if name.endswith("owner") else second  # behind the two rows of the first process
        assert torch.equal(getattr(gathered, name), torch.cat([first, second])), name


def test_every_field_is_gathered_in_the_order_of_the_processes():
    debug_launcher(gather_in_process, num_processes=2)


@pytest.mark.parametrize(
    ("kind", "broken", "options"),
    [
        ("clip", (), {"in_batch_negatives": True}),
        ("clip", (), {"share_hard_negatives": True, "in_batch_negatives": True, "gradient_accumulation_steps": 2}),
        ("siglip", (), {"share_hard_negatives": True, "in_batch_negatives": True, "loss_type": "sigmoid"}),
        # Rows of the first steps, so that one process has none while the other has some.
        ("altclip", (3, 6, 2), {"in_batch_negatives": True, "gradient_accumulation_steps": 2}),
    ],
    ids=["in-batch", "shared", "sigmoid", "broken"],
)
def test_two_processes_with_two_rows_are_one_with_four(tmp_path, kind, broken, options):
    one = train_in(tmp_path / "one", 1, kind, broken, **options)
    two = train_in(tmp_path / "two", 2, kind, broken, **options)
    assert len(one[0]) == 2 * options.get("gradient_accumulation_steps", 1)
    assert_alike(one, two)
    assert (0 in two[3]) == bool(broken)
    initial = tiny_mmclip(kind)[0].state_dict()
    assert any(not torch.equal(value, initial[name]) for name, value in one[2].items())
    for ours, theirs in zip(one[1], two[1], strict=True):
        for name in ("loss", "text_loss", "image_loss", "text_hit_at_1"):
            assert ours[name] == pytest.approx(theirs[name], rel=1e-4)


def test_without_gathering_two_processes_learn_something_else(tmp_path):
    one = train_in(tmp_path / "one", 1, in_batch_negatives=True)
    two = train_in(tmp_path / "two", 2, in_batch_negatives=True, gather_across_devices=False)
    assert abs(one[0][0] - two[0][0]) > 1e-3


@pytest.mark.parametrize("options", [{}, {"in_batch_negatives": True}, {"mini_batch_size": 2}], ids=str)
def test_more_processes_than_rows(tmp_path, options):
    # The loader fills the batches of both processes with the only row, which is no negative of itself.
    one = train_in(tmp_path / "one", 1, num_rows=1, **options)
    two = train_in(tmp_path / "two", 2, num_rows=1, **options)
    assert one[3] == [1, 1] and two[3] == [2, 2]
    assert_alike(one, two)


def test_an_undersized_last_batch_in_two_processes(tmp_path):
    # Five rows: a whole batch, and one row, which the other process sees beside its own.
    losses, _, weights, num_rows = train_in(tmp_path / "two", 2, num_rows=5, in_batch_negatives=True)
    assert num_rows[0] == 2 and 1 <= num_rows[1] <= 2
    assert all(torch.isfinite(value).all() for value in weights.values()) and all(loss > 0 for loss in losses)
