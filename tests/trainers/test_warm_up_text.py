"""Warm-up of the text tower: captions are what their facts say, the tower learns their codes, the other stays."""

import shutil

import pytest
import torch
from transformers import AutoModel

from data_scripts.diagram.facts import statements
from data_scripts.phrases import parse_caption
from trainers.scratch import ScratchConfig, scratch_mmclip
from trainers.warm_up_figures import wordings
from trainers.warm_up_run import WarmUpConfig
from trainers.warm_up_text import CaptionCollator, TextArguments, WarmUpCaptions, WarmUpTextModel, warm_up

SMALL = {
    "image_size": 96,
    "patch_size": 16,
    "vision_hidden_size": 48,
    "vision_layers": 1,
    "vision_intermediate_size": 96,
    "text_hidden_size": 48,
    "text_layers": 2,
    "text_intermediate_size": 96,
    "projection_size": 48,
    "max_text_length": 128,
}
FAMILIES = ("triangle", "parallel_lines", "circle_chord")


def test_a_caption_is_a_function_of_its_number_and_of_the_seed():
    first, second = (WarmUpCaptions(8, 3, FAMILIES)[5] for _ in range(2))
    assert first == second
    assert first["text"] != WarmUpCaptions(8, 4, FAMILIES)[5]["text"]


def test_edits_say_something_else_than_the_caption():
    captions = WarmUpCaptions(60, 0, FAMILIES, edits=3)
    sizes = set()
    for caption in (captions[i] for i in range(60)):
        assert all(statements(edit) != statements(caption["facts"]) for edit in caption["edited"])
        assert len(caption["edited"]) <= 3
        sizes.add(len(caption["facts"]))
    assert len(sizes) > 2  # whole captions and parts of them
    assert not any(WarmUpCaptions(9, 0, FAMILIES, edits=0)[i]["edited"] for i in range(9))


def test_captions_of_other_orders_are_read_beside_and_leave_theirs_as_it_is():
    beside = [WarmUpCaptions(30, 2, FAMILIES, edits=0, edited_captions=2)[i] for i in range(30)]
    alone = [WarmUpCaptions(30, 2, FAMILIES, edits=0)[i] for i in range(30)]
    pairs = [(caption, edited) for caption in beside for edited in caption["edited_captions"]]
    assert [c["text"] for c in alone] == [c["text"] for c in beside] and len(pairs) > 30
    for caption, edited in pairs:
        kinds = [[(fact.kind, fact.value) for fact in said["facts"]] for said in (caption, edited)]
        assert kinds[0] == kinds[1] and caption["text"] != edited["text"]
        assert statements(caption["facts"]) != statements(edited["facts"])
    assert all(
        len({c["text"], *(e["text"] for e in c["edited_captions"])}) > len(c["edited_captions"]) for c in beside
    )
    batch = CaptionCollator(scratch_mmclip(wordings(), ScratchConfig(**SMALL))[1], 48)(beside)
    assert len(batch["input_ids"]) == len(batch["codes"]) == 30 + len(pairs) and not len(batch["edited"])


def test_the_text_says_the_facts():
    captions = WarmUpCaptions(40, 1, FAMILIES)
    for caption in (captions[i] for i in range(40)):
        read = statements(parse_caption(caption["text"]).facts)
        assert {f.points for f in caption["facts"]} and read
        values = {f.value for f in caption["facts"] if f.value}
        assert all(value in caption["text"] for value in values)


def test_the_tower_learns_codes_and_the_eye_stays_as_it_was():
    torch.manual_seed(0)
    mmclip, processor = scratch_mmclip(wordings(), ScratchConfig(**SMALL))
    captions = WarmUpCaptions(12, 0, FAMILIES, edits=2)
    batch = CaptionCollator(processor, 48)([captions[i] for i in range(12)])
    model = WarmUpTextModel(mmclip)
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=3e-3)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    first = model(**batch)["loss"].item()
    for _ in range(120):
        optimizer.zero_grad()
        model(**batch)["loss"].backward()
        optimizer.step()
    after = model(**batch)
    assert after["loss"] < 0.4 * first and after["code_accuracy"] > 0.9
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed and all(".text_" in name for name in changed)


def test_the_command_leaves_an_mmclip_and_resumes(tmp_path):
    def run(folder: str) -> dict[str, torch.Tensor]:
        training = WarmUpConfig(
            output_dir=str(tmp_path / folder),
            per_device_train_batch_size=4,
            max_steps=4,
            save_steps=2,
            report_to="none",
            use_cpu=True,
            bf16=False,
            muon_learning_rate=0.02,
        )
        warm_up(TextArguments(num_captions=16, families=list(FAMILIES), **SMALL), training)
        return AutoModel.from_pretrained(tmp_path / folder).state_dict()

    whole = run("whole")
    shutil.copytree(tmp_path / "whole" / "checkpoint-2", tmp_path / "cut" / "checkpoint-2")
    cut = run("cut")
    assert whole.keys() == cut.keys() and all(torch.equal(whole[name], cut[name]) for name in whole)
    fresh = scratch_mmclip(wordings(), ScratchConfig(**SMALL), seed=training_seed())[0].state_dict()
    eye = [name for name in fresh if "vision_model" in name]
    assert eye and all(torch.equal(fresh[name], whole[name]) for name in eye)


def training_seed() -> int:
    return WarmUpConfig(output_dir="unused", use_cpu=True).seed


def test_arguments_are_refused_with_a_sentence():
    with pytest.raises(ValueError, match="unknown families pyramid"):
        TextArguments(families=["pyramid"])
    with pytest.raises(ValueError, match="num_captions"):
        TextArguments(num_captions=0)
