"""Write the Hub card (README.md) of a finished model, adapter, processor or data set.

    python -m model_cards.write_card --folder F --template mmclip --results hit_at_1.json --base_model BAAI/AltCLIP

The card says what the thing is, what it is for and where it ends, what it was trained on, how to load it in three
lines, and whom to cite. It states no figure that a given result file does not hold: without `--results` it says that
nothing was measured. Results of other models are shown for comparison; only those of the folder's own weights enter
the metadata. The card of a data set also shows what its `build_report.json` counted, and keeps the metadata that the
build wrote into README.md.
"""

import os
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jinja2
from huggingface_hub import DatasetCard, DatasetCardData, ModelCard, ModelCardData
from trl import TrlParser

import evaluation
from data_scripts.cli import run_command
from evaluation.result_tables import (
    HUB_ID,
    ResultTable,
    eval_results,
    is_of_folder,
    public_name,
    read_results,
    result_tables,
)
from model_cards.card_statistics import (
    REPORT,
    column_names,
    column_table,
    config_statistics,
    contact_sheets,
    hold_negatives,
    licence_metadata,
    read_build_report,
    shortcut_table,
    source_table,
)
from model_cards.folder_check import adapter_base, folder_kind, read_metadata
from trainers.adapter_parts import read_parts

TEMPLATES = {
    "mmclip": {
        "library_name": "transformers",
        "pipeline_tag": "zero-shot-image-classification",
        "tags": ["geometry", "clip", "hard-negatives"],
    },
    "mmgeolm": {
        "library_name": "transformers",
        "pipeline_tag": "image-text-to-text",
        "tags": ["geometry", "llava", "multimodal"],
    },
    "llava": {
        "library_name": "transformers",
        "pipeline_tag": "image-text-to-text",
        "tags": ["geometry", "llava", "multimodal"],
    },
    "dual_encoder": {
        "library_name": "transformers",
        "pipeline_tag": "zero-shot-image-classification",
        "tags": ["geometry", "clip", "hard-negatives"],
    },
    "sentence_transformer": {
        "library_name": "sentence-transformers",
        "pipeline_tag": "feature-extraction",
        "tags": ["geometry", "sentence-transformers", "clip", "hard-negatives"],
    },
    "adapter": {
        "library_name": "peft",
        "pipeline_tag": "image-text-to-text",
        "tags": ["geometry", "lora", "multimodal"],
    },
    "processor": {"library_name": "transformers", "tags": ["geometry", "processor"]},
    "dataset": {"task_categories": ["image-text-to-text"], "tags": ["geometry"]},
}
HARD_NEGATIVES = {  # a data set that holds some
    "task_categories": ["zero-shot-image-classification", "image-text-to-text"],
    "tags": ["geometry", "hard-negatives"],
}
KEPT_METADATA = ("configs", "dataset_info")  # written by the data builds: they say which files are which split
LICENCE_METADATA = ("license", "license_name", "license_link")  # theirs as well, where no report names the sources


@dataclass
class WriteCardArguments:
    """Write the Hub card of a folder: README.md with metadata, from a template and from result files."""

    folder: str = field(metadata={"help": "Folder of the saved model, or of the data set's parquet files."})
    template: str = field(metadata={"help": "What the folder holds.", "choices": list(TEMPLATES)})
    results: list[str] = field(
        default_factory=list,
        metadata={"help": "Result files of evaluation: of Hit@1, the exam, robustness, answers and benchmarks."},
    )
    base_model: str | None = field(
        default=None,
        metadata={"help": "Hub id of what training started from, such as BAAI/AltCLIP; an adapter names its own."},
    )
    dataset: str | None = field(
        default=None, metadata={"help": "Training data of a model, or source of a data set: a Hub id or a folder."}
    )
    license: str = field(
        default="apache-2.0",
        metadata={"help": "Licence of a model's weights, by the Hub's id; a data set has that of its sources."},
    )
    repo_id: str | None = field(
        default=None,
        metadata={"help": "Hub id the folder will have, for the loading example; else the folder's name."},
    )


def render_card(arguments: WriteCardArguments) -> str:
    """The card's text.

    Raises:
        ValueError: if the folder does not hold what the template is for, or a result file or the build report is none.
        FileNotFoundError: if a result file does not exist.
    """
    folder = Path(arguments.folder)
    check_template(folder, arguments.template)
    if arguments.template == "adapter" and arguments.base_model is None:
        arguments = replace(arguments, base_model=adapter_base(folder) or None)
    results = read_results(arguments.results)
    repo_id = arguments.repo_id or folder.resolve().name
    shown = {
        "name": repo_id.rpartition("/")[-1],
        "repo_id": repo_id,
        "base_model": public_name(arguments.base_model) if arguments.base_model else None,
        "dataset": public_name(arguments.dataset) if arguments.dataset else None,
        "tables": result_tables(results),
        "parts": read_parts(str(folder)) if arguments.template == "adapter" else None,
    }
    if arguments.template == "dataset":
        report = read_build_report(folder)
        data, card_class = dataset_metadata(folder, repo_id, arguments.dataset, report), DatasetCard
        shown |= dataset_facts(folder, data, report)
    else:
        shown |= {"license": arguments.license, "sources": training_sources(arguments.dataset)}
        own = [result for result in results if is_of_folder(result, folder)]
        data, card_class = model_metadata(arguments, repo_id, own), ModelCard
    text = render_template(arguments.template, card_data=data.to_yaml(), **shown)
    card_class(text)  # raises ValueError if the metadata does not parse
    return text


