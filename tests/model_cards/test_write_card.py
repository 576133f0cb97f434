"""Cards load back as Hub cards, and state the figures of the result files and no others."""

import json
import re
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from huggingface_hub import DatasetCard, ModelCard
from safetensors.torch import save_file

from data_scripts.cli import run_command
from evaluation.result_tables import public_name
from evaluation.results import weights_fingerprint
from model_cards.write_card import WriteCardArguments, main, write_card


def entry(seed: int, share: str = "accuracy", **more) -> dict:
    value = round(0.1 + 0.0371 * seed, 4)
    interval = [round(value - 0.0213, 4), round(value + 0.0317, 4)]
    return {
        share: value,
        "interval_95": interval,
        "chance": 0.0909,
        "mean_candidates": 10.7,
        "num_anchors": 400 + seed,
    } | more


def hit_result(model: str, fingerprint: str | None, dataset: str = "org/rows") -> dict:
    kinds = {"order": entry(7, "beaten"), "value": entry(9, "beaten")}
    sets = {"random": entry(1), "retrieval": None, "rule": entry(3, kinds=kinds), "image": entry(5)}
    return {
        "measure": "hit_at_1",
        "model": model,
        "model_fingerprint": fingerprint,
        "dataset": dataset,
        "dataset_config": None,
        "split": "test",
        "sets": sets,
    }


def answer_result(model: str, fingerprint: str | None, blank_images: bool = False) -> dict:
    def rows(seed: int) -> dict:
        return entry(seed, num_rows=70 + seed, baseline={"answer": "40", "accuracy": 0.0577})

    return {
        "measure": "answer_accuracy",
        "model": model,
        "model_fingerprint": fingerprint,
        "dataset": "org/questions",
        "split": "test",
        "blank_images": blank_images,
        "overall": rows(2),
        "kinds": {"angle|size": rows(4)},
    }


@pytest.fixture
def model(tmp_path):
    """Makes folders that look like finished models."""

    def make(model_type: str, name: str = "finished", value: float = 1.0):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
        save_file({"weight": torch.full((2, 2), value)}, folder / "model.safetensors")
        return folder

    return make


@pytest.fixture
def results(tmp_path):
    """Writes result files and returns their paths."""

    def write(*contents: dict) -> list[str]:
        paths = []
        for number, content in enumerate(contents):
            paths.append(str(tmp_path / f"result-{number}.json"))
            (tmp_path / f"result-{number}.json").write_text(json.dumps(content))
        return paths

    return write


def results_section(text: str) -> str:
    return text.split("## Results")[1].split("## Citation")[0]


def stated_numbers(text: str) -> set[str]:
    """Numbers of the results section; the names Hit@1 and 95% interval are no results."""
    return set(re.findall(r"\d+(?:\.\d+)?", results_section(text).replace("Hit@1", "").replace("95% interval", "")))


def allowed_numbers(content) -> set[str]:
    """Every figure of a result file, as a card may write it."""
    if isinstance(content, dict):
        return set().union(*map(allowed_numbers, content.values()), set())
    if isinstance(content, list):
        return set().union(*map(allowed_numbers, content), set())
    if isinstance(content, bool) or not isinstance(content, (int, float)):
        return set()
    return {str(content), f"{content:.1f}", f"{100 * content:.1f}"}


