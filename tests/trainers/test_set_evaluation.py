"""Evaluation during training: the figures of the Hit@1 command, one encoding of everything, the best checkpoint."""

import json

import pytest
import torch
from accelerate import debug_launcher
from accelerate.state import AcceleratorState, GradientState
from datasets import Dataset

from evaluation.hit_at_1 import HitAtOneArguments
from evaluation.hit_at_1 import evaluate as evaluate_command
from tests.evaluation.rows import HARD_NEGATIVES, save
from tests.tiny import tiny_mmclip
from tests.trainers.rows import draw, hard_negative_row, hard_negatives, truncated
from trainers.candidate_sets import SET_NAMES
from trainers.hard_negative_config import HardNegativeConfig
from trainers.hard_negative_trainer import HardNegativeTrainer
from trainers.set_evaluation import EvaluationContents


def eval_rows(count: int = 11, broken: bool = False) -> list[dict]:
    rows = [hard_negative_row(k, k % 4, (k + 1) % 3, (k + 2) % 3) for k in range(count)]
    if broken:
        rows[3]["image"] = truncated(draw("circle", 4))
        rows[6]["negative_images"][0] = truncated(draw("line", 5))
    return rows


def trainer_for(folder, rows=None, kind="clip", **options):
    model, processor = tiny_mmclip(kind)
    options = {"save_strategy": "no", "max_steps": 4, "per_device_eval_batch_size": 5, **options}
    args = HardNegativeConfig(
        output_dir=str(folder),
        per_device_train_batch_size=4,
        use_cpu=True,
        disable_tqdm=True,
        report_to="none",
        **options,
    )
    rows = eval_rows() if rows is None else rows
    return HardNegativeTrainer(
        model=model,
        args=args,
        train_dataset=hard_negatives(8),
        eval_dataset=rows if isinstance(rows, dict) else hard_negatives(rows),
        processing_class=processor,
    )


@pytest.mark.parametrize(("kind", "broken"), [("clip", False), ("clip", True), ("siglip", False)])
def test_the_figures_are_those_of_the_command(tmp_path, kind, broken):
    rows = eval_rows(broken=broken)
    trainer = trainer_for(tmp_path, rows, kind)
    metrics = trainer.evaluate()
    trainer.save_model(tmp_path / "model")
    data = save(tmp_path / "data", HARD_NEGATIVES, test=[{**row, "rule_edits": []} for row in rows])
    expected = evaluate_command(HitAtOneArguments(model=str(tmp_path / "model"), dataset=str(data)))
    assert {name: metrics[f"eval_{name}_hit_at_1"] for name in SET_NAMES} == {
        name: pytest.approx(entry["accuracy"]) for name, entry in expected["sets"].items()
    }
    assert expected["num_unreadable_images"] == 2 * broken
    assert metrics["eval_hit_at_1"] == pytest.approx(sum(metrics[f"eval_{name}_hit_at_1"] for name in SET_NAMES) / 4)


@pytest.mark.parametrize("options", [{}, {"in_batch_negatives": True, "share_hard_negatives": True}])
@pytest.mark.parametrize("broken", [False, True])
def test_the_loss_is_that_of_training_batches(tmp_path, options, broken):
    rows = eval_rows(8, broken)
    trainer = trainer_for(tmp_path, rows, max_image_negatives=2, max_text_negatives=2, **options)
    metrics = trainer.evaluate()
    usable = [row for k, row in enumerate(hard_negatives(rows).to_list()) if not (broken and k == 3)]
    means = []
    for start in (0, 4):
        trainer._meter = type(trainer._meter)(trainer.args.device)
        with torch.no_grad():
            trainer.compute_loss(trainer.model, dict(trainer.data_collator(usable[start : start + 4])))
        totals, counts = trainer._meter.sums.tolist()
        means.append(dict(zip(("image_loss", "text_loss"), zip(totals, counts, strict=True), strict=False)))
    for term in ("image_loss", "text_loss"):
        total, count = (sum(values) for values in zip(*(mean[term] for mean in means), strict=True))
        assert metrics[f"eval_{term}"] == pytest.approx(total / count, rel=1e-5)
    assert metrics["eval_loss"] == pytest.approx((metrics["eval_image_loss"] + metrics["eval_text_loss"]) / 2)