def render_template(template: str, /, **shown: Any) -> str:
    """A card by the template of that name in this folder; what it shows must all be given."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([Path(__file__).parent, *evaluation.__path__]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(f"{template}.md.jinja").render(**shown)


def training_sources(dataset: str | None) -> ResultTable | None:
    """The sources of the training data with their licences, where it is a folder whose build names them."""
    return source_table(read_build_report(Path(dataset))) if dataset and Path(dataset).is_dir() else None


def check_template(folder: Path, template: str) -> None:
    """Raises ValueError unless the folder holds what the template is for."""
    if template not in TEMPLATES:
        raise ValueError(f"no template {template!r}: choose one of {', '.join(TEMPLATES)}")
    if (kind := folder_kind(folder)) != template:
        raise ValueError(f"{folder} holds something of kind {kind!r}, and the template is for {template!r}")


def model_metadata(arguments: WriteCardArguments, repo_id: str, own_results: list[dict]) -> ModelCardData:
    """YAML metadata of a model. `base_model` and `datasets` must be Hub ids there; anything else stays in the text."""
    facts = TEMPLATES[arguments.template]
    return ModelCardData(
        license=arguments.license,
        language="en",
        **facts,
        base_model=_hub_id(arguments.base_model),
        datasets=[_hub_id(arguments.dataset)] if _hub_id(arguments.dataset) else None,
        model_name=repo_id.rpartition("/")[-1],
        eval_results=eval_results(own_results, facts.get("pipeline_tag", "other")) or None,
    )


def dataset_metadata(folder: Path, repo_id: str, source: str | None, report: dict[str, Any]) -> DatasetCardData:
    """YAML metadata of a data set, with what the build wrote about its configurations and licence.

    Raises:
        ValueError: if the folder has a README.md whose metadata cannot be read: overwriting it would lose the splits.
    """
    readme = folder / "README.md"
    found = read_metadata(readme) if readme.exists() else {}
    facts = HARD_NEGATIVES if hold_negatives(column_names(folder)) else TEMPLATES["dataset"]
    licence = licence_metadata(report) or {name: found[name] for name in LICENCE_METADATA if name in found}
    return DatasetCardData(
        language="en",
        pretty_name=repo_id.rpartition("/")[-1],
        source_datasets=[_hub_id(source)] if _hub_id(source) else None,
        **facts,
        **{name: found[name] for name in KEPT_METADATA if name in found},
        **licence,
    )


def dataset_facts(folder: Path, data: DatasetCardData, report: dict[str, Any]) -> dict[str, Any]:
    """What the template of a data set shows: how to load it, its columns, and the build's own figures."""
    command, intended_use = report.get("command"), report.get("intended_use")
    names = column_names(folder)
    return {
        "configs": [
            {"name": config.get("config_name", "default"), "split": _first_split(config)}
            for config in data.get("configs") or []
        ],
        "columns": column_table(names),
        "captions": "caption" in names,
        "questions": "prompt" in names,
        "negatives": hold_negatives(names),
        "contact_sheets": contact_sheets(folder),
        "statistics": config_statistics(report),
        "shortcuts": shortcut_table(report),
        "sources": source_table(report),
        "command": command if isinstance(command, str) else None,
        "intended_use": intended_use if isinstance(intended_use, str) else None,
        "report_name": REPORT,
    }


def _first_split(config: dict[str, Any]) -> str:
    files = config.get("data_files")
    first = files[0] if isinstance(files, list) and files else None
    return first.get("split", "train") if isinstance(first, dict) else "train"


def _hub_id(name: str | None) -> str | None:
    return name if name and HUB_ID.fullmatch(name) and not Path(name).exists() else None


def write_card(arguments: WriteCardArguments) -> Path:
    """Render the card and put it into the folder in one step; returns its path. Raises as `render_card`."""
    text = render_card(arguments)
    path = Path(arguments.folder) / "README.md"
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".README.md.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def main() -> None:
    (arguments,) = TrlParser(WriteCardArguments).parse_args_and_config()
    print(f"written to {write_card(arguments)}")


if __name__ == "__main__":
    run_command(main)