@pytest.mark.parametrize(
    ("template", "pipeline_tag", "auto"),
    [
        ("mmclip", "zero-shot-image-classification", "AutoModel"),
        ("mmgeolm", "image-text-to-text", "AutoModelForImageTextToText"),
    ],
)
def test_model_card_round_trips_and_states_only_what_was_measured(model, results, template, pipeline_tag, auto):
    folder = model(template)
    own = weights_fingerprint(str(folder))
    contents = hit_result("runs/elsewhere", own), answer_result("runs/elsewhere", own)
    path = write_card(
        WriteCardArguments(
            folder=str(folder),
            template=template,
            results=results(*contents),
            base_model="BAAI/AltCLIP",
            dataset="org/rows",
            repo_id="org/finished",
        )
    )
    card = ModelCard.load(path)
    data = card.data
    assert (data.license, data.library_name, data.pipeline_tag) == ("apache-2.0", "transformers", pipeline_tag)
    assert (data.base_model, data.datasets) == ("BAAI/AltCLIP", ["org/rows"])
    assert "geometry" in data.tags
    expected = {f"Hit@1 ({name} set)": entry["accuracy"] for name, entry in contents[0]["sets"].items() if entry}
    expected["answer accuracy"] = contents[1]["overall"]["accuracy"]
    assert {result.metric_name: result.metric_value for result in data.eval_results} == expected
    assert {result.dataset_type for result in data.eval_results} == {"org/rows", "org/questions"}
    assert ModelCard(str(card)).data.to_dict() == data.to_dict()  # once more through YAML

    text = path.read_text(encoding="utf-8")
    stated = stated_numbers(text)
    assert stated and stated <= set().union(*map(allowed_numbers, contents))
    for share in ("21.1%", "13.7%", "17.4%", "5.8%"):  # rule set, random set, accuracy, most frequent answer
        assert share in results_section(text)
    assert "retrieval" not in results_section(text)
    assert f'{auto}.from_pretrained("org/finished", trust_remote_code=True)' in text
    assert "2505.20152" in text and "## Limits" in text and "## Intended use" in text and "## Training data" in text
    for row in [line for line in results_section(text).splitlines() if line.startswith("|")]:
        assert len(re.findall(r"(?<!\\)\|", row)) in (8, 9)  # a bar in a name does not open a cell
    assert re.search(r"^\| Model .*\n\|( --- \|)+\n\| ", results_section(text), re.M)


@pytest.mark.parametrize(
    ("template", "model_type"),
    [("mmclip",) * 2, ("mmgeolm",) * 2, ("llava",) * 2, ("dual_encoder", "clip"), ("sentence_transformer", "clip")],
)
def test_licences_of_weights_and_of_training_data(model, tmp_path, template, model_type):
    folder, rows = model(model_type), tmp_path / "rows"
    if template == "sentence_transformer":
        (folder / "modules.json").write_text("[]")
    elif template == "dual_encoder":
        towers = {"model_type": "clip", "architectures": ["CLIPModel"], "text_config": {}, "vision_config": {}}
        (folder / "config.json").write_text(json.dumps(towers))
    rows.mkdir()
    sources = {"mavis": {"license": "cc-by-nc-4.0", "name": "MAVIS", "url": "https://example.org/mavis"}}
    (rows / "build_report.json").write_text(json.dumps({"sources": sources}))
    told = {"folder": str(folder), "template": template, "base_model": "Qwen/Qwen2.5-7B-Instruct"}
    path = write_card(WriteCardArguments(**told, dataset=str(rows), license="cc-by-nc-4.0"))
    section = path.read_text(encoding="utf-8").split("## Training data and licences")[1].split("## Results")[0]
    assert "| mavis | MAVIS | cc-by-nc-4.0 | https://example.org/mavis |" in section
    assert "These weights: cc-by-nc-4.0." in section and "licence of `Qwen/Qwen2.5-7B-Instruct` holds" in section
    assert ModelCard.load(path).data.license == "cc-by-nc-4.0" and str(tmp_path) not in path.read_text()
    path = write_card(WriteCardArguments(**told, dataset="org/rows"))
    assert "Its own card names its licence." in path.read_text(encoding="utf-8")


def test_without_results_nothing_is_claimed(model):
    folder = model("mmclip")
    path = write_card(WriteCardArguments(folder=str(folder), template="mmclip"))
    text = path.read_text(encoding="utf-8")
    assert "Nothing has been measured yet." in text and not stated_numbers(text)
    data = ModelCard.load(path).data
    assert data.eval_results is None and data.base_model is None and data.datasets is None