def test_everything_is_encoded_once(tmp_path):
    trainer = trainer_for(tmp_path, dataloader_drop_last=True)
    seen = {"images": 0, "texts": 0, "most": 0}
    forward = trainer.model.forward

    def counting(input_ids, attention_mask=None, pixel_values=None, **kwargs):
        images, texts = len(pixel_values), len(input_ids)
        seen["images"], seen["texts"], seen["most"] = (
            seen["images"] + images,
            seen["texts"] + texts,
            max(seen["most"], images + texts),
        )
        return forward(input_ids=input_ids, attention_mask=attention_mask, pixel_values=pixel_values, **kwargs)

    trainer.model.forward = counting
    trainer.evaluate()
    contents = next(iter(trainer._evaluated.values()))[1]
    rows = eval_rows()
    images = {image["bytes"] for row in rows for image in [row["image"], *row["negative_images"]]}
    texts = {text for row in rows for text in [row["caption"], *row["rule_captions"], *row["retrieved_captions"]]}
    assert (len(contents.sets.images), len(contents.sets.captions)) == (len(images), len(texts))
    blanks = -(-len(contents) // 5) - 1  # each batch but the one with both has a blank of the other kind
    assert seen["images"] + seen["texts"] in (len(contents) + blanks, len(contents) + blanks + 1)
    assert seen["most"] <= 5 + 1  # what memory must hold
    first = contents
    trainer.evaluate()
    assert next(iter(trainer._evaluated.values()))[1] is first  # the rows are read once


def test_the_best_checkpoint_is_kept(tmp_path):
    options = {"eval_strategy": "steps", "eval_steps": 1, "save_strategy": "steps", "save_steps": 1}
    best = {"load_best_model_at_end": True, "metric_for_best_model": "rule_hit_at_1", "save_total_limit": 1}
    trainer = trainer_for(tmp_path, learning_rate=3e-2, lr_scheduler_type="constant", max_steps=6, **options, **best)
    assert trainer.args.greater_is_better
    trainer.train()
    measured = [log["eval_rule_hit_at_1"] for log in trainer.state.log_history if "eval_rule_hit_at_1" in log]
    assert len(measured) == 6 and len(set(measured)) > 1
    assert trainer.state.best_metric == max(measured)
    assert trainer.state.best_global_step == 1 + measured.index(max(measured))
    assert trainer.evaluate()["eval_rule_hit_at_1"] == max(measured)


def test_several_data_sets_have_names(tmp_path):
    rows = {name: hard_negatives(eval_rows(count)) for name, count in (("easy", 5), ("hard", 9))}
    metrics = trainer_for(tmp_path, rows).evaluate()
    assert {"eval_easy_image_hit_at_1", "eval_hard_image_hit_at_1", "eval_hard_loss"} <= set(metrics)


def test_images_may_be_given_by_their_paths(tmp_path):
    rows = eval_rows()
    expected = trainer_for(tmp_path, rows).evaluate()
    for number, image in enumerate([image for row in rows for image in (row["image"], *row["negative_images"])]):
        (tmp_path / f"{number}.png").write_bytes(image["bytes"])
    paths = iter([str(tmp_path / f"{number}.png") for number in range(number + 1)])
    named = [
        {**row, "image": next(paths), "negative_images": [next(paths) for _ in row["negative_images"]]} for row in rows
    ]
    metrics = trainer_for(tmp_path, {"named": Dataset.from_list(named)}).evaluate()
    assert all(metrics[f"eval_named_{name}_hit_at_1"] == expected[f"eval_{name}_hit_at_1"] for name in SET_NAMES)


def test_what_cannot_be_evaluated_is_refused(tmp_path):
    trainer = trainer_for(tmp_path)
    with pytest.raises(ValueError, match="a stream cannot be"):
        EvaluationContents(hard_negatives(3).to_iterable_dataset(), trainer.data_collator)
    rows = [{**hard_negative_row(0), "caption": " "}, {**hard_negative_row(1), "image": None}]
    with pytest.raises(ValueError, match="None of the 2 evaluation rows has an image and a caption"):
        trainer_for(tmp_path, rows).evaluate()
    bare = hard_negatives(4).select_columns(["image", "caption"])  # nothing but pairs: one set is left
    metrics = trainer_for(tmp_path, {"pairs": bare}).evaluate()
    assert metrics["eval_pairs_hit_at_1"] == metrics["eval_pairs_random_hit_at_1"]
    assert "eval_pairs_loss" not in metrics


def evaluate_in_process(folder, processes):
    AcceleratorState._reset_state(True)  # what a forked process inherited
    GradientState._reset_state()
    options = {"in_batch_negatives": True, "per_device_eval_batch_size": 4}
    trainer = trainer_for(folder, eval_rows(broken=True), **options)
    trainer.args.per_device_train_batch_size = 4 // processes  # the same batches for the loss
    assert trainer.args.world_size == processes
    metrics = trainer.evaluate()
    path = folder / f"{processes}-{trainer.args.process_index}.json"
    path.write_text(json.dumps({k: v for k, v in metrics.items() if "per_second" not in k and "time" not in k}))


def test_several_processes_agree(tmp_path):
    for processes in (1, 2):
        debug_launcher(evaluate_in_process, args=(tmp_path, processes), num_processes=processes)
    one, first, second = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("1-0", "2-0", "2-1"))
    assert first == second
    assert first == pytest.approx(one, rel=1e-4)
    assert one["eval_image_hit_at_1"] > 0 and one["eval_loss"] > 0
