"""Only finished, whole and safe folders are fit for the Hub; every refusal names the file."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model_cards.folder_check import check_folder, data_patterns, folder_kind, is_pickle
from tests.model_cards.folders import digest, rows_folder

CARD = "---\nlicense: apache-2.0\n---\n\n# A card\n"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder that is fit: weights, code with a sibling, a card, and a checkpoint that stays at home."""
    folder = tmp_path / "mmclip"
    (folder / "checkpoint-7").mkdir(parents=True)
    (folder / "checkpoint-7" / "optimizer.pt").write_bytes(b"state")
    maps = {"AutoConfig": "configuration_mmclip.C", "AutoModel": "modeling_mmclip.M", "AutoProcessor": "org/x--p.P"}
    (folder / "config.json").write_text(json.dumps({"model_type": "mmclip", "auto_map": maps}))
    (folder / "configuration_mmclip.py").write_text("class C: pass\n")
    (folder / "modeling_mmclip.py").write_text("from .configuration_mmclip import C\n\nclass M: pass\n")
    (folder / "README.md").write_text(CARD)
    (folder / ".env").write_text("SECRET=1")
    (folder / "trainer_state.json").write_text("{}")
    (folder / "finished.json").write_text('{"--output_dir": "/home/me"}')
    (folder / "runs").mkdir()
    (folder / "runs" / "events.out.tfevents.1.my-host.2.0").write_bytes(b"log")
    save_file({"weight": torch.zeros(2)}, folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rows_folder(tmp_path_factory.mktemp("rows") / "rows")


def test_a_fit_model(model: Path) -> None:
    before = digest(model)
    contents = check_folder(model)
    assert (contents.kind, contents.repo_type) == ("mmclip", "model")
    assert contents.left_out == [
        ".env",
        "checkpoint-7",
        "finished.json",
        "runs/events.out.tfevents.1.my-host.2.0",
        "trainer_state.json",
    ]
    assert list(contents.files) == [
        "README.md",
        "config.json",
        "configuration_mmclip.py",
        "model.safetensors",
        "modeling_mmclip.py",
    ]
    assert contents.size == sum((model / name).stat().st_size for name in contents.files)
    assert digest(model) == before


def test_a_fit_data_set(rows: Path) -> None:
    contents = check_folder(rows)
    assert (contents.kind, contents.repo_type, contents.left_out) == ("dataset", "dataset", [])
    assert {name.split("/")[0] for name in contents.files} == {
        *("README.md", "build_report.json", "contact_sheet.png", "with_markings", "letters_only")
    }


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("training_args.bin", b"x", "holds pickles.*training_args.bin"),
        ("notes.txt", pickle.dumps({"a": 1}), "holds pickles.*notes.txt"),
        ("model.safetensors.part", b"x", "leftovers.*model.safetensors.part"),
        (".build/train-00000.json", b"{}", r"leftovers.*\.build"),
        (".README.md.k3j", b"x", "leftovers.*README.md.k3j"),
        ("modeling_mmclip.py", b"from .missing_mmclip import X\n", "needs missing_mmclip.py"),
        ("model.safetensors", b"\x10\x00\x00\x00\x00\x00\x00\x00{}", "no whole safetensors file"),
        ("model.safetensors.index.json", b'{"weight_map": {"a": "model-2.safetensors"}}', "lacks its weights model-2"),
        ("README.md", b"# no metadata\n", "has no metadata"),
        ("README.md", b"---\nlicense: [\n---\n", "cannot be read"),
        ("README.md", b"---\nmodel-index: 3\n---\n", "no card's"),
        ("config.json", b"{", "cannot be read as JSON"),
        ("config.json", b"[]", "holds no JSON object"),
        ("config.json", b'{"model_type": "bert"}', "of type 'bert'"),
        ("torch.data", b"PK\x03\x04 broken", "cannot be read"),
    ],
)
def test_what_is_unfit_is_named(model: Path, name: str, content: bytes, said: str) -> None:
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_bytes(content)
    with pytest.raises(ValueError, match=said):
        check_folder(model)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("model.safetensors", "lacks its weights model.safetensors"),
        ("README.md", "write_card --folder .* --template mmclip"),
        ("configuration_mmclip.py", "needs configuration_mmclip.py"),
    ],
)
def test_what_is_missing_is_named(model: Path, name: str, said: str) -> None:
    (model / name).unlink()
    with pytest.raises(ValueError, match=said):
        check_folder(model)


def test_pickles_under_any_name(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / "innocent.txt")
    (tmp_path / "protocol4.json").write_bytes(pickle.dumps([1], protocol=4))
    (tmp_path / "plain.txt").write_text("text")
    save_file({"weight": torch.zeros(2)}, tmp_path / "w.safetensors")
    found = {path.name for path in tmp_path.iterdir() if is_pickle(path)}
    assert found == {"innocent.txt", "protocol4.json"}


def test_a_data_set_whose_files_and_card_differ(tmp_path: Path) -> None:
    folder = rows_folder(tmp_path / "rows")
    train = next((folder / "letters_only").glob("train-*.parquet"))
    stale = train.with_name("train-00000-of-00001-older.parquet")
    stale.write_bytes(train.read_bytes())
    with pytest.raises(ValueError, match="no config of its README.md names: letters_only/train-00000-of-00001-older"):
        check_folder(folder)
    stale.unlink()
    train.rename(tmp_path / "away.parquet")
    with pytest.raises(ValueError, match=r"names letters_only/train-\*.* for its config 'letters_only'"):
        check_folder(folder)
    train.write_bytes((tmp_path / "away.parquet").read_bytes()[:-9])
    with pytest.raises(ValueError, match="no whole parquet file"):
        check_folder(folder)


@pytest.mark.parametrize(
    ("data_files", "patterns"),
    [
        ("a/*.parquet", ["a/*.parquet"]),
        (["a.parquet", "b.parquet"], ["a.parquet", "b.parquet"]),
        ([{"split": "train", "path": "a"}, {"split": "test", "path": ["b", "c"]}], ["a", "b", "c"]),
        (None, []),
    ],
)
def test_data_patterns(data_files: object, patterns: list[str]) -> None:
    assert data_patterns({"config_name": "c", "data_files": data_files}) == patterns


@pytest.mark.parametrize("configs", ["3", "[a]"])
def test_configs_of_another_shape(tmp_path: Path, configs: str) -> None:
    folder = rows_folder(tmp_path / "rows", card=False)
    (folder / "README.md").write_text(f"---\nconfigs: {configs}\n---\n")
    with pytest.raises(ValueError, match="no list of configurations"):
        check_folder(folder)


def test_an_adapter_needs_a_base_on_the_hub(tmp_path: Path) -> None:
    save_file({"lora": torch.zeros(2)}, tmp_path / "adapter_model.safetensors")
    (tmp_path / "README.md").write_text(CARD)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "/data/aligned"}))
    with pytest.raises(ValueError, match="push the base"):
        check_folder(tmp_path)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/mmgeolm"}))
    assert check_folder(tmp_path).kind == "adapter"


def test_what_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no folder"):
        folder_kind(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="holds neither"):
        folder_kind(tmp_path)
    (tmp_path / "processor_config.json").write_text("{}")
    assert folder_kind(tmp_path) == "processor"
    (tmp_path / "checkpoint-3").mkdir()
    with pytest.raises(ValueError, match="has not ended"):
        folder_kind(tmp_path)
