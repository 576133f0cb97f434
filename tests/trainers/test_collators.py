"""The collator: shapes and owners of a batch, a choice that depends on seed, epoch and row alone, bad images."""

import pytest
import torch

from tests.tiny import KINDS, tiny_mmclip
from tests.trainers.rows import draw, hard_negative_row, hard_negatives, truncated
from trainers.collators import HardNegativeCollator
from trainers.rows import decode_image, undecoded


@pytest.fixture(scope="module")
def processor():
    return tiny_mmclip("clip")[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_what_the_model_takes(kind):
    model, processor = tiny_mmclip(kind)
    rows = [hard_negative_row(0, 0, 2, 1), hard_negative_row(1, 3, 0, 0), hard_negative_row(2, 1, 1, 0)]
    batch = HardNegativeCollator(processor)(rows)
    assert batch["negative_image_owner"].tolist() == [1, 1, 1, 2]
    assert batch["negative_text_owner"].tolist() == [0, 0, 0, 2]
    assert batch["row_ids"].shape == (3,)
    with torch.no_grad():
        output = model(
            **{name: value for name, value in batch.items() if not name.endswith("_ids") or "input" in name}
        )
        alone = model(pixel_values=processor(images=[draw("square", 1)])["pixel_values"])
    assert output.negative_image_embeds.shape[0] == 4 and output.negative_text_embeds.shape[0] == 4
    torch.testing.assert_close(output.image_embeds[1], alone.image_embeds[0], rtol=1e-4, atol=1e-5)


def test_families_and_limits(processor):
    row = hard_negative_row(0, 5, 3, 2)
    row["rule_captions"] += [row["caption"], row["rule_captions"][0], "", None]  # no negatives: true, double, empty
    rules = HardNegativeCollator(processor, text_families=["rule"]).text_negatives(row)
    assert rules == row["rule_captions"][:3]
    assert len(HardNegativeCollator(processor).text_negatives(row)) == 5
    batch = HardNegativeCollator(processor, max_image_negatives=2, max_text_negatives=0)([row])
    assert len(batch["negative_pixel_values"]) == 2 and "negative_input_ids" not in batch
    with pytest.raises(ValueError, match="Unknown text families guessed"):
        HardNegativeCollator(processor, text_families=["guessed"])
    with pytest.raises(ValueError, match="must be 0 or more"):
        HardNegativeCollator(processor, max_text_negatives=-1)


def test_equal_captions_share_a_row_id(processor):
    rows = [hard_negative_row(0), hard_negative_row(1), hard_negative_row(36)]  # 36 = 4 x 9: the caption of row 0
    ids = HardNegativeCollator(processor)(rows)["row_ids"]
    assert ids[0] == ids[2] != ids[1]


def test_negatives_have_the_identity_of_what_they_say_or_show(processor):
    rows = [hard_negative_row(0, 3, 0, 0), hard_negative_row(1, 0, 0, 0), hard_negative_row(2, 0, 0, 1)]
    rows[0]["negative_captions"] = [rows[1]["caption"] + " ", None]  # the third has none at all
    rows[2]["retrieved_captions"] = [rows[1]["caption"].replace(" ", "  ")]
    batch = HardNegativeCollator(processor)(rows)
    ids = batch["negative_image_ids"]
    assert ids[0] == batch["row_ids"][1] == batch["negative_text_ids"][0]
    assert len({*ids.tolist(), *batch["row_ids"].tolist()}) == 5
    rows[0]["negative_captions"] = None  # the same image is the same, however it comes
    rows[0]["negative_images"] = rows[0]["negative_images"][1:] + [decode_image(rows[0]["negative_images"][1])]
    again = HardNegativeCollator(processor)(rows)["negative_image_ids"]
    assert again.tolist() == [ids[1], ids[2], ids[1]]


def test_the_choice_depends_on_seed_epoch_and_row_alone(processor):
    def choice(collator, rows, row_id="row-0"):
        batch = collator(rows)
        row = [row["id"] for row in rows].index(row_id)
        images = batch["negative_pixel_values"][batch["negative_image_owner"] == row]
        captions = processor.tokenizer.batch_decode(batch["negative_input_ids"][batch["negative_text_owner"] == row])
        return images, [caption.replace("<pad>", "") for caption in captions]

    rows = [hard_negative_row(k, 12, 8, 4) for k in range(3)]
    make = {"max_image_negatives": 3, "max_text_negatives": 4}
    collator = HardNegativeCollator(processor, **make)
    images, captions = choice(collator, rows)
    for same in (choice(collator, rows[::-1]), choice(HardNegativeCollator(processor, **make), rows[:1])):
        assert torch.equal(same[0], images) and same[1] == captions
    drawn = []
    for epoch in range(1, 6):
        collator.set_epoch(epoch)
        drawn.append(tuple(choice(collator, rows)[1]))
    assert len(set(drawn)) > 1
    assert choice(collator.for_evaluation(), rows)[1] == captions
    other_seeds = [choice(HardNegativeCollator(processor, **make, seed=seed), rows)[1] for seed in range(1, 6)]
    assert any(other != captions for other in other_seeds)


def test_bad_images_cost_their_row_or_only_themselves(processor):
    rows = [hard_negative_row(k, 2) for k in range(3)]
    rows[1]["image"] = truncated(draw("circle", 4))
    rows[2]["negative_images"][0] = truncated(draw("line", 5))
    collator = HardNegativeCollator(processor)
    batch = collator(undecoded(hard_negatives(rows)).to_list())
    assert len(batch["pixel_values"]) == len(batch["input_ids"]) == 2
    assert batch["negative_image_owner"].tolist() == [0, 0, 1]
    assert collator.skipped == {"rows": 1, "negative images": 1}
    with pytest.raises(ValueError, match="None of the 1 rows .* row-1"):
        collator([rows[1]])
    blank = HardNegativeCollator(processor, blank_if_empty=True)([rows[1]])
    assert blank["pixel_values"].shape[0] == 1 and "negative_pixel_values" not in blank
    assert "negative_input_ids" not in blank


def test_a_row_without_a_caption_is_skipped(processor):
    rows = [hard_negative_row(0), hard_negative_row(1)]
    rows[0]["caption"] = "  "
    collator = HardNegativeCollator(processor)
    assert len(collator(rows)["input_ids"]) == 1
    assert collator.skipped["rows"] == 1


def test_workers_choose_alike_count_together_and_hear_of_epochs(processor):
    rows = [hard_negative_row(k, 0, 9, 0) for k in range(8)]
    rows[3]["image"] = rows[6]["image"] = truncated(draw("line", 0))
    data = undecoded(hard_negatives(rows))
    batches = {}
    for workers in (0, 2):
        collator = HardNegativeCollator(processor, max_text_negatives=2)
        loader = torch.utils.data.DataLoader(
            data, batch_size=2, collate_fn=collator, num_workers=workers, persistent_workers=workers > 0
        )
        for epoch in range(2):
            collator.set_epoch(epoch)
            batches[workers, epoch] = [batch["negative_input_ids"] for batch in loader]
        assert collator.skipped["rows"] == 4
        del loader
    for epoch in range(2):
        for one, other in zip(batches[0, epoch], batches[2, epoch], strict=True):
            assert torch.equal(one, other)
    assert any(
        one.shape != other.shape or not torch.equal(one, other)
        for one, other in zip(batches[2, 0], batches[2, 1], strict=True)
    )
