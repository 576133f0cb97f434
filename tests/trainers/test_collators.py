"""The collator: shapes and owners of a batch, a choice that depends on seed, epoch and row alone, bad images."""

import pytest
import torch

from data_scripts.encoded_images import undecoded
from tests.tiny import KINDS, tiny_mmclip
from tests.trainers.rows import draw, hard_negative_row, hard_negatives, truncated
from trainers.collators import HardNegativeCollator
from trainers.embedded_batch import BatchLayout
from trainers.rows import decode_image


@pytest.fixture(scope="module")
def processor():
    return tiny_mmclip("clip")[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_what_the_model_takes(kind):
    model, processor = tiny_mmclip(kind)
    rows = [hard_negative_row(0, 0, 2, 1), hard_negative_row(1, 3, 0, 0), hard_negative_row(2, 1, 1, 0)]
    layout, inputs = BatchLayout.split(HardNegativeCollator(processor)(rows))
    with torch.no_grad():
        output = model(**inputs)
        batch = layout.embedded(output.image_embeds, output.text_embeds)
        # The same by the model's own arguments for negatives, which encode every occurrence.
        figures = [decode_image(row["image"]) for row in rows]
        negatives = [decode_image(image) for row in rows for image in row["negative_images"]]
        texts = [text for row in rows for text in row["rule_captions"] + row["retrieved_captions"]]
        expected = model(
            **processor(images=figures, text=[row["caption"] for row in rows]),
            negative_image_owner=torch.tensor([1, 1, 1, 2]),
            negative_text_owner=torch.tensor([0, 0, 0, 2]),
            **{f"negative_{k}": v for k, v in processor(images=negatives, text=texts).items()},
        )
    for name in ("image_embeds", "text_embeds", "negative_image_embeds", "negative_text_embeds"):
        torch.testing.assert_close(getattr(batch, name), getattr(expected, name), rtol=1e-4, atol=1e-5)
    for name in ("negative_image_owner", "negative_text_owner"):
        assert torch.equal(getattr(batch, name), getattr(expected, name))


def test_a_text_is_in_the_batch_once(processor):
    rows = [hard_negative_row(0, 0, 2, 1), hard_negative_row(36, 0, 2, 1), hard_negative_row(1)]
    rows[2]["rule_captions"], rows[2]["retrieved_captions"] = [rows[0]["caption"]], []
    batch = HardNegativeCollator(processor)(rows)
    texts = processor.tokenizer.batch_decode(batch["input_ids"], skip_special_tokens=True)
    assert len(texts) == len(set(texts)) == 5  # two captions and three negatives, of which rows 0 and 36 share all
    assert [texts[index] for index in batch["text_index"]] == [row["caption"] for row in rows]
    wrong = [text for row in rows for text in row["rule_captions"] + row["retrieved_captions"]]
    assert [texts[index] for index in batch["negative_text_index"]] == wrong


def test_families_and_limits(processor):
    row = hard_negative_row(0, 5, 3, 2)
    row["rule_captions"] += [row["caption"], row["rule_captions"][0], "", None]  # no negatives: true, double, empty
    rules = HardNegativeCollator(processor, text_families=["rule"]).text_negatives(row)
    assert rules == dict.fromkeys(row["rule_captions"][:3], "rule")
    row["retrieved_captions"].append(row["rule_captions"][0])
    assert list(HardNegativeCollator(processor).text_negatives(row).values()) == ["rule"] * 3 + ["retrieval"] * 2
    batch = HardNegativeCollator(processor)([row, hard_negative_row(1, 0, 0, 1)])
    assert batch["negative_text_family"].tolist() == [0, 0, 0, 1, 1, 1]
    batch = HardNegativeCollator(processor, max_image_negatives=2, max_text_negatives=0)([row])
    assert batch["negative_image_owner"].tolist() == [0, 0] and len(batch["negative_text_index"]) == 0
    assert len(batch["pixel_values"]) == 3 and len(batch["input_ids"]) == 1
    with pytest.raises(ValueError, match="Unknown text families guessed"):
        HardNegativeCollator(processor, text_families=["guessed"])
    with pytest.raises(ValueError, match="must be 0 or more"):
        HardNegativeCollator(processor, max_text_negatives=-1)


def test_equal_captions_share_a_row_id(processor):
    rows = [hard_negative_row(0), hard_negative_row(1), hard_negative_row(36)]  # 36 = 4 x 9: the caption of row 0
    ids = HardNegativeCollator(processor)(rows)["row_ids"]
    assert ids[0] == ids[2] != ids[1]


def test_equal_images_share_a_figure_id(processor):
    rows = [hard_negative_row(0, 0), hard_negative_row(1, 2), hard_negative_row(0, 0)]
    rows[1]["negative_images"][1], rows[2]["caption"] = rows[0]["image"], "triangle ABC"
    batch = HardNegativeCollator(processor)(undecoded(hard_negatives(rows)).to_list())
    own, negative = batch["figure_ids"].tolist(), batch["negative_figure_ids"].tolist()
    assert own[0] == own[2] == negative[1] and len({*own, *negative}) == 3
    assert len(set(batch["row_ids"].tolist())) == 3


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


def test_what_is_true_of_the_row_is_no_negative_of_it(processor):
    row = hard_negative_row(0, 4, 2, 1)
    expected = row["rule_captions"] + row["retrieved_captions"]
    row["rule_captions"] = row["rule_captions"] + [row["caption"] + " "]
    row["negative_captions"][1], row["negative_images"][2] = row["caption"].replace(" ", "  "), row["image"]
    collator = HardNegativeCollator(processor, max_image_negatives=2)
    batch = collator([row])
    assert batch["row_ids"].item() not in {*batch["negative_image_ids"].tolist(), *batch["negative_text_ids"].tolist()}
    assert list(collator.text_negatives(row)) == expected
    assert [position for position, _ in collator.choose_images(row)] == [0, 3]
    assert collator.skipped["negative images"] == 2
    row["negative_images"], row["negative_captions"] = row["negative_images"][:2], [row["caption"]] * 2
    assert not HardNegativeCollator(processor, max_text_negatives=0).has_negatives(row)


def test_the_choice_depends_on_seed_epoch_and_row_alone(processor):
    def choice(collator, rows, row_id="row-0"):
        batch = collator(rows)
        row = [row["id"] for row in rows].index(row_id)
        images = batch["pixel_values"][len(rows) :][batch["negative_image_owner"] == row]
        chosen = batch["negative_text_index"][batch["negative_text_owner"] == row]
        captions = processor.tokenizer.batch_decode(batch["input_ids"][chosen])
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
    assert len(batch["pixel_values"]) == 2 + 3 and len(batch["text_index"]) == 2
    assert batch["negative_image_owner"].tolist() == [0, 0, 1]
    assert collator.skipped == {"rows": 1, "negative images": 1}
    with pytest.raises(ValueError, match="None of the 1 rows .* row-1"):
        collator([rows[1]])
    blank = HardNegativeCollator(processor, blank_if_empty=True)([rows[1]])
    assert len(blank["pixel_values"]) == len(blank["input_ids"]) == 1
    layout = BatchLayout.split(blank)[0]
    assert not any(len(value) for value in vars(layout).values() if value is not None)


def test_a_row_without_a_caption_is_skipped(processor):
    rows = [hard_negative_row(0), hard_negative_row(1)]
    rows[0]["caption"] = "  "
    collator = HardNegativeCollator(processor)
    assert len(collator(rows)["text_index"]) == 1
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
            batches[workers, epoch] = [batch["input_ids"] for batch in loader]
        assert collator.skipped["rows"] == 4
        del loader
    for epoch in range(2):
        for one, other in zip(batches[0, epoch], batches[2, epoch], strict=True):
            assert torch.equal(one, other)
    assert any(
        one.shape != other.shape or not torch.equal(one, other)
        for one, other in zip(batches[2, 0], batches[2, 1], strict=True)
    )
