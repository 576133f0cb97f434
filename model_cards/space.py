"""Make a folder that is ready to be pushed as a Hugging Face Space: the page, its package and its models.

    python -m model_cards.space --output_dir space
    python -m model_cards.push --folder space --repo_id you/mmgeo

The folder holds app.py, the packages it imports, requirements.txt with the versions of constraints.txt, the models in
`checkpoints/`, where app.py finds them, and a README.md whose metadata tells the Hub how to run it.

Promise: a folder that is there is whole and was checked as a push checks it; the models in it are fit for the Hub.
"""

import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import SpaceCardData
from packaging.requirements import Requirement
from trl import TrlParser

from data_scripts.cli import run_command
from model_cards.export import check_free, finished_folder
from model_cards.folder_check import CHECKPOINTS, check_folder
from model_cards.push import readable_size
from model_cards.write_card import render_template
from trainers.adapter_parts import read_parts

ROOT = Path(__file__).parents[1]
APP, CONSTRAINTS, PROJECT = "app.py", "constraints.txt", "pyproject.toml"
TITLE = "mmgeo"
PYTHON = "3.11"
# Spaces have no GPU unless one is paid for, and PyPI's build of torch brings gigabytes for one.
CPU_BUILDS = "--extra-index-url https://download.pytorch.org/whl/cpu"


@dataclass
class SpaceArguments:
    """Make a folder that is ready to be pushed as a Hugging Face Space."""

    output_dir: str = field(metadata={"help": "Folder for the Space; must not exist, or be empty."})
    mmclip: str = field(
        default="checkpoints/mmclip-tiny", metadata={"help": "Folder of the MMCLIP to show; empty for none."}
    )
    mmgeolm: str = field(
        default="checkpoints/mmgeolm-tiny",
        metadata={"help": "Folder of the MMGeoLM, or of an adapter of one, to ask; empty for none."},
    )
    models: list[str] = field(
        default_factory=list, metadata={"help": "Hub ids of these models, to be linked from the Space."}
    )


def project_file(name: str) -> str:
    """A file of the checkout.

    Raises:
        ValueError: if there is none, as where the package was installed without it.
    """
    path = ROOT / name
    if not path.is_file():
        raise ValueError(f"there is no {path}: make the Space in a checkout of the repository")
    return path.read_text(encoding="utf-8")


def pinned_requirements() -> dict[str, Requirement]:
    """What the page needs, by name, with the versions of constraints.txt where it has them."""
    lines = (line.partition("#")[0].strip() for line in project_file(CONSTRAINTS).splitlines())
    pins = {pin.name: pin.specifier for pin in map(Requirement, filter(None, lines))}
    project = tomllib.loads(project_file(PROJECT))["project"]
    needed = [Requirement(line) for line in (*project["dependencies"], *project["optional-dependencies"]["app"])]
    for requirement in needed:
        requirement.specifier = pins.get(requirement.name, requirement.specifier)
    return {requirement.name: requirement for requirement in needed}


def rooms() -> list[str]:
    """The project's packages."""
    packages = tomllib.loads(project_file(PROJECT))["tool"]["setuptools"]["packages"]["find"]["include"]
    return [pattern.removesuffix("*") for pattern in packages]


def copy_model(folder: Path, target: Path) -> None:
    """Copy what of a model's folder would go to the Hub. Raises ValueError as `check_folder`."""
    for name in check_folder(folder).files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target / name)


def language_model(arguments: SpaceArguments) -> str | None:
    """The Hub id of the language model that an adapter needs.

    Raises:
        ValueError: if that is not on the Hub, or the MMCLIP it needs is not the one beside it in the Space.
    """
    parts = read_parts(arguments.mmgeolm) if arguments.mmgeolm else None
    if parts is None:
        return None
    if "/" not in parts.mmclip and parts.mmclip != Path(arguments.mmclip).absolute().name:
        raise ValueError(f"{arguments.mmgeolm} sees through {parts.mmclip}: give its folder as --mmclip")
    if "/" not in parts.llm:
        raise ValueError(f"{arguments.mmgeolm} needs {parts.llm}: a Space loads its language model from the Hub")
    return parts.llm


def render_readme(arguments: SpaceArguments, sdk_version: str, llm: str | None) -> str:
    """README.md of the Space, with the metadata by which the Hub runs it."""
    data = SpaceCardData(
        title=TITLE,
        emoji="📐",
        colorFrom="blue",
        colorTo="gray",
        sdk="gradio",
        sdk_version=sdk_version,
        python_version=PYTHON,
        app_file=APP,
        license="apache-2.0",
        short_description="Vision that can tell ∠ABC from ∠ACB",
        models=[*arguments.models, *filter(None, [llm])] or None,
        tags=["geometry", "clip", "hard-negatives", "multimodal"],
    )
    names = {
        kind: Path(folder).absolute().name if folder else None
        for kind, folder in (("mmclip", arguments.mmclip), ("mmgeolm", arguments.mmgeolm))
    }
    return render_template("space", card_data=data.to_yaml(), title=TITLE, llm=llm, **names)


def make_space(arguments: SpaceArguments) -> str:
    """Make the folder; returns one line that says what was done.

    Raises:
        ValueError: if a model is not there or not fit for the Hub, or the output is taken.
    """
    target = Path(arguments.output_dir)
    check_free(target)
    llm = language_model(arguments)
    requirements = pinned_requirements()
    (version,) = (specifier.version for specifier in requirements["gradio"].specifier)
    with finished_folder(target) as unfinished:
        (unfinished / APP).write_text(project_file(APP), encoding="utf-8")
        (unfinished / "README.md").write_text(render_readme(arguments, version, llm), encoding="utf-8")
        lines = (CPU_BUILDS, *map(str, requirements.values()))
        (unfinished / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for room in rooms():
            shutil.copytree(ROOT / room, unfinished / room, ignore=shutil.ignore_patterns("__pycache__"))
        for folder in filter(None, (arguments.mmclip, arguments.mmgeolm)):
            copy_model(Path(folder), unfinished / CHECKPOINTS / Path(folder).absolute().name)
        contents = check_folder(unfinished)
    return f"written to {target}: {len(contents.files)} files, {readable_size(contents.size)}"


def main() -> None:
    (arguments,) = TrlParser(SpaceArguments).parse_args_and_config()
    print(make_space(arguments))


if __name__ == "__main__":
    run_command(main)
