"""The collator for answers: what is learned from, what is skipped, what is refused."""

import pytest
import torch
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

from data_scripts.instructions import DESCRIBE
from tests.tiny import tiny_mmgeolm
from tests.trainers.rows import draw, hard_negative_row, question_row, truncated
from trainers.answer_collator import IGNORED, AnswerCollator


@pytest.fixture(scope="module")
def parts():
    return tiny_mmgeolm()


def collator(processor, **options):
    return AnswerCollator(DataCollatorForVisionLanguageModeling(processor, completion_only_loss=True, **options))


def learned(processor, batch, row):
    return processor.tokenizer.decode(batch["labels"][row][batch["labels"][row] != IGNORED])


def test_only_the_answer_is_learned(parts):
    model, processor = parts
    row = question_row(2)
    batch = collator(processor)([row, question_row(3)])
    answer = learned(processor, batch, 0)
    assert answer.startswith(row["completion"][0]["content"])
    assert "Find" not in answer and processor.image_token not in answer
    assert row["prompt"][0]["content"] in processor.tokenizer.decode(batch["input_ids"][0])
    assert (batch["input_ids"] == processor.image_token_id).sum(1).tolist() == [16, 16]
    with torch.no_grad():
        assert torch.isfinite(model(**batch).loss)


def test_captions_become_descriptions(parts):
    processor = parts[1]
    row = hard_negative_row(1)
    batch = collator(processor)([row])
    assert learned(processor, batch, 0).startswith(row["caption"])
    assert DESCRIBE in processor.tokenizer.decode(batch["input_ids"][0])
    plain = {"image": draw("line", 0), "prompt": DESCRIBE, "completion": row["caption"]}
    assert torch.equal(collator(processor)([plain])["input_ids"], batch["input_ids"])


def test_rows_are_not_changed(parts):
    row = question_row(0)
    collator(parts[1])([row])
    assert row == question_row(0)


def test_an_unreadable_image_costs_its_row_only(parts):
    model, processor = parts
    bad = question_row(1)
    bad["images"] = [truncated(draw("line", 0))]
    collate = collator(processor)
    assert len(collate([question_row(0), bad])["input_ids"]) == 1
    assert collate.skipped == {"rows": 1} and collate.report() == "1 rows"
    blank = collate([bad])
    assert (blank["labels"] == IGNORED).all() and blank["pixel_values"].shape[0] == 1
    no_image = {**question_row(0), "images": []}
    assert len(collate([no_image, question_row(2)])["input_ids"]) == 1


def test_a_batch_without_labels_is_refused(parts):
    with pytest.raises(ValueError, match="All labels of a batch are masked"):
        collator(parts[1], max_length=18)([question_row(0)])
    with pytest.raises(ValueError, match="neither a prompt with a completion nor a caption"):
        collator(parts[1])([{"id": "x", "image": draw("line", 0)}])
