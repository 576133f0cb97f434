"""Muon beside AdamW: which parameters go where, schedules and resuming, and what is refused."""

import copy

import pytest
import torch
from torch import nn

from tests.tiny import tiny_mmclip
from trainers.hard_negative_config import HardNegativeConfig
from trainers.muon import IN_A_LAYER, MuonTrainer, MuonWithAdamW


def two_layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))


def optimizer_of(model: nn.Sequential) -> MuonWithAdamW:
    matrices = [p for p in model.parameters() if p.ndim == 2]
    biases = [{"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0}]
    return MuonWithAdamW(matrices, biases, muon_lr=0.02, lr=1e-2, weight_decay=0.1)


def steps(model: nn.Sequential, optimizer: torch.optim.Optimizer, seeds: range) -> None:
    for seed in seeds:
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(seed))
        optimizer.zero_grad()
        (model(x) - x[:, :2]).square().mean().backward()
        optimizer.step()


def test_it_is_both_optimizers_side_by_side():
    ours, theirs = two_layers(), two_layers()
    steps(ours, optimizer_of(ours), range(5))
    muon = torch.optim.Muon([p for p in theirs.parameters() if p.ndim == 2], lr=0.02, weight_decay=0.1)
    adamw = torch.optim.AdamW([p for p in theirs.parameters() if p.ndim == 1], lr=1e-2, weight_decay=0.0)
    for seed in range(5):
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(seed))
        theirs.zero_grad()
        (theirs(x) - x[:, :2]).square().mean().backward()
        muon.step()
        adamw.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_a_schedule_scales_both_rates():
    model = two_layers()
    optimizer = optimizer_of(model)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)
    steps(model, optimizer, range(1))
    schedule.step()
    assert [group["lr"] for group in optimizer.param_groups] == [0.01, 5e-3]
    assert optimizer.muon.param_groups[0]["lr"] == 0.01 and optimizer.adamw.param_groups[0]["lr"] == 5e-3


def test_a_resumed_run_goes_on_exactly():
    model = two_layers()
    optimizer = optimizer_of(model)
    steps(model, optimizer, range(3))
    kept, state = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
    steps(model, optimizer, range(3, 6))
    resumed = two_layers()
    resumed.load_state_dict(kept)
    again = optimizer_of(resumed)
    again.load_state_dict(state)
    torch.optim.lr_scheduler.LambdaLR(again, lambda step: 1.0)  # reads the groups as they are after loading
    steps(resumed, again, range(3, 6))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), resumed.parameters(), strict=True))


@pytest.mark.parametrize("kind", ["clip", "altclip", "siglip"])
def test_matrices_of_both_towers_go_to_muon_and_all_else_to_adamw(kind, tmp_path):
    model, _ = tiny_mmclip(kind)
    args = HardNegativeConfig(str(tmp_path), muon_learning_rate=0.02, use_cpu=True, report_to="none")
    optimizer = MuonTrainer(model, args).create_optimizer()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    by_muon = {names[id(p)] for group in optimizer.muon.param_groups for p in group["params"]}
    by_adamw = {names[id(p)] for group in optimizer.adamw.param_groups for p in group["params"]}
    assert by_muon | by_adamw == set(names.values()) and not by_muon & by_adamw
    assert all(IN_A_LAYER.search(name) for name in by_muon)
    assert {"vision_model" in name for name in by_muon} == {True, False}  # layers of both towers
    assert not any("embed" in name or "projection.weight" in name and "layer" not in name for name in by_muon)
    assert any("logit_scale" in name for name in by_adamw)


def test_without_a_rate_it_is_the_trainers_own(tmp_path):
    model, _ = tiny_mmclip()
    args = HardNegativeConfig(str(tmp_path), use_cpu=True, report_to="none")
    assert isinstance(MuonTrainer(model, args).create_optimizer(), torch.optim.AdamW)


def test_nothing_to_train_by_muon_is_said(tmp_path):
    model, _ = tiny_mmclip()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not IN_A_LAYER.search(name))
    args = HardNegativeConfig(str(tmp_path), muon_learning_rate=0.02, use_cpu=True, report_to="none")
    with pytest.raises(ValueError, match="no layer"):
        MuonTrainer(model, args).create_optimizer()


def test_a_rate_of_zero_is_refused(tmp_path):
    with pytest.raises(ValueError, match="above 0"):
        HardNegativeConfig(str(tmp_path), muon_learning_rate=0.0, use_cpu=True)


def test_sharded_layers_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("trainers.muon.sharded", lambda args: True)
    with pytest.raises(ValueError, match="FSDP"):
        HardNegativeConfig(str(tmp_path), muon_learning_rate=0.02, use_cpu=True)
