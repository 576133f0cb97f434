"""Pushing while training: what arrives loads, nothing pickled goes along, and a Hub in trouble costs no step."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from datasets import DatasetDict

from model_cards.folder_check import is_pickle
from modeling_mmgeo import MMCLIPModel, MMGeoLMForConditionalGeneration, MMGeoLMProcessor
from tests.hub.loopback import TOKEN
from tests.pickles import pickles_in
from tests.tiny import tiny_mmclip, tiny_mmgeolm
from tests.trainers.making import trainer_for
from tests.trainers.rows import hard_negatives, questions
from trainers.hub import travelling

ROOT = Path(__file__).parents[2]
OTHER_TOKEN = "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"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("pushing")
    DatasetDict({"train": questions(4)}).save_to_disk(root / "questions")
    DatasetDict({"train": hard_negatives(4)}).save_to_disk(root / "rows")
    for name, parts in {"mmgeolm": tiny_mmgeolm(), "mmclip": tiny_mmclip()}.items():
        for part in parts:
            part.save_pretrained(root / name)
    return root


@pytest.fixture(scope="module")
def train(fresh_environment, world):
    """Runs stage sft, or another training, in one process for which the loopback Hub is the Hub."""
    log = (world / "stderr.txt").open("w")
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("training_process.py"))],
        env=fresh_environment("trainer") | {"PYTHONPATH": str(ROOT)},
        cwd=world,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )

    def run(name, module="trainers.train_mmgeolm", **options):
        of_stage = {"stage": "sft", "model_name_or_path": "mmgeolm", "dataset_name": "questions"}
        options = (of_stage if module == "trainers.train_mmgeolm" else {}) | options
        options |= {"output_dir": name, "max_steps": 2, "save_steps": 1, "report_to": "none", "disable_tqdm": True}
        options |= {"per_device_train_batch_size": 2, "save_strategy": "steps", "use_cpu": True}
        options = {"push_to_hub": True} | options
        argv = [f"--{key}={value}" for key, value in options.items()]
        process.stdin.write(json.dumps({"module": module, "argv": argv}) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer, (world / "stderr.txt").read_text()[-4000:]
        assert TOKEN not in answer and OTHER_TOKEN not in answer
        return json.loads(answer)

    yield run
    process.stdin.close()
    assert process.wait(60) == 0
    log.close()
    assert TOKEN not in (world / "stderr.txt").read_text() and OTHER_TOKEN not in (world / "stderr.txt").read_text()


def pushed(hub, name, folder):
    """Download a repository of the loopback Hub by hand."""
    folder.mkdir()
    for path, content in hub.files("model", name).items():
        (folder / path).write_bytes(content)
    return folder


def test_every_save_is_pushed_and_loads(hub, train, world, tmp_path):
    ended = train("whole", hub_model_id="org/whole", hub_always_push=True, hub_private_repo=True)
    assert ended["status"] == 0, ended["err"]
    repository = hub.repositories["model", "org/whole"]
    assert repository.private
    assert repository.messages == [
        *("initial commit", "Training in progress, step 1", "Training in progress, step 2", "End of training")
    ]
    folder = pushed(hub, "org/whole", tmp_path / "whole")
    MMGeoLMForConditionalGeneration.from_pretrained(folder)
    MMGeoLMProcessor.from_pretrained(folder)
    names = {path.name for path in folder.iterdir()}
    assert {"modeling_mmgeolm.py", "modeling_mmclip.py", "model.safetensors", "README.md"} <= names
    assert not names & {"trainer_state.json", "training_args.bin", "optimizer.pt"}
    assert not [path for path in folder.iterdir() if is_pickle(path)]
    card = (folder / "README.md").read_text()
    assert "pipeline_tag: image-text-to-text" in card and "nothing has been measured" in card
    first = next(sha for sha, tree in repository.commits.items() if "model.safetensors" in tree)
    assert set(repository.commits[first]) == set(repository.commits[repository.branches["main"]]) - {
        *("all_results.json", "train_results.json")
    }  # already the first push had the code and could be loaded
    assert not (world / "whole" / "_push").exists() and not (world / "whole" / "README.md").exists()


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (MMGeoLMForConditionalGeneration, {}),
        (
            MMCLIPModel,
            {"module": "trainers.train_mmclip", "model_name_or_path": "mmclip", "dataset_name": "rows"},
        ),
    ],
)
def test_a_merged_model_replaces_the_adapters_of_its_checkpoints(hub, train, world, tmp_path, model, options):
    name = model.__name__.lower()
    lora = {"use_peft": True, "merge_adapter": True, "hub_always_push": True}
    ended = train(name, hub_model_id=f"org/{name}", **lora, **options)
    assert ended["status"] == 0, ended["err"]
    repository = hub.repositories["model", f"org/{name}"]
    assert any("adapter_model.safetensors" in tree for tree in repository.commits.values())
    folder = pushed(hub, f"org/{name}", tmp_path / name)
    assert not list(folder.glob("adapter_*"))  # else loading would put it on the merged weights once more
    here, there = (model.from_pretrained(place).state_dict() for place in (world / name, folder))
    assert all(torch.equal(value, there[key]) for key, value in here.items())


def test_an_adapter_and_a_merged_model_are_pushed(hub, train, tmp_path):
    lora = {"use_peft": True, "hub_strategy": "end"}
    assert train("adapter", hub_model_id="org/lora", **lora)["status"] == 0
    names = set(hub.files("model", "org/lora"))
    assert {"adapter_model.safetensors", "adapter_config.json"} <= names and "model.safetensors" not in names
    assert train("merged", hub_model_id="org/merged", merge_adapter=True, **lora)["status"] == 0
    folder = pushed(hub, "org/merged", tmp_path / "merged")
    assert (folder / "model.safetensors").exists() and not (folder / "adapter_model.safetensors").exists()
    MMGeoLMForConditionalGeneration.from_pretrained(folder)


def test_mmclip_is_pushed_too(hub, train, world, tmp_path):
    where = {"module": "trainers.train_mmclip", "model_name_or_path": "mmclip", "dataset_name": "rows"}
    assert train("eyes", hub_model_id="org/eyes", hub_strategy="end", **where)["status"] == 0
    folder = pushed(hub, "org/eyes", tmp_path / "eyes")
    MMCLIPModel.from_pretrained(folder)
    card = (folder / "README.md").read_text()
    assert "pipeline_tag: zero-shot-image-classification" in card and 'AutoModel.from_pretrained("org/eyes"' in card
    assert pickles_in(world) == []  # in no folder that any training of this file left


@pytest.mark.parametrize(("status", "said"), [(401, "hf auth login"), (500, "trouble of its own"), (0, "broke off")])
def test_a_repository_that_cannot_be_made_ends_before_training(hub, train, world, status, said):
    hub.heal()
    hub.fail("POST", "repos/create", status)
    ended = train(f"no-{status}", hub_model_id="org/none")
    hub.heal()
    assert ended["status"] == 2 and said in ended["err"] and "org/none" in ended["err"]
    assert not list((world / f"no-{status}").glob("checkpoint-*"))


@pytest.mark.parametrize(("status", "said"), [(429, "slow down"), (404, "no such repository"), (0, "broke off")])
def test_a_push_that_fails_costs_no_step(hub, train, world, status, said):
    hub.heal()
    name = f"trouble-{status}"
    hub.fail("POST", f"org/{name}/commit/", status)
    ended = train(name, hub_model_id=f"org/{name}", hub_always_push=True)
    hub.heal()
    assert ended["status"] == 2 and said in ended["err"].splitlines()[-1]  # the last push is the one that must arrive
    MMGeoLMForConditionalGeneration.from_pretrained(world / name)  # the folder is whole
    assert json.loads((world / name / "trainer_state.json").read_text())["global_step"] == 2
    ended = train(name, hub_model_id=f"org/{name}", hub_always_push=True)  # goes on from the end, and pushes
    assert ended["status"] == 0 and "model.safetensors" in hub.files("model", f"org/{name}")


@pytest.mark.parametrize("status", [401, 404, 429, 500, 0])
def test_a_model_that_does_not_come_is_one_clear_error(hub, train, world, status):
    hub.heal()
    if status != 404:  # which the Hub says by itself: there is no such repository
        for method in ("HEAD", "GET"):
            hub.fail(method, "/org/absent/", status)
    ended = train(f"absent-{status}", model_name_or_path="org/absent", push_to_hub=False)
    hub.heal()
    assert ended["status"] == 2, ended["err"]
    assert ended["err"].splitlines()[-1].startswith("error: Cannot load the model") and "org/absent" in ended["err"]
    assert not (world / f"absent-{status}").exists()


def test_a_token_of_the_command_line_is_used_and_not_shown(hub, train, world):
    ended = train("token", hub_model_id="org/token", hub_token=OTHER_TOKEN)
    assert ended["status"] == 2 and "hf auth login" in ended["err"]  # the loopback Hub does not know it
    ended = train("token", hub_model_id="org/token", hub_token=TOKEN)
    assert ended["status"] == 0
    for path in (world / "token").rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes() and OTHER_TOKEN.encode() not in path.read_bytes(), path


def test_a_push_takes_the_options_of_trainers(tmp_path, monkeypatch):
    trainer = trainer_for(tmp_path, 4, hub_model_id="org/own", hub_token=OTHER_TOKEN)
    made, committed = [], []

    def create_repo(name, **options):
        made.append(options)
        return SimpleNamespace(repo_id=name)

    class Api(SimpleNamespace):
        def file_exists(self, name, file, revision):
            return True

        def create_commit(self, name, operations, **options):
            committed.append((self.token, options["revision"]))

    monkeypatch.setattr("transformers.trainer.hf_api", lambda: SimpleNamespace(create_repo=create_repo))
    monkeypatch.setattr("trainers.hub.HfApi", Api)
    trainer.push_to_hub(token=TOKEN, revision="draft", private=True)
    trainer.push_to_hub()
    assert made == [{"token": TOKEN, "private": True, "exist_ok": True}]
    assert committed == [(TOKEN, "draft"), (OTHER_TOKEN, None)]


def test_optimizer_states_are_not_sent(hub, train):
    ended = train("states", hub_model_id="org/states", hub_strategy="checkpoint")
    assert ended["status"] == 2 and "would put pickled optimizer states on the Hub" in ended["err"]
    assert ("model", "org/states") not in hub.repositories


def test_what_travels(tmp_path):
    for name in (
        "a.safetensors",
        "b.json",
        "c.py",
        "trainer_state.json",
        "optimizer.pt",
        "rng_state.pth",
        "x.bin",
        "d",
    ):
        (tmp_path / name).write_text("")
    assert [path.name for path in travelling(tmp_path)] == ["a.safetensors", "b.json", "c.py"]
