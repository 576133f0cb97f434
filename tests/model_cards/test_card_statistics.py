"""The figures of a data set's card are those of its build report: all of them, and no others."""

import json
import re
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard
from hypothesis import given, settings
from hypothesis import strategies as st

from model_cards.card_statistics import (
    config_statistics,
    licence_metadata,
    read_build_report,
    shortcut_table,
    source_table,
)
from model_cards.write_card import WriteCardArguments, write_card
from tests.model_cards.folders import CONFIGS, SPLITS, report, rows_folder


def tables_of(text: str) -> list[dict[str, dict[str, str]]]:
    """Markdown tables of a card as {first cell: {column: cell}}."""
    tables = []
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        lines = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block.splitlines()]
        header = lines[0][1:]
        assert all(len(line) == len(lines[0]) for line in lines)
        tables.append({line[0]: dict(zip(header, line[1:], strict=True)) for line in lines[2:]})
    return tables


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> str:
    return (rows_folder(tmp_path_factory.mktemp("card") / "rows") / "README.md").read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_statistics_equal_the_report(card: str) -> None:
    for config in CONFIGS:
        shown: dict[str, dict[str, str]] = {}
        for table in tables_of(section(card, "Statistics").split(f"### `{config}`")[1].split("### ")[0]):
            shown |= table
        for split in SPLITS:
            told = report()["configs"][config][split]
            expected = {"rows asked for": told["asked"], **told["kept"], **told["dropped"], **told["caption words"]}
            found = {name.replace("\\|", "|"): cells[split].replace(",", "") for name, cells in shown.items()}
            assert found == {name: str(count) for name, count in expected.items()}


def test_shortcuts_licence_rebuild_and_picture(card: str) -> None:
    shortcuts = section(card, "Shortcuts")
    assert shortcuts.count("| ink | 0.503 | 0.497 | 5,000 |") == 1
    assert "| letters_only | style | 0.491 |  | 5,001 |" in shortcuts
    assert "| procedural | Figures of this project | apache-2.0 |" in section(card, "Where the rows come from")
    assert report()["command"] in section(card, "How to rebuild")
    assert "](contact_sheet.png)" in card
    data = DatasetCard(card).data.to_dict()
    assert data["license"] == "apache-2.0"  # of the sources, not of the build's short README
    assert [config["config_name"] for config in data["configs"]] == list(CONFIGS)


def test_how_to_load_each_config(card: str) -> None:
    load = section(card, "How to load")
    for config in CONFIGS:
        assert f'load_dataset("org/rows", "{config}")' in load
        assert f'load_dataset("org/rows", "{config}", split="train", streaming=True)' in load
    assert "| `negative_images` |" in section(card, "Columns")


def test_no_number_from_elsewhere(card: str) -> None:
    text = section(card, "Statistics") + section(card, "Shortcuts")
    allowed = set(re.findall(r"\d+(?:\.\d+)?", json.dumps(report()))) | {"0.503", "0.497", "0.491"}
    assert set(re.findall(r"\d+(?:\.\d+)?", text.replace(",", ""))) <= allowed


COUNTS = st.dictionaries(
    st.sampled_from(["rows", "image negatives", "image edit: order", "rule edit: value", "questions", "a|b"]),
    st.integers(0, 10**7),
)
ANYTHING = st.none() | st.booleans() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
SPLIT = st.fixed_dictionaries({}, optional={"asked": st.integers(0, 99), "kept": COUNTS | ANYTHING, "dropped": COUNTS})
REPORTS = st.fixed_dictionaries(
    {},
    optional={
        "configs": st.dictionaries(st.sampled_from(CONFIGS), st.dictionaries(st.sampled_from("ab"), SPLIT | ANYTHING))
        | ANYTHING,
        "sources": st.dictionaries(st.sampled_from("xyz"), st.fixed_dictionaries({"license": ANYTHING}) | ANYTHING)
        | ANYTHING,
        "shortcuts": st.dictionaries(
            st.sampled_from(CONFIGS), st.dictionaries(st.just("ink"), st.just({"auc": 0.5}) | ANYTHING) | ANYTHING
        ),
    },
)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(REPORTS)
def test_any_report_is_read_and_counts_survive(found: dict) -> None:
    shortcut_table(found)
    source_table(found)
    assert licence_metadata(found).get("license", "other")
    shown = {statistics.name: statistics for statistics in config_statistics(found)}
    configs = found.get("configs")
    for config, splits in configs.items() if isinstance(configs, dict) else ():
        if not isinstance(splits, dict):
            continue
        splits = {name: split for name, split in splits.items() if isinstance(split, dict)}
        expected = {}
        for name, split in splits.items():
            for topic in ("kept", "dropped"):
                counts = split.get(topic)
                for key, count in (counts if isinstance(counts, dict) else {}).items():
                    expected[topic == "dropped", key.replace("|", "\\|"), name] = count
            if "asked" in split:
                expected[False, "rows asked for", name] = split["asked"]
        cells = {}
        for table in shown[config].tables if config in shown else ():
            for first, *values in table.rows:
                for name, value in zip(table.header[1:], values, strict=True):
                    if value:
                        cells[table.title.startswith("Dropped"), first, name] = int(value.replace(",", ""))
        assert cells == expected


@pytest.mark.parametrize(
    ("licences", "metadata"),
    [
        (["mit"], {"license": "mit"}),
        (["mit", "mit"], {"license": "mit"}),
        (["mit", "apache-2.0"], {"license": "other", "license_name": "several-see-the-table-of-sources"}),
        ([None], {"license": "unknown"}),
        (["Research only!"], {"license": "other", "license_name": "research-only"}),
        ([], {}),
    ],
)
def test_licence(licences: list[str | None], metadata: dict[str, str]) -> None:
    sources = {f"s{number}": {"license": licence} for number, licence in enumerate(licences)}
    assert licence_metadata({"sources": sources}) == metadata


def test_mixed_licences_in_a_card(tmp_path: Path) -> None:
    folder = rows_folder(tmp_path / "rows", card=False)
    told = report()
    told["sources"]["geometry3k"] = {"license": "mit", "name": "Geometry3K", "url": "https://example.org"}
    (folder / "build_report.json").write_text(json.dumps(told))
    text = write_card(WriteCardArguments(folder=str(folder), template="dataset")).read_text(encoding="utf-8")
    assert DatasetCard(text).data.license == "other"
    assert "| geometry3k | Geometry3K | mit | https://example.org |" in text

    del told["sources"]["procedural"]  # a rebuild from one source: nothing of the mixture stays
    (folder / "build_report.json").write_text(json.dumps(told))
    data = DatasetCard.load(write_card(WriteCardArguments(folder=str(folder), template="dataset"))).data
    assert data.license == "mit" and "license_name" not in data.to_dict()


def test_without_a_report_nothing_is_claimed(tmp_path: Path) -> None:
    folder = rows_folder(tmp_path / "rows", card=False)
    (folder / "build_report.json").unlink()
    (folder / "contact_sheet.png").unlink()
    text = write_card(WriteCardArguments(folder=str(folder), template="dataset")).read_text(encoding="utf-8")
    for absent in ("Statistics", "Shortcuts", "How to rebuild", "contact_sheet"):
        assert absent not in text
    assert DatasetCard(text).data.license == "mit"  # the build's


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_broken_report_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "build_report.json").write_text(content)
    with pytest.raises(ValueError, match="build_report.json"):
        read_build_report(tmp_path)
