"""Warm-up of the vision tower: targets lie where they are printed, edits are false, and all tasks are learned."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import AutoModel, AutoProcessor

from data_scripts.diagram import Diagram
from data_scripts.diagram.facts import check
from data_scripts.sources import procedural
from trainers.fact_codes import fact_code
from trainers.patch_targets import GLYPHS, STROKES
from trainers.scratch import ScratchConfig, scratch_mmclip
from trainers.warm_up_figures import (
    WarmUpCollator,
    WarmUpFigures,
    draw_figure,
    edit_some,
    load_diagrams,
    wordings,
)
from trainers.warm_up_run import WarmUpConfig, start
from trainers.warm_up_vision import VisionArguments, WarmUpVisionModel, warm_up

SMALL = {
    "image_size": 96,
    "patch_size": 16,
    "vision_hidden_size": 48,
    "vision_layers": 3,
    "vision_intermediate_size": 96,
    "text_hidden_size": 48,
    "text_layers": 1,
    "text_intermediate_size": 96,
    "projection_size": 32,
    "max_text_length": 64,
}


def test_a_figure_is_a_function_of_its_number():
    first, second = (WarmUpFigures(4, 96, 16, seed=3)[2] for _ in range(2))
    assert np.array_equal(first["image"], second["image"]) and first["edited"] == second["edited"]
    assert torch.equal(first["glyphs"], second["glyphs"]) and torch.equal(first["strokes"], second["strokes"])
    assert not np.array_equal(first["image"], WarmUpFigures(4, 96, 16, seed=4)[2]["image"])


def test_glyph_targets_name_what_is_printed_in_inked_patches():
    figures = WarmUpFigures(8, 112, 16, seed=0)
    for figure in (figures[i] for i in range(len(figures))):
        side = 112 // 16
        darkest = figure["image"].reshape(side, 16, side, 16).min((1, 3)).reshape(-1)
        marked = figure["glyphs"].amax(-1) > 0
        assert marked.any()
        assert (torch.from_numpy(darkest.copy())[marked] < 200).all()  # a glyph's own patch has ink


def test_figures_are_drawn_at_other_sizes_and_resized_with_what_is_in_their_patches():
    plain, resized = (WarmUpFigures(12, 96, 16, seed=0, drawn_sizes=sizes) for sizes in ([96], [192]))
    for i in range(12):
        figure = resized[i]
        assert figure["image"].shape == (96, 96) and figure["glyphs"].shape == (36, len(GLYPHS))
        ink = torch.from_numpy(figure["image"].reshape(6, 16, 6, 16).min((1, 3)).reshape(-1).copy()) < 200
        assert ink[figure["glyphs"].amax(-1) > 0].all() and ink[figure["ties"].amax(-1) > 0].float().mean() > 0.9
        spoken = torch.zeros(36, dtype=torch.bool)
        spoken[list(figure["spoken"])] = True
        assert spoken.any() and ink[spoken].all()
    mixed = WarmUpFigures(30, 96, 16, seed=0, drawn_sizes=[96, 144, 192])
    sizes = [mixed.draw(np.random.default_rng(i), i)[1].style.size for i in range(30)]
    assert set(sizes) == {96, 144, 192} and mixed.patch_of(mixed.draw(np.random.default_rng(0), 0)[1]) == sizes[0] // 6
    default = WarmUpFigures(12, 96, 16, seed=0)
    assert np.array_equal(plain[3]["image"], default[3]["image"])  # one size draws nothing from the generator


@pytest.mark.parametrize("size", [100, 0, -96])
def test_a_size_that_cuts_through_patches_is_refused(size):
    with pytest.raises(ValueError, match=f"drawn_sizes \\[{size}\\]: 6 patches a side"):
        WarmUpFigures(4, 96, 16, seed=0, drawn_sizes=[96, size])


def test_sheets_come_after_the_figures_and_leave_them_and_their_codes_as_they_are():
    alone, beside = ([WarmUpFigures(4, 96, 16, seed=3, sheets=count)[i] for i in range(4)] for count in (0, 2))
    _, processor = scratch_mmclip(wordings(), ScratchConfig(**SMALL), seed=0)
    plain, batch = WarmUpCollator(processor, 32)(alone), WarmUpCollator(processor, 32)(beside)
    assert batch["pixel_values"].shape[0] == len(batch["glyphs"]) == len(batch["strokes"]) == 12
    assert torch.equal(batch["pixel_values"][:4], plain["pixel_values"])
    assert torch.equal(batch["codes"], plain["codes"]) and torch.equal(batch["edited"], plain["edited"])
    assert batch["glyphs"][4:].sum() > 2 * batch["glyphs"][:4].sum()
    outputs = WarmUpVisionModel(scratch_mmclip(wordings(), ScratchConfig(**SMALL), seed=0)[0])(**batch)
    assert all(torch.isfinite(value) for value in outputs.values())


def test_codes_are_those_of_the_facts_and_of_their_edits():
    figures = [WarmUpFigures(12, 96, 16, seed=0, edits=3)[i] for i in range(12)]
    batch = WarmUpCollator(scratch_mmclip(wordings(), ScratchConfig(**SMALL))[1], 32)(figures)
    inked = batch["strokes"][..., 0].sum(1)
    assert torch.equal(inked, inked.sort().values) and len(inked.unique()) > 3  # figures alike in ink come together
    figures.sort(key=lambda figure: figure["strokes"][:, 0].sum())
    assert batch["codes"].shape == (12, 32) and batch["edited"].shape == (len(batch["owner"]), 32)
    assert np.allclose(batch["codes"][4], fact_code(figures[4]["diagram"].facts, 32))
    edits = [edit for figure in figures for edit in figure["edited"]]
    assert len(edits) == len(batch["owner"]) > 24 and np.allclose(batch["edited"][7], fact_code(edits[7], 32))
    assert batch["owner"].tolist() == [i for i, f in enumerate(figures) for _ in f["edited"]]
    alone = WarmUpCollator(scratch_mmclip(wordings(), ScratchConfig(**SMALL))[1], 32)(
        [WarmUpFigures(12, 96, 16, seed=0, edits=0)[0]]
    )
    assert alone["edited"].shape == (0, 32)


def test_edited_figures_come_beside_theirs_with_proof_on_both_sides_and_leave_them_as_they_are():
    alone, beside = ([WarmUpFigures(8, 96, 16, seed=0, edited_figures=n)[i] for i in range(8)] for n in (0, 3))
    pairs = [(figure, edited) for figure in beside for edited in figure["edited_figures"]]
    assert len(pairs) > 20
    for figure, edited in pairs:
        true, false = figure["diagram"], edited["diagram"]
        assert any(check(fact, true) is False for fact in false.facts)
        assert any(check(fact, false) is False for fact in true.facts)
        assert not np.array_equal(figure["image"], edited["image"]) and edited["ties"].any()
    _, processor = scratch_mmclip(wordings(), ScratchConfig(**SMALL))
    plain, batch = (WarmUpCollator(processor, 32)(figures) for figures in (alone, beside))
    assert len(batch["codes"]) == len(batch["pixel_values"]) == len(batch["ties"]) == 8 + len(pairs)
    assert {code.tobytes() for code in plain["codes"].numpy()} < {code.tobytes() for code in batch["codes"].numpy()}
    outputs = WarmUpVisionModel(scratch_mmclip(wordings(), ScratchConfig(**SMALL), seed=0)[0])(**batch)
    assert all(torch.isfinite(value) for value in outputs.values())


def test_spots_are_where_something_is_printed_and_have_the_codes_of_what_speaks_of_it():
    figures = [WarmUpFigures(12, 96, 16, seed=0)[i] for i in range(6)]
    batch = WarmUpCollator(scratch_mmclip(wordings(), ScratchConfig(**SMALL))[1], 32)(figures)
    figures.sort(key=lambda figure: figure["strokes"][:, 0].sum())
    spoken = [(i, patch, facts) for i, f in enumerate(figures) for patch, facts in f["spoken"].items()]
    assert batch["spots"].tolist() == [[i, patch] for i, patch, _ in spoken] and len(spoken) > 18
    assert np.allclose(batch["spot_codes"], [fact_code(facts, 32) for *_, facts in spoken])
    assert all(set(facts) <= set(figures[i]["diagram"].facts) for i, _, facts in spoken)


def test_figures_come_from_the_families_that_are_named():
    squares = WarmUpFigures(6, 96, 16, seed=0, families=["square_circle"])
    assert all(squares[i]["diagram"].circles for i in range(6))
    assert not np.array_equal(squares[0]["image"], WarmUpFigures(6, 96, 16, seed=0)[0]["image"])
    with pytest.raises(ValueError, match="unknown families pyramid"):
        WarmUpFigures(6, 96, 16, seed=0, families=["pyramid"])


@pytest.mark.parametrize(("family", "points", "conventional"), [("triangle", 3, 1 / 6), ("circle_chord", None, 1 / 3)])
def test_letters_stand_in_any_order(family, points, conventional):
    """A tower that guesses letters by where printers put them need not look: as in rows, every order is as likely."""
    rng = np.random.default_rng(0)
    drawn = [list(draw_figure(rng, index, (family,)).diagram.points) for index in range(300)]
    usual = [names == sorted(names) if points else names[0] == "O" for names in drawn]
    assert all(points in (None, len(names)) for names in drawn)
    assert np.mean(usual) < conventional + 0.1


def test_an_edit_makes_one_fact_false_or_exchanges_letters_in_all():
    rng, changes = np.random.default_rng(1), []
    for family in procedural.FAMILIES:
        diagram = procedural.draw_program(family, rng).diagram
        facts = list(diagram.facts)
        edited = edit_some(facts, diagram, rng)
        changed = [(old, new) for old, new in zip(facts, edited, strict=True) if old != new]
        assert all(check(old, diagram) is True for old, _ in changed)
        assert any(check(new, diagram) is False for _, new in changed)
        if len(changed) > 1:
            assert all(old.kind == new.kind and old.value == new.value for old, new in changed)
        changes.append(len(changed))
    assert changes.count(1) > len(changes) / 2 and max(changes) > 1


def test_the_tokenizer_knows_every_wording():
    _, processor = scratch_mmclip(wordings(), ScratchConfig(**SMALL))
    unknown = processor.tokenizer.unk_token_id
    assert all(unknown not in processor.tokenizer(text)["input_ids"] for text in wordings())


def test_all_tasks_are_learned():
    torch.manual_seed(0)
    mmclip, processor = scratch_mmclip(wordings(), ScratchConfig(**SMALL))
    model = WarmUpVisionModel(mmclip)
    batch = WarmUpCollator(processor, 32)([WarmUpFigures(6, 96, 16, seed=0)[i] for i in range(6)])
    assert batch["glyphs"].shape == (6, 36, len(GLYPHS)) and batch["strokes"].shape == (6, 36, len(STROKES))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    losses = []
    for _ in range(150):
        output = model(**batch)
        optimizer.zero_grad()
        output["loss"].backward()
        optimizer.step()
        losses.append(output["loss"].item())
    assert losses[-1] < 0.4 * losses[0]
    after = model(**batch)
    assert after["code_accuracy"] > 0.8 and after["stroke_accuracy"] > 0.9 and after["tie_accuracy"] > 0.8
    assert after["spot_accuracy"] > 0.7
    kept = {n for n, p in model.named_parameters() if torch.equal(p, before[n])}
    assert kept and all(".text_" in name or name.endswith("logit_scale") for name in kept)


def test_the_command_leaves_a_plain_mmclip_and_resumes(tmp_path):
    def run(folder: str, figures: int) -> torch.Tensor:
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
        warm_up(VisionArguments(num_figures=figures, skip_blank_patches=True, **SMALL), training)
        model = AutoModel.from_pretrained(tmp_path / folder)
        assert AutoProcessor.from_pretrained(tmp_path / folder).tokenizer.unk_token == "[UNK]"
        assert model.config.model_type == "mmclip" and model.config.skip_blank_patches
        assert not any("head" in name for name, _ in model.named_parameters())
        return torch.cat([p.flatten() for p in model.parameters()])

    goes_on = VisionArguments(model_name_or_path=str(tmp_path / "whole"), num_figures=4, **SMALL)
    whole = run("whole", 16)
    assert torch.equal(whole, torch.cat([p.flatten() for p in start(goes_on, seed=9)[0].parameters()]))
    with pytest.raises(ValueError, match="sees figures of 96 pixels in patches of 16"):
        start(replace(goes_on, patch_size=32), seed=9)
    shutil.copytree(tmp_path / "whole" / "checkpoint-2", tmp_path / "cut" / "checkpoint-2")
    assert torch.equal(whole, run("cut", 16))


def test_rows_give_their_figures_with_new_letters():
    diagram = procedural.draw_program("triangle", np.random.default_rng(0)).diagram
    rows = Dataset.from_dict({"facts": [diagram.to_json(), "{"]})
    assert load_diagrams(rows) == [Diagram.from_json(diagram.to_json())]
    figures = WarmUpFigures(6, 96, 16, seed=0, diagrams=load_diagrams(rows))
    assert len({tuple(figures[i]["diagram"].points) for i in (1, 3, 5)}) == 3
    with pytest.raises(ValueError, match="no row of the data set has a readable figure"):
        load_diagrams(Dataset.from_dict({"facts": ["{}"]}))