@pytest.mark.parametrize(
    ("template", "marker", "library"),
    [("adapter", "adapter_config.json", "peft"), ("processor", "processor_config.json", "transformers")],
)
def test_cards_of_parts(tmp_path, template, marker, library):
    (tmp_path / marker).write_text("{}")
    path = write_card(
        WriteCardArguments(folder=str(tmp_path), template=template, base_model="org/mmgeolm", repo_id="org/part")
    )
    text, data = path.read_text(encoding="utf-8"), ModelCard.load(path).data
    assert (data.library_name, data.base_model, data.license) == (library, "org/mmgeolm", "apache-2.0")
    assert '"org/part"' in text and "`org/mmgeolm`" in text and "2505.20152" in text


def test_an_adapter_names_its_base(tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "org/aligned"}')
    path = write_card(WriteCardArguments(folder=str(tmp_path), template="adapter"))
    assert ModelCard.load(path).data.base_model == "org/aligned"
    assert 'from_pretrained("org/aligned", trust_remote_code=True)' in path.read_text(encoding="utf-8")
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "/data/runs/aligned"}')
    path = write_card(WriteCardArguments(folder=str(tmp_path), template="adapter"))
    assert ModelCard.load(path).data.base_model is None
    assert "/data" not in path.read_text(encoding="utf-8")


def test_results_of_other_weights_and_blank_images_stay_out_of_the_metadata(model, results):
    folder, other = model("mmgeolm"), model("mmgeolm", "other", 2.0)
    own = weights_fingerprint(str(folder))
    files = results(
        hit_result("BAAI/AltCLIP", None),
        answer_result(str(other), weights_fingerprint(str(other))),
        answer_result(str(folder), own, blank_images=True),
    )
    path = write_card(WriteCardArguments(folder=str(folder), template="mmgeolm", results=files))
    assert ModelCard.load(path).data.eval_results is None
    section = results_section(path.read_text(encoding="utf-8"))
    assert "BAAI/AltCLIP" in section and "| other |" in section and "blank images" in section


def test_a_card_does_not_tell_where_things_lay(model, results, tmp_path):
    folder = model("mmclip")
    files = results(hit_result(str(folder), weights_fingerprint(str(folder)), dataset=str(tmp_path / "rows")))
    path = write_card(
        WriteCardArguments(
            folder=str(folder),
            template="mmclip",
            results=files,
            base_model=str(tmp_path / "base"),
            dataset=str(tmp_path / "rows"),
        )
    )
    assert str(tmp_path) not in path.read_text(encoding="utf-8")
    data = ModelCard.load(path).data
    assert data.base_model is None and data.datasets is None and data.eval_results[0].dataset_type == "rows"


CONFIGS = [
    {"config_name": "with_markings", "default": True, "data_files": [{"split": "train", "path": "a/train-*.parquet"}]},
    {"config_name": "letters_only", "data_files": [{"split": "train", "path": "b/train-*.parquet"}]},
]


def data_folder(tmp_path, readme: str | None):
    folder = tmp_path / "rows"
    folder.mkdir()
    pq.write_table(pa.table({"id": ["a"], "unheard_of": [1]}), folder / "train-0.parquet")
    if readme is not None:
        (folder / "README.md").write_text(readme, encoding="utf-8")
    return folder


def test_dataset_card_keeps_the_configurations_of_the_build(tmp_path, results):
    folder = data_folder(tmp_path, "---\nconfigs: " + json.dumps(CONFIGS) + "\nlicense: mit\n---\nold text\n")
    arguments = WriteCardArguments(
        folder=str(folder), template="dataset", results=results(hit_result("BAAI/AltCLIP", None)), repo_id="org/rows"
    )
    for _ in range(2):  # writing the card again changes nothing
        path = write_card(arguments)
        card = DatasetCard.load(path)
        assert card.data.to_dict()["configs"] == CONFIGS
        assert card.data.license == "mit"
        text = path.read_text(encoding="utf-8")
        assert "old text" not in text and "`with_markings`, `letters_only`." in text
        assert 'load_dataset("org/rows", "letters_only")' in text and "BAAI/AltCLIP" in results_section(text)
        assert "| `id` |" in text and "unheard_of" not in text
        assert stated_numbers(text) <= allowed_numbers(hit_result("BAAI/AltCLIP", None))


