"""What a build says of its options: places, the command that makes the rows again, options without effect."""

from dataclasses import dataclass, field

import pytest

from data_scripts.build_alignment import AlignmentArguments
from data_scripts.build_hard_negatives import BuildArguments
from data_scripts.build_options import options_for_rows, rebuild_command, refuse_without_effect, told_apart
from data_scripts.build_sft import SftArguments
from data_scripts.decontaminate import DecontaminateArguments
from data_scripts.retrieve_images import RetrieveImagesArguments


@dataclass
class Options:
    output_dir: str
    source: str = "ours"
    path: str | None = None
    against: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=lambda: ["a", "b"])
    num_workers: int = 1

    def for_rows(self) -> dict[str, object]:
        return options_for_rows(self, places=("path", "against"))


def test_places_are_told_apart_by_name_and_size(tmp_path, monkeypatch):
    file = tmp_path / "rows.json"
    file.write_text("12345")
    assert told_apart(str(file)) == "rows.json (5 bytes)"
    file.write_text("123456")
    assert told_apart(str(tmp_path)) == f"{tmp_path.name} (6 bytes)"
    monkeypatch.chdir(tmp_path)
    assert told_apart(".") == f"{tmp_path.name} (6 bytes)"
    assert told_apart(None) is None and told_apart("owner/rows") == "owner/rows"
    options = Options("out", path=str(file), against=[str(file), "owner/rows"], num_workers=7).for_rows()
    told = {"path": "rows.json (6 bytes)", "against": ["rows.json (6 bytes)", "owner/rows"]}
    assert options == {"source": "ours", "kinds": ["a", "b"], **told}


def test_the_command_holds_what_is_not_at_its_default(tmp_path):
    (tmp_path / "my rows").mkdir()
    assert rebuild_command("build", Options("out"), always=("source",)) == "python -m data_scripts.build --source ours"
    args = Options("out", path=str(tmp_path / "my rows"), kinds=["b"], against=["owner/a", "owner/b"])
    changed = "--path 'my rows' --against owner/a owner/b --kinds b"
    assert rebuild_command("build", args, ("source", "path")) == (
        f"python -m data_scripts.build --source ours {changed}"
    )


def test_an_option_without_effect_is_refused():
    table = (("path", "source", ("theirs", "others")), ("kinds", "source", ("ours",)))
    refuse_without_effect(Options("out"), table)
    refuse_without_effect(Options("out", source="theirs", path="x"), table)
    with pytest.raises(ValueError, match="--path has no effect with --source ours, only with theirs, others"):
        refuse_without_effect(Options("out", path="x"), table)
    with pytest.raises(ValueError, match="--kinds has no effect with --source theirs, only with ours: leave it out"):
        refuse_without_effect(Options("out", source="theirs", kinds=["a"]), table)


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (BuildArguments, {"source": "hard_negatives", "path": "{}"}),
        (AlignmentArguments, {"source": "hard_negatives", "path": "{}"}),
        (SftArguments, {"source": "reference", "path": "{}"}),
        (DecontaminateArguments, {"dataset": "{}", "against": ["GeoQA"]}),
        (RetrieveImagesArguments, {"dataset": "{}"}),
    ],
)
def test_no_data_set_is_written_over_the_one_it_is_made_of(arguments, given, tmp_path):
    given = {name: value.format(tmp_path) if isinstance(value, str) else value for name, value in given.items()}
    with pytest.raises(ValueError, match="are the same folder"):
        arguments(output_dir=str(tmp_path / "sub" / ".."), **given)
    arguments(output_dir=str(tmp_path / "sub"), **given)
