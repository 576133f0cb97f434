"""The command that builds questions: what it writes, that it is the same again, what it leaves out, how it refuses."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, load_dataset
from PIL import Image

from data_scripts import build_sft, shards
from data_scripts.build_sft import FEATURES, SftArguments, build, build_row, main
from data_scripts.cli import run_command
from data_scripts.decontamination import overlap
from data_scripts.diagram.drawing import rasterise
from data_scripts.diagram.script import from_script
from data_scripts.questions import KINDS

from .samples import fake_encode
from .sources.layouts import qa_rows, write_images, write_rows

SMALL = {"num_rows": 9, "num_test_rows": 3, "image_size": 112, "num_workers": 1}
OPTIONS = {"kinds": list(KINDS), "multiple_choice": 0.5, "image_size": 112, "seed": 0}


@pytest.fixture(autouse=True)
def small_and_offline(monkeypatch):
    monkeypatch.setattr(shards, "SHARD_SIZE", 4)
    monkeypatch.setattr("data_scripts.decontaminate.encode", lambda encoder, texts: fake_encode(texts))


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, dict]:
    """A small data set that the tests below only read."""
    folder = tmp_path_factory.mktemp("built") / "sft"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_SIZE", 4)
        return folder, build(SftArguments(str(folder), **SMALL))


def parquet_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "default").iterdir())}


def of(counts: dict, name: str) -> dict[str, int]:
    """Counts of the rows by kind, format or letter."""
    return {k.removeprefix(f"{name}: "): n for k, n in counts["kept"].items() if k.startswith(f"{name}: ")}


def train(report: dict) -> dict:
    return report["configs"]["default"]["train"]


def test_a_row_is_conversational_and_boxed():
    for index in range(12):
        row = build_row(index, "train", **OPTIONS)
        assert set(row) == set(FEATURES)
        (asked,), (answered,) = row["prompt"], row["completion"]
        assert (asked["role"], answered["role"]) == ("user", "assistant")
        assert answered["content"].endswith(f"\\boxed{{{row['answer']}}}")
        assert len(row["images"]) == 1 and row["kind"] in KINDS
        assert len(row["choices"]) in (0, 4)
        assert row["value"] == (row["choices"]["ABCD".index(row["answer"])] if row["choices"] else row["answer"])
        assert row == build_row(index, "train", **OPTIONS)
        figure = np.asarray(Image.open(io.BytesIO(row["images"][0]["bytes"])).convert("L"), dtype=int)
        redrawn = np.asarray(
            Image.fromarray(np.asarray(rasterise(from_script(row["script"])))).convert("L"), dtype=int
        )
        assert redrawn.shape == figure.shape and abs(redrawn - figure).mean() < 1  # up to the script's rounding


def test_every_kind_has_room_on_small_figures():
    for kind in KINDS:
        row = build_row(0, "train", **{**OPTIONS, "kinds": [kind]})
        assert row["kind"] == kind


def test_loads_with_the_promised_features(built, tmp_path):
    folder, report = built
    data = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert {name: len(split) for name, split in data.items()} == {"train": 9, "test": 3}
    assert data["train"].features == FEATURES
    assert not set(data["train"]["id"]) & set(data["test"]["id"])
    assert data["train"][0]["images"][0].size == (112, 112)
    for split, counts in report["configs"]["default"].items():
        kinds, formats, letters = (of(counts, name) for name in ("kind", "format", "letter"))
        assert counts["asked"] == sum(kinds.values()) == sum(formats.values()) == len(data[split])
        assert formats.get("multiple choice", 0) == sum(map(bool, data[split]["choices"]))
        assert sum(letters.values()) == formats.get("multiple choice", 0)
    assert json.loads((folder / "build_report.json").read_text()) == report


def test_files_are_named_by_their_content_and_nothing_else_is_left(built):
    folder, _ = built
    assert {p.name for p in folder.iterdir()} == {"default", "README.md", "build_report.json"}
    names = sorted(p.name for p in (folder / "default").iterdir())
    (digest,) = {name.removesuffix(".parquet").split("-")[-1] for name in names}
    assert names == [
        f"test-00000-of-00001-{digest}.parquet",
        f"train-00000-of-00001-{digest}.parquet",
    ]
    assert f"default/train-*-{digest}.parquet" in (folder / "README.md").read_text()


def test_the_same_bytes_with_two_workers(built, tmp_path):
    build(SftArguments(str(tmp_path / "sft"), **{**SMALL, "num_workers": 2}))
    assert parquet_bytes(tmp_path / "sft") == parquet_bytes(built[0])


def test_the_same_bytes_after_an_interruption(built, tmp_path, monkeypatch):
    made, build_shard = [], build_sft.figure_shard

    def interrupted(figures, **options):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append((options["split"], tuple(figures)))
        return build_shard(figures, **options)

    def counted(figures, **options):
        made.append((options["split"], tuple(figures)))
        return build_shard(figures, **options)

    arguments = SftArguments(str(tmp_path / "sft"), **SMALL)
    monkeypatch.setattr(build_sft, "figure_shard", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(arguments)
    monkeypatch.setattr(build_sft, "figure_shard", counted)
    build(arguments)
    assert len(made) == len(set(made)), "a finished shard was made again"
    assert parquet_bytes(tmp_path / "sft") == parquet_bytes(built[0])


def test_only_the_kinds_and_formats_asked_for(tmp_path):
    report = build(SftArguments(str(tmp_path / "a"), **SMALL, kinds=["hypotenuse", "midline"], multiple_choice=0.0))
    assert set(of(train(report), "kind")) <= {"hypotenuse", "midline"}
    assert set(of(train(report), "format")) == {"open"}
    report = build(SftArguments(str(tmp_path / "b"), **SMALL, kinds=["leg"], multiple_choice=1.0))
    assert set(of(train(report), "format")) == {"multiple choice"}


def test_a_kind_that_is_named_twice_is_asked_twice_as_often():
    options = {**OPTIONS, "multiple_choice": 0.0, "kinds": ["leg", "leg", "hypotenuse"]}
    legs = sum(build_row(index, "train", **options)["kind"] == "leg" for index in range(120))
    assert 65 < legs < 95  # 80 of 120 are expected, give or take three standard deviations


def planted_test_set(path: Path, splits: dict[str, tuple[int, ...]]) -> Path:
    """A jsonl test set: questions of the given rows with their figures as files beside it."""
    lines = []
    for split, indices in splits.items():
        for index in indices:
            row = build_row(index, split, **OPTIONS)
            name = f"{split}-{index}.png"
            (path.parent / name).write_bytes(row["images"][0]["bytes"])
            question = row["prompt"][0]["content"].split("\n(A)")[0].split(" Put the")[0]
            lines.append(json.dumps({"question": question, "image": name}))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_rows_that_a_test_set_holds_are_left_out_and_made_up_for(built, tmp_path):
    (tmp_path / "exam").mkdir()
    exam = planted_test_set(tmp_path / "exam" / "exam.jsonl", {"train": (1, 5), "test": (0,)})
    arguments = {**SMALL, "decontaminate_against": [str(exam)]}
    report = build(SftArguments(str(tmp_path / "sft"), **arguments))
    data = load_dataset(str(tmp_path / "sft"), cache_dir=str(tmp_path / "cache"))
    plain = load_dataset(str(built[0]), cache_dir=str(tmp_path / "cache"))
    lost = [plain["train"]["id"][i] for i in (1, 5)]
    assert not set(lost) & set(data["train"]["id"]) and len(data["train"]) == 9
    assert set(plain["train"]["id"]) - set(data["train"]["id"]) == set(lost)
    assert plain["test"]["id"][0] not in data["test"]["id"]
    assert train(report)["dropped"] == {"in exam.jsonl: same text and image": 2}
    assert report["num_test_items"] == 3 and report["test_images_skipped"] == {}


def test_another_test_set_is_another_build(built, tmp_path):
    exams = []
    for name, rows in (("a", (1,)), ("b", (2,))):
        (tmp_path / name).mkdir()
        exams.append(str(planted_test_set(tmp_path / name / "exam.jsonl", {"train": rows})))
    one, two = (
        build_sft.fingerprint({"tests": args.test_set(build_sft.read_tests([exam], build_sft.Counter())).digest()})
        for exam in exams
        for args in [SftArguments(str(tmp_path / "sft"), **SMALL)]
    )
    assert one != two


def test_rows_of_any_source_are_compared(tmp_path):
    args = SftArguments(str(tmp_path / "sft"), **SMALL)
    rows = [build_row(i, "train", **OPTIONS) for i in range(3)]
    rows[2]["images"] = []  # a question that stands alone
    Dataset.from_list([{"question": rows[2]["prompt"][0]["content"]}]).to_json(tmp_path / "exam.jsonl")
    tests = args.test_set(build_sft.read_tests([str(tmp_path / "exam.jsonl")], build_sft.Counter()))
    first, second, third = build_sft.reasons_to_drop(rows, tests)
    assert first == second == "" and third.startswith("in exam.jsonl: same ")


def test_questions_of_a_public_set(tmp_path):
    rows = qa_rows(40)
    rows[7]["image"] = "geoqa_plus/missing.png"
    write_rows(tmp_path / "Geo170K" / "qa_tuning.json", rows)
    write_images(tmp_path / "Geo170K" / "images", {f"geoqa_plus/{n}.png": n for n in range(40)})
    options = {"source": "geo170k", "path": str(tmp_path / "Geo170K"), "num_rows": 16, "num_test_rows": 4}
    report = build(SftArguments(str(tmp_path / "sft"), num_workers=1, **options))
    data = load_dataset(str(tmp_path / "sft"), cache_dir=str(tmp_path / "cache"))
    assert data["train"].features == FEATURES and len(data["train"]) == 16
    assert not set(data["train"]["id"]) & set(data["test"]["id"])
    row = data["train"][0]
    assert row["answer"] in "ABC" and row["value"] == row["choices"]["ABC".index(row["answer"])]
    assert row["completion"][0]["content"].endswith(f"\\boxed{{{row['answer']}}}")
    assert train(report)["dropped"] == {"image: missing": 1} and report["sources"]["geo170k"]["license"] == "unknown"
    with pytest.raises(ValueError, match="unknown source 'riddles'"):
        SftArguments("sft", source="riddles")
    written = [(tmp_path / "sft" / name).read_text() for name in ("build_report.json", "README.md")]
    assert not any(str(tmp_path) in text for text in written), "a path of this machine"
    assert report["command"].endswith("--source geo170k --num_rows 16 --path Geo170K --num_test_rows 4")
    write_rows(tmp_path / "Geo170K" / "qa_tuning.json", rows[:12])
    fewer = build(SftArguments(str(tmp_path / "sft"), num_workers=1, **options))
    assert train(fewer)["kept"]["rows"] < 12, "the file has changed and was not read"


def test_the_report_names_the_command_that_rebuilds_it(tmp_path):
    changed = {"kinds": ["leg", "hypotenuse"], "multiple_choice": 0.25, "image_size": 112}
    args = SftArguments(str(tmp_path / "sft"), num_rows=2, num_test_rows=1, num_workers=1, **changed)
    command = "python -m data_scripts.build_sft --source procedural --num_rows 2 --kinds leg hypotenuse"
    assert build(args)["command"] == f"{command} --multiple_choice 0.25 --image_size 112"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--kinds", "riddle"], "unknown question kinds ['riddle']"),
        (["--source", "geo170k", "--kinds", "leg"], "--kinds has no effect with --source geo170k"),
        (["--source", "geo170k", "--multiple_choice", "0"], "--multiple_choice has no effect"),
        (["--path", "Geo170K"], "--path has no effect with --source procedural"),
        (["--num_rows", "0"], "--num_rows must be at least 1, not 0"),
        (["--num_test_rows", "-1"], "--num_test_rows must be at least 1, not -1"),
        (["--seed", "-1"], "--seed must be at least 0, not -1"),
        (["--kinds", "base_expressions", "--image_size", "64"], "questions could be drawn (base_expressions: no"),
        (["--multiple_choice", "1.5"], "--multiple_choice must be between 0 and 1, not 1.5"),
        (["--text_threshold", "0"], "--text_threshold must be above 0 and at most 1, not 0"),
        (["--image_threshold", "-1"], "--image_threshold must be at least 0, not -1"),
        (["--decontaminate_against", "no/where/at all"], "cannot load the data set no/where/at all"),
    ],
)
def test_what_the_user_can_put_right_is_one_line(arguments, line, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["build_sft", "--output_dir", str(tmp_path / "rows"), *arguments])
    with pytest.raises(SystemExit) as ended:
        run_command(main)
    said = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2 and said[-1].startswith("error: ") and line in said[-1]


def test_the_command_reports_what_it_made(tmp_path, monkeypatch, capsys):
    arguments = [f"--{k}={v}" for k, v in {**SMALL, "num_rows": 3, "num_test_rows": 1}.items()]
    monkeypatch.setattr("sys.argv", ["build_sft", "--output_dir", str(tmp_path / "rows"), *arguments])
    run_command(main)
    assert re.search(
        r"train: 3 of 3 rows, \d question kinds, \d rows with choices; 0 dropped", capsys.readouterr().out
    )


def test_building_anew_in_a_folder_of_the_same_name_is_not_served_from_the_cache(tmp_path):
    prompts = []
    for place, seed in (("a", 1), ("b", 2)):
        folder = tmp_path / place / "sft"
        build(SftArguments(str(folder), **{**SMALL, "num_rows": 3, "num_test_rows": 1}, seed=seed))
        prompts.append(load_dataset(str(folder), split="train")["prompt"][:])
    assert prompts[0] != prompts[1]


def test_embeddings_are_not_asked_for_where_figures_have_decided(monkeypatch):
    rows = [build_row(i, "train", **OPTIONS) for i in range(4)]
    items = [
        overlap.Item("", row["id"], "Find x.", np.full(overlap.WORDS, i, dtype=np.uint64) * np.uint64(2**63 - 1))
        for i, row in enumerate(rows)
    ]
    tests = overlap.TestSet(items[:1], overlap.Rule(), lambda texts: pytest.fail("texts were encoded"))
    assert tests.overlaps(items[1:2]) == []
