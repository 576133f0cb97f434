"""FSDP as `accelerate launch` sets it up, on CPUs: what can be sharded starts and learns, what cannot is refused."""

from types import SimpleNamespace

import pytest
import torch
from accelerate import debug_launcher
from accelerate.utils import FullyShardedDataParallelPlugin
from accelerate.utils.fsdp_utils import fsdp2_prepare_model
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor

from tests.tiny import KINDS, MAX_LENGTH, NUM_PATCHES, tiny_mmclip, tiny_mmgeolm
from tests.trainers.making import trainer_for
from trainers.hard_negative_trainer import HardNegativeCallback, HardNegativeTrainer
from trainers.sharding import shard_by_layers, value_of

PROCESSES = 2


def sharded(model, by_layers=False):
    """The model as an Accelerator on GPUs shards it with `trainers/accelerate/fsdp.yaml`."""
    plugin = FullyShardedDataParallelPlugin(
        fsdp_version=2,
        auto_wrap_policy="TRANSFORMER_BASED_WRAP",
        reshard_after_forward=True,
        state_dict_type="FULL_STATE_DICT",
        cpu_ram_efficient_loading=False,
    )
    accelerator = SimpleNamespace(
        state=SimpleNamespace(fsdp_plugin=plugin),
        torch_device_mesh=init_device_mesh("cpu", (PROCESSES,), mesh_dim_names=("dp",)),
        parallelism_config=SimpleNamespace(fsdp_dim_names=["dp"]),
        mixed_precision="no",
        is_main_process=distributed.get_rank() == 0,
        device=torch.device("cpu"),
    )
    if by_layers:
        shard_by_layers(plugin, model)
    return fsdp2_prepare_model(accelerator, model)


def train_in_process():
    pixels = torch.randn(1, 3, 16, 16)
    model = tiny_mmclip("siglip")[0]
    whole = value_of(model.backbone.logit_scale)
    model = sharded(model, by_layers=True)
    assert isinstance(model.backbone.logit_scale, DTensor) and value_of(model.backbone.logit_scale) == whole
    model(input_ids=torch.ones(1, MAX_LENGTH, dtype=torch.long), pixel_values=pixels).logits_per_text.sum().backward()
    with torch.no_grad():
        model.backbone.logit_scale.fill_(9.0)
    limits = SimpleNamespace(max_logit_scale=5.0, max_unreadable_share=0.01)
    HardNegativeCallback(None, limits, 8).on_step_end(None, None, None, model=model)
    assert value_of(model.backbone.logit_scale.exp()) == pytest.approx(5.0)
    for kind in KINDS:
        lmm = tiny_mmgeolm(kind)[0]
        ids = torch.tensor([[lmm.config.image_token_id] * NUM_PATCHES + [5, 6]])
        sharded(lmm)(input_ids=ids, pixel_values=pixels, labels=ids, use_cache=False).loss.backward()


def test_what_can_be_sharded_learns():
    debug_launcher(train_in_process, num_processes=PROCESSES)


def test_what_cannot_be_sharded_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("trainers.checks.fully_sharded", lambda args: True)
    with pytest.raises(ValueError, match="FSDP shards no scalar, and the logit_scale of a 'altclip' backbone is one"):
        trainer_for(tmp_path, 4, "altclip")
    trainer_for(tmp_path, 4, "siglip")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_kept_whole_is_there(kind):
    for model in (tiny_mmgeolm(kind)[0], tiny_mmgeolm(kind)[0].model):
        present = {type(module).__name__ for module in model.modules()}
        assert model._no_split_modules <= present and any("EncoderLayer" in name for name in model._no_split_modules)


def test_an_mmclip_is_sharded_by_its_layers_unless_others_are_named():
    plugin, model = SimpleNamespace(transformer_cls_names_to_wrap=None), tiny_mmclip("altclip")[0]
    shard_by_layers(plugin, model)
    names = ["AltCLIPEncoderLayer", "AltCLIPVisionEmbeddings", "AltRobertaLayer"]
    assert plugin.transformer_cls_names_to_wrap == names
    plugin.transformer_cls_names_to_wrap = names[:1]
    shard_by_layers(plugin, model)
    assert plugin.transformer_cls_names_to_wrap == names[:1]


def test_the_trainer_has_its_model_sharded_by_layers(tmp_path, monkeypatch):
    plugin = SimpleNamespace(transformer_cls_names_to_wrap=None)
    create = HardNegativeTrainer.create_accelerator_and_postprocess

    def create_with_fsdp(trainer):
        create(trainer)
        trainer.is_fsdp_enabled = True
        monkeypatch.setattr(trainer.accelerator.state, "fsdp_plugin", plugin, raising=False)

    monkeypatch.setattr(HardNegativeTrainer, "create_accelerator_and_postprocess", create_with_fsdp)
    trainer_for(tmp_path, 4, "siglip")
    assert "SiglipEncoderLayer" in plugin.transformer_cls_names_to_wrap
