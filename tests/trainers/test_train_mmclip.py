"""The command that trains an MMCLIP, from its arguments to the folder it leaves."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from datasets import Dataset, DatasetDict
from transformers import TrainerCallback
from trl import TrlParser

from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor
from tests.tiny import tiny_image_processor, tiny_llm, tiny_mmclip, tiny_tokenizer
from tests.trainers.rows import draw, hard_negative_row, hard_negatives
from trainers import precision
from trainers.data_arguments import DataArguments
from trainers.hard_negative_config import HardNegativeConfig
from trainers.scratch import ScratchConfig
from trainers.train_mmclip import ModelArguments, main

RECIPES = Path(__file__).parents[2] / "trainers" / "recipes"
QUICK = {
    "image_size": 32,
    "patch_size": 8,
    "vision_layers": 1,
    "text_layers": 1,
    "vision_hidden_size": 24,
    "text_hidden_size": 24,
    "num_train_epochs": 2,
    "logging_steps": 1,
    "use_cpu": True,
    "disable_tqdm": True,
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    DatasetDict({"train": hard_negatives(20), "test": hard_negatives(7)}).save_to_disk(folder)
    return str(folder)


def run(dataset, output, *extra):
    arguments = ["--config", str(RECIPES / "tiny.yaml"), "--dataset_name", dataset, "--output_dir", str(output)]
    arguments += [f"--{name}={value}" for name, value in QUICK.items()]
    main([*arguments, *extra])


def test_from_nothing_to_a_folder_that_loads(dataset, tmp_path):
    run(dataset, tmp_path, "--do_eval", "true")
    model, processor = MMCLIPModel.from_pretrained(tmp_path), MMCLIPProcessor.from_pretrained(tmp_path)
    with torch.no_grad():
        logits = model(**processor(text=["a square at C"], images=[draw("square", 2)])).logits_per_image
    assert torch.isfinite(logits).all()
    assert json.loads((tmp_path / "train_results.json").read_text())["train_loss"] > 0
    measured = json.loads((tmp_path / "eval_results.json").read_text())
    assert measured["eval_loss"] > 0
    assert {f"eval_{name}_hit_at_1" for name in ("random", "retrieval", "rule", "image")} <= set(measured)
    history = json.loads((tmp_path / "trainer_state.json").read_text())["log_history"]
    assert any("text_hit_at_1" in log for log in history)
    assert {"modeling_mmclip.py", "processing_mmclip.py"} <= {path.name for path in tmp_path.iterdir()}
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".bin", ".pt", ".pkl")]


def test_started_again_it_goes_on_and_keeps_the_figures(dataset, tmp_path):
    run(dataset, tmp_path / "straight")
    # Killed within the second epoch: what the folder holds then is the checkpoint of the first.
    run(dataset, tmp_path / "killed", "--save_total_limit", "5")
    for path in (tmp_path / "killed").iterdir():
        if path.name != "checkpoint-2":
            path.unlink() if path.is_file() else [*map(Path.unlink, path.iterdir()), path.rmdir()]
    run(dataset, tmp_path / "killed")
    one, other = (MMCLIPModel.from_pretrained(tmp_path / name).state_dict() for name in ("straight", "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    results = (tmp_path / "killed" / "train_results.json").read_text()
    run(dataset, tmp_path / "killed")  # nothing left to do
    assert (tmp_path / "killed" / "train_results.json").read_text() == results


@pytest.mark.parametrize("stock", [True, False])
def test_a_checkpoint_is_trained_further(dataset, tmp_path, stock):
    model, processor = tiny_mmclip("clip")
    start = tmp_path / "start"
    (model.backbone if stock else model).save_pretrained(start)
    if stock:
        tiny_tokenizer().save_pretrained(start)
        tiny_image_processor("clip").save_pretrained(start)
    else:
        processor.save_pretrained(start)
    output = tmp_path / "out"
    run(dataset, output, "--model_name_or_path", str(start), "--warmup_steps", "0", "--freeze_vision", "true")
    trained = MMCLIPModel.from_pretrained(output).state_dict()
    for name, value in model.state_dict().items():
        frozen = name.startswith(("backbone.vision_model", "backbone.visual_projection"))
        assert frozen == torch.equal(value, trained[name]), name


@pytest.mark.parametrize("named", [None, "sdpa"])
def test_attention_is_plain_where_a_cpu_computes_in_bf16_unless_it_is_named(dataset, tmp_path, monkeypatch, named):
    monkeypatch.setattr(precision, "cpu_computes_bf16", lambda: True)
    model, processor = tiny_mmclip("clip")
    for part in (model, processor):
        part.save_pretrained(tmp_path / "start")
    seen = []

    class Look(TrainerCallback):
        def on_train_begin(self, args, state, control, model=None, **kwargs):
            seen.append(model.vision_tower.config._attn_implementation)

    options = {"config": RECIPES / "tiny.yaml", "dataset_name": dataset, "model_name_or_path": tmp_path / "start"}
    options |= {"output_dir": tmp_path / "out", "max_steps": 1, "bf16": "true", "use_cpu": "true"}
    options |= {"attn_implementation": named} if named else {}
    main([word for name, value in options.items() for word in (f"--{name}", str(value))], callbacks=[Look()])
    assert seen == [named or "eager"]


def test_what_cannot_be_trained_is_one_clear_error(dataset, tmp_path):
    output = tmp_path / "out"
    with pytest.raises(ValueError, match="--dataset_name"):
        main(["--output_dir", str(output), "--use_cpu", "true"])
    with pytest.raises(ValueError, match="Cannot load the data set"):
        run(str(tmp_path / "absent"), output)
    with pytest.raises(ValueError, match="no split 'exam'"):
        run(dataset, output, "--train_split", "exam")
    DatasetDict({"train": Dataset.from_dict({"caption": ["a"]})}).save_to_disk(tmp_path / "columns")
    with pytest.raises(ValueError, match="lacks the column image"):
        run(str(tmp_path / "columns"), output)
    bare = [hard_negative_row(k, 0, 0, 0) for k in range(3)]
    DatasetDict({"train": hard_negatives(bare)}).save_to_disk(tmp_path / "bare")
    with pytest.raises(ValueError, match="None of the 3 rows has a negative"):
        run(str(tmp_path / "bare"), output, "--in_batch_negatives", "false")
    tiny_llm().save_pretrained(tmp_path / "llm")
    with pytest.raises(ValueError, match="dual encoder"):
        run(dataset, output, "--model_name_or_path", str(tmp_path / "llm"))
    with pytest.raises(ValueError, match="Cannot load the model"):
        run(dataset, output, "--model_name_or_path", str(tmp_path / "absent"))
    assert not output.exists()


@pytest.mark.parametrize(
    "recipe",
    ["tiny", "mmclip_tiny", "mmclip_tiny_in_batch", "paper_altclip", "paper_siglip", "in_batch_then_hard"],
)
def test_recipes_are_read_without_rest(tmp_path, recipe):
    file = RECIPES / f"{recipe}.yaml"
    parser = TrlParser((ModelArguments, DataArguments, ScratchConfig, HardNegativeConfig))
    arguments = ["--config", str(file), "--output_dir", str(tmp_path), "--bf16", "false", "--use_cpu", "true"]
    parsed = {name: value for part in parser.parse_args_and_config(arguments) for name, value in vars(part).items()}
    for name, value in yaml.safe_load(file.read_text()).items():
        value = [] if name == "report_to" and value == "none" else value  # as transformers reads it
        assert name == "bf16" or parsed[name] == value or str(parsed[name]).endswith(str(value).upper()), name
    if recipe == "paper_altclip":
        assert parsed["model_name_or_path"] == "BAAI/AltCLIP" and parsed["learning_rate"] == 2e-5
        assert parsed["warmup_steps"] == 0.03 and parsed["in_batch_negatives"] is False