def test_dataset_card_without_earlier_readme(tmp_path):
    path = write_card(
        WriteCardArguments(folder=str(data_folder(tmp_path, None)), template="dataset", dataset="org/raw")
    )
    data = DatasetCard.load(path).data.to_dict()
    assert 'load_dataset("rows")' in path.read_text(encoding="utf-8")
    assert "configs" not in data and data["source_datasets"] == ["org/raw"]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (("caption", "rule_captions"), "Plane geometry figures with captions"),
        (("prompt", "completion"), "Prompts about plane geometry figures"),
        (("anything",), "Plane geometry, for training"),
    ],
)
def test_dataset_card_speaks_of_what_the_columns_hold(columns, told, tmp_path):
    folder = data_folder(tmp_path, None)
    pq.write_table(pa.table({name: ["a"] for name in columns}), folder / "train-0.parquet")
    path = write_card(WriteCardArguments(folder=str(folder), template="dataset"))
    text, data, negatives = path.read_text(encoding="utf-8"), DatasetCard.load(path).data, "rule_captions" in columns
    assert told in text and ("egatives" in text) is negatives
    assert data.tags == ["geometry", "hard-negatives"][: 1 + negatives]
    assert ("zero-shot-image-classification" in data.task_categories) is negatives


def test_unreadable_metadata_is_not_overwritten(tmp_path):
    folder = data_folder(tmp_path, "---\nconfigs: [\n---\n")
    with pytest.raises(ValueError, match="cannot be read"):
        write_card(WriteCardArguments(folder=str(folder), template="dataset"))
    assert "configs: [" in (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folder": "nowhere"}, "is no folder"),
        ({"template": "mmgeolm"}, "of kind 'mmclip', and the template is for 'mmgeolm'"),
        ({"template": "dataset"}, "of kind 'mmclip', and the template is for 'dataset'"),
        ({"template": "poster"}, "choose one of mmclip, mmgeolm, .*, processor, dataset"),
    ],
)
def test_what_does_not_fit_is_said(model, change, message):
    with pytest.raises(ValueError, match=message):
        write_card(WriteCardArguments(**{"folder": str(model("mmclip")), "template": "mmclip"} | change))


@pytest.mark.parametrize("content", ["{", "[]", '{"measure": "speed"}', '{"measure": "hit_at_1", "model": "a"}'])
def test_other_files_are_no_results(model, tmp_path, content):
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(ValueError, match=r"r\.json is no"):
        write_card(
            WriteCardArguments(folder=str(model("mmclip")), template="mmclip", results=[str(tmp_path / "r.json")])
        )


def test_command_line(model, results, monkeypatch, capsys):
    folder = model("mmclip")
    files = results(hit_result("a/b", None), hit_result("c/d", None))
    line = ["write_card", "--folder", str(folder), "--template", "mmclip", "--results", *files]
    monkeypatch.setattr(sys, "argv", line)
    run_command(main)
    assert "README.md" in capsys.readouterr().out
    section = results_section((folder / "README.md").read_text(encoding="utf-8"))
    assert "a/b" in section and "c/d" in section
    monkeypatch.setattr(sys, "argv", [*line, "missing.json"])
    with pytest.raises(SystemExit) as ended:
        run_command(main)
    assert ended.value.code == 2 and "missing.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "public"), [("BAAI/AltCLIP", "BAAI/AltCLIP"), ("/data/x/run-3", "run-3"), ("./m", "m")]
)
def test_public_name(name, public):
    assert public_name(name) == public
